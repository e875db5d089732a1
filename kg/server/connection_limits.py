"""Looks after all connections of a server: who is too slow, and who makes room where there are too many."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from heapq import nsmallest
from math import inf
from operator import attrgetter
from typing import Protocol

KB = 1 << 10
_TICK = 0.5
_AT_ONCE = 8


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of connections; sizes in bytes, times in seconds."""

    connections: int = 1000
    address: int = 64 * KB
    headers: int = 32 * KB
    fields: int = 100
    pipelined: int = 16
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    # Longer than proxies keep theirs, so that it is the proxy that closes, which then knows about it.
    idle_seconds: float = 75.0
    # Who takes nothing of an answer for so long is gone.
    stalled_seconds: float = 60.0
    # After an early refusal a client may still be sending: were it cut off at once, it would not see the refusal.
    lingering_seconds: float = 2.0


class Guarded(Protocol):
    """A connection, as the guard sees it.

    `waiting_since` is when it began to wait for its client, infinite where its client waits for it; `stalled_since` is
    when its client has stopped taking its answer, infinite where it takes it.
    """

    loop: asyncio.AbstractEventLoop
    waiting_since: float
    stalled_since: float

    def look(self, now: float) -> None:
        """End it where its time is over."""

    def make_room(self) -> None:
        """End it at once."""


class Guard:
    """Knows the connections of one server. `ended` hears the reason each time that one is ended early."""

    def __init__(self, limits: ConnectionLimits, ended: Callable[[str], None] = lambda reason: None) -> None:
        self.limits, self.ended = limits, ended
        self._all: set[Guarded] = set()
        self._clock: asyncio.TimerHandle | None = None

    def enter(self, connection: Guarded) -> bool:
        """Take a connection in; return False where there is no room and none can be made."""
        if len(self._all) >= self.limits.connections and not self._make_room():
            return False
        self._all.add(connection)
        if self._clock is None:
            self._clock = connection.loop.call_later(_TICK, self._look, connection.loop)
        return True

    def leave(self, connection: Guarded) -> None:
        """Forget a connection that has ended."""
        self._all.discard(connection)

    def _make_room(self) -> bool:
        """End those that have waited longest for their clients: to send, else to take. Return whether there are any."""
        # Several at once, since to look through all of them takes a while.
        for since in (attrgetter("waiting_since"), attrgetter("stalled_since")):
            longest = [each for each in nsmallest(_AT_ONCE, self._all, key=since) if since(each) < inf]
            for connection in longest:
                self.ended("crowded")
                self.leave(connection)
                connection.make_room()
            if longest:
                return True
        return False

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at all; go on for as long as there are any."""
        now = loop.time()
        for connection in [*self._all]:
            connection.look(now)
        self._clock = loop.call_later(_TICK, self._look, loop) if self._all else None
