"""Stores of others, each a process of its own on the loopback, and a way in front of one on which things go wrong."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from .processes import free_ports, process_of

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = Path(sys.executable).parent
# Set by .ci/run: there, a program that is missing is a failure.
REQUIRED = "KG_TEST_STORES"

# Who writes to Virtuoso, and by which password.
PUBLISHER, PASSWORD = "publisher", "Of-these_tests.only~1"


@dataclass(frozen=True)
class Running:
    """A store that runs: its address, its process, and who may write there."""

    url: str
    process: subprocess.Popen[bytes]
    user: str = ""
    password: str = ""

    def as_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process be known to the store."""
        monkeypatch.setenv("KG_STORE_USER", self.user)
        monkeypatch.setenv("KG_STORE_PASSWORD", self.password)

    def asked(self, query: str) -> list[dict[str, str]]:
        """Return the rows that the store itself answers."""
        answer = httpx.post(self.url, data={"query": query}, headers={"Accept": "application/sparql-results+json"})
        return [{name: term["value"] for name, term in row.items()} for row in answer.json()["results"]["bindings"]]


def program(name: str, package: str) -> str:
    """Return the path of a program; skip the test where it is missing, or fail where it is required."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        message = f"{name} is not installed (Debian: apt-get install {package})"
        pytest.fail(message) if os.environ.get(REQUIRED) == "required" else pytest.skip(message)
    return path


@contextmanager
def oxigraph(folder: Path, *options: str) -> Iterator[Running]:
    """Run an Oxigraph that keeps its data in a folder."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/query"
    command = [str(SCRIPTS / "oxigraph"), "serve", "--location", "data", "--bind", f"127.0.0.1:{port}", *options]
    with process_of(command, url, folder) as process:
        yield Running(url, process)


@contextmanager
def virtuoso(folder: Path, rows: int = 1_000_000) -> Iterator[Running]:
    """Run a Virtuoso as deploy/ does, which gives so many rows at most."""
    program("virtuoso-t", "virtuoso-opensource")
    sql, http = free_ports(2)
    text = (DEPLOY / "virtuoso.ini").read_text(encoding="ascii")
    here = {"127.0.0.1:1111": f"127.0.0.1:{sql}", "8890": f"127.0.0.1:{http}", "1000000": str(rows)}
    for there, instead in here.items():
        assert text.count(f" = {there}\n") == 1
        text = text.replace(f" = {there}\n", f" = {instead}\n")
    (folder / "virtuoso.ini").write_text(text, encoding="ascii")
    url = f"http://127.0.0.1:{http}/sparql"
    command = [str(DEPLOY / "virtuoso.sh"), "virtuoso.ini"]
    with process_of(command, url, folder, STORE_PASSWORD=PASSWORD) as process:
        yield Running(url, process, PUBLISHER, PASSWORD)


@dataclass
class Way:
    """What stands in front of a store: it passes everything on, counts it, and does to the next ones what it is told.

    `wrong` takes a handler and whether a query is about the data, and returns True where it has answered itself.
    """

    port: int
    queries: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    wrong: Callable[["Handler"], bool] = lambda handler: False

    @property
    def url(self) -> str:
        """The address of queries on this way."""
        return f"http://127.0.0.1:{self.port}/query"


class Handler(BaseHTTPRequestHandler):
    """Passes a request on, and the answer back."""

    protocol_version = "HTTP/1.1"
    way: Way
    store: str
    body: bytes

    def do_POST(self) -> None:
        """Pass on what is sent."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.way.credentials.append(self.headers.get("Authorization", ""))
        if b"release%2Fcurrent" not in self.body:  # not the question which release is there
            self.way.queries.append(self.body.decode())
            if self.way.wrong(self):
                return
        kept = {name: value for name, value in self.headers.items() if name in ("Accept", "Content-Type")}
        address = self.store + self.path.rpartition("/")[2]
        answer = httpx.request(self.command, address, content=self.body, headers=kept, timeout=60)
        self.answer(answer.status_code, answer.content, answer.headers.get("Content-Type", "text/plain"))

    do_PUT = do_DELETE = do_POST

    def answer(self, status: int, body: bytes, kind: str = "text/plain", server: str = "oxigraph/0") -> None:
        """Send an answer."""
        self.send_response_only(status)
        for name, value in {"Server": server, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def way_to(store: Running) -> Iterator[Way]:
    """Stand in front of a store."""
    folder = store.url.rpartition("/")[0] + "/"
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneWay", (Handler,), {"store": folder}))
    server.RequestHandlerClass.way = way = Way(server.server_port)  # type: ignore[attr-defined]
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield way
    finally:
        server.shutdown()
        server.server_close()
