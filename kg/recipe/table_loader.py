"""Loader of the recipe's tables and TOML files, validated against their descriptions in `tables.toml`.

All problems are reported at once, each with file and line. Valid rows are returned even if others are broken, so that
relations to them are checked, too.

A description of a TOML file is named after its path below the recipe (`sources/*/source.toml`), and a setting in a
table after its dotted path (`columns.title`, with `*` for any key).
"""

import csv
import dataclasses
import difflib
import fnmatch
import io
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.core.errors import KgError, Problem, RecipeError
from kg.core.paths import read_text
from kg.core.spans import visible
from kg.recipe.schema import DESCRIPTIONS, TOML, Field, read_toml


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a table: its values by column name, and the line it starts on; equal by identity."""

    values: dict[str, str]
    line: int

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the values of a field that has several, joined by `|`."""
        return tuple(part.strip() for part in self.values[name].split("|") if part.strip())


@dataclass(frozen=True)
class Table:
    """A table of the recipe."""

    name: str
    file: Path
    rows: tuple[Row, ...]


@dataclass
class TableReport:
    """Problems and remarks of one table; `broken` if none of its rows is reliable."""

    problems: list[Problem] = dataclasses.field(default_factory=list)
    remarks: list[Problem] = dataclasses.field(default_factory=list)
    broken: bool = False


def match_tables(folder: Path, described: Mapping[str, tuple[Field, ...]]) -> dict[str, tuple[Field, ...]]:
    """Return the descriptions by table name; `links/*` describes every table of that folder."""
    matches: dict[str, tuple[Field, ...]] = {}
    for name, fields in described.items():
        if name.endswith(TOML):
            continue
        part, star, _ = name.partition("*")
        names = [f"{part}{file.stem}" for file in sorted(folder.glob(f"{name}.csv"))] if star else [name]
        matches |= dict.fromkeys(names, fields)
    return matches


def read_table(folder: Path, name: str, fields: tuple[Field, ...]) -> tuple[Table, TableReport]:
    """Read `<name>.csv` and return its valid rows, with all problems of the others."""
    file, report = folder / f"{name}.csv", TableReport()
    try:
        text = read_text(file, RecipeError, "save the table as CSV in UTF-8")
    except OSError as error:
        problem = Problem(f"cannot be read: {error.strerror}", "put the table back", file)
        return Table(name, file, ()), TableReport([problem], broken=True)
    except KgError as error:
        return Table(name, file, ()), TableReport([*error.problems], broken=True)
    rows = _rows(text, file, fields, report)
    wrong = dict(_row_problems(rows, file, fields))
    report.problems.extend(problem for row_problems in wrong.values() for problem in row_problems)
    return Table(name, file, tuple(row for row in rows if row not in wrong)), report


def _rows(text: str, file: Path, fields: tuple[Field, ...], report: TableReport) -> list[Row]:
    """Return the rows of a text; a wrong header or width is a problem, blank rows are a remark."""
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = [field.name for field in fields]
    rows: list[Row] = []
    blank: list[int] = []
    line = 1
    try:
        printed = next(records, [])
        header = [visible(name) for name in _trim_empty_columns(printed, len(names))]
        if header != names:
            report.broken = True
            report.problems.append(_header_problem(header, names, file))
            return []
        line = records.line_num + 1
        for record in records:
            if record and not any(value.strip() for value in record):
                blank.append(line)
            elif len(values := _trim_empty_columns(record, len(names)) if len(printed) > len(names) else record) == len(
                names
            ):
                stripped = [v if f.keep_space else visible(v).strip() for f, v in zip(fields, values, strict=True)]
                rows.append(Row(dict(zip(names, stripped, strict=True)), line))
                if stripped == names:
                    report.problems.append(Problem("the header is repeated here", "delete this row", file, line))
            elif record:
                fact = f"the row has {len(record)} fields, not {len(names)}"
                remedy = "quote a value that holds a comma or a line break"
                report.problems.append(Problem(fact, remedy, file, line))
            line = records.line_num + 1
    except csv.Error as error:
        report.broken = True
        report.problems.append(
            Problem(f"is not valid CSV: {error}", "close the quotation marks of that row", file, line)
        )
    if blank:
        fact = f"{len(blank)} blank rows are skipped"
        report.remarks.append(Problem(fact, "delete them, if they are not meant", file, blank[0]))
    return rows


def _trim_empty_columns(record: list[str], width: int) -> list[str]:
    """Return a record without the empty columns that a spreadsheet adds after the last one."""
    return record[:width] if not any(value.strip() for value in record[width:]) else record


def _header_problem(header: list[str], names: list[str], file: Path) -> Problem:
    columns = ",".join(names)
    for separator, called in (("\t", "tabs"), (";", "semicolons")):
        if [name.strip('"') for name in "".join(header).split(separator)] == names:
            fact = f"the cells are separated by {called}, not by commas"
            return Problem(fact, "save the table as CSV in UTF-8", file, 1)
    remedy = f"the columns must be {columns} (described in {DESCRIPTIONS})"
    return Problem(f"the header is {','.join(header)}", remedy, file, 1)


def _row_problems(rows: list[Row], file: Path, fields: tuple[Field, ...]) -> Iterator[tuple[Row, list[Problem]]]:
    """Yield the rows that do not fit the description, each with its problems."""
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        problems: list[Problem] = []
        for field in fields:
            value = row[field.name]
            if problem := field.problem(value, file, row.line) or field.check_characters(value, file, row.line):
                problems.append(problem)
            elif field.unique and value and (field.name, value) in first:
                fact = f"{field.name} {value!r} is already in line {first[field.name, value]}"
                problems.append(Problem(fact, "keep one of the two rows", file, row.line))
            elif field.needs and value and not row[field.needs]:
                fact = f"{field.name} is {value!r}, but {field.needs} is empty"
                problems.append(Problem(fact, "fill in both", file, row.line))
            first.setdefault((field.name, value), row.line)
        if problems:
            yield row, problems


def dangling_references(
    tables: Mapping[str, Table], described: Mapping[str, Sequence[Field]], broken: Container[str | Path]
) -> Iterator[Problem]:
    """Yield every value that refers to a missing key of another table, unless that table is broken."""
    for name, fields in described.items():
        for field in fields:
            if not field.refers_to or field.refers_to in broken or field.refers_to not in tables:
                continue
            table, other = tables[name], tables[field.refers_to]
            remedy = f"add it to {other.file.name}, or name a key that is there"
            keys = {"", *(row["key"] for row in other.rows)}
            for row in table.rows:
                if row[field.name] not in keys:
                    fact = f"{field.name} is {row[field.name]!r}, which is not a key of {other.file.name}"
                    yield Problem(fact, remedy, table.file, row.line)


def future_dates(tables: Mapping[str, Table], described: Mapping[str, Sequence[Field]], last: str) -> Iterator[Problem]:
    """Yield every date that should be past and is after the last possible day."""
    for name, fields in described.items():
        for field in (field for field in fields if field.past):
            for row in tables[name].rows:
                if row[field.name] > last:
                    fact = f"{field.name} is {row[field.name]}, which is still to come"
                    yield Problem(fact, "write the day on which it was done", tables[name].file, row.line)


Settings = dict[str, Any]


def check_settings(folder: Path, described: Mapping[str, tuple[Field, ...]]) -> dict[Path, list[Problem]]:
    """Return the problems of each TOML file of the recipe; the list is empty if there are none."""
    files = [file for file in sorted(folder.rglob(f"*{TOML}")) if not _is_hidden(file.relative_to(folder))]
    return {file: [*_problems_of_file(file, folder, described)] for file in files if file != folder / DESCRIPTIONS}


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _problems_of_file(file: Path, folder: Path, described: Mapping[str, tuple[Field, ...]]) -> Iterator[Problem]:
    name = file.relative_to(folder)
    fields = next((described[one] for one in described if one.endswith(TOML) and name.match(one)), None)
    if fields is None:
        files = ", ".join(one for one in described if one.endswith(TOML))
        yield Problem(f"is not described in {DESCRIPTIONS}", f"correct its name or its place: {files}", file)
        return
    try:
        yield from _problems(read_toml(file), fields, file)
    except RecipeError as error:
        yield from error.problems


def _problems(settings: Settings, fields: Sequence[Field], file: Path) -> Iterator[Problem]:
    given = dict(_flatten(settings))
    names = [field.name for field in fields]
    for name, value in given.items():
        field = next((field for field in fields if _matches(field.name, name)), None)
        if field is None:
            near = difflib.get_close_matches(name, names, n=1) or names
            yield Problem(
                f"{name} is not a setting of {file.name}", f"correct it, or leave it out: {', '.join(near)}", file
            )
        elif problem := field.setting_problem(name, value, file):
            yield problem
        elif field.needs and field.needs not in given:
            yield Problem(f"{name} is {value!r}, but {field.needs} is missing", "give both", file)
    for field in fields:
        if field.required and not any(_matches(field.name, name) for name in given):
            yield field.missing(file)


def _flatten(settings: Settings, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value with its dotted name; only an empty table is a value."""
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{before}{key}.")
        else:
            yield before + key, value


def _matches(pattern: str, name: str) -> bool:
    return pattern == name or ("*" in pattern and fnmatch.fnmatchcase(name, pattern))
