"""What the cells right of the listing time are, told by their content: effect marks, support, budget, references.

Support needs a reason as the others do: a short cell that no rule knows is none of them.
"""

import re
from collections.abc import Sequence

from kg.extract.budgets import budget_status
from kg.extract.cell_classifier import Anchors, is_like_mark, is_mark, is_nothing
from kg.extract.markup import read_markup
from kg.extract.row_fields import Field
from kg.extract.target_clauses import parentheses_of

RIGHT = ("support", "budget", "references")
NOTHING = "nothing"  # a hyphen whose column cannot be told: there is nothing in either

_BUDGET_MARKER = re.compile(r"\s*[<＜【]?\s*予算事業名")
_BUDGET_NAME = re.compile(r"(?:事業|事業費|経費|交付金|補助金|推進費|施策)(?:の内数)?$")
_ADDRESS = re.compile(r"(?:https?|ftp)\s*[:：]?\s*[/／]{2}|ｈｔｔｐ|(?<![A-Za-z0-9])www\.", re.IGNORECASE)
_PROSE_LENGTH = 80
_SUPPORT = re.compile(
    r"支援|補助|助成|派遣|説明会|研修|講習|講座|セミナー|財政|交付|提供|公表|周知|助言|相談|普及|啓発|ガイド|手引|マニュアル"
    r"|実施|検討|開催|作成|配布|展開|共有|連携|予定|事例|措置|貸与|窓口|策定|整備|推進|公開|掲載|通知|調査|実証"
)
_LETTER = re.compile(r"[^\W\d_]")
_FEWEST = 4  # letters of what can be a text


def effect_cells(zone: list[Field], usual: int) -> int:
    """Return how many cells at the beginning belong to the effects: empty ones, marks, and hyphens that surely do.

    A hyphen does where a mark follows. Where a row prints one for every effect that is none, so do as many as are left
    of the usual number, if either all cells of the row are there or words of support follow at once.
    """
    alike = [not found.words or is_mark(found.words) or is_like_mark(found.words) for found in zone]
    stop = next((i for i, found in enumerate(zone) if not alike[i] and not is_nothing(found.words)), len(zone))
    last = max((i for i in range(stop) if zone[i].words and alike[i]), default=-1)
    count = last + 1 if not all(alike[: last + 1]) else 0
    while count < stop and alike[count]:
        count += 1
    whole = len(zone) == usual + len(RIGHT)
    if whole and count > usual and is_like_mark(zone[usual].words) and all(alike[:usual]):
        return usual  # all cells of the row are there: what is like a mark stands in the place of the support
    hyphened = stop >= usual > count and all(found.words for found in zone[:usual])
    followed = stop == usual < len(zone) and _supports(zone[stop]) and not _is_programme_name(zone[stop])
    return usual if hyphened and (whole or followed) else count


def columns_of(content: Sequence[tuple[Field, str | None]], anchors: Anchors) -> list[str | None]:
    """Return the columns of the cells behind the marks, each given with the column of its place, if that can be told.

    A hyphen has the place that is left, or is `nothing`; a cell of which no rule tells has None.
    """
    columns: list[str | None] = []
    for index, (found, slot) in enumerate(content):
        after = [other.words for other, _ in content[index + 1 :]]
        columns.append(None if anchors.is_anchor(found.words) else _column_of(found, after, columns, slot))
    _assign_nothing(columns)
    return columns


def _column_of(found: Field, after: list[str], before: list[str | None], slot: str | None) -> str | None:
    """Return the column of one field, `nothing` for a hyphen, or None where no rule tells.

    A field that cannot be a column of its own, because what follows it belongs to the same or an earlier column, is the
    rest of the one before it, which a stray tab has split.
    """
    words = found.words
    if is_nothing(words):
        return NOTHING
    if _BUDGET_MARKER.match(words):
        return "budget"
    if _ADDRESS.search(found.text.chars):
        prose = "。" in words and any(_ADDRESS.search(other) for other in after)
        return "support" if prose and "support" not in before else "references"
    if "references" in before or is_like_mark(words):
        return None
    name = _is_programme_name(found)
    if budget_status(words):
        return "budget" if slot == "budget" or "support" in before else None
    if not name and not _supports(found) and len(_LETTER.findall(words)) < _FEWEST:
        return None
    if "budget" in before:
        rest = name or any(_ADDRESS.search(other) or is_nothing(other) for other in after)
        return "budget" if rest else "references"  # a title without an address
    if _supports(found) and any(_BUDGET_MARKER.match(other) for other in after):
        return "support"
    if slot in ("budget", "references") and not is_prose(words):
        return slot
    if "support" in before:
        return "budget" if name else "support" if is_prose(words) else None
    if name and slot is None:
        return "budget"
    return "support" if slot == "support" or _supports(found) else None


def _supports(found: Field) -> bool:
    """Whether words are prose, or speak of what a government does for others."""
    return is_prose(found.words) or bool(_SUPPORT.search(found.words))


def _is_programme_name(found: Field) -> bool:
    """Whether a cell without heading is one short name that ends like a budget programme."""
    blocks, _ = read_markup(found.text)
    words = blocks[0].text.normal().unspaced().chars if len(blocks) == 1 else ""
    for start, stop in reversed(parentheses_of(words)):
        words = words[:start] + words[stop + 1 :]
    return "。" not in words and bool(_BUDGET_NAME.search(words))


def _assign_nothing(columns: list[str | None]) -> None:
    """Give hyphens their columns where the free places between their neighbours are as many as they are."""
    index = 0
    while index < len(columns):
        if columns[index] != NOTHING:
            index += 1
            continue
        stop = index
        while stop < len(columns) and columns[stop] == NOTHING:
            stop += 1
        left = [RIGHT.index(c) for c in columns[:index] if c in RIGHT]
        right = [RIGHT.index(c) for c in columns[stop:] if c in RIGHT]
        free = list(range(max(left, default=-1) + 1, min(right, default=len(RIGHT))))
        if len(free) == stop - index:
            for offset, place in enumerate(free):
                columns[index + offset] = RIGHT[place]
        index = stop


def is_prose(words: str) -> bool:
    """Whether words are a sentence, or as long as one."""
    return "。" in words or len(words) > _PROSE_LENGTH
