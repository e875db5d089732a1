"""What another version of the program has left behind is opened, or told with what to do."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from kg.core.release import FORMAT, MANIFEST, OLDEST, SEARCH, STORE, read_release

from ..support.small_releases import environment, kg

Alter = Callable[[dict[str, Any]], None]
Other = Callable[[Alter], Path]
# What a release held at first (format 1). All else came later, without a new format.
FIRST = {"graph.ttl", "graph.nt", "graph.nq", "ontology.ttl", "queries.ttl", "dataset.ttl", "measures.csv", "kpis.csv"}


@pytest.fixture
def other(small_release: Path, tmp_path: Path) -> Other:
    """Copy the small release into a folder of releases with another manifest; return its folder."""

    def copied(alter: Alter) -> Path:
        folder = tmp_path / "out" / "releases" / "2019.1.0"
        shutil.copytree(small_release.resolve(), folder)
        (tmp_path / "out" / "current").symlink_to(folder)
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        alter(manifest)
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        return folder

    return copied


@contextmanager
def served(folder: Path) -> Iterator[tuple[httpx.Client, Path]]:
    """Serve a release by the command line; give a client, and the file with what is said."""
    said = folder.parents[1] / "said.txt"
    command = [sys.executable, "-m", "kg", "serve", "--port", "0", "--workers", "1", "--release", folder.name]
    command += ["--out", str(folder.parents[1])]
    with (
        said.open("wb") as errors,
        subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert " at " in line, said.read_text(encoding="utf-8")
            with httpx.Client(base_url=line.split(" at ")[1].split()[0], timeout=60, follow_redirects=True) as client:
                yield client, said
        finally:
            process.terminate()


def test_a_release_of_an_older_program_is_served(other: Other) -> None:
    """What the first releases lacked is done without; their store and index are told to be those of another version."""

    def older(manifest: dict[str, Any]) -> None:
        manifest["files"] = [file for file in manifest["files"] if file["name"] in FIRST]
        manifest["store"] = "pyoxigraph 0.4.0"
        manifest["search"] = "0"
        del manifest["redirects"]

    folder = other(older)
    for file in folder.iterdir():
        if file.is_file() and file.name not in {*FIRST, MANIFEST, SEARCH}:
            file.unlink()

    with served(folder) as (site, said):
        count = site.get("/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "format": "csv"})
        assert int(count.text.split()[1]) == read_release(folder).counts["triples"]
        for path in ("/", "/browse", "/pictures", "/quality", "/doc/edition/municipal-2019", "/def", "/about", "/docs"):
            assert site.get(path, headers={"Accept": "text/html"}).status_code == 200, path
        assert site.get("/release/2019.1.0/graph.ttl").content == (folder / "graph.ttl").read_bytes()
        assert site.get("/release/2019.1.0/graph.rdf").status_code == 404
        told = said.read_text(encoding="utf-8")

    assert f"{folder / STORE}: its store was written by pyoxigraph 0.4.0, this is pyoxigraph" in told
    assert "until then `kg serve` loads the graph into memory" in told
    assert f"{folder / SEARCH}: its search index has format 0; this program reads" in told
    assert "until then `kg serve` makes its own at its start" in told


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        (
            {"format": FORMAT + 1, "program": "9.9"},
            rf"release format {FORMAT + 1}, made by kg 9\.9; this is kg \S+, format",
        ),
        ({"format": OLDEST - 1}, rf"release format {OLDEST - 1}, made by kg"),
        ({"format": "1"}, "the manifest names no format"),
        ({"files": 7}, "incomplete manifest: "),
        ({"editions": None}, "incomplete manifest: "),
    ],
)
def test_a_release_that_cannot_be_read_is_told_with_the_way_on(
    other: Other, alter: dict[str, Any], told: str, small: Path
) -> None:
    """A newer format, one that is no longer read, a broken manifest: the command says what to type."""
    folder = other(lambda manifest: manifest.update(alter))
    result = kg("query", "--out", folder.parents[1], "--recipe", small, "measures-by-pillar")

    assert result.returncode == 1
    assert re.search(rf"{re.escape(str(folder / MANIFEST))}: {told}", result.stderr), result.stderr
    assert ("pip install --upgrade shisaku-graph" in result.stderr) == (alter.get("format") == FORMAT + 1)
    assert "`kg build`: it makes a release that this program reads" in result.stderr


def test_a_release_without_a_manifest_is_told(other: Other) -> None:
    """A folder that holds no manifest is no release; what helps is said."""
    folder = other(lambda manifest: None)
    (folder / MANIFEST).unlink()
    result = kg("query", "--out", folder.parents[1], "measures-by-pillar")

    assert result.returncode == 1
    assert f"{folder / MANIFEST}: no readable manifest: " in result.stderr
    assert "run `kg build`" in result.stderr


def test_the_index_of_another_version_is_told_where_it_is_needed(other: Other, small: Path) -> None:
    """`kg link` needs the index: it says which format there is, and which command makes another."""
    folder = other(lambda manifest: manifest.update(search="0"))
    table = folder.parents[1] / "table.csv"
    table.write_text("name\n総務省\n", encoding="utf-8")
    result = kg("link", table, "--column", "name", "--releases", folder.parents[1], "--recipe", small)

    assert result.returncode == 1
    assert f"{folder / SEARCH}: its search index has format 0; this program reads" in result.stderr
    assert "`kg build` makes one" in result.stderr
