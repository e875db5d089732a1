"""Publisher of a release to an external store: load it next to the current one, verify it, switch to it.

Sending a triple twice is harmless: triples are a set, and there are no blank nodes. So an interrupted load continues
from the store's own count. Readers see nothing of the release until all counts are right.
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
from kg.core.release import N_QUADS, N_TRIPLES, Release, dataset_iri
from kg.core.sparql_scanner import Dataset
from kg.engine.remote_release import (
    CATALOGUE_DATASET,
    CURRENT,
    LAYOUT,
    LAYOUT_VERSION,
    NAMED_GRAPHS,
    PASSWORD,
    PREVIOUS,
    SINCE,
    STATUS_GRAPH,
    SWITCHING,
    TOKEN,
    USER,
    VERSION,
    graph_of,
)
from kg.engine.store_client import StoreClient

CHUNK = 20_000  # triples in one request
_ATTEMPTS = 3
_DATE_TIME = NamedNode(PREFIXES["xsd"] + "dateTime")
_SHOWN = 300  # characters of an error response
_REMEDY = "see the store's own log, then run the command again: it continues where it stopped"
_STATUS_QUERY = f"""SELECT ?stage ?version ?previous ?layout {{ GRAPH <{STATUS_GRAPH}> {{
  <{CATALOGUE_DATASET}> ?stage ?dataset . ?dataset <{VERSION}> ?version ; <{PREVIOUS}> ?previous
  OPTIONAL {{ ?dataset <{LAYOUT}> ?layout }} }} }}"""

# Called with the number of triples loaded so far, and of all triples.
Progress = Callable[[int, int], None]
Graphs = Mapping[str, Sequence[Triple]]


@dataclass(frozen=True)
class PublishResult:
    """Result of a publication: triples sent, triples in all, and whether the current release was switched."""

    sent: int
    triples: int
    switched: bool


@dataclass(frozen=True)
class _State:
    """Status of a store: the stage of its release, its version, the previous version, and the layout."""

    stage: str = ""
    version: str = ""
    previous: str = ""
    layout: str = ""

    def previous_to_keep(self, version: str) -> str:
        """Return the release to keep when a version becomes current: the one that is being read now."""
        return self.version if self.stage == CURRENT and self.version != version else self.previous


class RemotePublisher:
    """Publisher for one store. `graph_store_url` replaces the usual Graph Store Protocol endpoint of the engine."""

    def __init__(self, client: StoreClient, graph_store_url: str = "") -> None:
        url = client.detect_engine().url
        self._client, self._update_url = client, client.dialect.update_url(url)
        self._graph_store_url = graph_store_url or client.dialect.graph_store_url(url)
        if not self._graph_store_url:
            remedy = "give its endpoint for the SPARQL 1.1 Graph Store HTTP Protocol: --graph-store URL"
            raise StoreError(Problem("the Graph Store Protocol endpoint of this store is not known", remedy))

    def publish(self, release: Release, progress: Progress) -> PublishResult:
        """Load a release, verify its counts, and make it the current one; raise StoreError if that fails."""
        for name in (N_TRIPLES, N_QUADS):
            if not release.path(name).is_file():
                remedy = "make the release again: kg build"
                raise ReleaseError(Problem("this file of the release is missing", remedy, release.path(name)))
        version, total, state = release.version, sum(1 for _ in _lines(release)), self._state()
        named_graphs, graph = _named_graphs(release), graph_of(version)
        is_current = (state.stage, state.version, state.layout) == (CURRENT, version, LAYOUT_VERSION)
        if is_current and self._count(graph) != total:  # it is being read: hide it while it is repaired
            self._replace_graph(STATUS_GRAPH, _status_triples(SWITCHING, version, state.previous))
        sent = self._load(release, graph, total, progress)
        self._client.check_row_limit(Dataset((graph,), NAMED_GRAPHS), total)
        is_complete = all(self._count(name) == len(triples) for name, triples in named_graphs.items())
        if not sent and is_complete and is_current:
            return PublishResult(0, total, False)
        previous_to_keep = state.previous_to_keep(version)
        self._switch(version, previous_to_keep, named_graphs)
        for gone in {state.version, state.previous} - {version, previous_to_keep, ""}:
            self._graph_request("DELETE", graph_of(gone))
        return PublishResult(sent, total, True)

    def _load(self, release: Release, graph: str, total: int, progress: Progress) -> int:
        """Send the triples that the graph lacks; return their number."""
        is_complete = self._count(graph)
        if is_complete > total:
            self._graph_request("DELETE", graph)
            is_complete = 0
        start = is_complete if is_complete == total else is_complete // CHUNK * CHUNK
        lines = islice(_lines(release), start, None)
        for done in range(start, total, CHUNK):
            progress(done, total)
            self._graph_request("POST", graph, b"".join(islice(lines, CHUNK)))
        self._verify_count(graph, total)
        return total - start

    def _switch(self, version: str, previous_to_keep: str, named_graphs: Graphs) -> None:
        """Replace the named graphs and make the release current: in one transaction if the engine supports it."""
        if self._update_url:
            for name, triples in named_graphs.items():
                self._replace_graph(_staging_graph(name), triples)
            moves = [f"MOVE GRAPH <{_staging_graph(name)}> TO GRAPH <{name}>" for name in named_graphs]
            stated = " ".join(f"{triple} ." for triple in _status_triples(CURRENT, version, previous_to_keep))
            operations = [
                f"CLEAR SILENT GRAPH <{STATUS_GRAPH}>",
                f"INSERT DATA {{ GRAPH <{STATUS_GRAPH}> {{ {stated} }} }}",
            ]
            self._request("POST", self._update_url, data={"update": " ;\n".join((*moves, *operations))})
        else:
            self._replace_graph(STATUS_GRAPH, _status_triples(SWITCHING, version, previous_to_keep))
            for name, triples in named_graphs.items():
                self._replace_graph(name, triples)
            self._replace_graph(STATUS_GRAPH, _status_triples(CURRENT, version, previous_to_keep))

    def _replace_graph(self, graph: str, triples: Sequence[Triple]) -> None:
        """Replace a small graph and verify its count."""
        self._graph_request("PUT", graph, serialize(triples, format=RdfFormat.N_TRIPLES) or b"")
        self._verify_count(graph, len(triples))

    def _verify_count(self, graph: str, size: int) -> None:
        """Raise StoreError if a graph does not have all triples that were sent; delete it, to be sent again."""
        found = self._count(graph)
        if found != size:
            self._graph_request("DELETE", graph)
            fact = f"the store holds {found:,} of the {size:,} triples that were sent to the graph <{graph}>"
            raise StoreError(Problem(fact, _REMEDY))

    def _count(self, graph: str) -> int:
        rows = self._client.rows(f"SELECT (COUNT(*) AS ?size) {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")
        return int(rows[0]["size"])

    def _state(self) -> _State:
        rows = self._client.rows(_STATUS_QUERY)
        return _State(**rows[0]) if rows else _State()

    def _graph_request(self, method: str, graph: str, body: bytes = b"") -> None:
        """Send a Graph Store Protocol request (section 5); deleting a missing graph is not an error."""
        headers = {"Content-Type": FORMAT.media_type} if body or method != "DELETE" else {}
        self._request(method, self._graph_store_url, params={"graph": graph}, content=body, headers=headers)

    def _request(self, method: str, url: str, **content: Any) -> None:
        with self._client.request(method, url, _ATTEMPTS, **content) as response:
            if response.is_success or (method == "DELETE" and response.status_code == httpx.codes.NOT_FOUND):
                return
            if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
                raise StoreError(Problem("the store denied write access", f"set {USER} and {PASSWORD}, or {TOKEN}"))
            operations = response.read().decode(errors="replace").strip()[:_SHOWN]
            raise StoreError(Problem(f"the store has answered {response.status_code}: {operations}", _REMEDY))


def _lines(release: Release) -> Iterator[bytes]:
    """Yield the triples of the default graph as lines of N-Triples, always in the same order."""
    with release.path(N_TRIPLES).open("rb") as file:
        yield from file


def _named_graphs(release: Release) -> Graphs:
    """Return the triples of the named graphs of a release."""
    found: dict[str, list[Triple]] = {name: [] for name in NAMED_GRAPHS}
    for quad in parse(path=str(release.path(N_QUADS)), format=RdfFormat.N_QUADS):
        if isinstance(quad.graph_name, NamedNode) and quad.graph_name.value in found:
            found[quad.graph_name.value].append(quad.triple)
    return found


def _status_triples(stage: str, version: str, previous: str) -> list[Triple]:
    """Return the status triples of a release at a stage, as of now."""
    dataset, now = NamedNode(dataset_iri(version)), datetime.now(UTC).isoformat()
    return [
        Triple(NamedNode(CATALOGUE_DATASET), NamedNode(stage), dataset),
        Triple(dataset, NamedNode(VERSION), Literal(version)),
        Triple(dataset, NamedNode(SINCE), Literal(now, datatype=_DATE_TIME)),
        Triple(dataset, NamedNode(PREVIOUS), Literal(previous)),
        Triple(dataset, NamedNode(LAYOUT), Literal(LAYOUT_VERSION)),
    ]


def _staging_graph(graph: str) -> str:
    """Return the graph in which a named graph is staged until it replaces the current one."""
    return f"{BASE}release/staged/{graph.removeprefix(BASE)}"
