"""The fields of a row: printed cells, put together again where a stray tab or line break had split one."""

import functools
import re
from collections.abc import Sequence

from kg.core.spans import EMPTY, Text
from kg.extract.markup import plain_text
from kg.recipe.corrections import Corrected

_OPENING = re.compile(r"<(?:ul|ol|p|div|a|li)\b[^<>]*>", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:ul|ol|p|div|a|li)\s*>", re.IGNORECASE)


class Field:
    """One field of a row: a cell, or the parts of one that was split."""

    def __init__(self, cells: list[Corrected]) -> None:
        self.cells = cells

    @property
    def text(self) -> Text:
        """The text as printed (and corrected), with its markup."""
        return sum((cell.text for cell in self.cells), EMPTY)

    @functools.cached_property
    def words(self) -> str:
        """What a reader sees: no markup, no white space at the ends, a line for each paragraph."""
        return plain_text(self.text).chars.strip()


def fields_of(cells: Sequence[Corrected]) -> list[Field]:
    """Return the fields of a row.

    What opens (markup, a parenthesis) in one cell and closes in the next is one field; so are the cells on both sides
    of a line break inside a row.
    """
    fields: list[Field] = []
    for cell in cells:
        before = fields[-1].cells[-1] if fields else None
        broken = before is not None and before.cell.line != cell.cell.line
        if before and (broken or (_opens(fields[-1].text.chars) and _closes(cell.text.chars))):
            fields[-1].cells.append(cell)
        else:
            fields.append(Field([cell]))
    return fields


def _opens(words: str) -> bool:
    return _parentheses(words) > 0 or _elements(words) > 0


def _closes(words: str) -> bool:
    return _parentheses(words) < 0 or _elements(words) < 0


def _parentheses(words: str) -> int:
    """How many parentheses stay open, or, below 0, close without having been opened."""
    return sum(words.count(char) for char in "(（") - sum(words.count(char) for char in ")）")


def _elements(words: str) -> int:
    """How many list, paragraph and link elements stay open, or, below 0, close without having been opened."""
    return len(_OPENING.findall(words)) - len(_CLOSING.findall(words))
