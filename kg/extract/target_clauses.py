"""The clauses of a KPI: what its parentheses say, one target at a time, and the words outside them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kg.extract.lexicon import Lexicon
from kg.extract.numerals import Counters, Numeral
from kg.extract.periods import Period

COMPARED = re.compile(
    r"\s*(?:末|当初|実績|実績値)?\s*(?:比(?![率較])|対比|に比べ|と比べ|に比較|と比較|に対し|を基準|を100"
    r"|から(?=.{0,3}(?:倍増|半減|[\d.,]+(?:倍|割|%)))|の(?=約?[\d.,]+(?:倍|(?:割|%)(?:以上|程度)?(?:減|増|削減|増加))))"
)

_QUOTED = re.compile(r"「[^「」]*」|『[^『』]*』|“[^“”]*”")
# The mark of a footnote behind a number or a word, and its number: 3件※1, 100団体(注2)
_FOOTNOTE = re.compile(r"(?<=[^\s\d:(])(?:[※*]\d{0,2}|注\d{1,2})(?=$|[\s、。()\]】・/→⇒])|\((?:※|\*|注)\s?\d{0,2}\)")
ARROW = r"[→⇒⇨➡]|[-=]>"
# A comma between digits belongs to a number; `から` between two numbers leads from one to the other.
_PUNCTUATION = re.compile(
    rf"[;。]|{ARROW}|"
    r"(?<!\d)、|、(?!\d{3}(?!\d|年))|(?<!\d)(?<![:(\s][OoQlI]),|,(?!\d|\s[\dOoQlI]{3}(?!\d)|[OoQlI]{3})|(?<=[^の、,(\s])(?=うち)"
    r"|(?<=[^年度月日\s])から(?=約?\d+[^\d年月日])"
)
_OPENING, _CLOSING = "([【〔", ")]】〕"
_INNER, _BRACKET = re.compile(r"[(\[【〔]"), re.compile(r"[(\[【〔)\]】〕]")
LEADING_ON = ("→", "⇒", "⇨", "➡", "->", "=>", "から")
# What follows a parenthesis that says how many there are, not how many there shall be.
_DESCRIBED = re.compile(r"[をにがはでともへ]|の(?!達成|実現|確保|増加|減少|整備|実施)")
_HIDDEN = "\0"
_LISTED = re.compile(r"末?、\s?")
# 5、6件, 六、七割: somewhere about them
_ABOUT = re.compile(r"(?:[1-9]、[1-9]|[一二三四五六七八九]、[一二三四五六七八九])(?![\d、.,年月])")
# What a value is called, before it: 現状値:40団体(R1) 目標値:100団体(R3)
_ROLE_NAME = re.compile(
    r"(?:[\[【〔]|(?<![ぁ-ん一-龯\[【〔]))"
    r"(?:(?:最終|中間|数値|達成)?目標|実績|現状|現在|基準|直近|(?:当初|従来|中間)(?=値))(?:値|数値|年度|年)?[:\]】〕]"
    r"|\((?:目標|実績|現状)(?:値)?\)(?=\s?[^\s、。・/,)\]】〕→⇒からに])"
)


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


def hide_unread(text: str) -> str:
    """Return the text, equally long, with what states no target hidden: a title in quotation marks, marks of notes."""
    if "※" in text or "*" in text or "注" in text:
        text = _FOOTNOTE.sub(lambda match: " " * len(match.group()), text)
    return _QUOTED.sub(lambda match: "「" + _HIDDEN * (len(match.group()) - 2) + "」", text)


def parentheses_of(text: str) -> list[tuple[int, int]]:
    """Return the outermost parentheses as (index of opening, index of closing one); an open one ends the text."""
    groups: list[tuple[int, int]] = []
    depth = start = 0
    for bracket in _BRACKET.finditer(text):
        if bracket.group() in _OPENING:
            start = start if depth else bracket.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                groups.append((start, bracket.start()))
    return [*groups, (start, len(text))] if depth else groups


def clauses_of(text: str, lexicon: Lexicon) -> Iterator[Clause]:
    """Yield the clauses in order.

    A clause ends at punctuation, and before a period that follows a number (A年度10件B年度20件).
    """
    last = 0
    periods, counters = lexicon.calendar.periods(text), lexicon.counters
    groups = [(a, b) for a, b in parentheses_of(text) if not any(p.start < a < p.stop for p in periods)]
    for start, stop in [*groups, (len(text), len(text))]:
        for left, right in _parts(text, last, start, periods):
            for first, end in _before_periods(text[left:right], _within(periods, left, right), counters):
                yield Clause(left + first, left + end, -1, _within(periods, left + first, left + end))
        described = _DESCRIBED.match(text, stop + 1) and not _within(periods, start, stop)
        for left, right in () if described else _parts(text, start + 1, stop, periods):
            for inner, outer, group in _nested(text, left, right, stop, periods, counters):
                for first, end in _before_periods(text[inner:outer], _within(periods, inner, outer), counters):
                    yield Clause(inner + first, inner + end, group, _within(periods, inner + first, inner + end))
        last = stop + 1


def _nested(
    text: str, start: int, stop: int, group: int, periods: Sequence[Period], counters: Counters
) -> Iterator[tuple[int, int, int]]:
    """Yield the stretches of a part inside a parenthesis, each with where its own parenthesis ends.

    A parenthesis inside it is a stretch of its own where it counts on behind a number (80%(現状60.5%)), or dates a
    number before others (実績値40団体(平成30年度) 目標値100団体).
    """

    def counts(left: int, right: int, bare: bool = False) -> bool:
        found = counters.numerals(mask(text[left:right], _within(periods, left, right)))
        return any(numeral.unit or bare for numeral in found)

    last = start
    groups = parentheses_of(text[start:stop]) if _INNER.search(text, start, stop) else ()
    for left, right in ((start + opening, start + closing) for opening, closing in groups):
        dates = bool(_within(periods, left, right)) and counts(right, stop, bare=True)
        if not (left > last and counts(last, left) and (dates or counts(left + 1, right))):
            continue
        yield last, left, group
        yield left + 1, right, right
        last = right + 1
    if text[last:stop].strip():
        yield last, stop, group


def shrinks(text: str, group: int) -> bool:
    """Whether what a parenthesis counts is to become more or less: …世帯数(約98万世帯)の減少 says how things stand."""
    return group >= 0 and bool(re.match(r"[)\]】〕]の?(?:減少|増加|削減|縮減|解消|拡大)", text[group:]))


def _within(periods: Sequence[Period], start: int, stop: int) -> tuple[Period, ...]:
    """Return the periods inside [start:stop], placed from its start."""
    inside = (period for period in periods if start <= period.start and period.stop <= stop)
    return tuple(period.moved(-start) for period in inside)


def _parts(text: str, start: int, stop: int, periods: Sequence[Period]) -> Iterator[tuple[int, int]]:
    last = start
    cuts = [
        (match.start(), match.end())
        for match in _PUNCTUATION.finditer(text, start, stop)
        if _outside_any(text[start : match.start()])
        and not any(period.start < match.start() < period.stop for period in periods)
        and not _is_listed(text, match, periods)
    ]
    for left, right in [*cuts, (stop, stop)]:
        # an arrow stays with what it leads away from
        end = right if text[left:right] in LEADING_ON else left
        if text[last:end].strip():
            yield last, end
        last = right


def _is_listed(text: str, comma: re.Match[str], periods: Sequence[Period]) -> bool:
    """Whether a mark joins what one clause states.

    Two periods (令和4年度、令和5年度:各100件), two numbers (5、6件), or a period and its number (令和4年度→100件).
    """
    at = comma.start()
    if comma.group() in ";→⇒" and any(
        text[period.stop : at].strip("末 ") == "" for period in periods if period.stop <= at
    ):
        return not any(
            period.start >= comma.end() and not text[comma.end() : period.start].strip() for period in periods
        )
    if _ABOUT.match(text, at - 1) and not re.match(r"[\d.,、]", text[max(at - 2, 0) : at - 1]):
        return True
    ends = {period.start for period in periods}
    return any(
        period.stop <= at and (gap := _LISTED.match(text, period.stop)) and gap.end() in ends for period in periods
    )


def _outside_any(before: str) -> bool:
    """Whether every parenthesis of the words before a place is closed there."""
    return sum(before.count(char) for char in _OPENING) <= sum(before.count(char) for char in _CLOSING)


def _before_periods(words: str, periods: Sequence[Period], counters: Counters) -> Iterator[tuple[int, int]]:
    """Cut before each period that is preceded by a number of its own, unless an inner parenthesis holds it."""
    numerals = counters.numerals(mask(words, periods))
    last = 0
    for stop, start in _apart(words, numerals):
        if words[last:stop].strip():
            yield from _at_periods(words, periods, numerals, last, stop)
            last = start
    yield from _at_periods(words, periods, numerals, last, len(words))


def _at_periods(
    words: str, periods: Sequence[Period], numerals: Sequence[Numeral], last: int, stop: int
) -> Iterator[tuple[int, int]]:
    """Cut a stretch before its periods."""
    for period in periods:
        if not last <= period.start < stop:
            continue
        if COMPARED.match(words, period.stop) or not _outside_any(words[: period.start]):
            continue
        if any(last <= numeral.start < period.start for numeral in numerals):
            yield last, period.start
            last = period.start
    yield last, stop


def _apart(words: str, numerals: Sequence[Numeral]) -> list[tuple[int, int]]:
    """Return where a clause ends and the next begins: at the name of a role, at a dot or slash between two counts."""
    places = [(match.start(), match.start()) for match in _ROLE_NAME.finditer(words)]
    for before, after in pairwise(numerals):
        between = words[before.stop : after.start]
        dot = re.match(r"(?:以上|以下|程度|未満|超)?\s?[・/](?!年|月|日|週|回)", between)
        # 8団体/10団体 may be a part of a whole
        if dot and (before.unit or after.unit) and (before.unit != after.unit or dot.end() < len(between)):
            stop = before.stop + dot.end()
            places.append((stop - 1, stop))
    return sorted(places)


def mask(text: str, periods: Sequence[Period]) -> str:
    """Return the text, equally long, with its periods hidden: their digits count nothing."""
    for period in periods:
        text = text[: period.start] + _HIDDEN * (period.stop - period.start) + text[period.stop :]
    return text
