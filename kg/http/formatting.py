"""How texts, numbers and dates are written for people."""

import re
from collections.abc import Iterator
from datetime import date as Date
from itertools import groupby
from urllib.parse import quote

# The first day of each era since the calendar is the Gregorian one, the last first.
_ERAS = (
    (Date(2019, 5, 1), "令和", "Reiwa"),
    (Date(1989, 1, 8), "平成", "Heisei"),
    (Date(1926, 12, 25), "昭和", "Showa"),
    (Date(1912, 7, 30), "大正", "Taisho"),
    (Date(1873, 1, 1), "明治", "Meiji"),
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_LONGEST = 1000  # digits of a number that is grouped; Python reads no more than some thousands
# What turns the direction of a text, and control characters: where no element can isolate them, they are left out.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_ITEM = re.compile(r"^\s*(?:-|・|※)\s*(?=\S)")


def plain(text: str) -> str:
    """Return a text for a place without markup, such as a title: in one line and one direction."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def date(text: str, lang: str) -> str:
    """Return a date (XSD 1.1, 3.3.9) in both eras: `2019年5月1日(令和元年)`; other texts as they are."""
    try:
        day = Date.fromisoformat(text)
    except ValueError:
        return text
    era = next(((ja, en, day.year - first.year + 1) for first, ja, en in _ERAS if day >= first), None)
    if lang == "ja":
        written = f"{day.year}年{day.month}月{day.day}日"
        return f"{written}({era[0]}{'元' if era[2] == 1 else era[2]}年)" if era else written
    written = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{written} ({era[1]} {era[2]})" if era else written


def number(text: object) -> str:
    """Return a decimal number with its thousands marked; other texts as they are."""
    whole, point, rest = str(text).partition(".")
    sign, digits = whole[: len(whole) - len(whole.lstrip("+-"))], whole.lstrip("+-")
    if not (digits.isascii() and digits.isdecimal()) or (point and not rest.isdecimal()) or len(digits) > _LONGEST:
        return str(text)
    rest = rest.rstrip("0")
    return f"{sign}{int(digits):,}" + (f".{rest}" if rest else "")


def size(count: int) -> str:
    """Return a size in bytes as people read it."""
    for unit, step in (("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def part(text: str) -> str:
    """Return a text as one part of an address."""
    return quote(text, safe="")


def prose(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the blocks of a printed text: `("list", items)` or `("text", paragraphs)`, as its lines begin."""
    lines = [line for line in text.splitlines() if line.strip()]
    for item, group in groupby(lines, key=lambda line: bool(_ITEM.match(line))):
        block = [_ITEM.sub("", line) if item else line for line in group]
        yield ("list" if item else "text"), block
