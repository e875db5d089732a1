"""A server with a base of its own, run as its user runs it, and what it says."""

import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from pyoxigraph import RdfFormat, Triple, parse

CANONICAL = "https://w3id.org/shisaku/"
CHECKOUT = Path(__file__).parents[2]
TURTLE = {"Accept": "text/turtle, */*;q=0.1"}


def free_port() -> int:
    """A port that nobody listens on; not one of those that connections of other tests take while this server starts."""
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


@contextmanager
def served(*arguments: str | Path, path: str = "") -> Iterator[httpx.Client]:
    """Serve under the server's own address, or a path of it, as base; give a client of it."""
    port = free_port()
    top = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "kg", "serve", "--port", str(port), "--base", top + path, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        try:
            greeting = process.stdout.readline()
            assert f"Things are named under {top}{path}." in greeting
            with httpx.Client(base_url=top, timeout=30, follow_redirects=True) as client:
                yield client
        finally:
            process.terminate()


def base(site: httpx.Client) -> str:
    """The address that the names of a server begin with."""
    return str(site.base_url)


def triples(turtle: httpx.Response | Path) -> set[Triple]:
    """The statements of a Turtle document or file."""
    content = turtle.read_bytes() if isinstance(turtle, Path) else turtle.raise_for_status().content
    return {quad.triple for quad in parse(content, format=RdfFormat.TURTLE)}


def rows(site: httpx.Client, query: str) -> list[dict[str, tuple[str, ...]]]:
    """The rows of an answer, sorted."""
    bindings = site.get("/sparql", params={"query": query}).raise_for_status().json()["results"]["bindings"]
    found = [{name: tuple(sorted(term.items())) for name, term in row.items()} for row in bindings]
    return sorted(found, key=lambda row: sorted(row.items()))
