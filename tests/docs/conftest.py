"""A real server of the real release, which may call a second one, and that one: an Oxigraph in its own process."""

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kg.core.release import Release

from ..support.processes import free_ports, process_of
from .recipes import ROOT, blocks_of

# Scripts of this environment are found by name, as they are by those who have activated it.
SCRIPTS = Path(sys.executable).parent

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


@pytest.fixture(scope="session")
def servers(real: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The server of the real release, started as the page says: it may call a second endpoint."""
    folder = tmp_path_factory.mktemp("docs")
    port, other = free_ports(2)
    out = Path(shutil.copytree(real.folder.parents[1], folder / "out", symlinks=True))  # what is run here builds, too
    here = Servers(port, other, out)
    (shown,) = [block.text for block in blocks_of("docs/linking.md") if block.text.startswith("./run serve")]
    options = shlex.split(here.as_here(shown))[1:]
    command = [sys.executable, "-m", "kg", *options, "--port", str(port), "--workers", "2"]
    with process_of(command, here.url("/healthz"), folder, here.environment()):
        yield here


@pytest.fixture
def second(servers: Servers) -> Serving:
    """Start the second endpoint with the store in a folder; it ends with the context."""

    @contextmanager
    def serve(folder: Path) -> Iterator[None]:
        bind = f"127.0.0.1:{servers.other}"
        command = [str(SCRIPTS / "oxigraph"), "serve-read-only", "--location", "other", "--bind", bind]
        with process_of(command, f"http://{bind}/", folder, servers.environment()):
            yield

    return serve
