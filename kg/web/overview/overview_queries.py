"""Stored queries of the overview pages, their results with links, and the edition that a page is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic

from kg.core.errors import QueryError
from kg.core.iris import ID
from kg.core.labels import preferred, preferred_with_language
from kg.core.stored_queries import EDITION
from kg.http.query_client import (
    Names,
    RowType,
    RunQuery,
    StoredRow,
    Term,
    fetch_editions,
    fetch_names,
    fetch_rows,
    query_text,
)
from kg.http.responses import path_of
from kg.http.templates import LANGUAGES, View
from kg.web.browse.filters import BY_KEY
from kg.web.presenter import Value
from kg.web.query_library import QueryLink

PARAMETER = EDITION


@dataclass(frozen=True)
class Edition:
    """An edition: its IRI, its key in URLs, and whether it is the only one."""

    iri: str
    key: str
    is_only: bool = False

    @property
    def about(self) -> tuple[tuple[str, str], ...]:
        """The parameters of a stored query for this edition, for links."""
        return ((PARAMETER, self.iri if ":" in self.key else f"edition/{self.key}"),)

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """The filter of the list of measures for this edition; empty if it is the only one."""
        return {} if self.is_only else {PARAMETER: (self.iri,)}


@dataclass(frozen=True)
class EditionList:
    """The editions of a graph, newest first, with their names."""

    every: Sequence[Edition]
    names: Names

    def chosen(self, key: str) -> Edition | None:
        """Return the edition of a key, the newest for an empty key, or None for an unknown one."""
        return next((edition for edition in self.every if key in ("", edition.key)), None)

    def name_of(self, edition: Edition, lang: str) -> str:
        """Return the name of an edition."""
        return preferred(self.names.get(edition.iri, {}), lang) or edition.key


async def fetch_edition_list(run_query: RunQuery) -> EditionList:
    """Return the editions of a graph."""
    editions = await fetch_editions(run_query)
    short = BY_KEY[PARAMETER].short
    return EditionList(
        [Edition(iri, short(iri), len(editions) == 1) for iri in editions], await fetch_names(run_query, editions)
    )


_LONGEST = 400  # characters of a text of the data, since a page has many


@dataclass(frozen=True)
class PillarLeadRow(StoredRow):
    """Measures of a pillar and a lead ministry."""

    query: ClassVar[str] = "measures-by-pillar-and-lead"
    pillar: str
    pillar_ja: str
    pillar_en: str
    organization: str
    name_ja: str
    name_en: str
    measures: int


@dataclass(frozen=True)
class MinistryPairRow(StoredRow):
    """Measures that two ministries share."""

    query: ClassVar[str] = "pairs-of-ministries"
    one: str
    other: str
    measures: int
    led_by_both: int


@dataclass(frozen=True)
class CompletenessRow(StoredRow):
    """Measures in which a column is read, empty or unread."""

    query: ClassVar[str] = "completeness-by-column"
    column: str
    column_ja: str
    column_en: str
    filled: int
    empty: int
    unread: int


@dataclass(frozen=True)
class TimelineRow(StoredRow):
    """A target with its fiscal year."""

    query: ClassVar[str] = "targets-on-a-time-line"
    fiscal_year: str
    period_ja: str
    period_en: str
    period_kind: str
    role: str
    milestone: str
    number: str
    printed: str
    target: str


@dataclass(frozen=True)
class OpenPointRow(StoredRow):
    """Number of things that the source or the reading leaves open."""

    query: ClassVar[str] = "what-is-left-open"
    by: str
    point: str
    things: int


@dataclass(frozen=True)
class ShapeRow(StoredRow):
    """Number of validation results of a shape."""

    query: ClassVar[str] = "validation-by-shape"
    severity: str
    shape: str
    message_ja: str
    message_en: str
    results: int


@dataclass(frozen=True)
class ResultRow(StoredRow):
    """A validation result with its place in the source."""

    query: ClassVar[str] = "validation-results"
    focus: str
    page: str
    line: str
    place: str


@dataclass(frozen=True)
class IssueTypeRow(StoredRow):
    """Number of issues of a type."""

    query: ClassVar[str] = "issues-by-type"
    type: str
    type_ja: str
    type_en: str
    issues: int


@dataclass(frozen=True)
class IssueRow(StoredRow):
    """An issue with its place in the source."""

    query: ClassVar[str] = "issues-with-places"
    type: str
    page: str
    line: str
    position: str
    printed: str
    cell: str
    number: str
    measure: str
    issue: str


@dataclass(frozen=True)
class CorrectionRow(StoredRow):
    """A correction with its reason and place."""

    query: ClassVar[str] = "corrections-applied"
    page: str
    line: str
    position: str
    printed: str
    corrected: str
    reason_ja: str
    reason_en: str
    evidence: str
    measure: str
    correction: str
    cell: str


@dataclass(frozen=True)
class DoubtRow(StoredRow):
    """A doubtful reading, left as printed, with its reason and place."""

    query: ClassVar[str] = "doubtful-readings"
    page: str
    line: str
    position: str
    printed: str
    reason_ja: str
    reason_en: str
    evidence: str
    measure: str
    correction: str
    cell: str


@dataclass(frozen=True)
class QueryResult(Generic[RowType]):
    """The result of a stored query, and a link to the query."""

    rows: Sequence[RowType]
    behind: QueryLink


async def run_stored_query(
    run_query: RunQuery,
    row_type: type[RowType],
    edition: Edition | None = None,
    most: int = 0,
    **about: Sequence[Term],
) -> QueryResult[RowType] | None:
    """Run a stored query about an edition or other resources, with at most `most` rows; None if it was deleted."""
    name = row_type.query
    try:
        text = query_text(name, **({"edition": [edition.iri]} if edition else {}), **about)
    except QueryError:  # a curator may have deleted it
        return None
    limit = f"\nLIMIT {most}" if most else ""
    named = tuple((variable, str(things[0])) for variable, things in about.items() if len(things) == 1)
    behind = QueryLink(name, (*(edition.about if edition else ()), *named))
    rows = await fetch_rows(run_query, text.rstrip() + limit)
    return QueryResult([row_type.of(row) for row in rows], behind)


def localized_text(row: StoredRow, stem: str, view: View) -> tuple[str, str]:
    """Return a text of a row in the language of a page, else in the other, with its language."""
    texts = {lang: text[:_LONGEST] for lang in LANGUAGES if (text := getattr(row, f"{stem}_{lang}", ""))}
    return preferred_with_language(texts, view.lang)


def page_url(iri: str, view: View) -> str:
    """Return the URL of the page of a resource, or of a place in the source viewer; empty for others."""
    path = path_of(iri)
    return view.link(path.removeprefix("doc/") if path.startswith("doc/source/") else path) if path else ""


def linked_thing(iri: str, words: str, view: View, lang: str = "") -> Value:
    """Return a resource as displayed, with its link."""
    return Value((words or iri.removeprefix(ID))[:_LONGEST], lang, page_url(iri, view))
