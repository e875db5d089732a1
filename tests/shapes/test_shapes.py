"""What the shapes promise, case by case: valid-*.ttl, and invalid-*.ttl with the report that a person approved.

KG_APPROVE=1 ./run test tests/shapes    writes the reports of the invalid files: read the diff before you keep it
"""

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import rdflib
from _pytest.mark.structures import ParameterSet
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse
from rdflib.namespace import DC, DCTERMS, FOAF, ORG, OWL, PROV, RDF, RDFS, SDO, SH, SKOS, TIME, DefinedNamespace

from kg.core.release import GRAPH, Release
from kg.rdf.shacl_validator import FAST, REFERENCE, Report, Result

from .conftest import CASES, SHAPES, validator

_SH = str(SH)
SHAPE = "https://w3id.org/shisaku/shapes#"
SHISAKU = "https://w3id.org/shisaku/def#"
SHORT = {
    "id:": "https://w3id.org/shisaku/id/",
    "shape:": SHAPE,
    "shisaku:": SHISAKU,
    "dc:": str(DC),
    "dcterms:": str(DCTERMS),
    "foaf:": str(FOAF),
    "oa:": "http://www.w3.org/ns/oa#",
    "owl:": str(OWL),
    "rdf:": str(RDF),
    "semapv:": "https://w3id.org/semapv/vocab/",
    "sssom:": "https://w3id.org/sssom/",
    "org:": str(ORG),
    "prov:": str(PROV),
    "rdfs:": str(RDFS),
    "schema:": "http://schema.org/",
    "skos:": str(SKOS),
    "time:": str(TIME),
    "xsd:": "http://www.w3.org/2001/XMLSchema#",
}
OA = "http://www.w3.org/ns/oa#"
STANDARD: dict[str, type[DefinedNamespace] | set[str]] = {
    **{str(vocabulary): vocabulary for vocabulary in (DC, DCTERMS, FOAF, ORG, OWL, PROV, RDF, RDFS, SKOS, TIME)},
    "http://schema.org/": SDO,
    # rdflib does not know the Web Annotation vocabulary: these are its words that we use
    OA: {"Annotation", "SpecificResource", "TextPositionSelector", "TextQuoteSelector", "hasBody", "hasTarget"}
    | {"hasSource", "hasSelector", "motivatedBy", "identifying", "start", "end", "exact"},
    # nor SSSOM, whose justifications are the closed list of its schema
    SHORT["sssom:"]: {"object_source", "mapping_justification", "confidence"},
    SHORT["semapv:"]: {"MappingReview", "ManualMappingCuration", "LogicalReasoning", "LexicalMatching"}
    | {"CompositeMatching", "UnspecifiedMatching", "SemanticSimilarityThresholdMatching"}
    | {"LexicalSimilarityThresholdMatching", "MappingChaining", "MappingInversion", "StructuralMatching"}
    | {"InstanceBasedMatching", "BackgroundKnowledgeBasedMatching"},
}
FILES = sorted(SHAPES.glob("*.ttl"))
CLASSES = [file.stem for file in FILES]
VALID = sorted(CASES.glob("*/valid-*.ttl"))
INVALID = sorted(CASES.glob("*/invalid-*.ttl"))
# What a shape says of its values goes here; a shape that only stands in one of these is a condition, not a promise.
INNER = {"or", "and", "xone", "not", "qualifiedValueShape", "node"}


def name(file: Path) -> str:
    """Return the name of a case, as the test reports it."""
    return f"{file.parent.name}/{file.stem}"


def report(case: Path, engine: str = FAST) -> Report:
    """Validate a case against the shapes of its class."""
    return validator(f"{case.parent.name}.ttl", engine).report([case])


def first_of_each_class(cases: list[Path]) -> list[ParameterSet]:
    """Return the cases as parameters: all but the first of each class are exhaustive."""
    first = {case.parent: case for case in reversed(cases)}
    marks = {case: () if case is first[case.parent] else (pytest.mark.exhaustive,) for case in cases}
    return [pytest.param(case, id=name(case), marks=marks[case]) for case in cases]


def approved(case: Path) -> Path:
    """Return where the approved report of an invalid case is."""
    return case.with_suffix(".approved.txt")


def short(term: str) -> str:
    """Write the IRIs of a term or path with prefixes; `-` for none."""
    for prefix, base in SHORT.items():
        term = re.sub(rf"<{re.escape(base)}([^>]*)>", rf"{prefix}\1", term)
    return term or "-"


def line(result: Result) -> str:
    """Write a result on a line: focus, path, value, severity, shape, messages in Japanese and English."""
    severity = result.severity.removeprefix(_SH)
    terms = (short(result.focus), short(result.path), short(result.value), severity, short(f"<{result.shape}>"))
    return " | ".join((*terms, result.message("ja"), result.message("en")))


@functools.cache
def statements(file: Path) -> tuple[Quad, ...]:
    """Return what a file of shapes states."""
    return tuple(parse(path=str(file), format=RdfFormat.TURTLE))


def promises(file: Path) -> dict[str, dict[str, list[NamedNode | BlankNode | Literal]]]:
    """Return the shapes of a file that can stand in a report, with what is said of each."""
    shapes: dict[str, dict[str, list[NamedNode | BlankNode | Literal]]] = {}
    for quad in statements(file):
        if isinstance(quad.subject, NamedNode):
            said = shapes.setdefault(quad.subject.value, {})
            said.setdefault(quad.predicate.value.removeprefix(_SH), []).append(quad.object)
    return shapes


@pytest.mark.parametrize("case", VALID, ids=name)
def test_valid_data_pass(case: Path) -> None:
    """A valid file breaks no promise; what it does not say may be counted; a complete one gives no result at all."""
    found = report(case)

    assert found.conforms
    assert found.counts["Warning"] == 0, found.text("en")
    assert case.stem != "valid-complete" or found.results == ()


@pytest.mark.parametrize("case", INVALID, ids=name)
def test_invalid_data_give_the_approved_report(case: Path) -> None:
    """An invalid file gives exactly the results that a person approved."""
    found = report(case)
    lines = "".join(sorted(f"{line(result)}\n" for result in found.results))
    if os.environ.get("KG_APPROVE"):
        approved(case).write_text(lines, encoding="utf-8")

    assert approved(case).read_text(encoding="utf-8") == lines
    assert lines


@pytest.mark.parametrize("case", [*first_of_each_class(VALID), *first_of_each_class(INVALID)])
def test_the_reference_gives_the_same_report(case: Path) -> None:
    """pySHACL reports of each case what the fast engine does, to the byte: what was approved holds for both."""
    assert report(case, REFERENCE).json() == report(case).json()


def test_every_file_has_a_class_and_every_approved_report_a_case() -> None:
    """Each class has a folder of cases and each folder a class; a report whose case is gone is told."""
    assert sorted(folder.name for folder in CASES.iterdir() if list(folder.glob("*.ttl"))) == CLASSES
    assert sorted(CASES.glob("*/*.approved.txt")) == [approved(case) for case in INVALID]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_promise_is_named_worded_and_graded(file: Path) -> None:
    """Each shape that can stand in a report has an IRI of its class, and name, message and severity in the file."""
    shapes = promises(file)
    said_of = [(quad.subject, quad.predicate.value, quad.object) for quad in statements(file)]
    inner = {value for _, word, value in said_of if word.removeprefix(_SH) in INNER or word == str(RDF.first)}
    inner |= {value for about, word, value in said_of if word == _SH + "property" and about in inner}
    unnamed = {about for about, word, _ in said_of if word == _SH + "path" and isinstance(about, BlankNode)}

    assert unnamed <= inner, "a property shape without a name: its results could not be cited"
    for iri, said in shapes.items():
        assert re.fullmatch(rf"{re.escape(SHAPE)}{file.stem}(-[a-z]+)*", iri)
        for word in ("name", "message"):
            assert sorted(text.language for text in said[word]) == ["en", "ja"], iri  # type: ignore[union-attr]
        assert len(said["severity"]) == 1, iri


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_promise_is_broken_by_a_case(file: Path) -> None:
    """Each shape stands in the approved report of at least one invalid file: none is dead."""
    reports = "".join(path.read_text(encoding="utf-8") for path in (CASES / file.stem).glob("*.approved.txt"))
    broken = set(re.findall(r" \| (shape:\S+) \| ", reports))

    assert {short(f"<{iri}>") for iri in promises(file)} - broken == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_property_shape_is_asked_for_by_the_class(file: Path) -> None:
    """Each named shape is reached: it has a target of its own, or the shape of the class names it."""
    shapes = promises(file)
    reached = {node.value for said in shapes.values() for node in said.get("property", [])}
    reached |= {iri for iri, said in shapes.items() if "targetClass" in said}

    assert reached == set(shapes)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_says_who_must_pass(file: Path) -> None:
    """The first line tells who must pass, and the file bears the name of its one class."""
    targets = {node.value for said in promises(file).values() for node in said.get("targetClass", [])}

    assert file.read_text(encoding="utf-8").startswith("# Every ")
    assert [re.split("[#/]", target)[-1] for target in targets] == [file.stem]


def iris(file: Path) -> Iterator[str]:
    """Yield every IRI that a file of shapes names."""
    for quad in statements(file):
        yield from (n.value for n in (quad.subject, quad.predicate, quad.object) if isinstance(n, NamedNode))


@functools.cache
def defined() -> set[str]:
    """Return what our ontology says anything about."""
    return {str(quad.subject)[1:-1] for quad in statements(SHAPES.parent / "ontology" / "shisaku.ttl")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_word_exists(file: Path) -> None:
    """Each sh: word is in the vocabulary of SHACL, each path and class in our ontology or in a standard vocabulary."""
    words = set(iris(file))

    assert [word for word in words if word.startswith(_SH) and rdflib.URIRef(word) not in SH] == []
    assert [word for word in words if word.startswith(SHISAKU) and word not in defined()] == []
    for base, vocabulary in STANDARD.items():
        local = {word.removeprefix(base) for word in words if word.startswith(base)}
        assert [word for word in local if word not in vocabulary] == []
    known = (_SH, SHISAKU, SHAPE, *STANDARD, SHORT["id:"], SHORT["xsd:"])
    assert [word for word in words if not word.startswith(known)] == []


def test_every_value_of_a_closed_list_is_in_the_recipe() -> None:
    """A list of allowed values (sh:in, sh:hasValue) names the codes of build/concepts.csv, and all of them together."""
    rows = (SHAPES.parent / "build" / "concepts.csv").read_text(encoding="utf-8").splitlines()[1:]
    codes = {SHORT["id:"] + "/".join(row.split(",")[:2]) for row in rows}
    named = {iri for file in FILES for iri in iris(file) if iri.startswith(SHORT["id:"])}

    assert named == codes


def test_every_class_of_the_release_has_shapes(real: Release) -> None:
    """No thing of the release goes unchecked: each class in it has a file of shapes."""
    quads = parse(path=str(real.path(GRAPH)), format=RdfFormat.TURTLE)
    classes = {quad.object.value for quad in quads if quad.predicate.value == str(RDF.type)}  # type: ignore[union-attr]

    assert {re.split("[#/]", iri)[-1] for iri in classes} - set(CLASSES) == set()
