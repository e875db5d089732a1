"""Line classifier: page titles, header blocks and rows, by their content; and the lines of each row.

A row has one line, or several if line breaks inside cells have split it.
"""

import difflib
import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kg.core.spans import Cell, plain, visible
from kg.extract.cell_classifier import Anchors, running_number
from kg.recipe.code_lists import CodeList


class Kind(enum.Enum):
    """Kind of a line of the document."""

    TITLE = "title"
    HEADER = "header"
    ROW = "row"
    OTHER = "other"


@dataclass(frozen=True)
class Line:
    """A line that is not blank, with its cells."""

    kind: Kind
    page: int
    number: int
    cells: tuple[Cell, ...]


# A heading cell is short; the longest one seen has 18 characters.
_LONGEST_HEADING = 40
_LIKE = 0.6
_BREAK = re.compile(r"\r\n|\n|\r")


class Headings:
    """Classifier for header lines, by similarity, as their wording varies from page to page."""

    def __init__(self, columns: CodeList, effects: CodeList) -> None:
        self._words = [*columns.forms(), *effects.forms()]
        self._seen: dict[str, bool] = {}

    def like(self, text: str) -> bool:
        """Return whether a cell resembles one of the headings; cached, as every page prints the same ones."""
        word = plain(text)
        if word not in self._seen:
            self._seen[word] = word in self._words or self._near(word)
        return self._seen[word]

    def _near(self, word: str) -> bool:
        matcher = difflib.SequenceMatcher(b=word, autojunk=False)
        for known in self._words:
            matcher.set_seq1(known)
            if matcher.real_quick_ratio() >= _LIKE and matcher.ratio() >= _LIKE:
                return True
        return False

    def match(self, cells: tuple[Cell, ...]) -> bool:
        """Return whether all cells are short and most of the filled ones resemble headings."""
        filled = [cell.printed for cell in cells if cell.printed.strip()]
        if not filled or any(len(plain(text)) > _LONGEST_HEADING for text in filled):
            return False
        alike = sum(1 for text in filled if self.like(text))
        return alike * 2 >= len(filled) and (alike > 1 or len(filled) == 1)


def lines_of(edition: str, document: str, headings: Headings, anchors: Anchors) -> list[Line]:
    """Return every line that is not blank; `page` counts header blocks, each of adjacent header lines."""
    lines: list[Line] = []
    page = 0
    for number, start, text in _split(document):
        cells = _cells(edition, number, start, text)
        kind = _kind(cells, headings, anchors, after_header=bool(lines) and lines[-1].kind is Kind.HEADER)
        if kind is Kind.HEADER and not (lines and lines[-1].kind is Kind.HEADER and not cells[0].printed.strip()):
            page += 1
        placed = tuple(Cell(c.edition, page, c.line, c.position, c.start, c.end, c.printed) for c in cells)
        lines.append(Line(kind, page, number, placed))
    return lines


def _split(document: str) -> Iterator[tuple[int, int, str]]:
    """Yield number, offset and text of each line that is not blank; any line end is supported."""
    start, number = 0, 1
    for end in [*_BREAK.finditer(document), None]:
        text = document[start : end.start()] if end else document[start:]
        if text.strip("\t \u3000\ufeff"):
            yield number, start, text
        if end:
            start, number = end.end(), number + 1


def _cells(edition: str, line: int, start: int, text: str) -> tuple[Cell, ...]:
    cells = []
    for position, printed in enumerate(text.split("\t"), 1):
        cells.append(Cell(edition, 0, line, position, start, start + len(printed), printed))
        start += len(printed) + 1
    return tuple(cells)


def _kind(cells: tuple[Cell, ...], headings: Headings, anchors: Anchors, after_header: bool) -> Kind:
    """Return the kind of a line; a row has a running number, or else the national number or ministries."""
    first = visible(cells[0].printed).strip()
    if len(cells) == 1:
        return Kind.TITLE if first.startswith("#") else Kind.OTHER
    if running_number(first) is not None:
        return Kind.ROW
    if any(anchors.ends_row(cell.printed) for cell in cells):
        return Kind.ROW
    second_line = after_header and not first and all(len(plain(cell.printed)) <= _LONGEST_HEADING for cell in cells)
    if second_line or headings.match(cells):
        return Kind.HEADER
    return Kind.ROW if sum(1 for cell in cells if cell.printed.strip()) > 1 else Kind.OTHER


def effect_order(header: list[Line], effects: CodeList) -> list[str]:
    """Return the keys of the effect columns in the order of a page's header, if it prints all of them.

    Otherwise the order is that of the code list: the header may lack a column, and marks are still in order.
    """
    usual = [code.key for code in effects]
    forms = effects.forms()
    keys: list[str] = []
    for line in header:
        for cell in line.cells:
            word = plain(cell.printed)
            near = [word] if word in forms else difflib.get_close_matches(word, list(forms), n=1, cutoff=_LIKE)
            if near and word:
                keys.append(forms[near[0]].key)
    return keys if sorted(keys) == sorted(usual) else usual


def rows_of(lines: Sequence[Line], anchors: Anchors) -> list[tuple[Line, ...]]:
    """Return the lines of each row.

    A line without the number and ministries that end a row continues in the next lines, if these are adjacent, do
    not begin a row, and have the missing cells. Otherwise it is a row by itself, reported as truncated.
    """
    rows: list[tuple[Line, ...]] = []
    index = 0
    while index < len(lines):
        count = 1 + _continued(lines[index:], anchors) if lines[index].kind is Kind.ROW else 1
        if lines[index].kind is Kind.ROW:
            rows.append(tuple(lines[index : index + count]))
        index += count
    return rows


def _continued(lines: Sequence[Line], anchors: Anchors) -> int:
    """Return the number of lines after the first that belong to its row."""
    if _ends(lines[0], anchors):
        return 0
    for count, (before, line) in enumerate(pairwise(lines), 1):
        adjacent = line.number == before.number + 1 and line.kind in (Kind.ROW, Kind.OTHER)
        if not adjacent or running_number(line.cells[0].printed) is not None:
            return 0
        if _ends(line, anchors):
            return count
    return 0


def _ends(line: Line, anchors: Anchors) -> bool:
    """Return whether a line has the cells that end a row: the national number or the ministries."""
    return any(anchors.ends_row(cell.printed) for cell in line.cells)
