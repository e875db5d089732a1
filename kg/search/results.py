"""Result types of search and matching. Scores go from 0 to 100; labels are empty if there is none in a language."""

from collections.abc import Mapping
from dataclasses import dataclass

from kg.core.errors import QueryError


class SearchTimeout(QueryError):
    """Search that exceeded its time limit; there is no partial result."""


@dataclass(frozen=True, slots=True)
class ScorePart:
    """Part of a score: what was compared, the agreement (0 to 1), its weight, and the reason in both languages.

    The score is 100 times the sum of value times weight.
    """

    name: str
    value: float
    weight: float
    reason_ja: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Entity that a name may mean. `match` marks a certain match; at most one candidate of a name has it.

    `types` are its classes, and the scheme of a concept. `name` is the best matching name. `edition` and `earlier` are
    IRIs: its edition, if there are several, and the earlier ones that contain it too.
    """

    iri: str
    label_ja: str
    label_en: str
    description: str
    types: tuple[str, ...]
    score: float
    match: bool
    parts: tuple[ScorePart, ...]
    name: str = ""
    edition: str = ""
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SimilarEntity:
    """Entity whose text is similar to a paragraph, with the shared words, highest weight first."""

    iri: str
    label_ja: str
    label_en: str
    types: tuple[str, ...]
    score: float
    words: tuple[str, ...]
    parts: tuple[ScorePart, ...]


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Piece of a text; `marked` is whether it matches a search term."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """Hit of a search. `title` is its name and `snippet` a part of a matching text, both with marks.

    `property` is the property of the snippet; both are empty if only the name matches. `edition` is the edition of the
    entity, if there are several.
    """

    iri: str
    label_ja: str
    label_en: str
    types: tuple[str, ...]
    score: float
    title: tuple[TextPiece, ...]
    snippet: tuple[TextPiece, ...] = ()
    property: str = ""
    lang: str = ""
    edition: str = ""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """Value of a facet (an IRI or a plain text) with its number of hits."""

    value: str
    label_ja: str
    label_en: str
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search: number of hits, hits of the page, and the values of each facet.

    The values of a facet are counted under the filters of the other facets; `properties` has the property of each
    facet. `relaxed` is the other spelling (katakana or hiragana) that was found, if the given one was not.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[FacetValue, ...]]
    properties: Mapping[str, str]
    relaxed: str = ""
