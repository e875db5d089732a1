"""Loads a release into a store elsewhere, beside the one that is served there, and makes it the current one.

What is sent again does no harm: triples are a set, and there are no blank nodes. So an interrupted load goes on where
the store's own count says that it stopped. Until all counts are those of the release, no reader sees anything of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse, serialize

from kg.core.errors import Problem, ReleaseError, StoreError
from kg.core.iris import BASE, PREFIXES
from kg.core.negotiation import N_TRIPLES as FORMAT
from kg.core.release import N_QUADS, N_TRIPLES, Release
from kg.core.sparql_scanner import Dataset
from kg.engine.remote_release import (
    BEFORE,
    COMING,
    CURRENT,
    EVERY_VERSION,
    LAID_OUT,
    LAYOUT,
    NAMED,
    PASSWORD,
    SINCE,
    STATED,
    TOKEN,
    USER,
    VERSION,
    dataset_of,
    graph_of,
)
from kg.engine.store_client import Connection

CHUNK = 20_000  # triples in one request
_ATTEMPTS = 3
_DATE_TIME = NamedNode(PREFIXES["xsd"] + "dateTime")
_SHOWN = 300  # characters of what a store says
_REMEDY = "see the store's own log, then run the command again: it goes on where it has stopped"
_STATED = f"""SELECT ?stage ?version ?before ?layout {{ GRAPH <{STATED}> {{
  <{EVERY_VERSION}> ?stage ?dataset . ?dataset <{VERSION}> ?version ; <{BEFORE}> ?before
  OPTIONAL {{ ?dataset <{LAYOUT}> ?layout }} }} }}"""

# Told how many of how many triples are there.
Progress = Callable[[int, int], None]
Graphs = Mapping[str, Sequence[Triple]]


@dataclass(frozen=True)
class Loaded:
    """What was done: how many triples were sent of how many, and whether the release has become the current one."""

    sent: int
    triples: int
    switched: bool


@dataclass(frozen=True)
class _State:
    """What the store says of releases: the stage of one, its version, the version before it, and its format."""

    stage: str = ""
    version: str = ""
    before: str = ""
    layout: str = ""

    def kept(self, version: str) -> str:
        """Return which release is to stay beside one that becomes the current one: that which is being read now."""
        return self.version if self.stage == CURRENT and self.version != version else self.before


class Loader:
    """Puts releases into one store. `graphs` is where it serves the Graph Store Protocol, if it is to be told."""

    def __init__(self, connection: Connection, graphs: str = "") -> None:
        url = connection.recognised().url
        self._connection, self._updates = connection, connection.engine.updates(url)
        self._graphs = graphs or connection.engine.graphs(url)
        if not self._graphs:
            remedy = "say where it serves the SPARQL 1.1 Graph Store HTTP Protocol: --graph-store URL"
            raise StoreError(Problem("nothing is known of how this store is written to", remedy))

    def publish(self, release: Release, progress: Progress) -> Loaded:
        """Load a release, count what has arrived, and make it the current one; raise StoreError where that fails."""
        for name in (N_TRIPLES, N_QUADS):
            if not release.path(name).is_file():
                remedy = "make the release again: kg build"
                raise ReleaseError(Problem("this file of the release is not there", remedy, release.path(name)))
        version, total, state = release.version, sum(1 for _ in _lines(release)), self._state()
        beside, graph = _beside(release), graph_of(version)
        current = (state.stage, state.version, state.layout) == (CURRENT, version, LAID_OUT)
        if current and self._count(graph) != total:  # it is being read: nobody is to see how it is mended
            self._put(STATED, _statement(COMING, version, state.before))
        sent = self._load(release, graph, total, progress)
        self._connection.gives_whole(Dataset((graph,), NAMED), total)
        there = all(self._count(name) == len(triples) for name, triples in beside.items())
        if not sent and there and current:
            return Loaded(0, total, False)
        kept = state.kept(version)
        self._switch(version, kept, beside)
        for gone in {state.version, state.before} - {version, kept, ""}:
            self._sent("DELETE", graph_of(gone))
        return Loaded(sent, total, True)

    def _load(self, release: Release, graph: str, total: int, progress: Progress) -> int:
        """Send what the graph lacks; return how many triples that were."""
        there = self._count(graph)
        if there > total:
            self._sent("DELETE", graph)
            there = 0
        start = there if there == total else there // CHUNK * CHUNK
        lines = islice(_lines(release), start, None)
        for done in range(start, total, CHUNK):
            progress(done, total)
            self._sent("POST", graph, b"".join(islice(lines, CHUNK)))
        self._verified(graph, total)
        return total - start

    def _switch(self, version: str, kept: str, beside: Graphs) -> None:
        """Replace the named graphs and say that the release is current: in one step where the engine can."""
        if self._updates:
            for name, triples in beside.items():
                self._put(_staged(name), triples)
            moves = [f"MOVE GRAPH <{_staged(name)}> TO GRAPH <{name}>" for name in beside]
            stated = " ".join(f"{triple} ." for triple in _statement(CURRENT, version, kept))
            said = [f"CLEAR SILENT GRAPH <{STATED}>", f"INSERT DATA {{ GRAPH <{STATED}> {{ {stated} }} }}"]
            self._succeeded("POST", self._updates, data={"update": " ;\n".join((*moves, *said))})
        else:
            self._put(STATED, _statement(COMING, version, kept))
            for name, triples in beside.items():
                self._put(name, triples)
            self._put(STATED, _statement(CURRENT, version, kept))

    def _put(self, graph: str, triples: Sequence[Triple]) -> None:
        """Replace a small graph, and count it."""
        self._sent("PUT", graph, serialize(triples, format=RdfFormat.N_TRIPLES) or b"")
        self._verified(graph, len(triples))

    def _verified(self, graph: str, size: int) -> None:
        """Raise StoreError where a graph has not the triples that were sent; it is taken away, to be sent anew."""
        found = self._count(graph)
        if found != size:
            self._sent("DELETE", graph)
            fact = f"the store holds {found:,} of the {size:,} triples that were sent to the graph <{graph}>"
            raise StoreError(Problem(fact, _REMEDY))

    def _count(self, graph: str) -> int:
        rows = self._connection.rows(f"SELECT (COUNT(*) AS ?size) {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")
        return int(rows[0]["size"])

    def _state(self) -> _State:
        rows = self._connection.rows(_STATED)
        return _State(**rows[0]) if rows else _State()

    def _sent(self, method: str, graph: str, body: bytes = b"") -> None:
        """Send a request about a graph (Graph Store Protocol, section 5); what is not there need not be deleted."""
        headers = {"Content-Type": FORMAT.media_type} if body or method != "DELETE" else {}
        self._succeeded(method, self._graphs, params={"graph": graph}, content=body, headers=headers)

    def _succeeded(self, method: str, url: str, **content: Any) -> None:
        with self._connection.sent(method, url, _ATTEMPTS, **content) as response:
            if response.is_success or (method == "DELETE" and response.status_code == httpx.codes.NOT_FOUND):
                return
            if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
                raise StoreError(Problem("the store does not let us write", f"set {USER} and {PASSWORD}, or {TOKEN}"))
            said = response.read().decode(errors="replace").strip()[:_SHOWN]
            raise StoreError(Problem(f"the store has answered {response.status_code}: {said}", _REMEDY))


def _lines(release: Release) -> Iterator[bytes]:
    """Yield the triples that may be counted, each as a line of N-Triples, always in the same order."""
    with release.path(N_TRIPLES).open("rb") as file:
        yield from file


def _beside(release: Release) -> Graphs:
    """Return what the named graphs of a release hold."""
    found: dict[str, list[Triple]] = {name: [] for name in NAMED}
    for quad in parse(path=str(release.path(N_QUADS)), format=RdfFormat.N_QUADS):
        if isinstance(quad.graph_name, NamedNode) and quad.graph_name.value in found:
            found[quad.graph_name.value].append(quad.triple)
    return found


def _statement(stage: str, version: str, before: str) -> list[Triple]:
    """Return what says at which stage a release is, from now on."""
    dataset, now = NamedNode(dataset_of(version)), datetime.now(UTC).isoformat()
    return [
        Triple(NamedNode(EVERY_VERSION), NamedNode(stage), dataset),
        Triple(dataset, NamedNode(VERSION), Literal(version)),
        Triple(dataset, NamedNode(SINCE), Literal(now, datatype=_DATE_TIME)),
        Triple(dataset, NamedNode(BEFORE), Literal(before)),
        Triple(dataset, NamedNode(LAYOUT), Literal(LAID_OUT)),
    ]


def _staged(graph: str) -> str:
    """Return where a named graph waits until it takes the place of the one that is read."""
    return f"{BASE}release/staged/{graph.removeprefix(BASE)}"
