"""What a validation promises: one report whatever the engine, stable names, and clear words where it cannot work."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import rdflib
from pyoxigraph import BlankNode, RdfFormat, parse

from kg.builder.pipeline import read
from kg.core.errors import KgError, QueryError, RecipeError, ReleaseError
from kg.core.release import GRAPH, Release
from kg.rdf.shacl_validator import FAST, REFERENCE, Report, make_report, validate
from kg.recipe import read_recipe

from .conftest import CASES, SHAPES, validator

XSD = "http://www.w3.org/2001/XMLSchema#"
BROKEN = CASES / "Measure" / "invalid-two-editions.ttl"
ODD_SHAPES = """
    @prefix sh: <http://www.w3.org/ns/shacl#> .
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
    @prefix e: <http://e/> .
    e:S sh:targetClass e:T ; sh:property e:a , e:b , e:c , [ sh:path e:none ; sh:minCount 1 ] .
    e:a sh:path e:p ; sh:datatype xsd:integer ; sh:in ( 1 "q" ) ; sh:message "a"@en , "ア"@ja .
    e:b sh:path ( e:x [ sh:alternativePath ( e:y [ sh:inversePath e:z ] ) ] ) ; sh:minCount 1 ; sh:severity sh:Info .
    e:c sh:path [ sh:zeroOrMorePath [ sh:oneOrMorePath [ sh:zeroOrOnePath e:p ] ] ] ; sh:maxCount 1 .
"""
ODD_DATA = """
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
    @prefix e: <http://e/> .
    e:t a e:T ; e:p "01"^^xsd:integer , "x"^^xsd:integer , 2.50 , "2020-01-01T00:00:00Z"^^xsd:dateTime , "q" ,
        "q"@EN-GB , '''two
    lines "quoted"''' , e:other .
"""


@pytest.fixture
def odd(tmp_path: Path) -> tuple[Path, Path]:
    """Data and shapes with all that the engines could tell differently."""
    data, shapes = tmp_path / "data.ttl", tmp_path / "shapes.ttl"
    data.write_text(ODD_DATA, encoding="utf-8")
    shapes.write_text(ODD_SHAPES, encoding="utf-8")
    return data, shapes


@pytest.fixture(scope="module")
def found(real: Release) -> Report:
    """The report on the real release."""
    return validator("", FAST).report([real.path(GRAPH)])


def test_the_real_release_conforms(found: Report) -> None:
    """The release breaks no promise; what its source lacks is told with its place, as warning or remark."""
    assert found.conforms, found.text("en")
    assert found.counts["Warning"] > 0
    assert found.counts["Info"] > 0


def assert_same(fast: Report, reference: Report) -> None:
    """The promise: two reports are equal in every form, to the byte."""
    assert fast == reference
    assert fast.json() == reference.json()
    assert fast.turtle() == reference.turtle()


@pytest.mark.exhaustive
def test_both_engines_report_the_same_on_the_real_release(real: Release, found: Report) -> None:
    """The fast engine gives the report of the reference, to the byte."""
    assert_same(found, validator("", REFERENCE).report([real.path(GRAPH)]))


def test_both_engines_report_the_same_on_a_page_of_the_real_document() -> None:
    """What a page is about gets the same report by both engines, with warnings and remarks in it."""
    recipe = replace(read_recipe(SHAPES.parent / "build"), corrections=())
    page = recipe.sources[0].document().split("###")[6]  # with marks whose column is uncertain
    lines = read(f"###{page}".encode(), recipe).n_triples()
    own = {line.split(b" ", 1)[0][1:-1] for line in lines.splitlines() if recipe.sources[0].key.encode() in line}
    fast, reference = (make_report(validator("", engine).results(lines, own)) for engine in (FAST, REFERENCE))

    assert_same(fast, reference)
    assert fast.counts["Warning"] > 0
    assert fast.counts["Info"] > 0


@pytest.mark.parametrize("engine", ["pyshacl", "shacl"])
def test_a_report_says_what_the_files_say(odd: tuple[Path, Path], engine: str) -> None:
    """Literals keep their form, paths read as in SPARQL, and an unnamed shape is known by the named one around it."""
    found = validate([odd[0]], odd[1], engine).results
    values = {result.value for result in found if result.shape == "http://e/a"}
    paths = {result.shape: result.path for result in found}

    assert {f'"01"^^<{XSD}integer>', f'"x"^^<{XSD}integer>', f'"2020-01-01T00:00:00Z"^^<{XSD}dateTime>'} <= values
    assert {'"q"@en-gb', "<http://e/other>"} <= values
    assert '"two\\n    lines \\"quoted\\""' in values
    assert paths["http://e/b"] == "(<http://e/x>/(<http://e/y>|^<http://e/z>))"
    assert paths["http://e/c"] == "<http://e/p>?+*"
    assert paths["http://e/S"] == "<http://e/none>"


def test_both_engines_report_the_same_on_odd_data(odd: tuple[Path, Path]) -> None:
    """Ill-typed, unusual and long literals and compound paths make no difference; only default messages differ."""
    assert validate([odd[0]], odd[1], "shacl") == validate([odd[0]], odd[1])


def test_the_turtle_of_a_report_has_a_name_for_every_node(odd: tuple[Path, Path]) -> None:
    """The published report is SHACL without blank nodes, readable by rdflib, and the same whenever it is made."""
    data, shapes = odd
    with data.open("a", encoding="utf-8") as file:
        file.write("[] a e:T ; e:p [] .\n")
    first, second = (validate([data], shapes) for _ in range(2))
    quads = list(parse(first.turtle(), format=RdfFormat.TURTLE))
    read = rdflib.Graph().parse(data=first.turtle(), format="turtle")

    assert first.turtle() == second.turtle()
    assert not [quad for quad in quads if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode)]
    assert len(set(read.objects(None, rdflib.SH.result))) == len(first.results)
    assert (None, rdflib.SH.conforms, rdflib.Literal(False)) in read


def test_the_json_of_a_report_has_everything() -> None:
    """The JSON report has the counts and each result with its messages by language."""
    document = json.loads(validate([BROKEN], SHAPES / "Measure.ttl").json())

    assert document["conforms"] is False
    assert document["counts"] == {"Violation": 1, "Warning": 0, "Info": 0}
    assert document["results"][0]["shape"] == "https://w3id.org/shisaku/shapes#Measure-edition"
    assert document["results"][0]["messages"].keys() == {"en", "ja"}
    assert document["results"][0]["iri"].startswith("https://w3id.org/shisaku/id/validation-result/")


def test_the_text_of_a_report_speaks_the_language_of_the_reader() -> None:
    """People read what is broken and where, in Japanese or English; English for a language that we do not have."""
    found = validate([BROKEN], SHAPES / "Measure.ttl")

    assert found.text("ja").splitlines()[1] == "違反 Measure-edition (1): 施策は、ちょうど一つの版に属します。"
    assert found.text("en").startswith("Does not conform. Violation 1, Warning 0, Info 0\n")
    assert "  <https://w3id.org/shisaku/id/municipal-2019/measure/01-05> <" in found.text("en")
    assert found.text("fr").startswith("Does not conform.")


def test_files_are_taken_together(tmp_path: Path) -> None:
    """What one file lacks another may say, in any RDF format and in any graph."""
    part = tmp_path / "part.nq"
    measure, a = "<https://w3id.org/shisaku/id/municipal-2019/measure/01-05>", "<http://e/g>"
    part.write_text(f"{measure} <https://w3id.org/shisaku/def#edition> <http://e/x> {a} .\n", encoding="utf-8")
    alone = CASES / "Measure" / "invalid-no-edition.ttl"

    assert [one.component.rsplit("#")[-1] for one in validate([alone, part], SHAPES / "Measure.ttl").results] == [
        "ClassConstraintComponent"
    ]


def test_a_missing_fast_engine_is_told_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package `shacl` the error says how to install it."""
    monkeypatch.setitem(sys.modules, "shacl", None)

    with pytest.raises(QueryError, match=r"pip install shacl"):
        validate([BROKEN], SHAPES / "Measure.ttl", "shacl")


@pytest.mark.parametrize(
    ("content", "suffix", "says"),
    [
        ("<http://e/a> <http://e/b> .\n", ".ttl", r"data\.ttl:1: cannot be read"),
        ("a,b\n", ".csv", "unknown file extension “.csv”"),
        ("<http://e/a> <http://e/b> <<( <http://e/c> <http://e/d> <http://e/e> )>> .\n", ".ttl", "RDF 1.2"),
    ],
)
def test_data_that_cannot_be_read_are_named(tmp_path: Path, content: str, suffix: str, says: str) -> None:
    """Broken syntax, an unknown format and RDF 1.2 are each told with the file."""
    file = tmp_path / f"data{suffix}"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(ReleaseError, match=says):
        validate([file], SHAPES)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is told, not taken for an empty one."""
    with pytest.raises(ReleaseError, match=r"none\.ttl: cannot be read"):
        validate([tmp_path / "none.ttl"], SHAPES)


def test_no_shapes_is_an_error(tmp_path: Path) -> None:
    """A folder without shapes stops the work: everything would conform to nothing."""
    with pytest.raises(RecipeError, match="there are no shapes here"):
        validate([BROKEN], tmp_path)


@pytest.mark.parametrize("engine", ["pyshacl", "shacl"])
def test_shapes_that_an_engine_cannot_use_are_an_error(odd: tuple[Path, Path], engine: str) -> None:
    """A malformed shape is the curator's problem to mend, not a traceback."""
    data, shapes = odd
    shapes.write_text(ODD_SHAPES + 'e:a sh:pattern "(" .', encoding="utf-8")

    with pytest.raises(KgError, match=f"{engine} cannot use these shapes"):
        validate([data], shapes, engine)


def test_an_unknown_engine_is_told_which_there_are() -> None:
    """A misspelt engine gets the list of engines."""
    with pytest.raises(QueryError, match="choose one of: pyshacl, shacl"):
        validate([BROKEN], SHAPES, "pyshackle")
