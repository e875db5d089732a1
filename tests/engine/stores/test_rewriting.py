"""What a query becomes on its way to another engine means the same: asked here, both find the same."""

import pytest
from pyoxigraph import NamedNode, QuerySolutions, RdfFormat, Store

from kg.core.sparql_scanner import Dataset, has_path_from_several_values, with_equations, without_dataset

BASE = "http://example.org/"
DATA = """@prefix : <http://example.org/> .
:a :p :b . :b :p :c . :x :p :y .
:g { :a :p "g" } :h { :b :p "h" }"""


@pytest.fixture(scope="module")
def store() -> Store:
    """Some triples, and two named graphs."""
    store = Store()
    store.load(DATA, format=RdfFormat.TRIG)
    return store


def found(store: Store, query: str, dataset: Dataset | None = None) -> list[str]:
    """Return the rows of an answer, in order."""
    default = [NamedNode(iri) for iri in dataset.default] if dataset else None
    named = [NamedNode(iri) for iri in dataset.named] if dataset else None
    results = store.query(query, base_iri=BASE, default_graph=default, named_graphs=named)
    assert isinstance(results, QuerySolutions)
    return sorted(str(row) for row in results)


@pytest.mark.parametrize(
    ("query", "default", "named"),
    [
        ("SELECT * FROM <g> { ?s ?p ?o }", ["g"], []),
        ("select*from<g>FROM NAMED<h>{?s ?p ?o}", ["g"], ["h"]),
        (
            "PREFIX : <http://example.org/> SELECT * FROM :g FROM # :x\n NAMED :h { GRAPH ?g { ?s ?p ?o } }",
            ["g"],
            ["h"],
        ),
        ("BASE <http://example.org/n/> SELECT * FROM <../g> { ?s ?p ?o }", ["g"], []),
        (
            "# PREFIX n: <n:>\nPREFIX n: <http://example.org/> SELECT * FROM n:g { ?s ?p ?o }",
            ["g"],
            [],
        ),
        ("SELECT * FROM <\\u0067> { ?s ?p ?o }", ["g"], []),
        ("PREFIX from: <http://example.org/> SELECT ?from FROM from:g { ?from from:p ?o }", ["g"], []),
        ("PREFIX named: <http://example.org/> SELECT * FROM named:g { ?s ?p ?o }", ["g"], []),
        ("SELECT * FROM <g> FROM <h> { ?s ?p ?o FILTER(?o != 'FROM <x>') } # FROM <y>", ["g", "h"], []),
    ],
)
def test_the_dataset_of_a_query_is_taken_out_of_it(
    store: Store, query: str, default: list[str], named: list[str]
) -> None:
    """What is left finds with that dataset what the query has found."""
    text, dataset = without_dataset(query, BASE)

    assert dataset == Dataset(tuple(BASE + name for name in default), tuple(BASE + name for name in named))
    assert found(store, text, dataset) == found(store, query) != []


def test_a_graph_may_be_called_by_any_host() -> None:
    """A host that looks like another one, in some form of Unicode, is a name as good as any."""
    name = "http://ex℀mple.org/g"

    assert without_dataset(f"SELECT * FROM <{name}> {{ ?s ?p ?o }}", BASE)[1] == Dataset((name,))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { ?s ?p ?o FILTER(?s < ?from) }",
        "PREFIX from: <http://example.org/> SELECT * { ?s from:p ?o ; from:FROM <g> }",
        'SELECT * { ?s ?p """FROM <g> " FROM <h>""" }',
    ],
)
def test_a_query_without_a_dataset_stays_as_it_is(query: str) -> None:
    """The word stands in names, variables and texts, too."""
    assert without_dataset(query, BASE) == (query, Dataset())


@pytest.mark.parametrize(
    ("query", "equations"),
    [
        ("SELECT * { VALUES ?x { <a> } ?x <p>* ?y }", 1),
        ("SELECT * { VALUES ?x { <a> # } \n } ?x (<p>|^<q>)+/<p>? ?y VALUES $z { <x> } ?z <p> ?w }", 1),
        ("PREFIX : <http://example.org/> SELECT * { VALUES ?x { :a } ?x :p/:p* ?y }", 1),
        ("SELECT (COUNT(*) AS ?n) { VALUES ?x { <a> } ?x <p> ?y }", 0),
        ("SELECT * { VALUES ?x { <a> <b> } ?x <p>* ?y }", 0),
        ("SELECT * { ?x <p>* ?y FILTER(?y != 'VALUES ?x { <a> }') VALUES ?y { <c> } }", 0),
    ],
)
def test_a_path_is_given_its_beginning_as_an_equation(store: Store, query: str, equations: int) -> None:
    """Only where it begins with the one value of a variable; the rows stay the same."""
    text = with_equations(query)

    assert text.count("FILTER(") - query.count("FILTER(") == equations
    assert found(store, text) == found(store, query) != []


def test_several_values_at_the_beginning_of_a_path_are_noticed() -> None:
    """One value, and values of other variables, are no reason to refuse."""
    assert has_path_from_several_values("SELECT * { VALUES ?x { <a> <b> } ?x <p>* ?y }")
    assert not has_path_from_several_values("SELECT * { VALUES ?x { <a> } ?x <p>* ?y }")
    assert not has_path_from_several_values("SELECT * { VALUES ?x { <a> <b> } ?x <p> ?y . ?y <p>* ?z }")
