"""The fields of a row: printed cells, put together again where a stray tab had split one."""

import re
from collections.abc import Sequence

from kg.recipe.corrections import Corrected

# The cells that make up one field: more than one only where a stray tab had split it.
Field = list[Corrected]

_OPENING = re.compile(r"<(?:ul|ol|p|div|a|li)\b[^<>]*>", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:ul|ol|p|div|a|li)\s*>", re.IGNORECASE)


def words_of(field: Corrected | Field) -> str:
    """Return the text of a cell or field, without white space at its ends."""
    cells = field if isinstance(field, list) else [field]
    return "".join(cell.text.chars for cell in cells).strip()


def fields_of(cells: Sequence[Corrected]) -> list[Field]:
    """Return the fields of a row: what opens (markup, parenthesis) in one cell and closes in the next is one field."""
    fields: list[Field] = []
    for cell in cells:
        if fields and _left_open(words_of(fields[-1])) and _closes_more(cell.text.chars):
            fields[-1].append(cell)
        else:
            fields.append([cell])
    return fields


def _left_open(words: str) -> bool:
    return _parentheses(words) > 0 or _elements(words) > 0


def _closes_more(words: str) -> bool:
    return _parentheses(words) < 0 or _elements(words) < 0


def _parentheses(words: str) -> int:
    """How many parentheses stay open, or, below 0, close without having been opened."""
    return sum(words.count(char) for char in "(（") - sum(words.count(char) for char in ")）")


def _elements(words: str) -> int:
    """How many list, paragraph and link elements stay open, or, below 0, close without having been opened."""
    return len(_OPENING.findall(words)) - len(_CLOSING.findall(words))
