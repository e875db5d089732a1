"""What a browser is allowed, what a path reaches, and that nothing from data or request becomes markup."""

import re
import socket
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import quote, urljoin

import httpx
import pytest
from fastapi import FastAPI

from kg.server.app import app

from ..support.sites import QUERIES

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
ROWS = "SELECT * { ?s ?p ?o }"
SCRIPT = "<script>alert(1)</script>"
HOSTILE = f"""\
PREFIX ex: <http://example.org/>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
<javascript:alert(1)> ex:p <javascript:alert(2)> , "{SCRIPT}" , "\\"><img src=x onerror=alert(1)>" .
<http://example.org/{SCRIPT.replace("<", "%3C").replace(">", "%3E")}> rdf:value
  "<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>"^^rdf:XMLLiteral .
ex:s ex:label "{SCRIPT}"@en , "'; alert(1); //" .
"""


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 200),
        ("GET", "/sparql?query=ASK%7B%7D", {}, 200),
        ("GET", "/sparql?query=ASK%7B%7D", {}, 200),  # sent again
        ("GET", "/sparql?query=nonsense", {}, 400),
        ("GET", "/sparql?query=ASK%7B%7D", {"Accept": "image/png"}, 406),
        ("POST", "/sparql", {}, 415),
        ("PUT", "/sparql", {}, 405),
        ("OPTIONS", "/sparql", {}, 204),
        ("GET", "/release/2019.1.0/graph.ttl", {}, 200),
        ("GET", "/release/2019.1.0/graph.ttl", {"Range": "bytes=0-9"}, 206),
        ("GET", "/release/2019.1.0/graph.ttl", {"Range": "bytes=99999999-"}, 416),
        ("HEAD", "/release/2019.1.0/validation.html", {}, 200),
        ("GET", "/release/latest", {}, 307),
        ("GET", "/static/style.css", {}, 200),
        ("GET", "/nothing", {}, 404),
        ("GET", "/metrics", {}, 200),
    ],
)
def test_every_answer_has_the_headers(
    site: httpx.Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Any site may read it without credentials, no browser guesses its type, and it may load nothing of others."""
    answer = site.request(method, path, headers=headers)

    assert answer.status_code == status
    for name in ("access-control-allow-origin", "content-security-policy", "referrer-policy", "x-content-type-options"):
        assert len(answer.headers.get_list(name)) == 1
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", ["/sparql?query=ASK%7B%7D", "/release/2019.1.0/graph.ttl"])
def test_an_answer_that_is_known_has_the_headers_too(site: httpx.Client, path: str) -> None:
    """304 has what a browser needs to let a page of another site read what it has kept."""
    known = site.get(path, headers={"If-None-Match": site.get(path).headers["etag"]})

    assert known.status_code == 304
    assert known.headers["access-control-allow-origin"] == "*"
    assert known.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("top", ["/static", "/release", "/release/2019.1.0", "/release/latest", "/queries"])
@pytest.mark.parametrize(
    "way",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/%252e%252e%252fsecret.txt",
        "/../../secret.txt",
        "/%2e%2e/%2e%2e/secret.txt",
        "/..%2f..%2fsecret.txt",
        "/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/graph.ttl%00.html",
        "/style.css%00",
        "/%00",
        "/%ff%fe",
        "/.",
        "/%2e",
        "/..;/secret.txt",
        "/..%c0%afsecret.txt",
        "/" + "a" * 5000,
    ],
)
def test_no_path_leads_out_of_its_folder(site: httpx.Client, top: str, way: str) -> None:
    """Dots, encoded or not, NUL, backslashes and long names: not found, and nothing of the file system is told."""
    # A plain socket: the client would tidy the path up.
    with socket.create_connection((site.base_url.host, site.base_url.port)) as connection:
        connection.sendall(f"GET {top}{way} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    if answer.startswith(b"HTTP/1.1 307"):  # from the latest release to the same name in that one
        assert re.search(rb"\r\nlocation: \.\./2019\.1\.0/[^/\\\x00-\x20]*\r\n", answer)
    else:
        assert answer.startswith(b"HTTP/1.1 404")
    assert b"root:" not in answer
    assert b"secret\n" not in answer
    assert b"Traceback" not in answer


@pytest.fixture(scope="module")
def hostile(start: Start, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A server of data that want to be a script."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "data.ttl").write_text(HOSTILE, encoding="utf-8")
    with start(app([folder / "data.ttl"], QUERIES, folder)) as client:
        yield client


@pytest.mark.parametrize("number", [80, pytest.param(500, marks=pytest.mark.exhaustive)])
def test_no_page_shows_data_as_markup(hostile: httpx.Client, number: int) -> None:
    """Pages that can be reached from the first ones, the nearest first: no foreign script, no link that runs one."""
    seen: set[str] = set()
    todo = deque(["/", "/sparql", f"/sparql?query={quote(ROWS)}", "/queries"])
    while todo:
        path = todo.popleft()
        if path in seen or len(seen) > number or not path.startswith("/"):
            continue
        seen.add(path)
        answer = hostile.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert SCRIPT not in answer.text
        assert "onerror=alert(1)>" not in answer.text
        targets = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
        assert not [target for target in targets if target.lower().startswith("javascript")]
        todo += [urljoin(path, target.replace("&amp;", "&")).partition("#")[0] for target in targets]

    assert len(seen) > 20


@pytest.mark.parametrize("form", ["json", "xml", "csv", "tsv"])
def test_no_result_can_be_taken_for_a_page(hostile: httpx.Client, form: str) -> None:
    """Rows come with their own type, which no browser may guess anew, and may run nothing."""
    for accept in ("*/*", "text/html,application/xhtml+xml,*/*;q=0.8"):
        answer = hostile.get("/sparql", params={"query": ROWS, "format": form}, headers={"Accept": accept})

        assert "alert" in answer.text
        assert not re.match(r"text/html|application/xhtml", answer.headers["content-type"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("form", ["ttl", "nt", "jsonld", "xml", "trig"])
def test_no_graph_can_run_a_script(hostile: httpx.Client, form: str) -> None:
    """RDF/XML may carry markup in a literal; its policy lets a browser run none of it."""
    answer = hostile.get("/sparql", params={"query": "CONSTRUCT WHERE { ?s ?p ?o }", "format": form})

    assert "alert" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")


def test_what_is_asked_does_not_become_markup(hostile: httpx.Client) -> None:
    """A refusal repeats parts of the request as JSON, which is what its type says, or escaped on a page."""
    for path in (f"/{SCRIPT}", f"/queries/{SCRIPT}", f"/release/{SCRIPT}/", f"/sparql?query={SCRIPT}"):
        answer = hostile.get(path, headers={"Accept": "text/html"}, follow_redirects=True)

        assert answer.status_code in (400, 404)
        if answer.headers["content-type"] == "application/problem+json":
            assert answer.json()["detail"]
        else:
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
            assert "<script>" not in answer.text
