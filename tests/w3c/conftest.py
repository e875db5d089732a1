"""A server of RDF files, started as users start it, and asked over HTTP."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # the modules beside this file

Serve = Callable[..., AbstractContextManager[httpx.Client]]


@contextmanager
def _serving(*files: Path) -> Iterator[httpx.Client]:
    """Run `kg serve --data …` on a free port and give a client of it."""
    command = [sys.executable, "-m", "kg", "serve", "--port", "0", *(f"--data={file}" for file in files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]) as process:
        try:
            address = process.stdout.readline().partition(" at ")[2].partition(" ")[0]
            assert address, "the server has not started"
            with httpx.Client(base_url=address, timeout=30) as client:
                yield client
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Serve RDF files: `with serve(file) as client`."""
    return _serving
