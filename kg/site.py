"""The application: every path that is served."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from kg import (
    __version__,
    browse,
    crawling,
    documents,
    downloads,
    editor,
    endpoint,
    facsimile,
    front,
    health,
    lookup,
    openapi,
    overview,
    pages,
    published,
    query_pages,
)
from kg.answers import Answers
from kg.asking import Ask, OnBehalf, asking
from kg.clients import BehindProxies
from kg.compression import Compressed
from kg.description import DESCRIPTION_FORMATS, NAMED_GRAPHS, ServiceDescription
from kg.editor import Editor
from kg.endpoint import Direct, Endpoint, Refusal, allowed, problem
from kg.headers import EVERYWHERE, HeadersEverywhere
from kg.indexing import Indexing
from kg.labels import Labels
from kg.metrics import Metrics
from kg.negotiate import HTML
from kg.observed import Observed, Operation
from kg.pages.documentation import Documentation
from kg.queries import StoredQuery, read_queries
from kg.query_pages import QueryPages
from kg.reconcile import routes as reconcile
from kg.reconcile.service import Setting
from kg.releases import Release
from kg.replay import Replayed
from kg.replies import Asked, Notice, chosen, prefers_page, raw_path, told
from kg.searching import routes as searching
from kg.things import Things
from kg.vocabulary import Vocabulary
from kg.workers.limits import Limits
from kg.workers.pool import Pool
from kg.workers.source import Source

# Of data that may be others when the server is started again.
REVALIDATED = "public, no-cache"
# What every path but the endpoint's can be asked by.
READING = "GET, HEAD, OPTIONS"


Data = Release | Sequence[Path]


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
        return Vocabulary(self.ask, documents.vocabulary_of(self.release))

    @property
    def named(self) -> dict[str, StoredQuery]:
        """The stored queries by their names."""
        return {query.name: query for query in self.stored}


def app(
    data: Data,
    queries: Path,
    out: Path,
    limits: Limits | None = None,
    source: Source | None = None,
    operation: Operation | None = None,
) -> FastAPI:
    """Return the application that serves a release, or RDF files, beside the releases in `out`.

    It starts the process that loads the data, and ends it when the server shuts it down. `source` says how they are
    opened, where that is not left to the memory that there is.
    """
    release = data if isinstance(data, Release) else None
    limits, operation = limits or Limits(), operation or Operation()
    pool = Pool.of(source := source or Source.of(data, limits), limits)
    answers, lasting = Answers(pool), downloads.LIVE if release and not release.development else REVALIDATED
    graph = _Graph(release, asking(answers), pool.triples, documents.labels_of(release), read_queries(queries))
    writing = Editor(answers, graph.vocabulary, graph.labels, graph.named)
    introduction = _introduction(graph, writing, operation, federated=bool(limits.services))
    sparql, indexing = Endpoint(answers, limits, lasting, introduction, writing), Indexing(data)
    setting = Setting(release, lasting, operation.address)

    application = _bare(lambda _: _running(release, pool, answers, operation.metrics, indexing))
    routers = (
        sparql.router(),
        editor.router(graph.vocabulary, graph.labels),
        health.router(release, pool, operation.metrics, "disk" if source.on_disk else "memory"),
        downloads.router(release, out),
        browse.router(answers, release, sparql.sending, browse.finder(indexing.index)),
        searching.router(indexing.index, release, graph.labels),
        reconcile.router(graph.ask, indexing.index, graph.labels, setting),
        *_read(graph),
    )
    for router in routers:
        application.include_router(_with_head(router))
    paths = [*_paths(routers)]
    application.state.site = pages.Site(release, frozenset(path.split("/")[1] for path in paths))
    return _within_layers(application, sparql, operation, paths)


def _read(graph: _Graph) -> Iterator[APIRouter]:
    """Yield the routes of what is read: pages, and documents in other forms."""
    ask, release, labels = graph.ask, graph.release, graph.labels
    explained = Documentation(ask, labels, graph.vocabulary, graph.stored)
    yield front.router(ask, release, graph.total, graph.stored)
    yield query_pages.router(QueryPages(ask, labels, graph.vocabulary, graph.named))
    yield crawling.router(ask)
    yield documents.router(ask, release)
    yield lookup.router(ask, release)
    yield published.router(ask, release, labels, explained)
    yield facsimile.router(ask, release, labels)
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
        exception_handlers={Refusal: _refused, HTTPException: _failed, ClientDisconnect: _gone, Exception: _broken},
    )


def _within_layers(application: "_Site", sparql: Endpoint, operation: Operation, paths: Iterable[str]) -> FastAPI:
    """Put around an application what all its answers pass, from the inside to the outside."""
    application.add_middleware(Direct, endpoint=sparql)
    for layer in (OnBehalf, Compressed, HeadersEverywhere):
        application.add_middleware(layer)
    layers: ASGIApp = Observed(Replayed(application.framework), operation, [*paths])
    application.layers = BehindProxies(layers, operation.trusted) if operation.trusted else layers
    return application


@asynccontextmanager
async def _running(
    release: Release | None, pool: Pool, answers: Answers, metrics: Metrics, indexing: Indexing
) -> AsyncIterator[None]:
    async with pool.running(), indexing.running():
        with metrics.reading(release.version if release else "", pool, answers):
            yield


def _paths(routers: Iterable[APIRouter]) -> Iterator[str]:
    """Yield the paths of an application, as its routes name them."""
    yield "/openapi.json"
    for router in routers:
        yield from (route.path for route in router.routes if isinstance(route, APIRoute))


def _introduction(
    graph: _Graph, writing: Editor, operation: Operation, federated: bool
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers at the endpoint where no query comes: its page, or its description."""
    described: list[ServiceDescription] = []

    async def introduction(request: Request) -> Response:
        format = chosen(request, (*DESCRIPTION_FORMATS, HTML))
        if format is HTML:
            return writing.blank(request)
        if not described:  # once: it is the same for every request
            dataset = documents.dataset_of(graph.release) if graph.release else ""
            named = await Things(graph.ask).values(NAMED_GRAPHS, "graph")
            described.append(ServiceDescription(graph.total, named, dataset, federated, operation.address))
        body = described[0].body(format, request.url.path, request.scope.get("server"))
        return Response(body, headers={"Content-Type": format.content_type, "Vary": "Accept"})

    return introduction


def _with_head(router: APIRouter) -> APIRouter:
    """Let every path that answers GET answer HEAD: the same without a body (RFC 9110, 9.3.2)."""
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    there = {route.path for route in routes if "HEAD" in (route.methods or ())}
    for route in routes:
        if "GET" in (route.methods or ()) and route.path not in there:
            path = route.path.removeprefix(router.prefix)
            router.add_api_route(path, route.endpoint, methods=["HEAD"], include_in_schema=False)
    return router


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return problem(error)


async def _failed(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: an unknown path, or a method that a path does not have (OPTIONS it has)."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405 and request.method == "OPTIONS":
        return allowed(READING)
    if error.status_code == 405:
        headers["Allow"] = _methods(request)
    if error.status_code == 404 and prefers_page(request):
        path = unquote(request.url.path, errors="replace")
        text = (f"{path} というページはありません。", f"There is no page {path}.")
        return told(Asked(request, raw_path(request)), Notice(404, ("見つかりません", "Not found"), text), ())
    return problem(Refusal(error.status_code, error.detail, headers))


def _methods(request: Request) -> str:
    """Return the methods that a path can be asked by."""
    path = request.url.path.removeprefix(request.scope.get("root_path", "")).rstrip("/")
    if path == "/sparql":
        return endpoint.METHODS
    # A form goes to the service itself, or to that of an edition.
    return reconcile.METHODS if reconcile.answers_forms(path) else READING


async def _gone(request: Request, error: Exception) -> Response:
    """Answer nobody: the client has gone away before it had said everything."""
    return Response(status_code=endpoint.CLIENT_GONE)


async def _broken(request: Request, error: Exception) -> Response:
    """Answer where the program is at fault; the trace goes to the log of the server only."""
    return problem(Refusal(500, "the server failed to answer; the fault is ours", EVERYWHERE))
