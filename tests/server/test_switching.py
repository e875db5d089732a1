"""A new release takes the place of the old one while the server answers."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pyoxigraph import RdfFormat, Store

from kg.core.release import ENGINE, MANIFEST, N_QUADS, STORE, Release, ReleasedFile, current_release

from ..support.servers import started

PROGRAM = """
import sys
from pathlib import Path
from kg.core.release import current_release
from kg.server.runner import serve
out = Path(sys.argv[1])
serve(current_release(out), out, out, port=0, follow=True)
"""
# Every statement of a release names its version.
VERSIONS = "SELECT (COUNT(*) AS ?statements) (SAMPLE(?v) AS ?version) (COUNT(DISTINCT ?v) AS ?different) { ?s ?p ?v }"
STATEMENTS = 2000


def publish(out: Path, version: str, **broken: str) -> None:
    """Write a release and switch to it, as a build does; files may hold what they should not."""
    folder = out / "releases" / version
    folder.mkdir(parents=True)
    lines = (f'<http://example.org/{n}> <http://example.org/p> "{version}" .\n' for n in range(STATEMENTS))
    for name, content in {"graph": "".join(lines), "ontology": "", **broken}.items():
        (folder / f"{name}.ttl").write_text(content, encoding="utf-8")
    files = tuple(ReleasedFile.of(file) for file in sorted(folder.iterdir()))
    release = Release(folder, version, "2019-10-11", "0" * 64, "", (), {}, files)
    (folder / MANIFEST).write_text(json.dumps(release.manifest()), encoding="utf-8")
    link = out / "next"
    link.symlink_to(folder.relative_to(out))
    link.replace(out / "current")


@contextmanager
def server(out: Path, before: str = "") -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run a server of the current release as a process of its own and give it with a client."""
    with started("-c", before + PROGRAM, out) as (process, client, _):
        yield process, client


def on_disk(release: Release) -> None:
    """Give a release the store and the N-Quads that a build writes."""
    store = Store(str(release.path(STORE)))
    store.load(path=str(release.path("graph.ttl")), format=RdfFormat.TURTLE)
    store.optimize()
    store.flush()
    store.dump(str(release.path(N_QUADS)), RdfFormat.N_QUADS)
    (release.path(MANIFEST)).write_text(json.dumps({**release.manifest(), "store": ENGINE}), encoding="utf-8")


def asked(site: httpx.Client) -> tuple[str, ...]:
    """Return what an answer says: how many statements there are, of which version, of how many versions."""
    row = site.get("/sparql", params={"query": VERSIONS}).raise_for_status().json()["results"]["bindings"][0]
    return tuple(row[name]["value"] for name in ("statements", "version", "different"))


def zygotes(process: subprocess.Popen[str]) -> int:
    """Return how many processes the server has started that still run."""
    found = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        found += int(parent) == process.pid and state not in "ZX"
    return found


def test_no_request_fails_and_no_answer_is_mixed(tmp_path: Path) -> None:
    """Four clients ask without a pause while two new releases come: each answer is that of one release, whole."""
    publish(tmp_path, "1")
    answers: list[tuple[str, ...]] = []
    failures: list[Exception] = []
    stop = threading.Event()

    def client(address: httpx.URL) -> None:
        with httpx.Client(base_url=address, timeout=30) as site:
            while not stop.is_set():
                try:
                    answers.append(asked(site))
                except httpx.HTTPError as error:
                    failures.append(error)

    with server(tmp_path) as (process, site):
        clients = [threading.Thread(target=client, args=(site.base_url,)) for _ in range(4)]
        for thread in clients:
            thread.start()
        for version in ("2", "3"):
            publish(tmp_path, version)
            assert process.stdout.readline() == f"Serving release {version} from now on.\n"
        while answers[-1][1] != "3":
            time.sleep(0.01)
        stop.set()
        for thread in clients:
            thread.join()

        assert failures == []
        assert set(answers) == {(str(STATEMENTS), version, "1") for version in "123"}
        ready = {"release": "3", "triples": STATEMENTS, "store": "memory"}
        assert site.get("/readyz").json().items() >= ready.items()
        assert site.get("/release/latest", follow_redirects=True).json()["version"] == "3"
        while zygotes(process) > 1:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=120) == ("", "")


@pytest.mark.exhaustive
def test_a_large_release_is_served_from_the_disk_until_it_is_loaded(tmp_path: Path) -> None:
    """The first answers come from the store on the disk; then, without a pause, from memory. They are the same."""
    publish(tmp_path, "1")
    on_disk(current_release(tmp_path))
    everything_is_large = "import kg.engine.data_source\nkg.engine.data_source.QUICKLY_LOADED = 0\n"
    with server(tmp_path, everything_is_large) as (_, site):
        answers = {asked(site)}
        first = site.get("/readyz").json()["store"]
        while site.get("/readyz").json()["store"] == "disk":
            answers.add(asked(site))
        answers.add(asked(site))

    assert first == "disk"
    assert answers == {(str(STATEMENTS), "1", "1")}


@pytest.mark.exhaustive
@pytest.mark.parametrize("broken", ["graph", "ontology"])
def test_a_release_that_cannot_be_served_leaves_the_old_one(tmp_path: Path, broken: str) -> None:
    """The error is written down once, the old release goes on, and the next good one takes its place."""
    publish(tmp_path, "1")
    with server(tmp_path) as (process, site):
        publish(tmp_path, "2", **{broken: "this is not valid Turtle"})
        assert "cannot be served" in process.stderr.readline()
        assert asked(site)[1] == "1"

        publish(tmp_path, "3")
        assert process.stdout.readline() == "Serving release 3 from now on.\n"
        while asked(site)[1] != "3":
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert "cannot be served" not in process.communicate(timeout=120)[1]
