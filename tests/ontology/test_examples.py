"""What we promise about ontology/examples/: real, small, explained in both languages, and true to shapes and ontology.

An example shows some things completely and only names others. A shape is asked about the former alone: a thing is
complete in an example if the example holds every triple that the release states about it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyoxigraph
import pytest
from pyoxigraph import NamedNode, RdfFormat, Triple
from pyshacl import validate
from rdflib import OWL, RDF, RDFS, SH, SKOS, Graph, URIRef

from kg.core import release as releases

ROOT = Path(__file__).resolve().parents[2]
ONTOLOGY = ROOT / "ontology" / "shisaku.ttl"
EXAMPLES = sorted((ROOT / "ontology" / "examples").glob("*.ttl"))
NAMES = [file.stem for file in EXAMPLES]
NAMESPACE = "https://w3id.org/shisaku/def#"
A = NamedNode(str(RDF.type))

# One file for each thing that a reader has to have seen, and no file that nobody asked for.
SUBJECTS = """
    change correction era kpi-baseline kpi-not-yet-set kpi-target link-candidate link measure mention milestone
    named-entity organization-change period recurring-target translation uncertain-effect
"""
# How a term that neither the release nor an example uses says so in its scope notes.
NOT_USED_YET = {"ja": "まだ用いていない", "en": "not used yet"}


@dataclass
class Release:
    """The triples of a release, found by their subject and by their object."""

    triples: set[Triple]
    about: dict[NamedNode, set[Triple]] = field(default_factory=lambda: defaultdict(set))
    towards: dict[NamedNode, set[Triple]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for triple in self.triples:
            self.about[triple.subject].add(triple)
            if isinstance(triple.object, NamedNode):
                self.towards[triple.object].add(triple)

    def complete(self, example: set[Triple]) -> set[NamedNode]:
        """Return the things of which the example leaves nothing out."""
        return {subject for subject in subjects(example) if self.about[subject] <= example}

    def around(self, example: set[Triple]) -> set[Triple]:
        """Return what a shape may ask around complete things: what points to them, and what kind of thing each is."""
        pointing = {triple.subject for thing in self.complete(example) for triple in self.towards[thing]}
        found = {triple for subject in pointing for triple in self.about[subject]}
        named = {node for triple in example | found for node in (triple.subject, triple.object)}
        kinds = (self.about[node] for node in named if isinstance(node, NamedNode))
        return found | {triple for described in kinds for triple in described if triple.predicate == A}


def read(file: Path) -> set[Triple]:
    """Return the triples of a Turtle file with their literals as they are written."""
    return {quad.triple for quad in pyoxigraph.parse(path=str(file), format=RdfFormat.TURTLE)}


def subjects(triples: Iterable[Triple]) -> set[NamedNode]:
    """Return what the triples are about."""
    return {triple.subject for triple in triples}


def words(triples: Iterable[Triple]) -> set[str]:
    """Return our terms that the triples use: predicates, classes, and the property that a mention gives."""
    named = {node.value for triple in triples for node in (triple.predicate, triple.object) if type(node) is NamedNode}
    return {iri for iri in named if iri.startswith(NAMESPACE)}


def as_graph(triples: Iterable[Triple]) -> Graph:
    """Return the triples as rdflib, which pySHACL needs, has them."""
    content = pyoxigraph.serialize(triples, format=RdfFormat.N_TRIPLES)
    assert content is not None
    return Graph().parse(data=content, format="nt")


@pytest.fixture(scope="module")
def release(real: releases.Release) -> Release:
    """The release of this checkout."""
    return Release(read(real.path(releases.GRAPH)))


@pytest.fixture(scope="module")
def ontology() -> Graph:
    """The ontology as rdflib reads it."""
    return Graph().parse(ONTOLOGY, format="turtle")


@pytest.fixture(scope="module")
def defined(ontology: Graph) -> set[str]:
    """The terms that the ontology defines."""
    return {str(subject) for subject in ontology.subjects(RDFS.isDefinedBy)}


@pytest.fixture(scope="module")
def shapes() -> Graph:
    """All shapes together."""
    graph = Graph()
    for file in sorted((ROOT / "shapes").glob("*.ttl")):
        graph.parse(file, format="turtle")
    return graph


def test_there_is_an_example_of_each_subject() -> None:
    """Every kind of statement that needs explaining has its example, under a name that can be linked to."""
    assert SUBJECTS.split() == NAMES


@pytest.mark.parametrize("file", EXAMPLES, ids=NAMES)
def test_an_example_begins_with_what_it_shows(file: Path) -> None:
    """The first lines tell in Japanese and then in English what there is to see."""
    opening = file.read_text(encoding="utf-8").split("@base")[0]
    ja, en = re.fullmatch(r"# ja: (.*)\n# en: (.*)\n", opening, flags=re.DOTALL).groups()

    assert ja.endswith("。")
    assert en.endswith(".")
    assert all(line.startswith("#     ") for text in (ja, en) for line in text.split("\n")[1:])


@pytest.mark.parametrize("file", EXAMPLES, ids=NAMES)
def test_an_example_is_small_and_read_by_both_parsers(file: Path) -> None:
    """Two independent parsers agree on it, nothing is written twice, and one look takes it in."""
    written = list(pyoxigraph.parse(path=str(file), format=RdfFormat.TURTLE))

    assert len(Graph().parse(file, format="turtle")) == len(set(written)) == len(written)
    assert len(written) <= 40


@pytest.mark.parametrize("file", EXAMPLES, ids=NAMES)
def test_the_prefixes_of_an_example_are_sorted_and_used(file: Path) -> None:
    """The prefixes stand in alphabetical order, each once, and none is there for nothing."""
    lines = file.read_text(encoding="utf-8").splitlines()
    prefixes = [line.split()[1] for line in lines if line.startswith("@prefix")]
    body = "\n".join(line for line in lines if not line.startswith(("@prefix", "#")))

    assert prefixes == sorted(set(prefixes))
    assert [prefix for prefix in prefixes if f" {prefix}" not in body and f"^^{prefix}" not in body] == []


@pytest.mark.parametrize("file", EXAMPLES, ids=NAMES)
def test_an_example_is_real(file: Path, release: Release) -> None:
    """Every triple of an example is in the release, to the letter: examples cannot rot."""
    assert read(file) - release.triples == set()


@pytest.mark.parametrize("file", EXAMPLES, ids=NAMES)
def test_an_example_uses_only_defined_terms(file: Path, defined: set[str]) -> None:
    """Whoever looks up a word of ours in an example finds it in the ontology."""
    assert words(read(file)) - defined == set()


@pytest.mark.parametrize("file", EXAMPLES, ids=NAMES)
def test_what_an_example_shows_completely_conforms(file: Path, release: Release, shapes: Graph) -> None:
    """Nothing that an example shows completely violates a shape, and each example shows something completely."""
    example = read(file)
    complete = [URIRef(thing.value) for thing in release.complete(example)]
    data = as_graph(example | release.around(example))
    _, report, _ = validate(data, shacl_graph=shapes, focus_nodes=complete, inplace=True)
    violations = report.subjects(SH.resultSeverity, SH.Violation)

    assert complete
    assert [(report.value(one, SH.focusNode), report.value(one, SH.sourceShape)) for one in violations] == []


def test_an_example_that_breaks_a_shape_is_found(release: Release, shapes: Graph) -> None:
    """The test before has teeth: the same target without its role is a violation of the shape of targets."""
    example = read(ROOT / "ontology" / "examples" / "recurring-target.ttl")
    without = {triple for triple in example if triple.predicate.value != NAMESPACE + "targetRole"}
    target = next(triple.subject for triple in without if triple.object.value == NAMESPACE + "Target")
    data = as_graph(without | release.around(example))
    conforms, report, _ = validate(data, shacl_graph=shapes, focus_nodes=[URIRef(target.value)], inplace=True)

    assert not conforms
    assert set(report.objects(None, SH.focusNode)) == {URIRef(target.value)}


def test_every_term_that_the_release_uses_is_defined(release: Release, defined: set[str]) -> None:
    """No word of ours stands in the data without a definition."""
    assert words(release.triples) - defined == set()


def test_every_term_is_used_or_says_that_it_is_not(release: Release, ontology: Graph, defined: set[str]) -> None:
    """A term occurs in the release or in an example; or its scope notes say that it is not used yet, and it is not."""
    used = words(release.triples).union(*(words(read(file)) for file in EXAMPLES))
    notes = {term: {n.language: n for n in ontology.objects(URIRef(term), SKOS.scopeNote)} for term in defined}
    waiting = {term for term, note in notes.items() if all(s in note.get(lang, "") for lang, s in NOT_USED_YET.items())}

    assert defined - used == waiting


def test_domains_and_ranges_are_true_of_the_release(release: Release, ontology: Graph) -> None:
    """What a reasoner would infer from our domains and ranges, the release states itself."""
    kinds = {(triple.subject.value, triple.object.value) for triple in release.triples if triple.predicate == A}
    domains = {str(term): str(kind) for term, kind in ontology.subject_objects(RDFS.domain)}
    ranges = {
        str(term): str(kind)
        for term, kind in ontology.subject_objects(RDFS.range)
        if (term, RDF.type, OWL.ObjectProperty) in ontology and kind != RDF.Property
    }
    wrong = {
        (node.value, predicate, kinds_of[predicate])
        for triple in release.triples
        for predicate in [triple.predicate.value]
        for node, kinds_of in ((triple.subject, domains), (triple.object, ranges))
        if predicate in kinds_of and (node.value, kinds_of[predicate]) not in kinds
    }

    assert wrong == set()


def test_literals_have_the_datatypes_that_the_ontology_promises(release: Release, ontology: Graph) -> None:
    """Every value of a datatype property of ours has the datatype of its range."""
    ranges = {
        str(term): str(ontology.value(term, RDFS.range)) for term in ontology.subjects(RDF.type, OWL.DatatypeProperty)
    }
    wrong = {
        (triple.subject.value, triple.predicate.value, triple.object.datatype.value)
        for triple in release.triples
        if ranges.get(triple.predicate.value, str(RDFS.Literal)) != str(RDFS.Literal)
        and triple.object.datatype.value != ranges[triple.predicate.value]
    }

    assert wrong == set()
