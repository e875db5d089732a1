"""Query backend on an external store, and watcher of the release that the store holds.

The text of a query is checked here and evaluated there. Results are never passed through: they are parsed while they
arrive and serialized in the requested format, so that all stores give the same formats, and a truncated answer is an
error instead of a short one.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Self, cast

import httpx
from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, RdfFormat, Store, parse, parse_query_results

from kg import __version__
from kg.core.errors import KgError, Problem, StoreError
from kg.core.iris import BASE
from kg.core.negotiation import JSON, N_TRIPLES, Format, NotAcceptable, Output, Results
from kg.core.release import CATALOGUE_GRAPH, Release, find_release
from kg.core.result_serializers import write_to
from kg.core.sparql_scanner import Dataset, without_dataset
from kg.engine.data_source import Limits
from kg.engine.query_evaluator import ResultKind, not_acceptable, result_kind
from kg.engine.remote_release import (
    CATALOGUE_DATASET,
    CURRENT,
    LAYOUT,
    LAYOUT_VERSION,
    SINCE,
    STATUS_GRAPH,
    SWITCHING,
    VERSION,
    PublishedRelease,
    RemoteRelease,
    StoreAddress,
    graph_of,
)
from kg.engine.result_reader import boolean_from_rows, select_variables
from kg.engine.store_client import StoreClient, unreadable_error
from kg.engine.wire import QueryRequest, Refusal, ReleaseReplaced

_START_SECONDS = 300.0  # time limit of the queries at the start, in seconds
_SIZE = "SELECT (COUNT(*) AS ?size) { ?s ?p ?o }"


def remote_store_opener(remote: RemoteRelease, limits: Limits) -> tuple[Callable[[], "RemoteStore"], int]:
    """Return the function that opens the store in a worker, and the number of triples in the default graph.

    Raises StoreError if the store does not answer, or limits its answers to fewer rows than the release has triples.
    """
    with StoreClient(remote.address, max(limits.seconds, _START_SECONDS)) as client:
        dataset = remote.published.dataset(Dataset())
        size = int(client.rows(_SIZE, dataset)[0]["size"])
        client.check_row_limit(dataset, size)
    return lambda: RemoteStore(remote, limits), size


class RemoteStore:
    """Remote release as the store of one worker, which runs one query at a time."""

    def __init__(self, remote: RemoteRelease, limits: Limits) -> None:
        self._published, self._limits = remote.published, limits
        self._client = StoreClient(remote.address, limits.seconds)

    def answer(self, request: QueryRequest, output: Output) -> Format:
        """Write the complete answer to a query and return its format.

        Raises Refusal if it cannot be answered, ReleaseReplaced if the store now holds another release.
        """
        kind = result_kind(request, self._limits)
        format = kind.format
        query, dataset = without_dataset(request.query, BASE)
        if request.default_graphs or request.named_graphs:
            dataset = Dataset(request.default_graphs, request.named_graphs)
        accept = N_TRIPLES if isinstance(format.writer, RdfFormat) else JSON
        try:
            query = f"BASE <{BASE}> {self._adapted_query(query)}"
            with self._client.query(query, self._published.dataset(dataset), accept.media_type) as response:
                write_to(self._results(response, kind), format, output)
            if find_published_release(self._client) != self._published:
                raise ReleaseReplaced
        except NotAcceptable as error:
            raise not_acceptable(error) from error
        except StoreError as error:
            raise _refusal(error) from error
        except (SyntaxError, ValueError) as error:  # of the parsers
            raise _refusal(unreadable_error("it is truncated or malformed")) from error
        return format

    def _adapted_query(self, query: str) -> str:
        """Return the query adapted to the engine of the store; unchanged if the result would be invalid."""
        adapted = self._client.dialect.adapt_query(query)
        try:
            Store().query(adapted, base_iri=BASE)
        except SyntaxError:
            return query
        return adapted

    def _results(self, response: httpx.Response, kind: ResultKind) -> Results:
        """Return the results of a response, which are parsed while they are written.

        Their kind comes from the query: some engines answer ASK by a row, or add variables.
        """
        if isinstance(kind.format.writer, RdfFormat):
            return (quad.triple for quad in parse(_as_file(response.iter_bytes()), format=RdfFormat.N_TRIPLES))
        results = _read(self._client.dialect.normalize_results(response.iter_bytes()))
        if kind.variables is None:
            return results if isinstance(results, QueryBoolean) else _read([boolean_from_rows(results)])
        if isinstance(results, QueryBoolean):
            raise ValueError("a truth value where rows should be")
        variables = tuple(variable.value for variable in results.variables)
        return results if variables == kind.variables else _read(select_variables(results, kind.variables))


class _Body:
    """File-like reader of the pieces of a body, for the parsers."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._unread = iter(pieces), b""

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` of the next bytes; empty at the end."""
        while not self._unread:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._unread = piece
        end = len(self._unread) if size < 0 else size
        taken, self._unread = self._unread[:end], self._unread[end:]
        return taken


def _as_file(pieces: Iterable[bytes]) -> IO[bytes]:
    return cast(IO[bytes], _Body(pieces))  # the parsers call read() only


def _read(pieces: Iterable[bytes]) -> QuerySolutions | QueryBoolean:
    return parse_query_results(_as_file(pieces), QueryResultsFormat.JSON)


def _refusal(error: StoreError) -> Refusal:
    query = "; ".join(f"{problem.fact}; {problem.remedy}" for problem in error.problems)
    return Refusal(error.status, query, {"Retry-After": "5"} if error.status in (502, 503) else None)


_QUERY = f"""SELECT ?stage ?version ?since ?layout {{
  {{ GRAPH <{STATUS_GRAPH}> {{ <{CATALOGUE_DATASET}> ?stage ?dataset . ?dataset <{VERSION}> ?version ; <{SINCE}> ?since
    OPTIONAL {{ ?dataset <{LAYOUT}> ?layout }} }} }}
  UNION {{ GRAPH <{CATALOGUE_GRAPH}> {{ <{CATALOGUE_DATASET}> <{SWITCHING}> ?listed . ?listed <{VERSION}> ?version }} }}
}}"""


def find_published_release(client: StoreClient) -> PublishedRelease | None:
    """Return the release that a store holds, or None while it is switched to another one.

    Raises StoreError if a version of this program with another layout has published to it.
    """
    rows = client.rows(_QUERY)
    stated = [row for row in rows if "since" in row]
    if stated:
        row = stated[0]
        if (layout := row.get("layout", LAYOUT_VERSION)) != LAYOUT_VERSION:
            found = f"the store holds release {row['version']} in format {layout}"
            fact = f"{found}; this is kg {__version__}, format {LAYOUT_VERSION}"
            remedy = "serve it by the kg that has published it, or publish a release by this one: kg publish --to URL"
            raise StoreError(Problem(fact, remedy))
        settled = len(stated) == 1 and row["stage"] == CURRENT
        return PublishedRelease(row["version"], row["since"], graph_of(row["version"])) if settled else None
    return PublishedRelease(_only_version([row["version"] for row in rows]))


def _only_version(versions: Sequence[str]) -> str:
    return versions[0] if len(set(versions)) == 1 else ""


_WATCH_SECONDS = 5.0  # time limit of the queries for the published release


class ReleaseWatcher:
    """Watcher of the release in an external store, with its copy in a folder of releases, if there is one.

    A context manager that closes the connection to the store.
    """

    def __init__(self, address: StoreAddress, out: Path) -> None:
        self._client, self._out = StoreClient(address, _WATCH_SECONDS), out
        self._address = address
        self._last_error = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def last_error(self) -> str:
        """Return the error of the last query to the store; empty if it succeeded."""
        return self._last_error

    def current(self) -> RemoteRelease:
        """Return the release that the store holds; raise StoreError if it cannot be queried or is being switched."""
        self._address = self._client.detect_engine()
        published = find_published_release(self._client)
        if published is None:
            remedy = "wait for `kg publish` to end; where it was interrupted, run it again"
            raise StoreError(Problem("the store is being switched to another release", remedy), status=503)
        return RemoteRelease(self._address, published, self._local_copy(published))

    def poller(self, current: RemoteRelease) -> Callable[[], RemoteRelease | None]:
        """Return a function that polls the store: the new release if it has changed since the last call, else None."""
        last = current

        def newer() -> RemoteRelease | None:
            nonlocal last
            try:
                found = find_published_release(self._client)
            except StoreError as error:
                self._last_error = error.problems[0].fact
                return None
            self._last_error = ""
            if found is None or (found == last.published and (last.release or not self._local_copy(found))):
                return None
            last = RemoteRelease(self._address, found, self._local_copy(found))
            return last

        return newer

    def _local_copy(self, published: PublishedRelease) -> Release | None:
        """Return the same release on disk, or None."""
        try:
            return find_release(self._out, published.version) if published.version else None
        except KgError:
            return None
