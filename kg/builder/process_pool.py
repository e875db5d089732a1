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

_QUEUED_PER_PROCESS = (
    4  # jobs that are given to each process before the first is asked for: what is done and not asked for is held
)

Job = TypeVar("Job")
Result = TypeVar("Result")
_context: Any = None  # of this process: what every task is given


class ProcessPool:
    """Processes that are started when there is work for more than one, and end with this one, however it ends.

    `context` is what every task is given beside its job. Raises ReleaseError where a process dies.
    """

    def __init__(self, processes: int, context: object) -> None:
        self._processes, self._context = processes, context
        self._pool: ProcessPoolExecutor | None = None
        # Tools go by a file: what is handed to a process as it starts stands in a pipe that has little room, and who
        # fills it waits for ever where the process dies before it has read that.
        self._context_file: IO[bytes] | None = None

    def __enter__(self) -> "ProcessPool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        if self._context_file:
            self._context_file.close()

    def map(self, task: Callable[[Any, Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """Yield what a task makes of each job, in the order of the jobs; a task is a function of a module."""
        if self._processes < 2 or len(jobs) < 2:
            yield from (task(self._context, job) for job in jobs)
            return
        with _report_worker_death():
            yield from self._map_shared(task, jobs)

    def submit(self, task: Callable[[Any, Job], Result], job: Job) -> Callable[[], Result]:
        """Begin what a task makes of a job; return how to wait for it.

        A process does it beside all other work; without processes it is done when it is waited for.
        """
        if self._processes < 2:
            return lambda: task(self._context, job)
        future = self._submit_task(task, job)

        def result() -> Result:
            with _report_worker_death():
                return future.result()

        return result

    def _map_shared(self, task: Callable[[Any, Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(self._submit_task(task, job))
                if len(waiting) > self._processes * _QUEUED_PER_PROCESS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _submit_task(self, task: Callable[[Any, Job], Result], job: Job) -> Future[Result]:
        if not self._pool:
            # not by fork: a library may have started threads
            spawn = multiprocessing.get_context("spawn")
            self._context_file = tempfile.NamedTemporaryFile(prefix="kg-build-")  # noqa: SIM115 - closed with the pool
            pickle.dump(self._context, self._context_file)
            self._context_file.flush()
            self._pool = ProcessPoolExecutor(self._processes, spawn, _initialize_worker, (self._context_file.name,))
        return self._pool.submit(_run_task, task, job)


@contextmanager
def _report_worker_death() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        remedy = "give the build more memory, or let fewer processes share it (--processes 1)"
        raise ReleaseError(Problem("a process of the build has died", remedy)) from error


def _initialize_worker(file: str) -> None:
    global _context
    _context = pickle.loads(Path(file).read_bytes())
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)


def _run_task(task: Callable[[Any, Job], Result], job: Job) -> Result:
    return task(_context, job)
