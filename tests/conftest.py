"""Fixtures of all tests: the real release, and servers that answer over HTTP."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from kg.builder.pipeline import build
from kg.core.paths import project_folders
from kg.core.release import Release
from kg.server.app import app
from kg.server.connection_limits import ConnectionLimits
from kg.server.runner import address, create_server, listen

from .support.distributions import Distributions, distributions

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ["LC_ALL"] = "C.UTF-8"  # what is told to a developer whose locale is Japanese is told to the tests in English
# Each process of the tests has one processor for itself: a build that starts more processes takes longer here.
os.environ["KG_PROCESSES"] = "1"
# Set by ./run test: a folder that all processes and passes of a run share.
SHARED = "KG_TEST_SHARED"


@contextmanager
def _serving(
    application: FastAPI, limits: ConnectionLimits | None = None, ended: Callable[[str], None] = lambda reason: None
) -> Iterator[httpx.Client]:
    """Run an application on a free port and give a client of it."""
    with listen("127.0.0.1", 0) as listener:
        server = create_server(application, limits, ended)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            with httpx.Client(base_url=address(listener).rstrip("/"), timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture(scope="session")
def start() -> Callable[[FastAPI], AbstractContextManager[httpx.Client]]:
    """Start a server of any application."""
    return _serving


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """The system's Chromium. While it lives, its event loop runs in this thread, and no other can be started there."""
    from .support.browsers import chromium  # here, so that what needs no browser does not wait for it

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes and passes of a run share."""
    base = tmp_path_factory.getbasetemp()
    return Path(os.environ.get(SHARED) or (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base))


@pytest.fixture(scope="session")
def distributed(run_folder: Path) -> Distributions:
    """The wheel and the source distribution of this checkout."""
    return distributions(run_folder)


@pytest.fixture(scope="session")
def real(run_folder: Path) -> Release:
    """The release that the recipe of this checkout makes, built once for all processes of a run; nobody changes it."""
    out = run_folder / "real"
    with out.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return build(project_folders(out=out)).release


@pytest.fixture(scope="session")
def real_site(real: Release) -> Iterator[httpx.Client]:
    """A client of a server of the real release."""
    with _serving(app(real, project_folders().queries, real.folder.parents[1])) as client:
        yield client
