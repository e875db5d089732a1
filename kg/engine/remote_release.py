"""Which release a store holds, and which of its graphs belong to it.

`kg publish` puts the triples that may be counted into a graph that is named after the release's dump, and says in a
graph of its own which release is current:

    GRAPH <release/current> {
      <catalog#dataset> dcat:hasCurrentVersion <release/2019.1.0/dataset.ttl#dataset> .
      <release/2019.1.0/dataset.ttl#dataset> dcat:version "2019.1.0" ; dcterms:modified "2026-11-23T09:00:00Z" ;
        schema:schemaVersion "1" }

The last is the format of what is described here: a program that does not know it refuses the store.

The one before it (`dcat:previousVersion`) is kept for those who are still being answered from it.
While the named graphs of a release are replaced by those of the next, `dcat:hasVersion` stands in its place: no release
is current then. A store that was filled in another way holds its triples in its default graph, and its catalogue says
which release that is, if anything does.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from kg.core.errors import Problem, StoreError
from kg.core.iris import BASE, PREFIXES
from kg.core.release import CATALOGUE_GRAPH, DESCRIPTION, N_TRIPLES, VALIDATION_GRAPH, VOID_GRAPH, Release
from kg.core.sparql_scanner import Dataset

# The variables by which we are known to a store.
USER, PASSWORD, TOKEN = "KG_STORE_USER", "KG_STORE_PASSWORD", "KG_STORE_TOKEN"
STATED = f"{BASE}release/current"  # the graph that says which release is current
NAMED = (CATALOGUE_GRAPH, VALIDATION_GRAPH, VOID_GRAPH)
EVERY_VERSION = f"{CATALOGUE_GRAPH}#dataset"
CURRENT, COMING = PREFIXES["dcat"] + "hasCurrentVersion", PREFIXES["dcat"] + "hasVersion"
VERSION, SINCE = PREFIXES["dcat"] + "version", PREFIXES["dcterms"] + "modified"
LAYOUT = PREFIXES["schema"] + "schemaVersion"
LAID_OUT = "1"  # raised when older programs would misread a store that was published to
BEFORE = PREFIXES["dcat"] + "previousVersion"

_NOTHING = f"{BASE}release/none"  # a graph that nobody fills
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?", re.ASCII
)


@dataclass(frozen=True)
class Address:
    """Where a store answers queries, and the name of its engine; the empty name lets the store say what it is."""

    url: str
    engine: str = ""

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.url):
            remedy = f"write it such as http://127.0.0.1:8890/sparql; a password goes into {USER} and {PASSWORD}"
            raise StoreError(Problem("this is no address of a SPARQL endpoint", remedy))


@dataclass(frozen=True)
class Holding:
    """A release in a store: its version, since when it is current, and the graph of its triples.

    All are empty where nothing says so; without a graph it is the store's own default graph.
    """

    version: str = ""
    since: str = ""
    graph: str = ""

    def dataset(self, asked: Dataset) -> Dataset:
        """Return what to name to the store for a question about these graphs.

        Nothing but the release is to be seen: it may not be all that the store holds. A part that would be empty is a
        graph without triples, since engines take the lack of a part for all that they have.
        """
        if not self.graph:
            return asked
        if asked == Dataset():
            return Dataset((self.graph,), NAMED)
        default, named = ([iri for iri in graphs if iri in NAMED] for graphs in (asked.default, asked.named))
        return Dataset(tuple(default or [_NOTHING]), tuple(named or [_NOTHING]))


@dataclass(frozen=True)
class Held:
    """What is served from a store elsewhere: what it holds, and the same release where there is a copy on the disk."""

    address: Address
    holding: Holding
    release: Release | None = None

    def as_message(self) -> dict[str, Any]:
        """Return address and holding as JSON holds them."""
        return {"address": asdict(self.address), "holding": asdict(self.holding)}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "Held":
        """Return what `as_message` has described."""
        return cls(Address(**message["address"]), Holding(**message["holding"]))


def graph_of(version: str) -> str:
    """Return the name of the graph that holds the triples of a release."""
    return f"{BASE}release/{version}/{N_TRIPLES}"


def dataset_of(version: str) -> str:
    """Return the IRI of the dataset that a release is."""
    return f"{BASE}release/{version}/{DESCRIPTION}#dataset"
