"""Description of a release published to an external store: status graph, data graph, datasets.

`kg publish` loads the triples of the default graph into a graph that is named after the release's dump, and records in
a status graph which release is current:

    GRAPH <release/current> {
      <catalog#dataset> dcat:hasCurrentVersion <release/2019.1.0/dataset.ttl#dataset> .
      <release/2019.1.0/dataset.ttl#dataset> dcat:version "2019.1.0" ; dcterms:modified "2026-11-23T09:00:00Z" ;
        schema:schemaVersion "1" }

`schema:schemaVersion` is the version of this layout; a program that does not know it refuses the store. The previous
release (`dcat:previousVersion`) is kept for servers that still answer from it. While the named graphs of a release are
replaced by those of the next, `dcat:hasVersion` takes the place of `dcat:hasCurrentVersion`: no release is current
then. A store that was filled in another way has its triples in its default graph, and its release is read from its
catalogue, if it has one.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from kg.core.errors import Problem, StoreError
from kg.core.iris import BASE, PREFIXES
from kg.core.release import CATALOGUE_GRAPH, N_TRIPLES, VALIDATION_GRAPH, VOID_GRAPH, Release
from kg.core.sparql_scanner import Dataset

# Environment variables with the credentials for a store.
USER, PASSWORD, TOKEN = "KG_STORE_USER", "KG_STORE_PASSWORD", "KG_STORE_TOKEN"
STATUS_GRAPH = f"{BASE}release/current"  # names the current release
NAMED_GRAPHS = (CATALOGUE_GRAPH, VALIDATION_GRAPH, VOID_GRAPH)
CATALOGUE_DATASET = f"{CATALOGUE_GRAPH}#dataset"
CURRENT, SWITCHING = PREFIXES["dcat"] + "hasCurrentVersion", PREFIXES["dcat"] + "hasVersion"
VERSION, SINCE = PREFIXES["dcat"] + "version", PREFIXES["dcterms"] + "modified"
LAYOUT = PREFIXES["schema"] + "schemaVersion"
LAYOUT_VERSION = "1"  # raised when older programs would misread the store
PREVIOUS = PREFIXES["dcat"] + "previousVersion"

_NOTHING = f"{BASE}release/none"  # a graph that is always empty
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?", re.ASCII
)


@dataclass(frozen=True)
class StoreAddress:
    """URL of the query endpoint of a store, and the name of its engine; an empty name means auto-detection."""

    url: str
    engine: str = ""

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.url):
            remedy = f"write it such as http://127.0.0.1:8890/sparql; a password goes into {USER} and {PASSWORD}"
            raise StoreError(Problem("this is not the address of a SPARQL endpoint", remedy))


@dataclass(frozen=True)
class PublishedRelease:
    """Release published in a store: its version, the time it became current, and the graph of its triples.

    All are empty if the store does not state them; an empty graph means the store's default graph.
    """

    version: str = ""
    since: str = ""
    graph: str = ""

    def dataset(self, requested: Dataset) -> Dataset:
        """Return the dataset to send to the store for the dataset that a query requested.

        It contains the release only, since the store may hold other data. An empty part becomes a graph without
        triples, since engines take a missing part for all of their graphs.
        """
        if not self.graph:
            return requested
        if requested == Dataset():
            return Dataset((self.graph,), NAMED_GRAPHS)
        default, named = (
            [iri for iri in graphs if iri in NAMED_GRAPHS] for graphs in (requested.default, requested.named)
        )
        return Dataset(tuple(default or [_NOTHING]), tuple(named or [_NOTHING]))


@dataclass(frozen=True)
class RemoteRelease:
    """Release served from an external store, with the local copy of the same release, if there is one."""

    address: StoreAddress
    published: PublishedRelease
    release: Release | None = None

    def as_message(self) -> dict[str, Any]:
        """Return address and published release as a JSON object."""
        return {"address": asdict(self.address), "holding": asdict(self.published)}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "RemoteRelease":
        """Return the remote release from the JSON object of `as_message`; it has no local copy."""
        return cls(StoreAddress(**message["address"]), PublishedRelease(**message["holding"]))


def graph_of(version: str) -> str:
    """Return the IRI of the graph with the triples of a release."""
    return f"{BASE}release/{version}/{N_TRIPLES}"
