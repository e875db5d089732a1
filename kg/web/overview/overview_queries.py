"""Stored queries of the overview pages, their results with links, and the edition that a page is about."""

from collections.abc import Sequence
from dataclasses import dataclass

from kg.core.errors import QueryError
from kg.core.iris import ID
from kg.core.labels import preferred, preferred_with_language
from kg.core.stored_queries import EDITION
from kg.http.query_client import Names, Row, RunQuery, Term, fetch_editions, fetch_names, fetch_rows, query_text
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
class QueryResult:
    """The result of a stored query, and a link to the query."""

    rows: Sequence[Row]
    behind: QueryLink


async def run_stored_query(
    run_query: RunQuery, name: str, edition: Edition | None = None, most: int = 0, **about: Sequence[Term]
) -> QueryResult | None:
    """Run a stored query about an edition or other resources, with at most `most` rows; None if it was deleted."""
    try:
        text = query_text(name, **({"edition": [edition.iri]} if edition else {}), **about)
    except QueryError:  # a curator may have deleted it
        return None
    limit = f"\nLIMIT {most}" if most else ""
    named = tuple((variable, str(things[0])) for variable, things in about.items() if len(things) == 1)
    behind = QueryLink(name, (*(edition.about if edition else ()), *named))
    return QueryResult(await fetch_rows(run_query, text.rstrip() + limit), behind)


def localized_text(row: Row, stem: str, view: View) -> tuple[str, str]:
    """Return a text of a row in the language of a page, else in the other, with its language."""
    texts = {lang: row[f"{stem}_{lang}"][:_LONGEST] for lang in LANGUAGES if row.get(f"{stem}_{lang}")}
    return preferred_with_language(texts, view.lang)


def page_url(iri: str, view: View) -> str:
    """Return the URL of the page of a resource, or of a place in the source viewer; empty for others."""
    path = path_of(iri)
    return view.link(path.removeprefix("doc/") if path.startswith("doc/source/") else path) if path else ""


def linked_thing(iri: str, words: str, view: View, lang: str = "") -> Value:
    """Return a resource as displayed, with its link."""
    return Value((words or iri.removeprefix(ID))[:_LONGEST], lang, page_url(iri, view))
