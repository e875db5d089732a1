"""Labels for pages and texts: terms of the ontology, Japanese eras, and English months.

`Labels` reads the labels of terms from the ontology and the standard terms of a release. `era_year` returns the year in
the Japanese era (元号) of a day, from `build/eras.csv`.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from kg.core.errors import Problem, RecipeError, ReleaseError
from kg.core.iris import PREFIXES, served_iri, to_curie
from kg.core.paths import project_folders, read_text

_LABEL = PREFIXES["rdfs"] + "label"


class Labels:
    """Labels of terms in Japanese and English; a term without a label gets its prefixed name.

    Raises ReleaseError if a file cannot be read.
    """

    def __init__(self, files: Iterable[Path] = ()) -> None:
        self._names: dict[str, dict[str, str]] = {}
        for file in files:
            for quad in parse_terms(file):
                thing, name = quad.subject, quad.object
                if quad.predicate.value == _LABEL and isinstance(thing, NamedNode) and isinstance(name, Literal):
                    names = self._names.setdefault(served_iri(thing.value), {})
                    names[name.language or ""] = name.value
        self._order = {iri: number for number, iri in enumerate(self._names)}

    def of(self, iri: str, lang: str) -> str:
        """Return the label of a term in a language, or its prefixed name."""
        return self._names.get(iri, {}).get(lang) or to_curie(iri)

    def rank(self, iri: str) -> tuple[int, str]:
        """Return the sort key of a term: the order of the files, unknown terms last."""
        return self._order.get(iri, len(self._order)), iri


def parse_terms(file: Path) -> Iterator[Quad]:
    """Parse a file of terms and yield its statements; raise ReleaseError if it cannot be read."""
    remedy = "run `kg build` to make the release again"
    try:
        yield from parse(path=str(file), format=RdfFormat.TURTLE)
    except SyntaxError as error:
        raise ReleaseError(
            Problem(f"invalid {RdfFormat.TURTLE.name}: {error.msg}", remedy, file, error.lineno)
        ) from error
    except OSError as error:
        raise ReleaseError(Problem(f"cannot be read: {error}", remedy, file)) from error


def preferred(texts: Mapping[str, str], lang: str) -> str:
    """Return the text in a language, or else in another one."""
    return texts.get(lang) or texts.get("ja") or texts.get("en") or next(iter(texts.values()), "")


def preferred_with_language(texts: Mapping[str, str], lang: str) -> tuple[str, str]:
    """Return the preferred text with its language; both are empty if there is none."""
    text = preferred(texts, lang)
    return text, next((language for language, each in texts.items() if each == text), "")


def is_web_address(iri: str) -> bool:
    """True if an IRI is safe as a link target: HTTP only, since `javascript:` is an IRI as well."""
    return iri.lower().startswith(("http://", "https://"))


# Not from strftime or the module calendar: their names depend on the locale, and a release must not.
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Japan has used the Gregorian calendar since this day; an earlier day has another month and day in its era.
_GREGORIAN = date(1873, 1, 1)
_FILE = "eras.csv"


@dataclass(frozen=True)
class EraYear:
    """Year of an era: its names in Japanese and English, and its number, from 1."""

    ja: str
    en: str
    number: int


def era_year(day: date) -> EraYear | None:
    """Return the year of the era of a day; None before the Gregorian calendar was introduced."""
    if day < _GREGORIAN:
        return None
    begun = [era for era in _eras(project_folders().recipe / _FILE) if era[0] <= day]
    if not begun:
        return None
    first, ja, en = begun[-1]
    return EraYear(ja, en, day.year - first.year + 1)


@cache
def _eras(file: Path) -> tuple[tuple[date, str, str], ...]:
    """Return first day, Japanese and English name of each era; the day is 1 January if only the year is known."""
    rows = csv.DictReader(read_text(file, RecipeError).splitlines())
    days = ((row["first_day"], row) for row in rows)
    eras = ((date.fromisoformat(day if len(day) > 4 else f"{day}-01-01"), row) for day, row in days)
    return tuple(sorted((day, row["label_ja"], row["label_en"]) for day, row in eras))
