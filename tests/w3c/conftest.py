"""A server of RDF files, started as users start it, and asked over HTTP."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from ..support.servers import serving

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # the modules beside this file

Serve = Callable[..., AbstractContextManager[httpx.Client]]


@contextmanager
def _serving(*files: Path) -> Iterator[httpx.Client]:
    """Run `kg serve --data …` on a free port and give a client of it."""
    with serving(*(f"--data={file}" for file in files)) as server:
        yield server.client


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Serve RDF files: `with serve(file) as client`."""
    return _serving
