"""Presenter of the list of measures: rows, facets with counts, active filters, sort links; and its index search."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from kg.core.labels import preferred, preferred_with_language
from kg.http.query_client import Names
from kg.http.responses import path_of
from kg.http.templates import View
from kg.search import Matcher
from kg.web.browse.facet_index import FacetIndex, Key, ValueCount
from kg.web.browse.filters import ALL, BY_KEY, EDITION, FACETS, NOTHING, PAGE, SORT, SORTS, WORDS, Facet, Selection
from kg.web.search_routes import SearchExecutor, remaining_seconds

PAGE_SIZE = 25  # measures on a page
_UNFOLDED = 8  # unfolded values of a facet
_LISTED = 60  # values of a facet on a page


@dataclass(frozen=True)
class FacetOption:
    """A selectable facet value: label, number of measures, and the link that toggles it."""

    words: str
    lang: str
    measures: int
    chosen: bool
    address: str


@dataclass(frozen=True)
class FacetGroup:
    """A facet with its values: the visible ones, the folded ones, and the number of further ones."""

    key: str
    words: str
    options: Sequence[FacetOption]
    folded: Sequence[FacetOption]
    unlisted: int

    @property
    def chosen(self) -> bool:
        """True if one of its values is selected."""
        return any(option.chosen for option in (*self.options, *self.folded))


@dataclass(frozen=True)
class ActiveFilter:
    """An active filter: its facet, its label, the link that removes it, and the number of measures without it."""

    facet: str
    words: str
    address: str
    measures: int


@dataclass(frozen=True)
class LinkedName:
    """A resource in a row: name, its language, and its path on this site."""

    words: str
    lang: str
    path: str


@dataclass(frozen=True)
class MeasureRow:
    """A measure of the list; `edition` is the key of its edition, if there are several."""

    iri: str
    path: str
    title: str
    lang: str
    keys: Mapping[str, Key]
    things: Mapping[str, Sequence[LinkedName]]
    marks: frozenset[str]
    edition: str = ""


@dataclass(frozen=True)
class SortLink:
    """A sort order: label, link, and its current state: `ascending`, `descending` or empty."""

    key: str
    words: str
    address: str
    used: str


@dataclass(frozen=True)
class ListPage:
    """The data of the page of a view."""

    total: int
    every: int
    page: int
    pages: int
    rows: Sequence[MeasureRow]
    groups: Sequence[FacetGroup]
    chips: Sequence[ActiveFilter]
    orders: Sequence[SortLink]


class ListPresenter:
    """Presenter of a view in one page context."""

    def __init__(self, view: View, table: FacetIndex, choice: Selection, hits: int | None) -> None:
        self._view, self._table, self._choice, self._hits = view, table, choice, hits
        self.found = table.selected(choice.values, hits)

    @property
    def pages(self) -> int:
        """The number of pages; at least one."""
        return max(1, -(-self.found.bit_count() // PAGE_SIZE))

    def places(self) -> list[int]:
        """Return the measures of the page, in its order."""
        start = (min(self._choice.page, self.pages) - 1) * PAGE_SIZE
        return self._table.page(self.found, self._choice.order, self._choice.descending, start, PAGE_SIZE)

    def shown(self, titles: Names) -> ListPage:
        """Return the page; `titles` are those of its measures."""
        return ListPage(
            total=self.found.bit_count(),
            every=len(self._table.iris),
            page=min(self._choice.page, self.pages),
            pages=self.pages,
            rows=[self._row(place, titles) for place in self.places()],
            groups=[group for facet in FACETS if (group := self._group(facet))],
            chips=list(self._chips()),
            orders=list(self._orders()),
        )

    def _row(self, place: int, titles: Names) -> MeasureRow:
        iri = self._table.iris[place]
        title, lang = preferred_with_language(titles.get(iri, {}), self._view.lang)
        marks = {*self._table.of("correction", place), *self._table.of("effect", place)}
        return MeasureRow(
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
        editions = [value for value in self._table.of(facet.key, place) if value != ALL] if self._table.newest else []
        return ", ".join(map(facet.short, editions))

    def _named(self, facet: Facet, value: str) -> LinkedName:
        words, lang = self._value(facet, value)
        return LinkedName(words, lang, _path(value))

    def _group(self, facet: Facet) -> FacetGroup | None:
        """Return a facet; None if all measures have the same value."""
        if len(self._table.bits[facet.key]) < 2 and facet.key not in self._choice.values:
            return None
        chosen = self._choice.values.get(facet.key, ())
        counts = self._table.counts(facet, self._choice.values, self._hits)
        # selected values are always visible
        seen = [count for place, count in enumerate(counts) if place < _UNFOLDED or count.value in chosen]
        folded = [count for count in counts[_UNFOLDED:] if count.value not in chosen]
        if not counts:
            return None
        return FacetGroup(
            facet.key,
            self._view.t(*facet.words),
            [self._option(facet, count) for count in seen],
            [self._option(facet, count) for count in folded[:_LISTED]],
            len(folded[_LISTED:]),
        )

    def _option(self, facet: Facet, count: ValueCount) -> FacetOption:
        chosen = count.value in self._choice.values.get(facet.key, ())
        address = self._address(self._choice.toggled(facet, count.value))
        return FacetOption(*self._value(facet, count.value), count.measures, chosen, address)

    def _chips(self) -> Iterator[ActiveFilter]:
        if self._choice.words:
            yield self._chip(
                self._view.t("語", "ListPresenter"), self._choice.words, self._choice.without_words(), None
            )
        for key, values in self._choice.values.items():
            facet = BY_KEY[key]
            for value in values:
                without = self._choice.toggled(facet, value)
                yield self._chip(self._view.t(*facet.words), self._value(facet, value)[0], without, self._hits)

    def _chip(self, facet: str, words: str, without: Selection, hits: int | None) -> ActiveFilter:
        measures = self._table.selected(without.values, hits).bit_count()
        return ActiveFilter(facet, words, self._address(without), measures)

    def _orders(self) -> Iterator[SortLink]:
        for sort in SORTS:
            active = sort.key == self._choice.order
            turned = f"-{sort.key}" if active and not self._choice.descending else sort.key
            if not active and sort.key == "targets":  # the first click sorts by most targets
                turned = f"-{sort.key}"
            used = ("descending" if self._choice.descending else "ascending") if active else ""
            yield SortLink(sort.key, self._view.t(*sort.words), self._address(self._choice.sorted_by(turned)), used)

    def _value(self, facet: Facet, value: str) -> tuple[str, str]:
        """Return the label of a value, and its language if it is not that of the page."""
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

    def _address(self, choice: Selection) -> str:
        return choice.address(lang=self._view.lang)


def hidden_parameters(choice: Selection) -> list[tuple[str, str]]:
    """Return the hidden parameters of the search form: all but its own and the page."""
    return [pair for pair in choice.parameters() if pair[0] not in (WORDS, SORT, PAGE)]


def _path(iri: str) -> str:
    return path_of(iri) or f"lookup?iri={quote(iri, safe='')}"


# Function that returns the IRIs of the measures with these words; raises Refusal like the search executor.
Find = Callable[[str], Awaitable[Sequence[str]]]


def measure_finder(executor: SearchExecutor) -> Find:
    """Return a function that searches the measures in the index."""

    async def find(words: str) -> Sequence[str]:
        def search(matcher: Matcher, deadline: float) -> Sequence[str]:
            return matcher.index.all(words, filters={"type": ["measure"]}, seconds=remaining_seconds(deadline))

        return await executor.submit(search)

    return find
