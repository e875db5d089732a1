"""`kg query` and what others give it: other encodings, and endpoints that fail or break off."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ..support.commands import kg

JSON = "application/sparql-results+json"
ROWS = {"head": {"vars": ["x", "y"]}, "results": {"bindings": [{"x": {"type": "literal", "value": "総務省"}}]}}
Answer = Callable[..., str]


@pytest.fixture
def endpoint() -> Iterator[Answer]:
    """Start an endpoint that gives one answer, whatever it is asked; return its address."""
    started: list[HTTPServer] = []

    def start(body: bytes, status: int = 200, type_: str = JSON, length: int | None = None, **headers: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": type_, "Connection": "close", **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/sparql"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def asked(address: str, form: str = "table", query: bytes = b"SELECT * { ?x ?y ?z }") -> tuple[int, str, str]:
    """Ask an endpoint, and return the exit code, what is answered and what is said."""
    result = kg("query", "-", "--endpoint", address, "--format", form, input=query)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"head": {}}',
        b'{"head": {"vars": ["x"]}}',
        b'{"head": {"vars": "x"}, "results": {"bindings": 1}}',
        b'{"head": {"vars": [1]}, "results": {"bindings": []}}',
        b'{"head": {"vars": ["x"]}, "results": {"bindings": [{"x": "y"}]}}',
        b'{"head": {"vars": ["x"]}, "results": {"bindings": [{"x": {"value": 1}}]}}',
        b'{"head": {"vars": ["x"]}, "results": {"bindings": [7]}}',
        json.dumps(ROWS).encode()[:40],
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"<html>",
    ],
)
def test_an_answer_that_is_none_is_told_in_words(endpoint: Answer, body: bytes) -> None:
    """An empty answer, one that was cut off and other JSON are an error that names the endpoint."""
    address = endpoint(body)
    code, answer, said = asked(address)

    assert (code, answer) == (1, "")
    assert f"kg: the answer of {address} cannot be read" in said
    assert "may have been cut off" in said


def test_an_answer_that_breaks_off_is_told_in_every_format(endpoint: Answer) -> None:
    """Fewer bytes than were announced are no answer, in whatever form."""
    for form, type_ in (("table", JSON), ("json", JSON), ("csv", "text/csv")):
        code, answer, said = asked(endpoint(b'{"head"', length=1000, type_=type_), form)
        assert (code, answer) == (1, "")
        assert "does not answer" in said


def test_an_empty_answer_is_told_in_every_format(endpoint: Answer) -> None:
    """Even no rows have a head; an empty graph is an answer."""
    for form, type_ in (("json", JSON), ("csv", "text/csv"), ("xml", "application/sparql-results+xml")):
        assert asked(endpoint(b"", type_=type_), form)[0] == 1
    graph = asked(endpoint(b"", type_="application/n-triples"), "nt", b"CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }")
    assert graph[:2] == (0, "")


def test_what_the_format_does_not_know_is_left_aside(endpoint: Answer) -> None:
    """Members of other engines, also behind the bindings, and blank nodes of any spelling."""
    row = {
        "x": {"type": "bnode", "value": "nodeID://b1"},
        "y": {"type": "typed-literal", "value": "1", "datatype": "x"},
    }
    body = {"warnings": [], "head": {"vars": ["x", "y"]}, "results": {"bindings": [row], "ordered": True}, "meta": {}}
    code, answer, said = asked(endpoint(json.dumps(body).encode()))

    assert (code, said) == (0, "")
    assert "nodeID://b1  1" in answer
    assert asked(endpoint(b'{"head": {}, "boolean": false, "meta": 1}'), query=b"ASK {}")[:2] == (0, "false\n")


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (500, {}, "has failed: 500 overloaded\n  the endpoint is at fault"),
        (501, {}, "has failed: 501 overloaded\n  the endpoint is at fault"),
        (503, {}, "cannot answer now: 503 overloaded\n  the query is not at fault: try again later"),
        (503, {"Retry_After": "30"}, "the query is not at fault: try again in 30 seconds"),
        (429, {"Retry_After": "Mon, 01 Jan 2035 00:00:00 GMT"}, "the query is not at fault: try again later"),
        (502, {}, "the query is not at fault"),
        (504, {}, "the query is not at fault"),
        (403, {}, "refused: 403 overloaded\n  ask its operator"),
        (401, {}, "refused: 401 overloaded\n  ask its operator"),
        (404, {}, "refused: 404 overloaded\n  check the address"),
        (400, {}, "refused: 400 overloaded\n  correct the query"),
        (414, {}, "refused: 414 overloaded\n  correct the query"),
    ],
)
def test_only_a_fault_of_the_query_is_to_be_mended(
    endpoint: Answer, status: int, headers: dict[str, str], words: str
) -> None:
    """An endpoint that is busy or broken says nothing of the query; its own words are told."""
    code, answer, said = asked(endpoint(b"overloaded", status, "text/plain", **headers))

    assert (code, answer) == (1, "")
    assert words in said
    assert status in (400, 414) or "correct the query" not in said


def test_a_refusal_that_breaks_off_or_steers_the_terminal(endpoint: Answer) -> None:
    """What can be read of it is told, without what a terminal would obey."""
    for status in (400, 503):
        assert asked(endpoint(b"cut", status, "text/plain", length=100))[0] == 1
    code, _, said = asked(endpoint(b'{"detail": "\\u001b[31mred"}', 400, "application/problem+json"))
    assert (code, "\x1b" in said, "red" in said) == (1, False, True)


@pytest.mark.parametrize(
    "address", ["http://[", "http://a b/", "http://例え.テスト/計画", "http://127.0.0.1:99999/", "http://"]
)
def test_an_address_of_any_spelling_is_told(address: str) -> None:
    """What is no address is an error in words."""
    code, answer, said = asked(address)

    assert (code, answer) == (1, "")
    assert said.startswith("kg: ")


QUERY = 'SELECT ?t { ?s <http://purl.org/dc/terms/title> ?t FILTER(?t = "総務省") }'
DATA = '<a:a> <http://purl.org/dc/terms/title> "総務省" .\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_a_query_or_of_data(tmp_path: Path, encoding: str) -> None:
    """A query and data that Windows programs have saved are read, from a file and from standard input."""
    for name, text in (("bom.rq", QUERY), ("bom.ttl", DATA), ("bom.nt", DATA)):
        (tmp_path / name).write_bytes(text.encode(encoding))
    for data in ("bom.ttl", "bom.nt"):
        result = kg("query", tmp_path / "bom.rq", "--data", tmp_path / data)
        assert (result.exit_code, "(1 row)" in result.stdout) == (0, True), result.output
        piped = kg("query", "-", "--data", tmp_path / data, input=QUERY.encode(encoding))
        assert piped.stdout == result.stdout


def test_other_encodings_are_named_with_the_line(tmp_path: Path) -> None:
    """What no mark tells is not guessed: the file, its line and what it looks like are told."""
    query, data = tmp_path / "my.rq", tmp_path / "my.ttl"
    query.write_bytes(f"# c\n{QUERY}".encode("cp932"))
    data.write_bytes(f"# c\n\n{DATA * 3}".encode("euc_jp"))
    empty = tmp_path / "empty.ttl"
    empty.write_bytes(b"")

    assert f"{query}:2: is not UTF-8: this looks like Shift_JIS" in kg("query", query, "--data", empty).stderr
    assert f"{data}:3: is not UTF-8: this looks like EUC-JP" in kg("query", "-", "--data", data, input=b"ASK {}").stderr
