"""A store elsewhere, and the releases: what is kept of the one that it held, and the others that are still at hand."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kg.core.paths import project_folders
from kg.core.release import Release
from kg.engine.data_source import Limits
from kg.server.app import app

from ...support.published import STATEMENTS, publish, write
from ...support.stores import Running, way_to
from ...support.waiting import eventually
from .test_remote import VERSIONS, command, rows, served

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
JSON = {"Accept": "application/json"}
FOREVER = "public, max-age=31536000, immutable"
ONE = [{"n": str(STATEMENTS), "version": "1", "different": "1"}]
TWO = [{"n": str(STATEMENTS), "version": "2", "different": "1"}]


def asked(client: httpx.Client, release: Release) -> httpx.Response:
    """Return the answer of a release at its own endpoint."""
    path = f"/release/{release.version}/sparql"
    return client.get(path, params={"query": VERSIONS}, headers=JSON)


def test_other_releases_are_asked_beside_a_store(store: Running, tmp_path: Path, start: Start) -> None:
    """The one in the store by asking it, one on the disk from there: immutable, with the entity tags of any host."""
    old, new = write(tmp_path, "1"), write(tmp_path, "2")
    publish(store.url, new)
    with start(served(store.url, tmp_path)) as client:
        beside = [asked(client, release) for release in (old, new)]
    with start(app(old, project_folders().queries, tmp_path, Limits.of(1))) as client:
        alone = [asked(client, release) for release in (old, new)]

    assert [answer.json() for answer in beside] == [answer.json() for answer in alone]
    assert [answer.json()["results"]["bindings"][0]["version"]["value"] for answer in beside] == ["1", "2"]
    assert {answer.headers["cache-control"] for answer in beside} == {FOREVER}
    assert [answer.headers["etag"] for answer in beside] == [answer.headers["etag"] for answer in alone]


@pytest.mark.exhaustive
def test_an_answer_that_was_kept_is_never_that_of_another_release(store: Running, tmp_path: Path) -> None:
    """The same question, kept of the old release, is asked anew once the server has the new one, and kept of that."""
    publish(store.url, write(tmp_path, "1"))
    with way_to(store) as way, command(way.url, tmp_path) as (_, client):
        assert [rows(client, VERSIONS) for _ in range(3)] == [ONE] * 3
        kept = client.post("/sparql", data={"query": VERSIONS}, headers=JSON)
        publish(store.url, write(tmp_path, "2"))
        assert eventually(lambda: client.get("/readyz").json()["release"] == "2")
        assert [rows(client, VERSIONS) for _ in range(3)] == [TWO] * 3
        known = {**JSON, "If-None-Match": kept.headers["etag"]}
        again = client.get("/sparql", params={"query": VERSIONS}, headers=known)

    assert len([query for query in way.queries if "SAMPLE" in query]) == 2
    assert again.status_code == 200 and again.headers["etag"] != kept.headers["etag"]
