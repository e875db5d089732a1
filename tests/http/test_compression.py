"""Answers compressed on their way: the endpoint, the pages, and what must stay as it is."""

import gzip

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from kg.http.compression import Compressed

ALL = "SELECT * { ?s ?p ?o }"
LONG = "long " * 1000
GZIP, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}


def raw(client: httpx.Client, path: str, method: str = "GET", **options) -> tuple[httpx.Response, bytes]:
    """Return an answer and its bytes as they came over the wire."""
    with client.stream(method, path, **options) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.fixture(scope="module")
def echo(start):
    """A client of an application that answers in every way an application can."""
    application = FastAPI()
    application.add_middleware(Compressed)

    @application.api_route("/tagged", methods=["GET", "HEAD"])
    def tagged(request: Request) -> Response:
        if request.headers.get("if-none-match") == '"a"':
            return Response(status_code=304, headers={"ETag": '"a"'})
        return PlainTextResponse(LONG, headers={"ETag": '"a"', "Vary": "Accept", "Accept-Ranges": "bytes"})

    @application.get("/streamed")
    def streamed() -> Response:
        return StreamingResponse(iter(["piece " * 100] * 200), media_type="text/plain")

    @application.get("/large")
    def large() -> Response:
        return PlainTextResponse(LONG * 1000)

    @application.get("/failed")
    def failed() -> Response:
        return PlainTextResponse(LONG, 500)

    @application.get("/as-it-is/{why}")
    def as_it_is(why: str) -> Response:
        part = {"Content-Range": "bytes 0-4999/9999"}
        return {
            "small": PlainTextResponse("x" * 1023),
            "picture": Response(LONG, media_type="image/png"),
            "file": Response(LONG, media_type="application/gzip"),
            "coded": PlainTextResponse(LONG, headers={"Content-Encoding": "br"}),
            "part": PlainTextResponse(LONG, 206, headers=part),
            "empty": Response(status_code=204),
        }[why]

    with start(application) as client:
        yield client


@pytest.mark.parametrize("format", ["json", "xml", "csv", "tsv", "ttl", "nt", "jsonld", "rdfxml", "trig", "nq"])
def test_answers_of_the_endpoint_are_compressed(site: httpx.Client, format: str) -> None:
    """Every format is smaller on the wire and the same after it; a cache is told what it depends on."""
    query = ALL if format in ("json", "xml", "csv", "tsv") else "CONSTRUCT WHERE { ?s ?p ?o }"
    asked = {"params": {"query": query, "format": format}}
    plain, content = raw(site, "/sparql", headers=PLAIN, **asked)
    small, compressed = raw(site, "/sparql", headers=GZIP, **asked)

    assert sorted(gzip.decompress(compressed).splitlines()) == sorted(content.splitlines())
    assert len(compressed) < len(content) / 2
    assert small.headers["content-encoding"] == "gzip"
    assert small.headers["content-type"] == plain.headers["content-type"]
    assert {a.headers["vary"] for a in (plain, small)} == {"Accept, Accept-Encoding"}
    assert [int(a.headers["content-length"]) for a in (plain, small)] == [len(content), len(compressed)]


@pytest.mark.parametrize("path", ["/", "/queries", "/openapi.json", "/release/2019.1.0/", "/static/style.css"])
def test_pages_are_compressed(site: httpx.Client, path: str) -> None:
    """What people read, too."""
    answer, compressed = raw(site, path, headers={**GZIP, "Accept": "text/html"})

    assert answer.headers["content-encoding"] == "gzip"
    assert len(gzip.decompress(compressed)) >= 1024


@pytest.mark.parametrize("refused", ["gzip;q=0", "identity, gzip;q=0.9", "br", ""])
def test_who_refuses_gzip_gets_none(site: httpx.Client, refused: str) -> None:
    """Weights count: `gzip;q=0` is a refusal."""
    answer = site.get("/", headers={"Accept-Encoding": refused})

    assert "content-encoding" not in answer.headers
    assert "accept-encoding" in answer.headers["vary"].lower()


def test_each_form_has_its_entity_tag(echo: httpx.Client) -> None:
    """The tag of the compressed form differs, comes back as 304, and does not stand for parts of the plain form."""
    plain, _ = raw(echo, "/tagged", headers=PLAIN)
    small, _ = raw(echo, "/tagged", headers=GZIP)
    known = raw(echo, "/tagged", headers={**GZIP, "If-None-Match": small.headers["etag"]})[0]
    plain_known = raw(echo, "/tagged", headers={**PLAIN, "If-None-Match": plain.headers["etag"]})[0]

    assert plain.headers["etag"] == '"a"' != small.headers["etag"]
    assert (known.status_code, known.headers["etag"]) == (304, small.headers["etag"])
    assert (plain_known.status_code, plain_known.headers["etag"]) == (304, '"a"')
    assert "accept-ranges" not in small.headers
    assert plain.headers["accept-ranges"] == "bytes"


def test_head_tells_what_get_would(echo: httpx.Client) -> None:
    """HEAD has the headers of the compressed form and no body."""
    get, _ = raw(echo, "/tagged", headers=GZIP)
    head, body = raw(echo, "/tagged", "HEAD", headers=GZIP)

    assert body == b""
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


@pytest.mark.parametrize(("path", "status"), [("/streamed", 200), ("/large", 200), ("/failed", 500)])
def test_what_comes_in_pieces_or_fails_is_whole(echo: httpx.Client, path: str, status: int) -> None:
    """Streams, large bodies and failures are the same after the wire."""
    plain, content = raw(echo, path, headers=PLAIN)
    small, compressed = raw(echo, path, headers=GZIP)

    assert (plain.status_code, small.status_code) == (status, status)
    assert gzip.decompress(compressed) == content
    assert len(compressed) < len(content) / 10


@pytest.mark.parametrize("why", ["small", "picture", "file", "coded", "part", "empty"])
def test_some_answers_stay_as_they_are(echo: httpx.Client, why: str) -> None:
    """Small answers, what is compressed already, and parts of a document pass untouched."""
    (plain, content), (same, untouched) = (raw(echo, f"/as-it-is/{why}", headers=h) for h in (PLAIN, GZIP))

    assert untouched == content
    assert {**same.headers, "date": ""} == {**plain.headers, "date": ""}
