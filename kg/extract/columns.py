"""Which column each cell of a row belongs to: told from what the cell says and from its order, never from its index.

A row is, from left to right: running number, title, two KPIs, overview; then pillar and listing time; then four effect
marks, support, budget, references; then the national number and the ministries. The pillar, the listing time, the
number and the ministries are anchors; the cells between two anchors are told by their content and order.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kg.cells import EMPTY, Text
from kg.extract.anchors import Anchors, is_listing, is_mark, is_nothing
from kg.extract.fields import Field, fields_of, words_of
from kg.extract.markup import read_markup
from kg.extract.notes import Note
from kg.recipe.corrections import Corrected

LEFT = ("title", "kpi-progress", "kpi-effect", "overview")
RIGHT = ("support", "budget", "references")
NOTHING = "nothing"  # a hyphen whose column cannot be told: there is nothing in either
KPI_UNKNOWN = "kpi-unknown"

_BUDGET_MARKER = re.compile(r"\s*(?:</?[a-z][^<>]*>\s*)*(?:<|&lt;|＜|【)?\s*予算事業名", re.IGNORECASE)
_BUDGET_NAME = re.compile(r"(?:事業|事業費|経費|交付金|補助金|推進費|施策)(?:\([^()]*\)|\[[^\[\]]*\])?$")
_URL = re.compile(r"https?://", re.IGNORECASE)
_PROSE_LENGTH = 80


@dataclass
class Columns:
    """A row that was read: its cells by column, the effects known, the marks whose column is unknown."""

    cells: dict[str, list[Corrected]] = field(default_factory=dict)
    effects: list[tuple[str, Corrected]] = field(default_factory=list)
    uncertain: list[Corrected] = field(default_factory=list)
    unread: list[Corrected] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def put(self, column: str, cells: Sequence[Corrected]) -> None:
        """Read cells as a column."""
        self.cells.setdefault(column, []).extend(cells)

    def note(self, key: str, cell: Corrected) -> None:
        """Report an issue with a cell."""
        self.notes.append(Note(key, cell.cell, words_of(cell)))

    def text(self, column: str) -> Text:
        """Return the text of a column; what a stray tab had split is one text again."""
        return sum((cell.text for cell in self.cells.get(column, [])), EMPTY)


def read_columns(cells: Sequence[Corrected], anchors: Anchors, effects: Sequence[str]) -> Columns:
    """Tell the column of every cell of a row; `effects` are the keys of the effect columns in their order."""
    row = Columns()
    fields = fields_of(cells)
    for parts in fields:
        for part in parts[1:]:
            row.note("cells-joined", part)
    start = _running_number(fields, anchors, row)
    number = _last(fields, start, lambda words: bool(anchors.national_number(words)))
    limit = _right_anchors(fields, start, number, anchors, row)
    pillar = _pillar(fields, start, limit, anchors, row)
    listing = _first(fields, (pillar if pillar is not None else start + 2) + 1, limit, is_listing)
    if listing is not None:
        row.put("listing", fields[listing])
    if limit == len(fields) and pillar is None and listing is None:
        _truncated(fields, start, row)
        return row
    middle = _read_left(fields, start, pillar, listing, limit, row)
    _read_right(fields[middle:limit], effects, row)
    return row


def _first(fields: list[Field], start: int, stop: int, test: Callable[[str], object]) -> int | None:
    return next((i for i in range(start, min(stop, len(fields))) if test(words_of(fields[i]))), None)


def _last(fields: list[Field], start: int, test: Callable[[str], object]) -> int | None:
    return next((i for i in range(len(fields) - 1, start - 1, -1) if test(words_of(fields[i]))), None)


def _running_number(fields: list[Field], anchors: Anchors, row: Columns) -> int:
    """Read the running number and return the index of the title."""
    for index in (0, 1):
        if index < len(fields) and anchors.running_number(words_of(fields[index])) is not None:
            row.put("no", fields[index])
            return index + 1
        if words_of(fields[index] if index < len(fields) else []):
            return index  # the first words are no number: the row has none
    return 1


def _right_anchors(fields: list[Field], start: int, number: int | None, anchors: Anchors, row: Columns) -> int:
    """Read the national number and the organizations; return where the cells before them end."""
    if number is not None:
        row.put("number", fields[number])
        found = _first(fields, number + 1, len(fields), bool)
        rest = number + 1
    else:
        found = _last(fields, start + 1, bool)
        if found is not None and not anchors.are_organizations(words_of(fields[found])):
            found = None
        rest = len(fields) if found is None else found + 1
    limit = number if number is not None else found
    if found is not None:
        row.put("organizations", fields[found])
        rest = found + 1
    for extra in fields[rest:]:
        if anchors.are_organizations(words_of(extra)):
            if row.text("organizations").chars.rstrip().endswith(("、", ",")):
                row.note("cells-joined", extra[0])
            row.put("organizations", extra)
        elif words_of(extra):
            _unread(extra, row)
    return len(fields) if limit is None else limit


def _pillar(fields: list[Field], start: int, limit: int, anchors: Anchors, row: Columns) -> int | None:
    """Read the pillar: an exact printed form wins over a near one."""
    found = {i: match for i in range(start + 1, limit) if (match := anchors.pillar(words_of(fields[i])))}
    if not found:
        return None
    index = min(found, key=lambda i: (found[i][1], i))
    row.put("pillar", fields[index])
    if found[index][1]:
        row.note("pillar-variant", fields[index][0])
    return index


def _truncated(fields: list[Field], start: int, row: Columns) -> None:
    """Read a row that ends before its anchors, in order; nothing tells more."""
    row.notes.append(Note("row-truncated", fields[-1][-1].cell, words_of(fields[-1])))
    rest = fields[start:]
    for column, cells in zip(LEFT, rest, strict=False):
        row.put(column, cells)
    for cells in rest[len(LEFT) :]:
        if words_of(cells):
            _unread(cells, row)


def _unread(cells: Field, row: Columns) -> None:
    row.unread.extend(cells)
    row.note("cell-unread", cells[0])


def _read_left(
    fields: list[Field], start: int, pillar: int | None, listing: int | None, limit: int, row: Columns
) -> int:
    """Read title, KPIs and overview; return where the effect marks begin."""
    if pillar is not None:
        end = pillar
        middle = listing + 1 if listing is not None else pillar + 1
        if listing is None and middle < limit and not words_of(fields[middle]):
            middle += 1  # the empty listing time
    elif listing is not None:
        end, middle = listing, listing + 1
        if end - start > len(LEFT) and not words_of(fields[end - 1]):
            end -= 1  # the empty pillar
    else:
        end = min(start + len(LEFT), limit)
        middle = end
        for _ in ("pillar", "listing"):
            if middle < limit and not words_of(fields[middle]):
                middle += 1
    _assign_left(fields[start:end], row)
    return middle


def _assign_left(zone: list[Field], row: Columns) -> None:
    """Assign the cells before the pillar: by order where there are four, else by what is filled and what is prose."""
    if len(zone) != len(LEFT):
        filled = [cells for cells in zone if words_of(cells)]
        zone = filled if len(filled) >= len(LEFT) or len(zone) > len(LEFT) else zone
    if len(zone) == len(LEFT):
        for column, cells in zip(LEFT, zone, strict=True):
            row.put(column, cells)
        return
    rest = list(zone)
    if rest:
        row.put("title", rest.pop(0))
    prose: list[Field] = []
    while rest and _is_prose(words_of(rest[-1])) and (not prose or len(rest) > 2):
        prose.insert(0, rest.pop())
    for cells in prose:
        row.put("overview", cells)
    if len(prose) > 1:
        row.note("cells-joined", prose[1][0])
    if len(rest) == 2:
        row.put("kpi-progress", rest[0])
        row.put("kpi-effect", rest[1])
        return
    for cells in rest:
        if len(rest) == 1 and words_of(cells):
            row.put(KPI_UNKNOWN, cells)
            row.note("kpi-column-unknown", cells[0])
        elif words_of(cells):
            _unread(cells, row)


def _is_prose(words: str) -> bool:
    return "。" in words or len(words) > _PROSE_LENGTH


def _read_right(zone: list[Field], effects: Sequence[str], row: Columns) -> None:
    """Read the effect marks, then support, budget and references."""
    marks = 0
    while marks < len(zone) and (not words_of(zone[marks]) or is_mark(words_of(zone[marks]))):
        marks += 1
    marked = [index for index in range(marks) if words_of(zone[index])]
    if marks == len(effects):
        row.effects = [(effects[index], zone[index][0]) for index in marked]
    else:
        # the row has another number of such cells than there are effects: which column a mark stood in is lost
        row.uncertain = [zone[index][0] for index in marked]
        for index in marked:
            row.note("effect-uncertain", zone[index][0])
    full = len(zone) == len(effects) + len(RIGHT)
    slots = {id(cells): RIGHT[i] for i, cells in enumerate(zone[len(effects) :])} if full else {}
    content = []
    for cells in zone[marks:]:
        if is_mark(words_of(cells)):
            _unread(cells, row)
        elif words_of(cells):
            content.append(cells)
    _assign_right(content, slots, row)


def _assign_right(content: list[Field], slots: dict[int, str], row: Columns) -> None:
    """Assign support, budget and references by content, in this order; a hyphen fills a place that is left."""
    columns: list[str | None] = []
    for index, cells in enumerate(content):
        columns.append(_column_of(cells, content[index + 1 :], columns, slots.get(id(cells))))
    _assign_nothing(content, columns)
    for cells, column in zip(content, columns, strict=True):
        if column is None:
            _unread(cells, row)
            continue
        if column in row.cells and column != NOTHING:
            row.note("cells-joined", cells[0])
        row.put(column, cells)


def _column_of(cells: Field, after: list[Field], before: list[str | None], slot: str | None) -> str | None:
    """Return the column of one cell, `nothing` for a hyphen, or None where no rule tells.

    A cell that cannot be a column of its own, because what follows it belongs to the same or an earlier column, is the
    rest of the cell before it, which a stray tab has split.
    """
    words = words_of(cells)
    if is_nothing(words):
        return NOTHING
    if _BUDGET_MARKER.match(words):
        return "budget"
    if _URL.search(words):
        prose = "。" in words and any(_URL.search(words_of(other)) for other in after)
        return "support" if prose and "support" not in before else "references"
    if "references" in before:
        return None
    name = _is_programme_name(cells)
    if "budget" in before:
        rest = name or any(_URL.search(words_of(other)) or is_nothing(words_of(other)) for other in after)
        return "budget" if rest else "references"  # a title without an address
    if any(_BUDGET_MARKER.match(words_of(other)) for other in after):
        return "support"
    if "support" in before:
        return "support" if _is_prose(words) and not name else "budget"
    return "budget" if name and slot in (None, "budget") else "support"


def _is_programme_name(cells: Field) -> bool:
    """Whether a cell without heading is one short name that ends like a budget programme."""
    blocks, _ = read_markup(sum((cell.text for cell in cells), EMPTY))
    words = blocks[0].text.normal().unspaced().chars if len(blocks) == 1 else ""
    return "。" not in words and bool(_BUDGET_NAME.search(words))


def _assign_nothing(content: list[Field], columns: list[str | None]) -> None:
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
