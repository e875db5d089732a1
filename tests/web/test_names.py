"""Every name in the real data is answered. Asked of the application itself, without a socket: there are thousands."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from urllib.parse import urljoin

import pytest
from fastapi import FastAPI
from pyoxigraph import DefaultGraph, NamedNode, RdfFormat, parse

from kg.core.paths import project_folders
from kg.core.release import Release
from kg.server.app import app

BASE = "https://w3id.org/shisaku/"
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
Answer = tuple[int, str, str]  # status, Location, body


@pytest.fixture(scope="module")
def used(real: Release) -> list[str]:
    """Every IRI under the base that stands anywhere in the data, the named graphs included."""
    quads = parse(path=str(real.path("graph.nq")), format=RdfFormat.N_QUADS)
    terms = {term for quad in quads for term in (*quad.triple, quad.graph_name) if term != DefaultGraph()}
    return sorted(term.value for term in terms if isinstance(term, NamedNode) and term.value.startswith(BASE))


def answers(application: FastAPI, paths: list[str]) -> list[Answer]:
    """Return what the application answers to a GET of each path, for a client that wants N-Triples or anything else."""

    async def get(path: str) -> Answer:
        sent: list[dict] = []

        async def receive() -> dict:
            await asyncio.Future()  # nothing comes: the client only waits
            raise AssertionError

        async def send(message: dict) -> None:
            sent.append(message)

        headers = [(b"accept", b"application/n-triples, */*;q=0.1")]
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": headers}
        scope |= {"http_version": "1.1", "scheme": "http", "query_string": b"", "server": ("testserver", 80)}
        await application(scope, receive, send)
        location = dict(sent[0]["headers"]).get(b"location", b"").decode()
        return (
            sent[0]["status"],
            location,
            b"".join(message.get("body", b"") for message in sent[1:]).decode(errors="replace"),
        )

    async def all_of_them() -> list[Answer]:
        async with application.router.lifespan_context(application):
            return [await get(path) for path in paths]

    with ThreadPoolExecutor(1) as thread:  # in this one the loop of a browser may run
        return thread.submit(asyncio.run, all_of_them()).result()


def each_kind(iris: list[str], some: int) -> Iterator[str]:
    """Yield some IRIs of each kind: those that differ only in numbers and keys are of one."""
    kinds: dict[str, list[str]] = {}
    for iri in iris:
        kinds.setdefault(re.sub(r"x-[0-9a-f]{10}|\d+", "N", iri), []).append(iri)
    for kind in kinds.values():
        yield from islice(kind, some)


@pytest.mark.parametrize(("step", "least"), [(10, 400), pytest.param(1, 4000, marks=pytest.mark.exhaustive)])
def test_every_name_of_a_thing_leads_to_its_document(real: Release, used: list[str], step: int, least: int) -> None:
    """Each IRI of a thing, or one of ten, is answered by 303, relative, and leads from itself to its document."""
    things = [iri for iri in used if iri.startswith(f"{BASE}id/")][::step]
    paths = [iri.removeprefix(BASE.removesuffix("/")) for iri in things]
    named = answers(app(real, project_folders().queries, real.folder.parents[1]), paths)

    assert len(things) > least
    assert {status for status, _, _ in named} == {303}
    for iri, (_, location, _) in zip(things, named, strict=True):
        assert location.startswith("../")
        assert urljoin(iri, location) == iri.replace("/id/", "/doc/", 1)


@pytest.mark.parametrize(("step", "least"), [(40, 20), pytest.param(1, 150, marks=pytest.mark.exhaustive)])
def test_every_kind_of_document_is_about_its_thing(real: Release, used: list[str], step: int, least: int) -> None:
    """Some documents of each kind of thing, and every other document that the data names, are there."""
    things = list(each_kind([iri for iri in used if iri.startswith(f"{BASE}id/")], 5))[::step]
    others = sorted({iri.partition("#")[0] for iri in used if not iri.startswith(f"{BASE}id/")})
    paths = [iri.replace("/id/", "/doc/", 1).removeprefix(BASE.removesuffix("/")) for iri in [*things, *others]]
    got = answers(app(real, project_folders().queries, real.folder.parents[1]), paths)

    assert len(things) > least and len(others) > 20
    assert [path for path, (status, _, _) in zip(paths, got, strict=True) if status != 200] == []
    assert [iri for iri, (_, _, body) in zip(things, got, strict=False) if f"<{iri}> {TYPE} " not in body] == []
