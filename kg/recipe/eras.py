"""Japanese eras (元号), in whose years documents are dated: names, first and last days."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from kg.core.errors import Problem
from kg.recipe.table_loader import Row, Table


@dataclass(frozen=True)
class Era:
    """One era.

    Its first day is None if sources disagree on it; its last day, inclusive, is None if it has not ended.
    """

    key: str
    label_ja: str
    label_en: str
    letter: str
    first_year: int
    first_day: datetime.date | None
    last_day: datetime.date | None
    row: Row

    def touches(self, first: datetime.date, last: datetime.date) -> bool:
        """Return whether a range of days overlaps the era; False if its first day is not settled."""
        if self.first_day is None or last < self.first_day:
            return False
        return self.last_day is None or first <= self.last_day

    def western_year(self, number: int) -> int:
        """Return the Gregorian year of an era year, counted from 1."""
        return self.first_year + number - 1

    def year_name(self, year: int) -> str:
        """Return the name of a Gregorian year in this era, such as 令和元; empty if the era began later."""
        number = year - self.first_year + 1
        return f"{self.label_ja}{'元' if number == 1 else number}" if number >= 1 else ""


def read_eras(table: Table) -> tuple[tuple[Era, ...], list[Problem]]:
    """Return the eras of `eras.csv`, the earliest first, and their problems: impossible or overlapping days."""
    eras: list[Era] = []
    problems: list[Problem] = []
    if not table.rows:
        problems.append(Problem("holds no era", "put the eras back: the years of documents count by them", table.file))
    for row in table.rows:
        try:
            eras.append(_era(row))
        except ValueError:
            fact = f"first_day is {row['first_day']!r}; it must be a day such as 2019-05-01, or a year"
            problems.append(
                Problem(fact, "correct it; leave only the year where sources disagree", table.file, row.line)
            )
    eras.sort(key=lambda era: (era.first_year, str(era.first_day)))
    problems.extend(_crossing(eras, table))
    return tuple(eras), problems


def _era(row: Row) -> Era:
    first, last = row["first_day"], row["last_day"]
    return Era(
        key=row["key"],
        label_ja=row["label_ja"],
        label_en=row["label_en"],
        letter=row["letter"],
        first_year=int(first[:4]),
        first_day=datetime.date.fromisoformat(first) if len(first) > 4 else None,
        last_day=datetime.date.fromisoformat(last) if last else None,
        row=row,
    )


def _crossing(eras: list[Era], table: Table) -> Iterator[Problem]:
    """Yield the problems in the order of days; until 1926 an era ended on the day on which the next began."""
    for era in eras:
        if era.first_day and era.last_day and era.last_day < era.first_day:
            yield Problem(f"{era.key} ends before it begins", "exchange the days", table.file, era.row.line)
    for era, later in pairwise(eras):
        if later.first_day and (era.last_day is None or era.last_day > later.first_day):
            fact = f"{era.key} has not ended when {later.key} begins"
            yield Problem(fact, "give its last day: the day before, or the same day", table.file, era.row.line)
