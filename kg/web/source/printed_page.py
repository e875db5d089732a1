"""The rows and cells of a page of the source as a page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from kg.web.source.text_segments import MARKUP, Piece

_SHORT = 40  # characters
CORRECTED, DOUBTFUL, OPEN, UNREAD = "corrected", "doubtful", "open", "unread"


@dataclass(frozen=True)
class Words:
    """A text with its language where that is known, and the path of this site or the address that it leads to."""

    text: str
    lang: str = ""
    path: str = ""


@dataclass(frozen=True)
class Reading:
    """What was read from a cell: as what, and the value; `more` is said beside it. `mark` is that of its characters."""

    name: str
    value: Words
    more: tuple[Words, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Note:
    """What was decided, or could not be: its kind, the printed words, what they were corrected to, and why."""

    kind: str
    path: str
    printed: str
    corrected: str
    reason: Words


@dataclass(frozen=True)
class Cell:
    """A cell as printed, with the column that it was read as, what was read from it, and the notes on it.

    `cut` is how many characters more it has than its pieces: a page has an end.
    """

    anchor: str
    path: str
    position: int
    text: str
    column: Words | None
    key: str
    pieces: Sequence[Piece]
    readings: Sequence[Reading]
    notes: Sequence[Note]
    state: frozenset[str]
    cut: int = 0

    @property
    def short(self) -> str:
        """The beginning of what is printed, without markup."""
        return " ".join(unescape(MARKUP.sub(" ", self.text)).split())[:_SHORT]

    @property
    def blank(self) -> bool:
        """Whether nothing is printed, nothing was read and nothing is noted: such cells are told together."""
        return not self.text and not self.notes and not self.readings


@dataclass(frozen=True)
class Row:
    """A row of the source; without a measure it is a heading."""

    anchor: str
    path: str
    own: str
    page: int
    line: int
    no: str
    number: str
    title: Words | None
    cells: Sequence[Cell]
    notes: Sequence[Note] = ()

    @property
    def groups(self) -> list[list[Cell]]:
        """The cells in order; blank ones that stand together are one group."""
        grouped: list[list[Cell]] = []
        for cell in self.cells:
            if grouped and cell.blank and grouped[-1][-1].blank:
                grouped[-1].append(cell)
            else:
                grouped.append([cell])
        return grouped

    @property
    def states(self) -> dict[str, int]:
        """How many of its cells are corrected, doubtful, open or unread."""
        states = (CORRECTED, DOUBTFUL, OPEN, UNREAD)
        counted = {state: sum(state in cell.state for cell in self.cells) for state in states}
        counted[OPEN] += bool(self.notes)
        return {state: number for state, number in counted.items() if number}


@dataclass(frozen=True)
class Leaf:
    """A page of the document: its number, its first and last line, and how many rows and measures it has."""

    page: int
    first: int
    last: int
    rows: int
    measures: int
