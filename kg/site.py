"""The application: every path that is served."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from kg import __version__, documents, downloads, endpoint, health, lookup, openapi, pages, published, schema_org
from kg.answers import Answers
from kg.asking import Ask, OnBehalf, asking
from kg.clients import BehindProxies
from kg.compression import Compressed
from kg.description import DESCRIPTION_FORMATS, NAMED_GRAPHS, ServiceDescription
from kg.endpoint import Direct, Endpoint, Refusal, allowed, problem
from kg.headers import EVERYWHERE, HeadersEverywhere
from kg.indexing import Indexing
from kg.metrics import Metrics
from kg.negotiate import GRAPH_FORMATS, HTML, PLAIN_JSON, ROW_FORMATS
from kg.observed import Observed, Operation
from kg.queries import StoredQuery, read_queries
from kg.reconcile import routes as reconcile
from kg.reconcile.service import Setting
from kg.releases import Release
from kg.replay import Replayed
from kg.replies import chosen, language_of, page
from kg.searching import routes as searching
from kg.things import Things
from kg.workers.limits import Limits
from kg.workers.pool import Pool
from kg.workers.source import Source

# Of data that may be others when the server is started again.
REVALIDATED = "public, no-cache"
# What every path but the endpoint's can be asked by.
READING = "GET, HEAD, OPTIONS"


Data = Release | Sequence[Path]


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
    answers, stored, total = Answers(pool), read_queries(queries), pool.triples
    ask = asking(answers)
    lasting = downloads.LIVE if release and not release.development else REVALIDATED
    labels = documents.labels_of(release)
    sparql = Endpoint(answers, limits, lasting, _introduction(ask, release, total, stored, operation))

    indexing = Indexing(data)
    application = _bare(lambda _: _running(release, pool, answers, operation.metrics, indexing))
    routers = (
        sparql.router(),
        _front(release, total, stored, ask),
        health.router(release, pool, operation.metrics, "disk" if source.on_disk else "memory"),
        downloads.router(release, out),
        documents.router(ask, release),
        lookup.router(ask, release),
        published.router(ask, release, labels),
        searching.router(indexing.index, release, labels),
        reconcile.router(ask, indexing.index, labels, Setting(release, lasting, operation.address)),
    )
    for router in routers:
        application.include_router(_with_head(router))
    application.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    return _within_layers(application, sparql, operation, _paths(routers))


class _Site(FastAPI):
    """An application with layers in front of the framework: what it does for each request takes as long as a replay."""

    front: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the layers do (ASGI)."""
        await (self.front or self.framework)(scope, receive, send)

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
    front: ASGIApp = Observed(Replayed(application.framework), operation, [*paths])
    application.front = BehindProxies(front, operation.trusted) if operation.trusted else front
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
    yield from ("/static", "/openapi.json")
    for router in routers:
        yield from (route.path for route in router.routes if isinstance(route, APIRoute))


def _introduction(
    ask: Ask, release: Release | None, total: int, stored: Sequence[StoredQuery], operation: Operation
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers at the endpoint where no query comes: its page, or its description."""
    described: list[ServiceDescription] = []

    async def introduction(request: Request) -> Response:
        format = chosen(request, (*DESCRIPTION_FORMATS, HTML))
        if format is HTML:
            root = "../" if request.url.path.endswith("/") else "./"
            return page(pages.editor(language_of(request), root, stored, (*ROW_FORMATS, *GRAPH_FORMATS)))
        if not described:  # once: it is the same for every request
            dataset = documents.dataset_of(release) if release else ""
            named = await Things(ask).values(NAMED_GRAPHS, "graph")
            described.append(ServiceDescription(total, named, dataset, operation.address))
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


def _front(release: Release | None, total: int, stored: Sequence[StoredQuery], ask: Ask) -> APIRouter:
    """Return the landing page and the stored queries."""
    routes = APIRouter()
    texts = {query.name: query for query in stored}
    card = schema_org.DatasetCard(ask, documents.dataset_of(release)) if release else None

    @routes.get("/", include_in_schema=False)
    async def landing(request: Request) -> Response:
        lang = language_of(request)
        dataset = await card.text(lang) if card else ""
        answer = page(pages.landing(lang, release, total, stored, dataset))
        if dataset:
            answer.headers["Content-Security-Policy"] += f"; script-src {schema_org.allowed(dataset)}"
        return answer

    @routes.get(
        "/queries",
        tags=["stored queries"],
        summary="List the stored queries",
        responses=openapi.answered(PLAIN_JSON, HTML),
    )
    async def list_queries(request: Request) -> Response:
        if chosen(request, (PLAIN_JSON, HTML)) is HTML:
            return page(pages.query_list(language_of(request), stored))
        return JSONResponse([_summary(query) for query in stored], headers={"Vary": "Accept"})

    @routes.get(
        "/queries/{name}",
        tags=["stored queries"],
        summary="Get the text of a stored query",
        responses=openapi.answered("text/plain"),
    )
    async def get_query(name: str) -> Response:
        if name not in texts:
            raise Refusal(404, f"there is no stored query {name}; /queries lists them all")
        return PlainTextResponse(texts[name].text)

    return routes


def _summary(query: StoredQuery) -> dict[str, object]:
    return {key: value for key, value in vars(query).items() if key != "text"}


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
