"""Registry of the types and properties of a graph by their identifiers in the reconciliation API.

The identifier of an entity is its IRI without the identifier space, such as `municipal-2019/measure/01-05`. That of a
type or property is its prefixed name, such as `shisaku:Measure`, since clients put them into URLs unescaped.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg.core.iris import ID, PREFIXES, served_iri, to_curie
from kg.core.labels import Labels
from kg.http.query_client import RunQuery, fetch_rows
from kg.http.sparql_endpoint import Refusal
from kg.web.presenter import DERIVED, TYPE

# Counts of properties by type from the VoID description of a release.
_DESCRIBED = f"""PREFIX void: <{PREFIXES["void"]}> SELECT ?type ?property ?triples ?valueType {{ GRAPH ?graph {{
  ?dataset void:classPartition ?part .
  ?part void:class ?type ; void:propertyPartition ?use .
  ?use void:property ?property ; void:triples ?triples
  OPTIONAL {{ ?use void:classPartition/void:class ?valueType }} }} }}"""
# The same, counted in data without such a description.
_COUNTED = """SELECT ?type ?property ?valueType (COUNT(*) AS ?triples) {
  ?thing a ?type ; ?property ?value OPTIONAL { ?value a ?valueType } } GROUP BY ?type ?property ?valueType"""
_CONCEPT = PREFIXES["skos"] + "Concept"
# A virtual property: an organization in any of these roles, for clients whose data do not have the role.
ANY_ROLE = "any-role"
ROLES = tuple(PREFIXES["shisaku"] + n for n in ("leadOrganization", "participatingOrganization", "organizationGroup"))
_COMPOSED = {ANY_ROLE: ("いずれかの役割", "any role")}
_CLASSES = (PREFIXES["rdf"], PREFIXES["rdfs"], PREFIXES["owl"], PREFIXES["sh"])


@dataclass(frozen=True)
class Term:
    """Type or property: its IRI, its identifier for clients, and its names."""

    iri: str
    id: str
    ja: str
    en: str

    def name(self, lang: str) -> str:
        """Return the name in a language."""
        return self.ja if lang == "ja" else self.en

    def as_json(self, lang: str) -> dict[str, str]:
        """Return identifier and name as an object of the API."""
        return {"id": self.id, "name": self.name(lang)}


@dataclass(frozen=True)
class PropertyUse:
    """Use of a property by entities of a type: the number of triples, and the types of values that are entities."""

    property: Term
    triples: int
    values: tuple[str, ...]


class TypeRegistry:
    """Registry of the types of a graph and the properties of their entities; `found` are the matchable types."""

    def __init__(
        self,
        rows: Iterable[tuple[str, str, str, int]],
        labels: Labels,
        found: Iterable[tuple[str, str, str]],
    ) -> None:
        """Initialize from counts by type, property and value type, and from the matchable types with their names."""
        self._labels = labels
        self._named = {iri: (ja, en) for iri, ja, en in found}
        self.found = {iri: self.term(iri) for iri in self._named}
        used: dict[tuple[str, str], tuple[int, set[str]]] = {}
        for type, property, value, triples in rows:
            most, values = used.get((type, property), (0, set()))
            used[type, property] = max(most, triples), values | ({value} if value else set())
        self.types = {**self.found, **{type: self.term(type) for type, _ in used}}
        self._uses: dict[str, list[PropertyUse]] = {iri: [] for iri in self.types}
        for (type, property), (triples, values) in used.items():
            if property not in (TYPE, DERIVED):
                self._uses[type].append(PropertyUse(self.term(property), triples, tuple(sorted(values))))
        for uses in self._uses.values():
            uses.sort(key=lambda use: labels.rank(use.property.iri))
        for uses in self._uses.values():
            if roles := [use for use in uses if use.property.iri in ROLES]:
                kinds = {kind for use in roles for kind in use.values}
                uses.append(PropertyUse(self.term(ANY_ROLE), sum(use.triples for use in roles), tuple(sorted(kinds))))
        self.properties = {use.property.iri: use.property for use in self.uses()}

    def term(self, iri: str) -> Term:
        """Return a type or property with its names."""
        ja, en = self._named.get(iri) or _COMPOSED.get(iri, ("", ""))
        names = (ja or en or self._labels.of(iri, "ja"), en or ja or self._labels.of(iri, "en"))
        return Term(iri, to_curie(iri), *names)

    def uses(self, type: str = "") -> Sequence[PropertyUse]:
        """Return the properties of entities of a type, or of all types if none is given."""
        if type:
            # A scheme is a type as well: that of its concepts.
            return self._uses.get(type) or self._uses.get(_CONCEPT, [])
        merged: dict[str, PropertyUse] = {}
        for uses in self._uses.values():
            for use in uses:
                other = merged.get(use.property.iri)
                values = {*use.values, *(other.values if other else ())}
                triples = use.triples + (other.triples if other else 0)
                merged[use.property.iri] = PropertyUse(use.property, triples, tuple(sorted(values)))
        return sorted(merged.values(), key=lambda use: self._labels.rank(use.property.iri))

    def type_of(self, id: str) -> str:
        """Return the IRI of a type; raise Refusal, with the existing types, if there is none."""
        return self._resolve(id, self.types, "type")

    def property_of(self, id: str) -> str:
        """Return the IRI of a property; raise Refusal if there is none."""
        return self._resolve(id, self.properties, "property")

    def _resolve(self, id: str, terms: dict[str, Term], kind: str) -> str:
        iri = iri_of_term(id)
        if iri in terms:
            return iri
        # Matchable types take precedence over those that are only described.
        named = [
            term.iri
            for term in (*self.found.values(), *terms.values())
            if term.iri in terms and _has_spelling(term, id)
        ]
        if not named:
            available = ", ".join(sorted(term.id for term in terms.values()))
            raise Refusal(400, f"there is no {kind} {id}{_nearest(id, terms.values())}; available are {available}")
        return named[0]


async def load_type_registry(
    run_query: RunQuery, labels: Labels, found: Iterable[tuple[str, str, str]]
) -> TypeRegistry:
    """Return the types and properties in a store, from its VoID description, or else from its triples."""
    for query in (_DESCRIBED, _COUNTED):
        counted = [
            (row["type"], row["property"], row.get("valueType", ""), int(row["triples"]))
            for row in await fetch_rows(run_query, query)
            if row
        ]
        if counted:
            break
    return TypeRegistry((row for row in counted if not row[0].startswith(_CLASSES)), labels, found)


def _spellings(term: Term) -> tuple[str, ...]:
    """Return the normalized spellings of a type or property: with and without prefix, its IRI and its names."""
    return tuple(_normalize(text) for text in (term.id, term.id.rpartition(":")[2], term.iri, term.ja, term.en))


def _has_spelling(term: Term, id: str) -> bool:
    return _normalize(id) in _spellings(term)


def _nearest(id: str, terms: Iterable[Term]) -> str:
    """Return a hint with the term of the most similar spelling, or an empty text."""
    spelt = {spelling: term.id for term in terms for spelling in _spellings(term)}
    near = difflib.get_close_matches(_normalize(id), spelt, 1)
    return f" (did you mean {spelt[near[0]]}?)" if near else ""


def _normalize(text: str) -> str:
    """Return the comparison form of a name: without differences of width, case, spaces, hyphens and underscores."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if not character.isspace() and character not in "-_")


def iri_of_term(id: str) -> str:
    """Return the IRI of a prefixed name, or of an IRI, in this process."""
    prefix, colon, name = id.partition(":")
    return PREFIXES[prefix] + name if colon and prefix in PREFIXES else served_iri(id)


def id_of_thing(iri: str) -> str:
    """Return the identifier of an entity: its IRI without the identifier space, or the IRI of any other entity."""
    return iri.removeprefix(ID)


def iri_of_thing(id: str) -> str:
    """Return the IRI of an entity, given by its identifier, by its IRI in this process, or by its canonical IRI."""
    return served_iri(id) if "://" in id else ID + id
