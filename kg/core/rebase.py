"""From the canonical names, which every file holds, to the names of a server that has a base of its own.

Nothing changes where the base is the canonical one. Else every IRI under it is renamed, and nothing that is printed is:
a literal stays as it is, with its datatype. A few properties alone have a name or a query for their text, by their
specifications (VoID, VANN, SHACL); left alone, they would speak of a graph that is not the one served.
"""

from typing import Any

from pyoxigraph import Literal, NamedNode, Quad, Triple

from kg.core import sparql_scanner
from kg.core.iris import BASE, CANONICAL, PREFIXES

# Whether this process names things in its own way.
REBASED = BASE != CANONICAL

_SH = PREFIXES["sh"]
_NAMES_AS_TEXT = {
    PREFIXES["void"] + "uriSpace",
    "http://purl.org/vocab/vann/preferredNamespaceUri",
    _SH + "namespace",
}
_QUERIES_AS_TEXT = {_SH + form for form in ("select", "ask", "construct")}


def served_iri(iri: str) -> str:
    """Return the name that this process gives to what a file calls by this IRI."""
    return BASE + iri.removeprefix(CANONICAL) if REBASED and iri.startswith(CANONICAL) else iri


def canonical_iri(iri: str) -> str:
    """Return by what IRI a file calls what this process gives this name."""
    return CANONICAL + iri.removeprefix(BASE) if REBASED and iri.startswith(BASE) else iri


def served_quad(quad: Quad) -> Quad:
    """Return a statement of a file, with its graph, in the names of this process."""
    if not REBASED:
        return quad
    value = quad.object
    value = _literal(quad.predicate.value, value) if isinstance(value, Literal) else _term(value)
    return Quad(_term(quad.subject), _term(quad.predicate), value, _term(quad.graph_name))


def served_query(text: str) -> str:
    """Return a stored query in the names of this process: its IRIs are replaced, its texts and comments are not."""
    return under(BASE, text) if REBASED else text


def under(base: str, query: str) -> str:
    """Return a query with canonical names in the names of a server that has this base."""

    def named(iri: str) -> str:
        return base + iri.removeprefix(CANONICAL) if iri.startswith(CANONICAL) else iri

    return sparql_scanner.with_iris(query, named)


def _term(term: Any) -> Any:
    """Return a term of any kind in the names of this process; a triple term (RDF 1.2) is made of terms."""
    if isinstance(term, NamedNode):
        return NamedNode(served_iri(term.value)) if term.value.startswith(CANONICAL) else term
    if isinstance(term, Triple):
        return Triple(_term(term.subject), _term(term.predicate), _term(term.object))
    return term


def _literal(predicate: str, literal: Literal) -> Literal:
    if literal.language:
        return literal
    if predicate in _NAMES_AS_TEXT:
        return Literal(served_iri(literal.value), datatype=literal.datatype)
    if predicate in _QUERIES_AS_TEXT:
        return Literal(served_query(literal.value), datatype=literal.datatype)
    return literal
