"""A view of the list in the words of a page: its rows, its facets with counts, what is chosen, how it is sorted.

Where the words of a view are looked for: in the search index of what is served, beside the event loop.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from kg.core.labels import preferred, preferred_with_language
from kg.http.query_client import Names
from kg.http.responses import path_of
from kg.http.search_executor import Desk, left
from kg.http.templates import View
from kg.search import Matcher
from kg.web.browse.facet_index import Count, Key, Table
from kg.web.browse.filters import ALL, BY_KEY, EDITION, FACETS, NOTHING, PAGE, SORT, SORTS, WORDS, Choice, Facet

LENGTH = 25  # measures on a page
_SEEN = 8  # values of a facet before the rest is folded
_LISTED = 60  # values of a facet on a page


@dataclass(frozen=True)
class Option:
    """A value that can be chosen: its words, its number of measures, and where choosing it (or not) leads."""

    words: str
    lang: str
    measures: int
    chosen: bool
    address: str


@dataclass(frozen=True)
class Group:
    """A facet with its values: those seen at first, those folded, and how many more there are."""

    key: str
    words: str
    options: Sequence[Option]
    folded: Sequence[Option]
    unlisted: int

    @property
    def chosen(self) -> bool:
        """Whether a value of it is chosen."""
        return any(option.chosen for option in (*self.options, *self.folded))


@dataclass(frozen=True)
class Chip:
    """A thing that is chosen: what it belongs to, its words, where it is taken away, and what would be found then."""

    facet: str
    words: str
    address: str
    measures: int


@dataclass(frozen=True)
class Named:
    """A thing in a row: its name, the language of that, and its path on this site."""

    words: str
    lang: str
    path: str


@dataclass(frozen=True)
class Row:
    """A measure of the list; `edition` is the key of its edition, where there are several."""

    iri: str
    path: str
    title: str
    lang: str
    keys: Mapping[str, Key]
    things: Mapping[str, Sequence[Named]]
    marks: frozenset[str]
    edition: str = ""


@dataclass(frozen=True)
class Order:
    """A way to sort: its words, where it leads, and whether it is in use: `ascending`, `descending` or nothing."""

    key: str
    words: str
    address: str
    used: str


@dataclass(frozen=True)
class Shown:
    """A view of the list."""

    total: int
    every: int
    page: int
    pages: int
    rows: Sequence[Row]
    groups: Sequence[Group]
    chips: Sequence[Chip]
    orders: Sequence[Order]


class Words:
    """Says a view in the words of a page."""

    def __init__(self, view: View, table: Table, choice: Choice, hits: int | None) -> None:
        self._view, self._table, self._choice, self._hits = view, table, choice, hits
        self.found = table.selected(choice.values, hits)

    @property
    def pages(self) -> int:
        """The number of pages; at least one."""
        return max(1, -(-self.found.bit_count() // LENGTH))

    def places(self) -> list[int]:
        """Return the measures of the page, in its order."""
        start = (min(self._choice.page, self.pages) - 1) * LENGTH
        return self._table.page(self.found, self._choice.order, self._choice.backwards, start, LENGTH)

    def shown(self, titles: Names) -> Shown:
        """Return the view; `titles` are those of the measures of the page."""
        return Shown(
            total=self.found.bit_count(),
            every=len(self._table.iris),
            page=min(self._choice.page, self.pages),
            pages=self.pages,
            rows=[self._row(place, titles) for place in self.places()],
            groups=[group for facet in FACETS if (group := self._group(facet))],
            chips=list(self._chips()),
            orders=list(self._orders()),
        )

    def _row(self, place: int, titles: Names) -> Row:
        iri = self._table.iris[place]
        title, lang = preferred_with_language(titles.get(iri, {}), self._view.lang)
        marks = {*self._table.of("correction", place), *self._table.of("effect", place)}
        return Row(
            iri=iri,
            path=_path(iri),
            title=title or iri,
            lang=lang,
            keys={name: keys[place] for name, keys in self._table.keys.items()},
            things={
                facet.key: [
                    self._named(facet, value)
                    for value in self._table.of(facet.key, place)
                    if value not in facet.special
                ]
                for facet in FACETS
                if facet.key != EDITION
            },
            marks=frozenset(marks & {"corrected", "doubtful", "uncertain"}),
            edition=self._edition(place),
        )

    def _edition(self, place: int) -> str:
        facet = BY_KEY[EDITION]
        there = [value for value in self._table.of(facet.key, place) if value != ALL] if self._table.newest else []
        return ", ".join(map(facet.short, there))

    def _named(self, facet: Facet, value: str) -> Named:
        words, lang = self._value(facet, value)
        return Named(words, lang, _path(value))

    def _group(self, facet: Facet) -> Group | None:
        """Return a facet; None where it tells nothing apart."""
        if len(self._table.bits[facet.key]) < 2 and facet.key not in self._choice.values:
            return None
        chosen = self._choice.values.get(facet.key, ())
        counts = self._table.counts(facet, self._choice.values, self._hits)
        # what is chosen is always seen
        seen = [count for place, count in enumerate(counts) if place < _SEEN or count.value in chosen]
        folded = [count for count in counts[_SEEN:] if count.value not in chosen]
        if not counts:
            return None
        return Group(
            facet.key,
            self._view.t(*facet.words),
            [self._option(facet, count) for count in seen],
            [self._option(facet, count) for count in folded[:_LISTED]],
            len(folded[_LISTED:]),
        )

    def _option(self, facet: Facet, count: Count) -> Option:
        chosen = count.value in self._choice.values.get(facet.key, ())
        address = self._address(self._choice.toggled(facet, count.value))
        return Option(*self._value(facet, count.value), count.measures, chosen, address)

    def _chips(self) -> Iterator[Chip]:
        if self._choice.words:
            yield self._chip(self._view.t("語", "Words"), self._choice.words, self._choice.without_words(), None)
        for key, values in self._choice.values.items():
            facet = BY_KEY[key]
            for value in values:
                left = self._choice.toggled(facet, value)
                yield self._chip(self._view.t(*facet.words), self._value(facet, value)[0], left, self._hits)

    def _chip(self, facet: str, words: str, left: Choice, hits: int | None) -> Chip:
        measures = self._table.selected(left.values, hits).bit_count()
        return Chip(facet, words, self._address(left), measures)

    def _orders(self) -> Iterator[Order]:
        for sort in SORTS:
            there = sort.key == self._choice.order
            turned = f"-{sort.key}" if there and not self._choice.backwards else sort.key
            if not there and sort.key == "targets":  # those with the most are looked for
                turned = f"-{sort.key}"
            used = ("descending" if self._choice.backwards else "ascending") if there else ""
            yield Order(sort.key, self._view.t(*sort.words), self._address(self._choice.sorted_by(turned)), used)

    def _value(self, facet: Facet, value: str) -> tuple[str, str]:
        """Return the words for a value, and their language where it is not that of the page."""
        if value == NOTHING:
            return self._view.t(*facet.nothing), ""
        if value in facet.special:
            return self._view.t(*facet.special[value].words), ""
        names = self._table.names.get(value, {})
        words = preferred(names, self._view.lang)
        if facet.key == EDITION:
            key = facet.short(value)
            words = f"{words} ({key})" if words else key
        return words or facet.short(value), "" if names.get(self._view.lang) or not words else "ja"

    def _address(self, choice: Choice) -> str:
        return choice.address(lang=self._view.lang)


def kept(choice: Choice) -> list[tuple[str, str]]:
    """Return the parameters that the search form of the page hands on: all but its own and the page."""
    return [pair for pair in choice.parameters() if pair[0] not in (WORDS, SORT, PAGE)]


def _path(iri: str) -> str:
    return path_of(iri) or f"lookup?iri={quote(iri, safe='')}"


# Returns the measures (IRIs) in which words are found; raises Refusal as the desk does.
Find = Callable[[str], Awaitable[Sequence[str]]]


def finder(desk: Desk) -> Find:
    """Return what looks for measures at the desk of the searches."""

    async def find(words: str) -> Sequence[str]:
        def errand(matcher: Matcher, deadline: float) -> Sequence[str]:
            return matcher.index.all(words, filters={"type": ["measure"]}, seconds=left(deadline))

        return await desk.errand(errand)

    return find
