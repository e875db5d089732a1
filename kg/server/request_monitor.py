"""Watches every request from outside: counts it, measures it, writes it down."""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.core.request_context import REPLAYED, remarks_of
from kg.http.client_address import Network
from kg.server.access_log import AccessLog, Entry
from kg.server.metrics import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "QUERY", "OPTIONS"})
_OTHER = "other"
_REFUSED = {429, 503}
_GONE = 499


@dataclass(frozen=True)
class Operation:
    """What those who operate a server want of it: its metrics, a log, and which proxies are to be believed.

    `address` is where clients reach the top of the site, where the server cannot know it.
    """

    metrics: Metrics = field(default_factory=Metrics)
    log: AccessLog | None = None
    trusted: tuple[Network, ...] = ()
    address: str = ""


class Observed:
    """Counts what an application is asked, by the first part of each path that it has."""

    def __init__(self, application: ASGIApp, operation: Operation, paths: Iterable[str]) -> None:
        self._application = application
        self._metrics, self._log = operation.metrics, operation.log
        self._routes = {part: part for part in map(_first_part, paths)}
        # The words by which requests are counted: bounded sets, never what a client has written.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does (ASGI)."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        metrics, remarks = self._metrics, remarks_of(scope)
        status = size = 0
        began = started = perf_counter()

        def send_observed(message: Message) -> Awaitable[None]:
            nonlocal status, size, began
            if message["type"] == "http.response.start":
                status, began = message["status"], perf_counter()
            else:
                size += len(message.get("body", b""))
            return send(message)

        metrics.in_progress += 1
        try:
            await self._application(scope, receive, send_observed)
        except Exception:
            status, began = status or 500, perf_counter()  # the framework is about to say so
            raise
        finally:
            metrics.in_progress -= 1
            outcome, method, path = _outcome(status, remarks.source), scope["method"], scope["path"]
            if outcome == REPLAYED and remarks.query:
                metrics.replayed += 1
            route = _first_part(path)
            metrics.answered(
                route if route in self._routes else _OTHER,
                method if method in _METHODS else _OTHER,
                status or _GONE,
                outcome,
                began - started,
            )
            if self._log:
                client = scope["client"][0] if scope.get("client") else ""
                sent, seconds = 0 if method == "HEAD" else size, perf_counter() - started
                self._log.write(Entry(client, method, path, status or _GONE, sent, seconds, outcome, remarks.query))


def _first_part(path: str) -> str:
    return "/" + path[1:].partition("/")[0]


def _outcome(status: int, source: str) -> str:
    """Return what became of a request, in a word of a bounded set."""
    if status < 300 and status:
        return source or "served"
    if status < 400 and status:
        return "unchanged" if status == 304 else "redirected"
    if status in (0, _GONE):
        return "gone"
    return "refused" if status < 500 or status in _REFUSED else "broken"
