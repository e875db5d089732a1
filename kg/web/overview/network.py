"""Network of ministries by shared measures: nodes on a circle, and edges across it.

Nearly all ministries share measures with nearly all others, so that a force-directed layout would collapse them. On a
circle each label has its room; those that share most are adjacent. The layout is deterministic.
"""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kg.core.labels import preferred
from kg.http.query_client import Names
from kg.http.templates import View
from kg.web.diagram import wrap
from kg.web.overview.overview_queries import MinistryPairRow, linked_thing, page_url

_WIDTH, _HEIGHT, _RADIUS = 860, 610, 230
_MOST, _MOST_LINES = 24, 72  # most discs, those with the most partners first; most lines, widest first
_ROUNDS = 40
_WIDEST, _THINNEST = 11.0, 1.0  # width of lines, in pixels
_INWARD = 0.35  # bend of lines towards the middle, as a ratio
_LINE = 16
_NUMBERED = 10  # number of widest lines with their count written on them

Point = tuple[float, float]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Node:
    """A ministry: centre and radius of its disc, lines of its label with their position, and its link."""

    x: float
    y: float
    radius: float
    lines: Sequence[str]
    words_x: float
    words_y: float
    anchor: str
    href: str
    name: str


@dataclass(frozen=True)
class Edge:
    """A pair of ministries that share measures: path, width, label, and the number if displayed."""

    path: str
    width: float
    name: str
    number: str
    x: float
    y: float


@dataclass(frozen=True)
class Network:
    """The diagram, its data as table rows, and the numbers of ministries and edges not shown."""

    width: float
    height: float
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    table: Sequence[dict[str, object]]
    unlisted: int
    undrawn: int


@dataclass(frozen=True)
class Layout:
    """The ministries shown, their positions, the numbers of shared measures, and the number of partners of each."""

    places: Mapping[str, Point]
    shared: Mapping[Pair, int]
    partners: Mapping[str, int]
    unlisted: int


def layout(rows: Sequence[MinistryPairRow]) -> Layout:
    """Return the layout of the rows of pairs-of-ministries; takes up to a fifth of a second."""
    partners = Counter(end for row in rows for end in (row.one, row.other))
    shown = sorted(sorted(partners, key=lambda iri: (-partners[iri], iri))[:_MOST])
    shared = {(row.one, row.other): row.measures for row in rows if row.one in shown and row.other in shown}
    return Layout(_on_circle(_circular_order(shown, shared)), shared, partners, len(partners) - len(shown))


def network(rows: Sequence[MinistryPairRow], layout: Layout, named: Names, view: View) -> Network:
    """Return the diagram of the rows of pairs-of-ministries; `named` are the names of ministries."""
    names = {iri: preferred(named.get(iri, {}), view.lang) or iri for iri in (*layout.places, *_ends(rows))}
    return Network(
        width=_WIDTH,
        height=_HEIGHT,
        nodes=[_node(iri, layout, names[iri], view) for iri in layout.places],
        edges=_edges(layout, names, view),
        table=[_table_row(row, names, view) for row in rows],
        unlisted=layout.unlisted,
        undrawn=max(0, len(layout.shared) - _MOST_LINES),
    )


def _ends(rows: Sequence[MinistryPairRow]) -> set[str]:
    return {end for row in rows for end in (row.one, row.other)}


def _circular_order(shown: Sequence[str], shared: Mapping[Pair, int]) -> list[str]:
    """Return an order of the ministries on the circle in which those that share much are near each other.

    Pairs are swapped as long as that reduces the weighted total length of the edges.
    """
    order, count = list(shown), len(shown)
    weights: dict[str, dict[str, int]] = {iri: {} for iri in shown}
    for (one, other), measures in shared.items():
        weights[one][other] = weights[other][one] = measures
    chords = [math.sin(math.pi * apart / count) for apart in range(count)]

    def length(at: int, iri: str, swapped: str, old_place: int) -> float:
        """Return the weighted length of the edges of a ministry at a position, while another takes its old one."""
        places = (
            (old_place if other == swapped else place, other) for place, other in enumerate(order) if other != iri
        )
        return sum(weights[iri].get(other, 0) * chords[abs(place - at)] for place, other in places)

    for _ in range(_ROUNDS):
        better = False
        for first, second in itertools.combinations(range(count), 2):
            one, other = order[first], order[second]
            before = length(first, one, other, second) + length(second, other, one, first)
            after = length(second, one, other, first) + length(first, other, one, second)
            if after < before - 1e-9:
                order[first], order[second] = other, one
                better = True
        if not better:
            break
    return order


def _on_circle(order: Sequence[str]) -> dict[str, Point]:
    """Return positions on a circle, clockwise from the top."""
    turn = 2 * math.pi / max(len(order), 1)
    return {
        iri: (
            round(_WIDTH / 2 + _RADIUS * math.sin(at * turn), 1),
            round(_HEIGHT / 2 - _RADIUS * math.cos(at * turn), 1),
        )
        for at, iri in enumerate(order)
    }


def _node(iri: str, layout: Layout, name: str, view: View) -> Node:
    x, y = layout.places[iri]
    partners = layout.partners[iri]
    radius = round(8 + 2.4 * math.sqrt(partners), 1)
    aside = (x - _WIDTH / 2) / _RADIUS  # 1 at the right, -1 at the left
    anchor = "middle" if abs(aside) < 0.2 else ("start" if aside > 0 else "end")
    wrapped = wrap(name, 180, 3)
    away = radius + 8
    words_y = y + 5 - _LINE * (len(wrapped) - 1) / 2
    if anchor == "middle":
        above = y < _HEIGHT / 2
        words_y = y - away - _LINE * (len(wrapped) - 1) if above else y + away + 10
    label = view.t(f"{name}: {partners}の府省庁と共に", f"{name}: together with {partners} others")
    words_x = x + (0 if anchor == "middle" else math.copysign(away, aside))
    return Node(x, y, radius, wrapped, round(words_x, 1), round(words_y, 1), anchor, page_url(iri, view), label)


def _edges(layout: Layout, names: Mapping[str, str], view: View) -> list[Edge]:
    """Return the edges, thin ones first, so that wide ones are drawn on top."""
    most = max(layout.shared.values(), default=1)
    ranked = sorted(layout.shared.items(), key=lambda pair: (pair[1], pair[0]))[-_MOST_LINES:]
    edges = []
    for at, ((one, other), measures) in enumerate(ranked):
        (x, y), (to_x, to_y) = layout.places[one], layout.places[other]
        bend_x, bend_y = (_inward((x + to_x) / 2, _WIDTH / 2), _inward((y + to_y) / 2, _HEIGHT / 2))
        width = round(_THINNEST + (_WIDEST - _THINNEST) * (measures - 1) / max(most - 1, 1), 1)
        shared = view.t(f"共通の施策{measures}件", f"{measures} shared measures")
        number = str(measures) if at >= len(ranked) - _NUMBERED and measures > 1 else ""
        edges.append(
            Edge(
                path=f"M{x} {y}Q{bend_x} {bend_y} {to_x} {to_y}",
                width=width,
                name=f"{names[one]} – {names[other]}: {shared}",
                number=number,
                x=round((x + to_x) / 4 + bend_x / 2, 1),
                y=round((y + to_y) / 4 + bend_y / 2, 1),
            )
        )
    return edges


def _inward(place: float, middle: float) -> float:
    return round(place + (middle - place) * _INWARD, 1)


def _table_row(row: MinistryPairRow, names: Mapping[str, str], view: View) -> dict[str, object]:
    ends = {name: linked_thing(iri, names[iri], view) for name, iri in (("one", row.one), ("other", row.other))}
    return {**ends, "measures": str(row.measures), "led": str(row.led_by_both)}
