"""Middleware that measures every request, and the optional access log.

The access log has one line of JSON per request. It is off by default for privacy: a proxy in front writes its own log,
and the counters are at /metrics. Addresses are masked to their network; a query is reduced to a prefix of its SHA-256,
by which equal queries can be counted, unless its text is requested.
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
from kg.http.client_address import Network, masked_network
from kg.server.monitoring import Metrics

STANDARD_ERROR = Path("-")
_LONGEST_PATH = 500
_PREFIX = 16  # hexadecimal digits
_STANDARD_ERROR = 2
_INTERVAL = 1.0


@dataclass(frozen=True)
class AccessLogEntry:
    """One access log entry; `size` is that of the content sent, in bytes."""

    client: str
    method: str
    path: str
    status: int
    size: int
    seconds: float
    outcome: str
    query: str


class AccessLog:
    """Access log in a file or on standard error. A rotated file is reopened within a second."""

    def __init__(self, file: Path, with_queries: bool = False) -> None:
        """Open the log for appending; raise KgError if the file cannot be written."""
        self._file, self._with_queries = file, with_queries
        self._looked_at = 0.0
        try:
            self._descriptor = self._open()
        except OSError as error:
            problem = Problem(f"the access log cannot be written: {error}", "choose another file: --access-log FILE")
            raise KgError(problem) from error

    def write(self, entry: AccessLogEntry) -> None:
        """Write one line atomically; if the disk is full, it is lost."""
        line: dict[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": masked_network(entry.client),
            "method": entry.method,
            "path": entry.path[:_LONGEST_PATH],
            "status": entry.status,
            "bytes": entry.size,
            "ms": round(entry.seconds * 1000, 2),
            "outcome": entry.outcome,
        }
        if entry.query:
            line["query"] = _digest(entry.query)
            if self._with_queries:
                line["text"] = entry.query
        with suppress(OSError):
            self._reopen_if_moved()
            os.write(self._descriptor, json.dumps(line).encode() + b"\n")

    def _open(self) -> int:
        if self._file == STANDARD_ERROR:
            return _STANDARD_ERROR
        return os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def _reopen_if_moved(self) -> None:
        """Reopen the file if it was moved or deleted."""
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


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode(errors="surrogatepass")).hexdigest()[:_PREFIX]


_METHODS = frozenset({"GET", "HEAD", "POST", "QUERY", "OPTIONS"})
_OTHER = "other"
_REFUSED = {429, 503}
_CLIENT_CLOSED_REQUEST = 499


@dataclass(frozen=True)
class OperatorSettings:
    """Settings of the operator: metrics, access log, trusted proxies.

    `address` is the public URL of the site, which the server cannot know by itself.
    """

    metrics: Metrics = field(default_factory=Metrics)
    log: AccessLog | None = None
    trusted: tuple[Network, ...] = ()
    address: str = ""


class MonitoringMiddleware:
    """Middleware that counts and measures requests, by the first segment of their path."""

    def __init__(self, application: ASGIApp, operation: OperatorSettings, paths: Iterable[str]) -> None:
        self._application = application
        self._metrics, self._log = operation.metrics, operation.log
        # The labels of requests are from bounded sets, never text sent by a client.
        self._routes = {part: part for part in map(_first_part, paths)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
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
            status, began = status or 500, perf_counter()  # the framework is about to send it
            raise
        finally:
            metrics.in_progress -= 1
            outcome, method, path = _outcome(status, remarks.source), scope["method"], scope["path"]
            if outcome == REPLAYED and remarks.query:
                metrics.replayed += 1
            route = _first_part(path)
            metrics.count_request(
                route if route in self._routes else _OTHER,
                method if method in _METHODS else _OTHER,
                status or _CLIENT_CLOSED_REQUEST,
                outcome,
                began - started,
            )
            if self._log:
                seconds = perf_counter() - started
                self._log.write(_entry(scope, status or _CLIENT_CLOSED_REQUEST, size, seconds, outcome, remarks.query))


def _entry(scope: Scope, status: int, size: int, seconds: float, outcome: str, query: str) -> AccessLogEntry:
    """Return the access log entry of a request; `size` is that of the content, also where HEAD does not send it."""
    client = scope["client"][0] if scope.get("client") else ""
    method: str = scope["method"]
    sent = 0 if method == "HEAD" else size
    return AccessLogEntry(client, method, scope["path"], status, sent, seconds, outcome, query)


def _first_part(path: str) -> str:
    return "/" + path[1:].partition("/")[0]


def _outcome(status: int, source: str) -> str:
    """Return the outcome of a request, a label from a bounded set."""
    if status < 300 and status:
        return source or "served"
    if status < 400 and status:
        return "unchanged" if status == 304 else "redirected"
    if status in (0, _CLIENT_CLOSED_REQUEST):
        return "gone"
    return "refused" if status < 500 or status in _REFUSED else "broken"
