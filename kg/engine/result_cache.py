"""Answers that are computed once: a release never changes, and neither do the answers to questions about it.

They are kept up to a number of bytes, in memory and in files, and the least recently asked go first. Whoever asks what
is being answered waits for that answer. A refusal is kept, too, where the question is at fault: one that has needed too
long or too much is refused at once for as long as its `Retry-After` says. What depends on the moment is asked anew.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from functools import partial
from math import inf

from kg.core import sparql_scanner
from kg.core.request_context import CACHED, COMPUTED, SHARED, UNCACHEABLE, RequestContext
from kg.engine.pool import Pool
from kg.engine.wire import Answer, QueryRequest, Refusal

MB = 1 << 20

_OVERHEAD = 2048  # what an entry takes besides the text of its question and its answer, roughly
_REPEATED_ERROR_DELAY = 0.5  # seconds
_SHORT_QUERY = 16_384  # characters of a query that is read in no time
_MIN_CACHED_RETRY = 60  # seconds of `Retry-After` that tell a question which is at fault from a server that is busy


@dataclass(frozen=True)
class _CacheEntry:
    """An outcome with what it takes of the memory and of the disk, in bytes, and when it is to be forgotten."""

    outcome: Answer | Refusal
    memory: int
    disk: int
    expires: float


@dataclass(frozen=True)
class _PendingQuery:
    """A question that is being answered, and those who wait for it."""

    computation: asyncio.Future[Answer]
    waiting: set[asyncio.Future[Answer]] = field(default_factory=set)


class ResultCache:
    """Asks a pool what nobody has asked before. Everything happens in one event loop."""

    def __init__(self, pool: Pool, memory: int = 64 * MB, disk: int = 256 * MB) -> None:
        self.counts = Counter[str]()
        self._pool = pool
        self._capacity = memory, disk
        self._used = [0, 0]
        self._entries: OrderedDict[QueryRequest, _CacheEntry] = OrderedDict()
        self._pending: dict[QueryRequest, _PendingQuery] = {}

    def submit(
        self, request: QueryRequest, client: str = "", context: RequestContext | None = None
    ) -> asyncio.Future[Answer]:
        """Return the future of the complete answer, or of a Refusal. What nobody waits for any more is ended.

        How the answer is had is counted, and remarked where remarks are given.
        """
        context, loop = context or RequestContext(), asyncio.get_running_loop()
        if entry := self._lookup(request):
            self._count(CACHED, context)
            future: asyncio.Future[Answer] = loop.create_future()
            if _is_costly(request, entry.outcome):  # who asks such a question again would ask it thousands of times
                loop.call_later(_REPEATED_ERROR_DELAY, _settle, future, entry.outcome)
            else:
                _settle(future, entry.outcome)
            return future
        if sparql_scanner.depends_on_the_moment(request.query):
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
        """Keep an outcome and give it to all who wait for it."""
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
        """End a question where the last one who has waited for it does so no more."""
        if future.cancelled() and not pending.computation.done():
            pending.waiting.discard(future)
            if not pending.waiting:
                self._remove_pending(request, pending)  # who asks from now on is not to be cancelled with it
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
    """Return for how many seconds an outcome stays what it is; 0 where the next one may be another."""
    if isinstance(outcome, Answer):
        return inf
    if outcome.status < 500:
        return inf if outcome.status != 429 else 0
    wait = int((outcome.headers or {}).get("Retry-After", "0"))
    return wait if wait >= _MIN_CACHED_RETRY else 0


def _is_costly(request: QueryRequest, outcome: Answer | Refusal) -> bool:
    """Whether a refused question costs much each time: to answer it, or, where it is long, to read it at all."""
    return isinstance(outcome, Refusal) and (outcome.status in (503, 504) or len(request.query) > _SHORT_QUERY)


def _settle(future: asyncio.Future[Answer], outcome: Answer | BaseException) -> None:
    """Give an outcome to one who waits: a refusal as a fresh one, so that it carries no trace of another request."""
    if future.done():
        return
    if isinstance(outcome, Refusal):
        future.set_exception(Refusal(outcome.status, outcome.detail, outcome.headers))
    elif isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
