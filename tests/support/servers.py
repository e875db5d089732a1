"""Servers of this program, started as their users start them: each a process of its own that says its address."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from .commands import CHECKOUT, environment
from .processes import stop


class Server(NamedTuple):
    """A server that runs: its process, a client of it, and the line that it has greeted with."""

    process: subprocess.Popen[str]
    client: httpx.Client
    greeting: str


@contextmanager
def started(*command: str | Path, folder: Path = CHECKOUT, **more: str) -> Iterator[Server]:
    """Run Python with these arguments, which is to serve, and wait for its address; `more` is its environment."""
    with subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout and process.stderr
            greeting = process.stdout.readline()
            address = re.search(r"http://[^\s)]+/", greeting)
            assert address, process.stderr.read()
            with httpx.Client(base_url=address[0], timeout=30) as client:
                yield Server(process, client, greeting)
        finally:
            stop(process)


def serving(
    *arguments: str | Path, port: int = 0, folder: Path = CHECKOUT, **more: str
) -> AbstractContextManager[Server]:
    """Run `kg serve` with these arguments, by default on any free port."""
    return started("-m", "kg", "serve", "--port", str(port), *arguments, folder=folder, **more)
