"""Zygote process that loads the store once and forks workers on request: `python -m kg.engine.zygote DESCRIPTOR`.

It is started by exec and has a single thread whenever it forks, because a child that is forked while other threads run
can hang. Its socket carries a sequence of messages: the first one has the source and the limits; each later one
requests one worker. The zygote replies with the process ID and descriptors of each worker, and reports how each worker
ended. It ends when the other end of the socket is closed, and its workers end with it.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from pyoxigraph import Store

from kg.core.errors import KgError, Problem
from kg.engine.data_source import Limits, Source
from kg.engine.worker import confine, die_with_parent, serve_queries

if TYPE_CHECKING:
    from kg.engine.remote_backend import RemoteStore

# Size limit of a message, in bytes; a socket of this kind takes a little over 200,000 at once.
LONGEST = 1 << 18
StoreOpener = Callable[[], "Store | RemoteStore"]
_MOST_PROBLEMS = 100
Result = TypeVar("Result")


class Zygote:
    """Zygote: forks workers of one store and reports how they end."""

    def __init__(self, control: socket.socket, open_store: StoreOpener, limits: Limits, source: Source) -> None:
        self._control = control
        self._open_store, self._limits, self._source = open_store, limits, source
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve fork requests until the socket is closed."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._control:
                    self._reap_worker(key.fd, key.data)
                elif self._control.recv(LONGEST):
                    self._fork_worker()
                else:
                    return

    def _fork_worker(self) -> None:
        """Fork a worker and send its socket, its process descriptor and its answer file to the server process."""
        try:
            ours, theirs = socket.socketpair()
            with ours, theirs, tempfile.TemporaryFile(buffering=0) as file:
                zygote, pid = os.getpid(), os.fork()
                if pid == 0:
                    self._run_worker(zygote, theirs, file.fileno())
                process = os.pidfd_open(pid)
                self._selector.register(process, selectors.EVENT_READ, pid)
                descriptors = [ours.fileno(), process, file.fileno()]
                socket.send_fds(self._control, [_message(worker=pid)], descriptors)
        except OSError as error:
            self._control.send(_message(failed=str(error)))

    def _reap_worker(self, process: int, pid: int) -> None:
        """Wait for an ended worker and report its exit code."""
        self._selector.unregister(process)
        os.close(process)
        _, status = os.waitpid(pid, 0)
        self._control.send(_message(ended=pid, status=os.waitstatus_to_exitcode(status)))

    def _run_worker(self, zygote: int, link: socket.socket, file: int) -> None:
        """Run the worker in the forked child; never returns."""
        code = 1
        try:
            confine(zygote)
            # The zygote's descriptors are closed: an open copy would make it look alive after it has ended.
            link, file = _close_other_descriptors(link, file)
            serve_queries(self._open_store, link, file, self._limits, self._source)
            code = 0
        finally:
            os._exit(code)


def main() -> None:
    """Load the source of the first message, report its number of triples, and serve fork requests."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # The server process decides when to end: it closes the socket.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    request = json.loads(control.recv(LONGEST))
    die_with_parent(request["front"])
    source, limits = Source.from_message(request["source"]), Limits(**request["limits"])
    try:
        open_store, triples = _load(source, limits)
    except KgError as error:
        control.send(_message(problems=[_problem_as_json(problem) for problem in error.problems[:_MOST_PROBLEMS]]))
        return
    if limits.services:
        import_module("kg.engine.federation_proxy")  # once for all workers
    # Frozen objects are not scanned by the workers' garbage collectors, so their memory pages stay shared.
    gc.collect()
    gc.freeze()
    control.send(_message(triples=triples))
    Zygote(control, open_store, limits, source).run()


def _load(source: Source, limits: Limits) -> tuple[StoreOpener, int]:
    """Return the function that opens the store in a worker, and the number of triples in the default graph."""
    if source.remote:
        from kg.engine.remote_backend import remote_store_opener  # with HTTP and TLS, which take a while to load

        return remote_store_opener(source.remote, limits)
    if source.on_disk:
        # The engine starts threads for a store on disk, so the workers open it, after the fork.
        return source.open, _run_in_child(lambda: source.open_counted()[1])
    store, triples = _run_in_thread(source.open_counted)
    return lambda: store, triples


def _run_in_thread(task: Callable[[], Result]) -> Result:
    """Run a task in a thread of its own, wait for it, and return its result.

    The engine has one random state per thread. If it ran in the thread that forks, all workers would inherit the same
    state, and UUID() and BNODE() would give the same values in all of them.
    """
    results: list[Result] = []
    errors: list[KgError] = []

    def run() -> None:
        try:
            results.append(task())
        except KgError as error:
            errors.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _run_in_child(task: Callable[[], int]) -> int:
    """Run a task in a child process and return its number; raise KgError if it fails."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, str(task()).encode())
        except (KgError, OSError) as error:
            os.write(writer, b"!" + str(error).encode()[: 1 << 15])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode(errors="replace")
    os.waitpid(pid, 0)
    if not text.isdecimal():
        raise KgError(Problem(f"the store cannot be opened: {text[1:]}", "make the release again: kg build"))
    return int(text)


def _close_other_descriptors(link: socket.socket, file: int) -> tuple[socket.socket, int]:
    """Close all descriptors but the standard ones and these two; return these two, renumbered."""
    first = 3
    spare = max(link.fileno(), file, first + 2) + 1
    moved = [os.dup2(descriptor, spare + place) for place, descriptor in enumerate((link.detach(), file))]
    duplicates = [os.dup2(descriptor, first + place) for place, descriptor in enumerate(moved)]
    os.closerange(first + len(duplicates), os.sysconf("SC_OPEN_MAX"))
    return socket.socket(fileno=duplicates[0]), duplicates[1]


def _problem_as_json(problem: Problem) -> dict[str, Any]:
    return {**vars(problem), "file": None if problem.file is None else str(problem.file)}


def _message(**content: Any) -> bytes:
    return json.dumps(content).encode()


if __name__ == "__main__":
    main()
