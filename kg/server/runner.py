"""Start of the server: listening socket, uvicorn configuration, and following of new releases."""

import importlib
import resource
import socket
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp

from kg.core.errors import KgError, Problem
from kg.core.iris import BASE, REBASED
from kg.core.release import CURRENT, Release, current_release
from kg.engine.data_source import Limits, Source
from kg.engine.pool import Pool
from kg.engine.remote_release import RemoteRelease, StoreAddress
from kg.engine.zygote_client import ZygoteClient
from kg.server.connection_limits import Connection, ConnectionGuard, ConnectionLimits
from kg.server.request_monitor import OperatorSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kg.engine.remote_backend import ReleaseWatcher
    from kg.server.app import Data


# File descriptors reserved for files and workers.
_RESERVED = 200
_LEAST = 16


class Server(uvicorn.Server):
    """A uvicorn server that prints a greeting once it answers."""

    greeting = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the server and print the greeting (uvicorn)."""
        await super().startup(sockets)
        if self.started and self.greeting:
            print(self.greeting, flush=True)


def create_server(
    application: ASGIApp,
    limits: ConnectionLimits | None = None,
    ended: Callable[[str], None] = lambda reason: None,
    patience: int | None = None,
) -> Server:
    """Return the server of an application.

    `ended` is called with the reason of each early close of a connection. On shutdown, open requests have `patience`
    seconds to complete.
    """
    limits = _within_descriptor_limit(limits or ConnectionLimits())
    connection: Any = partial(Connection, guard=ConnectionGuard(limits, ended))
    return Server(
        uvicorn.Config(
            application,
            http=connection,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # uvicorn's would trust every process on this machine; see kg/http/client_address.py
            timeout_keep_alive=ceil(limits.idle_seconds) + 1,  # unused: the guard closes earlier
            timeout_graceful_shutdown=patience,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise KgError if the address or the port cannot be used."""
    try:
        # The protocol is explicit: without it, asyncio leaves Nagle's algorithm on, which costs 40 ms per response.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise KgError(Problem(f"{host} is not an address of this machine: {error}", "choose another --host")) from error
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


def address(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _within_descriptor_limit(limits: ConnectionLimits) -> ConnectionLimits:
    """Return the limits with no more connections than the process has file descriptors for."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return replace(limits, connections=max(_LEAST, min(limits.connections, most - _RESERVED)))


def serve(
    data: "Data | StoreAddress",
    queries: Path,
    out: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    follow: bool = False,
    operation: OperatorSettings | None = None,
    connections: ConnectionLimits | None = None,
) -> None:
    """Serve until Ctrl-C, and print the URL when ready; raise KgError if that is impossible.

    With `follow`, the server switches to each new release that `out/current` points to. A large release is served from
    disk until it is in memory. A remote store, given by its address, is always followed.
    """
    limits, operation = limits or Limits(), operation or OperatorSettings()
    watcher, served = _open_source(data, out)
    source = Source.of(served, limits)
    first = source.quickly_opened()

    def make(data: "Data", source: Source | None = None) -> "FastAPI":
        pool = _start_pool(source or Source.of(data, limits), limits)
        from kg.server.app import app

        return app(data, queries, out, limits, pool, operation, watcher.last_error if watcher else str)

    with listen(host, port) as listener:
        application: ASGIApp = (made := make(served, first))
        if watcher and isinstance(served, RemoteRelease):
            application = _switching(made, _following(watcher, served, make))
        elif isinstance(served, Release) and (follow or first != source):
            application = _switching(made, _newer(served, out if follow else None, make, first != source))
        # Open requests are completed; by then every query has reached its time limit.
        patience = ceil(limits.seconds + limits.queue_seconds)
        server = create_server(application, connections, operation.metrics.ended, patience)
        server.greeting = _greeting(served, address(listener))
        # uvicorn raises the signal again after shutdown, which is what the user requested.
        with suppress(KeyboardInterrupt), watcher or nullcontext():
            server.run(sockets=[listener])


def _open_source(data: "Data | StoreAddress", out: Path) -> "tuple[ReleaseWatcher | None, Data]":
    """Return the data or the release in a remote store, with the watcher of that store."""
    if not isinstance(data, StoreAddress):
        return None, data
    from kg.engine.remote_backend import ReleaseWatcher  # imports HTTP and TLS, which take a while to load

    with ExitStack() as opened:
        watcher = opened.enter_context(ReleaseWatcher(data, out))
        served = watcher.current()
        opened.pop_all()  # stays open unless the store is refused
    return watcher, served


def _start_pool(source: Source, limits: Limits) -> Pool:
    """Return the worker pool of a source. The framework is imported while the workers load."""
    zygote = ZygoteClient.start(source, limits)
    importlib.import_module("kg.server.app")
    return Pool.of(source, limits, zygote)


def _switching(application: "FastAPI", newer: "Callable[[], FastAPI | None]") -> ASGIApp:
    from kg.server.release_switcher import SwitchingApplication  # imports the framework

    return SwitchingApplication(application, newer)


def _greeting(data: "Data", address: str) -> str:
    named = f" Things are named under {BASE}." if REBASED else ""
    return f"Serving {_describe(data)} at {address} (SPARQL: {address}sparql).{named} Ctrl-C stops."


def _describe(data: "Data") -> str:
    """Return a description of the data, for the greeting."""
    if isinstance(data, RemoteRelease):
        what = f"release {data.published.version}" if data.published.version else "what is"
        alone = "" if data.release else ", without its files and its search (there is no copy of it here)"
        return f"{what} in the store ({data.address.engine}){alone}"
    return f"release {data.version}" if isinstance(data, Release) else f"{len(data)} data files"


def _following(
    watcher: "ReleaseWatcher", served: RemoteRelease, make: "Callable[[RemoteRelease], FastAPI]"
) -> "Callable[[], FastAPI | None]":
    """Return a function that creates an application each time that the store has a new release."""
    newer = watcher.poller(served)

    def following() -> "FastAPI | None":
        release = newer()
        application = make(release) if release else None
        if release:
            print(f"Serving {_describe(release)} from now on.", flush=True)
        return application

    return following


def _newer(
    served: Release, out: Path | None, make: "Callable[[Release], FastAPI]", unloaded: bool
) -> "Callable[[], FastAPI | None]":
    """Return a function that creates an application when one is due, and returns None otherwise.

    One is due for the current release while that is `unloaded`, and each time that `out` has another current release.
    """
    seen = served.folder

    def newer() -> "FastAPI | None":
        nonlocal seen, unloaded
        if unloaded:
            unloaded = False
            return make(served)
        if out is None:
            return None
        folder = (out / CURRENT).resolve()
        if folder == seen:
            return None
        seen = folder  # set first, so that a release that cannot be served is not retried
        release = current_release(out)
        application = make(release) if release else None
        if release:
            print(f"Serving release {release.version} from now on.", flush=True)
        return application

    return newer
