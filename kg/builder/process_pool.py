"""Processes that share work. What comes of it, and its order, is the same for any number of them."""

import multiprocessing
import os
import pickle
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from kg.core.errors import Problem, ReleaseError

_AHEAD = 4  # jobs that are given to each process before the first is asked for: what is done and not asked for is held

Job = TypeVar("Job")
Result = TypeVar("Result")
_tools: Any = None  # of this process: what every task is given


class Crew:
    """Processes that are started when there is work for more than one, and end with this one, however it ends.

    `tools` is what every task is given beside its job. Raises ReleaseError where a process dies.
    """

    def __init__(self, processes: int, tools: object) -> None:
        self._processes, self._tools = processes, tools
        self._pool: ProcessPoolExecutor | None = None
        # Tools go by a file: what is handed to a process as it starts stands in a pipe that has little room, and who
        # fills it waits for ever where the process dies before it has read that.
        self._carried: IO[bytes] | None = None

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        if self._carried:
            self._carried.close()

    def each(self, task: Callable[[Any, Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """Yield what a task makes of each job, in the order of the jobs; a task is a function of a module."""
        if self._processes < 2 or len(jobs) < 2:
            yield from (task(self._tools, job) for job in jobs)
            return
        with _death_told():
            yield from self._shared(task, jobs)

    def begin(self, task: Callable[[Any, Job], Result], job: Job) -> Callable[[], Result]:
        """Begin what a task makes of a job; return how to wait for it.

        A process does it beside all other work; without processes it is done when it is waited for.
        """
        if self._processes < 2:
            return lambda: task(self._tools, job)
        begun = self._submit(task, job)

        def ended() -> Result:
            with _death_told():
                return begun.result()

        return ended

    def _shared(self, task: Callable[[Any, Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(self._submit(task, job))
                if len(waiting) > self._processes * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _submit(self, task: Callable[[Any, Job], Result], job: Job) -> Future[Result]:
        if not self._pool:
            # not by fork: a library may have started threads
            context = multiprocessing.get_context("spawn")
            self._carried = tempfile.NamedTemporaryFile(prefix="kg-crew-")  # noqa: SIM115 - closed with the pool
            pickle.dump(self._tools, self._carried)
            self._carried.flush()
            self._pool = ProcessPoolExecutor(self._processes, context, _begin, (self._carried.name,))
        return self._pool.submit(_do, task, job)


@contextmanager
def _death_told() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        remedy = "give the build more memory, or let fewer processes share it (--processes 1)"
        raise ReleaseError(Problem("a process of the build has died", remedy)) from error


def _begin(file: str) -> None:
    global _tools
    _tools = pickle.loads(Path(file).read_bytes())
    threading.Thread(target=_end_with_the_build, daemon=True).start()


def _end_with_the_build() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)


def _do(task: Callable[[Any, Job], Result], job: Job) -> Result:
    return task(_tools, job)
