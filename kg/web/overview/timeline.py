"""Targets and milestones by the fiscal year in which they end: a mark for each, heaped over its year."""

from collections.abc import Sequence
from dataclasses import dataclass

from kg.core.iris import ID
from kg.http.pages import View
from kg.http.query_client import Row
from kg.http.stored_query_client import Names
from kg.web.overview.overview_queries import called, leads_to, thing
from kg.web.presenter import Value
from kg.web.text_metrics import cut

YEARLY, UNDATED = "yearly", "undated"
FISCAL_YEAR = "fiscal-year"
_OTHERS = (YEARLY, UNDATED)
_RECURRING = f"{ID}target-role/recurring"
_MARK, _ABREAST, _HIGHEST = 26, 3, 14  # room of a mark in pixels; marks beside and over each other
_MOST_MARKS = 63
_COLUMN, _EMPTY = _MARK * _ABREAST + 22, 70  # of a year with targets, and of one without
_LONGEST_SPAN = 16  # years that are shown one by one, also those without a target
_MOST_COLUMNS = 20
_BELOW = 58  # pixels for what stands under the line


@dataclass(frozen=True)
class Mark:
    """A target: the middle of its mark, whether it is a milestone, where it leads, and its name.

    `elsewhere` says that another period than a fiscal year is printed: it stands over the year in which that ends.
    """

    x: float
    y: float
    milestone: bool
    elsewhere: bool
    href: str
    name: str


@dataclass(frozen=True)
class Column:
    """A year, or what has none: its words in lines, its middle, how many targets, how many have no room."""

    lines: Sequence[str]
    x: float
    targets: int
    more: int
    dated: bool

    @property
    def summary(self) -> str:
        """The column in words."""
        return f"{' '.join(self.lines)}: {self.targets}"


@dataclass(frozen=True)
class Timeline:
    """The picture, its data as rows of a table, and where its line begins and ends."""

    width: float
    height: float
    line: tuple[float, float]
    columns: Sequence[Column]
    marks: Sequence[Mark]
    table: Sequence[dict[str, object]]
    undated: int
    yearly: int
    unlisted: int
    elsewhere: int  # targets with another period than a fiscal year


def years(found: Sequence[Row]) -> list[str]:
    """Return the IRIs of the fiscal years of the rows of targets-on-a-time-line."""
    return [f"{ID}fiscal-year/{year}" for year in _span(_grouped(found))]


def timeline(found: Sequence[Row], named: Names, view: View) -> Timeline:
    """Return the picture of the rows of targets-on-a-time-line; `named` is what fiscal years are called."""
    groups = _grouped(found)
    span = _span(groups)
    shown = [*span[:_MOST_COLUMNS], *(key for key in (YEARLY, UNDATED) if key in groups)]
    counts = [len(groups.get(key, ())) for key in shown]
    highest = _height(counts)
    base = highest * _MARK + 34
    columns, marks, left, end = [], list[Mark](), 8.0, 8.0
    for key in shown:
        left += 20 if key in _OTHERS and left == end else 0
        targets = groups.get(key, [])
        width = _COLUMN if targets else _EMPTY
        middle = left + width / 2
        heaped = targets[: highest * _ABREAST]
        words = _words(key, named, view)
        columns.append(Column(words, middle, len(targets), len(targets) - len(heaped), key not in _OTHERS))
        for place, row in enumerate(heaped):
            x = middle + (place % _ABREAST - (_ABREAST - 1) / 2) * _MARK
            y = base - 6 - (place // _ABREAST + 0.5) * _MARK
            marks.append(
                Mark(x, y, row["milestone"] == "true", _elsewhere(row), leads_to(row["target"], view), _name(row))
            )
        left += width
        end = left if key not in _OTHERS else end
    return Timeline(
        width=left + 8,
        height=base + _BELOW,
        line=(base, end),
        columns=columns,
        marks=marks,
        table=[_told(row, view) for row in found],
        undated=len(groups.get(UNDATED, ())),
        yearly=len(groups.get(YEARLY, ())),
        unlisted=max(0, len(span) - _MOST_COLUMNS),
        elsewhere=sum(map(_elsewhere, found)),
    )


def _height(counts: Sequence[int]) -> int:
    """Return how many marks may lie over each other: of many targets only the first have room."""
    highest = min(_HIGHEST, max((-(-count // _ABREAST) for count in counts), default=1))
    while highest > 1 and sum(min(count, highest * _ABREAST) for count in counts) > _MOST_MARKS:
        highest -= 1
    return highest


def _elsewhere(row: Row) -> bool:
    """Whether another period than a fiscal year is printed."""
    return row.get("period_kind", FISCAL_YEAR) != FISCAL_YEAR


def _key(row: Row) -> str:
    return YEARLY if row["role"] == _RECURRING else row.get("fiscal_year", UNDATED)


def _grouped(found: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the targets of each year, in the order of the answer."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        groups.setdefault(_key(row), []).append(row)
    return groups


def _span(groups: dict[str, list[Row]]) -> list[str]:
    """Return the years in order: all from the first to the last, or where these are far apart only those there are."""
    there = sorted(int(key) for key in groups if key not in _OTHERS)
    if there and there[-1] - there[0] < _LONGEST_SPAN:
        return [str(year) for year in range(there[0], there[-1] + 1)]
    return [str(year) for year in there]


def _words(key: str, named: Names, view: View) -> list[str]:
    if key == YEARLY:
        return [view.t("毎年", "every year")]
    if key == UNDATED:
        return ["時期の", "記載なし"] if view.lang == "ja" else ["no time", "printed"]
    era = named.get(f"{ID}fiscal-year/{key}", {}).get("ja", "")
    # the English names of fiscal years say no more than the number does
    return [view.t(f"{key}年度", f"FY {key}"), *([cut(era, _COLUMN)] if era and view.lang == "ja" else [])]


def _name(row: Row) -> str:
    number = f"{row['number']} " if row.get("number") else ""
    period = f"({row['period_ja']})" if _elsewhere(row) and row.get("period_ja") else ""
    return f"{number}{row['printed'][:120]}{period}"


def _told(row: Row, view: View) -> dict[str, object]:
    period, lang = called(row, "period", view)
    when = view.t("毎年", "every year") if _key(row) == YEARLY else view.t("記載なし", "none printed")
    kind = ("達成時期", "milestone") if row["milestone"] == "true" else ("数値目標", "number")
    return {
        "year": row.get("fiscal_year", ""),
        "period": Value(period, lang) if period else when,
        "kind": view.t(*kind),
        "target": thing(row["target"], row["printed"], view, "ja"),
        "measure": row.get("number", ""),
    }
