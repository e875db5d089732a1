"""What the graph says of things, for reconciliation: their names and types, and the values of some properties.

The store is asked by one stored query, whose VALUES lines are filled with terms that the engine has checked.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyoxigraph import Literal, NamedNode

from kg.asking import Ask
from kg.errors import Problem, QueryError
from kg.facts import NAMES, TYPE
from kg.labels import preferred
from kg.names import PREFIXES
from kg.negotiate import JSON
from kg.places import places
from kg.queries import stored_query
from kg.reconcile.asked import Query

VALUES_QUERY = "values-of-properties"
_THINGS = re.compile(r"VALUES \?thing \{[^{}]*\}")
_PROPERTIES = re.compile(r"VALUES \?property \{[^{}]*\}")
_LOT = 500  # things of one question
_IS = f"({NamedNode(TYPE)}|{NamedNode(PREFIXES['skos'] + 'inScheme')})"
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
        """Return what the value is called in a language."""
        return preferred({code: texts[0] for code, texts in self.names.items()}, lang) or self.text


Values = Mapping[tuple[str, str], list[Value]]
# The things that a text names, each with 0 to 1 for how well.
Meanings = Mapping[str, Mapping[str, float]]


class Known:
    """Asks a graph for values."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._query = stored_query(places().queries, VALUES_QUERY).text
        if not (_THINGS.search(self._query) and _PROPERTIES.search(self._query)):
            remedy = f"write {_THINGS.pattern} and {_PROPERTIES.pattern}, which are replaced when somebody asks"
            raise QueryError(Problem(f"the stored query {VALUES_QUERY} has no place for what is asked", remedy))

    async def values(self, things: Iterable[str], properties: Iterable[str]) -> Values:
        """Return the values by thing and property, each once and in the order of their IRIs or texts."""
        found: dict[tuple[str, str], dict[tuple[str, ...], Value]] = {}
        terms, wanted = _terms(things), _terms(properties)
        for start in range(0, len(terms) if wanted else 0, _LOT):
            query = _filled(self._query, _THINGS, "thing", terms[start : start + _LOT])
            query = _filled(query, _PROPERTIES, "property", wanted)
            rows = json.loads(await self._ask(query, JSON))["results"]["bindings"]
            for row in rows:
                _value_in(found, row)
            # The names of a value, those by the best property first.
            for row in sorted((row for row in rows if "name" in row), key=_rank):
                names = _value_in(found, row).names.setdefault(row["name"].get("xml:lang", ""), [])
                if row["name"]["value"] not in names:
                    names.append(row["name"]["value"])
        return {key: list(values.values()) for key, values in found.items()}

    async def named(self, things: Iterable[str]) -> dict[str, "Named"]:
        """Return names and types of those of these things that the graph knows."""
        wanted = list(dict.fromkeys(things))
        values = await self.values(wanted, (TYPE, *NAMES))
        return {iri: named for iri in wanted if (named := _named(iri, values))}

    async def having(self, query: Query, meanings: Meanings, edition: str | None) -> list[str]:
        """Return the things that have properties a client gives, those first of which most agree."""
        types = f"VALUES ?type {{ {' '.join(_terms(query.types))} }} ?thing {_IS} ?type ." if query.types else ""
        elsewhere = f"?thing {_EDITION} ?edition . FILTER(?edition != {_term(edition)})" if edition else ""
        pairs = []
        for clue in query.clues:
            property = _term(clue.property)
            for given in clue.values:
                meant = [given.thing] if given.thing else meanings.get(given.text, ())
                pairs += [f"({property} {term})" for term in [*_terms(meant), str(Literal(given.text))]]
        answer = await self._ask(
            f"""SELECT ?thing (COUNT(DISTINCT ?property) AS ?agreeing) WHERE {{
              VALUES (?property ?given) {{ {" ".join(pairs)} }} {types}
              ?thing ?property ?value . FILTER(?value = ?given || STR(?value) = STR(?given))
              {f"FILTER NOT EXISTS {{ {elsewhere} }}" if elsewhere else ""}
            }} GROUP BY ?thing ORDER BY DESC(?agreeing) ?thing LIMIT {query.limit}""",
            JSON,
        )
        return [row["thing"]["value"] for row in json.loads(answer)["results"]["bindings"] if row]


@dataclass(frozen=True)
class Named:
    """A thing with its names by language and its types."""

    iri: str
    names: Mapping[str, str]
    types: tuple[str, ...]

    def name(self, lang: str) -> str:
        """Return its name in a language, or else in another."""
        return preferred(self.names, lang) or self.iri


def _named(iri: str, values: Values) -> Named | None:
    types = tuple(value.text for value in values.get((iri, TYPE), ()))
    for naming in NAMES:
        names: dict[str, str] = {}
        for value in values.get((iri, naming), ()):
            names.setdefault(value.lang, value.text)
        if names:
            return Named(iri, names, types)
    return Named(iri, {}, types) if types else None


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


def _term(iri: str) -> str:
    return str(NamedNode(iri))


def _terms(iris: Iterable[str]) -> list[str]:
    """Return IRIs as they stand in a query, without what is none."""
    terms = []
    for iri in dict.fromkeys(iris):
        try:
            terms.append(_term(iri))
        except ValueError:
            continue
    return terms


def _filled(query: str, place: re.Pattern[str], variable: str, terms: Iterable[str]) -> str:
    line = f"VALUES ?{variable} {{ {' '.join(terms)} }}"
    return place.sub(lambda _: line, query)
