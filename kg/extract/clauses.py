"""The clauses of a KPI: what its parentheses say, one target at a time, and the words outside them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kg.extract.lexicon import Lexicon
from kg.extract.numerals import Counters
from kg.extract.periods import Period

COMPARED = re.compile(
    r"\s*(?:末|当初|実績|実績値)?\s*(?:比(?![率較])|対比|に比べ|と比べ|に比較|と比較|に対し|を基準|を100"
    r"|から(?=.{0,3}(?:倍増|半減|[\d.,]+(?:倍|割|%)))|の(?=約?[\d.,]+(?:倍|(?:割|%)(?:以上|程度)?(?:減|増|削減|増加))))"
)

_QUOTED = re.compile(r"「[^「」]*」|『[^『』]*』|“[^“”]*”")
ARROW = r"[→⇒⇨➡]|[-=]>"
# A comma between digits belongs to a number; `から` between two numbers leads from one to the other.
_PUNCTUATION = re.compile(
    rf"[、;。]|{ARROW}|"
    r"(?<!\d),|,(?!\s?\d{3}(?!\d))|(?<=[^の、,(\s])(?=うち)"
    r"|(?<=[^年度月日\s])から(?=約?\d+[^\d年月日])"
)
_OPENING, _CLOSING = "([【〔", ")]】〕"
LEADING_ON = ("→", "⇒", "⇨", "➡", "->", "=>", "から")
# What follows a parenthesis that says how many there are, not how many there shall be.
_DESCRIBED = re.compile(r"[をにがはでともへ]|の(?!達成|実現|確保|増加|減少|整備|実施)")
_HIDDEN = "\0"


@dataclass(frozen=True, slots=True)
class Clause:
    """The part [start:stop] of a KPI. `group` is where its parenthesis ends, or -1 outside any parenthesis.

    `periods` are the periods it prints, placed from its own start.
    """

    start: int
    stop: int
    group: int
    periods: tuple[Period, ...]

    @property
    def outside(self) -> bool:
        """Whether it stands outside any parenthesis."""
        return self.group < 0


def hide_quoted(text: str) -> str:
    """Return the text, equally long, with what stands in quotation marks hidden: a quoted title states no target."""
    return _QUOTED.sub(lambda match: "「" + _HIDDEN * (len(match.group()) - 2) + "」", text)


def parentheses_of(text: str) -> list[tuple[int, int]]:
    """Return the outermost parentheses as (index of opening, index of closing one); an open one ends the text."""
    groups: list[tuple[int, int]] = []
    depth = start = 0
    for index, char in enumerate(text):
        if char in _OPENING:
            start = start if depth else index
            depth += 1
        elif char in _CLOSING and depth:
            depth -= 1
            if not depth:
                groups.append((start, index))
    return [*groups, (start, len(text))] if depth else groups


def clauses_of(text: str, lexicon: Lexicon) -> Iterator[Clause]:
    """Yield the clauses in order.

    A clause ends at punctuation, and before a period that follows a number (A年度10件B年度20件).
    """
    last = 0
    periods, counters = lexicon.calendar.periods(text), lexicon.counters
    groups = [(a, b) for a, b in parentheses_of(text) if not any(p.start < a < p.stop for p in periods)]
    for start, stop in [*groups, (len(text), len(text))]:
        for left, right in _parts(text, last, start):
            for first, end in _before_periods(text[left:right], _within(periods, left, right), counters):
                yield Clause(left + first, left + end, -1, _within(periods, left + first, left + end))
        described = _DESCRIBED.match(text, stop + 1) and not _within(periods, start, stop)
        for left, right in () if described else _parts(text, start + 1, stop):
            for first, end in _before_periods(text[left:right], _within(periods, left, right), counters):
                yield Clause(left + first, left + end, stop, _within(periods, left + first, left + end))
        last = stop + 1


def _within(periods: Sequence[Period], start: int, stop: int) -> tuple[Period, ...]:
    """Return the periods inside [start:stop], placed from its start."""
    inside = (period for period in periods if start <= period.start and period.stop <= stop)
    return tuple(Period(period.code, period.start - start, period.stop - start) for period in inside)


def _parts(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    last = start
    cuts = [
        (match.start(), match.end())
        for match in _PUNCTUATION.finditer(text, start, stop)
        if _outside_any(text[start : match.start()])
    ]
    for left, right in [*cuts, (stop, stop)]:
        # an arrow stays with what it leads away from
        end = right if text[left:right] in LEADING_ON else left
        if text[last:end].strip():
            yield last, end
        last = right


def _outside_any(before: str) -> bool:
    """Whether every parenthesis of the words before a place is closed there."""
    return sum(before.count(char) for char in _OPENING) <= sum(before.count(char) for char in _CLOSING)


def _before_periods(words: str, periods: Sequence[Period], counters: Counters) -> Iterator[tuple[int, int]]:
    """Cut before each period that is preceded by a number of its own, unless an inner parenthesis holds it."""
    numerals = counters.numerals(mask(words, periods))
    last = 0
    for period in periods:
        if COMPARED.match(words, period.stop) or not _outside_any(words[: period.start]):
            continue
        if any(last <= numeral.start < period.start for numeral in numerals):
            yield last, period.start
            last = period.start
    yield last, len(words)


def mask(text: str, periods: Sequence[Period]) -> str:
    """Return the text, equally long, with its periods hidden: their digits count nothing."""
    for period in periods:
        text = text[: period.start] + _HIDDEN * (period.stop - period.start) + text[period.stop :]
    return text
