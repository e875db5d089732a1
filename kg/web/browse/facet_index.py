"""In-memory facet index: for each facet value a bit set of the measures that have it.

A release is immutable, so the index is built once. For 82,000 measures and a hundred values it takes a megabyte; the
counts of a page are a few hundred operations on bit sets. The store is queried for a few editions at once, so that no
result is large.
"""

import asyncio
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from kg.core.iris import ONTOLOGY
from kg.core.negotiation import TSV
from kg.engine.wire import Refusal
from kg.http.query_client import (
    Names,
    RunQuery,
    fetch_editions,
    fetch_names,
    fetch_rows,
    fetch_texts,
    is_iri,
    query_text,
)
from kg.web.browse.filters import ALL, EDITION, FACETS, NOTHING, SORTS, Facet

Key = str | int | None
_SPECIAL = {facet.key: frozenset(facet.special) for facet in FACETS}


@dataclass(frozen=True)
class ValueCount:
    """A facet value with its number of measures in a view."""

    value: str
    measures: int


@dataclass(frozen=True)
class FacetIndex:
    """The facet index. Measures are numbered by the order of their IRIs.

    `bits` are the measures by facet and value, `keys` the sort keys of each measure, `names` the labels of values by
    language. `newest` is the newest edition, if there are several.
    """

    iris: Sequence[str]
    bits: Mapping[str, Mapping[str, int]]
    keys: Mapping[str, Sequence[Key]]
    orders: Mapping[str, "array[int]"]
    names: Mapping[str, Mapping[str, str]]
    newest: str = ""

    @property
    def every(self) -> int:
        """The bit set of all measures."""
        return (1 << len(self.iris)) - 1

    def with_values(self, facet: str, values: Iterable[str]) -> int:
        """Return the measures that have one of these values."""
        measures = 0
        for value in values:
            measures |= self.bits[facet].get(value, 0)
        return measures

    def selected(self, chosen: Mapping[str, Sequence[str]], within: int | None = None, skipped: str = "") -> int:
        """Return the measures with a selected value of each facet but `skipped`, restricted to `within`."""
        measures = self.every if within is None else within
        for facet, values in chosen.items():
            if facet != skipped:
                measures &= self.with_values(facet, values)
        return measures

    def counts(self, facet: Facet, chosen: Mapping[str, Sequence[str]], within: int | None = None) -> list[ValueCount]:
        """Return the number of measures for each value, under the selected values of the other facets."""
        remaining = self.selected(chosen, within, facet.key)
        selected = chosen.get(facet.key, ())
        counted = [(value, (bits & remaining).bit_count()) for value, bits in self.bits[facet.key].items()]
        counts = [ValueCount(value, number) for value, number in counted if number or value in selected]
        if not facet.ordered:
            counts.sort(key=lambda count: (count.value == NOTHING, -count.measures, count.value))
        return counts

    def page(self, measures: int, sort: str, backwards: bool, start: int, length: int) -> list[int]:
        """Return `length` measures in an order, from the `start`-th on."""
        order: Iterable[int] = self.orders[f"-{sort}" if backwards else sort]
        bits = measures.to_bytes(len(self.iris) // 8 + 1, "little")
        return list(islice((place for place in order if bits[place >> 3] >> (place & 7) & 1), start, start + length))

    def of(self, facet: str, place: int) -> list[str]:
        """Return the values of a facet that a measure has."""
        return [value for value, bits in self.bits[facet].items() if value != NOTHING and bits >> place & 1]

    def bits_of(self, iris: Iterable[str]) -> int:
        """Return the bit set of these IRIs."""
        bits = bytearray(len(self.iris) // 8 + 1)
        for iri in iris:
            place = bisect_left(self.iris, iri)
            if place < len(self.iris) and self.iris[place] == iri:
                bits[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(bits, "little")

    def each(self, measures: int) -> Iterator[str]:
        """Yield the IRIs of these measures."""
        bits = measures.to_bytes(len(self.iris) // 8 + 1, "little")
        return (iri for place, iri in enumerate(self.iris) if bits[place >> 3] >> (place & 7) & 1)


class FacetStatement(NamedTuple):
    """A facet value or a sort key of a measure; `thing` is true for an IRI."""

    measure: str
    facet: str
    value: str
    thing: bool


class FacetIndexBuilder:
    """Builder of a facet index. Each batch contains all statements about its measures, with their editions."""

    def __init__(self) -> None:
        # Measures are numbered in the order of input; for each value, the numbers of the measures that have it.
        self._iris: list[str] = []
        self._measures_with: dict[str, dict[str, array[int]]] = {facet.key: {} for facet in FACETS}
        self._keys: dict[str, list[Key]] = {sort.variable: [] for sort in SORTS}
        self._editions: list[str] = []
        self._canonical_keys: dict[Key, Key] = {}

    def add(self, rows: Iterable[FacetStatement]) -> None:
        """Add the rows of a batch. A literal value of a facet is one of the reserved keys, else ignored."""
        listed = [row for row in rows if row.thing or row.value in _SPECIAL.get(row.facet, (row.value,))]
        numbers: dict[str, int] = {}
        for measure, facet, value, _ in listed:
            if facet == "edition":
                number = numbers.setdefault(measure, len(self._iris))
                self._add(number, measure, value)
        counted: dict[int, set[str]] = {number: set() for number in numbers.values()}
        for measure, facet, value, _ in listed:
            place = numbers.get(measure)
            if place is None:
                continue
            if facet == "targets":
                counted[place].add(value)
            elif facet in self._keys:
                self._smallest(facet, place, value)
            elif facet in self._measures_with:
                self._measures_with[facet].setdefault(value, array("I")).append(place)
        for number, targets in counted.items():
            self._keys["targets"][number] = len(targets)

    def values(self) -> set[str]:
        """Return all values added so far."""
        return {value for values in self._measures_with.values() for value in values}

    def table(self, names: Mapping[str, Mapping[str, str]], newest: str = "") -> FacetIndex:
        """Return the index; `newest` is the edition selected by default."""
        order = sorted(range(len(self._iris)), key=self._iris.__getitem__)
        place = array("I", order)
        for at, number in enumerate(order):
            place[number] = at
        keys = {name: [values[number] for number in order] for name, values in self._keys.items()}
        bits = {facet.key: _bits(facet, self._measures_with[facet.key], place) for facet in FACETS}
        orders = dict(_orders(keys, [self._editions[number] for number in order]))
        if len(bits[EDITION]) < 2 or newest not in bits[EDITION]:
            newest = ""
        if newest:
            bits[EDITION][ALL] = (1 << len(order)) - 1
        return FacetIndex([self._iris[number] for number in order], bits, keys, orders, names, newest)

    def _add(self, number: int, measure: str, edition: str) -> None:
        if number < len(self._iris):  # also listed in a second edition
            self._editions[number] = min(self._editions[number], edition)
            return
        self._iris.append(measure)
        self._editions.append(str(self._canonical(edition)))
        for keys in self._keys.values():
            keys.append(None)

    def _canonical(self, key: Key) -> Key:
        """Return the canonical instance of an equal key, to save memory."""
        return self._canonical_keys.setdefault(key, key)

    def _smallest(self, name: str, number: int, text: str) -> None:
        key = _number(text) if name == "row" else text
        before = self._keys[name][number]
        if key is not None and (before is None or key < before):  # type: ignore[operator]  # keys of one order have one type
            self._keys[name][number] = self._canonical(key)


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _bits(facet: Facet, having: Mapping[str, "array[int]"], place: "array[int]") -> dict[str, int]:
    """Return the bit set of each value, and of having none; for an ordered facet, by key."""
    bit_sets, every = {}, 0
    for value in sorted(having, key=facet.short):
        bits = bytearray(len(place) // 8 + 1)
        for number in having[value]:
            bits[place[number] >> 3] |= 1 << (place[number] & 7)
        bit_sets[value] = int.from_bytes(bits, "little")
        every |= bit_sets[value]
    nothing = ((1 << len(place)) - 1) & ~every
    return {**bit_sets, NOTHING: nothing} if nothing else bit_sets


def _orders(keys: Mapping[str, Sequence[Key]], editions: Sequence[str]) -> Iterator[tuple[str, "array[int]"]]:
    """Yield the sort orders, as in the query of a view: newest editions first, unbound keys last in both directions."""
    places = range(len(editions))  # in the order of the IRIs

    def ordered(before: Iterable[int], variable: str, backwards: bool = False) -> list[int]:
        bound = [place for place in before if keys[variable][place] is not None]
        bound.sort(key=lambda place: keys[variable][place], reverse=backwards)  # type: ignore[arg-type,return-value]
        return [*bound, *(place for place in before if keys[variable][place] is None)]

    first, *others = SORTS
    for backwards in (False, True):
        listed = sorted(
            ordered(places, first.variable, backwards), key=lambda place: editions[place], reverse=not backwards
        )
        yield f"{'-' * backwards}{first.key}", array("I", listed)
    listed = sorted(ordered(places, first.variable), key=lambda place: editions[place], reverse=True)
    for sort in others:
        for backwards in (False, True):
            yield f"{'-' * backwards}{sort.key}", array("I", ordered(listed, sort.variable, backwards))


# Editions per query: a result of this size is quick, and goes to a file, not to memory (`kg.engine`).
_EDITIONS_PER_QUERY = 12
# Used if no edition is declared: the editions of all measures.
_EDITIONS = f"SELECT DISTINCT ?edition WHERE {{ ?measure <{ONTOLOGY}edition> ?edition }} ORDER BY ?edition"

# An IRI, or a literal with its datatype; numbers are written plainly (SPARQL 1.1 Query Results CSV and TSV, 4).
_TERM = re.compile(r'^<(.*)>$|^"(.*)".*$')


async def build_facet_index(run_query: RunQuery) -> FacetIndex:
    """Build the facet index of a graph, in several queries, so that queries of clients can run in between."""
    maker = FacetIndexBuilder()
    declared = await fetch_editions(run_query)
    editions = declared or [row["edition"] for row in await fetch_rows(run_query, _EDITIONS) if is_iri(row["edition"])]
    for start in range(0, len(editions), _EDITIONS_PER_QUERY):
        for body in await _facet_results(run_query, editions[start : start + _EDITIONS_PER_QUERY]):
            await asyncio.to_thread(maker.add, _parse_tsv(body))
    named = await fetch_names(run_query, maker.values())
    return await asyncio.to_thread(maker.table, named, next(iter(declared), ""))


async def _facet_results(run_query: RunQuery, editions: Sequence[str]) -> list[bytes]:
    """Return the results for editions: one, or several if a single query was refused for lack of time."""
    try:
        return [await run_query(query_text("facets-of-measures", edition=editions), TSV)]
    except Refusal as refusal:
        if refusal.status != 503 or len(editions) == 1:
            raise
    half = len(editions) // 2
    return [*await _facet_results(run_query, editions[:half]), *await _facet_results(run_query, editions[half:])]


async def fetch_titles(run_query: RunQuery, measures: Sequence[str]) -> Names:
    """Return the titles of measures, by language."""
    return await fetch_texts(run_query, "titles-of-measures", "measure", "title", measures)


def _parse_tsv(body: bytes) -> Iterator[FacetStatement]:
    """Yield the rows of a TSV result, which distinguishes IRIs from literals, unlike CSV."""
    for line in body.decode().split("\n")[1:]:  # literals may contain other line separators
        terms = line.split("\t")
        if len(terms) == len(FacetStatement._fields) - 1 and terms[0].startswith("<"):
            measure, facet, value = (_TERM.sub(lambda term: term[1] or term[2] or "", term) for term in terms)
            yield FacetStatement(measure, facet, value, terms[2].startswith("<"))
