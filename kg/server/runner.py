"""The address that is listened on, and the server of an application.

The server: it listens, says its address, and keeps what it serves up to date.
"""

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
from kg.server.connection_limits import Connection, ConnectionLimits, Guard
from kg.server.request_monitor import Operation

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kg.engine.remote_backend import ReleaseWatcher
    from kg.server.app import Data


# Descriptors that are left for files and workers, whatever the number of connections.
_RESERVED = 200
_LEAST = 16


class Server(uvicorn.Server):
    """A server that says its greeting once it answers."""

    greeting = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer (uvicorn)."""
        await super().startup(sockets)
        if self.started and self.greeting:
            print(self.greeting, flush=True)


def server_of(
    application: ASGIApp,
    limits: ConnectionLimits | None = None,
    ended: Callable[[str], None] = lambda reason: None,
    patience: int | None = None,
) -> Server:
    """Return a server of an application.

    `ended` hears the reason each time that a connection is ended early. At the end of all the server waits `patience`
    seconds for what is being answered.
    """
    limits = _possible(limits or ConnectionLimits())
    connection: Any = partial(Connection, guard=Guard(limits, ended))
    return Server(
        uvicorn.Config(
            application,
            http=connection,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # it would believe whoever is on this machine; see kg/http/client_address.py
            timeout_keep_alive=ceil(limits.idle_seconds) + 1,  # the guard is sooner
            timeout_graceful_shutdown=patience,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise KgError where that cannot be done."""
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


def address(listener: socket.socket) -> str:
    """Return the address of a socket that listens, as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _possible(limits: ConnectionLimits) -> ConnectionLimits:
    """Return limits with no more connections than this process may have descriptors for."""
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
    operation: Operation | None = None,
    connections: ConnectionLimits | None = None,
) -> None:
    """Serve until Ctrl-C, and say the address once it answers; raise KgError where that cannot be done.

    With `follow` a release gives way to the one that `out/current` points to, as soon as that is another. A large
    release is served from the disk until it is in memory. A store elsewhere, given by its address, is always followed.
    """
    limits, operation = limits or Limits(), operation or Operation()
    watcher, served = _watched(data, out)
    source = Source.of(served, limits)
    first = source.quickly_opened()

    def make(data: "Data", source: Source | None = None) -> "FastAPI":
        pool = _pool(source or Source.of(data, limits), limits)
        from kg.server.app import app

        return app(data, queries, out, limits, pool, operation, watcher.last_error if watcher else str)

    with listen(host, port) as listener:
        application: ASGIApp = (made := make(served, first))
        if watcher and isinstance(served, RemoteRelease):
            application = _replaced(made, _following(watcher, served, make))
        elif isinstance(served, Release) and (follow or first != source):
            application = _replaced(made, _newer(served, out if follow else None, make, first != source))
        # Whoever is being answered gets the answer; by then every question has reached its time limit.
        patience = ceil(limits.seconds + limits.queue_seconds)
        server = server_of(application, connections, operation.metrics.ended, patience)
        server.greeting = _greeting(served, address(listener))
        # uvicorn repeats the signal once it has closed everything; the user asked for just that.
        with suppress(KeyboardInterrupt), watcher or nullcontext():
            server.run(sockets=[listener])


def _watched(data: "Data | StoreAddress", out: Path) -> "tuple[ReleaseWatcher | None, Data]":
    """Return the data themselves, or what a store holds, and who watches that."""
    if not isinstance(data, StoreAddress):
        return None, data
    from kg.engine.remote_backend import ReleaseWatcher  # with HTTP and TLS, which take a while to load

    with ExitStack() as opened:
        watcher = opened.enter_context(ReleaseWatcher(data, out))
        held = watcher.current()
        opened.pop_all()  # it stays open, unless the store is refused
    return watcher, held


def _pool(source: Source, limits: Limits) -> Pool:
    """Return the workers of a source. The framework and the application take as long to load: they are meanwhile."""
    zygote = ZygoteClient.start(source, limits)
    importlib.import_module("kg.server.app")
    return Pool.of(source, limits, zygote)


def _replaced(application: "FastAPI", newer: "Callable[[], FastAPI | None]") -> ASGIApp:
    from kg.server.release_switcher import Switching  # with the framework

    return Switching(application, newer)


def _greeting(data: "Data", address: str) -> str:
    named = f" Things are named under {BASE}." if REBASED else ""
    return f"Serving {_named(data)} at {address} (SPARQL: {address}sparql).{named} Ctrl-C stops."


def _named(data: "Data") -> str:
    """Return what is served, in words."""
    if isinstance(data, RemoteRelease):
        what = f"release {data.published.version}" if data.published.version else "what is"
        alone = "" if data.release else ", without its files and its search (there is no copy of it here)"
        return f"{what} in the store ({data.address.engine}){alone}"
    return f"release {data.version}" if isinstance(data, Release) else f"{len(data)} data files"


def _following(
    watcher: "ReleaseWatcher", served: RemoteRelease, make: "Callable[[RemoteRelease], FastAPI]"
) -> "Callable[[], FastAPI | None]":
    """Return what makes an application each time that the store holds another release."""
    newer = watcher.poller(served)

    def following() -> "FastAPI | None":
        held = newer()
        application = make(held) if held else None
        if held:
            print(f"Serving {_named(held)} from now on.", flush=True)
        return application

    return following


def _newer(
    served: Release, out: Path | None, make: "Callable[[Release], FastAPI]", unloaded: bool
) -> "Callable[[], FastAPI | None]":
    """Return what makes an application when one is due.

    It is due once for the release that is served, where that is `unloaded` still, and then each time that another
    release has become the current one of `out`.
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
        seen = folder  # a release that cannot be served is not tried again and again
        release = current_release(out)
        application = make(release) if release else None
        if release:
            print(f"Serving release {release.version} from now on.", flush=True)
        return application

    return newer
