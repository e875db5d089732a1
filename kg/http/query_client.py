"""How pages and documents ask the store: for a complete answer in a format, in the turn of the client behind them."""

import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from starlette.types import ASGIApp, Receive, Scope, Send

from kg.core.negotiation import JSON, Format
from kg.engine.result_cache import Answers
from kg.engine.wire import Answer, Question
from kg.http.client_address import turn_of

# Answers a query in a format, complete, or raises a refusal.
Ask = Callable[[str, Format], Awaitable[bytes]]
# The same, but what is large stays in its file.
Answering = Callable[[str, Format], Awaitable[Answer]]

# A row of an answer: its values by the names of their variables, as texts.
Row = dict[str, str]
# The same, each value with its type, language or datatype (SPARQL 1.1 Query Results JSON Format, 3.2).
Binding = dict[str, dict[str, str]]

_client: ContextVar[str] = ContextVar("client", default="")


def asking(answers: Answers) -> Ask:
    """Return what asks for answers; those that were given before are at hand."""

    answer_of = answering(answers)

    async def ask(query: str, format: Format) -> bytes:
        answer = await answer_of(query, format)
        return answer.file.read(answer.size, 0) if answer.file else answer.body

    return ask


def answering(answers: Answers) -> Answering:
    """Return what asks for answers and leaves large ones where they are."""

    async def answer_of(query: str, format: Format) -> Answer:
        return await answers.submit(Question(query, format=format.media_type), _client.get())

    return answer_of


async def bindings(ask: Ask, query: str) -> list[Binding]:
    """Return the rows that answer a SELECT query."""
    found: list[Binding] = json.loads(await ask(query, JSON))["results"]["bindings"]
    return found


async def rows(ask: Ask, query: str) -> list[Row]:
    """Return the rows that answer a SELECT query, as texts."""
    return [{name: term["value"] for name, term in row.items()} for row in await bindings(ask, query)]


class OnBehalf:
    """Remembers which client a request comes from, so that what is asked for it takes its turn among its questions."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if scope["type"] == "http" and scope.get("client"):
            _client.set(turn_of(scope["client"][0]))
        await self.application(scope, receive, send)
