"""What a search and a match return. Scores go from 0 to 100; labels are empty where a thing has none in a language."""

from collections.abc import Mapping
from dataclasses import dataclass

from kg.core.errors import QueryError


class SearchTimeout(QueryError):
    """A search that took longer than it may: no part of its answer is given."""


@dataclass(frozen=True, slots=True)
class Part:
    """One reason of a score: what was compared, how well it agrees (0 to 1), how much that counts, and in words.

    The score is 100 times the sum of value times weight.
    """

    name: str
    value: float
    weight: float
    reason_ja: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A thing that a name may mean. `match` says that it is surely this one; at most one candidate of a name has it.

    `types` are its classes, and its scheme where it is a concept. `name` is the name that fits best. `edition` and
    `earlier` are IRIs: the edition that it is in, where there are several, and the earlier ones that have it, too.
    """

    iri: str
    label_ja: str
    label_en: str
    description: str
    types: tuple[str, ...]
    score: float
    match: bool
    parts: tuple[Part, ...]
    name: str = ""
    edition: str = ""
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resembling:
    """A thing whose text resembles a paragraph, with the words that carried the score, the weightiest first."""

    iri: str
    label_ja: str
    label_en: str
    types: tuple[str, ...]
    score: float
    words: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text, and whether it is what was looked for."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A thing that was found. `title` is its name and `snippet` a part of the text that was hit, both with marks.

    `property` names where the snippet stands; snippet and property are empty where only the name was hit. `edition` is
    where the thing stands, where there are several editions.
    """

    iri: str
    label_ja: str
    label_en: str
    types: tuple[str, ...]
    score: float
    title: tuple[Piece, ...]
    snippet: tuple[Piece, ...] = ()
    property: str = ""
    lang: str = ""
    edition: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """A value by which hits can be narrowed, with the number of hits that have it; an IRI, or a plain text."""

    value: str
    label_ja: str
    label_en: str
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search: how many hits there are, those of the page, and for each facet its values.

    The values of a facet are counted under the filters of the other facets; `properties` names for each facet the
    property that it comes from. `relaxed` is the other spelling in which
    the words were found, where they were not found as they were written.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[Facet, ...]]
    properties: Mapping[str, str]
    relaxed: str = ""
