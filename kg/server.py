"""The application: every path that is served, and the server that listens for it."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from math import ceil
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from kg import __version__, downloads, endpoint, health, pages
from kg.answers import Answers
from kg.clients import BehindProxies
from kg.compression import Compressed
from kg.description import DESCRIPTION_FORMATS, service_description
from kg.endpoint import Refusal, allowed, problem
from kg.headers import EVERYWHERE, HeadersEverywhere
from kg.listening.guard import ConnectionLimits
from kg.listening.sockets import address, listen, server_of
from kg.metrics import Metrics
from kg.negotiate import GRAPH_FORMATS, HTML, PLAIN_JSON, ROW_FORMATS
from kg.observed import Observed, Operation
from kg.queries import StoredQuery, read_queries
from kg.releases import CURRENT, Release, current_release
from kg.replay import Replayed
from kg.replies import chosen, language_of, page
from kg.switching import Switching
from kg.workers.limits import Limits
from kg.workers.pool import Pool
from kg.workers.source import Source

# Of data that may be others when the server is started again.
REVALIDATED = "public, no-cache"
# What every path but the endpoint's can be asked by.
READING = "GET, HEAD, OPTIONS"


Data = Release | Sequence[Path]


def app(
    data: Data, queries: Path, out: Path, limits: Limits | None = None, operation: Operation | None = None
) -> FastAPI:
    """Return the application that serves a release, or RDF files, beside the releases in `out`.

    It starts the process that loads the data, and ends it when the server shuts it down.
    """
    release = data if isinstance(data, Release) else None
    limits, operation = limits or Limits(), operation or Operation()
    pool = Pool.of(Source.of(data, limits), limits)
    answers = Answers(pool)
    stored, total = read_queries(queries), pool.triples
    lasting = downloads.LIVE if release and not release.development else REVALIDATED

    def introduction(request: Request) -> Response:
        format = chosen(request, (*DESCRIPTION_FORMATS, HTML))
        if format is HTML:
            root = "../" if request.url.path.endswith("/") else "./"
            return page(pages.editor(language_of(request), root, stored, (*ROW_FORMATS, *GRAPH_FORMATS)))
        body = service_description(total, format, request.url.path, request.scope.get("server"))
        return Response(body, headers={"Content-Type": format.content_type, "Vary": "Accept"})

    # No documentation pages of FastAPI's: they load scripts from other sites. No slash redirects of its own: they
    # repeat whatever name the client calls this host.
    application = FastAPI(
        title="Shisaku Graph",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lambda _: _running(release, pool, answers, operation.metrics),
        exception_handlers={Refusal: _refused, HTTPException: _failed, ClientDisconnect: _gone, Exception: _broken},
    )
    asking, front = endpoint.router(answers, limits, lasting, introduction), _front(release, total, stored)
    operated = health.router(release, pool, operation.metrics)
    for router in (asking, front, operated, downloads.router(release, out)):
        application.include_router(_with_head(router))
    application.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    application.add_middleware(Compressed)
    application.add_middleware(HeadersEverywhere)
    application.add_middleware(Replayed)
    application.add_middleware(Observed, operation=operation, paths=[*_paths(application)])
    if operation.trusted:
        application.add_middleware(BehindProxies, trusted=operation.trusted)
    return application


def serve(
    data: Data,
    queries: Path,
    out: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    follow: bool = False,
    operation: Operation | None = None,
    connections: ConnectionLimits | None = None,
) -> None:
    """Serve until Ctrl-C, and say the address once it answers; raise KgError where that cannot be done.

    With `follow` a release gives way to the one that `out/current` points to, as soon as that is another.
    """
    limits, watch = limits or Limits(), operation or Operation()

    def make(data: Data) -> FastAPI:
        return app(data, queries, out, limits, watch)

    with listen(host, port) as listener:
        application: ASGIApp = make(data)
        if follow and isinstance(data, Release) and isinstance(application, FastAPI):
            application = Switching(application, _newer(data, out, make))
        name = f"release {data.version}" if isinstance(data, Release) else f"{len(data)} data files"
        # Whoever is being answered gets the answer; by then every question has reached its time limit.
        patience = ceil(limits.seconds + limits.waiting_seconds)
        server = server_of(application, connections, watch.metrics.ended, patience)
        server.greeting = f"Serving {name} at {{0}} (SPARQL: {{0}}sparql). Ctrl-C stops.".format(address(listener))
        # uvicorn repeats the signal once it has closed everything; the user asked for just that.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@asynccontextmanager
async def _running(release: Release | None, pool: Pool, answers: Answers, metrics: Metrics) -> AsyncIterator[None]:
    async with pool.running():
        with metrics.reading(release.version if release else "", pool, answers):
            yield


def _paths(application: FastAPI) -> Iterator[str]:
    """Yield the paths of an application, as its routes name them."""
    for route in application.routes:
        if isinstance(route, Route | Mount):
            yield route.path


def _newer(served: Release, out: Path, make: Callable[[Release], FastAPI]) -> Callable[[], FastAPI | None]:
    """Return what makes an application each time that another release has become the current one."""
    seen = served.folder

    def newer() -> FastAPI | None:
        nonlocal seen
        folder = (out / CURRENT).resolve()
        if folder == seen:
            return None
        seen = folder  # a release that cannot be served is not tried again and again
        release = current_release(out)
        application = make(release) if release else None
        if release:
            print(f"Serving release {release.version} from now on.", flush=True)
        return application

    return newer


def _with_head(router: APIRouter) -> APIRouter:
    """Let every path that answers GET answer HEAD: the same without a body (RFC 9110, 9.3.2)."""
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    there = {route.path for route in routes if "HEAD" in (route.methods or ())}
    for route in routes:
        if "GET" in (route.methods or ()) and route.path not in there:
            path = route.path.removeprefix(router.prefix)
            router.add_api_route(path, route.endpoint, methods=["HEAD"], include_in_schema=False)
    return router


def _front(release: Release | None, total: int, stored: Sequence[StoredQuery]) -> APIRouter:
    """Return the landing page and the stored queries."""
    routes = APIRouter()
    texts = {query.name: query for query in stored}

    @routes.get("/", include_in_schema=False)
    async def landing(request: Request) -> Response:
        return page(pages.landing(language_of(request), release, total, stored))

    @routes.get("/queries", tags=["stored queries"], summary="List the stored queries")
    async def list_queries(request: Request) -> Response:
        if chosen(request, (PLAIN_JSON, HTML)) is HTML:
            return page(pages.query_list(language_of(request), stored))
        return JSONResponse([_summary(query) for query in stored], headers={"Vary": "Accept"})

    @routes.get("/queries/{name}", tags=["stored queries"], summary="Get the text of a stored query")
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
        headers["Allow"] = endpoint.METHODS if request.url.path.rstrip("/").endswith("/sparql") else READING
    return problem(Refusal(error.status_code, error.detail, headers))


async def _gone(request: Request, error: Exception) -> Response:
    """Answer nobody: the client has gone away before it had said everything."""
    return Response(status_code=endpoint.CLIENT_GONE)


async def _broken(request: Request, error: Exception) -> Response:
    """Answer where the program is at fault; the trace goes to the log of the server only."""
    return problem(Refusal(500, "the server failed to answer; the fault is ours", EVERYWHERE))
