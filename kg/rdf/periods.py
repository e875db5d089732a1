"""Periods as things: their first and last day, and their names in both eras.

A fiscal year begins on 1 April (Public Finance Act, Article 11). The end is the last day, inclusive.
"""

import datetime
import re
from dataclasses import dataclass

_CODE = re.compile(r"(?P<kind>FY|CY)(?P<year>\d{4})(?:-(?P<part>H[12]|Q[1-4]))?|(?P<my>\d{4})-(?P<month>\d{2})")
_REIWA, _HEISEI, _SHOWA = (2019, 5), (1989, 1), (1926, 12)
_PARTS_JA = {"H1": "上半期", "H2": "下半期", "Q1": "第1四半期", "Q2": "第2四半期", "Q3": "第3四半期", "Q4": "第4四半期"}
_PARTS_EN = {"H1": ", first half", "H2": ", second half", "Q1": ", Q1", "Q2": ", Q2", "Q3": ", Q3", "Q4": ", Q4"}
# not strftime: its names follow the locale, and a release must not
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_APRIL = 4


@dataclass(frozen=True)
class Interval:
    """A period with its first day, its last day and its names; other names of the same period are in `also_ja`."""

    code: str
    first: datetime.date
    last: datetime.date
    label_ja: str
    label_en: str
    also_ja: tuple[str, ...]


def interval(code: str) -> Interval:
    """Return the period of a code such as FY2019, CY2019, FY2019-H1, FY2019-Q1 or 2020-11."""
    match = _CODE.fullmatch(code)
    if not match:
        raise ValueError(f"{code!r} is no code of a period")
    if match["my"]:
        return _month(code, int(match["my"]), int(match["month"]))
    year, part = int(match["year"]), match["part"] or ""
    fiscal = match["kind"] == "FY"
    first_month = _APRIL if fiscal else 1
    offset, length = _extent(part)
    first = _add_months(datetime.date(year, first_month, 1), offset)
    last = _add_months(first, length) - datetime.timedelta(days=1)
    unit = "年度" if fiscal else "年"
    eras = _era_years(year, first_month, 12)
    names = [f"{era}{unit}{_PARTS_JA.get(part, '')}" for era in eras]
    label_en = f"fiscal year {year}" if fiscal else f"{year}"
    also = (*names[1:], f"{year}{unit}{_PARTS_JA.get(part, '')}")
    return Interval(code, first, last, names[0], label_en + _PARTS_EN.get(part, ""), also)


def _month(code: str, year: int, month: int) -> Interval:
    first = datetime.date(year, month, 1)
    last = _add_months(first, 1) - datetime.timedelta(days=1)
    name = f"{_era_years(year, month, 1)[0]}年{month}月"
    return Interval(code, first, last, name, f"{_MONTHS[month - 1]} {year}", (f"{year}年{month}月",))


def _extent(part: str) -> tuple[int, int]:
    """Return (months after the beginning of the year, number of months)."""
    if not part:
        return 0, 12
    length = 6 if part[0] == "H" else 3
    return (int(part[1]) - 1) * length, length


def _add_months(day: datetime.date, months: int) -> datetime.date:
    year, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + year, month=month + 1)


def _era_years(year: int, first_month: int, months: int) -> list[str]:
    """Return the era years that the period touches, the last one first (令和元, 平成31)."""
    found: list[str] = []
    for index in range(months):
        y, m = divmod(first_month - 1 + index, 12)
        found.append(_era_year(year + y, m + 1, year))
    return list(dict.fromkeys(reversed(found)))


def _era_year(year: int, month: int, named_year: int) -> str:
    """Return the era in force in a month, with the number that the named year has in it."""
    for era, (start_year, start_month) in {"令和": _REIWA, "平成": _HEISEI, "昭和": _SHOWA}.items():
        if (year, month) >= (start_year, start_month):
            number = named_year - start_year + 1
            if number >= 1:
                return f"{era}{'元' if number == 1 else number}"
    return f"{named_year}"
