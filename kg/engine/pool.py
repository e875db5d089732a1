"""Scheduler of the worker processes: slots, fair queues, time limits.

A query starts in a fast slot. After `fast_seconds` it moves to a slow slot: its worker gets the lowest priority, and a
fresh worker fills the fast slot. If no slow slot is free, the worker is killed and the query is queued for a slow slot,
where it starts again. A query that was slow before, that killed its worker, or that is very long starts in a slow slot.
Clients take turns, both for fast and for slow slots.
"""

import asyncio
import hashlib
import logging
import signal
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from kg.core.errors import KgError
from kg.engine.data_source import Limits, Source, format_size
from kg.engine.wire import Answer, QueryRequest, Refusal, ReleaseReplaced
from kg.engine.worker import out_of_memory
from kg.engine.zygote_client import Outcome, WorkerClient, WorkerDeath, ZygoteClient


class KillReason(Enum):
    """Reason why the pool killed the worker of a query; the values are labels of the metrics."""

    TIME_LIMIT = "late"
    NO_SLOW_SLOT = "outgrown"
    ABANDONED = "unwanted"


@dataclass(eq=False)
class Job:
    """One query in the pool: its client, its packed request, its worker, and the future of its outcome."""

    client: str
    key: bytes
    payload: bytes
    future: asyncio.Future[Answer]
    slow: bool = False
    worker: WorkerClient | None = None
    started: float = 0.0
    kill_reason: KillReason | None = None
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        """Replace the current timer."""
        if self.timer:
            self.timer.cancel()
        self.timer = timer

    def settle(self, outcome: Answer | Refusal | ReleaseReplaced) -> None:
        """Resolve the future with an answer or an error, unless it is already done."""
        self.set_timer(None)
        if self.future.done():
            return
        if isinstance(outcome, Answer):
            self.future.set_result(outcome)
        else:
            self.future.set_exception(outcome)


_TOO_DEEP = "this query nests or chains its parts too deeply for the engine; write it flatter, or with VALUES"


def busy(fact: str) -> Refusal:
    """Return the refusal (503) of a query that cannot be queued now."""
    return Refusal(503, f"{fact}; try again a little later", {"Retry-After": "5"})


def death_refusal(death: WorkerDeath, kill_reason: KillReason | None, limits: Limits, remote: bool = False) -> Refusal:
    """Return the refusal of a query whose worker died or was killed.

    `remote` is whether an external store was to answer it.
    """
    if kill_reason is KillReason.TIME_LIMIT and remote:
        fact = f"the store has not answered within {limits.seconds:g} seconds"
        return Refusal(504, f"{fact}; ask for less, for example with LIMIT or fewer joins", {"Retry-After": "60"})
    if kill_reason is KillReason.TIME_LIMIT or death.status == -signal.SIGXCPU:
        fact = f"this query needs more than {limits.seconds:g} seconds"
        return Refusal(503, f"{fact}; ask for less, for example with LIMIT or fewer joins", {"Retry-After": "60"})
    if death.status in (-signal.SIGSEGV, -signal.SIGBUS):
        return Refusal(400, _TOO_DEEP)
    if death.status in (-signal.SIGABRT, -signal.SIGKILL):
        return Refusal(503, out_of_memory(limits), {"Retry-After": "60"})
    return Refusal(503, "the process that worked on this query has ended; try again", {"Retry-After": "5"})


Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Round-robin queue over clients; first in, first out within one client."""

    def __init__(self) -> None:
        # A dict keeps its order: the client whose turn is next comes first.
        self._clients: dict[str, deque[Item]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._clients.values()))

    def of(self, client: str) -> int:
        """Return the number of items of a client."""
        return len(self._clients.get(client, ()))

    def put(self, client: str, item: Item) -> None:
        """Add an item; a new client gets its turn after all others."""
        self._clients.setdefault(client, deque()).append(item)

    def take(self, may: Callable[[str], bool] = lambda client: True) -> Item | None:
        """Remove and return the next item of the first client that `may` accepts, or None."""
        client = next(filter(may, self._clients), None)
        if client is None:
            return None
        items = self._clients.pop(client)
        item = items.popleft()
        if items:
            self._clients[client] = items
        return item

    def discard(self, client: str, item: Item) -> None:
        """Remove an item, if it is in the queue."""
        items = self._clients.get(client, deque())
        if item in items:
            items.remove(item)
            if not items:
                del self._clients[client]


class SlotGroup:
    """Limited number of scheduler slots, with their holders by client and the queue for them."""

    def __init__(self, limit: int, per_client: int) -> None:
        self.limit, self.per_client = limit, per_client
        self.holders = Counter[str]()
        self.waiting = FairQueue[Job]()

    @property
    def used(self) -> int:
        """Number of slots in use."""
        return self.holders.total()

    def has_slot_for(self, client: str) -> bool:
        """True if a client may take one more slot."""
        return self.used < self.limit and self.holders[client] < self.per_client

    def release(self, client: str) -> None:
        """Return a slot of a client."""
        self.holders[client] -= 1
        if not self.holders[client]:
            del self.holders[client]


_KNOWN_SLOW = 4096
_RESTART_PAUSE = 5.0
# A query that got little processor time may keep its fast slot for this many times `fast_seconds`.
_BUSY_FACTOR = 4
_log = logging.getLogger(__name__)


class Pool:
    """Pool of worker processes for one data source; runs in one event loop."""

    def __init__(self, zygote: ZygoteClient, source: Source, limits: Limits) -> None:
        self.counts = Counter[str]()
        self._zygote: ZygoteClient | None = zygote
        self._triples = zygote.triples
        self._source, self._limits = source, limits
        self._fast = SlotGroup(limits.workers, limits.workers)
        self._slow = SlotGroup(limits.slow_slots, limits.slow_slots_per_client)
        self._ready: list[WorkerClient] = []
        self._starting = 0
        self._known_slow: OrderedDict[bytes, None] = OrderedDict()
        self._closing = False
        self._has_worker = asyncio.Event()
        self._restart: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, source: Source, limits: Limits, zygote: ZygoteClient | None = None) -> "Pool":
        """Return a pool whose zygote has loaded a source; raise ReleaseError if it cannot.

        `zygote` is one that was started earlier and is loading the source already.
        """
        return cls((zygote or ZygoteClient.start(source, limits)).wait_loaded(), source, limits)

    @property
    def source(self) -> Source:
        """The data source of the workers."""
        return self._source

    @property
    def triples(self) -> int:
        """Number of triples in the default graph of the source."""
        return self._triples

    @property
    def workers(self) -> int:
        """Number of live workers, idle ones included."""
        return self._zygote.workers if self._zygote else 0

    @property
    def slots(self) -> dict[str, SlotGroup]:
        """The fast and the slow slots by name, for the metrics."""
        return {"fast": self._fast, "slow": self._slow}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run workers in this event loop while the context is open."""
        self._loop = asyncio.get_running_loop()
        self._attach()
        try:
            await self._has_worker.wait()
            yield
        finally:
            await self._close()

    async def _close(self) -> None:
        """Stop the workers and the zygote; refuse all queued queries."""
        self._closing = True
        if self._restart:
            self._restart.cancel()
        zygote, self._zygote = self._zygote, None
        if zygote:
            zygote.close()
            await asyncio.to_thread(zygote.wait)
        for slots in (self._fast, self._slow):
            while job := slots.waiting.take():
                job.settle(busy("the server is stopping"))

    def submit(self, request: QueryRequest, client: str = "") -> asyncio.Future[Answer]:
        """Queue a query; the future gets the complete answer or a Refusal. Cancelling it cancels the query.

        `client` identifies the client for fair queueing. Raises Refusal (413, 429, 503) if it is not accepted.
        """
        size = len(request.query.encode())
        if size > self._limits.query:
            detail = f"this query has {size:,} bytes; at most {format_size(self._limits.query)} are read"
            raise Refusal(413, detail)
        key = _key(request)
        slow = size > self._limits.short or key in self._known_slow or self._may_call_service(request)
        job = Job(client, key, request.pack(), self._loop.create_future(), slow)
        self._admit(job)
        job.future.add_done_callback(lambda future: self._abandon(job) if future.cancelled() else None)
        return job.future

    def _may_call_service(self, request: QueryRequest) -> bool:
        """True if a query may call SERVICE, and so hold its slot for as long as another server needs."""
        return bool(self._limits.services) and "service" in request.query.lower()

    async def ask(self, request: QueryRequest, client: str = "") -> Answer:
        """Return the complete answer to a query, or raise Refusal. Cancelling this cancels the query."""
        return await self.submit(request, client)

    def _attach(self) -> None:
        assert self._zygote is not None
        self._starting = 0
        self._zygote.attach(self._on_worker_ready, self._on_worker_gone, self._on_zygote_lost)
        self._refill()

    def _slots(self, job: Job) -> SlotGroup:
        return self._slow if job.slow else self._fast

    def _admit(self, job: Job) -> None:
        """Start a query or queue it; raise Refusal if the queue is full."""
        slots, limits = self._slots(job), self._limits
        if self._closing:
            raise busy("the server is stopping")
        if self._ready and slots.has_slot_for(job.client) and not slots.waiting:
            self._start(job)
            return
        if self._fast.waiting.of(job.client) + self._slow.waiting.of(job.client) >= limits.queued_per_client:
            fact = f"{limits.queued_per_client} queries from your address are queued already"
            raise Refusal(429, f"{fact}; send the next when one is answered", {"Retry-After": "5"})
        if len(self._fast.waiting) + len(self._slow.waiting) >= limits.waiting:
            raise busy(f"{limits.waiting} queries are queued already")
        self._enqueue(job)
        self._dispatch()

    def _enqueue(self, job: Job) -> None:
        self._slots(job).waiting.put(job.client, job)
        job.set_timer(self._loop.call_later(self._limits.queue_seconds, self._on_queue_timeout, job))

    def _on_queue_timeout(self, job: Job) -> None:
        self._slots(job).waiting.discard(job.client, job)
        self.counts["question waited too long"] += 1
        job.settle(busy(f"the query waited {self._limits.queue_seconds:g} s in the queue and was dropped"))

    def _dispatch(self) -> None:
        """Give ready workers to queued queries: fast ones first, but a slow one first if no slow one is running."""
        while self._ready:
            slow_first = not self._slow.used
            for slots in (self._slow, self._fast) if slow_first else (self._fast, self._slow):
                job = slots.waiting.take(slots.has_slot_for)
                if job:
                    self._start(job)
                    break
            else:
                return

    def _start(self, job: Job) -> None:
        """Send a query to a ready worker."""
        slots, worker = self._slots(job), self._ready.pop()
        slots.holders[job.client] += 1
        job.worker, job.started, job.kill_reason = worker, self._loop.time(), None
        if job.slow:
            worker.lower_priority()
            self._refill()
            job.set_timer(self._loop.call_later(self._limits.seconds, self._kill, job, KillReason.TIME_LIMIT))
        else:
            job.set_timer(self._loop.call_later(self._limits.fast_seconds, self._demote, job))
        worker.ask(job.payload, lambda outcome: self._on_outcome(job, outcome))

    def _demote(self, job: Job) -> None:
        """Move a query that exceeded `fast_seconds` to a slow slot, or kill and requeue it if none is free."""
        assert job.worker is not None
        limits = self._limits
        if job.future.done():
            self._kill(job, KillReason.ABANDONED)
            return
        grace = min(_BUSY_FACTOR * limits.fast_seconds, limits.seconds) - (self._loop.time() - job.started)
        if grace > 0 and job.worker.cpu() < limits.fast_seconds / 4:
            # The machine is slow, not the query.
            job.set_timer(self._loop.call_later(min(grace, limits.fast_seconds), self._demote, job))
            return
        self._mark_slow(job.key)
        if not self._slow.has_slot_for(job.client):
            self._kill(job, KillReason.NO_SLOW_SLOT)
            return
        self._fast.release(job.client)
        job.slow = True
        self._slow.holders[job.client] += 1
        job.worker.lower_priority()
        remaining = job.started + limits.seconds - self._loop.time()
        job.set_timer(self._loop.call_later(remaining, self._kill, job, KillReason.TIME_LIMIT))
        self._refill()

    def _kill(self, job: Job, kill_reason: KillReason) -> None:
        assert job.worker is not None
        job.kill_reason = kill_reason
        self.counts[f"worker ended: {kill_reason.value}"] += 1
        job.worker.kill()

    def _abandon(self, job: Job) -> None:
        """Stop a query whose future was cancelled; a fast one may finish, which costs less than a new worker."""
        if job.worker is None:
            job.set_timer(None)
            self._slots(job).waiting.discard(job.client, job)
        elif job.slow and job.kill_reason is None:
            self._kill(job, KillReason.ABANDONED)

    def _on_outcome(self, job: Job, outcome: Outcome) -> None:
        """Settle a query with its outcome and reuse or close its worker."""
        worker, job.worker = job.worker, None
        assert worker is not None
        self._slots(job).release(job.client)
        if job.slow and self._loop.time() - job.started < self._limits.fast_seconds:
            self._known_slow.pop(job.key, None)
        if isinstance(outcome, WorkerDeath):
            self._on_death(job, outcome)
        else:
            job.settle(outcome)
            if worker.last or job.slow:
                worker.close()
            else:
                self._ready.append(worker)
        self._refill()
        self._dispatch()

    def _on_death(self, job: Job, death: WorkerDeath) -> None:
        if job.kill_reason is KillReason.NO_SLOW_SLOT and not job.future.done():
            job.slow = True
            self._enqueue(job)
            return
        if job.kill_reason is None:
            self.counts["worker died of a question"] += 1
            self._mark_slow(job.key)
        job.settle(death_refusal(death, job.kill_reason, self._limits, self._source.remote is not None))

    def _refill(self) -> None:
        """Fork as many workers as the fast slots need."""
        while self._zygote and len(self._ready) + self._starting + self._fast.used < self._limits.workers:
            self._starting += 1
            self._zygote.fork()

    def _on_worker_ready(self, worker: WorkerClient) -> None:
        self._starting -= 1
        self.counts["worker started"] += 1
        self._has_worker.set()
        self._ready.append(worker)
        self._dispatch()

    def _on_worker_gone(self, worker: WorkerClient) -> None:
        """Replace a worker that died idle."""
        if worker in self._ready:
            self.counts["worker died idle"] += 1
            self._ready.remove(worker)
            self._refill()

    def _on_zygote_lost(self) -> None:
        """Start a new zygote after the current one died."""
        zygote, self._zygote = self._zygote, None
        self._ready.clear()
        if zygote and not self._closing:
            self.counts["zygote died"] += 1
            _log.error("the process that forks the workers has died; another is started")
            self._restart = self._loop.create_task(self._restart_zygote(zygote))

    async def _restart_zygote(self, dead: ZygoteClient) -> None:
        await asyncio.to_thread(dead.wait)
        while self._zygote is None:
            try:
                zygote = await asyncio.to_thread(ZygoteClient.start, self._source, self._limits)
                self._zygote = await asyncio.to_thread(zygote.wait_loaded)
            except KgError as error:
                _log.error("%s", error)
                await asyncio.sleep(_RESTART_PAUSE)
        self._attach()

    def _mark_slow(self, key: bytes) -> None:
        self._known_slow[key] = None
        self._known_slow.move_to_end(key)
        if len(self._known_slow) > _KNOWN_SLOW:
            self._known_slow.popitem(last=False)


def _key(request: QueryRequest) -> bytes:
    text = "\0".join((request.query, *request.default_graphs, "", *request.named_graphs))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
