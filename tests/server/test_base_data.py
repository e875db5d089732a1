"""`kg serve --base` on files and on releases that come and go, and when it is refused."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyoxigraph import NamedNode

from kg.cli import main
from kg.core.release import MANIFEST, Release, ReleasedFile

from ..support.based import CANONICAL, TURTLE, base, rows, served, triples
from ..support.commands import CHECKOUT, environment, kg_process

# What must be renamed, and what must not: text, addresses, other schemes, what only begins alike.
DATA = '''\
@prefix shisaku: <https://w3id.org/shisaku/def#> .
@prefix ex: <http://example.org/> .
<https://w3id.org/shisaku/id/a> a shisaku:Measure ; ex:part _:part ; <https://w3id.org/shisaku/def#own> <> ;
  ex:text "https://w3id.org/shisaku/id/a <https://w3id.org/shisaku/id/a>" , "https://w3id.org/shisaku/"@en ;
  ex:url "https://w3id.org/shisaku/id/a"^^<http://www.w3.org/2001/XMLSchema#anyURI> ;
  ex:alike <http://w3id.org/shisaku/id/a> , <https://w3id.org/shisaku> , <https://w3id.org/shisaku2/id/a> .
<https://w3id.org/shisaku/id/query> <http://www.w3.org/ns/shacl#ask>
  """PREFIX s: <https://w3id.org/shisaku/def#> ASK {
    <https://w3id.org/shisaku/id/a> s:own ?b , '<https://w3id.org/shisaku/>' # <https://w3id.org/shisaku/>
  }""" .
_:part ex:of <https://w3id.org/shisaku/id/a> .
'''


def test_files_are_renamed_and_their_texts_are_not(tmp_path: Path) -> None:
    """--data: IRIs under the canonical base, names of graphs among them, become those of a base that may have a path;
    printed text, addresses as text, and IRIs that only look alike stay, and nameless things of two files stay two. In a
    query that SHACL wants as text the names are renamed, its own texts and comments are not. The endpoint stands under
    the base, too, where a format has no relative references."""
    (tmp_path / "one.ttl").write_text(DATA, encoding="utf-8")
    quads = DATA.replace("<https://w3id.org/shisaku/id/a> a", f"<{CANONICAL}graph> {{ <{CANONICAL}id/b> a") + "}"
    (tmp_path / "two.trig").write_text(quads, encoding="utf-8")
    with served("--data", tmp_path / "one.ttl", "--data", tmp_path / "two.trig", path="a/path/") as site:
        top = base(site) + "a/path/"
        found = rows(site, "SELECT ?g ?s ?p ?o { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }")
        terms = [dict(term) for row in found for term in row.values()]
        document = site.get("/id/a", headers=TURTLE)
        service = site.get("/sparql", headers={"Accept": "application/n-triples"}).text

    stated = {dict(row["o"])["value"] for row in found if dict(row["s"])["type"] != "bnode"}
    assert {term["value"] for term in terms if term["value"].startswith(top)} == {
        *(top + name for name in ("graph", "id/a", "id/b", "def#Measure", "def#own", "id/query"))
    }
    assert [term for term in terms if term["type"] == "uri" and term["value"].startswith(CANONICAL)] == []
    assert {
        *(f"{CANONICAL}id/a <{CANONICAL}id/a>", CANONICAL, f"{CANONICAL}id/a"),
        *("http://w3id.org/shisaku/id/a", CANONICAL.rstrip("/"), "https://w3id.org/shisaku2/id/a"),
        *(file.as_uri() for file in tmp_path.iterdir()),
    } <= stated
    assert {text for text in stated if "ASK" in text} == {
        f"PREFIX s: <{top}def#> ASK {{\n    <{top}id/a> s:own ?b , '<{CANONICAL}>' # <{CANONICAL}>\n  }}"
    }
    assert len({term["value"] for term in terms if term["type"] == "bnode"}) == 2
    assert (
        f"<{top}sparql#service> <http://www.w3.org/ns/sparql-service-description#endpoint> <{top}sparql> ." in service
    )
    assert NamedNode(f"{top}id/a") in {triple.subject for triple in triples(document)}


def publish(out: Path, version: str) -> None:
    """Make a release of a few statements with names that were given up the current one."""
    folder = out / "releases" / version
    folder.mkdir(parents=True)
    content = DATA.replace("<>", "<https://w3id.org/shisaku/id/b>").encode()
    (folder / "graph.ttl").write_bytes(content)
    reason = {"reason_ja": "重複", "reason_en": "a duplicate", "decided_on": "2020-01-01"}
    redirects = (
        {"iri": f"{CANONICAL}id/old", "code": "301", "target": f"{CANONICAL}id/a", **reason},
        {"iri": f"{CANONICAL}id/gone", "code": "410", "target": "", **reason},
    )
    files = (ReleasedFile.of(folder / "graph.ttl"),)
    release = Release(folder, version, "2020-01-01", "0" * 64, "", (), {}, files, "", redirects)
    (folder / MANIFEST).write_text(json.dumps(release.manifest()), encoding="utf-8")
    (out / "next").symlink_to(folder)
    (out / "next").replace(out / "current")


@pytest.mark.exhaustive
def test_a_new_release_is_served_under_the_same_base(real: Release, tmp_path: Path) -> None:
    """What comes while the server runs is renamed, too, also the names that it gives up; its files are not."""
    (tmp_path / "current").symlink_to(real.folder)
    with served("--out", tmp_path) as site:
        assert site.get("/readyz").json()["release"] == real.version
        publish(tmp_path, "3000.1.0")
        while site.get("/readyz").json()["release"] != "3000.1.0":
            time.sleep(0.05)
        query = f"ASK {{ <{base(site)}id/a> <def#own> <id/b> FILTER NOT EXISTS {{ <{CANONICAL}id/a> ?p ?o }} }}"
        assert site.get("/sparql", params={"query": query}).json()["boolean"] is True
        moved = site.get("/id/old", headers=TURTLE)
        assert ([step.status_code for step in moved.history], moved.status_code) == ([301, 303], 200)
        assert moved.url == f"{base(site)}doc/a"
        assert site.get("/id/gone").status_code == 410
        for start in (CANONICAL, base(site)):
            answer = site.get("/lookup", params={"iri": f"{start}id/old"}, headers=TURTLE)
            assert answer.url == f"{base(site)}doc/a"
        assert f"<{CANONICAL}id/a>" in site.get("/release/latest/graph.ttl").text


@pytest.mark.parametrize(
    "wrong",
    [
        *("http://example.org", "http://example.org/data", "example.org/", "/data/", "ftp://example.org/"),
        *("http://example.org/?a/", "http://example.org/#a/", "http://例え.jp/", "http://example.org/a b/"),
        *("http://example.org/../", "http://example.org/./a/", "http://user@example.org/", "http:///", "urn:a:/"),
    ],
)
def test_what_is_no_base_is_refused(wrong: str) -> None:
    """A base is an absolute http or https IRI in ASCII with a slash at its end; the error says so, before any work."""
    for options in ({"args": ["serve", "--base", wrong]}, {"args": ["serve"], "env": {"KG_BASE": wrong}}):
        result = CliRunner().invoke(main, **options)
        assert result.exit_code == 2
        assert f"{wrong} is not a base IRI" in result.stderr
        assert "with a slash at its end" in result.stderr


def test_nothing_is_built_under_another_base(tmp_path: Path) -> None:
    """In the environment of a server with a base of its own a build stops, says why, and leaves nothing."""
    result = kg_process("build", "--out", tmp_path, KG_SERVED_BASE="http://127.0.0.1:8000/")

    assert result.returncode == 1
    assert "http://127.0.0.1:8000/" in result.stderr and "unset KG_SERVED_BASE" in result.stderr
    assert not list(tmp_path.iterdir())


def test_the_store_on_the_disk_has_other_names(real: Release) -> None:
    """With a base of its own a server loads a release into memory, however large it is and however little there is."""
    program = (
        "from pathlib import Path; from kg.core.release import read_release;"
        "from kg.engine import data_source as source, data_source as limits;"
        f"found = source.Source.of(read_release(Path({str(real.folder)!r})), limits.Limits(), 0);"
        "source.QUICKLY_LOADED = 0; print(found.on_disk, found.quickly_opened().on_disk)"
    )
    for start, on_disk in ((CANONICAL, "True True\n"), ("http://127.0.0.1:8000/", "False False\n")):
        command, there = [sys.executable, "-c", program], environment(KG_SERVED_BASE=start)
        answer = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, env=there)
        assert (answer.stdout, answer.stderr) == (on_disk, ""), start
