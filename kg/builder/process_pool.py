"""Pool of worker processes for a build; results and their order do not depend on the number of processes."""

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

# Jobs submitted per process ahead of the consumer: results that are not consumed yet stay in memory.
_QUEUED_PER_PROCESS = 4

Job = TypeVar("Job")
Result = TypeVar("Result")
_context: Any = None  # passed to every task of this process


class ProcessPool:
    """Pool of processes that start with the first parallel work and end with this process.

    `context` is passed to every task with its job. Raises ReleaseError if a process dies.
    """

    def __init__(self, processes: int, context: object) -> None:
        self._processes, self._context = processes, context
        self._pool: ProcessPoolExecutor | None = None
        # The context is passed in a file: arguments of a starting process go through a pipe of limited size, and the
        # parent would block forever if the process died before reading them.
        self._context_file: IO[bytes] | None = None

    def __enter__(self) -> "ProcessPool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        if self._context_file:
            self._context_file.close()

    def map(self, task: Callable[[Any, Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """Yield the result of a task for each job, in order; a task is a module-level function."""
        if self._processes < 2 or len(jobs) < 2:
            yield from (task(self._context, job) for job in jobs)
            return
        with _report_worker_death():
            yield from self._map_shared(task, jobs)

    def submit(self, task: Callable[[Any, Job], Result], job: Job) -> Callable[[], Result]:
        """Start a task for one job; return a function that waits for its result.

        Without processes the task runs when its result is waited for.
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
            # not fork: a library may have started threads
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
