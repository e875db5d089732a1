"""What a release promises: its tables, its graph, and the same bytes from build to build."""

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyoxigraph
import pytest
import rdflib

from kg.builder.pipeline import read
from kg.core.errors import RecipeError
from kg.recipe import read_recipe

from ..support.curation import CHECKOUT, DOCUMENT, kg, table

COLUMNS = {
    "measures": "edition,row,number,iri,title_ja,title_en,pillar,listed_from,listing_status,effects,effects_uncertain,"
    "lead,participating,groups,budgets,urls,page,line",
    "kpis": "edition,row,number,iri,kind,text,status,set_by,measure,group",
    "targets": "edition,row,number,iri,kind,role,value,comparator,unit,period,baseline_period,text,direction,kpi",
}
STANDARD = ("http://www.w3.org/", "http://purl.org/dc/", "http://schema.org/", "http://qudt.org/")
STANDARD += ("http://xmlns.com/foaf/0.1/", "https://w3id.org/sssom/")


def triples(release: Path) -> list[pyoxigraph.Quad]:
    """The statements of the graph."""
    return list(pyoxigraph.parse(path=str(release / "graph.ttl"), format=pyoxigraph.RdfFormat.TURTLE))


@pytest.mark.parametrize("name", COLUMNS)
def test_the_columns_of_the_tables_are_the_contract(release: Path, name: str) -> None:
    """The public tables have exactly the promised columns, in UTF-8 without byte order mark, by RFC 4180."""
    content = (release / f"{name}.csv").read_bytes()

    assert content.split(b"\r\n")[0].decode() == COLUMNS[name]
    assert content.endswith(b"\r\n")
    assert not content.startswith(b"\xef\xbb\xbf")
    assert re.search(rb"(?<!\r)\n", content) is None


def test_the_tables_point_to_each_other_and_into_the_graph(release: Path) -> None:
    """Every KPI names a measure, every target a KPI, and each of them is a subject of the graph."""
    measures, kpis, targets = (table(release, name) for name in COLUMNS)
    subjects = {quad.subject.value for quad in triples(release)}

    assert {row["measure"] for row in kpis} <= {row["iri"] for row in measures} <= subjects
    assert {row["kpi"] for row in targets} <= {row["iri"] for row in kpis} <= subjects
    assert {row["iri"] for row in targets} <= subjects


def test_the_graph_is_plain_and_well_formed(release: Path) -> None:
    """No blank node, only ASCII IRIs, and rdflib reads the same number of triples as the manifest states."""
    statements = triples(release)
    nodes = [node for quad in statements for node in (quad.subject, quad.object)]
    iris = {node.value for node in nodes if isinstance(node, pyoxigraph.NamedNode)}
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))

    assert not [node for node in nodes if isinstance(node, pyoxigraph.BlankNode)]
    assert not [iri for iri in iris if not iri.isascii()]
    assert len(rdflib.Graph().parse(release / "graph.ttl")) == len(statements) == manifest["counts"]["triples"]


def test_every_word_of_the_graph_is_defined(release: Path) -> None:
    """Each of our terms that the data use is in the ontology; all others come from the standard vocabularies."""
    used = {quad.predicate.value for quad in triples(release)}
    used |= {quad.object.value for quad in triples(release) if quad.predicate.value.endswith("#type")}
    ontology = rdflib.Graph().parse(release / "ontology.ttl")
    defined = {str(subject) for subject in ontology.subjects()}

    assert {iri for iri in used if iri.startswith("https://w3id.org/shisaku/")} <= defined
    assert not [iri for iri in used if not iri.startswith(("https://w3id.org/shisaku/def#", *STANDARD))]


def test_every_thing_that_is_pointed_at_is_described(release: Path) -> None:
    """Every IRI under our base that stands as an object is also a subject: no link leads nowhere."""
    statements = triples(release)
    subjects = {quad.subject.value for quad in statements}
    objects = {quad.object.value for quad in statements if isinstance(quad.object, pyoxigraph.NamedNode)}

    assert not {iri for iri in objects if iri.startswith("https://w3id.org/shisaku/id/")} - subjects


def test_the_checksums_are_those_of_the_files(release: Path) -> None:
    """SHA256SUMS and the manifest name every file with its SHA-256 and size, but for the store and the search index."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    listed = {entry["name"]: (entry["size"], entry["sha256"]) for entry in manifest["files"]}
    there = {file.name for file in release.iterdir()} - {"manifest.json", "store", "search.sqlite"}

    assert listed.keys() == there
    for name, (size, sha256) in listed.items():
        content = (release / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (size, sha256)
    for line in (release / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        sha256, name = line.split("  ")
        assert listed[name][1] == sha256


@pytest.mark.parametrize(
    "surroundings",
    [
        {"PYTHONHASHSEED": "1", "TZ": "America/Anchorage", "LC_ALL": "C"},
        pytest.param({"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"}, marks=pytest.mark.exhaustive),
    ],
)
def test_the_same_recipe_gives_the_same_bytes(release: Path, tmp_path: Path, surroundings: dict[str, str]) -> None:
    """Another hash seed, time zone and locale make no difference to any file of the release; the store is exempt."""
    command = [sys.executable, "-m", "kg", "build", "--out", str(tmp_path)]
    subprocess.run(command, check=True, cwd=CHECKOUT, env={**os.environ, **surroundings}, capture_output=True)

    for file in sorted(path for path in release.iterdir() if path.is_file()):
        assert (tmp_path / "current" / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_release_is_never_overwritten(recipe: Path, tmp_path: Path) -> None:
    """Equal inputs: nothing to do. Other inputs under a version that exists: a development version beside it."""
    out = tmp_path / "out"
    first = kg("build", "--recipe", recipe, "--out", out)
    again = kg("build", "--recipe", recipe, "--out", out)
    with (recipe / "units.csv").open("a", encoding="utf-8") as file:
        file.write("furlong,ハロン,furlong,,,\n")
    other = kg("build", "--recipe", recipe, "--out", out)
    versions = sorted(folder.name for folder in (out / "releases").iterdir())

    assert (first.exit_code, again.exit_code, other.exit_code) == (0, 0, 0)
    assert "up to date" in again.output
    assert versions[0] == "2019.1.0"
    assert re.fullmatch(r"2019\.1\.0\+dev\.[0-9a-f]{8}", versions[1])
    assert (out / "current").resolve().name == versions[1]


def test_a_document_read_in_memory_gives_the_tables_and_the_graph_of_the_release(release: Path) -> None:
    """`kg.builder.pipeline.read` has the rows of the CSV files, text for text, and the N-Triples of the dump."""
    recipe = read_recipe(CHECKOUT / "build")
    tables = read(DOCUMENT.read_bytes(), recipe)

    for name, rows in tables.items():
        assert [dict(row) for row in rows] == table(release, name), name
    assert tables.n_triples() == (release / "graph.nt").read_bytes()
    with pytest.raises(RecipeError, match=r"there is no edition 'other'\n  name one of municipal-2019"):
        read(b"", recipe, "other")


def test_csv_values_hold_no_separator_of_their_own(release: Path) -> None:
    """A field with several values splits at `|` into values that are not empty."""
    for row in table(release, "measures"):
        for field in ("effects", "lead", "participating", "groups", "budgets", "urls"):
            assert not row[field] or all(row[field].split("|")), row[field]
    with (release / "issues.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file))[:3] == ["edition", "row", "number"]
