"""How pages and documents ask the store: for a complete answer in a format, in the turn of the client behind them."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from starlette.types import ASGIApp, Receive, Scope, Send

from kg.answers import Answers
from kg.clients import turn_of
from kg.negotiate import Format
from kg.workers.messages import Question

# Answers a query in a format, complete, or raises a refusal.
Ask = Callable[[str, Format], Awaitable[bytes]]

_client: ContextVar[str] = ContextVar("client", default="")


def asking(answers: Answers) -> Ask:
    """Return what asks for answers; those that were given before are at hand."""

    async def ask(query: str, format: Format) -> bytes:
        answer = await answers.submit(Question(query, format=format.media_type), _client.get())
        return answer.file.read(answer.size, 0) if answer.file else answer.body

    return ask


class OnBehalf:
    """Remembers which client a request comes from, so that what is asked for it takes its turn among its questions."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if scope["type"] == "http" and scope.get("client"):
            _client.set(turn_of(scope["client"][0]))
        await self.application(scope, receive, send)
