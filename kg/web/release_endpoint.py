"""`/release/<version>/sparql`: the endpoint of one release, whose answers never change, so that they can be cited.

The release that is served has its workers already. For another one, workers are started when somebody asks, from the
store on the disk; a few releases are open at once, and one that nobody has asked for a while is closed. The limits of a
query are those of `/sparql`. `/release/<version>/queries/<name>` leads to the answer of a stored query of the release.
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
from kg.core.stored_queries import ParameterError, StoredQuery, read_parameters, values_line
from kg.engine.data_source import Limits, Source
from kg.engine.pool import Pool
from kg.engine.result_cache import MB, ResultCache
from kg.http.openapi import answered, led
from kg.http.query_client import Questions, asking, fill_values
from kg.http.sparql_endpoint import METHODS, Endpoint, Refusal, allowed
from kg.http.sparql_protocol import ACCEPT_QUERY
from kg.web.citations import Asked
from kg.web.release_routes import ASK_AGAIN, FOREVER, LIVE, release_at
from kg.web.resource_routes import labels_of, vocabulary_of
from kg.web.service_description import introduction
from kg.web.sparql_editor import Editor
from kg.web.vocabulary_index import Vocabulary

PATH = "/release/{version}/sparql"
_OPEN = 2  # releases beside the one that is served
_IDLE = 300.0  # seconds after which one that nobody asks is closed
_SHORTEST = 2.0  # seconds that one stays open, however many others are asked for
_LOOK = 15.0
_WAITING = 32
_KEPT_MEMORY, _KEPT_DISK = 8 * MB, 64 * MB
_SENDING = 256 * MB
_OF_THE_PROTOCOL = ("format", "lang", "default-graph-uri", "named-graph-uri")  # what is no parameter of a query


@dataclass
class _Opened:
    """A release with workers of its own: its endpoint, the requests it is answering, and when it was last asked."""

    endpoint: Endpoint
    life: AsyncExitStack = field(default_factory=AsyncExitStack)
    requests: int = 0
    since: float = field(default_factory=time.monotonic)
    asked: float = field(default_factory=time.monotonic)

    @property
    def may_close(self) -> bool:
        """Whether it may give way to another one."""
        return not self.requests and time.monotonic() - self.since > _SHORTEST


@dataclass(frozen=True)
class Setting:
    """What all endpoints of releases share: the limits, the stored queries, the address that the operator has given."""

    limits: Limits
    queries: Sequence[StoredQuery]
    address: str = ""

    def endpoint(self, release: Release, labels: Labels, answers: ResultCache, triples: int) -> Endpoint:
        """Return the endpoint of a release that these answers are about."""
        path = f"release/{quote(release.version)}/sparql"
        ask = asking(answers)
        rows, page = (ASK_AGAIN, ASK_AGAIN) if release.development else (FOREVER, LIVE)
        vocabulary = Vocabulary(ask, vocabulary_of(release))
        writing = Editor(answers, vocabulary, labels, page, Questions(ask, self.queries), path, release.version)
        introduced = introduction(ask, release, triples, writing.blank, self.limits, self.address, path)
        return Endpoint(answers, self.limits, rows, introduced, writing)


class Archive:
    """The endpoints of the releases at hand. Everything happens in one event loop."""

    def __init__(self, release: Release | None, out: Path, setting: Setting, current: Endpoint | None) -> None:
        self._release, self._out, self._current = release, out, current
        few = Limits.of(1, **{name: getattr(setting.limits, name) for name in ("seconds", "memory", "services")})
        self._setting = replace(setting, limits=replace(few, sending=_SENDING))
        self._opened: dict[str, _Opened] = {}
        self._turn = asyncio.Lock()
        self._waiting = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open what is asked for as long as the context lasts, and close what nobody asks."""
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
        """Answer a request to the endpoint of a version; raise Refusal where there is none, or too many are open."""
        if version == "latest" and self._release:
            return _led_to(self._release, request)
        release = release_at(self._release, self._out, version)
        if self._current and self._release and release.version == self._release.version:
            return await _handler(self._current, request)(request)
        opened = await self._open(release)
        opened.requests += 1
        try:
            return await _handler(opened.endpoint, request)(request)
        finally:
            opened.requests -= 1
            opened.asked = time.monotonic()

    def stored(self, version: str, name: str, pairs: Sequence[tuple[str, str]]) -> Response:
        """Lead to the answer of a stored query of a version; `pairs` say what it is about, and such as a format.

        Raises Refusal for a query that the version does not have, and for what is not understood.
        """
        latest = self._release if version == "latest" else None
        release = latest or release_at(self._release, self._out, version)
        try:
            asked = Asked.stored(release, name, "en")
        except KgError as error:
            raise Refusal(404, str(error)) from error
        known = next((each.parameters for each in self._setting.queries if each.name == name), ())
        names = [each.name for each in known if values_line(each.name).search(asked.text)]
        try:
            values = stored_queries.parse_values(
                read_parameters(asked.text, names), [pair for pair in pairs if pair[0] not in _OF_THE_PROTOCOL]
            )
        except ParameterError as error:
            raise Refusal(400, f"{name}: {error}") from error
        target = replace(asked, text=fill_values(asked.text, **values)).question()
        query = urlencode([pair for pair in pairs if pair[0] in _OF_THE_PROTOCOL])
        lasting = ASK_AGAIN if latest or release.development else FOREVER
        location = f"../../{quote(release.version)}/{target}{f'&{query}' if query else ''}"
        return Response(status_code=303, headers={"Location": location, "Cache-Control": lasting})

    async def _open(self, release: Release) -> _Opened:
        """Return a release that is open, or open it; one that was asked longest ago gives way."""
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
            raise _busy(f"{_OPEN} other releases are being asked")
        await self._close(min(free, key=lambda version: self._opened[version].asked))

    async def _start(self, release: Release) -> _Opened:
        source = Source(release=release.folder, on_disk=release.has_store() and not REBASED)
        try:
            labels = await asyncio.to_thread(labels_of, release)
            pool = await asyncio.to_thread(Pool.of, source, self._setting.limits)
        except KgError as error:
            raise Refusal(503, f"release {release.version} cannot be opened: {error}") from error
        answers = ResultCache(pool, _KEPT_MEMORY, _KEPT_DISK)
        opened = _Opened(self._setting.endpoint(release, labels, answers, pool.triples))
        await opened.life.enter_async_context(pool.running())
        return opened

    async def _close(self, version: str) -> None:
        await self._opened.pop(version).life.aclose()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            async with self._turn:
                for version, opened in list(self._opened.items()):
                    if opened.may_close and time.monotonic() - opened.asked > _IDLE:
                        await self._close(version)


def router(archive: Archive) -> APIRouter:
    """Return the routes of the endpoints of releases."""
    routes = APIRouter(tags=["SPARQL"])
    answers = answered(*ROW_FORMATS, *GRAPH_FORMATS, HTML)

    async def endpoint(request: Request, version: str) -> Response:
        return await archive.answer(request, version)

    async def options(request: Request) -> Response:
        return allowed(METHODS, request, ACCEPT_QUERY)

    @routes.get(
        "/release/{version}/queries/{name}",
        summary="Go to the answer of a stored query in one release",
        status_code=303,
        responses=led(303),
    )
    def stored(request: Request, version: str, name: str) -> Response:
        return archive.stored(version, name, request.query_params.multi_items())

    routes.get(PATH, summary="Ask one release, for an answer that never changes", responses=answers)(endpoint)
    for method in ("HEAD", "POST", "QUERY"):
        routes.api_route(PATH, methods=[method], include_in_schema=False)(endpoint)
    routes.options(PATH, include_in_schema=False)(options)
    return routes


def _led_to(release: Release, request: Request) -> Response:
    """Lead to the endpoint of the release that is served; 307 keeps method and body (RFC 9110, 15.4.8)."""
    query = f"?{request.url.query}" if request.url.query else ""
    location = f"../{quote(release.version)}/sparql{query}"
    return Response(status_code=307, headers={"Location": location, "Cache-Control": ASK_AGAIN})


def _handler(endpoint: Endpoint, request: Request) -> Callable[[Request], Awaitable[Response]]:
    return endpoint.handlers[request.method]


_busy = partial(Refusal, 503, headers={"Retry-After": "5"})
