"""Behind a real nginx, as docs/operating.md says: everything stays under the prefix, and clients are told apart."""

import contextlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pyoxigraph import RdfFormat, parse

from kg.core.release import Release
from kg.server.app import app
from kg.server.request_monitor import AccessLog, Operation

from ..support.processes import free_ports, process_of
from ..support.sites import QUERIES
from ..support.waiting import eventually

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
PAGE = Path(__file__).parents[2] / "docs/operating.md"
CLIENT = "127.0.1.5"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
GZIP = "gzip on; gzip_types *; gzip_min_length 20; gzip_proxied any;"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx)")


def configuration(folder: Path, port: int, upstream: int, more: str) -> str:
    """Return a whole configuration around the lines of the page; only name, ports and certificate are others."""
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    kept = [line for line in block.splitlines() if not re.match(r"\s+(listen|server_name|ssl_)", line)]
    kept.insert(1, f"listen 127.0.0.1:{port};")
    server = "\n".join(kept).replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in TEMPORARY)
    return (
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {paths} {more}\n{server}\n}}\n"
    )


@contextlib.contextmanager
def proxied(folder: Path, upstream: int, more: str = "") -> Iterator[httpx.Client]:
    """Run an nginx in front of a port; give a client of it that asks from an address of its own."""
    (port,) = free_ports(1)
    file = folder / "nginx.conf"
    file.write_text(configuration(folder, port, upstream, more), encoding="utf-8")
    command = [NGINX, "-p", str(folder), "-c", str(file), "-e", "stderr"]
    transport = httpx.HTTPTransport(local_address=CLIENT)
    url = f"http://127.0.0.1:{port}"
    with process_of(command, url, folder), httpx.Client(base_url=url, timeout=30, transport=transport) as client:
        yield client


@pytest.fixture(
    scope="module", params=["", pytest.param(GZIP, marks=pytest.mark.exhaustive)], ids=["as it is", "gzip by nginx"]
)
def front(site: httpx.Client, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A client of an nginx in front of the tiny release, whose search index has been made."""
    for _ in range(300):
        if site.get("/search").status_code == 200:
            break
        time.sleep(0.2)
    with proxied(tmp_path_factory.mktemp("nginx"), site.base_url.port, request.param) as client:
        yield client


@pytest.mark.exhaustive
def test_every_page_is_reached_under_the_prefix(front: httpx.Client) -> None:
    """From the first page on each link, form and style leads to an answer under the prefix; downloads included."""
    seen: set[str] = set()
    todo = ["/graph/", "/graph/?lang=en"]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        assert path.startswith("/graph/")
        answer = front.get(path, headers={"Accept": "text/html, */*;q=0.5"}, follow_redirects=True)
        assert answer.status_code == 200, path
        assert answer.url.path.startswith("/graph/")
        if answer.headers["content-type"].startswith("text/html") and "/validation.html" not in path:
            targets = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
            found = [urlsplit(urljoin(path, target.replace("&amp;", "&"))) for target in targets]
            # The forms of a query's address are many; one page of each kind is enough.
            todo += [link.path for link in found if link.netloc == ""]

    assert {"/graph/sparql", "/graph/queries", "/graph/about", "/graph/release/2019.1.0/graph.ttl"} <= seen
    assert any(re.fullmatch(r"/graph/static/style\.[0-9a-f]{12}\.css", path) for path in seen)


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/graph", "/graph/"),
        ("/graph/release/latest", "/graph/release/2019.1.0/"),
        ("/graph/release/latest/", "/graph/release/2019.1.0/"),
        ("/graph/release/latest/graph.ttl", "/graph/release/2019.1.0/graph.ttl"),
        ("/graph/release/2019.1.0", "/graph/release/2019.1.0/"),
    ],
)
def test_redirects_stay_under_the_prefix(front: httpx.Client, path: str, end: str) -> None:
    """Each `Location` is relative: it names neither the host nor the port of the server behind."""
    answer = front.get(path)

    assert answer.is_redirect
    assert not urlsplit(answer.headers["location"]).netloc
    assert urljoin(path, answer.headers["location"]) == end
    assert front.get(end).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "QUERY"])
def test_queries_pass(front: httpx.Client, method: str) -> None:
    """By each method, also a long one, with percent-encoded Japanese; what is refused is refused in our words."""
    query = 'SELECT ?s { ?s ?p "percent-encoded" } # 施策' + "x" * 20_000
    asked = {
        "GET": {"params": {"query": query}},
        "POST": {"data": {"query": query}},
        "QUERY": {"content": query.encode(), "headers": {"Content-Type": "application/sparql-query"}},
    }[method]
    answer = front.request(method, "/graph/sparql", **asked)  # type: ignore[arg-type]

    assert answer.json()["results"]["bindings"][0]["s"]["value"] == "http://例え.jp/%E6%96%BD%E7%AD%96"
    assert answer.headers["access-control-allow-origin"] == "*"
    refused = front.get("/graph/sparql", params={"query": "nonsense"})
    assert refused.headers["content-type"] == "application/problem+json"


def test_the_service_description_names_the_address_that_was_asked(front: httpx.Client) -> None:
    """Read against the address of the request, the endpoint is under the prefix."""
    address = f"{front.base_url}/graph/sparql"
    text = front.get("/graph/sparql", headers={"Accept": "text/turtle"}).content
    endpoints = {
        quad.object.value
        for quad in parse(text, format=RdfFormat.TURTLE, base_iri=address)
        if quad.predicate.value == "http://www.w3.org/ns/sparql-service-description#endpoint"
    }

    assert endpoints == {address}


def test_conditions_and_parts_pass(front: httpx.Client) -> None:
    """Who has a file gets 304, who has a part of it the rest; compressed or not the content is the same."""
    path = "/graph/release/2019.1.0/measures.csv"
    plain = front.get(path, headers={"Accept-Encoding": "identity"})
    compressed = front.get(path)
    part = front.get(path, headers={"Accept-Encoding": "identity", "Range": "bytes=10-19"})

    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.content == plain.content
    for answer in (plain, compressed):
        coding = "gzip" if answer is compressed else "identity"
        known = front.get(path, headers={"If-None-Match": answer.headers["etag"], "Accept-Encoding": coding})
        assert known.status_code == 304
    assert (part.status_code, part.content) == (206, plain.content[10:20])


def test_the_metrics_are_not_for_everybody(front: httpx.Client) -> None:
    """As the page sets nginx up, they are not seen from outside; the health is."""
    assert front.get("/graph/metrics").status_code == 403
    assert front.get("/graph/healthz").text == "ok\n"


@pytest.mark.parametrize(
    ("trusted", "network"),
    [(["127.0.0.1"], "127.0.1.0/24"), pytest.param([], "127.0.0.0/24", marks=pytest.mark.exhaustive)],
)
def test_clients_are_told_apart(
    start: Callable[[FastAPI], AbstractContextManager[httpx.Client]],
    release: Release,
    out: Path,
    tmp_path: Path,
    trusted: list[str],
    network: str,
) -> None:
    """By the address that nginx saw, where nginx is trusted; never by what the client has written."""
    log = tmp_path / "access.jsonl"
    operation = Operation(log=AccessLog(log), trusted=tuple(map(ip_network, trusted)))
    with (
        start(app(release, QUERIES, out, operation=operation)) as site,
        proxied(tmp_path, site.base_url.port) as front,
    ):
        written = {"X-Forwarded-For": "198.51.100.9", "Forwarded": "for=198.51.100.9", "X-Real-IP": "198.51.100.9"}
        for headers in ({}, written):
            assert front.get("/graph/healthz", headers=headers).status_code == 200

        assert eventually(lambda: log.read_text().count("\n") == 2)

    assert [json.loads(line)["client"] for line in log.read_text().splitlines()] == [network] * 2
