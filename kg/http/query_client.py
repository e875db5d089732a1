"""How pages and documents ask the store: for a complete answer in a format, in the turn of the client behind them.

Stored queries about other things than those that stand in them: the lines `VALUES ?variable { … }` are replaced.

Text of a request becomes part of a query only as a term that the engine itself has checked and written.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from pyoxigraph import Literal, NamedNode
from starlette.types import ASGIApp, Receive, Scope, Send

from kg.core.errors import Problem, QueryError
from kg.core.negotiation import JSON, Format
from kg.core.paths import project_folders
from kg.core.stored_queries import EDITIONS_QUERY, StoredQuery, stored_query, values_line
from kg.core.stored_queries import fill_values as fill_values
from kg.engine.result_cache import ResultCache
from kg.engine.wire import Answer, QueryRequest
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


def asking(answers: ResultCache) -> Ask:
    """Return what asks for answers; those that were given before are at hand."""

    answer_of = answering(answers)

    async def ask(query: str, format: Format) -> bytes:
        answer = await answer_of(query, format)
        return answer.file.read(answer.size, 0) if answer.file else answer.body

    return ask


def answering(answers: ResultCache) -> Answering:
    """Return what asks for answers and leaves large ones where they are."""

    async def answer_of(query: str, format: Format) -> Answer:
        return await answers.submit(QueryRequest(query, format=format.media_type), _client.get())

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


Names = Mapping[str, Mapping[str, str]]
# What stands in such a line: an IRI, another term, or a whole number.
Term = str | NamedNode | Literal | int
_NAMES = "names-of-things"
_AT_ONCE = 500  # things in one question


class Questions:
    """The stored queries of one graph by their names; each is about its newest edition unless another is chosen."""

    def __init__(self, ask: Ask, queries: Iterable[StoredQuery]) -> None:
        self.written = {query.name: query for query in queries}
        self._ask = ask
        self._editions: list[str] | None = None
        self._found: Mapping[str, StoredQuery] = {}

    async def editions(self) -> Sequence[str]:
        """Return the editions of the graph, the newest first; asked once. Raises Refusal where nothing is answered."""
        if self._editions is None:
            self._editions = await editions_of(self._ask)
        return self._editions

    async def named(self) -> Mapping[str, StoredQuery]:
        """Return the queries by their names; raise Refusal where the graph does not tell its editions."""
        newest = next(iter(await self.editions()), "")
        if not self._found:
            self._found = {name: query.for_edition(newest) for name, query in self.written.items()}
        return self._found


async def editions_of(ask: Ask) -> list[str]:
    """Return the editions of a graph, the newest first."""
    return [row["edition"] for row in await rows(ask, EDITIONS_QUERY) if is_iri(row.get("edition", ""))]


def text_of(name: str, **about: Iterable[Term]) -> str:
    """Return a stored query about other things, by variable.

    Raises QueryError where the query has no such line, or is not there; ValueError where a term is none.
    """
    return fill_values(checked(name, *(values_line(variable) for variable in about)), **about)


def checked(name: str, *lines: re.Pattern[str] | str) -> str:
    """Return a stored query in which these lines stand, given by a pattern or a variable; else raise QueryError."""
    text = _text(project_folders().queries, name)
    for line in lines:
        pattern = values_line(line) if isinstance(line, str) else line
        if not pattern.search(text):
            form = f"VALUES ?{line} {{ … }}" if isinstance(line, str) else pattern.pattern
            remedy = f"write a line {form}; it is replaced when somebody asks"
            raise QueryError(Problem(f"the stored query {name} has no place for what it is asked about", remedy))
    return text


async def names(ask: Ask, things: Iterable[str]) -> Names:
    """Return what things are called, by language; what is no IRI is not asked for."""
    return await texts(ask, _NAMES, "thing", "name", sorted({thing for thing in things if is_iri(thing)}))


async def texts(ask: Ask, name: str, thing: str, text: str, things: Sequence[str]) -> Names:
    """Return texts of things by language, as a stored query answers whose variables are `thing` and `text`."""
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(things), _AT_ONCE):
        for row in await bindings(ask, text_of(name, **{thing: things[start : start + _AT_ONCE]})):
            found.setdefault(row[thing]["value"], {}).setdefault(row[text].get("xml:lang", ""), row[text]["value"])
    return found


def is_iri(text: str) -> bool:
    """Whether a text is an absolute IRI, so that it can stand in a query."""
    try:
        NamedNode(text)
    except ValueError:
        return False
    return True


@cache
def _text(folder: Path, name: str) -> str:
    """Return a stored query as it was when it was first asked: to read one takes longer than most answers."""
    return stored_query(folder, name).text
