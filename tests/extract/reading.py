"""Says, cell by cell, where the tables of a document differ from the answers."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from kg.builder.document_reader import Tables

Row = dict[str, str]
MEASURE_FIELDS = [
    "row", "number", "title_ja", "pillar", "listed_from", "listing_status", "effects", "effects_uncertain", "lead",
    "participating", "groups", "budgets", "urls", "page", "line",
]  # fmt: skip
TARGET_FIELDS = ["role", "value", "comparator", "unit", "period", "baseline_period", "direction"]
# What the contract lets one keep as printed: widths and spaces.
LOOSE = {"title_ja", "budgets", "groups", "text", "group"}


def plain(text: str) -> str:
    """Text without the differences that the contract leaves open: width, spaces, the bullet before an item."""
    folded = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    return re.sub(r"^[・\-]", "", folded)


def same(field: str, expected: str, found: str) -> bool:
    """Whether a field says what it should."""
    if field == "value":
        decimal = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", found)
        return found == expected or bool(decimal and expected and Decimal(found) == Decimal(expected))
    if field in LOOSE:
        return plain(found) == plain(expected)
    return found == expected


def fields(where: str, expected: Row, found: Row, names: Iterable[str]) -> list[str]:
    """The fields of a row that differ."""
    return [
        f"{where} {name}: expected {expected[name]!r}, found {found.get(name)!r}"
        for name in names
        if not same(name, expected[name], found.get(name, "(no such column)"))
    ]


def kpi_differences(where: str, expected: list[Any], found: list[Row], targets: dict[str, list[Row]]) -> list[str]:
    """The KPIs of one kind of a measure, with their targets."""
    if [plain(kpi.text) for kpi in expected] != [plain(row["text"]) for row in found]:
        return [f"{where}: expected {[kpi.text for kpi in expected]}, found {[row['text'] for row in found]}"]
    problems = []
    for kpi, row in zip(expected, found, strict=True):
        here = f"{where} «{kpi.text}»"
        problems += fields(here, {"status": kpi.status, "set_by": kpi.set_by, "group": kpi.group}, row,
                           ["status", "set_by", "group"])  # fmt: skip
        got = targets.get(row["iri"], [])
        if len(got) != len(kpi.targets):
            shown = [{name: value for name, value in each.items() if value} for each in got]
            problems.append(f"{here}: expected {len(kpi.targets)} targets {kpi.targets}, found {shown}")
            continue
        for target, each in zip(kpi.targets, got, strict=True):
            problems += fields(f"{here} target", vars(target), each, TARGET_FIELDS)
            whole, text = plain(target.text), plain(each["text"])
            part = text and text in plain(kpi.text) and (whole in text or text in whole)
            if not (text == whole if target.exact else part):
                problems.append(f"{here} target text: expected {target.text!r}, found {each['text']!r}")
    return problems


def differences(tables: Tables, answers: list[dict[str, Any]]) -> list[str]:
    """Everything in which the tables of a document differ from the answers."""
    measures, kpis, targets = (tables[name] for name in ("measures", "kpis", "targets"))
    found = {row["line"]: row for row in measures}
    by_measure: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in kpis:
        by_measure[row["measure"], row["kind"]].append(row)
    by_kpi: dict[str, list[Row]] = defaultdict(list)
    for row in targets:
        by_kpi[row["kpi"]].append(row)
    problems = []
    if [row["line"] for row in measures] != [answer["line"] for answer in answers]:
        problems.append(f"lines: expected {[a['line'] for a in answers]}, found {[row['line'] for row in measures]}")
    for answer in answers:
        where = f"line {answer['line']} ({answer['row']})"
        row = found.get(answer["line"])
        if row is None:
            problems.append(f"{where}: no such measure")
            continue
        problems += fields(where, answer, row, MEASURE_FIELDS)
        for kind, expected in answer["kpis"].items():
            problems += kpi_differences(f"{where} {kind}", expected, by_measure[row["iri"], kind], by_kpi)
    return problems + integrity(measures, kpis, targets)


def integrity(measures: list[Row], kpis: list[Row], targets: list[Row]) -> list[str]:
    """IRIs are unique, follow the pattern, and every reference resolves."""
    problems = []
    for name, rows in (("measures", measures), ("kpis", kpis), ("targets", targets)):
        iris = [row["iri"] for row in rows]
        problems += [f"{name}: {iri} stands twice" for iri in set(iris) if iris.count(iri) > 1]
    known = {row["iri"]: row for row in measures}
    for row in measures:
        end = f"/measure/{row['number'] or 'row-' + row['row']}"
        if not row["iri"].endswith(end) and [m["number"] for m in measures].count(row["number"]) == 1:
            problems.append(f"line {row['line']} iri: expected …{end}, found {row['iri']}")
    for row in kpis:
        if row["measure"] not in known or not row["iri"].startswith(f"{row['measure']}/kpi/{row['kind']}-"):
            problems.append(f"KPI {row['iri']} of {row['measure']}: one of the IRIs is wrong")
        elif (row["row"], row["number"]) != (known[row["measure"]]["row"], known[row["measure"]]["number"]):
            problems.append(f"KPI {row['iri']}: row or number is not that of its measure")
    names = {row["iri"] for row in kpis}
    problems += [f"target {row['iri']}: no such KPI {row['kpi']}" for row in targets if row["kpi"] not in names]
    return problems


def report(problems: list[str], most: int = 40) -> str:
    """The differences as text, for an assertion."""
    shown = "\n  ".join(problems[:most])
    return f"{len(problems)} differences:\n  {shown}" + ("\n  …" if len(problems) > most else "")
