"""The server: it listens, says its address, and keeps what it serves up to date."""

import socket
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from kg.errors import KgError, Problem
from kg.names import BASE
from kg.rebasing import REBASED
from kg.releases import CURRENT, Release, current_release
from kg.site import Data, app
from kg.switching import Switching
from kg.workers.limits import Limits
from kg.workers.source import Source


def serve(
    data: Data,
    queries: Path,
    out: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    follow: bool = False,
) -> None:
    """Serve until Ctrl-C, and say the address once it answers; raise KgError where that cannot be done.

    With `follow` a release gives way to the one that `out/current` points to, as soon as that is another. A large
    release is served from the disk until it is in memory.
    """
    limits = limits or Limits()
    source = Source.of(data, limits)
    first = source.at_once()

    def make(data: Data, source: Source | None = None) -> FastAPI:
        return app(data, queries, out, limits, source)

    with _listen(host, port) as listener:
        application: ASGIApp = make(data, first)
        if isinstance(data, Release) and isinstance(application, FastAPI) and (follow or first != source):
            application = Switching(application, _newer(data, out if follow else None, make, first != source))
        name = f"release {data.version}" if isinstance(data, Release) else f"{len(data)} data files"
        # Whoever is being answered gets the answer; by then every question has reached its time limit.
        patience = ceil(limits.seconds + limits.waiting_seconds)
        server = _Server(_config(application, patience))
        named = f" Things are named under {BASE}." if REBASED else ""
        server.greeting = f"Serving {name} at {{0}} (SPARQL: {{0}}sparql).{named} Ctrl-C stops.".format(
            _address(listener)
        )
        # uvicorn repeats the signal once it has closed everything; the user asked for just that.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _config(application: ASGIApp, patience: int) -> uvicorn.Config:
    """Return how the server is run; `patience` is how many seconds it waits at its end for answers to be finished."""
    return uvicorn.Config(
        application,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=patience,
    )


class _Server(uvicorn.Server):
    greeting = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self.greeting, flush=True)


def _newer(
    served: Release, out: Path | None, make: Callable[[Release], FastAPI], unloaded: bool
) -> Callable[[], FastAPI | None]:
    """Return what makes an application when one is due.

    It is due once for the release that is served, where that is `unloaded` still, and then each time that another
    release has become the current one of `out`.
    """
    seen = served.folder

    def newer() -> FastAPI | None:
        nonlocal seen, unloaded
        if unloaded:
            unloaded = False
            return make(served)
        if out is None:
            return None
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
