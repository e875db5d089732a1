"""Clients of the zygote and of its workers in the server process.

`ZygoteClient` starts the zygote with a source and requests workers. `WorkerClient` sends queries to one worker over a
socket and can kill it by its process descriptor.
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
from kg.engine.wire import Answer, AnswerFile, Refusal, ReleaseReplaced, Unpacker
from kg.engine.zygote import LONGEST

_LOWEST_PRIORITY = 19
_TICKS = os.sysconf("SC_CLK_TCK")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerDeath:
    """End of a worker while it ran a query: its exit code, negative for a signal, None if unknown."""

    status: int | None


Outcome = Answer | Refusal | ReleaseReplaced | WorkerDeath


class WorkerClient(asyncio.Protocol):
    """Client of one worker. It runs one query at a time; `done` is called once with the outcome."""

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

    def ask(self, request: bytes, done: Callable[[Outcome], None]) -> None:
        """Send a packed query; `done` is called with its answer, its refusal, or the death of the worker."""
        assert self._done is None and self._transport is not None
        self._done = done
        self._transport.write(request)

    def kill(self) -> None:
        """Kill the process, if it has not ended."""
        if self._process >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def cpu(self) -> float:
        """Return the processor time of the current query in seconds (proc(5), stat, fields 14 and 15)."""
        try:
            fields = (
                Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / _TICKS - self._cpu

    def lower_priority(self) -> None:
        """Set the lowest scheduling priority, which cannot be raised again."""
        if not self._ended:
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, self.pid, _LOWEST_PRIORITY)

    def close(self) -> None:
        """Close the socket: the worker ends once it is idle."""
        if self._transport is not None:
            self._transport.close()

    def ended(self, status: int | None) -> None:
        """Record that the process has ended, with its exit code."""
        self._ended, self._status = True, status
        self._dispose()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Handle the connected socket (asyncio.Protocol)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Handle data from the worker (asyncio.Protocol)."""
        for header, body in self._unpacker.feed(data):
            self.last, self._cpu = header["last"], header["cpu"]
            self._finish(self._outcome(header, body))

    def connection_lost(self, error: Exception | None) -> None:
        """Handle the end of the connection (asyncio.Protocol)."""
        self._closed = True
        self._dispose()

    def _outcome(self, header: dict[str, Any], body: bytes) -> Outcome:
        if "broken" in header:
            _log.error("a worker has failed on a query: %s", header["broken"])
            return Refusal(500, "the server has failed on this query; the failure has been logged")
        if "superseded" in header:
            return ReleaseReplaced()
        if "status" in header:
            return Refusal(header["status"], header["detail"], header["headers"])
        if header["size"] == len(body):
            return Answer(header["content_type"], header["size"], body)
        # From here on the file belongs to the answer; this worker has no other file and takes no more queries.
        file, self._file = self._file, None
        return Answer(header["content_type"], header["size"], file=file)

    def _finish(self, outcome: Outcome) -> None:
        done, self._done = self._done, None
        if done:
            done(outcome)

    def _dispose(self) -> None:
        """Release all resources once the process has ended and everything it sent is read."""
        if self._ended and self._closed and self._process >= 0:
            os.close(self._process)
            self._process = -1
            if self._file:
                self._file.close()
            self._finish(WorkerDeath(self._status))


_DESCRIPTORS = 3
# Seconds that the zygote may take to end.
_SHUTDOWN_SECONDS = 1.0
_RETRY_PAUSE = 0.5


class ZygoteClient:
    """Client of the zygote. `triples` is the number of triples in the default graph, once the source is loaded."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.triples = 0
        self._process, self._control = process, control
        self._workers: dict[int, WorkerClient] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting = set[asyncio.Task[None]]()
        self._on_ready: Callable[[WorkerClient], None]
        self._on_gone: Callable[[WorkerClient], None]
        self._on_lost: Callable[[], None]

    @classmethod
    def start(cls, source: Source, limits: Limits) -> "ZygoteClient":
        """Start a zygote, which begins to load the source."""
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "kg.engine.zygote", str(theirs.fileno())]
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=environment(), stdin=subprocess.DEVNULL, stdout=2
            )
        request = {"front": os.getpid(), "source": source.as_message(), "limits": limits.as_message()}
        control.send(json.dumps(request).encode())
        return cls(process, control)

    def wait_loaded(self) -> "ZygoteClient":
        """Wait until the zygote has loaded the source; raise ReleaseError if it cannot."""
        message = json.loads(self._control.recv(LONGEST) or b"{}")
        if "triples" not in message:
            self._control.close()
            self._process.wait()
            problems = [Problem(**problem) for problem in message.get("problems", ())]
            raise ReleaseError(*(problems or [_no_message(self._process)]))
        self.triples = message["triples"]
        return self

    def attach(
        self,
        on_ready: Callable[[WorkerClient], None],
        on_gone: Callable[[WorkerClient], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Attach to the running event loop.

        `on_ready` is called with each new worker, `on_gone` with each worker that has ended, `on_lost` when the zygote
        itself has ended.
        """
        self._loop = asyncio.get_running_loop()
        self._on_ready, self._on_gone, self._on_lost = on_ready, on_gone, on_lost
        self._control.setblocking(False)
        self._loop.add_reader(self._control, self._read)

    @property
    def workers(self) -> int:
        """Number of live workers."""
        return len(self._workers)

    def fork(self) -> None:
        """Request one more worker, which is passed to `on_ready`."""
        try:
            self._control.send(b"fork")
        except BlockingIOError:
            self._retry_fork()
        except OSError:
            pass  # the zygote has died; `on_lost` is about to be called

    def close(self) -> None:
        """Close the socket, which ends the zygote and with it all its workers."""
        if self._loop is not None and self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
        self._control.close()
        for worker in [*self._workers.values()]:
            worker.close()
            worker.ended(None)
        self._workers.clear()

    def wait(self) -> None:
        """Wait, after `close`, until the zygote has ended; kill it if it takes long to release its store."""
        try:
            self._process.wait(_SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        """Read one message of the zygote."""
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, LONGEST, _DESCRIPTORS)
        except BlockingIOError:
            return
        except ConnectionError:
            message, descriptors = b"", []
        if not message:
            self._on_lost()
            self.close()
            return
        self._handle(json.loads(message), descriptors)

    def _handle(self, message: dict[str, Any], descriptors: list[int]) -> None:
        assert self._loop is not None
        if "worker" in message:
            link, process, file = descriptors
            self._connect(WorkerClient(message["worker"], process, AnswerFile(file)), socket.socket(fileno=link))
        elif "ended" in message:
            worker = self._workers.pop(message["ended"], None)
            if worker:
                self._on_gone(worker)
                worker.ended(message["status"])
        else:  # no process or no descriptor is free
            self._retry_fork()

    def _connect(self, worker: WorkerClient, end: socket.socket) -> None:
        assert self._loop is not None
        self._workers[worker.pid] = worker
        loop = self._loop

        async def connect() -> None:
            await loop.create_unix_connection(lambda: worker, sock=end)
            if worker.pid in self._workers:
                self._on_ready(worker)

        task = loop.create_task(connect())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _retry_fork(self) -> None:
        assert self._loop is not None
        self._loop.call_later(_RETRY_PAUSE, self.fork)


def environment() -> dict[str, str]:
    """Return the environment for a child process that imports the same modules as this one, and no others."""
    paths = [str(Path(__file__).parents[2]), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}


def _no_message(process: subprocess.Popen[bytes]) -> Problem:
    fact = f"the process that loads the data has ended with status {process.returncode}"
    return Problem(fact, "see what it has written above; is there enough memory?")
