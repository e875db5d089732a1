"""Layered diagram of boxes and arrows, laid out without external programs; and measuring and wrapping of text for SVG.

The layout has the usual steps (Sugiyama, Tagawa and Toda, 1981). Arrows against the flow are reversed. Each box is put
into a column behind all that point to it; a long arrow gets a dummy place in every column that it crosses. The places
of a column are ordered by the mean of their neighbours, and then moved as near to it as possible.

The width of a text is estimated from its characters; wide ones (East Asian Width) count as wide.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kg.core.spans import is_wide

WIDE, NARROW = 14.5, 8.0  # width of a letter in the drawings, in pixels
_ELLIPSIS = "…"
# Characters that must not begin a line, and those that must not end one (JIS X 4051).
_NEVER_FIRST = "、。，．・：；？！)]}）］｝」』】〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_NEVER_LAST = "([{（［｛「『【〈《"


def text_width(text: str) -> float:
    """Return the estimated width of a text in pixels."""
    return sum(WIDE if is_wide(character) else NARROW for character in text)


def truncate(text: str, width: float) -> str:
    """Truncate a text to a width, with an ellipsis."""
    if text_width(text) <= width:
        return text
    while text and text_width(text + _ELLIPSIS) > width:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS


def wrap(text: str, width: float, most: int) -> list[str]:
    """Wrap a text into at most `most` lines of a width; Latin words are kept whole if possible."""
    lines, line = list[str](), ""
    for piece in _break_opportunities(text):
        if line and text_width(line + piece.rstrip()) > width:
            lines.append(line)
            line = ""
        line += piece
    lines.append(line)
    if len(lines) > most:
        remaining = "".join(lines[most - 1 :])
        lines[most - 1 :] = [truncate(remaining, width)]
    return [truncate(each.strip(), width) for each in lines]


def _break_opportunities(text: str) -> list[str]:
    """Return the parts of a text between which a line may break."""
    parts: list[str] = []
    for character in text:
        narrow = not is_wide(character)
        last = parts[-1][-1] if parts else ""
        joined = narrow and last and last != " " and not is_wide(last)
        if parts and (joined or character == " " or character in _NEVER_FIRST or last in _NEVER_LAST):
            parts[-1] += character
        else:
            parts.append(character)
    return parts


_ROW, _PAD, _GAP = 24, 14, 18  # height of a label, padding of a box, gap between places of a column; in pixels
_SMALL = 0.86  # relative size of the letters of names and labels
_SWEEPS = 12


@dataclass(frozen=True)
class Node:
    """A box: its text, the name below it, its link, and its class for the style sheet."""

    key: str
    words: str
    name: str
    href: str
    kind: str = ""


@dataclass(frozen=True)
class Box:
    """A box with its position (top left corner) and size."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Arrow:
    """An arrow as an SVG path, with its label and the position of the end of that.

    It leads from `source` to `target`; with `turned`, its path is drawn from the target.
    """

    path: str
    words: str
    x: float
    y: float
    source: Node
    target: Node
    turned: bool


@dataclass(frozen=True)
class Drawing:
    """All boxes and arrows, with the total size."""

    width: float
    height: float
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


@dataclass
class _Place:
    """A place in a column: a box, or a dummy of a long arrow (without a node)."""

    node: Node | None
    width: float
    height: float
    y: float = 0
    before: list["_Place"] = field(default_factory=list)
    after: list["_Place"] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


Ends = tuple[str, str]
Words = tuple[str, bool]  # the second is true if the arrow was reversed


def draw(nodes: Iterable[Node], links: Mapping[Ends, Sequence[str]]) -> Drawing:
    """Return the diagram of boxes and their labelled links. Loops are omitted."""
    nodes_by_key = {node.key: node for node in nodes}
    arrows = _acyclic_links(nodes_by_key, links)
    columns = _columns(nodes_by_key, list(arrows))
    places = {
        key: _Place(node, _width(node), max(2 * _PAD + 24, _ROW * _rows(key, arrows) + 8))
        for key, node in nodes_by_key.items()
    }
    chains = {ends: _chain(ends, places, columns) for ends in arrows}
    table = _order_columns(_table(places, columns, chains))
    return _drawing(table, places, arrows, chains)


def _acyclic_links(nodes: Mapping[str, Node], links: Mapping[Ends, Sequence[str]]) -> dict[Ends, list[Words]]:
    """Return the links without loops; those against the flow are reversed and merged."""
    acyclic: dict[Ends, list[Words]] = {}
    for (source, target), words in links.items():
        if source == target or source not in nodes or target not in nodes:
            continue
        turned = _reaches(acyclic, target, source)
        ends = (target, source) if turned else (source, target)
        acyclic.setdefault(ends, []).extend((word, turned) for word in words)
    return acyclic


def _rows(key: str, arrows: Mapping[Ends, Sequence[Words]]) -> int:
    """Return the number of labels of arrows that end at a box."""
    return sum(len(words) for (_, target), words in arrows.items() if target == key)


def _reaches(arrows: Mapping[Ends, object], start: str, end: str) -> bool:
    ahead, seen = [start], {start}
    while ahead:
        here = ahead.pop()
        if here == end:
            return True
        for source, target in arrows:
            if source == here and target not in seen:
                seen.add(target)
                ahead.append(target)
    return False


def _columns(nodes: Mapping[str, Node], arrows: Sequence[Ends]) -> dict[str, int]:
    """Return the column of each box: behind all that point to it, before those that it points to."""
    column = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for source, target in arrows:
            column[target] = max(column[target], column[source] + 1)
    for _ in nodes:  # a box without incoming arrows is put next to what it points to
        for key in nodes:
            ahead = [column[target] for source, target in arrows if source == key]
            if ahead and not any(target == key for _, target in arrows):
                column[key] = min(ahead) - 1
    return column


def _chain(ends: Ends, places: Mapping[str, _Place], columns: Mapping[str, int]) -> list[_Place]:
    """Return the places of an arrow from source to target, linked with each other."""
    source, target = ends
    passed = [_Place(None, 0, _GAP / 2) for _ in range(columns[source] + 1, columns[target])]
    chain = [places[source], *passed, places[target]]
    for one, next in itertools.pairwise(chain):
        one.after.append(next)
        next.before.append(one)
    return chain


def _table(
    places: Mapping[str, _Place], columns: Mapping[str, int], chains: Mapping[Ends, Sequence[_Place]]
) -> list[list[_Place]]:
    table: list[list[_Place]] = [[] for _ in range(max(columns.values(), default=0) + 1)]
    for key, place in places.items():
        table[columns[key]].append(place)
    for (source, _), chain in chains.items():
        for step, place in enumerate(chain[1:-1], 1):
            table[columns[source] + step].append(place)
    return table


def _order_columns(table: list[list[_Place]]) -> list[list[_Place]]:
    """Order the places of each column by the mean of their neighbours, and set their vertical positions."""
    for column in table:
        _stack(column)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for column in table if forward else reversed(table):
            targets = {id(place): _target_y(place, forward) for place in column}
            column.sort(key=lambda place: targets[id(place)])
            _stack(column)
            _settle(column, targets)
    top = min((place.y for column in table for place in column), default=0)
    for place in (place for column in table for place in column):
        place.y += 4 - top
    return table


def _target_y(place: _Place, forward: bool) -> float:
    joined = (place.before if forward else place.after) or place.before or place.after
    return sum(other.middle for other in joined) / len(joined) if joined else place.middle


def _stack(column: Sequence[_Place]) -> None:
    y = 0.0
    for place in column:
        place.y = y
        y += place.height + _GAP


def _settle(column: Sequence[_Place], targets: Mapping[int, float]) -> None:
    """Move the places of a column, in their order, towards the target positions."""
    shift = sum(targets[id(place)] - place.middle for place in column) / max(len(column), 1)
    for place in column:
        place.y += shift
    for _ in range(4):
        for above, place in zip([None, *column], column, strict=False):
            lowest = above.y + above.height + _GAP if above else float("-inf")
            place.y = max(lowest, targets[id(place)] - place.height / 2)
        for below, place in zip([None, *reversed(column)], reversed(column), strict=False):
            highest = below.y - _GAP - place.height if below else float("inf")
            place.y = min(highest, place.y)


def _drawing(
    table: Sequence[Sequence[_Place]],
    places: Mapping[str, _Place],
    arrows: Mapping[Ends, Sequence[Words]],
    chains: Mapping[Ends, Sequence[_Place]],
) -> Drawing:
    x, x_of = 4.0, dict[int, float]()
    for column in table:
        reached = [ends for ends, chain in chains.items() if any(chain[-1] is place for place in column)]
        before = max((text_width(labels) * _SMALL + 70 for ends in reached for labels, _ in arrows[ends]), default=_GAP)
        x += before if x_of else 0
        x_of |= {id(place): x for place in column}
        x += max((place.width for place in column), default=0)
    boxes = [Box(p.node, x_of[id(p)], p.y, p.width, p.height) for p in places.values() if p.node]
    drawn = []
    for key, place in places.items():
        ends = sorted((pair for pair in arrows if pair[1] == key), key=lambda pair: chains[pair][-2].middle)
        labels = [(pair, words) for pair in ends for words in arrows[pair]]
        first = place.middle - _ROW * (len(labels) - 1) / 2
        drawn += [_arrow(chains[pair], words, x_of, first + _ROW * row) for row, (pair, words) in enumerate(labels)]
    height = max((place.y + place.height for column in table for place in column), default=0)
    return Drawing(round(x + 4), round(height + 4), boxes, drawn)


def _arrow(chain: Sequence[_Place], label: Words, x_of: Mapping[int, float], port: float) -> Arrow:
    """Return an arrow through its places; it ends horizontally, below its label."""
    (words, turned), source, target = label, chain[0], chain[-1]
    assert source.node and target.node
    end = x_of[id(target)]
    level = end - text_width(words) * _SMALL - 20
    points = [(x_of[id(source)] + source.width, source.middle)]
    points += [(x_of[id(place)], place.middle) for place in chain[1:-1]]
    points.append((level, port))
    path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        bend = (x + to_x) / 2
        path += f"C{bend:.0f} {y:.0f} {bend:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
    ends = (target.node, source.node) if turned else (source.node, target.node)
    return Arrow(f"{path}H{end - 2:.0f}", words, end - 10, port - 4, *ends, turned)


def _width(node: Node) -> float:
    return max(text_width(node.words), text_width(node.name) * _SMALL) + 2 * _PAD
