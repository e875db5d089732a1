"""What the pages about a whole edition are made of: the answers of stored queries, and links to these."""

from collections.abc import Sequence
from dataclasses import dataclass

from kg.core.errors import QueryError
from kg.core.iris import ID
from kg.core.labels import told
from kg.http.pages import LANGUAGES, View
from kg.http.query_client import Ask, Row, rows
from kg.http.representations import path_of
from kg.http.stored_query_client import Term, text_of
from kg.web.overview.edition_selector import Edition
from kg.web.presenter import Value
from kg.web.query_library import Behind

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
    return told(texts, view.lang)


def leads_to(iri: str, view: View) -> str:
    """Return the address of the page of a thing; of a place in the source, beside what was read there; or nothing."""
    path = path_of(iri)
    return view.link(path.removeprefix("doc/") if path.startswith("doc/source/") else path) if path else ""


def thing(iri: str, words: str, view: View, lang: str = "") -> Value:
    """Return a thing as it is shown, with where it leads."""
    return Value((words or iri.removeprefix(ID))[:_LONGEST], lang, leads_to(iri, view))
