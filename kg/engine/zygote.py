"""The process that loads the store once and forks workers on request: `python -m kg.engine.zygote DESCRIPTOR`.

It is started by exec and has one thread whenever it forks, because a child that is forked beside running threads can
hang. Its socket is a sequence of messages: the first one names the source and the limits; after that each message asks
for one worker. It answers with each worker's number and descriptors, and says how each worker has ended. It ends when
the other end of the socket is closed, and its workers end with it.
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
from kg.engine.worker import confine, die_with_parent, work

if TYPE_CHECKING:
    from kg.engine.remote_backend import RemoteStore

# The longest message, in bytes; a socket of this kind takes a little over 200,000 at once.
LONGEST = 1 << 18
Opening = Callable[[], "Store | RemoteStore"]
_MOST_PROBLEMS = 100
Result = TypeVar("Result")


class Zygote:
    """Forks workers of one store, and says how they end."""

    def __init__(self, control: socket.socket, open_store: Opening, limits: Limits, source: Source) -> None:
        self._control = control
        self._open_store, self._limits, self._source = open_store, limits, source
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def run(self) -> None:
        """Do what is asked until the socket is closed."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._control:
                    self._bury(key.fd, key.data)
                elif self._control.recv(LONGEST):
                    self._bear()
                else:
                    return

    def _bear(self) -> None:
        """Fork a worker and hand over: its end of the socket, a descriptor of the process, and its file."""
        try:
            ours, theirs = socket.socketpair()
            with ours, theirs, tempfile.TemporaryFile(buffering=0) as file:
                zygote, pid = os.getpid(), os.fork()
                if pid == 0:
                    self._live(zygote, theirs, file.fileno())
                process = os.pidfd_open(pid)
                self._selector.register(process, selectors.EVENT_READ, pid)
                descriptors = [ours.fileno(), process, file.fileno()]
                socket.send_fds(self._control, [_message(worker=pid)], descriptors)
        except OSError as error:
            self._control.send(_message(failed=str(error)))

    def _bury(self, process: int, pid: int) -> None:
        self._selector.unregister(process)
        os.close(process)
        _, status = os.waitpid(pid, 0)
        self._control.send(_message(ended=pid, status=os.waitstatus_to_exitcode(status)))

    def _live(self, zygote: int, link: socket.socket, file: int) -> None:
        """Be the worker; never return."""
        code = 1
        try:
            confine(zygote)
            # Nothing of the zygote's own is kept: what it holds open would tell others that it lives when it does not.
            link, file = _keep_only(link, file)
            work(self._open_store, link, file, self._limits, self._source)
            code = 0
        finally:
            os._exit(code)


def main() -> None:
    """Load what the first message names, say how many triples there are, and fork until the socket is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # The front decides when the end has come: it closes the socket.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    order = json.loads(control.recv(LONGEST))
    die_with_parent(order["front"])
    source, limits = Source.from_message(order["source"]), Limits(**order["limits"])
    try:
        open_store, triples = _prepare(source, limits)
    except KgError as error:
        control.send(_message(problems=[_described(problem) for problem in error.problems[:_MOST_PROBLEMS]]))
        return
    if limits.services:
        import_module("kg.engine.federation_proxy")  # once for all workers
    # What is frozen is not looked through by the garbage collectors of the workers, so its memory stays shared.
    gc.collect()
    gc.freeze()
    control.send(_message(triples=triples))
    Zygote(control, open_store, limits, source).run()


def _prepare(source: Source, limits: Limits) -> tuple[Opening, int]:
    """Return how a worker gets its store, and the number of triples that a plain query counts."""
    if source.held:
        from kg.engine.remote_backend import opening  # with HTTP and TLS, which take a while to load

        return opening(source.held, limits)
    if source.on_disk:
        # The engine keeps threads for a store on the disk, so it is opened by the workers, after the fork.
        return source.open, _in_child(lambda: source.counted()[1])
    store, triples = _in_thread(source.counted)
    return lambda: store, triples


def _in_thread(task: Callable[[], Result]) -> Result:
    """Return what a task returns in a thread of its own, which has ended by then.

    The engine's random numbers have a state for each thread. Were it used in the thread that forks, every worker would
    go on from the same state, and UUID() and BNODE() would give the same in all of them.
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


def _in_child(task: Callable[[], int]) -> int:
    """Return a number that a task returns in a process of its own; raise KgError where it cannot."""
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


def _keep_only(link: socket.socket, file: int) -> tuple[socket.socket, int]:
    """Close every descriptor but the standard ones and these two, and return these under their new numbers."""
    first = 3
    spare = max(link.fileno(), file, first + 2) + 1
    moved = [os.dup2(descriptor, spare + place) for place, descriptor in enumerate((link.detach(), file))]
    kept = [os.dup2(descriptor, first + place) for place, descriptor in enumerate(moved)]
    os.closerange(first + len(kept), os.sysconf("SC_OPEN_MAX"))
    return socket.socket(fileno=kept[0]), kept[1]


def _described(problem: Problem) -> dict[str, Any]:
    return {**vars(problem), "file": None if problem.file is None else str(problem.file)}


def _message(**content: Any) -> bytes:
    return json.dumps(content).encode()


if __name__ == "__main__":
    main()
