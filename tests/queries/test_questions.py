"""The stored queries as RDF."""

from dataclasses import replace

import pytest
import rdflib
from pyoxigraph import RdfFormat, Store, serialize

from kg.core.errors import RecipeError
from kg.core.paths import project_folders
from kg.core.stored_queries import StoredQuery, read_queries
from kg.rdf.graph_builder import Graph
from kg.rdf.release_files import describe_queries

QUERIES = read_queries(project_folders().queries)
BASE = "https://w3id.org/shisaku/id/query/"
SH = rdflib.SH
SHACL = "http://www.w3.org/ns/shacl#"
TEXTS = {
    SH.SPARQLSelectExecutable: SH.select,
    SH.SPARQLAskExecutable: SH.ask,
    SH.SPARQLConstructExecutable: SH.construct,
}
ONE = StoredQuery("one", "PREFIX e: <http://e/>\nASK { e:a e:b e:c }\n", "One", "一つ", "One.", "一つ。", ("a", "b"))


def parsed(graph: Graph) -> rdflib.Graph:
    """Return the graph as rdflib reads it."""
    data = serialize(graph.statements(), format=RdfFormat.N_TRIPLES)
    assert data is not None
    return rdflib.Graph().parse(data=data, format="nt")


@pytest.fixture(scope="module")
def stated() -> rdflib.Graph:
    """The real stored queries, stated."""
    graph = Graph()
    describe_queries(graph, QUERIES)
    return parsed(graph)


def test_each_query_is_an_executable_with_its_words(stated: rdflib.Graph) -> None:
    """Each file is one executable of its form, with label and comment in both languages, and its tags as keywords."""
    schema = rdflib.Namespace("http://schema.org/")

    assert {str(s) for s in stated.subjects(rdflib.RDF.type, SH.SPARQLExecutable)} == {BASE + q.name for q in QUERIES}
    for query in QUERIES:
        subject = rdflib.URIRef(BASE + query.name)
        literal = rdflib.Literal
        assert set(stated.objects(subject, rdflib.RDFS.label)) == {
            literal(query.summary, lang="en"),
            literal(query.summary_ja, lang="ja"),
        }
        assert set(stated.objects(subject, rdflib.RDFS.comment)) == {
            literal(query.description, lang="en"),
            literal(query.description_ja, lang="ja"),
        }
        assert {str(word) for word in stated.objects(subject, schema.keywords)} == set(query.tags)


def test_the_text_is_the_query_itself(stated: rdflib.Graph) -> None:
    """The published text asks what the file asks, can be read, and no longer carries the front matter.

    That rdflib reads the files, whose end it is, test_queries.py shows.
    """
    for query in QUERIES:
        subject = rdflib.URIRef(BASE + query.name)
        (form,) = [form for form in TEXTS if (subject, rdflib.RDF.type, form) in stated]
        text = str(stated.value(subject, TEXTS[form]))
        Store().query(text)
        assert "#+" not in text
        assert query.text.endswith(text)
        assert form == (SH.SPARQLConstructExecutable if "CONSTRUCT {" in text else SH.SPARQLSelectExecutable)


def test_the_prefixes_are_declared_once(stated: rdflib.Graph) -> None:
    """The set that sh:prefixes points to declares every prefix, each with its namespace as an xsd:anyURI."""
    (prefixes,) = set(stated.objects(None, SH.prefixes))
    each = list(stated.objects(prefixes, SH.declare))
    declared = {str(stated.value(one, SH.prefix)): stated.value(one, SH.namespace) for one in each}

    assert {"shisaku", "dcterms", "skos", "oa", "prov"} <= set(declared)
    assert declared["shisaku"] == rdflib.Literal("https://w3id.org/shisaku/def#", datatype=rdflib.XSD.anyURI)
    assert len(each) == len(declared)


def test_only_known_words_and_no_blank_nodes(stated: rdflib.Graph) -> None:
    """Every word in the namespace sh: is one of SHACL's, and everything has a name."""
    iris = {str(term) for triple in stated for term in triple if isinstance(term, rdflib.URIRef)}
    words = {iri for iri in iris if iri.startswith(SHACL)}

    assert words and words <= {str(term) for term in dir(SH)}
    assert not [term for triple in stated for term in triple if isinstance(term, rdflib.BNode)]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ASK { ?s ?p ?o }", SH.SPARQLAskExecutable),
        ("# SELECT\nprefix e: <http://e/#>\nBASE <http://b/>\nconstruct { } { }", SH.SPARQLConstructExecutable),
        ("#+ summary: SELECT\n\nSELECT * { ?s ?p 'ASK' }", SH.SPARQLSelectExecutable),
    ],
)
def test_the_form_is_the_first_word_after_the_prologue(text: str, form: rdflib.URIRef) -> None:
    """Comments, PREFIX and BASE lines come before the word that tells the form, in capitals or not."""
    graph = Graph()
    describe_queries(graph, [replace(ONE, text=text)])

    assert set(parsed(graph).objects(rdflib.URIRef(f"{BASE}one"), rdflib.RDF.type)) == {SH.SPARQLExecutable, form}


def test_what_cannot_be_stated_is_told_at_once() -> None:
    """A form that SHACL lacks, and a prefix with two meanings, stop the build; both are told in one run."""
    other = replace(ONE, name="other", text=ONE.text.replace("http://e/", "http://f/"))
    with pytest.raises(RecipeError) as raised:
        describe_queries(Graph(), [ONE, other, replace(ONE, name="all", text="DESCRIBE <http://e/>")])

    assert [problem.fact.partition(":")[0] for problem in raised.value.problems] == ["other", "all"]


def test_the_same_queries_give_the_same_statements() -> None:
    """The order in which the queries are read changes nothing."""
    graphs: list[Graph] = [Graph(), Graph()]
    describe_queries(graphs[0], QUERIES)
    describe_queries(graphs[1], reversed(QUERIES))

    assert set(parsed(graphs[0])) == set(parsed(graphs[1]))
