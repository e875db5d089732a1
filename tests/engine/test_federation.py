"""What becomes of a query when an endpoint that it may call is slow, dead, or answers what nobody can use."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from pyoxigraph import RdfFormat, parse

from kg.cli import main
from kg.core.errors import RecipeError
from kg.core.stored_queries import read_query
from kg.engine.data_source import Limits
from kg.server.app import app

from ..http.test_stored_queries import GOOD
from ..support.sites import QUERIES

JSON = "application/sparql-results+json"
ROWS = {"head": {"vars": ["x"]}, "results": {"bindings": [{"x": {"type": "literal", "value": "far away"}}]}}
GOOD_ANSWER = json.dumps(ROWS).encode()
XML_ANSWER = b"""<?xml version="1.0"?><sparql xmlns="http://www.w3.org/2005/sparql-results#">
<head><variable name="x"/></head>
<results><result><binding name="x"><literal>in XML</literal></binding></result></results></sparql>"""
# What an endpoint answers by its path: status, media type, body, and what the problem document says of it.
USELESS = {
    "/page": (200, "text/html", b"<p>Welcome</p>", "text/html"),
    "/no-json": (200, JSON, b"nothing of that kind", "cannot be read"),
    "/half-json": (200, JSON, GOOD_ANSWER[:-5], "cannot be read"),
    "/utf-16": (200, JSON, GOOD_ANSWER.decode().encode("utf-16"), "this looks like UTF-16"),
    "/ask": (200, JSON, b'{"head":{},"boolean":true}', "no rows"),
    "/broken": (500, "text/plain", b"Traceback", "500"),
    "/not-found": (404, "text/plain", b"nothing here", "404"),
    "/moved": (302, "text/plain", b"", "redirects"),
    "/moved-for-good": (308, "text/plain", b"", "redirects"),
    "/large": (200, JSON, GOOD_ANSWER + b" " * 5000, "larger than"),
    "/cut": (200, JSON, GOOD_ANSWER, "is truncated"),
    "/too-late": (200, JSON, GOOD_ANSWER, "truncated its answer"),
    "/too-many": (200, JSON, GOOD_ANSWER, "truncated its answer"),
    "/hung-up": (200, JSON, b"", "disconnected"),
}

# How Virtuoso says that an answer is not all of it.
CUT = {"/too-late": ("X-SQL-State", "S1TAT"), "/too-many": ("X-SPARQL-MaxRows", "10000")}
XML = "application/sparql-results+xml"
# Answers that are as the specification has them, or nearly: media type, body, and the values of ?x in them.
ODD = {
    "/meta": (JSON, GOOD_ANSWER[:-1] + b', "meta": {"query-time-ms": 3, "bindings": [1]}}', ["far away"]),
    "/meta-first": (JSON, b'{"meta": [{}], ' + GOOD_ANSWER[1:], ["far away"]),
    "/meta-within": (
        JSON,
        b'{"results": {"distinct": false, "bindings": [{"x": {"type": "typed-literal", "value": "1", "note": null,'
        b' "datatype": "http://e/d"}, "unbound": null}], "ordered": true}, "head": {"link": [], "vars": ["x"]}}',
        ["1"],
    ),
    "/with-a-mark": (JSON, b"\xef\xbb\xbf" + GOOD_ANSWER, ["far away"]),
    "/spaces": (XML, XML_ANSWER.replace(b"in XML", b"  in\n XML "), ["  in\n XML "]),
    "/nothing-but-spaces": (XML, XML_ANSWER.replace(b"in XML", b" "), [" "]),
    "/more-in-xml": (
        XML,
        XML_ANSWER.replace(b"</results>", b"</results><meta><boolean>x</boolean></meta>"),
        ["in XML"],
    ),
    "/other-name": ("application/json", GOOD_ANSWER, ["far away"]),
}
LABELS = ("nodeID://b1", "b1", "_:b1", "a b", "日本", "", "-", "genid:1/2#3", "b.", "12")
# What an endpoint takes, by its path: by form, by GET, or a direct POST; what it does to the others.
FORM, GET, DIRECT = "form", "get", "direct"
TAKING = {
    "/form-or-nothing": (FORM, 0),
    "/form-or-415": (FORM, 415),
    "/get-or-405": (GET, 405),
    "/get-or-400": (GET, 400),
    "/get-or-nothing": (GET, 0),
    "/direct-or-415": (DIRECT, 415),
    "/direct-or-406": (DIRECT, 406),
    "/direct-or-page": (DIRECT, 200),
}


def of_labels(labels: tuple[str, ...]) -> bytes:
    """Return rows of blank nodes with these labels."""
    rows = [{"x": {"type": "bnode", "value": label}} for label in labels]
    return json.dumps({"head": {"vars": ["x"]}, "results": {"bindings": rows}}).encode()


class _Remote(BaseHTTPRequestHandler):
    """An endpoint elsewhere, which behaves as its path says."""

    server: "_Server"

    def do_GET(self) -> None:
        self.path, _, query = self.path.partition("?")
        assert query.startswith("query=")
        self.answer(GET)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        direct = self.headers["Content-Type"] == "application/sparql-query"
        assert body.startswith((b"SELECT", b"BASE")) if direct else body.startswith(b"query=")
        self.answer(DIRECT if direct else FORM)

    def answer(self, form: str) -> None:
        self.server.asked[self.path] += 1
        taken, otherwise = TAKING.get(self.path, (form, 0))
        if form != taken:
            self.server.refused[self.path] += 1
            if otherwise:
                self.send_response(otherwise)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.server.released.wait(20)
            self.close_connection = True
            return
        if self.path == "/slow":
            self.server.released.wait(20)
        if self.path == "/hung-up":
            self.close_connection = True
            return
        known = {**USELESS, "/xml": (200, XML, XML_ANSWER, ""), "/labels": (200, JSON, of_labels(LABELS), "")}
        known |= {path: (200, media_type, body, "") for path, (media_type, body, _) in ODD.items()}
        status, media_type, body, _ = known.get(self.path, (200, JSON, GOOD_ANSWER, ""))
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        if self.path in CUT:
            self.send_header(*CUT[self.path])
        self.send_header("Content-Length", str(len(body) + (100 if self.path == "/cut" else 0)))
        if 300 <= status < 400:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Remote)
        self.asked, self.refused = Counter[str](), Counter[str]()
        self.released = threading.Event()

    def url(self, path: str) -> str:
        """Return the address of one of its endpoints."""
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture(scope="module")
def remote() -> Iterator[_Server]:
    """A server of endpoints, good and useless."""
    server = _Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def dead() -> Iterator[str]:
    """An address at which nobody listens, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/sparql"


@pytest.fixture(scope="module")
def site(
    remote: _Server,
    dead: str,
    start: Callable[[FastAPI], AbstractContextManager[httpx.Client]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    """A server of ten triples that may call all those endpoints but /elsewhere; its queries have five seconds."""
    folder = tmp_path_factory.mktemp("federation")
    (folder / "ten.ttl").write_text(
        "".join(f"<http://e/{n}> <http://e/p> {n} .\n" for n in range(10)), encoding="utf-8"
    )
    allowed = (dead, *map(remote.url, [*USELESS, *ODD, *TAKING, "/good", "/xml", "/slow", "/often", "/labels"]))
    limits = Limits.of(2, seconds=5.0, answer=5000, services=allowed)
    with start(app([folder / "ten.ttl"], QUERIES, folder, limits)) as client:
        yield client


def ask(
    site: httpx.Client, endpoint: str, silent: str = "", pattern: str = "SERVICE {} <{}> {{ ?a ?b ?x }}"
) -> httpx.Response:
    """Ask for one triple with what an endpoint says beside it."""
    query = f"SELECT ?o ?x {{ <http://e/1> ?p ?o {pattern.format(silent, endpoint)} }}"
    return site.get("/sparql", params={"query": query}, headers={"Accept": JSON})


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    """Return the rows of an answer."""
    assert answer.status_code == 200, answer.text
    return [{name: term["value"] for name, term in row.items()} for row in answer.json()["results"]["bindings"]]


@pytest.mark.parametrize(("path", "value"), [("/good", "far away"), ("/xml", "in XML")])
def test_what_an_endpoint_answers_is_joined(site: httpx.Client, remote: _Server, path: str, value: str) -> None:
    """Rows in either of the formats that SPARQL 1.1 Federated Query reckons with stand beside ours."""
    assert rows(ask(site, remote.url(path))) == [{"o": "1", "x": value}]


@pytest.mark.parametrize("path", ODD)
def test_what_the_format_does_not_know_is_passed_over(site: httpx.Client, remote: _Server, path: str) -> None:
    """Members and elements beside the rows, wherever they stand, are no reason to refuse; texts keep their spaces."""
    assert [row["x"] for row in rows(ask(site, remote.url(path)))] == ODD[path][2]


def test_blank_nodes_of_any_label_are_as_many_nodes(site: httpx.Client, remote: _Server) -> None:
    """Labels are renamed, not judged: one row for each, all different, and valid in every format."""
    query = f"SELECT ?x {{ SERVICE <{remote.url('/labels')}> {{ ?a ?b ?x }} }}"
    answer = site.get("/sparql", params={"query": query}, headers={"Accept": JSON})
    found = [row["x"] for row in answer.json()["results"]["bindings"]]
    graph = site.get("/sparql", params={"query": query.replace("SELECT ?x", "CONSTRUCT { ?x <http://e/p> 1 }")})

    assert {term["type"] for term in found} == {"bnode"}
    assert len({term["value"] for term in found}) == len(LABELS)
    assert len({quad.subject for quad in parse(graph.content, format=RdfFormat.TURTLE)}) == len(LABELS)


def test_blank_nodes_of_two_answers_are_different(site: httpx.Client, remote: _Server) -> None:
    """The same label in the answers of two endpoints names two things, so nothing joins them."""
    calls = " ".join(f"SERVICE <{remote.url('/labels')}> {{ ?a{n} ?b{n} ?x }}" for n in range(2))
    query = f"SELECT ?x {{ {calls} }}"

    assert rows(site.get("/sparql", params={"query": query}, headers={"Accept": JSON})) == []


@pytest.mark.parametrize("path", TAKING)
def test_an_endpoint_is_asked_in_the_form_that_it_takes(site: httpx.Client, remote: _Server, path: str) -> None:
    """By form, by GET or directly: what it answers with an error, or never, is not what it is asked in again."""
    answers = [ask(site, remote.url(path), pattern=f"SERVICE {{}} <{{}}> {{{{ ?a ?n{n} ?x }}}}") for n in range(4)]
    refused = remote.refused[path]
    again = [ask(site, remote.url(path), pattern=f"SERVICE {{}} <{{}}> {{{{ ?c ?n{n} ?x }}}}") for n in range(4)]

    assert [rows(answer) for answer in (*answers, *again)] == [[{"o": "1", "x": "far away"}]] * 8
    assert refused <= 2  # what is learnt in one process is known in all
    assert remote.refused[path] == refused


@pytest.mark.parametrize("path", USELESS)
def test_an_endpoint_of_no_use_is_named(site: httpx.Client, remote: _Server, path: str) -> None:
    """502, with the endpoint and what is wrong with it; nothing of its page or trace is passed on; nor is it followed
    to where it redirects."""
    answer = ask(site, remote.url(path))
    problem = answer.json()

    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")
    assert f"<{remote.url(path)}>" in problem["detail"]
    assert USELESS[path][3] in problem["detail"] and "SERVICE SILENT" in problem["detail"]
    assert "Welcome" not in answer.text and "Traceback" not in answer.text
    assert remote.asked["/elsewhere"] == 0


@pytest.mark.parametrize("path", USELESS)
def test_with_silent_the_query_goes_on(site: httpx.Client, remote: _Server, path: str) -> None:
    """SERVICE SILENT stands for one empty row where the endpoint is of no use (SPARQL 1.1 Federated Query, 2.4)."""
    assert rows(ask(site, remote.url(path), "SILENT")) == [{"o": "1"}]


def test_a_dead_endpoint_is_told(site: httpx.Client, dead: str) -> None:
    """Where nobody listens it is 502, and SILENT goes on."""
    answer = ask(site, dead)

    assert answer.status_code == 502
    assert f"<{dead}>" in answer.json()["detail"] and "cannot be reached" in answer.json()["detail"]
    assert rows(ask(site, dead, "SILENT")) == [{"o": "1"}]


def test_a_slow_endpoint_does_not_take_the_whole_time_of_a_query(site: httpx.Client, remote: _Server) -> None:
    """One that does not answer is given up before the query is: 504 and its name; with SILENT the rest of the answer.

    Meanwhile, other questions are answered.
    """
    with ThreadPoolExecutor(2) as pool:
        loud = pool.submit(ask, site, remote.url("/slow"))
        silent = pool.submit(ask, site, remote.url("/slow"), "SILENT")
        while remote.asked["/slow"] < 2:
            assert not (loud.done() or silent.done())
            time.sleep(0.01)
        assert len(rows(site.get("/sparql", params={"query": "SELECT * { ?s ?p ?o }"}))) == 10

    assert loud.result().status_code == 504
    assert f"<{remote.url('/slow')}>" in loud.result().json()["detail"]
    assert rows(silent.result()) == [{"o": "1"}]


def test_an_endpoint_is_not_asked_the_same_twice(site: httpx.Client, remote: _Server) -> None:
    """What a query asks of an endpoint again and again is asked once."""
    call = f"SERVICE <{remote.url('/often')}> {{ ?a ?b ?x }}"
    before = remote.asked["/often"]
    answer = site.get("/sparql", params={"query": f"SELECT ?o {{ ?s ?p ?o FILTER EXISTS {{ {call} }} }}"})

    assert len(rows(answer)) == 10
    assert remote.asked["/often"] == before + 1


def test_a_query_asks_others_a_bounded_number_of_times(
    remote: _Server, start: Callable[[FastAPI], AbstractContextManager[httpx.Client]], tmp_path: Path
) -> None:
    """A query that would call endpoints thirty times is refused, with what to do instead."""
    (tmp_path / "one.ttl").write_text("<http://e/1> <http://e/p> 1 .\n", encoding="utf-8")
    limits = Limits.of(1, seconds=60.0, services=(remote.url("/often"),))  # twenty calls take long on a busy machine
    calls = (f"{{ SERVICE <{remote.url('/often')}> {{ ?a ?b {number} }} }}" for number in range(30))
    before = remote.asked["/often"]
    with start(app([tmp_path / "one.ttl"], QUERIES, tmp_path, limits)) as site:
        site.timeout = 90
        answer = site.get("/sparql", params={"query": f"SELECT * {{ {' UNION '.join(calls)} }}"})

    assert answer.status_code == 400
    assert "VALUES" in answer.json()["detail"]
    assert remote.asked["/often"] - before <= 20


def test_the_name_of_an_endpoint_in_a_text_stays(site: httpx.Client, remote: _Server) -> None:
    """Only what SERVICE calls is called: the same IRI as a term, in a string and in a comment is what it was."""
    url = remote.url("/good")
    terms = f'BIND(<{url}> AS ?i) BIND("SERVICE <{url}> {{" AS ?t)'
    query = f"# SERVICE <{url}> {{\nSELECT ?i ?t {{ {terms} SERVICE <{url}> {{ }} }}"

    assert rows(site.get("/sparql", params={"query": query})) == [{"i": url, "t": f"SERVICE <{url}> {{"}]


def test_the_description_declares_what_is_so(site: httpx.Client, data_site: httpx.Client) -> None:
    """sd:BasicFederatedQuery is stated where some endpoint may be called, and only there, in every format."""
    for media_type in ("text/turtle", "application/n-triples", "application/ld+json", "application/rdf+xml"):
        stated = [s.get("/sparql", headers={"Accept": media_type}).text for s in (site, data_site)]
        assert ["BasicFederatedQuery" in text for text in stated] == [True, False]


@pytest.mark.parametrize(
    "iri", ["statistics", "ftp://127.0.0.1/", "http://user:word@127.0.0.1/", "http://127.0.0.1/#a"]
)
def test_what_cannot_be_an_endpoint_is_no_option(iri: str) -> None:
    """An address that no query could call, or that would be shown with its password, is refused before the start."""
    result = CliRunner().invoke(main, ["serve", "--service-allow", iri])

    assert result.exit_code == 2
    assert iri in result.output and "https://data.example.org/sparql" in result.output


def test_reading_a_stored_query_calls_nobody(tmp_path: Path, untouched: Callable[[], str]) -> None:
    """kg check and kg build read the queries without calling what they name; a call under a short name is a problem."""
    query = GOOD.replace("SELECT * { ?s ?p ?o }", f"ASK {{ SERVICE <{untouched()}> {{ ?s ?p ?o }} }}")
    (tmp_path / "call.rq").write_text(query, encoding="utf-8")
    (tmp_path / "short.rq").write_text(
        query.replace("ASK", f"PREFIX e: <{untouched()}>\nASK").replace(f"<{untouched()}> {{", "e:a {"),
        encoding="utf-8",
    )

    assert read_query(tmp_path / "call.rq").text == query
    with pytest.raises(RecipeError, match="not written in full"):
        read_query(tmp_path / "short.rq")
