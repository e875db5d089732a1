"""Cells that hold several names: 「内閣官房・内閣府」, 「…、01-05、…」."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
BETWEEN = "|"  # stands between several values in one cell, as in the tables of a release
# What stands between names, what divides most surely first. A name may hold any of these itself.
_LEVELS = tuple(
    re.compile(marks)
    for marks in (
        r"[\r\n;；|｜]+",
        r"[、，,/／]+",
        r"[・･＋+]+",
        r"\s+",
        r"及び|並びに|および|ならびに|又は|または|＆|&|と|\band\b",
    )
)
_ALL = 3  # from this level on, each part must be a name, or nothing is divided
_OPEN, _CLOSE = "(（[［「『【〔<〈《", ")）]］」』】〕>〉》"


@dataclass(frozen=True)
class Piece(Generic[T]):
    """A part of a cell, and what it surely names, if anything."""

    text: str
    means: T | None


def pieces_of(text: str, surely: Callable[[str], T | None], level: int = 0) -> list[Piece[T]]:
    """Return the parts of a text, of which one at least surely names something; none where no part does."""
    for number in range(level, len(_LEVELS)):
        parts = list(_divided(text, _LEVELS[number]))
        if len(parts) < 2:
            continue
        found: list[Piece[T]] = []
        for part in parts:
            means = surely(part)
            found += [Piece(part, means)] if means else pieces_of(part, surely, number + 1) or [Piece(part, None)]
        sure = [piece for piece in found if piece.means]
        if sure and (number < _ALL or len(sure) == len(found)):
            return found
    return []


def _divided(text: str, marks: re.Pattern[str]) -> Iterator[str]:
    """Yield the parts between marks; what stands in brackets is one with what stands before them."""
    start, places = 0, [*marks.finditer(text)]
    for place in places:
        if _depth(text[: place.start()]) == 0 or _depth(text) != 0:
            yield from filter(None, [text[start : place.start()].strip()])
            start = place.end()
    yield from filter(None, [text[start:].strip()])


def _depth(text: str) -> int:
    """Return how many brackets are open at the end of a text."""
    return sum(text.count(mark) for mark in _OPEN) - sum(text.count(mark) for mark in _CLOSE)
