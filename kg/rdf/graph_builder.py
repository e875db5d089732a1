"""A graph in the making: triples by short names; kg/rdf/dump_serializers.py writes it."""

from collections.abc import Iterable
from decimal import Decimal

from pyoxigraph import Literal, NamedNode, Triple

from kg.core.iris import PREFIXES
from kg.extract.numerals import format_decimal


class Graph:
    """A set of triples: subjects are IRIs, predicates prefixed names such as `skos:prefLabel`; no blank nodes."""

    def __init__(self) -> None:
        self._triples: set[Triple] = set()
        self._terms: dict[str, NamedNode] = {}

    def __len__(self) -> int:
        return len(self._triples)

    def __or__(self, other: "Graph") -> "Graph":
        union = Graph()
        union._triples = self._triples | other._triples
        return union

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

    def extend(self, triples: Iterable[Triple]) -> None:
        """Add triples that are made already."""
        self._triples.update(triples)

    def statements(self) -> list[Triple]:
        """Return the triples in the order of their N-Triples lines."""
        return sorted(self._triples, key=str)


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
            lexical = format_decimal(value) if isinstance(value, Decimal) else str(value)
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
