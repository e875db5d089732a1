"""The report of the validation in a release, and what is not published."""

import csv
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import rdflib
from pyoxigraph import NamedNode, RdfFormat, parse
from rdflib import SH

from kg.builder.pipeline import build
from kg.core.errors import ReleaseError
from kg.core.paths import project_folders
from kg.core.release import VALIDATION_GRAPH, current_release, read_release

from ..support.small_releases import CHECKOUT, kg

EDITION = "https://w3id.org/shisaku/id/municipal-2019/"
STRICT = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix shape: <https://w3id.org/shisaku/shapes#> .
@prefix shisaku: <https://w3id.org/shisaku/def#> .

shape:Measure-strict a sh:PropertyShape ; sh:targetClass shisaku:Measure ; sh:path shisaku:pillar ; sh:maxCount 0 ;
    sh:severity sh:Violation ; sh:message "柱があります。"@ja , "There is a pillar."@en .
"""


def test_the_release_holds_its_report(release: Path) -> None:
    """The report is a file in SHACL's own terms and a named graph of the store: it conforms, with named results."""
    report = rdflib.Graph().parse(release / "validation.ttl")
    quads = parse(path=str(release / "graph.nq"), format=RdfFormat.N_QUADS)
    severities = Counter(report.objects(None, SH.resultSeverity))

    assert list(report.objects(None, SH.conforms)) == [rdflib.Literal(True)]
    assert severities.keys() == {SH.Warning, SH.Info}
    assert len(set(report.objects(None, SH.result))) == severities.total()
    assert sum(quad.graph_name == NamedNode(VALIDATION_GRAPH) for quad in quads) == len(report)


def test_people_read_the_report_with_the_places(release: Path) -> None:
    """The page has each promise in both languages and, for each thing, page and line of the printed table."""
    page = (release / "validation.html").read_text(encoding="utf-8")
    row = next(row for row in _rows(release / "measures.csv") if row["effects_uncertain"] == "true")

    assert "適合しています。" in page
    assert "Conforms." in page
    assert "A mark is printed, but the source no longer says in which effect column." in page
    assert f"{row['page']}:{row['line']}" in page[page.index(row["iri"].removeprefix(f"{EDITION[:-15]}")) :][:200]
    assert "<script" not in page


@pytest.mark.exhaustive  # the reference takes ten times as long
def test_both_engines_make_the_same_release(small: Path, tmp_path: Path) -> None:
    """Whichever SHACL engine is installed, every file of the release has the same bytes."""
    files = []
    for engine in ("pyshacl", "shacl"):
        result = kg("build", "--recipe", small, "--out", tmp_path / engine, "--engine", engine)
        assert result.returncode == 0, result.stderr
        files.append(read_release((tmp_path / engine / "current").resolve()).files)

    assert files[0] == files[1]


def test_what_breaks_a_promise_is_not_published(small: Path, tmp_path: Path) -> None:
    """A violation stops the build: the thing, the promise and the remedy are told, and the release before serves on."""
    folders = project_folders(small, tmp_path / "out")
    before = build(folders).release
    shapes = Path(shutil.copytree(CHECKOUT / "shapes", tmp_path / "shapes"))
    (shapes / "Strict.ttl").write_text(STRICT, encoding="utf-8")

    with pytest.raises(ReleaseError, match=r"not published: Measure-strict: There is a pillar\.") as caught:
        build(replace(folders, shapes=shapes))

    assert f"<{EDITION}measure/" in str(caught.value)
    assert "kg validate" in str(caught.value)
    assert current_release(tmp_path / "out") == before


def test_known_problems_are_told_in_words(release: Path) -> None:
    """What the curator knows of the document stands beside how often each kind of issue was met."""
    text = (release / "known-problems.md").read_text(encoding="utf-8")
    kinds = Counter(row["type"] for row in _rows(release / "issues.csv"))

    assert (CHECKOUT / "build" / "known-problems.md").read_text(encoding="utf-8").strip() in text
    assert all(f"- {count} × `{kind}`: " in text for kind, count in kinds.items())


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
