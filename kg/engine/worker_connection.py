"""One worker as the front sees it: a socket to ask it by, and a descriptor of the process to end it by."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.engine.wire import Answer, AnswerFile, Refusal, Superseded, Unpacker

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
