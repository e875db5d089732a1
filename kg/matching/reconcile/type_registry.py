"""The types, properties and things of a graph by the identifiers that clients of reconciliation use.

A thing goes by what follows the identifier space, `municipal-2019/measure/01-05`; types and properties by a prefixed
name, `shisaku:Measure`, since clients write them into addresses as they are.
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

# As the VoID description of a release counts them.
_DESCRIBED = f"""PREFIX void: <{PREFIXES["void"]}> SELECT ?type ?property ?triples ?valueType {{ GRAPH ?graph {{
  ?dataset void:classPartition ?part .
  ?part void:class ?type ; void:propertyPartition ?use .
  ?use void:property ?property ; void:triples ?triples
  OPTIONAL {{ ?use void:classPartition/void:class ?valueType }} }} }}"""
# Of data without such a description.
_COUNTED = """SELECT ?type ?property ?valueType (COUNT(*) AS ?triples) {
  ?thing a ?type ; ?property ?value OPTIONAL { ?value a ?valueType } } GROUP BY ?type ?property ?valueType"""
_CONCEPT = PREFIXES["skos"] + "Concept"
# A property that stands in no graph: an organization that has any of these roles, for who cannot tell which.
ANY_ROLE = "any-role"
ROLES = tuple(PREFIXES["shisaku"] + n for n in ("leadOrganization", "participatingOrganization", "organizationGroup"))
_COMPOSED = {ANY_ROLE: ("いずれかの役割", "any role")}
_CLASSES = (PREFIXES["rdf"], PREFIXES["rdfs"], PREFIXES["owl"], PREFIXES["sh"])


@dataclass(frozen=True)
class Term:
    """A type or a property: its IRI, the identifier that clients use for it, and its names."""

    iri: str
    id: str
    ja: str
    en: str

    def name(self, lang: str) -> str:
        """Return its name in a language."""
        return self.ja if lang == "ja" else self.en

    def said(self, lang: str) -> dict[str, str]:
        """Return identifier and name as an object of the API."""
        return {"id": self.id, "name": self.name(lang)}


@dataclass(frozen=True)
class PropertyUse:
    """A property as things of a type have it: how often, and of which types its values are where they are things."""

    property: Term
    triples: int
    values: tuple[str, ...]


class TypeRegistry:
    """The types of a graph, and the properties that things of each have; `found` are those that can be matched."""

    def __init__(
        self,
        rows: Iterable[tuple[str, str, str, int]],
        labels: Labels,
        found: Iterable[tuple[str, str, str]],
    ) -> None:
        """Make it of counts, by type, property and type of the values, and of types with their names or without."""
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
        """Return a type or a property with its names."""
        ja, en = self._named.get(iri) or _COMPOSED.get(iri, ("", ""))
        names = (ja or en or self._labels.of(iri, "ja"), en or ja or self._labels.of(iri, "en"))
        return Term(iri, to_curie(iri), *names)

    def uses(self, type: str = "") -> Sequence[PropertyUse]:
        """Return the properties of things of a type; of things of any type where none is given."""
        if type:
            # A scheme is a type as well: that of its concepts.
            return self._uses.get(type) or self._uses.get(_CONCEPT, [])
        merged: dict[str, PropertyUse] = {}
        for uses in self._uses.values():
            for use in uses:
                there = merged.get(use.property.iri)
                values = {*use.values, *(there.values if there else ())}
                triples = use.triples + (there.triples if there else 0)
                merged[use.property.iri] = PropertyUse(use.property, triples, tuple(sorted(values)))
        return sorted(merged.values(), key=lambda use: self._labels.rank(use.property.iri))

    def type_of(self, id: str) -> str:
        """Return the IRI of a type; raise Refusal, which lists the types, where there is none."""
        return self._meant(id, self.types, "type")

    def property_of(self, id: str) -> str:
        """Return the IRI of a property; raise Refusal where there is none."""
        return self._meant(id, self.properties, "property")

    def _meant(self, id: str, terms: dict[str, Term], kind: str) -> str:
        iri = iri_of_term(id)
        if iri in terms:
            return iri
        # What can be matched goes before what is only described.
        named = [term.iri for term in (*self.found.values(), *terms.values()) if term.iri in terms and _is(term, id)]
        if not named:
            known = ", ".join(sorted(term.id for term in terms.values()))
            raise Refusal(400, f"there is no {kind} {id}{_nearest(id, terms.values())}; known are {known}")
        return named[0]


async def vocabulary_of(ask: RunQuery, labels: Labels, found: Iterable[tuple[str, str, str]]) -> TypeRegistry:
    """Return the vocabulary of what a store holds: as its VoID counts it, else as it is counted now."""
    for query in (_DESCRIBED, _COUNTED):
        counted = [
            (row["type"], row["property"], row.get("valueType", ""), int(row["triples"]))
            for row in await fetch_rows(ask, query)
            if row
        ]
        if counted:
            break
    return TypeRegistry((row for row in counted if not row[0].startswith(_CLASSES)), labels, found)


def _spellings(term: Term) -> tuple[str, ...]:
    """Return the ways in which people write a type or a property, folded: with its prefix or without, or by name."""
    return tuple(_folded(text) for text in (term.id, term.id.rpartition(":")[2], term.iri, term.ja, term.en))


def _is(term: Term, id: str) -> bool:
    return _folded(id) in _spellings(term)


def _nearest(id: str, terms: Iterable[Term]) -> str:
    """Return a question that names the term which is written most like this, or nothing."""
    spelt = {spelling: term.id for term in terms for spelling in _spellings(term)}
    near = difflib.get_close_matches(_folded(id), spelt, 1)
    return f" (did you mean {spelt[near[0]]}?)" if near else ""


def _folded(text: str) -> str:
    """Return a name without what people spell in several ways: width, letter case, spaces, hyphens, low lines."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if not character.isspace() and character not in "-_")


def iri_of_term(id: str) -> str:
    """Return the IRI that a prefixed name or an IRI stands for."""
    prefix, colon, name = id.partition(":")
    return PREFIXES[prefix] + name if colon and prefix in PREFIXES else served_iri(id)


def id_of_thing(iri: str) -> str:
    """Return the identifier of a thing: what follows the identifier space, or its whole IRI where it is elsewhere."""
    return iri.removeprefix(ID)


def iri_of_thing(id: str) -> str:
    """Return the IRI of a thing from its identifier, or from its IRI in the names of this process or canonical."""
    return served_iri(id) if "://" in id else ID + id
