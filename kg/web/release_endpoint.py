"""Route `/release/<version>/sparql`: the endpoint of one release, with immutable and therefore citable results.

The current release shares the workers of the application. For another one, workers are started on demand, from the
store on disk; a few releases are open at once, and idle ones are closed. The limits of a query are those of `/sparql`.
`/release/<version>/queries/<name>` redirects to the result of a stored query of the release.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response

from kg.core import stored_queries
from kg.core.errors import KgError
from kg.core.iris import REBASED
from kg.core.labels import Labels
from kg.core.negotiation import GRAPH_FORMATS, HTML, ROW_FORMATS
from kg.core.release import Release
from kg.core.stored_queries import ParameterError, StoredQuery, fill_values, read_parameters, values_line
from kg.engine.data_source import Limits, Source
from kg.engine.pool import Pool
from kg.engine.result_cache import MB, ResultCache
from kg.http import conditional_requests
from kg.http.openapi import redirect_docs, response_docs
from kg.http.query_client import StoredQueries, query_runner
from kg.http.sparql_endpoint import ACCEPT_QUERY, METHODS, Endpoint, Refusal, options_response
from kg.web.citations import CitedQuery
from kg.web.metadata_routes import default_handler
from kg.web.release_routes import release_at
from kg.web.resource_routes import labels_of, vocabulary_of
from kg.web.sparql_editor import SparqlEditor
from kg.web.vocabulary_index import Vocabulary

PATH = "/release/{version}/sparql"
_OPEN = 2  # releases besides the current one
_IDLE = 300.0  # seconds after which an idle one is closed
_SHORTEST = 2.0  # seconds that one stays open, even if others are requested
_CHECK_SECONDS = 15.0
_WAITING = 32
_CACHE_MEMORY, _CACHE_DISK = 8 * MB, 64 * MB
_SENDING = 256 * MB
_PROTOCOL_PARAMETERS = ("format", "lang", "default-graph-uri", "named-graph-uri")  # not parameters of a stored query


@dataclass
class _OpenRelease:
    """An open release with its own workers: endpoint, number of open requests, time of the last request."""

    endpoint: Endpoint
    life: AsyncExitStack = field(default_factory=AsyncExitStack)
    requests: int = 0
    since: float = field(default_factory=time.monotonic)
    last_used: float = field(default_factory=time.monotonic)

    @property
    def may_close(self) -> bool:
        """Return whether it can be closed in favour of another release."""
        return not self.requests and time.monotonic() - self.since > _SHORTEST


@dataclass(frozen=True)
class EndpointSettings:
    """Settings shared by the endpoints of all releases: limits, stored queries, public URL."""

    limits: Limits
    queries: Sequence[StoredQuery]
    address: str = ""

    def endpoint(self, release: Release, labels: Labels, answers: ResultCache, triples: int) -> Endpoint:
        """Return the endpoint of a release on top of this result cache."""
        path = f"release/{quote(release.version)}/sparql"
        run_query = query_runner(answers)
        results, page = conditional_requests.of_file(release), conditional_requests.of_description(release)
        vocabulary = Vocabulary(run_query, vocabulary_of(release))
        writing = SparqlEditor(
            answers, vocabulary, labels, page, StoredQueries(run_query, self.queries), path, release.version
        )
        introduced = default_handler(run_query, release, triples, writing.empty_page, self.limits, self.address, path)
        return Endpoint(answers, self.limits, results, introduced, writing)


class ReleaseEndpoints:
    """The endpoints of the available releases. Not thread-safe: one event loop only."""

    def __init__(self, release: Release | None, out: Path, setting: EndpointSettings, current: Endpoint | None) -> None:
        self._release, self._out, self._current = release, out, current
        few = Limits.of(1, **{name: getattr(setting.limits, name) for name in ("seconds", "memory", "services")})
        self._setting = replace(setting, limits=replace(few, sending=_SENDING))
        self._opened: dict[str, _OpenRelease] = {}
        self._turn = asyncio.Lock()
        self._waiting = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open releases on demand and close idle ones within the context."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            for version in list(self._opened):
                await self._close(version)

    async def answer(self, request: Request, version: str) -> Response:
        """Handle a request to the endpoint of a version; raise Refusal if it does not exist or too many are open."""
        if version == "latest" and self._release:
            return _redirect_to_current(self._release, request)
        release = release_at(self._release, self._out, version)
        if self._current and self._release and release.version == self._release.version:
            return await _handler(self._current, request)(request)
        opened = await self._open(release)
        opened.requests += 1
        try:
            return await _handler(opened.endpoint, request)(request)
        finally:
            opened.requests -= 1
            opened.last_used = time.monotonic()

    def stored(self, version: str, name: str, pairs: Sequence[tuple[str, str]]) -> Response:
        """Redirect to the result of a stored query of a version; `pairs` are its parameters and those of the protocol.

        Raises Refusal for a query that the version does not have, and for invalid parameters.
        """
        latest = self._release if version == "latest" else None
        release = latest or release_at(self._release, self._out, version)
        try:
            cited = CitedQuery.stored(release, name, "en")
        except KgError as error:
            raise Refusal(404, str(error)) from error
        parameters = next((each.parameters for each in self._setting.queries if each.name == name), ())
        names = [each.name for each in parameters if values_line(each.name).search(cited.text)]
        try:
            values = stored_queries.parse_values(
                read_parameters(cited.text, names), [pair for pair in pairs if pair[0] not in _PROTOCOL_PARAMETERS]
            )
        except ParameterError as error:
            raise Refusal(400, f"{name}: {error}") from error
        target = replace(cited, text=fill_values(cited.text, **values)).question()
        query = urlencode([pair for pair in pairs if pair[0] in _PROTOCOL_PARAMETERS])
        lasting = conditional_requests.NO_CACHE if latest else conditional_requests.of_file(release)
        location = f"../../{quote(release.version)}/{target}{f'&{query}' if query else ''}"
        return Response(status_code=303, headers={"Location": location, "Cache-Control": lasting})

    async def _open(self, release: Release) -> _OpenRelease:
        """Return an open release, or open it; the least recently used one is closed for it."""
        if opened := self._opened.get(release.version):
            return opened
        if self._waiting >= _WAITING:
            raise _busy("too many requests are waiting for other releases")
        self._waiting += 1
        try:
            async with self._turn:
                if release.version not in self._opened:
                    await self._make_room()
                    self._opened[release.version] = await self._start(release)
                return self._opened[release.version]
        finally:
            self._waiting -= 1

    async def _make_room(self) -> None:
        if len(self._opened) < _OPEN:
            return
        free = [version for version, opened in self._opened.items() if opened.may_close]
        if not free:
            raise _busy(f"{_OPEN} other releases are in use; try again in a moment")
        await self._close(min(free, key=lambda version: self._opened[version].last_used))

    async def _start(self, release: Release) -> _OpenRelease:
        source = Source(release=release.folder, on_disk=release.has_store() and not REBASED)
        try:
            labels = await asyncio.to_thread(labels_of, release)
            pool = await asyncio.to_thread(Pool.of, source, self._setting.limits)
        except KgError as error:
            raise Refusal(503, f"release {release.version} cannot be opened: {error}") from error
        answers = ResultCache(pool, _CACHE_MEMORY, _CACHE_DISK)
        opened = _OpenRelease(self._setting.endpoint(release, labels, answers, pool.triples))
        await opened.life.enter_async_context(pool.running())
        return opened

    async def _close(self, version: str) -> None:
        await self._opened.pop(version).life.aclose()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            async with self._turn:
                for version, opened in list(self._opened.items()):
                    if opened.may_close and time.monotonic() - opened.last_used > _IDLE:
                        await self._close(version)


def router(archive: ReleaseEndpoints) -> APIRouter:
    """Return the routes of the endpoints of releases."""
    routes = APIRouter(tags=["SPARQL"])
    answers = response_docs(*ROW_FORMATS, *GRAPH_FORMATS, HTML)

    async def endpoint(request: Request, version: str) -> Response:
        return await archive.answer(request, version)

    async def options(request: Request) -> Response:
        return options_response(METHODS, request, ACCEPT_QUERY)

    @routes.get(
        "/release/{version}/queries/{name}",
        summary="Go to the answer of a stored query in one release",
        status_code=303,
        responses=redirect_docs(303),
    )
    def stored(request: Request, version: str, name: str) -> Response:
        return archive.stored(version, name, request.query_params.multi_items())

    routes.get(PATH, summary="Ask one release, for an answer that never changes", responses=answers)(endpoint)
    for method in ("HEAD", "POST", "QUERY"):
        routes.api_route(PATH, methods=[method], include_in_schema=False)(endpoint)
    routes.options(PATH, include_in_schema=False)(options)
    return routes


def _redirect_to_current(release: Release, request: Request) -> Response:
    """Redirect to the endpoint of the current release; 307 keeps method and body (RFC 9110, 15.4.8)."""
    query = f"?{request.url.query}" if request.url.query else ""
    location = f"../{quote(release.version)}/sparql{query}"
    return Response(status_code=307, headers={"Location": location, "Cache-Control": conditional_requests.NO_CACHE})


def _handler(endpoint: Endpoint, request: Request) -> Callable[[Request], Awaitable[Response]]:
    return endpoint.handlers[request.method]


_busy = partial(Refusal, 503, headers={"Retry-After": "5"})
