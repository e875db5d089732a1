"""Bounded executor for queries of the search index, with a deadline and a queue limit."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from kg.core.errors import Problem
from kg.http.sparql_endpoint import Refusal
from kg.search import Index, Matcher, SearchTimeout

Returned = TypeVar("Returned")


@dataclass
class SearchExecutor:
    """Executor that runs tasks with the matcher of an index, in threads.

    `index` returns the index, or raises Refusal while there is none. `seconds` is the time limit of a task; beyond
    `waiting` pending tasks, new ones are rejected. `what` (the tasks, in the plural) and `remedy` (advice for a faster
    task) are used in the messages.
    """

    index: Callable[[], Index]
    what: str
    remedy: str
    threads: int
    waiting: int
    seconds: float
    _matcher: Matcher | None = field(default=None, init=False)
    _pending: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Create the thread pool; its threads start on demand."""
        self._threads, self._making = ThreadPoolExecutor(self.threads, self.what), Lock()

    async def submit(self, work: Callable[[Matcher, float], Returned]) -> Returned:
        """Run a task with the matcher and its deadline (of `time.monotonic`), and return its result.

        Raises Refusal: 429 if the queue is full, 503 if the task has exceeded its time limit.
        """
        if self._pending >= self.waiting:
            raise Refusal(429, f"too many {self.what} are waiting; try again in a moment", {"Retry-After": "2"})
        index, deadline = self.index(), time.monotonic() + self.seconds

        def run() -> Returned:
            return work(self._matcher_of(index), deadline)  # creating the matcher of a large index takes a while

        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run)
        except SearchTimeout as error:
            fact = f"this has taken longer than {self.seconds:g} seconds; {self.remedy}"
            raise Refusal(503, fact, {"Retry-After": "5"}) from error
        finally:
            self._pending -= 1

    def _matcher_of(self, index: Index) -> Matcher:
        """Return the matcher of the index; shared, since it caches frequent lookups."""
        with self._making:
            if self._matcher is None or self._matcher.index is not index:
                self._matcher = Matcher(index)
            return self._matcher


def remaining_seconds(deadline: float) -> float:
    """Return the seconds until a deadline; raise SearchTimeout if it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise SearchTimeout(Problem("the time limit has passed", "request less at once"))
    return seconds
