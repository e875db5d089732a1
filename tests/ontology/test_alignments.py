"""What we promise about ontology/alignments.ttl: reasons, terms that exist, no inference that changes a count."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyoxigraph
import pytest
from rdflib import OWL, RDF, RDFS, SKOS, BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, ORG, PROV

FOLDER = Path(__file__).parents[2] / "ontology"
CORE, FILE = FOLDER / "shisaku.ttl", FOLDER / "alignments.ttl"
EXAMPLES = sorted((FOLDER / "examples").glob("*.ttl"))
ONTOLOGY = URIRef("https://w3id.org/shisaku/def")
ALIGNMENTS = URIRef(f"{ONTOLOGY}/alignments")
NAMESPACE = f"{ONTOLOGY}#"
SHISAKU = Namespace(NAMESPACE)
ERRORS = Namespace("http://www.daml.org/2002/03/agents/agent-ont#")  # where owlrl puts its findings

ENTAILING = {RDFS.subClassOf, RDFS.subPropertyOf}
MAPPING = {SKOS.closeMatch, SKOS.broadMatch, SKOS.narrowMatch, SKOS.relatedMatch}

# The terms of others that were looked up in their own RDF. Look a new one up before it is added here.
SEEN = {
    "http://data.europa.eu/eli/ontology#": "LegalResource",
    "http://data.europa.eu/m8g/": "hasCompetentAuthority hasLegalResource",
    "http://purl.org/dc/terms/": """
        contributor description hasPart identifier isPartOf references source subject temporal type
    """,
    "http://purl.org/linked-data/cube#": "MeasureProperty Observation",
    "http://purl.org/vocab/cpsv#": "PublicService produces",
    "http://qudt.org/schema/qudt/": "QuantityValue hasUnit numericValue",
    "http://schema.org/": """
        FundingScheme GovernmentService Grant Legislation alternateName legislationIdentifier mentions text url
    """,
    "http://www.w3.org/2004/02/skos/core#": "note",
    "http://www.w3.org/2006/time#": "hasTime",
    "http://www.w3.org/ns/adms#": "status translation",
    "http://www.w3.org/ns/csvw#": "Table column rownum",
    "http://www.w3.org/ns/dcat#": "hadRole theme",
    "http://www.w3.org/ns/dqv#": "QualityAnnotation",
    "http://www.w3.org/ns/oa#": "Annotation end exact start",
    "http://www.w3.org/ns/prov#": "Entity Revision specializationOf",
    "http://xmlns.com/foaf/0.1/": "Document",
}


@pytest.fixture(scope="module")
def core() -> Graph:
    """The ontology as rdflib reads it."""
    return Graph().parse(CORE, format="turtle")


@pytest.fixture(scope="module")
def alignments() -> Graph:
    """The alignments as rdflib reads them."""
    return Graph().parse(FILE, format="turtle")


def mappings(alignments: Graph) -> list[tuple[URIRef, URIRef, URIRef]]:
    """Return every statement but those about the file itself."""
    return sorted(triple for triple in alignments if triple[0] != ALIGNMENTS)


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement about a term of ours: the number of its first line, from 0, and that line."""
    for number, line in enumerate(text.splitlines()):
        if line.startswith("shisaku:"):
            yield number, line


def closure(*graphs: Graph) -> tuple[Graph, list[str]]:
    """Return what follows from the graphs under OWL 2 RL, and the contradictions that the reasoner finds."""
    owlrl = pytest.importorskip("owlrl")
    together = Graph()
    for graph in graphs:
        for triple in graph:
            together.add(triple)
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(together)
    return together, [str(message) for message in together.objects(None, ERRORS.error)]


def test_both_parsers_read_the_same_number_of_triples(alignments: Graph) -> None:
    """Two independent parsers read the file and agree on its size; no triple is written twice; no blank nodes."""
    read_by_oxigraph = list(pyoxigraph.parse(path=str(FILE), format=pyoxigraph.RdfFormat.TURTLE))

    assert len(alignments) == len(read_by_oxigraph)
    assert [node for triple in alignments for node in triple if isinstance(node, BNode)] == []


def test_the_headers_agree() -> None:
    """Alignments and ontology bear the same dates and version, and the alignments import the ontology."""
    core, alignments = (Graph().parse(file, format="turtle") for file in (CORE, FILE))

    assert list(alignments.subjects(RDF.type, OWL.Ontology)) == [ALIGNMENTS]
    assert list(alignments.objects(ALIGNMENTS, OWL.imports)) == [ONTOLOGY]
    for predicate in (DCTERMS.created, DCTERMS.modified, DCTERMS.license, OWL.versionInfo):
        values = list(alignments.objects(ALIGNMENTS, predicate))
        assert len(values) == 1
        assert values == list(core.objects(ONTOLOGY, predicate)), predicate
    version = alignments.value(ALIGNMENTS, OWL.versionInfo)
    assert list(alignments.objects(ALIGNMENTS, OWL.versionIRI)) == [URIRef(f"{ALIGNMENTS}/{version}")]


def test_the_header_speaks_both_languages(alignments: Graph) -> None:
    """Title and description are there in Japanese and in English."""
    for predicate in (DCTERMS.title, DCTERMS.description):
        values = [value for value in alignments.objects(ALIGNMENTS, predicate) if isinstance(value, Literal)]
        assert sorted(str(value.language) for value in values) == ["en", "ja"]


def test_a_mapping_leads_from_our_term_to_one_of_others(core: Graph, alignments: Graph) -> None:
    """Each mapping begins at a term that we define and ends outside; nothing is said about the terms of others."""
    defined = set(core.subjects(RDFS.isDefinedBy))

    assert [s for s, _, _ in mappings(alignments) if s not in defined] == []
    assert [o for _, _, o in mappings(alignments) if str(o).startswith(str(ONTOLOGY))] == []
    assert {p for _, p, _ in mappings(alignments)} <= ENTAILING | MAPPING


def test_the_terms_of_others_exist(alignments: Graph) -> None:
    """Every term of others was looked up in its vocabulary; an invented or misspelt one does not slip in."""
    seen = {URIRef(namespace + name) for namespace, names in SEEN.items() for name in names.split()}

    assert {o for _, _, o in mappings(alignments)} == seen


def test_classes_map_to_classes_and_properties_to_properties(core: Graph, alignments: Graph) -> None:
    """An inference never crosses from class to property; a capital marks a class, here and in all these others."""
    for s, p, o in mappings(alignments):
        is_class = (s, RDF.type, OWL.Class) in core
        name = re.split("[#/]", str(o))[-1]
        if p in ENTAILING:
            assert is_class == name[0].isupper() == (p == RDFS.subClassOf), s


def test_one_term_is_mapped_to_another_only_once(alignments: Graph) -> None:
    """Two different relations between the same terms would contradict each other or say the same twice."""
    pairs = [(s, o) for s, _, o in mappings(alignments)]

    assert len(pairs) == len(set(pairs))


def test_every_mapping_has_its_reason() -> None:
    """Above each statement, or the group it stands in, a comment tells why, in a full sentence."""
    text = FILE.read_text(encoding="utf-8")
    lines = text.splitlines()
    for number, line in statements(text):
        while lines[number].startswith("shisaku:"):
            number -= 1
        assert re.fullmatch(r"# .*\.", lines[number]), line


def test_every_term_is_mapped_or_left_out_on_purpose(core: Graph, alignments: Graph) -> None:
    """A term without a mapping is one that the comments of the file account for."""
    text = FILE.read_text(encoding="utf-8")
    comments = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    accounted = {SHISAKU[name] for name in re.findall(r"shisaku:([A-Za-z]+)", comments)}
    mapped = {s for s, _, _ in mappings(alignments)}

    assert set(core.subjects(RDFS.isDefinedBy)) - mapped - accounted == set()
    assert accounted <= set(core.subjects(RDFS.isDefinedBy))


def test_the_file_follows_the_order_of_the_ontology() -> None:
    """Sections stand under the same headings, in the same order, as in the ontology."""
    core, alignments = (re.findall("^# ── (.*?) ─+$", f.read_text(encoding="utf-8"), flags=re.M) for f in (CORE, FILE))

    assert core == alignments


def test_prefixes_are_sorted_and_used() -> None:
    """The prefixes stand in alphabetical order, each once, and none is there for nothing."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    prefixes = [line.split()[1] for line in lines if line.startswith("@prefix")]
    body = "\n " + "\n ".join(line for line in lines if not line.startswith(("@prefix", "#")))

    assert all(first < second for first, second in pairwise(prefixes))
    assert [prefix for prefix in prefixes if f" {prefix}" not in body and f"^^{prefix}" not in body] == []


@pytest.fixture(scope="module")
def examples() -> Graph:
    """All examples together."""
    graph = Graph()
    for file in EXAMPLES:
        graph.parse(file, format="turtle")
    return graph


@pytest.fixture(scope="module")
def reasoned(core: Graph, alignments: Graph, examples: Graph) -> tuple[Graph, list[str]]:
    """What follows from ontology, alignments and examples, and what contradicts itself."""
    return closure(core, alignments, examples)


def test_ontology_alignments_and_examples_are_consistent(reasoned: tuple[Graph, list[str]]) -> None:
    """An OWL 2 RL reasoner finds no contradiction among ontology, alignments and all examples."""
    _, errors = reasoned

    assert errors == []


def test_the_reasoner_finds_a_contradiction_where_there_is_one(core: Graph) -> None:
    """The test before has teeth: a collective that is called an organization is a contradiction."""
    wrong = Graph()
    collective = URIRef("https://w3id.org/shisaku/id/organization-group/related-fusho")
    wrong.add((collective, RDF.type, SHISAKU.OrganizationGroup))
    wrong.add((collective, RDF.type, ORG.Organization))
    _, errors = closure(core, wrong)

    assert errors


def test_inferences_arrive(reasoned: tuple[Graph, list[str]]) -> None:
    """Who knows only standard vocabularies finds the measure as a part of its edition, and the cell as an entity."""
    inferred, _ = reasoned
    measure = URIRef("https://w3id.org/shisaku/id/municipal-2019/measure/02-06")
    cell = URIRef("https://w3id.org/shisaku/id/source/municipal-2019/row/42/cell/13")

    assert (measure, DCTERMS.isPartOf, URIRef("https://w3id.org/shisaku/id/edition/municipal-2019")) in inferred
    assert (cell, RDF.type, PROV.Entity) in inferred


def test_no_inference_adds_a_value_to_a_property_of_ours(reasoned: tuple[Graph, list[str]], examples: Graph) -> None:
    """With ontology and alignments loaded and reasoned over, a count over our properties stays the same.

    One inverse is declared: `shisaku:edition` and `shisaku:lists` follow from each other, and the release states both.
    """
    inferred, _ = reasoned
    inverse = {SHISAKU.edition, SHISAKU.lists}
    ours = {
        (s, p, o)
        for s, p, o in inferred
        if str(s).startswith("https://w3id.org/shisaku/id/") and str(p).startswith(NAMESPACE) and p not in inverse
    }

    assert ours
    assert ours <= set(examples)
