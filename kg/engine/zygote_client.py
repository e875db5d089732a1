"""The zygote as the front sees it: started with a source, asked for workers, closed at the end.

One worker as the front sees it: a socket to ask it by, and a descriptor of the process to end it by.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.core.errors import Problem, ReleaseError
from kg.engine.data_source import Limits, Source
from kg.engine.wire import Answer, AnswerFile, Refusal, Superseded, Unpacker
from kg.engine.zygote import LONGEST

_LEAST_URGENT = 19
_TICKS = os.sysconf("SC_CLK_TCK")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Death:
    """How a worker ended while it was asked: its exit code, negative for a signal; None where nobody knows."""

    status: int | None


Outcome = Answer | Refusal | Superseded | Death


class Link(asyncio.Protocol):
    """A worker. It is asked one question at a time, and `done` is called once with what becomes of it."""

    def __init__(self, pid: int, process: int, file: AnswerFile) -> None:
        self.pid = pid
        self.last = False
        self._process = process
        self._file: AnswerFile | None = file
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None
        self._done: Callable[[Outcome], None] | None = None
        self._closed = self._ended = False
        self._status: int | None = None
        self._cpu = 0.0

    def ask(self, question: bytes, done: Callable[[Outcome], None]) -> None:
        """Send a packed question; `done` is called with its answer, its refusal, or the death of the worker."""
        assert self._done is None and self._transport is not None
        self._done = done
        self._transport.write(question)

    def kill(self) -> None:
        """End the process now; harmless where it has ended."""
        if self._process >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def cpu(self) -> float:
        """Return how much processor time its question has used by now, in seconds (proc(5), stat, fields 14 and 15)."""
        try:
            fields = (
                Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / _TICKS - self._cpu

    def slow_down(self) -> None:
        """Let it have only what all others leave of the processors. There is no way back."""
        if not self._ended:
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, self.pid, _LEAST_URGENT)

    def close(self) -> None:
        """Hang up: the worker ends once it has nothing to do."""
        if self._transport is not None:
            self._transport.close()

    def ended(self, status: int | None) -> None:
        """Take note that the process has ended, and how."""
        self._ended, self._status = True, status
        self._settle()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be told by the event loop that the socket is ready (asyncio.Protocol)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Be told by the event loop what the worker has sent (asyncio.Protocol)."""
        for header, body in self._unpacker.feed(data):
            self.last, self._cpu = header["last"], header["cpu"]
            self._report(self._outcome(header, body))

    def connection_lost(self, error: Exception | None) -> None:
        """Be told by the event loop that the worker has hung up (asyncio.Protocol)."""
        self._closed = True
        self._settle()

    def _outcome(self, header: dict[str, Any], body: bytes) -> Outcome:
        if "broken" in header:
            _log.error("a worker has failed on a query: %s", header["broken"])
            return Refusal(500, "the server has failed on this query; the failure has been written down")
        if "superseded" in header:
            return Superseded()
        if "status" in header:
            return Refusal(header["status"], header["detail"], header["headers"])
        if header["size"] == len(body):
            return Answer(header["content_type"], header["size"], body)
        # From here on the file belongs to the answer; this worker has no other and answers no more.
        file, self._file = self._file, None
        return Answer(header["content_type"], header["size"], file=file)

    def _report(self, outcome: Outcome) -> None:
        done, self._done = self._done, None
        if done:
            done(outcome)

    def _settle(self) -> None:
        """Let go of everything once the process has ended and all that it has sent is read."""
        if self._ended and self._closed and self._process >= 0:
            os.close(self._process)
            self._process = -1
            if self._file:
                self._file.close()
            self._report(Death(self._status))


_DESCRIPTORS = 3
# How long the zygote may take to end, in seconds.
_PATIENCE = 1.0
_AGAIN = 0.5


class Launcher:
    """Starts workers. `triples` is how many a plain query of the source counts, once that is loaded."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.triples = 0
        self._process, self._control = process, control
        self._links: dict[int, Link] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting = set[asyncio.Task[None]]()
        self._arrived: Callable[[Link], None]
        self._gone: Callable[[Link], None]
        self._lost: Callable[[], None]

    @classmethod
    def begin(cls, source: Source, limits: Limits) -> "Launcher":
        """Start a zygote, which begins to load the source."""
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "kg.engine.zygote", str(theirs.fileno())]
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=environment(), stdin=subprocess.DEVNULL, stdout=2
            )
        order = {"front": os.getpid(), "source": source.as_message(), "limits": limits.as_message()}
        control.send(json.dumps(order).encode())
        return cls(process, control)

    def loaded(self) -> "Launcher":
        """Wait until the zygote has loaded the source; raise ReleaseError where it cannot."""
        message = json.loads(self._control.recv(LONGEST) or b"{}")
        if "triples" not in message:
            self._control.close()
            self._process.wait()
            problems = [Problem(**problem) for problem in message.get("problems", ())]
            raise ReleaseError(*(problems or [_silent(self._process)]))
        self.triples = message["triples"]
        return self

    def attach(self, arrived: Callable[[Link], None], gone: Callable[[Link], None], lost: Callable[[], None]) -> None:
        """Work in the running event loop from now on.

        `arrived` takes each new worker, `gone` hears of one that has ended, `lost` of the end of the zygote itself.
        """
        self._loop = asyncio.get_running_loop()
        self._arrived, self._gone, self._lost = arrived, gone, lost
        self._control.setblocking(False)
        self._loop.add_reader(self._control, self._read)

    @property
    def workers(self) -> int:
        """How many workers live."""
        return len(self._links)

    def fork(self) -> None:
        """Ask for one more worker; it comes to `arrived`."""
        try:
            self._control.send(b"fork")
        except BlockingIOError:
            self._later()
        except OSError:
            pass  # the zygote has died; `lost` is about to hear of it

    def hang_up(self) -> None:
        """Close the socket, which ends the zygote and with it all its workers."""
        if self._loop is not None and self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
        self._control.close()
        for link in [*self._links.values()]:
            link.close()
            link.ended(None)
        self._links.clear()

    def wait(self) -> None:
        """Wait, after `hang_up`, until the zygote has ended; one that takes long to let go of its store is killed."""
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        """Take one message of the zygote."""
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, LONGEST, _DESCRIPTORS)
        except BlockingIOError:
            return
        except ConnectionError:
            message, descriptors = b"", []
        if not message:
            self._lost()
            self.hang_up()
            return
        self._take(json.loads(message), descriptors)

    def _take(self, message: dict[str, Any], descriptors: list[int]) -> None:
        assert self._loop is not None
        if "worker" in message:
            link, process, file = descriptors
            self._meet(Link(message["worker"], process, AnswerFile(file)), socket.socket(fileno=link))
        elif "ended" in message:
            link_of = self._links.pop(message["ended"], None)
            if link_of:
                self._gone(link_of)
                link_of.ended(message["status"])
        else:  # no process or no descriptor is free
            self._later()

    def _meet(self, link: Link, end: socket.socket) -> None:
        assert self._loop is not None
        self._links[link.pid] = link
        loop = self._loop

        async def connect() -> None:
            await loop.create_unix_connection(lambda: link, sock=end)
            if link.pid in self._links:
                self._arrived(link)

        task = loop.create_task(connect())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _later(self) -> None:
        assert self._loop is not None
        self._loop.call_later(_AGAIN, self.fork)


def environment() -> dict[str, str]:
    """Return the environment in which a process of ours finds the same modules as this process, and no others."""
    paths = [str(Path(__file__).parents[2]), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}


def _silent(process: subprocess.Popen[bytes]) -> Problem:
    fact = f"the process that loads the data has ended with status {process.returncode}"
    return Problem(fact, "see what it has written above; is there enough memory?")
