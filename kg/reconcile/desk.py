"""Where names are matched: in a thread beside the event loop, each errand within its time, a few waiting at most."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kg.endpoint import Refusal
from kg.errors import Problem
from kg.search import Index, Matcher, SearchTimeout

SECONDS = 10.0  # for an errand; that is a whole batch
_THREADS = 1  # Python runs one at a time; a second would only take turns from the event loop
_WAITING = 32  # errands; who comes then is asked to come again

Returned = TypeVar("Returned")


class Desk:
    """Has errands run with the matcher of an index.

    `index` returns the index, or raises Refusal where there is none (yet).
    """

    def __init__(self, index: Callable[[], Index]) -> None:
        self._index = index
        self._matcher: Matcher | None = None
        self._threads = ThreadPoolExecutor(_THREADS, "matching")
        self._there = 0

    async def errand(self, work: Callable[[Matcher, float], Returned]) -> Returned:
        """Return what an errand returns; it is given the matcher, and the moment (of `time.monotonic`) it must end by.

        Raises Refusal: 429 where too many are waiting, 503 where it has taken too long.
        """
        if self._there >= _WAITING:
            raise Refusal(429, "too many are waiting for an answer; try again in a moment", {"Retry-After": "2"})
        matcher = self._matcher_of(self._index())
        self._there += 1
        try:
            deadline = time.monotonic() + SECONDS
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, matcher, deadline)
        except SearchTimeout as error:
            fact = f"this has taken longer than {SECONDS:g} seconds; send fewer queries at once"
            raise Refusal(503, fact, {"Retry-After": "5"}) from error
        finally:
            self._there -= 1

    def _matcher_of(self, index: Index) -> Matcher:
        """Return the matcher of the index; it learns what it is asked often, so there is one."""
        if self._matcher is None or self._matcher.index is not index:
            self._matcher = Matcher(index)
        return self._matcher


def left(deadline: float) -> float:
    """Return the seconds until a deadline; raise SearchTimeout where it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise SearchTimeout(Problem("the time of the whole batch is over", "send fewer queries at once"))
    return seconds
