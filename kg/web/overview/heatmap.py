"""Measures by pillar and lead ministry: fields in rows and columns, stronger in colour the more measures they have."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kg.http.pages import View
from kg.http.query_client import Row
from kg.web.browse.facets import NOTHING
from kg.web.browse.filters import Choice
from kg.web.overview.edition_selector import Edition
from kg.web.overview.overview_queries import called
from kg.web.presenter import Value
from kg.web.text_metrics import lines

STEPS = 5  # of strength; the style sheet has a colour for each
_MOST_ROWS, _MOST_COLUMNS = 10, 9
_WIDTH, _HEIGHT, _LINE = 112, 48, 15  # of a field and of a line of a heading, in pixels
_SIDE, _PAD = 188, 8
_SMALL = 1.23  # headings are in smaller letters: so much more has room


@dataclass(frozen=True)
class Head:
    """The heading of a row or a column: its lines and the place of the first."""

    lines: Sequence[str]
    x: float
    y: float


@dataclass(frozen=True)
class Cell:
    """A field: its place, how many measures, how strong of `STEPS`, where it leads, and its name."""

    x: float
    y: float
    measures: int
    step: int
    href: str
    name: str


@dataclass(frozen=True)
class Heat:
    """The picture, its data as rows of a table, and how many rows and columns have no room in it."""

    width: float
    height: float
    columns: Sequence[Head]
    rows: Sequence[Head]
    cells: Sequence[Cell]
    table: Sequence[dict[str, object]]
    unlisted: tuple[int, int]
    box: tuple[int, int] = (_WIDTH, _HEIGHT)


@dataclass(frozen=True)
class _Axis:
    """The things of one direction: those shown, in order, what all are called, and how many are not shown."""

    shown: Sequence[str]
    names: dict[str, tuple[str, str]]
    unlisted: int


def heat(found: Sequence[Row], edition: Edition, view: View) -> Heat:
    """Return the picture of the rows of measures-by-pillar-and-lead."""
    lead = _axis(found, "organization", "name", view, view.t("主担当の印なし", "No lead marked"), _MOST_ROWS)
    pillar = _axis(found, "pillar", "pillar", view, view.t("柱の記載なし", "No pillar given"), _MOST_COLUMNS)
    measures = {_pair(row): int(row["measures"]) for row in found}
    heads = [lines(pillar.names[key][0], (_WIDTH - _PAD) * _SMALL, 5) for key in pillar.shown]
    top = _LINE * max((len(head) for head in heads), default=0) + _PAD
    most = max(measures.values(), default=1)
    cells = []
    for at, (row, column) in enumerate((row, column) for row in lead.shown for column in pillar.shown):
        count = measures.get((row, column), 0)
        name = f"{lead.names[row][0]} × {pillar.names[column][0]}: {view.t(f'{count}件', f'{count} measures')}"
        x, y = _SIDE + at % len(pillar.shown) * _WIDTH, top + at // len(pillar.shown) * _HEIGHT
        href = _listed(row, column, edition, view) if count else ""
        cells.append(Cell(x, y, count, -(-STEPS * count // most), href, name))
    columns = [
        Head(head, _SIDE + (at + 0.5) * _WIDTH, top - _PAD - _LINE * (len(head) - 1)) for at, head in enumerate(heads)
    ]
    return Heat(
        _SIDE + len(pillar.shown) * _WIDTH + 2,
        top + len(lead.shown) * _HEIGHT + 2,
        columns,
        [_row_head(lead.names[key][0], top + at * _HEIGHT) for at, key in enumerate(lead.shown)],
        cells,
        [_told(row, lead, pillar, edition, view) for row in found],
        (lead.unlisted, pillar.unlisted),
    )


def _axis(found: Sequence[Row], thing: str, stem: str, view: View, nothing: str, most: int) -> _Axis:
    """Return the things of a column of the answer, those with most measures first, what is none last."""
    counted, named = Counter[str](), {}
    for row in found:
        key = row.get(thing, NOTHING)
        counted[key] += int(row["measures"])
        named[key] = (nothing, "") if key == NOTHING else called(row, stem, view)
        if not named[key][0]:
            named[key] = (key, "")
    order = sorted(counted, key=lambda key: (key == NOTHING, -counted[key], key))
    shown = [key for key in order if key != NOTHING][: most - 1] + [key for key in order if key == NOTHING]
    return _Axis(shown, named, len(order) - len(shown))


def _row_head(words: str, y: float) -> Head:
    wrapped = lines(words, (_SIDE - 2 * _PAD) * _SMALL, 3)
    return Head(wrapped, _SIDE - _PAD, y + _HEIGHT / 2 + 5 - _LINE * (len(wrapped) - 1) / 2)


def _pair(row: Row) -> tuple[str, str]:
    return row.get("organization", NOTHING), row.get("pillar", NOTHING)


def _listed(lead: str, pillar: str, edition: Edition, view: View) -> str:
    """Return the address of the list of these measures; nothing where the list is not served."""
    if "browse" not in view.site.ways:
        return ""
    chosen = Choice({"pillar": (pillar,), "lead": (lead,), **edition.values})
    return f"{view.root}browse{chosen.address(lang=view.lang)}"


def _told(row: Row, lead: _Axis, pillar: _Axis, edition: Edition, view: View) -> dict[str, object]:
    organization, column = _pair(row)
    href = _listed(organization, column, edition, view)
    return {
        "lead": Value(*lead.names[organization]),
        "pillar": Value(*pillar.names[column]),
        "measures": Value(row["measures"], "", href),
    }
