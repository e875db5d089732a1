"""The server: it listens, says its address, and keeps what it serves up to date."""

import importlib
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from kg.core.iris import BASE
from kg.core.rebase import REBASED
from kg.core.release import CURRENT, Release, current_release
from kg.engine.data_source import Source
from kg.engine.limits import Limits
from kg.engine.pool import Pool
from kg.engine.remote_release import Address, Held
from kg.engine.zygote_client import Launcher
from kg.server.connection_limits import ConnectionLimits
from kg.server.listener import address, listen, server_of
from kg.server.request_monitor import Operation

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kg.engine.release_watcher import Watch
    from kg.server.app import Data


def serve(
    data: "Data | Address",
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
    watch, served = _watched(data, out)
    source = Source.of(served, limits)
    first = source.at_once()

    def make(data: "Data", source: Source | None = None) -> "FastAPI":
        pool = _pool(source or Source.of(data, limits), limits)
        from kg.server.app import app

        return app(data, queries, out, limits, pool, operation, watch.trouble if watch else str)

    with listen(host, port) as listener:
        application: ASGIApp = (made := make(served, first))
        if watch and isinstance(served, Held):
            application = _replaced(made, _following(watch, served, make))
        elif isinstance(served, Release) and (follow or first != source):
            application = _replaced(made, _newer(served, out if follow else None, make, first != source))
        # Whoever is being answered gets the answer; by then every question has reached its time limit.
        patience = ceil(limits.seconds + limits.waiting_seconds)
        server = server_of(application, connections, operation.metrics.ended, patience)
        server.greeting = _greeting(served, address(listener))
        # uvicorn repeats the signal once it has closed everything; the user asked for just that.
        with suppress(KeyboardInterrupt), watch or nullcontext():
            server.run(sockets=[listener])


def _watched(data: "Data | Address", out: Path) -> "tuple[Watch | None, Data]":
    """Return the data themselves, or what a store holds, and who watches that."""
    if not isinstance(data, Address):
        return None, data
    from kg.engine.release_watcher import Watch  # with HTTP and TLS, which take a while to load

    with ExitStack() as opened:
        watch = opened.enter_context(Watch(data, out))
        held = watch.held()
        opened.pop_all()  # it stays open, unless the store is refused
    return watch, held


def _pool(source: Source, limits: Limits) -> Pool:
    """Return the workers of a source. The framework and the application take as long to load: they are meanwhile."""
    launcher = Launcher.begin(source, limits)
    importlib.import_module("kg.server.app")
    return Pool.of(source, limits, launcher)


def _replaced(application: "FastAPI", newer: "Callable[[], FastAPI | None]") -> ASGIApp:
    from kg.server.release_switcher import Switching  # with the framework

    return Switching(application, newer)


def _greeting(data: "Data", address: str) -> str:
    named = f" Things are named under {BASE}." if REBASED else ""
    return f"Serving {_named(data)} at {address} (SPARQL: {address}sparql).{named} Ctrl-C stops."


def _named(data: "Data") -> str:
    """Return what is served, in words."""
    if isinstance(data, Held):
        what = f"release {data.holding.version}" if data.holding.version else "what is"
        alone = "" if data.release else ", without its files and its search (there is no copy of it here)"
        return f"{what} in the store ({data.address.engine}){alone}"
    return f"release {data.version}" if isinstance(data, Release) else f"{len(data)} data files"


def _following(watch: "Watch", served: Held, make: "Callable[[Held], FastAPI]") -> "Callable[[], FastAPI | None]":
    """Return what makes an application each time that the store holds another release."""
    newer = watch.following(served)

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
