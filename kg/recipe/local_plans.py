"""Plans of local governments: a received table, and a description of its columns.

`build/plans/<key>/plan.toml` names the table, its SHA-256 and encoding, the owner of the plan, the edition whose
measures it cites, and the meaning of each column (docs/plans.md). The table is CSV with a header; its first row is in
line 2.
"""

import csv
import io
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.core.errors import Problem, RecipeError
from kg.core.paths import guess_encoding
from kg.core.spans import plain, visible
from kg.recipe.schema import read_toml
from kg.recipe.sources import Source, edition_keys, find_descriptions, read_by_key, read_verified

FOLDER = "plans"
DESCRIPTION = "plan.toml"
ENCODINGS = ("utf-8", "shift_jis")
# Meanings of a column: the mandatory ones, and the others.
NUMBER, TITLE, CITES = "number", "title", "cites"
COLUMNS = (NUMBER, TITLE, CITES, "description", "department", "schedule")
_CODECS = {"utf-8": "utf-8-sig", "shift_jis": "cp932"}  # files called Shift_JIS use the characters of CP932


@dataclass(frozen=True)
class PlanRow:
    """One row of a plan's table: its values by the meaning of their columns, and its line."""

    values: dict[str, str]
    line: int

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")


@dataclass(frozen=True)
class LocalPlan:
    """A plan as received: the curator's description and the rows of its table."""

    key: str
    file: Path
    described: dict[str, Any]
    rows: tuple[PlanRow, ...]

    @property
    def edition(self) -> str:
        """The key of the edition whose measures it cites."""
        return str(self.described["edition"])


def read_plans(
    folder: Path, sources: Sequence[Source], broken: Container[str | Path] = ()
) -> tuple[tuple[LocalPlan, ...], list[Problem]]:
    """Return every plan below `folder`, in the order of their keys, and the problems of the others.

    A description in `broken` is reported elsewhere, and not read.
    """
    editions = edition_keys(folder, sources)
    descriptions, problems = find_descriptions(folder / FOLDER, DESCRIPTION)
    unbroken = [description for description in descriptions if description not in broken]
    plans, unreadable = read_by_key(unbroken, lambda description: _plan(description, editions))
    return plans, [*problems, *unreadable]


def _plan(description: Path, editions: set[str]) -> LocalPlan:
    described = read_toml(description)
    if problems := [*_problems(described, description, editions)]:
        raise RecipeError(*problems)
    file = description.parent / described["document"]
    content = read_verified(file, described["sha256"].lower(), DESCRIPTION, RecipeError)
    encoding = described.get("encoding", ENCODINGS[0])
    try:
        text = content.decode(_CODECS[encoding])
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        looks = guess_encoding(content).lower()
        other = next(name for name in ENCODINGS if name != encoding)
        remedy = f"save the table as CSV in UTF-8: it looks like {looks}"
        if looks in ("", other):
            remedy = f'try encoding = "{other}"'
        raise RecipeError(Problem(f"is not {encoding}", remedy, file, line)) from error
    return LocalPlan(described["key"], file, described, tuple(_rows(text, described["columns"], file)))


def _problems(described: dict[str, Any], file: Path, editions: set[str]) -> Iterator[Problem]:
    """Yield the problems of a well-formed description."""
    if described["edition"] not in editions:
        fact = f"edition is {described['edition']!r}, which is not a source of this recipe"
        yield Problem(fact, f"name one of {', '.join(sorted(editions))}", file)
    columns = described.get("columns")
    if not isinstance(columns, dict):
        yield Problem("[columns] missing", "say under it which column is what: title = '施策名'", file)
        return
    for name in (name for name in (TITLE, CITES) if name not in columns):
        yield Problem(f"no column is {name}", f"add {name} = '…' under [columns]", file)
    for name in sorted({*columns} - {*COLUMNS}):
        yield Problem(f"{name} is not a role of a column", f"use {', '.join(COLUMNS)}", file)


def _rows(text: str, columns: dict[str, str], file: Path) -> Iterator[PlanRow]:
    """Yield the rows of a table; raise RecipeError with every row that is malformed or has no title."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    problems: list[Problem] = []
    rows: list[PlanRow] = []
    try:
        header = [visible(title).strip() for title in next(reader, [])]
        if absent := [title for title in columns.values() if header.count(title) != 1]:
            fact = f"the header has not just one column {', '.join(absent)}: {', '.join(header)}"
            raise RecipeError(Problem(fact, f"correct [columns] in {DESCRIPTION}", file, 1))
        line = reader.line_num + 1
        for record in reader:
            values = {name: visible(record[at]).strip() for name, at in _places(columns, header) if at < len(record)}
            if any(record) and not values.get(TITLE):
                problems.append(Problem(f"no {columns[TITLE]}", "give the measure its title", file, line))
            elif any(record):
                rows.append(PlanRow(values, line))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(f"is not valid CSV: {error}", "close the quotation marks", file, reader.line_num))
    problems += _numbered_twice(rows, file)
    if problems:
        raise RecipeError(*problems)
    yield from rows


def _numbered_twice(rows: Sequence[PlanRow], file: Path) -> Iterator[Problem]:
    """Yield the rows whose number equals another row's, regardless of the width of digits."""
    printed = Counter(row[NUMBER] for row in rows)
    first: dict[str, PlanRow] = {}
    for row in (row for row in rows if row[NUMBER]):
        other = first.setdefault(plain(row[NUMBER]), row)
        if printed[row[NUMBER]] > 1:
            yield Problem(f"{row[NUMBER]} occurs twice", "number each measure once", file, row.line)
        elif other is not row:
            fact = f"{row[NUMBER]} is the same number as {other[NUMBER]} in line {other.line}"
            yield Problem(fact, "number each measure once, whatever the width of the digits", file, row.line)


def _places(columns: dict[str, str], header: list[str]) -> list[tuple[str, int]]:
    return [(name, header.index(title)) for name, title in columns.items()]
