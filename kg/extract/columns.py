"""Which column each cell of a row belongs to: told from what the cell says and from its order, never from its index.

A row is, from left to right: running number, title, two KPIs, overview; then pillar and listing time; then four effect
marks, support, budget, references; then the national number and the ministries. The pillar, the listing time, the
number and the ministries are anchors; the cells between two anchors are told by their content and order.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kg.core.spans import EMPTY, Text, plain
from kg.extract.cell_classifier import (
    Anchors,
    beside_national_number,
    is_footed,
    is_like_mark,
    is_mark,
    is_nothing,
    national_number,
    row_number,
    running_number,
)
from kg.extract.content_classifier import NOTHING, RIGHT, columns_of, effect_cells, is_prose
from kg.extract.markup import Block, plain_text, read_markup
from kg.extract.reader_notes import Note
from kg.extract.row_fields import Field, fields_of
from kg.recipe.corrections import Corrected

LEFT = ("title", "kpi-progress", "kpi-effect", "overview")

_LONGEST_LISTING = 40
_LISTING_WORDS = re.compile(r"年度?(?:から|以降|より|に|中)|掲載|随時|時期|次期|調整|未定")


@dataclass
class Columns:
    """A row that was read: its cells by column, the effects known, the marks whose column is unknown."""

    cells: dict[str, list[Corrected]] = field(default_factory=dict)
    effects: list[tuple[str, Corrected]] = field(default_factory=list)
    uncertain: list[Corrected] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _read: dict[str, tuple[list[Block], bool]] = field(default_factory=dict)

    def put(self, column: str, found: Field) -> None:
        """Read a field as a column; a second field of a column is the rest of the first, which a tab had split."""
        if column in self.cells and column != NOTHING:
            self.note("cells-joined", found)
        self.cells.setdefault(column, []).extend(found.cells)

    def note(self, key: str, found: Field) -> None:
        """Report an issue with a field."""
        self.notes.append(Note(key, found.cells[0].cell, found.words))

    def text(self, column: str) -> Text:
        """Return the text of a column with its markup; what a stray tab had split is one text again."""
        return sum((cell.text for cell in self.cells.get(column, [])), EMPTY)

    def markup(self, column: str) -> tuple[list[Block], bool]:
        """Return the blocks of a column, and whether its HTML is broken; a row that was read is not read again."""
        if column not in self._read:
            self._read[column] = read_markup(self.text(column))
        return self._read[column]

    def plain(self, column: str) -> Text:
        """Return the text of a column without markup, a line for each paragraph."""
        return plain_text(self.text(column))


def read_columns(cells: Sequence[Corrected], anchors: Anchors, effects: Sequence[str]) -> Columns:
    """Tell the column of every cell of a row; `effects` are the keys of the effect columns in their order."""
    row = Columns()
    fields = fields_of(cells)
    for found in fields:
        if len(found.cells) > 1:
            row.note("cells-joined", found)
    start = _running_number(fields, anchors, row)
    limit = _right_anchors(fields, start, anchors, row)
    pillar = _pillar(fields, start, limit, anchors, row)
    listing = _first(fields, (pillar if pillar is not None else start + 2) + 1, limit, anchors.is_listing)
    if listing is None and pillar is not None:
        listing = _listing_by_order(fields, pillar + 1, limit, anchors)
    if listing is not None:
        row.put("listing", fields[listing])
        for found in fields[pillar + 1 : listing] if pillar is not None else ():
            if found.words:
                row.note("cell-unread", found)
    if limit == len(fields) and pillar is None and listing is None:
        _truncated(fields, start, row)
        return row
    middle = _read_left(fields, start, pillar, listing, limit, row)
    _read_right(fields[middle:limit], effects, anchors, row)
    return row


def _listing_by_order(fields: list[Field], index: int, limit: int, anchors: Anchors) -> int | None:
    """Return the cell after the pillar where it speaks of a time in words of its own: 随時, 掲載済(平成30年度から)."""
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
    for index, found in enumerate(fields[:2]):
        if row_number(found.words) is not None:
            row.put("no", found)
            if running_number(found.words) is None:
                row.note("cell-part-unread", found)
            return index + 1
        if found.words:
            return index  # the first words are no number: the row has none
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
        if beside_national_number(fields[number].words):
            row.note("cell-part-unread", fields[number])
        bodies = _first(fields, number + 1, len(fields), bool)
        if bodies is None:  # the two have changed places
            bodies = _last(fields, start + 1, number, anchors.marked_organizations)
    if bodies is not None:
        row.put("organizations", fields[bodies])
    found = [index for index in (number, bodies) if index is not None]
    for extra in fields[max(found) + 1 :] if found else []:
        if anchors.are_organizations(extra.words):
            row.put("organizations", extra)
        elif extra.words:
            row.note("cell-unread", extra)
    return min(found, default=len(fields))


def _pillar(fields: list[Field], start: int, limit: int, anchors: Anchors, row: Columns) -> int | None:
    """Read the pillar: an exact printed form wins over a near one, the usual place over others, then the last one."""
    found = {i: match for i in range(start + 1, limit) if (match := anchors.pillar(fields[i].words))}
    if not found:
        return None
    usual = start + len(LEFT)
    index = min(found, key=lambda i: (found[i][1], i != usual, -i))
    row.put("pillar", fields[index])
    if found[index][1]:
        row.note("pillar-variant", fields[index])
    return index


def _truncated(fields: list[Field], start: int, row: Columns) -> None:
    """Read a row that ends before its anchors, in order; nothing tells more."""
    row.note("row-truncated", fields[-1])
    rest = fields[start:]
    for column, found in zip(LEFT, rest, strict=False):
        row.put(column, found)
    for found in rest[len(LEFT) :]:
        if found.words:
            row.note("cell-unread", found)


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
            end -= 1  # the place of the pillar: empty, or one that no code list knows
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
    """Assign the cells before the pillar: by order where there are four, else by what is filled and what is prose."""
    if len(zone) != len(LEFT):
        filled = [found for found in zone if found.words]
        zone = filled if len(filled) >= len(LEFT) or len(zone) > len(LEFT) else zone
    if len(zone) == len(LEFT):
        for column, found in zip(LEFT, zone, strict=True):
            row.put(column, found)
        return
    rest = list(zone)
    if rest:
        row.put("title", rest.pop(0))
    prose: list[Field] = []
    while rest and is_prose(rest[-1].words) and (not prose or len(rest) > 2):
        prose.insert(0, rest.pop())
    for found in prose:
        row.put("overview", found)
    if len(rest) == 2:
        row.put("kpi-progress", rest[0])
        row.put("kpi-effect", rest[1])
        return
    for found in rest:
        if found.words:
            row.note("kpi-column-unknown" if len(rest) == 1 else "cell-unread", found)


def _read_right(zone: list[Field], effects: Sequence[str], anchors: Anchors, row: Columns) -> None:
    """Read the effect marks, then support, budget and references."""
    marks = effect_cells(zone, len(effects))
    marked = [index for index, found in enumerate(zone) if is_mark(found.words)]
    if marks == len(effects) and all(index < marks for index in marked):
        row.effects = [(effects[index], zone[index].cells[0]) for index in marked]
    else:
        # the row has another number of such cells than there are effects: which column a mark stood in is lost
        row.uncertain = [zone[index].cells[0] for index in marked]
        for index in marked:
            row.note("effect-uncertain", zone[index])
    _note_marks(zone, marks, row)
    slots = RIGHT if len(zone) == len(effects) + len(RIGHT) else ()
    content = [
        (found, slots[index - len(effects)] if slots and index >= len(effects) else None)
        for index, found in enumerate(zone)
        if index >= marks and found.words and not is_mark(found.words)
    ]
    _assign_right(content, anchors, row)


def _note_marks(zone: list[Field], marks: int, row: Columns) -> None:
    """Report the marks whose meaning no rule knows, and the footnotes of others; a hyphen among marks is nothing."""
    for index, found in enumerate(zone):
        if is_footed(found.words):
            row.note("cell-part-unread", found)
        elif index < marks and is_like_mark(found.words):
            row.note("cell-unread", found)
        elif index < marks and is_nothing(found.words):
            row.put(NOTHING, found)


def _assign_right(content: list[tuple[Field, str | None]], anchors: Anchors, row: Columns) -> None:
    """Assign support, budget and references by content, in this order; a hyphen fills a place that is left."""
    columns = columns_of(content, anchors)
    for (found, _), column in zip(content, columns, strict=True):
        if column is None:
            row.note("cell-unread", found)
        else:
            row.put(column, found)
