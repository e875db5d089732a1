"""The application: every path that is served, and the server that listens for it."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from urllib.parse import quote

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg import __version__, endpoint, negotiate, pages
from kg.description import DESCRIPTION_FORMATS, service_description
from kg.endpoint import Refusal, accept_of, problem
from kg.errors import KgError, Problem, ReleaseError
from kg.negotiate import GRAPH_FORMATS, HTML, PLAIN_JSON, ROW_FORMATS, Format, NotAcceptable
from kg.queries import StoredQuery, read_queries
from kg.releases import Release, release_of
from kg.workers.limits import Limits
from kg.workers.pool import Pool
from kg.workers.source import Source

# Pages of every site may read everything; no credentials are involved anywhere.
OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Location, ETag, Link, Retry-After",
    "X-Content-Type-Options": "nosniff",
}
PAGE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'",
    "Vary": "Accept, Accept-Language",
}
# A file of a release never changes under its address; a development build may.
FOREVER = "public, max-age=31536000, immutable"
DEVELOPMENT = "+dev"


Data = Release | Sequence[Path]


def app(data: Data, queries: Path, out: Path, limits: Limits | None = None) -> FastAPI:
    """Return the application that serves a release, or RDF files, beside the releases in `out`.

    It starts the process that loads the data, and ends it when the server shuts it down.
    """
    release = data if isinstance(data, Release) else None
    limits = limits or Limits()
    pool = Pool.of(Source.of(data), limits)
    stored, total = read_queries(queries), pool.triples

    def introduction(request: Request) -> Response:
        format = _choose(request, (*DESCRIPTION_FORMATS, HTML))
        if format is HTML:
            root = "../" if request.url.path.endswith("/") else "./"
            return _page(pages.editor(_language(request), root, stored, (*ROW_FORMATS, *GRAPH_FORMATS)))
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
        lifespan=lambda _: pool.running(),
    )
    application.include_router(endpoint.router(pool, limits, introduction))
    application.include_router(_front(release, total, stored))
    application.include_router(_releases(release, out))
    application.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    application.add_middleware(OpenToAll)
    application.add_exception_handler(Refusal, _refused)
    application.add_exception_handler(HTTPException, _failed)
    application.add_exception_handler(Exception, _broken)
    return application


def serve(
    data: Data,
    queries: Path,
    out: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
) -> None:
    """Serve until Ctrl-C, and say the address once it answers; raise KgError where that cannot be done."""
    limits = limits or Limits()
    with _listen(host, port) as listener:
        application = app(data, queries, out, limits)
        name = f"release {data.version}" if isinstance(data, Release) else f"{len(data)} data files"
        # Whoever is being answered gets the answer; by then every question has reached its time limit.
        patience = ceil(limits.seconds + limits.waiting_seconds)
        server = _Server(
            uvicorn.Config(
                application,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=patience,
            )
        )
        server.greeting = f"Serving {name} at {{0}} (SPARQL: {{0}}sparql). Ctrl-C stops.".format(_address(listener))
        # uvicorn repeats the signal once it has closed everything; the user asked for just that.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


class OpenToAll:
    """Adds to every answer the headers that let pages of other sites read it (CORS)."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with these headers."""

        async def send_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(OPEN)
            await send(message)

        await self.application(scope, receive, send_open)


class _Server(uvicorn.Server):
    greeting = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self.greeting, flush=True)


def _front(release: Release | None, total: int, stored: Sequence[StoredQuery]) -> APIRouter:
    """Return the landing page, the stored queries and the answers for those who operate the server."""
    routes = APIRouter()
    texts = {query.name: query for query in stored}

    @routes.head("/", include_in_schema=False)
    @routes.get("/", include_in_schema=False)
    async def landing(request: Request) -> Response:
        return _page(pages.landing(_language(request), release, total, stored))

    @routes.get("/queries", tags=["stored queries"], summary="List the stored queries")
    async def list_queries(request: Request) -> Response:
        if _choose(request, (PLAIN_JSON, HTML)) is HTML:
            return _page(pages.query_list(_language(request), stored))
        return JSONResponse([_summary(query) for query in stored], headers={"Vary": "Accept"})

    @routes.get("/queries/{name}", tags=["stored queries"], summary="Get the text of a stored query")
    async def get_query(name: str) -> Response:
        if name not in texts:
            raise Refusal(404, f"there is no stored query {name}; /queries lists them all")
        return PlainTextResponse(texts[name].text)

    @routes.get("/healthz", tags=["operation"], summary="Whether the server lives")
    async def live() -> Response:
        return PlainTextResponse("ok\n")

    @routes.get("/readyz", tags=["operation"], summary="What the server is ready to answer from")
    async def ready() -> Response:
        return JSONResponse({"release": release.version if release else None, "triples": total})

    return routes


def _releases(current: Release | None, out: Path) -> APIRouter:
    """Return the downloads. Redirects are relative, so that they hold behind any prefix."""
    routes = APIRouter(prefix="/release", tags=["downloads"])

    @routes.get("/latest", summary="Go to the release that is served", status_code=307)
    async def latest() -> Response:
        return _redirect(f"{_version(current)}/")

    @routes.get("/latest/", include_in_schema=False)
    async def latest_listing() -> Response:
        return _redirect(f"../{_version(current)}/")

    @routes.get("/latest/{name}", summary="Go to a file of the release that is served", status_code=307)
    async def latest_file(name: str) -> Response:
        return _redirect(f"../{_version(current)}/{quote(name, safe='')}")

    @routes.get("/{version}", include_in_schema=False)
    async def without_slash(version: str) -> Response:
        return _redirect(f"{quote(_release(current, out, version).version)}/")

    @routes.get("/{version}/", summary="List the files of a release")
    async def listing(request: Request, version: str) -> Response:
        release = _release(current, out, version)
        if _choose(request, (PLAIN_JSON, HTML)) is HTML:
            return _page(pages.listing(_language(request), release))
        return JSONResponse(release.manifest(), headers={"Vary": "Accept"})

    @routes.head("/{version}/{name}", include_in_schema=False)
    @routes.get("/{version}/{name}", summary="Download a file of a release")
    async def download(request: Request, version: str, name: str) -> Response:
        return _download(request, _release(current, out, version), name)

    return routes


def _download(request: Request, release: Release, name: str) -> Response:
    """Return a file that the manifest names; a name that it does not hold never becomes a path."""
    files = {file.name: file for file in release.files}
    if name not in files:
        raise Refusal(404, f"release {release.version} has no file {name}; it has {', '.join(files)}")
    file = files[name]
    headers = {"ETag": f'"{file.sha256}"', "Cache-Control": "no-cache" if DEVELOPMENT in release.version else FOREVER}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(release.path(name), headers=headers, media_type=file.media_type)


def _release(current: Release | None, out: Path, version: str) -> Release:
    if current and version == current.version:
        return current
    try:
        return release_of(out, version)
    except (ReleaseError, OSError, ValueError) as error:  # the latter two: names that no file system takes
        raise Refusal(404, f"there is no release {version}") from error


def _version(release: Release | None) -> str:
    if release is None:
        raise Refusal(404, "this server was started on data files; it has no release to download")
    return quote(release.version)


def _redirect(target: str) -> Response:
    return Response(status_code=307, headers={"Location": target})


def _summary(query: StoredQuery) -> dict[str, object]:
    return {key: value for key, value in vars(query).items() if key != "text"}


def _page(html: str) -> Response:
    return HTMLResponse(html, headers=PAGE)


def _language(request: Request) -> str:
    return pages.language(request.query_params.get("lang"), request.headers.get("accept-language"))


def _choose(request: Request, offered: tuple[Format, ...]) -> Format:
    try:
        return negotiate.choose(offered, accept_of(request), request.query_params.get("format"))
    except NotAcceptable as error:
        raise endpoint.not_acceptable(error) from error


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return problem(error)


async def _failed(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: an unknown path, or a method that a path does not have."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = endpoint.METHODS if request.url.path.rstrip("/").endswith("/sparql") else "GET, HEAD"
    return problem(Refusal(error.status_code, error.detail, headers))


async def _broken(request: Request, error: Exception) -> Response:
    """Answer where the program is at fault; the trace goes to the log of the server only."""
    return problem(Refusal(500, "the server failed to answer; the fault is ours", OPEN))


def _listen(host: str, port: int) -> socket.socket:
    try:
        # With its protocol named: on a socket without, asyncio leaves Nagle's algorithm on, 40 ms for each answer.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise KgError(Problem(f"{host} is no address of this machine: {error}", "choose another --host")) from error
    try:
        # A port that was just given up can be used again at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        remedy = f"stop the program that uses it, or choose another port: kg serve --port {port + 1}"
        raise KgError(Problem(f"port {port} of {host} cannot be used: {error}", remedy)) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
