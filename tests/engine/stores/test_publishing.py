"""`kg publish`: a release is loaded into a store elsewhere, counted, and switched to."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from kg.cli import main
from kg.core.errors import StoreError
from kg.core.release import CATALOGUE_GRAPH, VOID_GRAPH
from kg.engine import remote_publisher
from kg.engine.remote_backend import find_published_release
from kg.engine.remote_release import LAYOUT, STATUS_GRAPH, StoreAddress, graph_of
from kg.engine.store_client import StoreClient

from ...support.published import STATEMENTS, publish, write
from ...support.stores import Running, way_to

XSD = "http://www.w3.org/2001/XMLSchema#"
ROOT = Path(__file__).resolve().parents[3]
# Publishes in requests of a hundred triples, and is killed when three of them have been sent.
DYING = """
import os, signal, sys
from pathlib import Path
from kg.core.release import read_release
from kg.engine import remote_publisher as loading
from kg.engine.store_client import StoreClient
from kg.engine.remote_release import StoreAddress
loading.CHUNK = 100
def progress(there, total):
    if there == 300:
        os.kill(os.getpid(), signal.SIGKILL)
with StoreClient(StoreAddress(sys.argv[1]), 60) as connection:
    loading.RemotePublisher(connection).publish(read_release(Path(sys.argv[2])), progress)
"""


def sizes(store: Running) -> dict[str, int]:
    """Return how many triples each graph of a store has."""
    rows = store.asked("SELECT ?graph (COUNT(*) AS ?size) { GRAPH ?graph { ?s ?p ?o } } GROUP BY ?graph")
    return {row["graph"]: int(row["size"]) for row in rows}


def held(store: Running) -> str:
    """Return the version that a store says is current; empty where it says none."""
    with StoreClient(StoreAddress(store.url)) as connection:
        holding = find_published_release(connection)
        return holding.version if holding else ""


def test_the_command_publishes_and_says_so(store: Running, tmp_path: Path) -> None:
    """The triples are in a graph of the release, the descriptions in theirs, and one graph says what is current."""
    write(tmp_path, "1.0.0")
    command = ["publish", "--to", store.url, "--out", str(tmp_path), "--release", "1.0.0"]
    first, again = (CliRunner().invoke(main, command) for _ in range(2))

    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert "Release 1.0.0 is the current one there: 500 triples, 500 of them sent now" in first.output
    assert "there already" in again.output
    assert held(store) == "1.0.0"
    assert sizes(store) == {graph_of("1.0.0"): STATEMENTS, CATALOGUE_GRAPH: 2, VOID_GRAPH: 1, STATUS_GRAPH: 5}


def test_a_store_that_a_newer_program_has_published_to_is_refused(store: Running, tmp_path: Path) -> None:
    """Its format is named with the way on; a statement without a format, as an older program made it, is read."""
    write(tmp_path, "1.0.0")
    command = ["publish", "--to", store.url, "--out", str(tmp_path), "--release", "1.0.0"]
    assert CliRunner().invoke(main, command).exit_code == 0
    stated = f'{{ GRAPH <{STATUS_GRAPH}> {{ ?d <{LAYOUT}> "1" }} }}'
    changes = f"DELETE {stated} %s WHERE {stated}"
    newer = f'INSERT {{ GRAPH <{STATUS_GRAPH}> {{ ?d <{LAYOUT}> "2" }} }}'
    for inserted in (newer, ""):
        httpx.post(store.url.replace("query", "update"), data={"update": changes % inserted}).raise_for_status()
        if inserted:
            refused = CliRunner().invoke(main, ["serve", "--store", store.url, "--out", str(tmp_path), "--port", "0"])
            assert refused.exit_code == 1
            assert "the store holds release 1.0.0 in format 2; this is kg" in refused.output
            assert "publish a release by this one: kg publish --to URL" in refused.output
            again = CliRunner().invoke(main, command)  # as the message says
            assert again.exit_code == 0, again.output
            assert held(store) == "1.0.0"
    assert held(store) == "1.0.0"


def test_the_release_before_is_kept_and_the_one_before_that_is_not(store: Running, tmp_path: Path) -> None:
    """Who is still being answered from the old release can be; nothing older fills the store."""
    for version in ("1", "2", "3"):
        publish(store.url, write(tmp_path, version))

    there = sizes(store)
    assert held(store) == "3"
    assert [version for version in ("1", "2", "3") if graph_of(version) in there] == ["2", "3"]
    assert store.asked(f"SELECT ?v {{ GRAPH <{VOID_GRAPH}> {{ ?s ?p ?v }} }}") == [{"v": "3"}]


def test_a_load_that_was_killed_goes_on_where_it_stopped(
    store: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the end nobody sees anything of the new release; the second run sends only what is missing."""
    publish(store.url, write(tmp_path, "1"))
    release = write(tmp_path, "2")
    killed = subprocess.run([sys.executable, "-c", DYING, store.url, str(release.folder)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert held(store) == "1" and sizes(store)[graph_of("2")] == 300

    monkeypatch.setattr(remote_publisher, "CHUNK", 100)
    loaded = publish(store.url, release)

    assert (loaded.sent, loaded.triples) == (200, STATEMENTS)
    assert held(store) == "2" and sizes(store)[graph_of("2")] == STATEMENTS


def test_a_release_is_not_switched_to_where_a_triple_is_missing(store: Running, tmp_path: Path) -> None:
    """A store that makes one of two triples is found by its count, and goes on serving what it did."""
    publish(store.url, write(tmp_path, "1"))
    alike = "".join(f'<http://example.org/a> <http://example.org/b> "{n}"^^<{XSD}integer> .\n' for n in ("1", "01"))

    with pytest.raises(StoreError, match="501 of the 502 triples"):
        publish(store.url, write(tmp_path, "2", more=alike))
    assert held(store) == "1"
    assert graph_of("2") not in sizes(store)


@pytest.mark.parametrize("current", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_what_is_too_much_is_taken_away_first(store: Running, tmp_path: Path, current: bool) -> None:
    """Triples that stand in the graph of the release and not in the release are gone after publishing."""
    release = write(tmp_path, "1")
    if current:
        publish(store.url, release)
    extra = "".join(f"<http://example.org/{n}> <http://example.org/extra> {n} .\n" for n in range(STATEMENTS + 1))
    where, kind = store.url.replace("/query", "/store"), {"Content-Type": "text/turtle"}
    httpx.post(where, params={"graph": graph_of("1")}, content=extra, headers=kind).raise_for_status()

    publish(store.url, release)

    assert sizes(store)[graph_of("1")] == STATEMENTS and held(store) == "1"


def test_an_engine_that_is_not_known_has_to_be_told_where_it_is_written_to(store: Running, tmp_path: Path) -> None:
    """With --graph-store any engine is filled by the Graph Store Protocol alone, in steps that a server can see."""
    write(tmp_path, "1")
    common = ["publish", "--to", store.url, "--engine", "generic", "--out", str(tmp_path), "--release", "1"]
    asked = CliRunner().invoke(main, common)
    told = CliRunner().invoke(main, [*common, "--graph-store", store.url.replace("/query", "/store")])

    assert asked.exit_code == 1 and "--graph-store URL" in asked.output
    assert told.exit_code == 0, told.output
    assert held(store) == "1" and sizes(store)[graph_of("1")] == STATEMENTS


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/sparql", "cannot be reached"),
        ("http://somebody:secret@127.0.0.1:1/sparql", "a password goes into KG_STORE_USER and KG_STORE_PASSWORD"),
        ("ftp://127.0.0.1/sparql", "not the address of a SPARQL endpoint"),
    ],
)
def test_an_address_that_is_none_is_told_with_a_remedy(tmp_path: Path, url: str, said: str) -> None:
    """The command ends with 1 and words, and never repeats a password."""
    write(tmp_path, "1")
    result = CliRunner().invoke(main, ["publish", "--to", url, "--out", str(tmp_path), "--release", "1"])

    assert result.exit_code == 1 and said in result.output
    assert "secret" not in result.output and "Traceback" not in result.output


def test_who_writes_is_told_by_the_environment_alone(
    store: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """User and password, or a token, reach the store; a store that lets nobody write is told with the variables."""
    release = write(tmp_path, "1")
    with way_to(store) as way:
        monkeypatch.setenv("KG_STORE_USER", "writer")
        monkeypatch.setenv("KG_STORE_PASSWORD", "secret")
        way.wrong = lambda handler: handler.path.startswith("/store") and not handler.answer(403, b"no")
        with pytest.raises(StoreError, match="set KG_STORE_USER and KG_STORE_PASSWORD, or KG_STORE_TOKEN") as refused:
            publish(way.url, release)
        monkeypatch.setenv("KG_STORE_TOKEN", "t0ken")
        way.wrong = lambda handler: False
        publish(way.url, release)

    assert "Basic d3JpdGVyOnNlY3JldA==" in way.credentials
    assert way.credentials[-1] == "Bearer t0ken"
    assert "secret" not in str(refused.value)
    assert held(store) == "1"
