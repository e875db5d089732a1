"""Cache of query results: a release never changes, so neither do the answers to queries about it.

Answers are cached up to a number of bytes, in memory and in files (LRU). Concurrent identical queries share one
computation. A refusal caused by the query is cached too: a query that exceeded a limit is refused at once for the time
of its `Retry-After`. Queries whose answer depends on the moment (NOW, RAND, SERVICE …) are not cached.

The source of an answer and the text of its query are recorded in the state of the request (ASGI), for the metrics.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from functools import partial
from math import inf

from starlette.types import Scope

from kg.core import sparql_scanner
from kg.engine.pool import Pool
from kg.engine.wire import Answer, QueryRequest, Refusal

# Source of an answer, as a label of the metrics: response cache; result cache; shared with a concurrent identical
# request; computed by a worker; computed by a worker because it must not be cached.
REPLAYED = "replayed"
CACHED = "kept"
SHARED = "shared"
COMPUTED = "asked"
UNCACHEABLE = "momentary"

_KEY = "remarks"


@dataclass(slots=True)
class RequestContext:
    """Source of the answer and text of the query; empty until a handler sets them."""

    source: str = ""
    query: str = ""


def request_context(scope: Scope) -> RequestContext:
    """Return the context of a request, to read or to write."""
    state = scope.setdefault("state", {})
    remarks: RequestContext | None = state.get(_KEY)
    if remarks is None:
        remarks = state[_KEY] = RequestContext()
    return remarks


MB = 1 << 20

_OVERHEAD = 2048  # approximate size of an entry without its query and answer, in bytes
_REPEATED_ERROR_DELAY = 0.5  # seconds
_SHORT_QUERY = 16_384  # characters of a query that parses fast
_MIN_CACHED_RETRY = 60  # seconds of `Retry-After` from which a refusal is due to the query, not to a busy server


@dataclass(frozen=True)
class _CacheEntry:
    """Cached outcome with its size in memory and on disk in bytes, and its expiry time."""

    outcome: Answer | Refusal
    memory: int
    disk: int
    expires: float


@dataclass(frozen=True)
class _PendingQuery:
    """Query that is being computed, with the futures of those who wait for it."""

    computation: asyncio.Future[Answer]
    waiting: set[asyncio.Future[Answer]] = field(default_factory=set)


class ResultCache:
    """Cache in front of a pool. Runs in one event loop."""

    def __init__(self, pool: Pool, memory: int = 64 * MB, disk: int = 256 * MB) -> None:
        self.counts = Counter[str]()
        self._pool = pool
        self._capacity = memory, disk
        self._used = [0, 0]
        self._entries: OrderedDict[QueryRequest, _CacheEntry] = OrderedDict()
        self._pending: dict[QueryRequest, _PendingQuery] = {}

    @classmethod
    def of(cls, pool: Pool, cacheable: bool) -> "ResultCache":
        """Return the cache of a pool; it keeps no result where the data may change at any time."""
        return cls(pool) if cacheable else cls(pool, 0, 0)

    def submit(
        self, request: QueryRequest, client: str = "", context: RequestContext | None = None
    ) -> asyncio.Future[Answer]:
        """Return the future of the complete answer or a Refusal. A computation without waiting futures is cancelled.

        The source of the answer is counted, and recorded in the context of the request, if it is given.
        """
        context, loop = context or RequestContext(), asyncio.get_running_loop()
        if entry := self._lookup(request):
            self._count(CACHED, context)
            future: asyncio.Future[Answer] = loop.create_future()
            if _is_costly(
                request, entry.outcome
            ):  # a client that repeats such a query would repeat it thousands of times
                loop.call_later(_REPEATED_ERROR_DELAY, _settle, future, entry.outcome)
            else:
                _settle(future, entry.outcome)
            return future
        if sparql_scanner.is_volatile(request.query):
            self._count(UNCACHEABLE, context)
            return self._pool.submit(request, client)
        future = loop.create_future()
        pending = self._pending.get(request)
        self._count(SHARED if pending else COMPUTED, context)
        if pending is None:
            pending = self._pending[request] = _PendingQuery(self._pool.submit(request, client))
            pending.computation.add_done_callback(partial(self._on_computed, request, pending))
        pending.waiting.add(future)
        future.add_done_callback(partial(self._on_abandoned, request, pending))
        return future

    def _count(self, source: str, context: RequestContext) -> None:
        self.counts[source] += 1
        context.source = source

    def _on_computed(self, request: QueryRequest, pending: _PendingQuery, computation: asyncio.Future[Answer]) -> None:
        """Cache an outcome and settle all futures that wait for it."""
        self._remove_pending(request, pending)
        if computation.cancelled():
            for future in pending.waiting:
                future.cancel()
            return
        error = computation.exception()
        if isinstance(error, Refusal) or error is None:
            self._store(request, error or computation.result())
        for future in pending.waiting:
            if not future.done():
                _settle(future, error or computation.result())

    def _on_abandoned(self, request: QueryRequest, pending: _PendingQuery, future: asyncio.Future[Answer]) -> None:
        """Cancel a computation if its last waiting future was cancelled."""
        if future.cancelled() and not pending.computation.done():
            pending.waiting.discard(future)
            if not pending.waiting:
                self._remove_pending(request, pending)  # later requests must not be cancelled with it
                pending.computation.cancel()

    def _remove_pending(self, request: QueryRequest, pending: _PendingQuery) -> None:
        if self._pending.get(request) is pending:
            del self._pending[request]

    def _lookup(self, request: QueryRequest) -> _CacheEntry | None:
        entry = self._entries.get(request)
        if entry and entry.expires < time.monotonic():
            self._evict(request)
            return None
        if entry:
            self._entries.move_to_end(request)
        return entry

    def _store(self, request: QueryRequest, outcome: Answer | Refusal) -> None:
        lifetime = _lifetime(outcome)
        if not lifetime:
            return
        memory, disk = len(request.query) + _OVERHEAD, 0
        if isinstance(outcome, Answer):
            memory, disk = memory + len(outcome.body), outcome.size if outcome.file else 0
        self._entries[request] = _CacheEntry(outcome, memory, disk, time.monotonic() + lifetime)
        self._used = [self._used[0] + memory, self._used[1] + disk]
        while any(used > room for used, room in zip(self._used, self._capacity, strict=True)):
            self._evict(next(iter(self._entries)))

    def _evict(self, request: QueryRequest) -> None:
        entry = self._entries.pop(request)
        self._used = [self._used[0] - entry.memory, self._used[1] - entry.disk]


def _lifetime(outcome: Answer | Refusal) -> float:
    """Return the lifetime of an outcome in seconds; 0 if it must not be cached."""
    if isinstance(outcome, Answer):
        return inf
    if outcome.status < 500:
        return inf if outcome.status != 429 else 0
    wait = int((outcome.headers or {}).get("Retry-After", "0"))
    return wait if wait >= _MIN_CACHED_RETRY else 0


def _is_costly(request: QueryRequest, outcome: Answer | Refusal) -> bool:
    """True if a refused query is expensive each time: to evaluate, or, if it is long, to parse."""
    return isinstance(outcome, Refusal) and (outcome.status in (503, 504) or len(request.query) > _SHORT_QUERY)


def _settle(future: asyncio.Future[Answer], outcome: Answer | BaseException) -> None:
    """Settle a future; a refusal is copied, so that it has no traceback of another request."""
    if future.done():
        return
    if isinstance(outcome, Refusal):
        future.set_exception(Refusal(outcome.status, outcome.detail, outcome.headers))
    elif isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
