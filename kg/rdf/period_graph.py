"""Periods as things: their first and last day, their names in the eras they touch, and how they lie to these.

A fiscal year begins on 1 April (Public Finance Act, Article 11). The end is the last day, inclusive.
"""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kg.recipe.eras import Era

_CODE = re.compile(
    r"(?:(?P<kind>FY|CY)(?P<year>\d{4})(?:-(?P<part>H[12]|Q[1-4])|-(?P<until>\d{4}))?"
    r"|(?P<my>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)(?P<on>-on)?"
)
_PARTS_JA = {"H1": "上半期", "H2": "下半期", "Q1": "第1四半期", "Q2": "第2四半期", "Q3": "第3四半期", "Q4": "第4四半期"}
_PARTS_EN = {"H1": ", first half", "H2": ", second half", "Q1": ", Q1", "Q2": ", Q2", "Q3": ", Q3", "Q4": ", Q4"}
# not strftime: its names follow the locale, and a release must not
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_APRIL = 4
# How the beginnings lie and how the ends lie (-1 earlier, 0 on the same day, 1 later): Allen's relations of two
# intervals that share a day, as OWL-Time names them.
_RELATIONS = {
    (-1, -1): "time:intervalOverlaps",
    (-1, 0): "time:intervalFinishedBy",
    (-1, 1): "time:intervalContains",
    (0, -1): "time:intervalStarts",
    (0, 0): "time:intervalEquals",
    (0, 1): "time:intervalStartedBy",
    (1, -1): "time:intervalDuring",
    (1, 0): "time:intervalFinishes",
    (1, 1): "time:intervalOverlappedBy",
}


@dataclass(frozen=True)
class Interval:
    """A period with its first day, its last day and its names; other names of the same period are in `also_ja`."""

    code: str
    first: datetime.date
    last: datetime.date | None  # None where it goes on from its first day
    label_ja: str
    label_en: str
    also_ja: tuple[str, ...]


def interval(code: str, eras: Sequence[Era]) -> Interval:
    """Return the period of a code such as FY2019, CY2020-2024, FY2019-H1, 2020-11, 2020-11-30 or FY2021-on.

    The eras give it names.
    """
    match = _CODE.fullmatch(code)
    if not match:
        raise ValueError(f"{code!r} is no code of a period")
    if match["on"]:
        return _open(code, interval(code.removesuffix("-on"), eras))
    if match["day"]:
        return _day(code, datetime.date.fromisoformat(code), eras)
    if match["my"]:
        return _month(code, int(match["my"]), int(match["month"]), eras)
    if match["until"]:
        return _years(code, match["kind"] == "FY", int(match["year"]), int(match["until"]))
    year, part = int(match["year"]), match["part"] or ""
    fiscal = match["kind"] == "FY"
    beginning = datetime.date(year, _APRIL if fiscal else 1, 1)
    offset, length = _extent(part)
    first = _add_months(beginning, offset)
    unit = ("年度" if fiscal else "年") + _PARTS_JA.get(part, "")
    # a part of a year has the names of the year: 平成31年度第4四半期, too
    names = [name + unit for name in _year_names(year, beginning, _last_day(beginning, 12), eras)]
    label_en = (f"fiscal year {year}" if fiscal else f"{year}") + _PARTS_EN.get(part, "")
    return Interval(code, first, _last_day(first, length), names[0], label_en, tuple(names[1:]))


def _month(code: str, year: int, month: int, eras: Sequence[Era]) -> Interval:
    first = datetime.date(year, month, 1)
    last = _last_day(first, 1)
    names = [f"{name}年{month}月" for name in _year_names(year, first, last, eras)]
    return Interval(code, first, last, names[0], f"{_MONTHS[month - 1]} {year}", tuple(names[1:]))


def _day(code: str, day: datetime.date, eras: Sequence[Era]) -> Interval:
    names = [f"{name}年{day.month}月{day.day}日" for name in _year_names(day.year, day, day, eras)]
    label_en = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return Interval(code, day, day, names[0], label_en, tuple(names[1:]))


def _years(code: str, fiscal: bool, first: int, last: int) -> Interval:
    """Return several years in a row."""
    beginning = datetime.date(first, _APRIL if fiscal else 1, 1)
    unit = "年度" if fiscal else "年"
    label_en = f"{'fiscal years ' if fiscal else ''}{first} to {last}"
    end = _last_day(beginning, 12 * (last - first + 1))
    return Interval(code, beginning, end, f"{first}{unit}から{last}{unit}まで", label_en, ())


def _open(code: str, period: Interval) -> Interval:
    """Return what begins as a period does and goes on."""
    also = tuple(f"{name}以降" for name in period.also_ja)
    return Interval(code, period.first, None, f"{period.label_ja}以降", f"{period.label_en} and later", also)


def relation(period: Interval, era: Era) -> str:
    """Return the property of OWL-Time that leads from a period to an era that it touches; raise ValueError for another.

    An era that has not ended ends later than any period.
    """
    if period.last is None or era.first_day is None or not era.touches(period.first, period.last):
        raise ValueError(f"{period.code} and {era.key} share no day that is known")
    ends = _order(period.last, era.last_day) if era.last_day else -1
    return _RELATIONS[_order(period.first, era.first_day), ends]


def _order(a: datetime.date, b: datetime.date) -> int:
    return (a > b) - (a < b)


def _year_names(year: int, first: datetime.date, last: datetime.date, eras: Sequence[Era]) -> list[str]:
    """Return the names of a year in the eras that a period touches, the latest first, then in figures."""
    touched = (era for era in reversed(eras) if era.touches(first, last))
    return [*filter(None, (era.year_name(year) for era in touched)), f"{year}"]


def _extent(part: str) -> tuple[int, int]:
    """Return (months after the beginning of the year, number of months)."""
    if not part:
        return 0, 12
    length = 6 if part[0] == "H" else 3
    return (int(part[1]) - 1) * length, length


def _add_months(day: datetime.date, months: int) -> datetime.date:
    year, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + year, month=month + 1)


def _last_day(first: datetime.date, months: int) -> datetime.date:
    return _add_months(first, months) - datetime.timedelta(days=1)
