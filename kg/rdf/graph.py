"""A graph in the making: triples by short names, written as Turtle that is the same from build to build."""

from collections.abc import Iterable
from decimal import Decimal

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, serialize

from kg.extract.numerals import decimal_text
from kg.names import ID, ONTOLOGY

PREFIXES = {
    "dcterms": "http://purl.org/dc/terms/",
    "oa": "http://www.w3.org/ns/oa#",
    "org": "http://www.w3.org/ns/org#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "shisaku": ONTOLOGY,
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "time": "http://www.w3.org/2006/time#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_TURTLE_PREFIXES = {**PREFIXES, "id": ID}


class Graph:
    """A set of triples: subjects are IRIs, predicates prefixed names such as `skos:prefLabel`; no blank nodes."""

    def __init__(self) -> None:
        self._triples: set[Triple] = set()
        self._terms: dict[str, NamedNode] = {}

    def __len__(self) -> int:
        return len(self._triples)

    def about(self, subject: str) -> "Subject":
        """Return a writer of statements about a subject."""
        return Subject(self, NamedNode(subject))

    def state(self, subject: NamedNode, predicate: str, value: NamedNode | Literal) -> None:
        """Add one triple."""
        self._triples.add(Triple(subject, self.term(predicate), value))

    def term(self, name: str) -> NamedNode:
        """Return the IRI of a prefixed name."""
        if name not in self._terms:
            prefix, _, local = name.partition(":")
            self._terms[name] = NamedNode(PREFIXES[prefix] + local)
        return self._terms[name]

    def turtle(self) -> bytes:
        """Return the graph as Turtle, sorted by its N-Triples lines."""
        data = serialize(sorted(self._triples, key=str), format=RdfFormat.TURTLE, prefixes=_TURTLE_PREFIXES)
        assert data is not None  # bytes are returned where no output is given
        return data


class Subject:
    """Writes statements about one subject; empty values are skipped, since nothing is said by them."""

    def __init__(self, graph: Graph, subject: NamedNode) -> None:
        self._graph = graph
        self._subject = subject

    def a(self, *types: str) -> "Subject":
        """State its types."""
        for name in types:
            self._graph.state(self._subject, "rdf:type", self._graph.term(name))
        return self

    def to(self, predicate: str, *iris: str) -> "Subject":
        """Point to other things."""
        for iri in iris:
            if iri:
                self._graph.state(self._subject, predicate, NamedNode(iri))
        return self

    def text(self, predicate: str, value: str, language: str | None = None) -> "Subject":
        """State a text, with its language where it has one."""
        if value:
            literal = Literal(value, language=language) if language else Literal(value)
            self._graph.state(self._subject, predicate, literal)
        return self

    def verbatim(self, predicate: str, value: str) -> "Subject":
        """State a text exactly as it is, also an empty one: that a cell holds nothing is a fact."""
        self._graph.state(self._subject, predicate, Literal(value))
        return self

    def labels(self, label_ja: str, label_en: str) -> "Subject":
        """State the names in both languages."""
        return self.text("skos:prefLabel", label_ja, "ja").text("skos:prefLabel", label_en, "en")

    def number(self, predicate: str, value: int | Decimal | None) -> "Subject":
        """State a number: int as xsd:integer, Decimal as xsd:decimal in canonical form."""
        if value is not None:
            kind = "xsd:decimal" if isinstance(value, Decimal) else "xsd:integer"
            lexical = decimal_text(value) if isinstance(value, Decimal) else str(value)
            self.typed(predicate, lexical, kind)
        return self

    def typed(self, predicate: str, value: str, datatype: str) -> "Subject":
        """State a value of a datatype."""
        if value:
            literal = Literal(value, datatype=self._graph.term(datatype))
            self._graph.state(self._subject, predicate, literal)
        return self

    def texts(self, predicate: str, values: Iterable[str], language: str) -> "Subject":
        """State several texts of one language."""
        for value in values:
            self.text(predicate, value, language)
        return self
