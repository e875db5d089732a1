"""The zygote as the front sees it: started with a source, asked for workers, closed at the end."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kg.core.errors import Problem, ReleaseError
from kg.engine.data_source import Source
from kg.engine.limits import Limits
from kg.engine.wire import AnswerFile
from kg.engine.worker_connection import Link
from kg.engine.zygote import LONGEST

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
