"""What the pages about a whole edition are made of: the answers of stored queries, and links to these.

Which edition a page is about: the newest, or the one that its address names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kg.core.errors import QueryError
from kg.core.iris import ID
from kg.core.labels import preferred, preferred_with_language
from kg.core.stored_queries import EDITION
from kg.http.query_client import Ask, Names, Row, Term, editions_of, names, rows, text_of
from kg.http.responses import path_of
from kg.http.templates import LANGUAGES, View
from kg.web.browse.filters import BY_KEY
from kg.web.presenter import Value
from kg.web.query_library import Behind

PARAMETER = EDITION


@dataclass(frozen=True)
class Edition:
    """An edition: its IRI, what an address names it by, and whether it is the only one."""

    iri: str
    key: str
    alone: bool = False

    @property
    def about(self) -> tuple[tuple[str, str], ...]:
        """What a stored query is asked about, for links to it."""
        return ((PARAMETER, self.iri if ":" in self.key else f"edition/{self.key}"),)

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """What the list of measures is narrowed to for this edition: nothing where there is no other."""
        return {} if self.alone else {PARAMETER: (self.iri,)}


@dataclass(frozen=True)
class Editions:
    """The editions of a graph, the newest first, with their names."""

    every: Sequence[Edition]
    names: Names

    def chosen(self, key: str) -> Edition | None:
        """Return the edition of a key, the newest for none, or None where there is no such edition."""
        return next((edition for edition in self.every if key in ("", edition.key)), None)

    def called(self, edition: Edition, lang: str) -> str:
        """Return what an edition is called."""
        return preferred(self.names.get(edition.iri, {}), lang) or edition.key


async def editions(ask: Ask) -> Editions:
    """Return the editions of a graph."""
    found = await editions_of(ask)
    short = BY_KEY[PARAMETER].short
    return Editions([Edition(iri, short(iri), len(found) == 1) for iri in found], await names(ask, found))


_LONGEST = 400  # characters of a text of the data: there are many on one page


@dataclass(frozen=True)
class Answered:
    """The rows of a stored query about something, and the query."""

    rows: Sequence[Row]
    behind: Behind


async def answered(
    ask: Ask, name: str, edition: Edition | None = None, most: int = 0, **about: Sequence[Term]
) -> Answered | None:
    """Return what a stored query answers about an edition or other things, at `most` so many rows; None without it."""
    try:
        text = text_of(name, **({"edition": [edition.iri]} if edition else {}), **about)
    except QueryError:  # a curator may have taken it away
        return None
    limit = f"\nLIMIT {most}" if most else ""
    named = tuple((variable, str(things[0])) for variable, things in about.items() if len(things) == 1)
    behind = Behind(name, (*(edition.about if edition else ()), *named))
    return Answered(await rows(ask, text.rstrip() + limit), behind)


def called(row: Row, stem: str, view: View) -> tuple[str, str]:
    """Return a text of a row in the language of a page, or else in the other, with its language."""
    texts = {lang: row[f"{stem}_{lang}"][:_LONGEST] for lang in LANGUAGES if row.get(f"{stem}_{lang}")}
    return preferred_with_language(texts, view.lang)


def leads_to(iri: str, view: View) -> str:
    """Return the address of the page of a thing; of a place in the source, beside what was read there; or nothing."""
    path = path_of(iri)
    return view.link(path.removeprefix("doc/") if path.startswith("doc/source/") else path) if path else ""


def thing(iri: str, words: str, view: View, lang: str = "") -> Value:
    """Return a thing as it is shown, with where it leads."""
    return Value((words or iri.removeprefix(ID))[:_LONGEST], lang, leads_to(iri, view))
