"""The application: every path that is served."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from kg import __version__
from kg.core.labels import Labels
from kg.core.release import Release
from kg.core.stored_queries import StoredQuery, read_queries
from kg.engine.background_index import BackgroundIndex
from kg.engine.data_source import Limits, Source
from kg.engine.pool import Pool
from kg.engine.remote_release import RemoteRelease
from kg.engine.result_cache import ResultCache
from kg.http import openapi, templates
from kg.http.client_address import BehindProxies
from kg.http.compression import Compressed
from kg.http.conditional_requests import HeadersEverywhere
from kg.http.query_client import Ask, OnBehalf, Questions, asking
from kg.http.response_cache import Replayed
from kg.http.responses import understood
from kg.http.sparql_endpoint import Direct, Endpoint
from kg.matching.reconcile import routes as reconcile
from kg.matching.reconcile.routes import ServiceSettings
from kg.server import error_handlers, monitoring
from kg.server.monitoring import Metrics, Served
from kg.server.request_monitor import Observed, Operation
from kg.web import (
    browse,
    change_routes,
    citation_routes,
    discovery,
    docs,
    landing,
    metadata_routes,
    overview,
    query_routes,
    release_endpoint,
    release_routes,
    resource_queries,
    resource_routes,
    source,
    sparql_editor,
)
from kg.web import search_routes as searching
from kg.web.ontology_page import Documentation
from kg.web.query_routes import QueryPages
from kg.web.service_description import introduction
from kg.web.sparql_editor import Editor
from kg.web.vocabulary_index import Vocabulary

# Of data that may be others when the server is started again.
REVALIDATED = "public, no-cache"


Data = Release | Sequence[Path] | RemoteRelease


@dataclass(frozen=True)
class _Graph:
    """What the pages are made of: a graph, what its terms are called, and the stored queries."""

    release: Release | None
    ask: Ask
    total: int
    labels: Labels
    stored: Sequence[StoredQuery]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What the graph uses of its terms."""
        return Vocabulary(self.ask, resource_routes.vocabulary_of(self.release))

    @cached_property
    def questions(self) -> Questions:
        """The stored queries by their names, about the newest edition."""
        return Questions(self.ask, self.stored)


def app(
    data: Data,
    queries: Path,
    out: Path,
    limits: Limits | None = None,
    pool: Pool | None = None,
    operation: Operation | None = None,
    trouble: Callable[[], str] = str,
) -> FastAPI:
    """Return the application that serves a release, RDF files, or what a store holds, beside the releases in `out`.

    It starts the process that loads the data, unless `pool` has them already, and ends it when the server shuts it
    down. `trouble` tells why nothing can be answered now, where that is so.
    """
    release, version = _served(data)
    limits, operation = limits or Limits(), operation or Operation()
    pool = pool or Pool.of(Source.of(data, limits), limits)
    keeping = bool(version) or not pool.source.remote  # a store without a version may change at any time
    answers, lasting = ResultCache(pool) if keeping else ResultCache(pool, 0, 0), _lasting(release)
    graph = _Graph(release, asking(answers), pool.triples, resource_routes.labels_of(release), read_queries(queries))
    writing = Editor(answers, graph.vocabulary, graph.labels, lasting, graph.questions)
    introduced = introduction(graph.ask, release, graph.total, writing.blank, limits, operation.address)
    sparql, indexing = Endpoint(answers, limits, lasting, introduced, writing), BackgroundIndex(data)
    archived, searches = _archived(graph, out, answers, limits, operation.address), searching.desk_of(indexing.index)

    application = _bare(lambda _: _running(version, pool, answers, operation.metrics, indexing, archived))
    routers = (
        sparql.router(),
        monitoring.router(Served(version, pool.source.place), pool, operation.metrics, trouble),
        release_endpoint.router(archived),
        browse.router(answers, release, sparql.sending, browse.finder(searches) if indexing.is_possible else None),
        searching.router(searches, release, graph.labels),
        reconcile.router(graph.ask, indexing.index, graph.labels, ServiceSettings(release, lasting, operation.address)),
    )
    editing = sparql_editor.router(graph.vocabulary, graph.labels)
    guarded = (editing, release_routes.router(release, out), *_read(graph, out))
    paths = _included(application, (*routers, *guarded), guarded)
    application.state.site = templates.Site(release, frozenset(path.split("/")[1] for path in paths))
    return _within_layers(application, sparql, operation, paths, keeping)


def _lasting(release: Release | None) -> str:
    """Return how long an answer holds that does not depend on the moment."""
    return release_routes.LIVE if release and not release.development else REVALIDATED


def _archived(graph: _Graph, out: Path, answers: ResultCache, limits: Limits, address: str) -> release_endpoint.Archive:
    """Return the endpoints of the releases at hand; that of the one that is served has its workers already."""
    setting, release = release_endpoint.Setting(limits, graph.stored, address), graph.release
    current = setting.endpoint(release, graph.labels, answers, graph.total) if release else None
    return release_endpoint.Archive(release, out, setting, current)


def _read(graph: _Graph, out: Path) -> Iterator[APIRouter]:
    """Yield the routes of what is read: pages, documents in other forms, and the files of releases."""
    ask, release, labels = graph.ask, graph.release, graph.labels
    explained = Documentation(ask, labels, graph.vocabulary, graph.stored)
    yield landing.router(ask, release, graph.total, graph.questions)
    yield query_routes.router(QueryPages(ask, labels, graph.vocabulary, graph.questions))
    yield docs.router()
    yield discovery.router(ask)
    yield resource_routes.router(ask, release)
    yield resource_queries.router(ask, release)
    yield metadata_routes.router(ask, release, labels, explained)
    yield source.router(ask, release, labels)
    yield change_routes.router(release, out, labels)
    yield citation_routes.router(release, out)
    yield overview.router(ask, release)


class _Site(FastAPI):
    """An application with layers in front of the framework: what it does for each request takes as long as a replay."""

    layers: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the layers do (ASGI)."""
        await (self.layers or self.framework)(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the framework does, without the layers."""
        await super().__call__(scope, receive, send)


def _bare(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> _Site:
    """Return an application without paths."""
    # No documentation pages of FastAPI's: they load scripts from other sites. No slash redirects of its own: they
    # repeat whatever name the client calls this host.
    return _Site(
        title="Shisaku Graph",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=Response,
        responses=openapi.EVERYWHERE,
        lifespan=lifespan,
        exception_handlers=error_handlers.HANDLERS,
    )


def _within_layers(
    application: "_Site", sparql: Endpoint, operation: Operation, paths: Iterable[str], keeping: bool
) -> FastAPI:
    """Put around an application what all its answers pass, from the inside to the outside."""
    application.add_middleware(Direct, endpoint=sparql)
    for layer in (OnBehalf, Compressed, HeadersEverywhere):
        application.add_middleware(layer)
    answering = Replayed(application.framework) if keeping else application.framework
    layers: ASGIApp = Observed(answering, operation, [*paths])
    application.layers = BehindProxies(layers, operation.trusted) if operation.trusted else layers
    return application


@asynccontextmanager
async def _running(
    version: str,
    pool: Pool,
    answers: ResultCache,
    metrics: Metrics,
    indexing: BackgroundIndex,
    archived: release_endpoint.Archive,
) -> AsyncIterator[None]:
    async with pool.running(), indexing.running(), archived.running():
        with metrics.reading(version, pool, answers):
            yield


def _served(data: Data) -> tuple[Release | None, str]:
    """Return the release whose files are here, where there is one, and the version of the data, empty where unknown."""
    if isinstance(data, RemoteRelease):
        return data.release, data.published.version
    return (data, data.version) if isinstance(data, Release) else (None, "")


def _included(application: FastAPI, routers: Sequence[APIRouter], guarded: Sequence[APIRouter]) -> list[str]:
    """Give an application its routes, and return their paths; what is guarded refuses parameters that it does not read.

    The others judge their parameters themselves, or must take what clients of a protocol may add.
    """
    for router in routers:
        application.include_router(_with_head(router), dependencies=[Depends(understood)] if router in guarded else [])
    return [*_paths(routers)]


def _paths(routers: Iterable[APIRouter]) -> Iterator[str]:
    """Yield the paths of an application, as its routes name them."""
    yield "/openapi.json"
    for router in routers:
        yield from (route.path for route in router.routes if isinstance(route, APIRoute))


def _with_head(router: APIRouter) -> APIRouter:
    """Let every path that answers GET answer HEAD: the same without a body (RFC 9110, 9.3.2).

    /openapi.json also tells of the parts of paths that a function reads from the request itself.
    """
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    there = {route.path for route in routes if "HEAD" in (route.methods or ())}
    for route in routes:
        named = {field.alias for field in route.dependant.path_params}
        route.openapi_extra = openapi.with_path_parameters(route.path, named, route.openapi_extra) or None
        if "GET" in (route.methods or ()) and route.path not in there:
            path = route.path.removeprefix(router.prefix)
            extra = route.openapi_extra
            router.add_api_route(path, route.endpoint, methods=["HEAD"], include_in_schema=False, openapi_extra=extra)
    return router
