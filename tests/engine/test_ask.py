"""`kg query`: asking a store at hand and an endpoint."""

import csv
import io
import json

import httpx
import pytest
import rdflib
from pyoxigraph import Store

from kg.core.errors import QueryError
from kg.core.release import Release
from kg.core.store_loader import open_release
from kg.engine.query_runner import FORMATS, query_endpoint, query_store

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

ROWS = """\
# select and insert are words of this comment
PREFIX dcterms: <http://purl.org/dc/terms/>
SELECT ?title ?none { ?m dcterms:title ?title FILTER(STRSTARTS(?title, "申") || STRSTARTS(?title, "Hos")) }
ORDER BY DESC(?title)
"""
GRAPH = "#+ summary: select\nCONSTRUCT { ?s ?p ?o } { ?s ?p ?o }"
TABLE = """\
title             none
----------------  ----
申請手続の電子化
Hostile title
(2 rows)
"""


@pytest.fixture(params=["store", "endpoint"])
def ask(request: pytest.FixtureRequest, site: httpx.Client, release: Release):
    """Ask in both ways; each test holds for both."""
    if request.param == "endpoint":
        return lambda query, format=None: query_endpoint(f"{site.base_url}/sparql", query, format)
    store = open_release(release)
    return lambda query, format=None: query_store(store, query, format)


def test_a_table_lines_up_on_a_terminal(ask) -> None:
    """Without a format rows are a table, in which a Japanese character takes two columns."""
    assert ask(ROWS).decode() == TABLE
    assert ask(ROWS, "table").decode() == TABLE


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_can_be_read(ask, format: str) -> None:
    """Rows come as table, CSV, TSV, JSON and XML, a graph as Turtle, N-Triples, JSON-LD and RDF/XML."""
    if format in ("ttl", "nt", "jsonld", "rdfxml"):
        parser = {"ttl": "turtle", "nt": "nt", "jsonld": "json-ld", "rdfxml": "xml"}[format]
        assert len(rdflib.Graph().parse(data=ask(GRAPH, format), format=parser)) > 40
        with pytest.raises(QueryError):
            ask(ROWS, format)
    else:
        assert "申請手続の電子化" in ask(ROWS, format).decode()


def test_csv_and_json_are_those_of_the_standard(ask) -> None:
    """The bytes are what a CSV or JSON parser takes."""
    assert len(list(csv.reader(io.StringIO(ask(ROWS, "csv").decode())))) == 3
    assert len(json.loads(ask(ROWS, "json"))["results"]["bindings"]) == 2


def test_a_graph_is_turtle_and_no_table(ask) -> None:
    """Without a format a graph is Turtle; asked for as a table it is refused with a remedy."""
    assert b"@prefix shisaku:" in ask(GRAPH)
    with pytest.raises(QueryError, match="ttl"):
        ask(GRAPH, "table")


def test_relative_iris_are_ours(ask) -> None:
    """A name under the canonical base can be written short, as at the endpoint."""
    assert ask("ASK { <id/organization/mic> ?p ?o }") == b"true\n"


def test_yes_or_no(ask) -> None:
    """ASK is answered by one word."""
    assert ask("ASK {}") == b"true\n"
    assert ask("ASK { <a:a> <a:b> <a:c> }") == b"false\n"


@pytest.mark.parametrize("query", ["SELECT *\n{ ?s", "DROP ALL", "ASK { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }"])
def test_a_refusal_is_an_error_of_ours(ask, query: str) -> None:
    """A syntax error, an update and SERVICE are QueryErrors with fact and remedy, from either side."""
    with pytest.raises(QueryError) as raised:
        ask(query)

    assert all(problem.fact and problem.remedy for problem in raised.value.problems)
    assert "b'" not in str(raised.value)
    assert "2:" in str(raised.value) or "SELECT *" not in query


def test_a_long_query_goes_by_post(site: httpx.Client) -> None:
    """A query that no address could hold is answered all the same."""
    assert query_endpoint(f"{site.base_url}/sparql", f"# {'長い' * 40_000}\nASK {{}}") == b"true\n"


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/sparql", "file:///etc/passwd", "not an address"])
def test_an_address_that_does_not_answer(address: str) -> None:
    """An address that is none, or where nobody answers, is said so."""
    with pytest.raises(QueryError, match=address.split("/")[0]):
        query_endpoint(address, "ASK {}")


def test_an_address_that_is_no_endpoint(site: httpx.Client) -> None:
    """A file where rows were asked for is an error, not a table; a page of ours says where queries are answered."""
    with pytest.raises(QueryError, match="answered at /sparql"):
        query_endpoint(f"{site.base_url}/release/2019.1.0/ontology.ttl", "ASK {}")
    with pytest.raises(QueryError, match="answered at /sparql"):
        query_endpoint(str(site.base_url), "ASK {}")
    with pytest.raises(QueryError, match="Not Found"):
        query_endpoint(f"{site.base_url}/nothing", "ASK {}")


def test_no_value_can_steer_the_terminal() -> None:
    """Escape sequences and line breaks in data do not reach the terminal."""
    table = query_store(Store(), r'SELECT ("a\u001B[31m\nb" AS ?x) {}').decode()

    assert "\x1b" not in table
    assert table.splitlines()[2] == "a�[31m b"
