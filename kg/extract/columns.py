"""Column classifier: assigns each cell of a row to a column, by its content and order, never by its index.

A row has, from left to right: running number, title, two KPIs, overview; then pillar and listing time; then four effect
marks, support, budget, references; then the national number and the ministries. Pillar, listing time, number and
ministries are anchors; cells between two anchors are assigned by content and order. A short cell that matches no rule
is not taken for support. A `Field` joins the printed cells that a stray tab or line break has split.
"""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kg.core.spans import EMPTY, Text, plain
from kg.extract.cell_classifier import (
    Anchors,
    Note,
    is_footed,
    is_like_mark,
    is_mark,
    is_nothing,
    national_number,
    row_number,
    running_number,
    text_with_national_number,
)
from kg.extract.markup import Block, plain_text, read_markup
from kg.extract.references import budget_status
from kg.extract.target_clauses import parentheses_of
from kg.recipe.corrections import CorrectedCell

_OPENING = re.compile(r"<(?:ul|ol|p|div|a|li)\b[^<>]*>", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:ul|ol|p|div|a|li)\s*>", re.IGNORECASE)


class Field:
    """One field of a row: a cell, or the parts of one that was split."""

    def __init__(self, cells: list[CorrectedCell]) -> None:
        self.cells = cells

    @property
    def text(self) -> Text:
        """The text as printed (and corrected), with its markup."""
        return sum((cell.text for cell in self.cells), EMPTY)

    @functools.cached_property
    def words(self) -> str:
        """The visible text: without markup, trimmed, one line for each paragraph."""
        return plain_text(self.text).chars.strip()


def fields_of(cells: Sequence[CorrectedCell]) -> list[Field]:
    """Return the fields of a row.

    Markup or a parenthesis that opens in one cell and closes in the next joins them, and so does a line break inside a
    row.
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
    """Return the number of unclosed parentheses; negative if more are closed than opened."""
    return sum(words.count(char) for char in "(（") - sum(words.count(char) for char in ")）")


def _elements(words: str) -> int:
    """Return the number of unclosed list, paragraph and link elements; negative if more are closed."""
    return len(_OPENING.findall(words)) - len(_CLOSING.findall(words))


RIGHT = ("support", "budget", "references")
NOTHING = "nothing"  # a hyphen whose column is unknown: no candidate column has a value

_BUDGET_MARKER = re.compile(r"\s*[<＜【]?\s*予算事業名")
_BUDGET_NAME = re.compile(r"(?:事業|事業費|経費|交付金|補助金|推進費|施策)(?:の内数)?$")
_ADDRESS = re.compile(r"(?:https?|ftp)\s*[:：]?\s*[/／]{2}|ｈｔｔｐ|(?<![A-Za-z0-9])www\.", re.IGNORECASE)
_PROSE_LENGTH = 80
_SUPPORT = re.compile(
    r"支援|補助|助成|派遣|説明会|研修|講習|講座|セミナー|財政|交付|提供|公表|周知|助言|相談|普及|啓発|ガイド|手引|マニュアル"
    r"|実施|検討|開催|作成|配布|展開|共有|連携|予定|事例|措置|貸与|窓口|策定|整備|推進|公開|掲載|通知|調査|実証"
)
_LETTER = re.compile(r"[^\W\d_]")
_FEWEST = 4  # letters that a text has at least


def effect_cells(zone: list[Field], usual: int) -> int:
    """Return the number of leading cells that belong to the effects: empty ones, marks, and some hyphens.

    A hyphen belongs to them if a mark follows. If a row prints one for every absent effect, hyphens fill up the
    usual number, provided that all cells of the row are present or words of support follow at once.
    """
    alike = [not item.words or is_mark(item.words) or is_like_mark(item.words) for item in zone]
    stop = next((i for i, item in enumerate(zone) if not alike[i] and not is_nothing(item.words)), len(zone))
    last = max((i for i in range(stop) if zone[i].words and alike[i]), default=-1)
    count = last + 1 if not all(alike[: last + 1]) else 0
    while count < stop and alike[count]:
        count += 1
    whole = len(zone) == usual + len(RIGHT)
    if whole and count > usual and is_like_mark(zone[usual].words) and all(alike[:usual]):
        return usual  # all cells of the row are present: the cell like a mark is the support
    hyphened = stop >= usual > count and all(item.words for item in zone[:usual])
    followed = stop == usual < len(zone) and _supports(zone[stop]) and not _is_programme_name(zone[stop])
    return usual if hyphened and (whole or followed) else count


def columns_of(content: Sequence[tuple[Field, str | None]], anchors: Anchors) -> list[str | None]:
    """Return the columns of the cells after the marks, each given with the column of its place, if known.

    A hyphen gets the remaining place, or is `nothing`; a cell that matches no rule gets None.
    """
    columns: list[str | None] = []
    for index, (item, slot) in enumerate(content):
        after = [other.words for other, _ in content[index + 1 :]]
        columns.append(None if anchors.is_anchor(item.words) else _column_of(item, after, columns, slot))
    _assign_nothing(columns)
    return columns


def _column_of(item: Field, after: list[str], before: list[str | None], slot: str | None) -> str | None:
    """Return the column of one field, `nothing` for a hyphen, or None if no rule matches.

    A field that cannot be a column of its own, because the next one belongs to the same or an earlier column, continues
    the preceding one, which a stray tab has split.
    """
    words = item.words
    if is_nothing(words):
        return NOTHING
    if _BUDGET_MARKER.match(words):
        return "budget"
    if _ADDRESS.search(item.text.chars):
        prose = "。" in words and any(_ADDRESS.search(other) for other in after)
        return "support" if prose and "support" not in before else "references"
    if "references" in before or is_like_mark(words):
        return None
    name = _is_programme_name(item)
    if budget_status(words):
        return "budget" if slot == "budget" or "support" in before else None
    if not name and not _supports(item) and len(_LETTER.findall(words)) < _FEWEST:
        return None
    if "budget" in before:
        is_budget = name or any(_ADDRESS.search(other) or is_nothing(other) for other in after)
        return "budget" if is_budget else "references"  # a title without an address
    if _supports(item) and any(_BUDGET_MARKER.match(other) for other in after):
        return "support"
    if slot in ("budget", "references") and not is_prose(words):
        return slot
    if "support" in before:
        return "budget" if name else "support" if is_prose(words) else None
    if name and slot is None:
        return "budget"
    return "support" if slot == "support" or _supports(item) else None


def _supports(item: Field) -> bool:
    """Return whether words are prose, or describe support that a government gives."""
    return is_prose(item.words) or bool(_SUPPORT.search(item.words))


def _is_programme_name(item: Field) -> bool:
    """Return whether a cell without heading is one short name that ends like a budget programme."""
    blocks, _ = read_markup(item.text)
    words = blocks[0].text.normal().unspaced().chars if len(blocks) == 1 else ""
    for start, stop in reversed(parentheses_of(words)):
        words = words[:start] + words[stop + 1 :]
    return "。" not in words and bool(_BUDGET_NAME.search(words))


def _assign_nothing(columns: list[str | None]) -> None:
    """Assign hyphens to columns if the free places between their neighbours are as many as they are."""
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
    """Return whether words are a sentence, or as long as one."""
    return "。" in words or len(words) > _PROSE_LENGTH


LEFT = ("title", "kpi-progress", "kpi-effect", "overview")

_LONGEST_LISTING = 40
_LISTING_WORDS = re.compile(r"年度?(?:から|以降|より|に|中)|掲載|随時|時期|次期|調整|未定")


@dataclass
class Columns:
    """A row by columns: its cells, known effects, marks in an unknown column, and notes."""

    cells: dict[str, list[CorrectedCell]] = field(default_factory=dict)
    effects: list[tuple[str, CorrectedCell]] = field(default_factory=list)
    uncertain: list[CorrectedCell] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _read: dict[str, tuple[list[Block], bool]] = field(default_factory=dict)

    def put(self, column: str, item: Field) -> None:
        """Add a field to a column; a second field of a column continues the first, which a tab had split."""
        if column in self.cells and column != NOTHING:
            self.note("cells-joined", item)
        self.cells.setdefault(column, []).extend(item.cells)

    def note(self, key: str, item: Field) -> None:
        """Add a note about a field."""
        self.notes.append(Note(key, item.cells[0].cell, item.words))

    def text(self, column: str) -> Text:
        """Return the text of a column with its markup, rejoined if a stray tab had split it."""
        return sum((cell.text for cell in self.cells.get(column, [])), EMPTY)

    def markup(self, column: str) -> tuple[list[Block], bool]:
        """Return the blocks of a column, and whether its HTML is broken; cached for a complete row."""
        if column not in self._read:
            self._read[column] = read_markup(self.text(column))
        return self._read[column]

    def plain(self, column: str) -> Text:
        """Return the text of a column without markup, a line for each paragraph."""
        return plain_text(self.text(column))


def read_columns(cells: Sequence[CorrectedCell], anchors: Anchors, effects: Sequence[str]) -> Columns:
    """Return the columns of a row's cells; `effects` are the keys of the effect columns in order."""
    row = Columns()
    fields = fields_of(cells)
    for item in fields:
        if len(item.cells) > 1:
            row.note("cells-joined", item)
    start = _running_number(fields, anchors, row)
    limit = _right_anchors(fields, start, anchors, row)
    pillar = _pillar(fields, start, limit, anchors, row)
    listing = _first(fields, (pillar if pillar is not None else start + 2) + 1, limit, anchors.is_listing)
    if listing is None and pillar is not None:
        listing = _listing_by_order(fields, pillar + 1, limit, anchors)
    if listing is not None:
        row.put("listing", fields[listing])
        for item in fields[pillar + 1 : listing] if pillar is not None else ():
            if item.words:
                row.note("cell-unread", item)
    if limit == len(fields) and pillar is None and listing is None:
        _truncated(fields, start, row)
        return row
    middle = _read_left(fields, start, pillar, listing, limit, row)
    _read_right(fields[middle:limit], effects, anchors, row)
    return row


def _listing_by_order(fields: list[Field], index: int, limit: int, anchors: Anchors) -> int | None:
    """Return the cell after the pillar if it has a time in its own words: 随時, 掲載済(平成30年度から)."""
    if index >= limit or len(fields[index].words) > _LONGEST_LISTING:
        return None
    words = fields[index].words
    dated = bool(anchors.calendar.periods(plain(words)))
    return index if dated or _LISTING_WORDS.search(words) else None


def _first(fields: list[Field], start: int, stop: int, test: Callable[[str], object]) -> int | None:
    return next((i for i in range(start, min(stop, len(fields))) if test(fields[i].words)), None)


def _last(fields: list[Field], start: int, stop: int, test: Callable[[str], object]) -> int | None:
    return next((i for i in range(stop - 1, start - 1, -1) if test(fields[i].words)), None)


def _running_number(fields: list[Field], anchors: Anchors, row: Columns) -> int:
    """Read the running number and return the index of the title."""
    for index, item in enumerate(fields[:2]):
        if row_number(item.words) is not None:
            row.put("no", item)
            if running_number(item.words) is None:
                row.note("cell-part-unread", item)
            return index + 1
        if item.words:
            return index  # the first words are not a number: the row has none
    return 1


def _right_anchors(fields: list[Field], start: int, anchors: Anchors, row: Columns) -> int:
    """Read the national number and the organizations; return where the cells before them end."""
    number = _last(fields, start, len(fields), national_number)
    if number is None:
        bodies = _last(fields, start + 1, len(fields), bool)
        if bodies is not None and not anchors.are_organizations(fields[bodies].words):
            bodies = None
    else:
        row.put("number", fields[number])
        if text_with_national_number(fields[number].words):
            row.note("cell-part-unread", fields[number])
        bodies = _first(fields, number + 1, len(fields), bool)
        if bodies is None:  # number and organizations are swapped
            bodies = _last(fields, start + 1, number, anchors.marked_organizations)
    if bodies is not None:
        row.put("organizations", fields[bodies])
    present = [index for index in (number, bodies) if index is not None]
    for extra in fields[max(present) + 1 :] if present else []:
        if anchors.are_organizations(extra.words):
            row.put("organizations", extra)
        elif extra.words:
            row.note("cell-unread", extra)
    return min(present, default=len(fields))


def _pillar(fields: list[Field], start: int, limit: int, anchors: Anchors, row: Columns) -> int | None:
    """Read the pillar: exact forms take precedence over similar ones, then the usual place, then the last one."""
    matches = {i: match for i in range(start + 1, limit) if (match := anchors.pillar(fields[i].words))}
    if not matches:
        return None
    usual = start + len(LEFT)
    index = min(matches, key=lambda i: (matches[i][1], i != usual, -i))
    row.put("pillar", fields[index])
    if matches[index][1]:
        row.note("pillar-variant", fields[index])
    return index


def _truncated(fields: list[Field], start: int, row: Columns) -> None:
    """Read a row that ends before its anchors, by order alone."""
    row.note("row-truncated", fields[-1])
    remaining = fields[start:]
    for column, item in zip(LEFT, remaining, strict=False):
        row.put(column, item)
    for item in remaining[len(LEFT) :]:
        if item.words:
            row.note("cell-unread", item)


def _read_left(
    fields: list[Field], start: int, pillar: int | None, listing: int | None, limit: int, row: Columns
) -> int:
    """Read title, KPIs and overview; return where the effect marks begin."""
    if pillar is not None:
        end = pillar
        middle = listing + 1 if listing is not None else pillar + 1
        if listing is None and middle < limit and not fields[middle].words:
            middle += 1  # the empty listing time
    elif listing is not None:
        end, middle = listing, listing + 1
        if end - start > len(LEFT) and not is_prose(fields[end - 1].words):
            end -= 1  # the place of the pillar: empty, or a pillar that is not in the code list
            if fields[end].words:
                row.note("pillar-unknown", fields[end])
    else:
        end = middle = min(start + len(LEFT), limit)
        for _ in ("pillar", "listing"):
            if middle < limit and not fields[middle].words:
                middle += 1
    _assign_left(fields[start:end], row)
    return middle


def _assign_left(zone: list[Field], row: Columns) -> None:
    """Assign the cells before the pillar: by order if there are four, else by content."""
    if len(zone) != len(LEFT):
        filled = [item for item in zone if item.words]
        zone = filled if len(filled) >= len(LEFT) or len(zone) > len(LEFT) else zone
    if len(zone) == len(LEFT):
        for column, item in zip(LEFT, zone, strict=True):
            row.put(column, item)
        return
    remaining = list(zone)
    if remaining:
        row.put("title", remaining.pop(0))
    prose: list[Field] = []
    while remaining and is_prose(remaining[-1].words) and (not prose or len(remaining) > 2):
        prose.insert(0, remaining.pop())
    for item in prose:
        row.put("overview", item)
    if len(remaining) == 2:
        row.put("kpi-progress", remaining[0])
        row.put("kpi-effect", remaining[1])
        return
    for item in remaining:
        if item.words:
            row.note("kpi-column-unknown" if len(remaining) == 1 else "cell-unread", item)


def _read_right(zone: list[Field], effects: Sequence[str], anchors: Anchors, row: Columns) -> None:
    """Read the effect marks, then support, budget and references."""
    marks = effect_cells(zone, len(effects))
    marked = [index for index, item in enumerate(zone) if is_mark(item.words)]
    if marks == len(effects) and all(index < marks for index in marked):
        row.effects = [(effects[index], zone[index].cells[0]) for index in marked]
    else:
        # the number of such cells differs from the number of effects: the column of a mark is unknown
        row.uncertain = [zone[index].cells[0] for index in marked]
        for index in marked:
            row.note("effect-uncertain", zone[index])
    _note_marks(zone, marks, row)
    slots = RIGHT if len(zone) == len(effects) + len(RIGHT) else ()
    content = [
        (item, slots[index - len(effects)] if slots and index >= len(effects) else None)
        for index, item in enumerate(zone)
        if index >= marks and item.words and not is_mark(item.words)
    ]
    _assign_right(content, anchors, row)


def _note_marks(zone: list[Field], marks: int, row: Columns) -> None:
    """Report marks without a known meaning, and footnotes of others; a hyphen among marks is nothing."""
    for index, item in enumerate(zone):
        if is_footed(item.words):
            row.note("cell-part-unread", item)
        elif index < marks and is_like_mark(item.words):
            row.note("cell-unread", item)
        elif index < marks and is_nothing(item.words):
            row.put(NOTHING, item)


def _assign_right(content: list[tuple[Field, str | None]], anchors: Anchors, row: Columns) -> None:
    """Assign support, budget and references by content, in order; a hyphen fills a remaining place."""
    columns = columns_of(content, anchors)
    for (item, _), column in zip(content, columns, strict=True):
        if column is None:
            row.note("cell-unread", item)
        else:
            row.put(column, item)
