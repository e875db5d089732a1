"""Watches every request from outside: counts it, measures it, writes it down.

The access log: one line of JSON for each request, written only where it is asked for.

It is off unless asked for, since it tells who has asked: a proxy in front writes one of its own, and the counts are at
/metrics. Of an address only the network is written, of a query only the beginning of its SHA-256, by which the same
queries can be counted, unless its text is asked for.
"""

import hashlib
import json
import os
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.core.errors import KgError, Problem
from kg.engine.result_cache import REPLAYED, request_context
from kg.http.client_address import Network, written
from kg.server.monitoring import Metrics

STANDARD_ERROR = Path("-")
_LONGEST_PATH = 500
_PREFIX = 16  # hex digits
_STANDARD_ERROR = 2
_INTERVAL = 1.0


@dataclass(frozen=True)
class Entry:
    """What is known of a request when it is answered; `size` is what was sent as the content, in bytes."""

    client: str
    method: str
    path: str
    status: int
    size: int
    seconds: float
    outcome: str
    query: str


class AccessLog:
    """Writes to a file, or to standard error. A file may be moved away at any time: it is begun anew a second later."""

    def __init__(self, file: Path, with_queries: bool = False) -> None:
        """Begin or continue a log; raise KgError where the file cannot be written."""
        self._file, self._with_queries = file, with_queries
        self._looked_at = 0.0
        try:
            self._descriptor = self._open()
        except OSError as error:
            problem = Problem(f"the access log cannot be written: {error}", "choose another file: --access-log FILE")
            raise KgError(problem) from error

    def write(self, entry: Entry) -> None:
        """Write a line, whole; where there is no room for it, it is lost."""
        line: dict[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": written(entry.client),
            "method": entry.method,
            "path": entry.path[:_LONGEST_PATH],
            "status": entry.status,
            "bytes": entry.size,
            "ms": round(entry.seconds * 1000, 2),
            "outcome": entry.outcome,
        }
        if entry.query:
            line["query"] = _hash(entry.query)
            if self._with_queries:
                line["text"] = entry.query
        with suppress(OSError):
            self._look()
            os.write(self._descriptor, json.dumps(line).encode() + b"\n")

    def _open(self) -> int:
        if self._file == STANDARD_ERROR:
            return _STANDARD_ERROR
        return os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def _look(self) -> None:
        """Open the file again where another one, or none, has its name now."""
        now = monotonic()
        if now - self._looked_at < _INTERVAL or self._descriptor == _STANDARD_ERROR:
            return
        self._looked_at = now
        newest = self._open()
        if os.path.sameopenfile(newest, self._descriptor):
            os.close(newest)
        else:
            os.close(self._descriptor)
            self._descriptor = newest


def _hash(query: str) -> str:
    return hashlib.sha256(query.encode(errors="surrogatepass")).hexdigest()[:_PREFIX]


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
        metrics, remarks = self._metrics, request_context(scope)
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
