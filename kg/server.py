"""The server: it listens, says its address, and keeps what it serves up to date."""

from collections.abc import Callable
from contextlib import suppress
from math import ceil
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from kg.listening.guard import ConnectionLimits
from kg.listening.sockets import address, listen, server_of
from kg.names import BASE
from kg.observed import Operation
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
    operation: Operation | None = None,
    connections: ConnectionLimits | None = None,
) -> None:
    """Serve until Ctrl-C, and say the address once it answers; raise KgError where that cannot be done.

    With `follow` a release gives way to the one that `out/current` points to, as soon as that is another. A large
    release is served from the disk until it is in memory.
    """
    limits, watch = limits or Limits(), operation or Operation()
    source = Source.of(data, limits)
    first = source.at_once()

    def make(data: Data, source: Source | None = None) -> FastAPI:
        return app(data, queries, out, limits, source, watch)

    with listen(host, port) as listener:
        application: ASGIApp = make(data, first)
        if isinstance(data, Release) and isinstance(application, FastAPI) and (follow or first != source):
            application = Switching(application, _newer(data, out if follow else None, make, first != source))
        name = f"release {data.version}" if isinstance(data, Release) else f"{len(data)} data files"
        # Whoever is being answered gets the answer; by then every question has reached its time limit.
        patience = ceil(limits.seconds + limits.waiting_seconds)
        server = server_of(application, connections, watch.metrics.ended, patience)
        named = f" Things are named under {BASE}." if REBASED else ""
        server.greeting = f"Serving {name} at {{0}} (SPARQL: {{0}}sparql).{named} Ctrl-C stops.".format(
            address(listener)
        )
        # uvicorn repeats the signal once it has closed everything; the user asked for just that.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


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
