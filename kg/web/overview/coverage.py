"""What of each column of the source was read, is empty, or could not be read: a bar for each column."""

from collections.abc import Sequence
from dataclasses import dataclass

from kg.http.pages import View
from kg.http.query_client import Row
from kg.web.overview.overview_queries import called, thing
from kg.web.text_metrics import lines

STATES = {
    "filled": ("読み取った", "read"),
    "empty": ("原典が空欄", "empty in the source"),
    "unread": ("印字はあるが読み取れない", "printed, but could not be read"),
}
_SIDE, _LENGTH, _AFTER = 300, 480, 60  # of names, bars and numbers, in pixels
_PITCH, _BAR, _LINE = 46, 22, 17
_MOST = 40


@dataclass(frozen=True)
class Piece:
    """A stretch of a bar: its state, place and length, and how many measures it stands for."""

    state: str
    x: float
    length: float
    measures: int
    name: str


@dataclass(frozen=True)
class Bar:
    """The bar of a column: the lines of its name, where it begins, and its pieces."""

    lines: Sequence[str]
    y: float
    pieces: Sequence[Piece]
    share: str


@dataclass(frozen=True)
class Coverage:
    """The picture and its data as rows of a table."""

    width: float
    height: float
    side: float
    bars: Sequence[Bar]
    table: Sequence[dict[str, object]]


def coverage(found: Sequence[Row], view: View) -> Coverage:
    """Return the picture of the rows of completeness-by-column."""
    bars = [_bar(row, at, view) for at, row in enumerate(found[:_MOST])]
    table = [
        {
            "column": thing(row["column"], called(row, "column", view)[0], view, called(row, "column", view)[1]),
            **{state: row[state] for state in STATES},
        }
        for row in found
    ]
    return Coverage(_SIDE + _LENGTH + _AFTER, len(bars) * _PITCH + 6, _SIDE, bars, table)


def _bar(row: Row, at: int, view: View) -> Bar:
    total = sum(int(row[state]) for state in STATES) or 1
    pieces, x = [], float(_SIDE)
    for state, words in STATES.items():
        count = int(row[state])
        size = _LENGTH * count / total
        if count:
            name = f"{view.t(*words)}: {view.t(f'{count}件', f'{count} measures')}"
            pieces.append(Piece(state, round(x, 1), round(size, 1), count, name))
        x += size
    name = called(row, "column", view)[0] or row["column"]
    return Bar(
        lines(name, _SIDE - 16, 2), at * _PITCH + (_PITCH - _BAR) / 2, pieces, f"{int(row['filled']) / total:.0%}"
    )
