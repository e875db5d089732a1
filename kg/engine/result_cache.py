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
from kg.core.request_context import ASKED, KEPT, MOMENTARY, SHARED, Remarks
from kg.engine.pool import Pool
from kg.engine.wire import Answer, Question, Refusal

MB = 1 << 20

_OVERHEAD = 2048  # what an entry takes besides the text of its question and its answer, roughly
_PAUSE = 0.5  # seconds
_SHORT = 16_384  # characters of a query that is read in no time
_LONG = 60  # seconds of `Retry-After` that tell a question which is at fault from a server that is busy


@dataclass(frozen=True)
class _Kept:
    """An outcome with what it takes of the memory and of the disk, in bytes, and when it is to be forgotten."""

    outcome: Answer | Refusal
    memory: int
    disk: int
    until: float


@dataclass(frozen=True)
class _Flight:
    """A question that is being answered, and those who wait for it."""

    asking: asyncio.Future[Answer]
    waiting: set[asyncio.Future[Answer]] = field(default_factory=set)


class Answers:
    """Asks a pool what nobody has asked before. Everything happens in one event loop."""

    def __init__(self, pool: Pool, memory: int = 64 * MB, disk: int = 256 * MB) -> None:
        self.counts = Counter[str]()
        self._pool = pool
        self._room = memory, disk
        self._used = [0, 0]
        self._kept: OrderedDict[Question, _Kept] = OrderedDict()
        self._flights: dict[Question, _Flight] = {}

    def submit(self, question: Question, client: str = "", remarks: Remarks | None = None) -> asyncio.Future[Answer]:
        """Return the future of the complete answer, or of a Refusal. What nobody waits for any more is ended.

        How the answer is had is counted, and remarked where remarks are given.
        """
        remarks, loop = remarks or Remarks(), asyncio.get_running_loop()
        if kept := self._recall(question):
            self._count(KEPT, remarks)
            future: asyncio.Future[Answer] = loop.create_future()
            if _is_costly(question, kept.outcome):  # who asks such a question again would ask it thousands of times
                loop.call_later(_PAUSE, _settle, future, kept.outcome)
            else:
                _settle(future, kept.outcome)
            return future
        if sparql_scanner.depends_on_the_moment(question.query):
            self._count(MOMENTARY, remarks)
            return self._pool.submit(question, client)
        future = loop.create_future()
        flight = self._flights.get(question)
        self._count(SHARED if flight else ASKED, remarks)
        if flight is None:
            flight = self._flights[question] = _Flight(self._pool.submit(question, client))
            flight.asking.add_done_callback(partial(self._landed, question, flight))
        flight.waiting.add(future)
        future.add_done_callback(partial(self._left, question, flight))
        return future

    def _count(self, source: str, remarks: Remarks) -> None:
        self.counts[source] += 1
        remarks.source = source

    def _landed(self, question: Question, flight: _Flight, asking: asyncio.Future[Answer]) -> None:
        """Keep an outcome and give it to all who wait for it."""
        self._leave(question, flight)
        if asking.cancelled():
            for future in flight.waiting:
                future.cancel()
            return
        error = asking.exception()
        if isinstance(error, Refusal) or error is None:
            self._keep(question, error or asking.result())
        for future in flight.waiting:
            if not future.done():
                _settle(future, error or asking.result())

    def _left(self, question: Question, flight: _Flight, future: asyncio.Future[Answer]) -> None:
        """End a question where the last one who has waited for it does so no more."""
        if future.cancelled() and not flight.asking.done():
            flight.waiting.discard(future)
            if not flight.waiting:
                self._leave(question, flight)  # who asks from now on is not to be cancelled with it
                flight.asking.cancel()

    def _leave(self, question: Question, flight: _Flight) -> None:
        if self._flights.get(question) is flight:
            del self._flights[question]

    def _recall(self, question: Question) -> _Kept | None:
        kept = self._kept.get(question)
        if kept and kept.until < time.monotonic():
            self._forget(question)
            return None
        if kept:
            self._kept.move_to_end(question)
        return kept

    def _keep(self, question: Question, outcome: Answer | Refusal) -> None:
        lasting = _lasting(outcome)
        if not lasting:
            return
        memory, disk = len(question.query) + _OVERHEAD, 0
        if isinstance(outcome, Answer):
            memory, disk = memory + len(outcome.body), outcome.size if outcome.file else 0
        self._kept[question] = _Kept(outcome, memory, disk, time.monotonic() + lasting)
        self._used = [self._used[0] + memory, self._used[1] + disk]
        while any(used > room for used, room in zip(self._used, self._room, strict=True)):
            self._forget(next(iter(self._kept)))

    def _forget(self, question: Question) -> None:
        gone = self._kept.pop(question)
        self._used = [self._used[0] - gone.memory, self._used[1] - gone.disk]


def _lasting(outcome: Answer | Refusal) -> float:
    """Return for how many seconds an outcome stays what it is; 0 where the next one may be another."""
    if isinstance(outcome, Answer):
        return inf
    if outcome.status < 500:
        return inf if outcome.status != 429 else 0
    wait = int((outcome.headers or {}).get("Retry-After", "0"))
    return wait if wait >= _LONG else 0


def _is_costly(question: Question, outcome: Answer | Refusal) -> bool:
    """Whether a refused question costs much each time: to answer it, or, where it is long, to read it at all."""
    return isinstance(outcome, Refusal) and (outcome.status in (503, 504) or len(question.query) > _SHORT)


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
