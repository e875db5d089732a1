"""Query client of the routes: functions that run queries through the result cache, and stored queries with parameters.

A stored query is parametrized by replacing its lines `VALUES ?variable { … }`. Text of a request enters a query only as
a term that the engine itself has validated and serialized, so that nothing can be injected. A middleware records the
client of each request, to which its queries are attributed for fair scheduling.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import ClassVar, Self, TypeVar

from pyoxigraph import Literal, NamedNode
from starlette.types import ASGIApp, Receive, Scope, Send

from kg.core.errors import Problem, QueryError
from kg.core.negotiation import JSON, Format
from kg.core.paths import project_folders
from kg.core.stored_queries import EDITIONS_QUERY, StoredQuery, stored_query, values_line
from kg.core.stored_queries import fill_values as fill_values
from kg.engine.result_cache import ResultCache
from kg.engine.wire import Answer, QueryRequest
from kg.http.client_address import scheduling_key

# Function that runs a query and returns its complete result in a format; raises Refusal.
RunQuery = Callable[[str, Format], Awaitable[bytes]]
# The same, but a large result stays in its file.
RunLargeQuery = Callable[[str, Format], Awaitable[Answer]]

# A row of a result: its values by variable, as plain texts.
Row = dict[str, str]
# The same, each value with its type, language or datatype (SPARQL 1.1 Query Results JSON Format, 3.2).
Binding = dict[str, dict[str, str]]

_client: ContextVar[str] = ContextVar("client", default="")


def query_runner(answers: ResultCache) -> RunQuery:
    """Return a function that runs queries through the result cache and returns complete results."""

    answer_of = large_query_runner(answers)

    async def run_query(query: str, format: Format) -> bytes:
        answer = await answer_of(query, format)
        return answer.file.read(answer.size, 0) if answer.file else answer.body

    return run_query


def large_query_runner(answers: ResultCache) -> RunLargeQuery:
    """Return a function that runs queries through the result cache and leaves large results in their files."""

    async def answer_of(query: str, format: Format) -> Answer:
        return await answers.submit(QueryRequest(query, format=format.media_type), _client.get())

    return answer_of


async def fetch_bindings(run_query: RunQuery, query: str) -> list[Binding]:
    """Return the solutions of a SELECT query as bindings with types and languages."""
    bindings: list[Binding] = json.loads(await run_query(query, JSON))["results"]["bindings"]
    return bindings


async def fetch_rows(run_query: RunQuery, query: str) -> list[Row]:
    """Return the solutions of a SELECT query as plain texts."""
    return [{name: term["value"] for name, term in row.items()} for row in await fetch_bindings(run_query, query)]


@dataclass(frozen=True)
class StoredRow:
    """Base of the typed rows of a stored query.

    A field for each variable that the program reads: text, empty if the variable is unbound, or a number, then 0.
    `query` is the name of the stored query; a test compares the fields with its variables.
    """

    query: ClassVar[str] = ""

    @classmethod
    def of(cls, row: Row) -> Self:
        """Return a row of a query result as this type."""
        return cls(
            **{
                each.name: int(row.get(each.name) or 0) if each.type is int else row.get(each.name, "")
                for each in fields(cls)
            }
        )


RowType = TypeVar("RowType", bound=StoredRow)


async def fetch_stored_rows(run_query: RunQuery, row_type: type[RowType], **about: "Iterable[Term]") -> list[RowType]:
    """Return the rows of the stored query of a row type, its parameters filled in."""
    return [row_type.of(row) for row in await fetch_rows(run_query, query_text(row_type.query, **about))]


class ClientContextMiddleware:
    """Middleware that records the client of a request, to which its queries are attributed in the scheduler."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] == "http" and scope.get("client"):
            _client.set(scheduling_key(scope["client"][0]))
        await self.application(scope, receive, send)


Names = Mapping[str, Mapping[str, str]]
# A value in a `VALUES` line: an IRI, another term, or a whole number.
Term = str | NamedNode | Literal | int
_NAMES = "names-of-things"
_OCCURS = "EXISTS { ?thing ?p ?o } || EXISTS { ?s ?q ?thing }"
_OCCURS_IN_NAMED_GRAPH = "EXISTS { GRAPH ?g { ?thing ?r ?u } }"
_BATCH_SIZE = 500  # resources per query


class StoredQueries:
    """The stored queries of one graph by name, applied to its newest edition unless another is chosen."""

    def __init__(self, run_query: RunQuery, queries: Iterable[StoredQuery]) -> None:
        self.by_name = {query.name: query for query in queries}
        self._run_query = run_query
        self._editions: list[str] | None = None
        self._for_newest: Mapping[str, StoredQuery] = {}

    async def editions(self) -> Sequence[str]:
        """Return the editions of the graph, newest first; cached. Raises Refusal if the query fails."""
        if self._editions is None:
            self._editions = await fetch_editions(self._run_query)
        return self._editions

    async def for_newest_edition(self) -> Mapping[str, StoredQuery]:
        """Return the queries by name, applied to the newest edition; raise Refusal if the editions cannot be read."""
        newest = next(iter(await self.editions()), "")
        if not self._for_newest:
            self._for_newest = {name: query.for_edition(newest) for name, query in self.by_name.items()}
        return self._for_newest


async def fetch_editions(run_query: RunQuery) -> list[str]:
    """Return the editions of a graph, newest first."""
    return [row["edition"] for row in await fetch_rows(run_query, EDITIONS_QUERY) if is_iri(row.get("edition", ""))]


async def fetch_existing(run_query: RunQuery, iris: Iterable[str], named_graphs: bool = False) -> set[str]:
    """Return those of these IRIs that occur in the default graph, or as a subject in any named graph as well."""
    valid = [iri for iri in iris if is_iri(iri)]
    if not valid:
        return set()
    condition = f"{_OCCURS} || {_OCCURS_IN_NAMED_GRAPH}" if named_graphs else _OCCURS
    query = fill_values(f"SELECT ?thing {{ VALUES ?thing {{ }} FILTER({condition}) }}", thing=valid)
    return {row["thing"] for row in await fetch_rows(run_query, query)}


def query_text(name: str, **about: Iterable[Term]) -> str:
    """Return the text of a stored query with these values in its `VALUES` lines, by variable.

    Raises QueryError if the query does not exist or lacks such a line; ValueError for an invalid term.
    """
    return fill_values(checked_query_text(name, *(values_line(variable) for variable in about)), **about)


def checked_query_text(name: str, *lines: re.Pattern[str] | str) -> str:
    """Return the text of a stored query; raise QueryError unless it has these lines (patterns or variable names)."""
    text = _cached_text(project_folders().queries, name)
    for line in lines:
        pattern = values_line(line) if isinstance(line, str) else line
        if not pattern.search(text):
            form = f"VALUES ?{line} {{ … }}" if isinstance(line, str) else pattern.pattern
            remedy = f"add a line {form}; each request replaces it"
            raise QueryError(Problem(f"the stored query {name} has no line for its parameter", remedy))
    return text


async def fetch_names(run_query: RunQuery, things: Iterable[str]) -> Names:
    """Return the names of things by language; texts that are not IRIs are skipped."""
    return await fetch_texts(run_query, _NAMES, "thing", "name", sorted({thing for thing in things if is_iri(thing)}))


async def fetch_texts(run_query: RunQuery, name: str, thing: str, text: str, things: Sequence[str]) -> Names:
    """Return texts of things by language, from a stored query with the variables `thing` and `text`."""
    texts: dict[str, dict[str, str]] = {}
    for start in range(0, len(things), _BATCH_SIZE):
        for row in await fetch_bindings(run_query, query_text(name, **{thing: things[start : start + _BATCH_SIZE]})):
            texts.setdefault(row[thing]["value"], {}).setdefault(row[text].get("xml:lang", ""), row[text]["value"])
    return texts


def is_iri(text: str) -> bool:
    """Return whether a text is an absolute IRI that can be written into a query."""
    try:
        NamedNode(text)
    except ValueError:
        return False
    return True


@cache
def _cached_text(folder: Path, name: str) -> str:
    """Return the text of a stored query; cached, since reading the file takes longer than most queries."""
    return stored_query(folder, name).text
