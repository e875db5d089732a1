"""What a release says about itself: DCAT for catalogues, VoID for those who write queries."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph
import pytest
import rdflib
from pyoxigraph import NamedNode, RdfFormat, Store
from pyshacl import validate
from rdflib.namespace import DCTERMS, RDF, RDFS, VOID

from kg.core.release import CATALOGUE_GRAPH, VOID_GRAPH, read_release

SHAPES = Path(__file__).with_name("dcat-ap")
BASE = "https://w3id.org/shisaku/"
DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")  # rdflib's own knows DCAT 2 only
SPDX = rdflib.Namespace("http://spdx.org/rdf/terms#")
CC_BY = rdflib.URIRef("https://creativecommons.org/licenses/by/4.0/")
# Written when the manifest is, or not described as files of the dataset.
UNDESCRIBED = {"dataset.ttl", "SHA256SUMS"}
HOLDING_THE_CATALOGUE = {"graph.trig", "graph.trig.gz", "graph.nq", "graph.nq.gz"}


@pytest.fixture(scope="session")
def catalogue(release: Path) -> rdflib.Graph:
    """The description of the release."""
    return rdflib.Graph().parse(release / "dataset.ttl")


@pytest.fixture(scope="session")
def dataset(release: Path) -> rdflib.URIRef:
    """The IRI of this version of the dataset."""
    return rdflib.URIRef(f"{BASE}release/{release.name}/dataset.ttl#dataset")


@pytest.fixture(scope="session")
def store(release: Path) -> Store:
    """The default graph of the release."""
    store = Store()
    store.bulk_load(path=str(release / "graph.nt"), format=RdfFormat.N_TRIPLES)
    return store


def numbers(store: Store, query: str) -> Iterator[tuple[str, ...]]:
    """Yield the values of each row of an answer."""
    for row in store.query(query):
        yield tuple(term.value for term in row)


@pytest.mark.parametrize("shapes", ["shapes.ttl", "range.ttl"])
def test_the_description_conforms_to_dcat_ap(catalogue: rdflib.Graph, shapes: str) -> None:
    """The European profile's shapes, which harvesters of catalogues apply, find nothing wrong."""
    conforms, _, report = validate(catalogue, shacl_graph=rdflib.Graph().parse(SHAPES / shapes))

    assert conforms, report


def test_there_are_no_blank_nodes_and_only_ascii_iris(catalogue: rdflib.Graph) -> None:
    """Each thing of the description can be cited."""
    nodes = catalogue.all_nodes()

    assert not [node for node in nodes if isinstance(node, rdflib.BNode)]
    assert not [node for node in nodes if isinstance(node, rdflib.URIRef) and not node.isascii()]


def test_each_file_is_described_with_its_bytes(release: Path, catalogue: rdflib.Graph, dataset: rdflib.URIRef) -> None:
    """Every file is a distribution of the release or an edition: address, type, size, SHA-256, licence and titles."""
    described = {}
    for distribution in catalogue.objects(dataset, DCTERMS.hasPart * "?" / DCAT.distribution):
        address = str(catalogue.value(distribution, DCAT.downloadURL))
        name = address.removeprefix(f"{BASE}release/{release.name}/")
        described[name] = distribution
        content = (release / name).read_bytes()
        checksum = catalogue.value(distribution, SPDX.checksum)

        assert catalogue.value(distribution, DCAT.byteSize).value == len(content)
        assert str(catalogue.value(checksum, SPDX.checksumValue)) == hashlib.sha256(content).hexdigest()
        assert catalogue.value(checksum, SPDX.algorithm) == SPDX.checksumAlgorithm_sha256
        assert "/media-types/" in str(catalogue.value(distribution, DCAT.mediaType))
        assert bool(catalogue.value(distribution, DCAT.compressFormat)) == name.endswith(".gz")
        assert catalogue.value(distribution, DCTERMS.license) == CC_BY
        assert {title.language for title in catalogue.objects(distribution, DCTERMS.title)} == {"ja", "en"}

    assert described.keys() == {file.name for file in read_release(release).files} - UNDESCRIBED


def test_the_dataset_has_version_date_terms_and_origin(catalogue: rdflib.Graph, dataset: rdflib.URIRef) -> None:
    """Version, date, publisher, licence, the notice about the source, the editions, and its place in a series."""
    edition = rdflib.URIRef(f"{BASE}id/edition/municipal-2019")
    member = rdflib.URIRef(f"{CATALOGUE_GRAPH}#municipal-2019")
    rights = catalogue.value(dataset, DCTERMS.rights)

    assert str(catalogue.value(dataset, DCAT.version)) == "2019.1.0"
    assert str(catalogue.value(dataset, DCTERMS.issued)) == "2026-11-23"
    assert catalogue.value(dataset, DCTERMS.license) == CC_BY
    assert catalogue.value(dataset, DCTERMS.publisher)
    assert {re.split("[::]", str(text))[0] for text in catalogue.objects(rights, RDFS.label)} == {"出典", "Source"}
    assert (member, DCAT.inSeries, rdflib.URIRef(f"{CATALOGUE_GRAPH}#series")) in catalogue
    assert (member, rdflib.PROV.wasDerivedFrom, edition) in catalogue
    assert (dataset, DCAT.isVersionOf, rdflib.URIRef(f"{CATALOGUE_GRAPH}#dataset")) in catalogue
    assert {DCAT.DatasetSeries, DCAT.DataService, DCAT.Catalog} <= set(catalogue.objects(None, RDF.type))


def test_the_words_are_those_of_standard_vocabularies(catalogue: rdflib.Graph) -> None:
    """Each property and class of DCAT, VoID and DCTERMS that is used exists there: a misspelt one goes unnoticed."""
    used = {*catalogue.predicates(), *catalogue.objects(None, RDF.type)}
    added = {DCAT + name for name in ("DatasetSeries", "inSeries", "version", "isVersionOf", "hasVersion")}  # DCAT 3
    known = {*map(str, added), f"{VOID}class"}  # a word that Python keeps for itself
    for namespace in (rdflib.DCAT, DCTERMS, VOID, RDF, RDFS, rdflib.FOAF, rdflib.PROV):
        known |= {str(word) for word in dir(namespace) if str(word).startswith("http")}
    known |= {SPDX + name for name in ("Checksum", "checksum", "algorithm", "checksumValue")}
    known |= {f"http://ldf.fi/void-ext#{name}" for name in ("datatypePartition", "datatype")}
    described = "Service endpoint supportedLanguage resultFormat defaultDataset Dataset defaultGraph Graph"
    sd = f"{described} namedGraph NamedGraph name".split()
    known |= {f"http://www.w3.org/ns/sparql-service-description#{name}" for name in sd}

    assert {str(word) for word in used} <= known


def test_void_counts_are_those_of_the_graph(store: Store, catalogue: rdflib.Graph, dataset: rdflib.URIRef) -> None:
    """Triples, entities, classes, properties, subjects and objects are what SPARQL counts in the default graph."""
    for word, query in {
        VOID.triples: "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
        VOID.entities: f'SELECT (COUNT(DISTINCT ?s) AS ?n) {{ ?s ?p ?o FILTER(STRSTARTS(STR(?s), "{BASE}id/")) }}',
        VOID.classes: "SELECT (COUNT(DISTINCT ?c) AS ?n) { ?s a ?c }",
        VOID.properties: "SELECT (COUNT(DISTINCT ?p) AS ?n) { ?s ?p ?o }",
        VOID.distinctSubjects: "SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s ?p ?o }",
        VOID.distinctObjects: "SELECT (COUNT(DISTINCT ?o) AS ?n) { ?s ?p ?o }",
    }.items():
        assert [(str(catalogue.value(dataset, word)),)] == list(numbers(store, query)), word


def test_void_partitions_are_those_of_the_graph(store: Store, release: Path) -> None:
    """The partitions by class and property have the numbers that SPARQL finds, down to classes and types of values."""
    void = Store()
    void.bulk_load(path=str(release / "dataset.ttl"), format=RdfFormat.TURTLE)
    prefix = "PREFIX void: <http://rdfs.org/ns/void#> PREFIX ext: <http://ldf.fi/void-ext#> "
    whole = "?d void:exampleResource ?x . "
    for stated, counted in (
        (
            whole + "?d void:classPartition ?c . ?c void:class ?k ; void:entities ?n",
            "SELECT ?k (COUNT(?s) AS ?n) { ?s a ?k } GROUP BY ?k",
        ),
        (
            whole + "?d void:propertyPartition ?q . ?q void:property ?k ; void:triples ?n",
            "SELECT ?k (COUNT(*) AS ?n) { ?s ?k ?o } GROUP BY ?k",
        ),
        (
            whole + "?d void:classPartition/void:propertyPartition ?q . ?c void:propertyPartition ?q ; void:class ?k ."
            " ?q void:property ?l ; void:classPartition ?v . ?v void:class ?m ; void:triples ?n",
            "SELECT ?k ?l ?m (COUNT(*) AS ?n) { ?s a ?k ; ?l ?o . ?o a ?m } GROUP BY ?k ?l ?m",
        ),
        (
            whole + "?d void:propertyPartition ?q . ?q void:property ?k ; ext:datatypePartition ?v ;"
            " void:distinctSubjects ?m . ?v ext:datatype ?l ; void:triples ?n",
            "SELECT ?k ?l ?m ?n { { SELECT ?k ?l (COUNT(*) AS ?n)"
            " { ?s ?k ?o FILTER(ISLITERAL(?o)) } GROUP BY ?k (DATATYPE(?o) AS ?l) }"
            " { SELECT ?k (COUNT(DISTINCT ?s) AS ?m) { ?s ?k ?o } GROUP BY ?k } }",
        ),
    ):
        variables = " ".join(name for name in ("?k", "?l", "?m", "?n") if name in stated)
        found = sorted(numbers(void, f"{prefix} SELECT {variables} {{ {stated} }}"))
        assert found, stated
        assert found == sorted(numbers(store, counted)), stated


def test_void_tells_where_to_begin(
    release: Path, store: Store, catalogue: rdflib.Graph, dataset: rdflib.URIRef
) -> None:
    """The example is a thing of the graph, each dump is a file of the release, and the vocabularies are those used."""
    example = catalogue.value(dataset, VOID.exampleResource)
    dumps = {str(address).rpartition("/")[2] for address in catalogue.objects(dataset, VOID.dataDump)}
    document = rdflib.URIRef(f"{BASE}release/{release.name}/dataset.ttl")

    assert list(store.quads_for_pattern(NamedNode(str(example)), None, None))
    assert dumps == {file.name for file in release.glob("graph.*")}
    assert str(catalogue.value(dataset, VOID.uriSpace)) == f"{BASE}id/"
    assert rdflib.URIRef(f"{BASE}def#") in set(catalogue.objects(dataset, VOID.vocabulary))
    assert (document, RDF.type, VOID.DatasetDescription) in catalogue


def test_the_named_graphs_are_the_description(release: Path) -> None:
    """`dataset.ttl` is what catalogue and VoID say, and size and checksum of the files that hold these graphs."""
    named = {
        pyoxigraph.Triple(quad.subject, quad.predicate, quad.object)
        for quad in pyoxigraph.parse(path=str(release / "graph.nq"), format=RdfFormat.N_QUADS)
        if quad.graph_name in (NamedNode(CATALOGUE_GRAPH), NamedNode(VOID_GRAPH))
    }
    described = {
        pyoxigraph.Triple(quad.subject, quad.predicate, quad.object)
        for quad in pyoxigraph.parse(path=str(release / "dataset.ttl"), format=RdfFormat.TURTLE)
    }
    extra = {triple.subject.value.rpartition("#")[2].removesuffix("-sha256") for triple in described - named}

    assert named <= described
    assert extra == HOLDING_THE_CATALOGUE
