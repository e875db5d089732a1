"""Small releases whose statements name their version, and a store that holds one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.core.release import CATALOGUE_GRAPH, MANIFEST, VOID_GRAPH, Release, ReleasedFile, dataset_iri, read_release
from kg.engine.remote_publisher import PublishResult, RemotePublisher
from kg.engine.remote_release import CATALOGUE_DATASET, StoreAddress
from kg.engine.store_client import StoreClient

from .stores import Running, oxigraph

DCAT = "http://www.w3.org/ns/dcat#"
STATEMENTS = 500


def write(out: Path, version: str, statements: int = STATEMENTS, more: str = "") -> Release:
    """Write a release: as many statements with its version, and the same in its catalogue."""
    folder = out / "releases" / version
    folder.mkdir(parents=True)
    lines = [f'<http://example.org/{n}> <http://example.org/version> "{version}" .\n' for n in range(statements)]
    graph = "".join(lines) + more
    beside = (
        f"<{CATALOGUE_DATASET}> <{DCAT}hasVersion> <{dataset_iri(version)}> <{CATALOGUE_GRAPH}> .\n"
        f'<{dataset_iri(version)}> <{DCAT}version> "{version}" <{CATALOGUE_GRAPH}> .\n'
        f'<http://example.org/void> <http://example.org/version> "{version}" <{VOID_GRAPH}> .\n'
    )
    contents = {"graph.ttl": graph, "graph.nt": graph, "graph.nq": graph + beside}
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    files = tuple(ReleasedFile.of(folder / name) for name in contents)
    release = Release(folder, version, "2019-10-11", "0" * 64, "test", (), {"triples": statements}, files)
    (folder / MANIFEST).write_text(json.dumps(release.manifest()), encoding="utf-8")
    return read_release(folder)


def publish(url: str, release: Release) -> PublishResult:
    """Publish a release to a store, as `kg publish` does."""
    with StoreClient(StoreAddress(url), 60) as connection:
        return RemotePublisher(connection).publish(release, lambda there, total: None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Running]:
    """An empty Oxigraph."""
    folder = tmp_path / "store"
    folder.mkdir()
    with oxigraph(folder) as running:
        yield running
