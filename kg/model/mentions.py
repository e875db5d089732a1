"""Mentions: the words in a cell that name a shared thing, and the property of the measure that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kg.core import iris
from kg.core.spans import Cell, Text
from kg.extract.columns import Columns
from kg.model.records import Mention

CellIris = Mapping[tuple[int, int], str]  # by line and position


@dataclass(frozen=True)
class Naming:
    """Words that name a shared thing, and the property of the measure that follows from them."""

    property: str
    body: str
    words: Text


def cell_at(row: Columns, offset: int) -> Cell:
    """Return the cell that holds a character of the document."""
    return next(c.cell for found in row.cells.values() for c in found if c.cell.start <= offset < c.cell.end)


def mentions_of(row: Columns, namings: Sequence[Naming], cells: CellIris) -> tuple[Mention, ...]:
    """Number the namings of each cell in the order of their places, and give their offsets in the cell."""
    counts: dict[str, int] = {}
    mentions = []
    for naming in sorted(namings, key=lambda n: (n.words.span.start, n.words.span.end, n.property)):
        span = naming.words.span
        cell = cell_at(row, span.start)
        iri = cells[cell.line, cell.position]
        counts[iri] = counts.get(iri, 0) + 1
        start, end = span.start - cell.start, min(span.end, cell.end) - cell.start
        exact = cell.printed[start:end]
        mentions.append(Mention(iris.mention(iri, counts[iri]), iri, start, end, exact, naming.body, naming.property))
    return tuple(mentions)
