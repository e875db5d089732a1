"""Decides which question goes to which worker, how long it may take there, and what happens to the others meanwhile.

A question starts in a fast place. After `fast_seconds` it goes on in a slow place: its worker gives way to all others,
and a fresh worker fills the fast place. Where no slow place is free it is ended and waits for one; it is then asked
anew. A question that was slow before or killed its worker, and a very long one, starts in a slow place. Clients
take turns, both for fast and for slow places.

What is said to those whose question gets no answer.

A number of places for questions, and the queue of those who wait for one.

One question on its way through the pool.

A queue that is fair: the clients take turns, whatever number of items each of them has in it.
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
from kg.engine.data_source import Limits, Source, megabytes
from kg.engine.wire import Answer, Question, Refusal, Superseded
from kg.engine.worker import out_of_memory
from kg.engine.zygote_client import Death, Launcher, Link, Outcome


class Verdict(Enum):
    """Why the pool has ended the worker of a question."""

    LATE = "it has reached the time limit"
    OUTGROWN = "it is no fast one, and no slow place is free"
    UNWANTED = "nobody waits for its answer any more"


@dataclass(eq=False)
class Run:
    """A question: who asks, what is sent to a worker, which worker has it, and the future that its asker waits for."""

    client: str
    key: bytes
    payload: bytes
    future: asyncio.Future[Answer]
    slow: bool = False
    link: Link | None = None
    started: float = 0.0
    verdict: Verdict | None = None
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        """Replace the timer that is running."""
        if self.timer:
            self.timer.cancel()
        self.timer = timer

    def settle(self, outcome: Answer | Refusal | Superseded) -> None:
        """Give the asker an answer, or why there is none, where anybody still waits for it."""
        self.set_timer(None)
        if self.future.done():
            return
        if isinstance(outcome, Answer):
            self.future.set_result(outcome)
        else:
            self.future.set_exception(outcome)


_TOO_DEEP = "this query nests or chains its parts too deeply for the engine; write it flatter, or with VALUES"


def busy(fact: str) -> Refusal:
    """Return the refusal of a question that cannot be taken in now."""
    return Refusal(503, f"{fact}; try again a little later", {"Retry-After": "5"})


def reason(death: Death, verdict: Verdict | None, limits: Limits, elsewhere: bool = False) -> Refusal:
    """Return what is said to someone whose question has ended a worker.

    `elsewhere` says that its answer was to come from another store.
    """
    if verdict is Verdict.LATE and elsewhere:
        fact = f"the store has not answered within {limits.seconds:g} seconds"
        return Refusal(504, f"{fact}; ask for less, for example with LIMIT or fewer joins", {"Retry-After": "60"})
    if verdict is Verdict.LATE or death.status == -signal.SIGXCPU:
        fact = f"this query needs more than {limits.seconds:g} seconds"
        return Refusal(503, f"{fact}; ask for less, for example with LIMIT or fewer joins", {"Retry-After": "60"})
    if death.status in (-signal.SIGSEGV, -signal.SIGBUS):
        return Refusal(400, _TOO_DEEP)
    if death.status in (-signal.SIGABRT, -signal.SIGKILL):
        return Refusal(503, out_of_memory(limits), {"Retry-After": "60"})
    return Refusal(503, "the process that worked on this query has ended; try again", {"Retry-After": "5"})


Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Items in the order of their clients' turns; among one client's items the first comes first."""

    def __init__(self) -> None:
        # A dict keeps its order: the client whose turn is next stands first.
        self._clients: dict[str, deque[Item]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._clients.values()))

    def of(self, client: str) -> int:
        """Return how many items a client has in the queue."""
        return len(self._clients.get(client, ()))

    def put(self, client: str, item: Item) -> None:
        """Add an item; a client that has none yet gets its turn after all others."""
        self._clients.setdefault(client, deque()).append(item)

    def take(self, may: Callable[[str], bool] = lambda client: True) -> Item | None:
        """Return the next item of the next client that may have a turn, or None where there is none."""
        client = next(filter(may, self._clients), None)
        if client is None:
            return None
        items = self._clients.pop(client)
        item = items.popleft()
        if items:
            self._clients[client] = items
        return item

    def discard(self, client: str, item: Item) -> None:
        """Take an item out, wherever it stands; harmless where it is not there."""
        items = self._clients.get(client, deque())
        if item in items:
            items.remove(item)
            if not items:
                del self._clients[client]


class Lane:
    """The fast or the slow places: who holds them and who waits for them."""

    def __init__(self, places: int, of_one_client: int) -> None:
        self.places, self.of_one_client = places, of_one_client
        self.holders = Counter[str]()
        self.waiting = FairQueue[Run]()

    @property
    def held(self) -> int:
        """How many places are held."""
        return self.holders.total()

    def open_to(self, client: str) -> bool:
        """Whether a client may hold one more place."""
        return self.held < self.places and self.holders[client] < self.of_one_client

    def leave(self, client: str) -> None:
        """Give a place back."""
        self.holders[client] -= 1
        if not self.holders[client]:
            del self.holders[client]


_REMEMBERED = 4096
_REVIVAL = 5.0
# How many times `fast_seconds` a question may keep a fast place that has got little of the processors meanwhile.
_HINDERED = 4
_log = logging.getLogger(__name__)


class Pool:
    """The workers of one source. Everything happens in one event loop."""

    def __init__(self, launcher: Launcher, source: Source, limits: Limits) -> None:
        self.counts = Counter[str]()
        self._launcher: Launcher | None = launcher
        self._triples = launcher.triples
        self._source, self._limits = source, limits
        self._fast = Lane(limits.workers, limits.workers)
        self._slow = Lane(limits.slow_places, limits.slow_places_of_one_client)
        self._ready: list[Link] = []
        self._coming = 0
        self._known_slow: OrderedDict[bytes, None] = OrderedDict()
        self._closing = False
        self._manned = asyncio.Event()
        self._reviving: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, source: Source, limits: Limits, launcher: Launcher | None = None) -> "Pool":
        """Return a pool whose zygote has loaded a source; raise ReleaseError where it cannot.

        `launcher` has begun to load it, where somebody has had other work meanwhile.
        """
        return cls((launcher or Launcher.begin(source, limits)).loaded(), source, limits)

    @property
    def source(self) -> Source:
        """What the workers answer from."""
        return self._source

    @property
    def triples(self) -> int:
        """How many triples a plain query of the source counts."""
        return self._triples

    @property
    def workers(self) -> int:
        """How many workers live, whatever they do."""
        return self._launcher.workers if self._launcher else 0

    @property
    def lanes(self) -> dict[str, Lane]:
        """The fast and the slow places, for those who want to know how full they are."""
        return {"fast": self._fast, "slow": self._slow}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have workers in this event loop for as long as the context lasts."""
        self._loop = asyncio.get_running_loop()
        self._attach()
        try:
            await self._manned.wait()
            yield
        finally:
            await self._close()

    async def _close(self) -> None:
        """End every worker and the zygote; who still waits is refused."""
        self._closing = True
        if self._reviving:
            self._reviving.cancel()
        launcher, self._launcher = self._launcher, None
        if launcher:
            launcher.hang_up()
            await asyncio.to_thread(launcher.wait)
        for lane in (self._fast, self._slow):
            while run := lane.waiting.take():
                run.settle(busy("the server is stopping"))

    def submit(self, question: Question, client: str = "") -> asyncio.Future[Answer]:
        """Take a question in; the future gets the complete answer or a Refusal. Cancelling it ends the question.

        `client` is who asks, by any name: those who ask much take turns with those who ask little.
        """
        size = len(question.query.encode())
        if size > self._limits.query:
            detail = f"this query has {size:,} bytes; at most {megabytes(self._limits.query)} are read"
            raise Refusal(413, detail)
        key = _key(question)
        slow = size > self._limits.short or key in self._known_slow or self._may_wait_for_others(question)
        run = Run(client, key, question.pack(), self._loop.create_future(), slow)
        self._admit(run)
        run.future.add_done_callback(lambda future: self._give_up(run) if future.cancelled() else None)
        return run.future

    def _may_wait_for_others(self, question: Question) -> bool:
        """Whether a question may call SERVICE, and so keep its place for as long as another server needs."""
        return bool(self._limits.services) and "service" in question.query.lower()

    async def ask(self, question: Question, client: str = "") -> Answer:
        """Return the complete answer to a question, or raise Refusal. Cancelling this ends the question."""
        return await self.submit(question, client)

    def _attach(self) -> None:
        assert self._launcher is not None
        self._coming = 0
        self._launcher.attach(self._arrived, self._gone, self._lost)
        self._refill()

    def _lane(self, run: Run) -> Lane:
        return self._slow if run.slow else self._fast

    def _admit(self, run: Run) -> None:
        """Give a question to a worker, or let it wait; refuse it where too many wait."""
        lane, limits = self._lane(run), self._limits
        if self._closing:
            raise busy("the server is stopping")
        if self._ready and lane.open_to(run.client) and not lane.waiting:
            self._begin(run)
            return
        if self._fast.waiting.of(run.client) + self._slow.waiting.of(run.client) >= limits.waiting_of_one_client:
            fact = f"{limits.waiting_of_one_client} questions from your address are waiting already"
            raise Refusal(429, f"{fact}; send the next when one is answered", {"Retry-After": "5"})
        if len(self._fast.waiting) + len(self._slow.waiting) >= limits.waiting:
            raise busy(f"{limits.waiting} questions are waiting already")
        self._wait(run)
        self._dispatch()

    def _wait(self, run: Run) -> None:
        self._lane(run).waiting.put(run.client, run)
        run.set_timer(self._loop.call_later(self._limits.waiting_seconds, self._waited, run))

    def _waited(self, run: Run) -> None:
        self._lane(run).waiting.discard(run.client, run)
        self.counts["question waited too long"] += 1
        run.settle(busy(f"no place has become free in {self._limits.waiting_seconds:g} seconds"))

    def _dispatch(self) -> None:
        """Give ready workers to those who wait: the fast first, but never keep all the slow from starting."""
        while self._ready:
            slow_first = not self._slow.held
            for lane in (self._slow, self._fast) if slow_first else (self._fast, self._slow):
                run = lane.waiting.take(lane.open_to)
                if run:
                    self._begin(run)
                    break
            else:
                return

    def _begin(self, run: Run) -> None:
        """Ask a ready worker."""
        lane, link = self._lane(run), self._ready.pop()
        lane.holders[run.client] += 1
        run.link, run.started, run.verdict = link, self._loop.time(), None
        if run.slow:
            link.slow_down()
            self._refill()
            run.set_timer(self._loop.call_later(self._limits.seconds, self._end, run, Verdict.LATE))
        else:
            run.set_timer(self._loop.call_later(self._limits.fast_seconds, self._outlast, run))
        link.ask(run.payload, lambda outcome: self._finished(run, outcome))

    def _outlast(self, run: Run) -> None:
        """Move a question that is no fast one into a slow place, or end it where there is none."""
        assert run.link is not None
        limits = self._limits
        if run.future.done():
            self._end(run, Verdict.UNWANTED)
            return
        patience = min(_HINDERED * limits.fast_seconds, limits.seconds) - (self._loop.time() - run.started)
        if patience > 0 and run.link.cpu() < limits.fast_seconds / 4:
            # What is slow is the machine.
            run.set_timer(self._loop.call_later(min(patience, limits.fast_seconds), self._outlast, run))
            return
        self._remember(run.key)
        if not self._slow.open_to(run.client):
            self._end(run, Verdict.OUTGROWN)
            return
        self._fast.leave(run.client)
        run.slow = True
        self._slow.holders[run.client] += 1
        run.link.slow_down()
        remaining = run.started + limits.seconds - self._loop.time()
        run.set_timer(self._loop.call_later(remaining, self._end, run, Verdict.LATE))
        self._refill()

    def _end(self, run: Run, verdict: Verdict) -> None:
        assert run.link is not None
        run.verdict = verdict
        self.counts[f"worker ended: {verdict.name.lower()}"] += 1
        run.link.kill()

    def _give_up(self, run: Run) -> None:
        """End a question that nobody waits for any more; a fast one may finish, which costs less than a new worker."""
        if run.link is None:
            run.set_timer(None)
            self._lane(run).waiting.discard(run.client, run)
        elif run.slow and run.verdict is None:
            self._end(run, Verdict.UNWANTED)

    def _finished(self, run: Run, outcome: Outcome) -> None:
        """Take what has become of a question, and its worker back."""
        link, run.link = run.link, None
        assert link is not None
        self._lane(run).leave(run.client)
        if run.slow and self._loop.time() - run.started < self._limits.fast_seconds:
            self._known_slow.pop(run.key, None)
        if isinstance(outcome, Death):
            self._died(run, outcome)
        else:
            run.settle(outcome)
            if link.last or run.slow:
                link.close()
            else:
                self._ready.append(link)
        self._refill()
        self._dispatch()

    def _died(self, run: Run, death: Death) -> None:
        if run.verdict is Verdict.OUTGROWN and not run.future.done():
            run.slow = True
            self._wait(run)
            return
        if run.verdict is None:
            self.counts["worker died of a question"] += 1
            self._remember(run.key)
        run.settle(reason(death, run.verdict, self._limits, self._source.held is not None))

    def _refill(self) -> None:
        """Ask for as many workers as the fast places need."""
        while self._launcher and len(self._ready) + self._coming + self._fast.held < self._limits.workers:
            self._coming += 1
            self._launcher.fork()

    def _arrived(self, link: Link) -> None:
        self._coming -= 1
        self.counts["worker started"] += 1
        self._manned.set()
        self._ready.append(link)
        self._dispatch()

    def _gone(self, link: Link) -> None:
        """Replace a worker that has died without having been asked anything."""
        if link in self._ready:
            self.counts["worker died idle"] += 1
            self._ready.remove(link)
            self._refill()

    def _lost(self) -> None:
        """Start another zygote in place of one that has died."""
        launcher, self._launcher = self._launcher, None
        self._ready.clear()
        if launcher and not self._closing:
            self.counts["zygote died"] += 1
            _log.error("the process that forks the workers has died; another is started")
            self._reviving = self._loop.create_task(self._revive(launcher))

    async def _revive(self, dead: Launcher) -> None:
        await asyncio.to_thread(dead.wait)
        while self._launcher is None:
            try:
                launcher = await asyncio.to_thread(Launcher.begin, self._source, self._limits)
                self._launcher = await asyncio.to_thread(launcher.loaded)
            except KgError as error:
                _log.error("%s", error)
                await asyncio.sleep(_REVIVAL)
        self._attach()

    def _remember(self, key: bytes) -> None:
        self._known_slow[key] = None
        self._known_slow.move_to_end(key)
        if len(self._known_slow) > _REMEMBERED:
            self._known_slow.popitem(last=False)


def _key(question: Question) -> bytes:
    text = "\0".join((question.query, *question.default_graphs, "", *question.named_graphs))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
