"""Charts of an edition: heat map by pillar and lead ministry, coverage bars by column, timeline of targets.

Each function turns the rows of a stored query into positions for an SVG template, and the same data into table rows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kg.core.iris import ID
from kg.http.query_client import Names
from kg.http.templates import View
from kg.web.browse.filters import NOTHING, Selection
from kg.web.diagram import truncate, wrap
from kg.web.overview.overview_queries import (
    CompletenessRow,
    Edition,
    PillarLeadRow,
    TimelineRow,
    linked_thing,
    localized_text,
    page_url,
)
from kg.web.presenter import Value

STEPS = 5  # colour steps; the style sheet has a colour for each
_MOST_ROWS, _MOST_COLUMNS = 10, 9
_WIDTH, _HEIGHT, _LINE = 112, 48, 15  # of a cell, and of a line of a heading, in pixels
_SIDE, _PAD = 188, 8
_SMALL = 1.23  # headings use smaller letters: ratio of characters that fit


@dataclass(frozen=True)
class Heading:
    """The heading of a row or a column: its lines and the position of the first."""

    lines: Sequence[str]
    x: float
    y: float


@dataclass(frozen=True)
class HeatCell:
    """A cell of the heat map: position, number of measures, colour step of `STEPS`, link and label."""

    x: float
    y: float
    measures: int
    step: int
    href: str
    name: str


@dataclass(frozen=True)
class HeatMap:
    """The heat map, its data as table rows, and the numbers of rows and columns not shown."""

    width: float
    height: float
    columns: Sequence[Heading]
    rows: Sequence[Heading]
    cells: Sequence[HeatCell]
    table: Sequence[dict[str, object]]
    unlisted: tuple[int, int]
    box: tuple[int, int] = (_WIDTH, _HEIGHT)


@dataclass(frozen=True)
class _Axis:
    """One axis: the values shown, in order, the labels of all, and the number not shown."""

    shown: Sequence[str]
    names: dict[str, tuple[str, str]]
    unlisted: int


def heat_map(rows: Sequence[PillarLeadRow], edition: Edition, view: View) -> HeatMap:
    """Return the heat map of the rows of measures-by-pillar-and-lead."""
    lead = _axis(rows, "organization", "name", view, view.t("主担当の印なし", "No lead marked"), _MOST_ROWS)
    pillar = _axis(rows, "pillar", "pillar", view, view.t("柱の記載なし", "No pillar given"), _MOST_COLUMNS)
    measures = {_pair(row): row.measures for row in rows}
    heads = [wrap(pillar.names[key][0], (_WIDTH - _PAD) * _SMALL, 5) for key in pillar.shown]
    top = _LINE * max((len(head) for head in heads), default=0) + _PAD
    most = max(measures.values(), default=1)
    cells = []
    for at, (row, column) in enumerate((row, column) for row in lead.shown for column in pillar.shown):
        count = measures.get((row, column), 0)
        name = f"{lead.names[row][0]} × {pillar.names[column][0]}: {view.t(f'{count}件', f'{count} measures')}"
        x, y = _SIDE + at % len(pillar.shown) * _WIDTH, top + at // len(pillar.shown) * _HEIGHT
        href = _list_url(row, column, edition, view) if count else ""
        cells.append(HeatCell(x, y, count, -(-STEPS * count // most), href, name))
    columns = [
        Heading(head, _SIDE + (at + 0.5) * _WIDTH, top - _PAD - _LINE * (len(head) - 1))
        for at, head in enumerate(heads)
    ]
    return HeatMap(
        _SIDE + len(pillar.shown) * _WIDTH + 2,
        top + len(lead.shown) * _HEIGHT + 2,
        columns,
        [_row_heading(lead.names[key][0], top + at * _HEIGHT) for at, key in enumerate(lead.shown)],
        cells,
        [_table_row(row, lead, pillar, edition, view) for row in rows],
        (lead.unlisted, pillar.unlisted),
    )


def _axis(rows: Sequence[PillarLeadRow], thing: str, stem: str, view: View, nothing: str, most: int) -> _Axis:
    """Return the values of a column of the result, those with most measures first, "none" last."""
    counted, named = Counter[str](), {}
    for row in rows:
        key = getattr(row, thing) or NOTHING
        counted[key] += row.measures
        named[key] = (nothing, "") if key == NOTHING else localized_text(row, stem, view)
        if not named[key][0]:
            named[key] = (key, "")
    order = sorted(counted, key=lambda key: (key == NOTHING, -counted[key], key))
    shown = [key for key in order if key != NOTHING][: most - 1] + [key for key in order if key == NOTHING]
    return _Axis(shown, named, len(order) - len(shown))


def _row_heading(words: str, y: float) -> Heading:
    wrapped = wrap(words, (_SIDE - 2 * _PAD) * _SMALL, 3)
    return Heading(wrapped, _SIDE - _PAD, y + _HEIGHT / 2 + 5 - _LINE * (len(wrapped) - 1) / 2)


def _pair(row: PillarLeadRow) -> tuple[str, str]:
    return row.organization or NOTHING, row.pillar or NOTHING


def _list_url(lead: str, pillar: str, edition: Edition, view: View) -> str:
    """Return the URL of the list of these measures; empty if the list is not served."""
    if "browse" not in view.site.sections:
        return ""
    chosen = Selection({"pillar": (pillar,), "lead": (lead,), **edition.values})
    return f"{view.root}browse{chosen.address(lang=view.lang)}"


def _table_row(row: PillarLeadRow, lead: _Axis, pillar: _Axis, edition: Edition, view: View) -> dict[str, object]:
    organization, column = _pair(row)
    href = _list_url(organization, column, edition, view)
    return {
        "lead": Value(*lead.names[organization]),
        "pillar": Value(*pillar.names[column]),
        "measures": Value(str(row.measures), "", href),
    }


STATES = {
    "filled": ("読み取った", "read"),
    "empty": ("原典が空欄", "empty in the source"),
    "unread": ("印字はあるが読み取れない", "printed, but could not be read"),
}
_COVERAGE_SIDE, _LENGTH, _AFTER = 300, 480, 60  # width of names, bars and numbers, in pixels
_PITCH, _BAR, _COVERAGE_LINE = 46, 22, 17
_MOST = 40


@dataclass(frozen=True)
class BarSegment:
    """A segment of a bar: state, position, length and number of measures."""

    state: str
    x: float
    length: float
    measures: int
    name: str


@dataclass(frozen=True)
class Bar:
    """The bar of a column: lines of its name, position, and segments."""

    lines: Sequence[str]
    y: float
    pieces: Sequence[BarSegment]
    share: str


@dataclass(frozen=True)
class CoverageChart:
    """The bar chart, and its data as table rows."""

    width: float
    height: float
    side: float
    bars: Sequence[Bar]
    table: Sequence[dict[str, object]]


def coverage(rows: Sequence[CompletenessRow], view: View) -> CoverageChart:
    """Return the bar chart of the rows of completeness-by-column."""
    bars = [_bar(row, at, view) for at, row in enumerate(rows[:_MOST])]
    table = [
        {
            "column": linked_thing(
                row.column, localized_text(row, "column", view)[0], view, localized_text(row, "column", view)[1]
            ),
            **{state: str(getattr(row, state)) for state in STATES},
        }
        for row in rows
    ]
    return CoverageChart(_COVERAGE_SIDE + _LENGTH + _AFTER, len(bars) * _PITCH + 6, _COVERAGE_SIDE, bars, table)


def _bar(row: CompletenessRow, at: int, view: View) -> Bar:
    total = sum(getattr(row, state) for state in STATES) or 1
    pieces, x = [], float(_COVERAGE_SIDE)
    for state, words in STATES.items():
        count = getattr(row, state)
        size = _LENGTH * count / total
        if count:
            name = f"{view.t(*words)}: {view.t(f'{count}件', f'{count} measures')}"
            pieces.append(BarSegment(state, round(x, 1), round(size, 1), count, name))
        x += size
    name = localized_text(row, "column", view)[0] or row.column
    return Bar(
        wrap(name, _COVERAGE_SIDE - 16, 2),
        at * _PITCH + (_PITCH - _BAR) / 2,
        pieces,
        f"{row.filled / total:.0%}",
    )


YEARLY, UNDATED = "yearly", "undated"
FISCAL_YEAR = "fiscal-year"
_OTHERS = (YEARLY, UNDATED)
_RECURRING = f"{ID}target-role/recurring"
_MARK, _MARKS_PER_ROW, _HIGHEST = 26, 3, 14  # size of a mark in pixels; marks per row; most rows
_MOST_MARKS = 63
_COLUMN, _EMPTY = _MARK * _MARKS_PER_ROW + 22, 70  # width of a year with targets, and of one without
_LONGEST_SPAN = 16  # years shown without gaps, including those without a target
_MOST_YEARS = 20
_BELOW = 58  # pixels below the line


@dataclass(frozen=True)
class TargetMark:
    """A target: the centre of its mark, whether it is a milestone, its link, and its label.

    `elsewhere` is true if its printed period is not a fiscal year: it is drawn in the year in which that ends.
    """

    x: float
    y: float
    milestone: bool
    elsewhere: bool
    href: str
    name: str


@dataclass(frozen=True)
class YearColumn:
    """A year, or the undated or yearly targets: lines of its label, centre, number of targets, number not shown."""

    lines: Sequence[str]
    x: float
    targets: int
    more: int
    dated: bool

    @property
    def summary(self) -> str:
        """The column as text."""
        return f"{' '.join(self.lines)}: {self.targets}"


@dataclass(frozen=True)
class Timeline:
    """The timeline, its data as table rows, and the position of its line."""

    width: float
    height: float
    line: tuple[float, float]
    columns: Sequence[YearColumn]
    marks: Sequence[TargetMark]
    table: Sequence[dict[str, object]]
    undated: int
    yearly: int
    unlisted: int
    elsewhere: int  # targets with another period than a fiscal year


def fiscal_years(rows: Sequence[TimelineRow]) -> list[str]:
    """Return the IRIs of the fiscal years of the rows of targets-on-a-time-line."""
    return [f"{ID}fiscal-year/{year}" for year in _span(_grouped(rows))]


def timeline(rows: Sequence[TimelineRow], named: Names, view: View) -> Timeline:
    """Return the timeline of the rows of targets-on-a-time-line; `named` are the names of fiscal years."""
    groups = _grouped(rows)
    span = _span(groups)
    shown = [*span[:_MOST_YEARS], *(key for key in (YEARLY, UNDATED) if key in groups)]
    counts = [len(groups.get(key, ())) for key in shown]
    highest = _height(counts)
    base = highest * _MARK + 34
    columns, marks, left, end = [], list[TargetMark](), 8.0, 8.0
    for key in shown:
        left += 20 if key in _OTHERS and left == end else 0
        targets = groups.get(key, [])
        width = _COLUMN if targets else _EMPTY
        middle = left + width / 2
        heaped = targets[: highest * _MARKS_PER_ROW]
        words = _words(key, named, view)
        columns.append(YearColumn(words, middle, len(targets), len(targets) - len(heaped), key not in _OTHERS))
        for place, row in enumerate(heaped):
            x = middle + (place % _MARKS_PER_ROW - (_MARKS_PER_ROW - 1) / 2) * _MARK
            y = base - 6 - (place // _MARKS_PER_ROW + 0.5) * _MARK
            marks.append(
                TargetMark(x, y, row.milestone == "true", _is_other_period(row), page_url(row.target, view), _name(row))
            )
        left += width
        end = left if key not in _OTHERS else end
    return Timeline(
        width=left + 8,
        height=base + _BELOW,
        line=(base, end),
        columns=columns,
        marks=marks,
        table=[_timeline_row(row, view) for row in rows],
        undated=len(groups.get(UNDATED, ())),
        yearly=len(groups.get(YEARLY, ())),
        unlisted=max(0, len(span) - _MOST_YEARS),
        elsewhere=sum(map(_is_other_period, rows)),
    )


def _height(counts: Sequence[int]) -> int:
    """Return the maximum number of stacked marks; if there are many targets, fewer are shown."""
    highest = min(_HIGHEST, max((-(-count // _MARKS_PER_ROW) for count in counts), default=1))
    while highest > 1 and sum(min(count, highest * _MARKS_PER_ROW) for count in counts) > _MOST_MARKS:
        highest -= 1
    return highest


def _is_other_period(row: TimelineRow) -> bool:
    """Return whether the printed period is not a fiscal year."""
    return (row.period_kind or FISCAL_YEAR) != FISCAL_YEAR


def _key(row: TimelineRow) -> str:
    return YEARLY if row.role == _RECURRING else row.fiscal_year or UNDATED


def _grouped(rows: Sequence[TimelineRow]) -> dict[str, list[TimelineRow]]:
    """Return the targets of each year, in the order of the result."""
    groups: dict[str, list[TimelineRow]] = {}
    for row in rows:
        groups.setdefault(_key(row), []).append(row)
    return groups


def _span(groups: dict[str, list[TimelineRow]]) -> list[str]:
    """Return the years in order: all from first to last, or only those with targets if these are far apart."""
    years = sorted(int(key) for key in groups if key not in _OTHERS)
    if years and years[-1] - years[0] < _LONGEST_SPAN:
        return [str(year) for year in range(years[0], years[-1] + 1)]
    return [str(year) for year in years]


def _words(key: str, named: Names, view: View) -> list[str]:
    if key == YEARLY:
        return [view.t("毎年", "every year")]
    if key == UNDATED:
        return ["時期の", "記載なし"] if view.lang == "ja" else ["no time", "printed"]
    era = named.get(f"{ID}fiscal-year/{key}", {}).get("ja", "")
    # the English name of a fiscal year adds nothing to its number
    return [view.t(f"{key}年度", f"FY {key}"), *([truncate(era, _COLUMN)] if era and view.lang == "ja" else [])]


def _name(row: TimelineRow) -> str:
    number = f"{row.number} " if row.number else ""
    period = f"({row.period_ja})" if _is_other_period(row) and row.period_ja else ""
    return f"{number}{row.printed[:120]}{period}"


def _timeline_row(row: TimelineRow, view: View) -> dict[str, object]:
    period, lang = localized_text(row, "period", view)
    when = view.t("毎年", "every year") if _key(row) == YEARLY else view.t("記載なし", "none printed")
    kind = ("達成時期", "milestone") if row.milestone == "true" else ("数値目標", "number")
    return {
        "year": row.fiscal_year,
        "period": Value(period, lang) if period else when,
        "kind": view.t(*kind),
        "target": linked_thing(row.target, row.printed, view, "ja"),
        "measure": row.number,
    }
