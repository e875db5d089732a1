"""The rows of the table: a line each, or several where a line break inside a cell has parted one."""

from collections.abc import Sequence
from itertools import pairwise

from kg.extract.cell_classifier import Anchors, running_number
from kg.extract.line_classifier import Kind, Line


def rows_of(lines: Sequence[Line], anchors: Anchors) -> list[tuple[Line, ...]]:
    """Return the lines of each row.

    A line without the number and ministries that end a row goes on in the next lines, if these are adjacent, begin no
    row of their own, and bring what is missing. Otherwise it stands alone, and is reported as truncated.
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
    """Return how many of the lines after the first belong to its row."""
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
    """Whether a line holds what ends a row: the national number or the ministries."""
    return any(anchors.ends_row(cell.printed) for cell in line.cells)
