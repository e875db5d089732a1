"""What a reader of the table could not settle: reported instead of guessed."""

from dataclasses import dataclass

from kg.core.spans import Cell


@dataclass(frozen=True, slots=True)
class Note:
    """An issue to be reported: a key of `issue-types.csv`, the cell it concerns, and the words at stake."""

    key: str
    cell: Cell
    words: str = ""
