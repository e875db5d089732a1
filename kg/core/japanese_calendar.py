"""Japanese eras (元号) of days, from `build/eras.csv`, and English names of months, for texts that people read."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from kg.core.errors import RecipeError
from kg.core.paths import project_folders, read_text

# Not from strftime or the module calendar: their names follow the locale, and a release must not.
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Japan has used the Gregorian calendar since this day; an era date of an earlier day has another month and day.
_GREGORIAN = date(1873, 1, 1)
_FILE = "eras.csv"


@dataclass(frozen=True)
class EraYear:
    """A year of an era: its names in Japanese and English, and its number, from 1."""

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
    """Return first day, Japanese and English name of each era; of an era without a first day, 1 January of its year."""
    rows = csv.DictReader(read_text(file, RecipeError).splitlines())
    days = ((row["first_day"], row) for row in rows)
    eras = ((date.fromisoformat(day if len(day) > 4 else f"{day}-01-01"), row) for day, row in days)
    return tuple(sorted((day, row["label_ja"], row["label_en"]) for day, row in eras))
