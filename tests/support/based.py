"""A server with a base of its own, run as its user runs it, and what it says."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from pyoxigraph import RdfFormat, Triple, parse

from .servers import serving

CANONICAL = "https://w3id.org/shisaku/"
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
    with serving("--base", top + path, *arguments, port=port) as server:
        assert f"Things are named under {top}{path}." in server.greeting
        server.client.base_url, server.client.follow_redirects = httpx.URL(top), True
        yield server.client


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
