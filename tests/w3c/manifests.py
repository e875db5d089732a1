"""Reads the manifests of the W3C's test suites: a graph in which each test says what to do and what to expect."""

from collections import defaultdict
from collections.abc import Iterator

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, parse

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
QT = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
UT = "http://www.w3.org/2009/sparql/tests/test-update#"
HT = "http://www.w3.org/2011/http#"
CNT = "http://www.w3.org/2011/content#"

Node = NamedNode | BlankNode | Literal


class Manifest:
    """A manifest, walked from its tests along properties."""

    def __init__(self, text: bytes, base: str) -> None:
        self._values: dict[tuple[Node, str], list[Node]] = defaultdict(list)
        for quad in parse(text, format=RdfFormat.TURTLE, base_iri=base):
            self._values[quad.subject, quad.predicate.value].append(quad.object)

    def values(self, node: Node, *path: str) -> list[Node]:
        """Return what a node has at the end of a path of properties."""
        nodes = [node]
        for step in path:
            nodes = [value for node in nodes for value in self._values[node, step]]
        return nodes

    def text(self, node: Node, *path: str) -> str | None:
        """Return the first such value as text, or None where there is none."""
        values = self.values(node, *path)
        return values[0].value if values else None

    def members(self, node: Node, *path: str) -> Iterator[Node]:
        """Yield the members of the list at the end of a path."""
        for head in self.values(node, *path):
            while head.value != RDF + "nil":
                yield from self.values(head, RDF + "first")
                [head] = self.values(head, RDF + "rest")

    def tests(self) -> Iterator[tuple[str, set[str], Node]]:
        """Yield each test in order: its name in the manifest, its types without namespace, and its node."""
        subjects = [subject for subject, predicate in list(self._values) if predicate == MF + "entries"]
        for subject in subjects:
            for test in self.members(subject, MF + "entries"):
                types = {_local(type.value) for type in self.values(test, RDF + "type")}
                yield _local(test.value), types, test


def _local(iri: str) -> str:
    return iri.rpartition("#")[2]
