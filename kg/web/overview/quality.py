"""Data quality of an edition: completeness, validation results, issues, doubtful readings and corrections."""

from collections.abc import Sequence
from dataclasses import dataclass

from kg.core.iris import BASE
from kg.core.labels import preferred_with_language
from kg.http.query_client import Names, RowType, RunQuery, fetch_names
from kg.http.templates import View
from kg.web.overview.overview_queries import (
    CompletenessRow,
    CorrectionRow,
    DoubtRow,
    Edition,
    IssueRow,
    IssueTypeRow,
    OpenPointRow,
    QueryResult,
    ResultRow,
    ShapeRow,
    linked_thing,
    localized_text,
    run_stored_query,
)
from kg.web.presenter import Value
from kg.web.query_library import QueryLink
from kg.web.shapes_page import SEVERITIES

_PLACES = 5  # places shown of a shape or an issue type; the query has all
_READINGS = 25  # corrections shown, and doubtful readings shown
_MOST = 3000  # rows of issues and readings that are fetched for these
_SHAPES = f"{BASE}shapes#"
# Open points by group and key: labels, the URL of a list of measures or the anchor of a shape on this page, or else the
# stored query that lists them.
_POINTS = {
    "source": {
        "number": (("国の施策番号がない施策", "measures without a national number"), "#Measure-number-missing", ""),
        "pillar": (("柱のない施策", "measures without a pillar"), "browse?pillar=-", ""),
        "lead": (("主担当(◎)の印のない施策", "measures without a lead (◎)"), "browse?lead=-", ""),
        "listing": (("掲載時期のない施策", "measures without a listing time"), "#Measure-listing-missing", ""),
        "effect": (("効果の印のない施策", "measures without a mark for an effect"), "browse?effect=-", ""),
        "target": (("目標の記載のないKPI", "KPIs for which no target is printed"), "", "kpis-without-target"),
        "target-unset": (
            ("目標が未設定とされたKPI", "KPIs whose target is not set yet"),
            "",
            "targets-still-to-be-set",
        ),
        "deadline": (("時期の記載のない目標", "targets without a time"), "", "targets-without-period"),
    },
    "reading": {
        "effect-uncertain": (
            ("どの効果の欄か分からない○", "marks ○ whose column is unknown"),
            "",
            "measures-with-uncertain-effects",
        ),
        "doubtful": (
            ("誤読の疑いのある箇所(印字のまま)", "doubtful readings, left as printed"),
            "",
            "doubtful-readings",
        ),
        "cell-unread": (("どの列とも判断できないセル", "cells that could not be assigned to a column"), "", ""),
        "cell-part-unread": (("一部を読み取れないセル", "cells that could not be read completely"), "", ""),
    },
}


@dataclass(frozen=True)
class QualityResults:
    """Query results of the quality page; None for a deleted query."""

    completeness: QueryResult[CompletenessRow] | None
    open: QueryResult[OpenPointRow] | None
    shapes: QueryResult[ShapeRow] | None
    results: dict[str, QueryResult[ResultRow] | None]
    types: QueryResult[IssueTypeRow] | None
    issues: QueryResult[IssueRow] | None
    corrections: QueryResult[CorrectionRow] | None
    doubts: QueryResult[DoubtRow] | None
    names: Names


@dataclass(frozen=True)
class OpenPoint:
    """An open point: label, number of occurrences, and link to a list."""

    words: str
    things: int
    href: str


@dataclass(frozen=True)
class IssueGroup:
    """Validation results or issues of one kind: severity, message, total, first places, and the query of all."""

    tone: str
    severity: str
    words: Value
    total: int
    places: Sequence[tuple[Value, Value | None]]
    behind: QueryLink
    about: Value | None = None


@dataclass(frozen=True)
class ReviewedReading:
    """A correction or doubtful reading: printed and corrected text, reason, evidence, place and record."""

    printed: str
    corrected: str
    reason: Value
    evidence: str
    place: Value
    record: Value
    measure: Value | None = None


@dataclass(frozen=True)
class Quality:
    """The data of the quality page, in one language."""

    source: Sequence[OpenPoint] = ()
    reading: Sequence[OpenPoint] = ()
    shapes: Sequence[IssueGroup] = ()
    issues: Sequence[IssueGroup] = ()
    corrections: Sequence[ReviewedReading] = ()
    doubts: Sequence[ReviewedReading] = ()


async def query_quality(run_query: RunQuery, edition: Edition) -> QualityResults:
    """Run all queries sequentially, so that they do not occupy all workers."""
    shapes = await run_stored_query(run_query, ShapeRow)
    results = {}
    for row in shapes.rows if shapes else ():
        iri = row.shape
        results[iri] = await run_stored_query(run_query, ResultRow, most=_PLACES, shape=[iri])
    remarked = {row.focus for answer in results.values() for row in _rows(answer)}
    return QualityResults(
        completeness=await run_stored_query(run_query, CompletenessRow, edition),
        open=await run_stored_query(run_query, OpenPointRow, edition),
        shapes=shapes,
        results=results,
        types=await run_stored_query(run_query, IssueTypeRow, edition),
        issues=await run_stored_query(run_query, IssueRow, edition, most=_MOST),
        corrections=await run_stored_query(run_query, CorrectionRow, edition, most=_MOST),
        doubts=await run_stored_query(run_query, DoubtRow, edition, most=_MOST),
        names=await fetch_names(run_query, remarked),
    )


def present_quality(answers: QualityResults, edition: Edition, view: View) -> Quality:
    """Return the data of the page."""
    return Quality(
        source=_points(answers, "source", edition, view),
        reading=_points(answers, "reading", edition, view),
        shapes=_shapes(answers, view),
        issues=_issues(answers, view),
        corrections=_reviewed_readings(answers.corrections, view),
        doubts=_reviewed_readings(answers.doubts, view),
    )


def _rows(answer: QueryResult[RowType] | None) -> Sequence[RowType]:
    return answer.rows if answer else ()


def _points(answers: QualityResults, by: str, edition: Edition, view: View) -> list[OpenPoint]:
    """Return the open points; a missing count is 0."""
    counted = {row.point: row.things for row in _rows(answers.open) if row.by == by}
    points = []
    for key, (words, path, query) in _POINTS[by].items():
        href = ""
        if counted.get(key) and path.startswith("#"):
            href = path if f"{_SHAPES}{path[1:]}" in answers.results else ""
        elif counted.get(key) and path and "browse" in view.site.sections:
            href = view.link(f"{path}{'' if edition.is_only else f'&edition={edition.key}'}")
        elif counted.get(key) and query:
            href = view.link(QueryLink(query, edition.about).editor)
        points.append(OpenPoint(view.t(*words), counted.get(key, 0), href))
    return sorted(points, key=lambda point: -point.things)


def _shapes(answers: QualityResults, view: View) -> list[IssueGroup]:
    """Return the validation results by shape, most severe first."""
    groups = []
    for row in _rows(answers.shapes):
        severity = row.severity.rpartition("#")[2]
        answer = answers.results.get(row.shape)
        anchor = row.shape.removeprefix(_SHAPES)
        groups.append(
            IssueGroup(
                tone={"Violation": "change", "Warning": "doubt"}.get(severity, "plain"),
                severity=view.t(*SEVERITIES.get(severity, (severity, severity))),
                words=Value(*localized_text(row, "message", view)),
                total=row.results,
                places=[_focus(each, answers.names, view) for each in _rows(answer)],
                behind=QueryLink("validation-results", (("shape", row.shape),)),
                about=Value(anchor, "en", f"{view.link('shapes')}#{anchor}" if row.shape != anchor else ""),
            )
        )
    rank = [view.t(*words) for words in SEVERITIES.values()]
    return sorted(groups, key=lambda group: rank.index(group.severity) if group.severity in rank else len(rank))


def _focus(row: ResultRow, named: Names, view: View) -> tuple[Value, Value | None]:
    words, lang = preferred_with_language(named.get(row.focus, {}), view.lang)
    return linked_thing(row.focus, f"{words[:60]}{'…' if len(words) > 60 else ''}", view, lang), _place(row, view)


def _issues(answers: QualityResults, view: View) -> list[IssueGroup]:
    """Return the issues by type, with the first places of each."""
    by_type: dict[str, list[IssueRow]] = {}
    for row in _rows(answers.issues):
        by_type.setdefault(row.type, []).append(row)
    return [
        IssueGroup(
            tone="doubt",
            severity="",
            words=Value(*localized_text(row, "type", view)),
            total=row.issues,
            places=[_issue(each, view) for each in by_type.get(row.type, ())[:_PLACES]],
            behind=answers.issues.behind if answers.issues else QueryLink("issues-with-places"),
        )
        for row in _rows(answers.types)
    ]


def _issue(row: IssueRow, view: View) -> tuple[Value, Value | None]:
    words = row.number or row.printed[:40]
    named = linked_thing(row.measure or row.issue, words, view)
    return named, _place(row, view)


def _place(row: ResultRow | IssueRow | CorrectionRow | DoubtRow, view: View) -> Value | None:
    """Return the place in the source that a row names, linked to the viewer."""
    if not row.line:
        return None
    cell = "" if isinstance(row, ResultRow) else row.position
    words = view.t(f"{row.page}頁{row.line}行目", f"page {row.page}, line {row.line}")
    words += view.t(f"、{cell}番目のセル", f", cell {cell}") if cell else ""
    return linked_thing(row.place if isinstance(row, ResultRow) else row.cell, words, view)


def _reviewed_readings(
    result: QueryResult[CorrectionRow] | QueryResult[DoubtRow] | None, view: View
) -> list[ReviewedReading]:
    """Return the first corrections or doubtful readings."""
    readings = []
    for row in (result.rows if result else ())[:_READINGS]:
        measure = row.measure
        readings.append(
            ReviewedReading(
                printed=row.printed,
                corrected=row.corrected if isinstance(row, CorrectionRow) else "",
                reason=Value(*localized_text(row, "reason", view)),
                evidence=row.evidence,
                place=_place(row, view) or Value(""),
                record=linked_thing(row.correction, row.correction.rpartition("/")[2], view),
                measure=linked_thing(measure, measure.rpartition("/")[2], view) if measure else None,
            )
        )
    return readings
