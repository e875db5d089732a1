"""Lookup of names, types and property values in the graph, for reconciliation.

Most lookups use one stored query; its VALUES lines are filled with terms that the engine has validated.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyoxigraph import Literal, NamedNode

from kg.core.iris import PREFIXES
from kg.core.labels import preferred
from kg.core.stored_queries import fill_values
from kg.http.query_client import RunQuery, checked_query_text, fetch_bindings, fetch_rows, is_iri
from kg.matching.reconcile.request_parser import ClientValue, PropertyEvidence, Query
from kg.matching.reconcile.type_registry import ANY_ROLE, ROLES
from kg.web.presenter import NAMES, TYPE

VALUES_QUERY = "values-of-properties"
_BATCH = 500  # entities or values per query
_IS = f"({NamedNode(TYPE)}|{NamedNode(PREFIXES['skos'] + 'inScheme')})"
_REPLACED = f"?later {NamedNode(PREFIXES['dcterms'] + 'replaces')} ?thing"
_EDITION = str(NamedNode(PREFIXES["shisaku"] + "edition"))


@dataclass
class Value:
    """Value of a property: an entity with its names by language, or a literal."""

    text: str
    iri: bool = False
    lang: str = ""
    datatype: str = ""
    names: dict[str, list[str]] = field(default_factory=dict)

    def name(self, lang: str) -> str:
        """Return the name of the value in a language."""
        return preferred({code: texts[0] for code, texts in self.names.items()}, lang) or self.text


Values = Mapping[tuple[str, str], list[Value]]
# The entities that a text may mean, with scores from 0 to 1.
Meanings = Mapping[str, Mapping[str, float]]


class StoreLookup:
    """Lookup of values and entities in a graph."""

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self._query = checked_query_text(VALUES_QUERY, "thing", "property")

    async def values(self, things: Iterable[str], properties: Iterable[str]) -> Values:
        """Return the values by entity and property, without duplicates."""
        found: dict[tuple[str, str], dict[tuple[str, ...], Value]] = {}
        named = list(properties)
        subjects, wanted = _iris(things), _iris(one for property in named for one in _members(property))
        for start in range(0, len(subjects) if wanted else 0, _BATCH):
            query = fill_values(self._query, thing=subjects[start : start + _BATCH], property=wanted)
            rows = await fetch_bindings(self._run_query, query)
            for row in rows:
                _value_in(found, row)
            # Names of a value by the preferred property come first.
            for row in sorted((row for row in rows if "name" in row), key=_rank):
                names = _value_in(found, row).names.setdefault(row["name"].get("xml:lang", ""), [])
                if row["name"]["value"] not in names:
                    names.append(row["name"]["value"])
        if ANY_ROLE in named:
            for thing in subjects:
                roles = [found.get((thing, role), {}) for role in ROLES]
                found[thing, ANY_ROLE] = {key: value for role in roles for key, value in role.items()}
        return {key: list(values.values()) for key, values in found.items()}

    async def existing_values(self, clues: Iterable[PropertyEvidence]) -> set[tuple[str, ClientValue]]:
        """Return the given values that any entity has for their property, as a literal or as an entity."""
        given_values: dict[tuple[str, str], list[tuple[str, ClientValue]]] = {}
        for clue in clues:
            for given in clue.values:
                for property in _iris(_members(clue.property)):
                    for term in _terms_of(given):
                        given_values.setdefault((_term(property), term), []).append((clue.property, given))
        found: set[tuple[str, ClientValue]] = set()
        pairs = list(given_values)
        for start in range(0, len(pairs), _BATCH):
            batch = pairs[start : start + _BATCH]
            lines = " ".join(f"({number} {property} {term})" for number, (property, term) in enumerate(batch))
            rows = await fetch_rows(
                self._run_query,
                f"SELECT DISTINCT ?number {{ VALUES (?number ?property ?is) {{ {lines} }} ?thing ?property ?is }}",
            )
            found.update(one for row in rows for one in given_values[batch[int(row["number"])]])
        return found

    async def entities(self, things: Iterable[str]) -> dict[str, "LabelledEntity"]:
        """Return names and types of those of the entities that are in the graph."""
        wanted = list(dict.fromkeys(things))
        values = await self.values(wanted, (TYPE, *NAMES))
        return {iri: named for iri in wanted if (named := _named(iri, values))}

    async def entities_with_properties(self, query: Query, meanings: Meanings, edition: str | None) -> list[str]:
        """Return the entities with the given values of properties, those with most agreeing properties first.

        Without an edition, replaced entities are left out.
        """
        types = f"VALUES ?type {{ {' '.join(_terms(query.types))} }} ?thing {_IS} ?type ." if query.types else ""
        excluded = f"?thing {_EDITION} ?edition . FILTER(?edition != {_term(edition)})" if edition else _REPLACED
        pairs = []
        for number, clue in enumerate(query.clues):
            for given in clue.values:
                meant = [given.thing] if given.thing else meanings.get(given.text, ())
                terms = [*_terms(meant), str(Literal(given.text))]
                pairs += [f"({number} {_term(one)} {term})" for one in _members(clue.property) for term in terms]
        rows = await fetch_rows(
            self._run_query,
            f"""SELECT ?thing (COUNT(DISTINCT ?clue) AS ?agreeing) WHERE {{
              VALUES (?clue ?property ?given) {{ {" ".join(pairs)} }} {types}
              ?thing ?property ?value . FILTER(?value = ?given || STR(?value) = STR(?given))
              FILTER NOT EXISTS {{ {excluded} }}
            }} GROUP BY ?thing ORDER BY DESC(?agreeing) ?thing LIMIT {query.limit}""",
        )
        return [row["thing"] for row in rows if row]


@dataclass(frozen=True)
class LabelledEntity:
    """Entity with its names by language and its types."""

    iri: str
    names: Mapping[str, str]
    types: tuple[str, ...]

    def name(self, lang: str) -> str:
        """Return the name in a language, or else in another one."""
        return preferred(self.names, lang) or self.iri


def _named(iri: str, values: Values) -> LabelledEntity | None:
    types = tuple(value.text for value in values.get((iri, TYPE), ()))
    for naming in NAMES:
        names: dict[str, str] = {}
        for value in values.get((iri, naming), ()):
            names.setdefault(value.lang, value.text)
        if names:
            return LabelledEntity(iri, names, types)
    return LabelledEntity(iri, {}, types) if types else None


def _value_in(found: dict[tuple[str, str], dict[tuple[str, ...], Value]], row: Mapping[str, Any]) -> Value:
    """Return the value in a row, which is added if it is new."""
    values = found.setdefault((row["thing"]["value"], row["property"]["value"]), {})
    term = row["value"]
    lang, datatype = term.get("xml:lang", ""), term.get("datatype", "")
    made = Value(term["value"], term["type"] == "uri", lang, datatype)
    return values.setdefault((term["type"], term["value"], lang, datatype), made)


def _rank(row: Mapping[str, Any]) -> int:
    naming = row["naming"]["value"]
    return NAMES.index(naming) if naming in NAMES else len(NAMES)


def _members(property: str) -> tuple[str, ...]:
    """Return the properties of the graph for a requested one: itself, or the roles of `any-role`."""
    return ROLES if property == ANY_ROLE else (property,)


def _terms_of(given: ClientValue) -> list[str]:
    """Return the terms that a given value may be in the graph."""
    text = given.text
    if not text:
        return _terms([given.thing])
    typed = [
        Literal(text, datatype=NamedNode(PREFIXES["xsd"] + name)) for name in ("anyURI", "boolean", "date", "gYear")
    ]
    literals = [Literal(text), *(Literal(text, language=lang) for lang in ("ja", "en")), *typed]
    return [*map(str, literals), *_terms([given.thing] if given.thing else [])]


def _term(iri: str) -> str:
    return str(NamedNode(iri))


def _iris(texts: Iterable[str]) -> list[str]:
    """Return the valid IRIs among these, without duplicates."""
    return [text for text in dict.fromkeys(texts) if is_iri(text)]


def _terms(iris: Iterable[str]) -> list[str]:
    """Return the valid IRIs among these in SPARQL syntax."""
    return [_term(iri) for iri in _iris(iris)]
