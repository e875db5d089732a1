"""Diagram of the neighbourhood of a resource: incoming links on the left, outgoing ones on the right.

Resources are grouped in blocks, one for each property; the first blocks and resources are drawn, the rest is counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg.http.templates import View
from kg.web.diagram import truncate, wrap
from kg.web.presenter import Fact, Value
from kg.web.query_library import QueryLink

QUERY = "neighbours-of-a-thing"
_BLOCKS, _ROWS = 8, 4  # blocks on each side; rows of each block
_SIDE, _ROW, _GAP = 270, 26, 18  # width of a side, height of a row, gap between blocks, in pixels
_CENTRE, _BETWEEN, _LINE = 180, 30, 18  # width of the centre, gap beside it, height of a line, in pixels
_HEAD = 20


@dataclass(frozen=True)
class PropertyNeighbours:
    """The neighbours by one property: its label, the resources, and their total number."""

    words: str
    things: Sequence[Value]
    total: int
    inbound: bool


@dataclass(frozen=True)
class NeighbourRow:
    """A neighbour in a block: its shortened and its full name, its language and its URL."""

    words: str
    name: str
    lang: str
    href: str


@dataclass(frozen=True)
class Block:
    """The neighbours by one property: its label, the corner of the block, and the line to the centre."""

    words: str
    x: float
    y: float
    anchor: str
    rows: Sequence[NeighbourRow]
    more: int
    path: str


@dataclass(frozen=True)
class Centre:
    """The resource in the centre: its frame and the lines of its name."""

    x: float
    y: float
    width: float
    height: float
    lines: Sequence[str]


@dataclass(frozen=True)
class NeighbourDiagram:
    """The diagram, its data as table rows, the query behind it, and the number of properties not drawn."""

    width: float
    height: float
    centre: Centre
    blocks: Sequence[Block]
    table: Sequence[dict[str, object]]
    behind: QueryLink
    unlisted: int


def outgoing_links(facts: Iterable[Fact]) -> list[PropertyNeighbours]:
    """Return the outgoing links of a resource: other resources and web pages."""
    linked = ((fact, [value for value in fact.values if value.href]) for fact in facts)
    return [PropertyNeighbours(fact.name, things, fact.total, inbound=False) for fact, things in linked if things]


def neighbour_diagram(
    title: str, path: str, joined: Sequence[PropertyNeighbours], view: View
) -> NeighbourDiagram | None:
    """Return the diagram around a resource at a path below `id/`; None without neighbours."""
    sides = [[each for each in joined if each.inbound is inbound] for inbound in (True, False)]
    shown = [side[:_BLOCKS] for side in sides]
    if not any(shown):
        return None
    name = wrap(title, _CENTRE - 24, 4)
    frame = _LINE * len(name) + 16
    height = max(*(_height(side) for side in shown), frame) + 12
    left = _SIDE + _BETWEEN if shown[0] else 2  # an empty side takes no room
    centre = Centre(left, round((height - frame) / 2), _CENTRE, frame, name)
    blocks = [block for side in shown for block in _blocks(side, height, centre)]
    return NeighbourDiagram(
        left + _CENTRE + (_BETWEEN + _SIDE if shown[1] else 2),
        height,
        centre,
        blocks,
        [_table_row(each, thing, view) for side in shown for each in side for thing in each.things[:_ROWS]],
        QueryLink(QUERY, (("thing", path),)),
        sum(len(side) - len(some) for side, some in zip(sides, shown, strict=True)),
    )


def _height(side: Sequence[PropertyNeighbours]) -> int:
    return sum(_block_height(each) + _GAP for each in side) - _GAP if side else 0


def _block_height(joined: PropertyNeighbours) -> int:
    shown = min(len(joined.things), _ROWS)
    return _HEAD + _ROW * (shown + (joined.total > shown))


def _blocks(side: Sequence[PropertyNeighbours], height: float, centre: Centre) -> list[Block]:
    """Return the blocks of one side, stacked and centred vertically."""
    y, blocks = (height - _height(side)) / 2, []
    for each in side:
        start = centre.x if each.inbound else centre.x + centre.width
        edge = start + (-_BETWEEN if each.inbound else _BETWEEN)
        x = edge + (-14 if each.inbound else 14)
        middle = y + _block_height(each) / 2
        bend, level = (edge + start) / 2, height / 2
        path = f"M{edge} {y:.0f}v{_block_height(each)}M{edge} {middle:.0f}"
        path += f"C{bend:.0f} {middle:.0f} {bend:.0f} {level:.0f} {start:.0f} {level:.0f}"
        rows = [
            NeighbourRow(truncate(value.text, _SIDE - 18), value.text, value.lang, value.href)
            for value in each.things[:_ROWS]
        ]
        words = truncate(each.words, _SIDE - 18)
        anchor = "end" if each.inbound else "start"
        blocks.append(Block(words, x, round(y), anchor, rows, each.total - len(rows), path))
        y += _block_height(each) + _GAP
    return blocks


def _table_row(joined: PropertyNeighbours, thing: Value, view: View) -> dict[str, object]:
    direction = ("これを指すもの", "points here") if joined.inbound else ("これが指すもの", "pointed to")
    return {"direction": view.t(*direction), "property": joined.words, "thing": thing}
