"""How complete and how sure the data of an edition are: what is open, remarked on, in doubt, corrected, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

from kg.core.iris import BASE
from kg.core.labels import preferred_with_language
from kg.http.query_client import Ask, Names, Row, names
from kg.http.templates import View
from kg.web.overview.overview_queries import Answered, Edition, answered, called, thing
from kg.web.presenter import Value
from kg.web.query_library import Behind
from kg.web.shapes_page import SEVERITIES

COMPLETENESS = "completeness-by-column"
_PLACES = 5  # of a shape or of a type of issues; the query has all
_READINGS = 25  # corrections and doubtful readings, each
_MOST = 3000  # issues and readings that are looked at for these
_SHAPES = f"{BASE}shapes#"
# What may be left open: what it is called, the view of the list of measures or the shape on this page that has them,
# or the stored query that lists it.
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
            ("どの効果の欄か分からない○", "marks ○ of which the column is unknown"),
            "",
            "measures-with-uncertain-effects",
        ),
        "doubtful": (
            ("誤読の疑いのある箇所(印字のまま)", "readings in doubt, left as printed"),
            "",
            "doubtful-readings",
        ),
        "cell-unread": (("どの列とも判断できないセル", "cells that no column could be told for"), "", ""),
        "cell-part-unread": (("一部を読み取れないセル", "cells of which a part could not be read"), "", ""),
    },
}


@dataclass(frozen=True)
class Gathered:
    """What a page about the quality of an edition is made of; what is None has no query any more."""

    completeness: Answered | None
    open: Answered | None
    shapes: Answered | None
    results: dict[str, Answered | None]
    types: Answered | None
    issues: Answered | None
    corrections: Answered | None
    doubts: Answered | None
    names: Names


@dataclass(frozen=True)
class Point:
    """Something that is left open: in words, how often, and where that is listed."""

    words: str
    things: int
    href: str


@dataclass(frozen=True)
class Group:
    """What is remarked on for one reason: how gravely, in words, how often, the first places, and the query of all."""

    tone: str
    severity: str
    words: Value
    total: int
    places: Sequence[tuple[Value, Value | None]]
    behind: Behind
    about: Value | None = None


@dataclass(frozen=True)
class Reading:
    """A judgement on a misreading: what is printed, corrected to what, why, on what evidence, where, and the record."""

    printed: str
    corrected: str
    reason: Value
    evidence: str
    place: Value
    record: Value
    measure: Value | None = None


@dataclass(frozen=True)
class Quality:
    """What a page about the quality of an edition shows, in the words of one language."""

    source: Sequence[Point] = ()
    reading: Sequence[Point] = ()
    shapes: Sequence[Group] = ()
    issues: Sequence[Group] = ()
    corrections: Sequence[Reading] = ()
    doubts: Sequence[Reading] = ()


async def gathered(ask: Ask, edition: Edition) -> Gathered:
    """Ask for all of it, one after the other: visitors of other pages wait for the same workers."""
    shapes = await answered(ask, "validation-by-shape")
    results = {}
    for row in shapes.rows if shapes else ():
        iri = row["shape"]
        results[iri] = await answered(ask, "validation-results", most=_PLACES, shape=[iri])
    remarked = {row["focus"] for answer in results.values() for row in _rows(answer)}
    return Gathered(
        completeness=await answered(ask, COMPLETENESS, edition),
        open=await answered(ask, "what-is-left-open", edition),
        shapes=shapes,
        results=results,
        types=await answered(ask, "issues-by-type", edition),
        issues=await answered(ask, "issues-with-places", edition, most=_MOST),
        corrections=await answered(ask, "corrections-applied", edition, most=_MOST),
        doubts=await answered(ask, "doubtful-readings", edition, most=_MOST),
        names=await names(ask, remarked),
    )


def quality(found: Gathered, edition: Edition, view: View) -> Quality:
    """Return what the page shows."""
    return Quality(
        source=_points(found, "source", edition, view),
        reading=_points(found, "reading", edition, view),
        shapes=_shapes(found, view),
        issues=_issues(found, view),
        corrections=_judged(found.corrections, view),
        doubts=_judged(found.doubts, view),
    )


def _rows(answer: Answered | None) -> Sequence[Row]:
    return answer.rows if answer else ()


def _points(found: Gathered, by: str, edition: Edition, view: View) -> list[Point]:
    """Return what is left open; a query that finds nothing of a kind says nothing of it, which is 0."""
    counted = {row["point"]: int(row["things"]) for row in _rows(found.open) if row["by"] == by}
    points = []
    for key, (words, path, query) in _POINTS[by].items():
        href = ""
        if counted.get(key) and path.startswith("#"):
            href = path if f"{_SHAPES}{path[1:]}" in found.results else ""
        elif counted.get(key) and path and "browse" in view.site.ways:
            href = view.link(f"{path}{'' if edition.alone else f'&edition={edition.key}'}")
        elif counted.get(key) and query:
            href = view.link(Behind(query, edition.about).editor)
        points.append(Point(view.t(*words), counted.get(key, 0), href))
    return sorted(points, key=lambda point: -point.things)


def _shapes(found: Gathered, view: View) -> list[Group]:
    """Return the results of the validation by shape, the gravest first."""
    groups = []
    for row in _rows(found.shapes):
        severity = row["severity"].rpartition("#")[2]
        answer = found.results.get(row["shape"])
        anchor = row["shape"].removeprefix(_SHAPES)
        groups.append(
            Group(
                tone={"Violation": "change", "Warning": "doubt"}.get(severity, "plain"),
                severity=view.t(*SEVERITIES.get(severity, (severity, severity))),
                words=Value(*called(row, "message", view)),
                total=int(row["results"]),
                places=[_focus(each, found.names, view) for each in _rows(answer)],
                behind=Behind("validation-results", (("shape", row["shape"]),)),
                about=Value(anchor, "en", f"{view.link('shapes')}#{anchor}" if row["shape"] != anchor else ""),
            )
        )
    rank = [view.t(*words) for words in SEVERITIES.values()]
    return sorted(groups, key=lambda group: rank.index(group.severity) if group.severity in rank else len(rank))


def _focus(row: Row, named: Names, view: View) -> tuple[Value, Value | None]:
    words, lang = preferred_with_language(named.get(row["focus"], {}), view.lang)
    return thing(row["focus"], f"{words[:60]}{'…' if len(words) > 60 else ''}", view, lang), _place(row, view)


def _issues(found: Gathered, view: View) -> list[Group]:
    """Return the issues by type, with the first places of each."""
    by_type: dict[str, list[Row]] = {}
    for row in _rows(found.issues):
        by_type.setdefault(row["type"], []).append(row)
    return [
        Group(
            tone="doubt",
            severity="",
            words=Value(*called(row, "type", view)),
            total=int(row["issues"]),
            places=[_issue(each, view) for each in by_type.get(row["type"], ())[:_PLACES]],
            behind=found.issues.behind if found.issues else Behind("issues-with-places"),
        )
        for row in _rows(found.types)
    ]


def _issue(row: Row, view: View) -> tuple[Value, Value | None]:
    words = row.get("number") or row.get("printed", "")[:40]
    named = thing(row.get("measure") or row["issue"], words, view)
    return named, _place(row, view)


def _place(row: Row, view: View) -> Value | None:
    """Return the place in the source that a row names, with the page of the source where it is."""
    if "line" not in row:
        return None
    cell = row.get("position", "")
    words = view.t(f"{row['page']}頁{row['line']}行目", f"page {row['page']}, line {row['line']}")
    words += view.t(f"、{cell}番目のセル", f", cell {cell}") if cell else ""
    return thing(row.get("cell") or row.get("place", ""), words, view)


def _judged(found: Answered | None, view: View) -> list[Reading]:
    """Return the first judgements."""
    judged = []
    for row in _rows(found)[:_READINGS]:
        measure = row.get("measure", "")
        judged.append(
            Reading(
                printed=row["printed"],
                corrected=row.get("corrected", ""),
                reason=Value(*called(row, "reason", view)),
                evidence=row.get("evidence", ""),
                place=_place(row, view) or Value(""),
                record=thing(row["correction"], row["correction"].rpartition("/")[2], view),
                measure=thing(measure, measure.rpartition("/")[2], view) if measure else None,
            )
        )
    return judged
