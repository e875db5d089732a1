"""A release of two editions: each has a dump of its own, and the whole has both."""

import re
import shutil
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse

from ..support.small_releases import SOURCE, built

ID = "https://w3id.org/shisaku/id/"
KEYS = ("municipal-2019", "municipal-2019b")  # one key begins with the other: no part may run into the other


@pytest.fixture(scope="module")
def two(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of a recipe with the same document as two editions."""
    base = tmp_path_factory.mktemp("two")
    recipe = Path(shutil.copytree(small, base / "build"))
    second = recipe / SOURCE.parent / KEYS[1]
    shutil.copytree(recipe / SOURCE, second)
    settings = (second / "source.toml").read_text(encoding="utf-8")
    settings = re.sub(r'^key = ".*"$', f'key = "{KEYS[1]}"', settings, flags=re.MULTILINE)
    (second / "source.toml").write_text(settings, encoding="utf-8")
    return built(recipe, base / "out")


def said(release: Path, name: str) -> set[Quad]:
    """Return the statements of a dump."""
    return set(parse(path=str(release / name), format=RdfFormat.TURTLE))


def own(key: str, iri: str) -> bool:
    """Whether a thing belongs to an edition alone."""
    return iri.startswith((f"{ID}{key}/", f"{ID}source/{key}/")) or iri == f"{ID}edition/{key}"


def test_each_edition_has_a_dump_of_its_own(two: Path) -> None:
    """It holds all that the edition states and nothing of another, and describes every thing that it points to."""
    whole = said(two, "graph.ttl")
    described = {quad.subject.value for quad in whole}
    for key, other in (KEYS, KEYS[::-1]):
        part = said(two, f"edition-{key}.ttl")
        subjects = {quad.subject.value for quad in part}
        pointed = {quad.object.value for quad in part if isinstance(quad.object, NamedNode)}

        assert part < whole
        assert {quad for quad in whole if own(key, quad.subject.value)} <= part
        assert not [iri for iri in subjects | pointed if own(other, iri)]
        assert {iri for iri in pointed if iri in described} <= subjects
        assert part == {quad for quad in whole if quad.subject.value in subjects}


def test_the_parts_are_described(two: Path) -> None:
    """VoID tells the size of each part and where its dump is; DCAT has it as a distribution of the edition."""
    store = Store()
    store.bulk_load(path=str(two / "dataset.ttl"), format=RdfFormat.TURTLE)
    question = """PREFIX void: <http://rdfs.org/ns/void#> PREFIX dcat: <http://www.w3.org/ns/dcat#>
        SELECT ?n ?dump { ?whole void:subset ?part . ?part void:triples ?n ; dcat:distribution/dcat:downloadURL ?dump
            FILTER EXISTS { ?part void:dataDump ?dump } FILTER STRENDS(STR(?dump), ".ttl") }"""
    found = {row["dump"].value.rpartition("/")[2]: int(row["n"].value) for row in store.query(question)}

    assert found == {f"edition-{key}.ttl": len(said(two, f"edition-{key}.ttl")) for key in KEYS}
