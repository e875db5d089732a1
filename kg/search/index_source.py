"""What is indexed of a graph: what three stored queries say. A class, a property or a facet joins by a line in these.

`search-texts` gives the names and texts of things, each in a role; `search-types` what a thing is; `search-facets` by
what it can be narrowed. What has a name and a type is worth finding.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, QuerySolutions, Store

from kg.core.iris import PREFIXES
from kg.core.paths import places
from kg.core.stored_queries import EDITIONS, stored_query

TEXTS, TYPES, FACETS = "search-texts", "search-types", "search-facets"
# The roles of a text. A hit in a name goes before one in a text, and that before one in the name of a linked thing.
NAME, OTHER, NUMBER, TEXT, LINKED = ROLES = ("name", "other", "number", "text", "linked")
NAMING = (NAME, OTHER, NUMBER)
TYPE = "type"  # the facet that every thing has
EDITION = "edition"  # the facet of what stands in an edition
# Which measure takes the place of which earlier one.
_EARLIER = f"SELECT ?thing ?earlier {{ ?thing <{PREFIXES['dcterms']}replaces> ?earlier }}"


@dataclass(frozen=True, slots=True)
class Said:
    """A text of a thing: its role, the property that gives it, the words and their language."""

    thing: str
    role: str
    property: str
    text: str
    lang: str


def texts(store: Store) -> Iterator[Said]:
    """Yield the names and texts of the things of a graph; roles that nobody knows are left out."""
    for row in _rows(store, TEXTS):
        thing, role, prop, text = row["thing"], row["role"], row["property"], row["text"]
        if isinstance(thing, NamedNode) and isinstance(text, Literal) and _value(role) in ROLES:
            yield Said(thing.value, _value(role), _value(prop), text.value, text.language or "")


def types(store: Store) -> Iterator[tuple[str, str, float | None]]:
    """Yield a thing, what it is, and how much more, or less, it counts among hits than others, where that is said."""
    for row in _rows(store, TYPES):
        thing, kind, weight = row["thing"], row["type"], row["weight"]
        if isinstance(thing, NamedNode) and isinstance(kind, NamedNode):
            yield thing.value, kind.value, float(weight.value) if isinstance(weight, Literal) else None


def facets(store: Store) -> Iterator[tuple[str, str, str, str]]:
    """Yield a thing, a facet, the property that gives it and its value: an IRI, or the words of a literal."""
    for row in _rows(store, FACETS):
        if isinstance(row["thing"], NamedNode) and isinstance(row["value"], NamedNode | Literal):
            yield row["thing"].value, _value(row["facet"]), _value(row["property"]), row["value"].value


def editions(store: Store) -> list[str]:
    """Return the editions of a graph, the newest first."""
    return [row["edition"].value for row in _solutions(store, EDITIONS) if isinstance(row["edition"], NamedNode)]


def earlier(store: Store) -> Iterator[tuple[str, str]]:
    """Yield the things that take the place of others, with these."""
    for row in _solutions(store, _EARLIER):
        if isinstance(row["thing"], NamedNode) and isinstance(row["earlier"], NamedNode):
            yield row["thing"].value, row["earlier"].value


def _rows(store: Store, name: str) -> QuerySolutions:
    return _solutions(store, stored_query(places().queries, name).text)


def _solutions(store: Store, query: str) -> QuerySolutions:
    results = store.query(query)
    assert isinstance(results, QuerySolutions)
    return results


def _value(term: object) -> str:
    return str(getattr(term, "value", ""))
