"""Reading the recipe's tables against their description in `tables.toml`.

The description uses the words of the Frictionless Table Schema (name, type, required, unique, pattern, enum), with
titles in two languages. A table is read whole: every problem is reported at once, each with file and line.
"""

import csv
import datetime
import io
import re
import tomllib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.errors import Problem, RecipeError
from kg.recipe.checkdigits import CHECKS

DESCRIPTIONS = "tables.toml"


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a table: its values by column name, and the line of the file it starts on; equal by identity."""

    values: dict[str, str]
    line: int

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the values of a field that holds several, joined by `|`."""
        return tuple(part.strip() for part in self.values[name].split("|") if part.strip())


@dataclass(frozen=True)
class Table:
    """A table of the recipe."""

    name: str
    file: Path
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Field:
    """The description of one column."""

    name: str
    title_ja: str
    title_en: str
    type: str = "string"
    required: bool = False
    unique: bool = False
    pattern: str = ""
    enum: tuple[str, ...] = ()
    list: bool = False
    keep_space: bool = False
    refers_to: str = ""
    needs: str = ""
    check: str = ""

    def complaint(self, value: str) -> str:
        """Return what is wrong with one value, or an empty string."""
        if not value:
            return f"{self.name} is empty" if self.required else ""
        if self.enum and value not in self.enum:
            return f"{self.name} is {value!r}; it must be one of {', '.join(self.enum)}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f"{self.name} is {value!r}; it must match {self.pattern}"
        if self.type == "date" and not _is_date(value):
            return f"{self.name} is {value!r}; it must be a date such as 2026-11-23"
        if self.check:
            fits, words = CHECKS[self.check]
            return "" if fits(value) else f"{self.name} is {value!r}; it must be {words}"
        return ""


def _is_date(value: str) -> bool:
    try:
        return value == datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        return False


def read_toml(file: Path) -> dict[str, Any]:
    """Read a TOML file; raise RecipeError where it is missing or malformed."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RecipeError(Problem(f"cannot be read: {error.strerror}", "put the file back", file)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(Problem(f"is no TOML: {error}", "mend the syntax at that place", file)) from error


def read_descriptions(folder: Path) -> dict[str, tuple[Field, ...]]:
    """Read `tables.toml`: for each table of the recipe, the description of its columns."""
    file = folder / DESCRIPTIONS
    described: dict[str, tuple[Field, ...]] = {}
    for name, table in read_toml(file).items():
        try:
            fields = [{**field, "enum": tuple(field.get("enum", ()))} for field in table["fields"]]
            described[name] = tuple(Field(**field) for field in fields)
        except (KeyError, TypeError) as error:
            remedy = "describe each column with name, title_ja, title_en and the words explained at the top of the file"
            raise RecipeError(Problem(f"[{name}] is no description of a table: {error}", remedy, file)) from error
    _check_names(described, file)
    return described


def _check_names(described: Mapping[str, Sequence[Field]], file: Path) -> None:
    """Raise RecipeError where a description names a table, a column or a check that is not there."""
    problems = [
        Problem(f"[{name}] {field.name} names {word!r}, which is not described", "correct the name", file)
        for name, fields in described.items()
        for field in fields
        for word, known in (
            (field.refers_to, described),
            (field.needs, {other.name for other in fields}),
            (field.check, CHECKS),
        )
        if word and word not in known
    ]
    if problems:
        raise RecipeError(*problems)


def tables_of(folder: Path, described: Mapping[str, tuple[Field, ...]]) -> dict[str, tuple[Field, ...]]:
    """Return the descriptions by the names of the tables that are there: `links/*` is every table of that folder."""
    found: dict[str, tuple[Field, ...]] = {}
    for name, fields in described.items():
        part, star, _ = name.partition("*")
        names = [f"{part}{file.stem}" for file in sorted(folder.glob(f"{name}.csv"))] if star else [name]
        found |= dict.fromkeys(names, fields)
    return found


def read_table(folder: Path, name: str, fields: tuple[Field, ...]) -> tuple[Table, list[Problem]]:
    """Read `<name>.csv` and return it with every problem in it; its rows may be incomplete where there is one."""
    file = folder / f"{name}.csv"
    try:
        # utf-8-sig: Excel writes a byte order mark, which would become part of the first column's name
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        return Table(name, file, ()), [Problem(f"cannot be read: {error.strerror}", "put the table back", file)]
    except UnicodeDecodeError as error:
        return Table(name, file, ()), [Problem(f"is no UTF-8: {error}", "save the table as CSV in UTF-8", file)]
    rows, problems = _rows(text, file, fields)
    problems.extend(_complaints(rows, file, fields))
    return Table(name, file, tuple(rows)), problems


def _rows(text: str, file: Path, fields: tuple[Field, ...]) -> tuple[list[Row], list[Problem]]:
    """Split the text into rows; a wrong header or width is a problem."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = [field.name for field in fields]
    rows: list[Row] = []
    problems: list[Problem] = []
    line = 1
    try:
        header = next(reader, [])
        if header != names:
            remedy = f"the columns must be {','.join(names)} (described in {DESCRIPTIONS})"
            return [], [Problem(f"the header is {','.join(header)}", remedy, file, 1)]
        line = reader.line_num + 1
        for record in reader:
            if len(record) == len(names):
                stripped = (v if f.keep_space else v.strip() for f, v in zip(fields, record, strict=True))
                rows.append(Row(dict(zip(names, stripped, strict=True)), line))
            elif record:
                fact = f"the row has {len(record)} fields, not {len(names)}"
                problems.append(Problem(fact, "quote a value that holds a comma or a line break", file, line))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(f"is no CSV: {error}", "close the quotation marks of that row", file, line))
    return rows, problems


def _complaints(rows: list[Row], file: Path, fields: tuple[Field, ...]) -> Iterator[Problem]:
    """Yield what the description finds wrong with the rows."""
    for field in fields:
        first: dict[str, int] = {}
        for row in rows:
            value = row[field.name]
            if complaint := field.complaint(value):
                remedy = f"write what {DESCRIPTIONS} says of {field.name}: {field.title_ja} – {field.title_en}"
                yield Problem(complaint, remedy, file, row.line)
            elif field.unique and value and value in first:
                fact = f"{field.name} {value!r} stands already in line {first[value]}"
                yield Problem(fact, "keep one of the two rows", file, row.line)
            elif field.needs and value and not row[field.needs]:
                yield Problem(f"{field.name} is {value!r}, but {field.needs} is empty", "fill in both", file, row.line)
            first.setdefault(value, row.line)


def dangling(
    tables: Mapping[str, Table], described: Mapping[str, Sequence[Field]], broken: Container[str]
) -> Iterator[Problem]:
    """Yield every value that is to be a key of another table and is none; a broken table is not asked for its keys."""
    for name, fields in described.items():
        for field in fields:
            if not field.refers_to or field.refers_to in broken:
                continue
            table, other = tables[name], tables[field.refers_to]
            remedy = f"add it to {other.file.name}, or name a key that is there"
            keys = {"", *(row["key"] for row in other.rows)}
            for row in table.rows:
                if row[field.name] not in keys:
                    fact = f"{field.name} is {row[field.name]!r}, which is no key of {other.file.name}"
                    yield Problem(fact, remedy, table.file, row.line)
