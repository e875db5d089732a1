"""Which format an answer comes in, and that each one can be read by an independent parser."""

import csv
import io
import json
import xml.etree.ElementTree as ET

import httpx
import pytest
import rdflib
from pyoxigraph import RdfFormat, parse
from rdflib.query import Result

from kg.core.errors import QueryError
from kg.core.negotiation import GRAPH_FORMATS, HTML, ROW_FORMATS, TURTLE, choose

# rdflib warns of itself; the answers are what is tested.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

TITLES = "SELECT ?title ?none { ?m <http://purl.org/dc/terms/title> ?title } ORDER BY ?title"
TITLE = "申請手続の電子化"
GRAPH = "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }"
ROWS = {
    "json": "application/sparql-results+json",
    "xml": "application/sparql-results+xml",
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
}
GRAPHS = {
    "ttl": ("text/turtle; charset=utf-8", "turtle"),
    "nt": ("application/n-triples", "nt"),
    "jsonld": ("application/ld+json", "json-ld"),
    "rdfxml": ("application/rdf+xml", "xml"),
    "trig": ("application/trig", "trig"),
    "nq": ("application/n-quads", "nquads"),
}


def get(site: httpx.Client, query: str, accept: str = "*/*", **more: str) -> httpx.Response:
    """Ask by GET with an Accept header and further parameters."""
    return site.get("/sparql", params={"query": query, **more}, headers={"Accept": accept})


@pytest.mark.parametrize("by", ["format", "Accept"])
@pytest.mark.parametrize("name", ROWS)
def test_rows_parse_in_every_format(site: httpx.Client, name: str, by: str) -> None:
    """JSON, XML, CSV and TSV hold the same four titles, whether named by format= or by Accept."""
    answer = get(site, TITLES, format=name) if by == "format" else get(site, TITLES, accept=ROWS[name])

    assert answer.headers["content-type"] == ROWS[name]
    assert answer.headers["vary"] == "Accept"
    rows = Result.parse(io.BytesIO(answer.content), format=name)
    titles = [str(row.title) for row in rows]
    assert len(titles) == 4
    assert TITLE in titles


def test_rows_are_read_by_the_parsers_of_the_standard_library(site: httpx.Client) -> None:
    """What people use without any RDF library reads the answers too."""
    read = csv.DictReader(io.StringIO(get(site, TITLES, format="csv").text))
    document = ET.fromstring(get(site, TITLES, format="xml").content)

    assert TITLE in [row["title"] for row in read]
    assert TITLE in "".join(document.itertext())
    assert len(json.loads(get(site, TITLES, format="json").text)["results"]["bindings"]) == 4


@pytest.mark.parametrize("name", ROWS)
def test_a_yes_or_no_has_every_format(site: httpx.Client, name: str) -> None:
    """ASK is answered in the four formats of rows."""
    answer = get(site, "ASK {}", format=name)

    assert answer.headers["content-type"] == ROWS[name]
    assert "true" in answer.text


@pytest.mark.parametrize("by", ["format", "Accept"])
@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_parse_in_every_format(site: httpx.Client, name: str, by: str) -> None:
    """The whole graph by CONSTRUCT is the same set of triples in six formats, read by rdflib."""
    content_type, parser = GRAPHS[name]
    answer = get(site, GRAPH, format=name) if by == "format" else get(site, GRAPH, accept=content_type)
    graph = rdflib.Dataset() if parser in ("trig", "nquads") else rdflib.Graph()
    graph.parse(io.BytesIO(answer.content), format=parser)
    expected = rdflib.Graph().parse(data=get(site, GRAPH).text, format="turtle")

    assert answer.headers["content-type"] == content_type
    assert {(s, p, o) for s, p, o, *_ in graph} == set(expected)


def test_describe_is_answered_as_a_graph(site: httpx.Client) -> None:
    """DESCRIBE gives Turtle with the prefixes of the model."""
    answer = get(site, "DESCRIBE <https://w3id.org/shisaku/id/organization/mic>")

    assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
    assert "skos:prefLabel" in answer.text
    assert len(list(parse(answer.content, format=RdfFormat.TURTLE))) == 3


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("text/*", "csv"),
        ("application/json", "json"),
        ("application/xml", "xml"),
        ("text/csv", "csv"),
        ("TEXT/CSV; charset=utf-8", "csv"),
        ("text/csv;q=0.5, application/sparql-results+xml;q=0.9", "xml"),
        ("text/csv;q=0.5, */*;q=0.1", "csv"),
        ("text/csv, */*", "csv"),
        ("*/*, application/sparql-results+json;q=0, application/json;q=0", "xml"),
        ("text/turtle, text/tab-separated-values;q=0.001", "tsv"),
        ("text/csv;q=nonsense, application/sparql-results+xml;q=0.1", "xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "xml"),
    ],
)
def test_accept_with_weights(accept: str | None, expected: str) -> None:
    """The format of the highest weight wins; the more exact range decides it; of equals our order decides."""
    assert choose(ROW_FORMATS, accept).names[0] == expected


@pytest.mark.parametrize(
    ("accept", "named", "expected"),
    [
        (None, None, "Turtle"),
        ("application/ld+json", None, "JSON-LD"),
        ("text/csv", "turtle", "Turtle"),
        ("text/csv", "json-ld", "JSON-LD"),
        (None, "rdf+xml", "RDF/XML"),
        (None, "application/n-triples", "N-Triples"),
        (None, "XML", "RDF/XML"),
    ],
)
def test_format_wins_over_accept(accept: str | None, named: str | None, expected: str) -> None:
    """`format=` takes our names, the names SPARQLWrapper sends, and media types."""
    assert choose(GRAPH_FORMATS, accept, named).label == expected


def test_a_page_is_for_those_who_ask_for_one() -> None:
    """`*/*` never means HTML; text/html does, where it ties or wins."""
    assert choose((TURTLE, HTML), "*/*") is TURTLE
    assert choose((TURTLE, HTML), "text/html, */*;q=0.8") is HTML
    assert choose((HTML, TURTLE), "text/turtle, text/html") is HTML
    with pytest.raises(QueryError):
        choose((HTML,), "application/*")


@pytest.mark.parametrize(
    ("query", "accept", "named"),
    [
        (TITLES, "text/turtle", ""),
        (TITLES, "text/csv;q=0", ""),
        (TITLES, "*/*", "ttl"),
        (GRAPH, "text/csv", ""),
        (GRAPH, "*/*", "csv"),
        (GRAPH, "*/*", "nonsense"),
    ],
)
def test_what_cannot_be_had_is_406_and_names_what_can(site: httpx.Client, query: str, accept: str, named: str) -> None:
    """A 406 lists the formats of this very query with their names for format=."""
    answer = get(site, query, accept=accept, format=named)

    assert answer.status_code == 406
    expected = "text/csv (format=csv)" if query == TITLES else "text/turtle (format=ttl)"
    assert expected in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "format"),
    [
        ("CONSTRUCT { ?s <http://example.org/1> 1 } { ?s ?p ?o }", "rdfxml"),
        (r'SELECT ("\u0001" AS ?x) {}', "xml"),
    ],
)
def test_no_broken_xml_is_sent(site: httpx.Client, query: str, format: str) -> None:
    """Where XML cannot hold an answer, the client is told so; the engine alone would send a broken document."""
    answer = get(site, query, format=format)

    assert answer.status_code == 406
    assert "XML" in answer.json()["detail"]
