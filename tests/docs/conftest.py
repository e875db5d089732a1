"""A real server of the real release, which may call a second one, and that one: an Oxigraph in its own process."""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kg.releases import Release

from .recipes import ROOT, blocks_of

# Scripts of this environment are found by name, as they are by those who have activated it.
SCRIPTS = Path(sys.executable).parent
START = 60  # seconds that a server may take to start; the release is built meanwhile

Serving = Callable[[Path], AbstractContextManager[None]]


@dataclass(frozen=True)
class Servers:
    """The ports of the server and of the second endpoint, and where the release is."""

    port: int
    other: int
    out: Path

    def as_here(self, text: str) -> str:
        """Return a text of the pages with the addresses that the servers have here."""
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").replace(
            "127.0.0.1:7878", f"127.0.0.1:{self.other}"
        )

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment in which a reader of the pages runs what they show."""
        path = os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", "")])
        modules = os.pathsep.join(filter(None, [more.pop("PYTHONPATH", ""), str(ROOT)]))
        return {**os.environ, "PATH": path, "PYTHONPATH": modules, "KG_OUT": str(self.out), **more}

    def url(self, path: str) -> str:
        """Return an address of the server."""
        return f"http://127.0.0.1:{self.port}{path}"


def _free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


@contextmanager
def running(command: list[str], port: int, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run a server until the context ends; it answers at its port from the beginning."""
    with (folder / f"server-{port}.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            until = time.monotonic() + START
            while not _answers(port):
                log.seek(0)
                assert process.poll() is None, log.read()
                assert time.monotonic() < until, f"no answer from {command}"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def servers(real: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The server of the real release, started as the page says: it may call a second endpoint."""
    folder = tmp_path_factory.mktemp("docs")
    port, other = _free_ports(2)
    here = Servers(port, other, real.folder.parents[1])
    (shown,) = [block.text for block in blocks_of("docs/linking.md") if block.text.startswith("./run serve")]
    options = shlex.split(here.as_here(shown))[1:]
    command = [sys.executable, "-m", "kg", *options, "--port", str(port), "--workers", "2"]
    with running(command, port, folder, here.environment()):
        yield here


@pytest.fixture
def second(servers: Servers) -> Serving:
    """Start the second endpoint with the store in a folder; it ends with the context."""

    @contextmanager
    def serve(folder: Path) -> Iterator[None]:
        bind = f"127.0.0.1:{servers.other}"
        command = [str(SCRIPTS / "oxigraph"), "serve-read-only", "--location", "other", "--bind", bind]
        with running(command, servers.other, folder, servers.environment()):
            yield

    return serve
