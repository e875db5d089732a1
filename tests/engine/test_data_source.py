"""Where the workers' store is: in memory, or on the disk where memory is short."""

import asyncio
import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, Store

from kg.core.errors import ReleaseError
from kg.core.paths import available_memory
from kg.core.release import ENGINE, MANIFEST, Release, ReleasedFile, read_release
from kg.engine.data_source import MB, Limits, Source
from kg.engine.pool import Pool
from kg.engine.wire import Answer, QueryRequest, Refusal

LIMITS = Limits(workers=2, slow_slots=2, seconds=1.0, fast_seconds=0.1, memory=64 * MB)
QUADS = "".join(f'<http://example.org/{n}> <http://example.org/p> "number {n}" .\n' for n in range(3000))
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


@pytest.fixture
def stored(tmp_path: Path) -> Release:
    """A release with a store directory."""
    (tmp_path / "graph.nq").write_text(QUADS, encoding="utf-8")
    store = Store(str(tmp_path / "store"))
    store.bulk_load(input=QUADS, format=RdfFormat.N_QUADS)
    store.optimize()
    del store
    files = (ReleasedFile.of(tmp_path / "graph.nq"),)
    release = Release(tmp_path, "1", "2019-10-11", "0" * 64, "", (), {}, files, ENGINE)
    (tmp_path / MANIFEST).write_text(json.dumps(release.manifest()), encoding="utf-8")
    return read_release(tmp_path)


def asked(source: Source, *queries: str) -> tuple[int, list[Answer | Refusal]]:
    """Return the number of triples that a pool gives, and what it answers to queries that come one after another."""

    async def ask() -> tuple[int, list[Answer | Refusal]]:
        pool, answers = Pool.of(source, LIMITS), list[Answer | Refusal]()
        async with pool.running():
            for query in queries:
                try:
                    answers.append(await pool.ask(QueryRequest(query)))
                except Refusal as refusal:
                    answers.append(refusal)
        return pool.triples, answers

    with ThreadPoolExecutor(1) as thread:  # in this one the loop of a browser may run
        return thread.submit(asyncio.run, ask()).result()


@pytest.mark.parametrize("on_disk", [False, True])
def test_both_places_give_the_same_answers_within_the_same_limits(stored: Release, on_disk: bool) -> None:
    """From memory and from the disk: the same count, the same answer, the same end of what is too much."""
    bomb = "SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?d))) AS ?x) { ?a ?b ?c . ?d ?e ?f }"
    triples, (count, refused, again) = asked(Source(release=stored.folder, on_disk=on_disk), COUNT, bomb, COUNT)

    assert triples == 3000
    assert isinstance(count, Answer)
    assert b'"3000"' in count.body
    assert count == again
    assert isinstance(refused, Refusal)
    assert refused.status == 503


def test_the_disk_is_chosen_where_memory_is_short(stored: Release) -> None:
    """A release that does not fit stays on the disk, if it has a store; files are loaded in any case."""
    assert not Source.of(stored, LIMITS).on_disk
    assert Source.of(stored, LIMITS, available=MB // 4).on_disk
    assert not Source.of(dataclasses.replace(stored, store="another engine"), LIMITS, available=MB // 4).on_disk
    assert not Source.of([stored.path("graph.nq")], LIMITS, available=MB // 4).on_disk
    assert available_memory() > 64 * MB


def test_a_store_that_cannot_be_opened_is_said_with_a_remedy(stored: Release) -> None:
    """A damaged store is an error when the server starts."""
    for file in (stored.folder / "store").iterdir():
        file.write_bytes(b"damaged")

    with pytest.raises(ReleaseError, match="kg build"):
        asked(Source(release=stored.folder, on_disk=True))
