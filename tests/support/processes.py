"""Servers, each a process of its own on the loopback, for as long as a test needs them."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START = 120  # seconds that a server may take to start on a busy machine
END = 10


def free_ports(number: int) -> list[int]:
    """Return ports that nobody listens on."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process: it is asked to, and killed where it does not in ten seconds."""
    process.terminate()
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()


@contextmanager
def process_of(
    command: list[str], url: str, folder: Path, environment: Mapping[str, str] | None = None, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in a folder until the end of the context, once it answers at an address with any status.

    `more` are settings beside the environment, by default that of the tests.
    """
    environment = {**(environment or {**os.environ, "PYTHONPATH": str(ROOT)}), **more}
    log = folder / f"server-{httpx.URL(url).port}.log"
    with (
        log.open("wb") as told,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=told, stderr=told) as process,
    ):
        try:
            until = time.monotonic() + START
            while True:
                try:
                    httpx.get(url)
                    break
                except httpx.HTTPError:
                    alive = process.poll() is None and time.monotonic() < until
                    assert alive, log.read_text(errors="replace")
                    time.sleep(0.02)
            yield process
        finally:
            stop(process)
