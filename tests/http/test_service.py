"""SERVICE is never called, however it is spelled, and text that only looks like it is not refused."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Store

from kg.core.sparql_scanner import calls_service, is_update, operation
from kg.engine.data_source import Limits
from kg.server.app import app

from ..support.sites import QUERIES

# HOST stands for the address of a listener. Those marked “reaches” were seen to reach it through the engine.
CALLS = {
    "plain": "ASK { SERVICE <HOST> { ?s ?p ?o } }",
    "lower case": "ask { service <HOST> { ?s ?p ?o } }",
    "mixed case": "ASK { sErViCe <HOST> { ?s ?p ?o } }",
    "silent": "ASK { SERVICE SILENT <HOST> { ?s ?p ?o } }",
    "no space (reaches)": "ASK{SERVICE<HOST>{?s ?p ?o}}",
    "glued prefixed name (reaches)": "PREFIX ex: <HOST> ASK { SERVICEex:x { ?s ?p ?o } }",
    "glued empty prefix (reaches)": "PREFIX : <HOST> ASK { SERVICE:x { ?s ?p ?o } }",
    "glued silent": "PREFIX ex: <HOST> ASK { SERVICESILENTex:x { ?s ?p ?o } }",
    "glued to a boolean": "ASK { OPTIONAL { ?s ?p trueSERVICE <HOST> { ?s ?p ?o } } }",
    "glued to a number": "ASK { OPTIONAL { ?s ?p 1SERVICE <HOST> { ?s ?p ?o } } }",
    "comment inside (reaches)": "ASK { SERVICE#{\n<HOST>#{\n{ ?s ?p ?o } }",
    "variable": "ASK { BIND(<HOST> AS ?u) SERVICE ?u { ?s ?p ?o } }",
    "prefix called service": "PREFIX service: <HOST> ASK { SERVICE service:x { ?s ?p ?o } }",
    "codepoint escape": "ASK { \\u0053ERVICE <HOST> { ?s ?p ?o } }",
    "long codepoint escape": "ASK { SERVIC\\U00000045 <HOST> { ?s ?p ?o } }",
    "in CONSTRUCT": "CONSTRUCT { ?s ?p ?o } WHERE { SERVICE <HOST> { ?s ?p ?o } }",
    "in a subquery": "SELECT * { { SELECT * { SERVICE <HOST> { ?s ?p ?o } } } }",
    "in FILTER EXISTS": "ASK { FILTER EXISTS { SERVICE <HOST> { ?s ?p ?o } } }",
    "in GRAPH": "ASK { GRAPH ?g { SERVICE <HOST> { ?s ?p ?o } } }",
    "after a comparison that looks like an IRI (reaches)": (
        "ASK { FILTER(?a<'x>y') SERVICE <HOST> { ?s ?p ?o } FILTER(?a='z') }"
    ),
    "after a comment that looks like an IRI (reaches)": (
        'ASK { FILTER(?a<?b#>"""\n) SERVICE <HOST> { ?s ?p ?o }\n#"""\n}'
    ),
    "after an escaped quote": r'ASK { ?s ?p """\"""" . SERVICE <HOST> { ?s ?p ?o } }',
    "after a name with a quote": r"PREFIX ex: <http://e/> ASK { ?s ?p ex:a\'b . SERVICE <HOST> { ?s ?p 'o' } }",
    "after a name that ends in GRAPH": "PREFIX ex: <HOST> ASK { ?s ?p ex:GRAPH SERVICE ex:x { ?s ?p ?o } }",
}

INNOCENT = {
    "string": "ASK { ?s ?p 'SERVICE <http://e/> { ?s ?p ?o }' }",
    "long string": 'ASK { ?s ?p """it\'s\n"SERVICE" <x> SERVICE <http://e/> {""" }',
    "escaped quotes": r'ASK { ?s ?p "\"SERVICE <http://e/> {" }',
    "comment": "# SERVICE <http://e/> {\nASK { ?s ?p ?o # SERVICE <http://e/> {\n}",
    "variables": "SELECT ?service ?x { ?service ?p ?x }",
    "prefixed name": "PREFIX ex: <http://e/> ASK { ?s ex:service ?o . { ?s ?p ?o } }",
    "name with a hyphen": "PREFIX ex: <http://e/> ASK { ?s ex:my-service ?o { ?s ?p ?o } }",
    "prefix": "PREFIX service: <http://e/> ASK { ?s service:a ?o }",
    "graph of such a prefix": "PREFIX service: <http://e/> ASK { GRAPH service:a { ?s ?p ?o } }",
    "IRI": "ASK { ?s <http://e/SERVICE> ?o . ?s <http://service/> ?x { ?s ?p ?o } }",
    "IRI with an escape": r"ASK { ?s <http://e/\u0053ERVICE> ?o }",
    "language tag": "ASK { ?s ?p 'x'@en-service }",
    "many names": "PREFIX service: <http://e/> ASK { VALUES ?x { " + "service:x " * 3000 + "} }",
}


@pytest.mark.parametrize("spelling", CALLS)
def test_no_spelling_of_service_leaves_the_machine(site: httpx.Client, untouched, spelling: str) -> None:
    """Every spelling of SERVICE is answered 403 (or as a syntax error) and the address it names is not contacted."""
    answer = site.get("/sparql", params={"query": CALLS[spelling].replace("HOST", untouched())})

    assert answer.status_code == 403
    assert "SERVICE" in answer.json()["detail"]


class _Remote(BaseHTTPRequestHandler):
    """An endpoint elsewhere: it knows one name."""

    def do_POST(self) -> None:
        body = b'{"head":{"vars":["x"]},"results":{"bindings":[{"x":{"type":"literal","value":"far away"}}]}}'
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/sparql-results+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def remote() -> Iterator[ThreadingHTTPServer]:
    """An endpoint that SERVICE may call under one of its paths."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Remote)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def federated(
    remote: ThreadingHTTPServer,
    start: Callable[[FastAPI], AbstractContextManager[httpx.Client]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[httpx.Client, str]]:
    """A server that may call one endpoint, and the address of that."""
    folder = tmp_path_factory.mktemp("federated")
    (folder / "one.ttl").write_text("<http://e/a> <http://e/b> 1 .", encoding="utf-8")
    allowed = f"http://127.0.0.1:{remote.server_port}/sparql"
    with start(app([folder / "one.ttl"], QUERIES, folder, Limits(services=(allowed,)))) as client:
        yield client, allowed


def test_an_allowed_endpoint_is_called(federated: tuple[httpx.Client, str], remote: ThreadingHTTPServer) -> None:
    """What an endpoint on the list answers is joined with our data; the answer is kept by nobody."""
    client, allowed = federated
    query = f"SELECT * {{ ?s ?p ?o SERVICE <{allowed}> {{ ?a ?b ?x }} }}"
    answer = client.get("/sparql", params={"query": query})

    assert answer.json()["results"]["bindings"][0]["x"]["value"] == "far away"
    assert answer.headers["cache-control"] == "no-store"
    assert "/sparql" in {path.partition("?")[0] for path in remote.asked}  # type: ignore[attr-defined]


@pytest.mark.parametrize("spelling", CALLS)
def test_only_the_listed_endpoint_is_called(
    federated: tuple[httpx.Client, str], remote: ThreadingHTTPServer, spelling: str
) -> None:
    """Another address, even of the same host, is refused in every spelling, with the list; so is one in disguise."""
    client, allowed = federated
    before = list(remote.asked)  # type: ignore[attr-defined]
    answer = client.get("/sparql", params={"query": CALLS[spelling].replace("HOST", f"{allowed}/other")})

    assert answer.status_code == 403
    assert f"<{allowed}>" in answer.json()["detail"]
    assert remote.asked == before  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", INNOCENT)
def test_the_word_alone_is_no_call(site: httpx.Client, text: str) -> None:
    """A query in whose strings, comments, names or IRIs the word stands is answered."""
    assert site.post("/sparql", data={"query": INNOCENT[text]}).status_code == 200


CALL = "SERVICE<http://127.0.0.1:1/>{}"
WORDS = r"FILTER(?a<?b)§FILTER(?a<'>')§FILTER(1=1)§?s ?p 1§. §?a<§<?b#>§<x>§ex:a§ex:a\'b §true§1§GRAPH ?g§@en§?SERVICE "
MARKS = "'§\"§\"\"\"§'''§\n§#§ §>§\\§\\'§{§}§(§)"
PIECES = st.sampled_from([CALL, *WORDS.split("§"), *MARKS.split("§")])


BESIDE = {"before": st.lists(PIECES, max_size=6), "after": st.lists(PIECES, max_size=4)}


@settings(max_examples=250, deadline=None)
@given(**BESIDE)
def test_the_engine_never_sees_a_call_that_we_miss(before: list[str], after: list[str]) -> None:
    """Where the engine evaluates SERVICE, which shows by its OSError about port 1, we would have refused the query."""
    seen_by_us_where_by_the_engine(before, after)


@pytest.mark.exhaustive
@settings(max_examples=1500, deadline=None)
@given(**BESIDE)
def test_the_engine_never_sees_any_of_many_calls_that_we_miss(before: list[str], after: list[str]) -> None:
    """The same with as many texts as the first ones were found by."""
    seen_by_us_where_by_the_engine(before, after)


def seen_by_us_where_by_the_engine(before: list[str], after: list[str]) -> None:
    """Check that a call which the engine makes is one that we see."""
    query = f"PREFIX ex: <http://e/> ASK {{ {''.join([*before, CALL, *after])} }}"
    try:
        Store().query(query)
    except (SyntaxError, RuntimeError):
        return
    except OSError:
        assert calls_service(query), query


@pytest.mark.parametrize("hostile", ["service#", "1service", "<service", "service<a>", "'service", "service ", "<?b#"])
def test_hostile_repetition_is_read_in_reasonable_time(hostile: str) -> None:
    """No text makes the reader try one stretch in many ways: many are answered, and no less strictly than few."""
    assert calls_service(hostile * 4000) >= calls_service(hostile * 4)
    assert operation("PREFIX a: <b> #" + hostile * 4000) == ""


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("#+ summary: select\n#+ x\nPREFIX a: <http://a/#> BASE <http://b/> # c\nconstruct { }", "CONSTRUCT"),
        ("WITH<http://a/> DELETE {} WHERE {}", "WITH"),
        ("", ""),
        ("prefix : <a>\n{}", ""),
    ],
)
def test_the_operation_is_the_first_word_after_the_prologue(query: str, expected: str) -> None:
    """Comments, BASE and PREFIX do not hide which operation a text asks for."""
    assert operation(query) == expected
    assert is_update(query) == (expected == "WITH")
