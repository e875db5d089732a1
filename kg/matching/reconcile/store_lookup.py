"""Lookup of names, types and property values in the graph, for reconciliation.

The store is asked by one stored query, whose VALUES lines are filled with terms that the engine has checked.
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
_LOT = 500  # things of one question
_IS = f"({NamedNode(TYPE)}|{NamedNode(PREFIXES['skos'] + 'inScheme')})"
_REPLACED = f"?later {NamedNode(PREFIXES['dcterms'] + 'replaces')} ?thing"
_EDITION = str(NamedNode(PREFIXES["shisaku"] + "edition"))


@dataclass
class Value:
    """A value of a property: a thing with its names by language, or a literal."""

    text: str
    iri: bool = False
    lang: str = ""
    datatype: str = ""
    names: dict[str, list[str]] = field(default_factory=dict)

    def name(self, lang: str) -> str:
        """Return the name of the value in a language."""
        return preferred({code: texts[0] for code, texts in self.names.items()}, lang) or self.text


Values = Mapping[tuple[str, str], list[Value]]
# The things that a text names, each with 0 to 1 for how well.
Meanings = Mapping[str, Mapping[str, float]]


class StoreLookup:
    """Lookup of values and entities in a graph."""

    def __init__(self, ask: RunQuery) -> None:
        self._ask = ask
        self._query = checked_query_text(VALUES_QUERY, "thing", "property")

    async def values(self, things: Iterable[str], properties: Iterable[str]) -> Values:
        """Return the values by thing and property, each once and in the order of their IRIs or texts."""
        found: dict[tuple[str, str], dict[tuple[str, ...], Value]] = {}
        named = list(properties)
        asked, wanted = _iris(things), _iris(one for property in named for one in _members(property))
        for start in range(0, len(asked) if wanted else 0, _LOT):
            query = fill_values(self._query, thing=asked[start : start + _LOT], property=wanted)
            told = await fetch_bindings(self._ask, query)
            for row in told:
                _value_in(found, row)
            # The names of a value, those by the best property first.
            for row in sorted((row for row in told if "name" in row), key=_rank):
                names = _value_in(found, row).names.setdefault(row["name"].get("xml:lang", ""), [])
                if row["name"]["value"] not in names:
                    names.append(row["name"]["value"])
        if ANY_ROLE in named:
            for thing in asked:
                roles = [found.get((thing, role), {}) for role in ROLES]
                found[thing, ANY_ROLE] = {key: value for role in roles for key, value in role.items()}
        return {key: list(values.values()) for key, values in found.items()}

    async def there(self, clues: Iterable[PropertyEvidence]) -> set[tuple[str, ClientValue]]:
        """Return those of the values that clients give which anything has, as a text or as a thing, by property."""
        asked: dict[tuple[str, str], list[tuple[str, ClientValue]]] = {}
        for clue in clues:
            for given in clue.values:
                for property in _iris(_members(clue.property)):
                    for term in _terms_of(given):
                        asked.setdefault((_term(property), term), []).append((clue.property, given))
        found: set[tuple[str, ClientValue]] = set()
        pairs = list(asked)
        for start in range(0, len(pairs), _LOT):
            lot = pairs[start : start + _LOT]
            lines = " ".join(f"({number} {property} {term})" for number, (property, term) in enumerate(lot))
            there = await fetch_rows(
                self._ask,
                f"SELECT DISTINCT ?number {{ VALUES (?number ?property ?is) {{ {lines} }} ?thing ?property ?is }}",
            )
            found.update(one for row in there for one in asked[lot[int(row["number"])]])
        return found

    async def named(self, things: Iterable[str]) -> dict[str, "LabelledEntity"]:
        """Return names and types of those of these things that the graph knows."""
        wanted = list(dict.fromkeys(things))
        values = await self.values(wanted, (TYPE, *NAMES))
        return {iri: named for iri in wanted if (named := _named(iri, values))}

    async def having(self, query: Query, meanings: Meanings, edition: str | None) -> list[str]:
        """Return the things that have properties a client gives, those first of which most agree.

        Without an edition, what another thing has taken the place of is left out.
        """
        types = f"VALUES ?type {{ {' '.join(_terms(query.types))} }} ?thing {_IS} ?type ." if query.types else ""
        elsewhere = f"?thing {_EDITION} ?edition . FILTER(?edition != {_term(edition)})" if edition else _REPLACED
        pairs = []
        for number, clue in enumerate(query.clues):
            for given in clue.values:
                meant = [given.thing] if given.thing else meanings.get(given.text, ())
                terms = [*_terms(meant), str(Literal(given.text))]
                pairs += [f"({number} {_term(one)} {term})" for one in _members(clue.property) for term in terms]
        there = await fetch_rows(
            self._ask,
            f"""SELECT ?thing (COUNT(DISTINCT ?clue) AS ?agreeing) WHERE {{
              VALUES (?clue ?property ?given) {{ {" ".join(pairs)} }} {types}
              ?thing ?property ?value . FILTER(?value = ?given || STR(?value) = STR(?given))
              FILTER NOT EXISTS {{ {elsewhere} }}
            }} GROUP BY ?thing ORDER BY DESC(?agreeing) ?thing LIMIT {query.limit}""",
        )
        return [row["thing"] for row in there if row]


@dataclass(frozen=True)
class LabelledEntity:
    """A thing with its names by language and its types."""

    iri: str
    names: Mapping[str, str]
    types: tuple[str, ...]

    def name(self, lang: str) -> str:
        """Return its name in a language, or else in another."""
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
    """Return the value that a row of the answer is about, which is added where it is new."""
    values = found.setdefault((row["thing"]["value"], row["property"]["value"]), {})
    term = row["value"]
    lang, datatype = term.get("xml:lang", ""), term.get("datatype", "")
    made = Value(term["value"], term["type"] == "uri", lang, datatype)
    return values.setdefault((term["type"], term["value"], lang, datatype), made)


def _rank(row: Mapping[str, Any]) -> int:
    naming = row["naming"]["value"]
    return NAMES.index(naming) if naming in NAMES else len(NAMES)


def _members(property: str) -> tuple[str, ...]:
    """Return the properties of a graph that are meant by one: itself, or those that it is composed of."""
    return ROLES if property == ANY_ROLE else (property,)


def _terms_of(given: ClientValue) -> list[str]:
    """Return the terms that a value which a client gives may be in a graph."""
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
    """Return these IRIs, each once, without what is none."""
    return [text for text in dict.fromkeys(texts) if is_iri(text)]


def _terms(iris: Iterable[str]) -> list[str]:
    """Return IRIs as they stand in a query, without what is none."""
    return [_term(iri) for iri in _iris(iris)]
