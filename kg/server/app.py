"""Assembly of the ASGI application: all routes and middleware."""

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
from kg.http import conditional_requests, openapi, templates
from kg.http.client_address import ProxyHeadersMiddleware
from kg.http.compression import CompressionMiddleware
from kg.http.conditional_requests import CommonHeadersMiddleware
from kg.http.query_client import ClientContextMiddleware, RunQuery, StoredQueries, query_runner
from kg.http.response_cache import ResponseCacheMiddleware
from kg.http.responses import check_parameters
from kg.http.sparql_endpoint import DirectEndpointMiddleware, Endpoint
from kg.matching.reconcile import routes as reconcile
from kg.matching.reconcile.routes import ServiceSettings
from kg.server import error_handlers, monitoring
from kg.server.monitoring import Metrics, ServedData
from kg.server.request_monitor import MonitoringMiddleware, OperatorSettings
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
from kg.web.metadata_routes import default_handler
from kg.web.ontology_page import VocabularyPages
from kg.web.query_routes import QueryPages
from kg.web.sparql_editor import SparqlEditor
from kg.web.vocabulary_index import Vocabulary

Data = Release | Sequence[Path] | RemoteRelease


@dataclass(frozen=True)
class _ServedGraph:
    """The graph behind the pages, with the labels of its terms and its stored queries."""

    release: Release | None
    run_query: RunQuery
    total: int
    labels: Labels
    stored: Sequence[StoredQuery]

    @classmethod
    def of(
        cls, release: Release | None, answers: ResultCache, total: int, stored: Sequence[StoredQuery]
    ) -> "_ServedGraph":
        """Return the graph of a release, or of other data, behind a result cache."""
        return cls(release, query_runner(answers), total, resource_routes.labels_of(release), stored)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The index of terms in use."""
        return Vocabulary(self.run_query, resource_routes.vocabulary_of(self.release))

    @cached_property
    def stored_queries(self) -> StoredQueries:
        """The stored queries by name, applied to the newest edition."""
        return StoredQueries(self.run_query, self.stored)


def app(
    data: Data,
    queries: Path,
    out: Path,
    limits: Limits | None = None,
    pool: Pool | None = None,
    operation: OperatorSettings | None = None,
    unavailable_reason: Callable[[], str] = str,
) -> FastAPI:
    """Return the application that serves a release, RDF files, or a remote store, and the other releases in `out`.

    It starts the process that loads the data, unless `pool` has loaded them already, and ends it on shutdown.
    `unavailable_reason` returns the reason why no query can be answered at the moment, or an empty text.
    """
    release, version = _release_and_version(data)
    limits, operation = limits or Limits(), operation or OperatorSettings()
    pool = pool or Pool.of(Source.of(data, limits), limits)
    cacheable = bool(version) or not pool.source.remote  # a store without a version may change without notice
    answers, lasting = ResultCache.of(pool, cacheable), conditional_requests.of_document(release)
    graph = _ServedGraph.of(release, answers, pool.triples, read_queries(queries))
    editor = SparqlEditor(answers, graph.vocabulary, graph.labels, lasting, graph.stored_queries)
    introduced = default_handler(graph.run_query, release, graph.total, editor.empty_page, limits, operation.address)
    sparql, indexing = Endpoint(answers, limits, lasting, introduced, editor), BackgroundIndex(data)
    archived = _release_endpoints(graph, out, answers, limits, operation.address)
    searches = searching.search_executor(indexing.index)
    reconciled = ServiceSettings(release, lasting, operation.address)

    application = _empty_application(lambda _: _running(version, pool, answers, operation.metrics, indexing, archived))
    routers = (
        sparql.router(),
        monitoring.router(ServedData(version, pool.source.place), pool, operation.metrics, unavailable_reason),
        release_endpoint.router(archived),
        browse.router(answers, release, sparql.sending, searches if indexing.is_possible else None),
        searching.router(searches, release, graph.labels),
        reconcile.router(graph.run_query, indexing.index, graph.labels, reconciled),
    )
    guarded = (release_routes.router(release, out), *_page_routers(graph, out))
    paths = _include_routers(application, (*routers, *guarded), guarded)
    application.state.site = templates.Site(release, frozenset(path.split("/")[1] for path in paths))
    return _with_middleware(application, sparql, operation, paths, cacheable)


def _release_endpoints(
    graph: _ServedGraph, out: Path, answers: ResultCache, limits: Limits, address: str
) -> release_endpoint.ReleaseEndpoints:
    """Return the endpoints of all available releases; the current one shares the workers of the application."""
    settings, release = release_endpoint.EndpointSettings(limits, graph.stored, address), graph.release
    current = settings.endpoint(release, graph.labels, answers, graph.total) if release else None
    return release_endpoint.ReleaseEndpoints(release, out, settings, current)


def _page_routers(graph: _ServedGraph, out: Path) -> Iterator[APIRouter]:
    """Yield the routers of pages, RDF documents and release files."""
    run_query, release, labels = graph.run_query, graph.release, graph.labels
    explained = VocabularyPages(run_query, labels, graph.vocabulary, graph.stored)
    yield sparql_editor.router(graph.vocabulary, labels)
    yield landing.router(run_query, release, graph.total, graph.stored_queries)
    yield query_routes.router(QueryPages(run_query, labels, graph.vocabulary, graph.stored_queries))
    yield docs.router()
    yield discovery.router(run_query)
    yield resource_routes.router(run_query, release)
    yield resource_queries.router(run_query, release)
    yield metadata_routes.router(run_query, release, labels, explained)
    yield source.router(run_query, release, labels)
    yield change_routes.router(release, out, labels)
    yield citation_routes.router(release, out)
    yield overview.router(run_query, release)


class _Application(FastAPI):
    """FastAPI application with middleware in front of the framework, which takes longer than to replay a response."""

    layers: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request through the outer middleware (ASGI)."""
        await (self.layers or self.framework)(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request without the outer middleware."""
        await super().__call__(scope, receive, send)


def _empty_application(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> _Application:
    """Return an application without routes."""
    # FastAPI's documentation pages load scripts from other sites, and its slash redirects repeat the host name that the
    # client sent; so both are off.
    return _Application(
        title="Shisaku Graph",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=Response,
        responses=openapi.COMMON_RESPONSES,
        lifespan=lifespan,
        exception_handlers=error_handlers.HANDLERS,
    )


def _with_middleware(
    application: "_Application", sparql: Endpoint, operation: OperatorSettings, paths: Iterable[str], cacheable: bool
) -> FastAPI:
    """Add all middleware to an application, innermost first."""
    application.add_middleware(DirectEndpointMiddleware, endpoint=sparql)
    for layer in (ClientContextMiddleware, CompressionMiddleware, CommonHeadersMiddleware):
        application.add_middleware(layer)
    answering = ResponseCacheMiddleware(application.framework) if cacheable else application.framework
    layers: ASGIApp = MonitoringMiddleware(answering, operation, [*paths])
    application.layers = ProxyHeadersMiddleware(layers, operation.trusted) if operation.trusted else layers
    return application


@asynccontextmanager
async def _running(
    version: str,
    pool: Pool,
    answers: ResultCache,
    metrics: Metrics,
    indexing: BackgroundIndex,
    archived: release_endpoint.ReleaseEndpoints,
) -> AsyncIterator[None]:
    async with pool.running(), indexing.running(), archived.running():
        with metrics.collecting(version, pool, answers):
            yield


def _release_and_version(data: Data) -> tuple[Release | None, str]:
    """Return the local release, if any, and the version of the data; empty if unknown."""
    if isinstance(data, RemoteRelease):
        return data.release, data.published.version
    return (data, data.version) if isinstance(data, Release) else (None, "")


def _include_routers(application: FastAPI, routers: Sequence[APIRouter], guarded: Sequence[APIRouter]) -> list[str]:
    """Add routers to an application and return their paths; guarded routers reject unknown query parameters.

    The others validate parameters themselves, or must accept those that clients of a protocol may add.
    """
    for router in routers:
        application.include_router(
            _with_head(router), dependencies=[Depends(check_parameters)] if router in guarded else []
        )
    return [*_paths(routers)]


def _paths(routers: Iterable[APIRouter]) -> Iterator[str]:
    """Yield the paths of an application, as declared by its routes."""
    yield "/openapi.json"
    for router in routers:
        yield from (route.path for route in router.routes if isinstance(route, APIRoute))


def _with_head(router: APIRouter) -> APIRouter:
    """Let every path that answers GET answer HEAD: the same without a body (RFC 9110, 9.3.2).

    Also declares in /openapi.json the path parameters that a function reads from the request itself.
    """
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    with_head = {route.path for route in routes if "HEAD" in (route.methods or ())}
    for route in routes:
        named = {field.alias for field in route.dependant.path_params}
        route.openapi_extra = openapi.with_path_parameters(route.path, named, route.openapi_extra) or None
        if "GET" in (route.methods or ()) and route.path not in with_head:
            path = route.path.removeprefix(router.prefix)
            extra = route.openapi_extra
            router.add_api_route(path, route.endpoint, methods=["HEAD"], include_in_schema=False, openapi_extra=extra)
    return router
