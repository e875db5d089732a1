"""Code lists: entries of controlled vocabularies, found by key or by printed form.

Printed forms are compared without regard to width and spacing. The module also checks the relations between lists:
ambiguous forms, corporate numbers and law numbers. It reads the changes of organizations, too.
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kg.core.errors import Problem
from kg.core.spans import plain
from kg.recipe.table_loader import Row, Table


@dataclass(frozen=True)
class Code:
    """An entry of a code list; `row` has the columns that only this list has."""

    key: str
    label_ja: str
    label_en: str
    row: Row


class CodeList:
    """The entries of one table by key and printed form; `problems` are forms that two entries share."""

    def __init__(self, table: Table) -> None:
        self.name = table.name
        self.file = table.file
        self._codes: dict[str, Code] = {}
        self._printed: dict[str, Code] = {}
        self.problems: list[Problem] = []
        for row in table.rows:
            code = Code(row["key"], row["label_ja"], row["label_en"], row)
            self._codes[code.key] = code
            variants = row.listed("printed_as") if "printed_as" in row.values else ()
            for form in (code.label_ja, *variants):
                other = self._printed.setdefault(plain(form), code)
                if other is not code:
                    fact = f"{form!r} is printed for {code.key} and for {other.key}"
                    self.problems.append(Problem(fact, "keep the form in one row", table.file, row.line))

    def __iter__(self) -> Iterator[Code]:
        return iter(self._codes.values())

    def __getitem__(self, key: str) -> Code:
        return self._codes[key]

    def printed(self, text: str) -> Code | None:
        """Return the entry with a printed form, or None."""
        return self._printed.get(plain(text))

    def forms(self) -> dict[str, Code]:
        """Return the entry of every printed form (in compared form, see `plain`)."""
        return dict(self._printed)


# Code lists whose entries are searched for in texts.
NAME_LISTS = ("entities", "bodies", "places")
_ERAS = ("明治", "大正", "昭和", "平成", "令和")
_LAW_NUMBER = re.compile(
    rf"(?P<era>{'|'.join(_ERAS)})(?P<year>元|[1-9][0-9]*)年(?:憲法|[^0-9\s]+第(?P<number>[1-9][0-9]*)号)"
)
_LAW_ID = re.compile(r"(?P<era>[1-5])(?P<year>[0-9]{2})[A-Z]{2}[0-9]{4}(?P<number>[0-9]{6})")
_LOCAL_CODE_LENGTH = 6  # the corporate number of a local government ends in its local-government code


@dataclass(frozen=True)
class Change:
    """A change of organizations: the keys of those before and after it, and its date, the first day of the latter."""

    key: str
    date: datetime.date
    original: tuple[str, ...]
    resulting: tuple[str, ...]
    label_ja: str
    label_en: str
    row: Row


def check_code_lists(codes: Mapping[str, CodeList]) -> Iterator[Problem]:
    """Yield the problems between code lists.

    These are forms, keys and corporate numbers that two things share, and local-government codes that do not fit their
    corporate number.
    """
    forms: dict[str, tuple[str, str]] = {}
    for name in ("organizations", *NAME_LISTS):
        for form, code in codes[name].forms().items():
            other = forms.setdefault(form, (name, code.key))
            if other != (name, code.key):
                fact = f"{form!r} stands for {code.key} and, in {other[0]}.csv, for {other[1]}"
                yield Problem(fact, "keep the form in one of the two lists", codes[name].file, code.row.line)
    listed = {code.key for code in codes["organizations"]}
    for code in codes["bodies"]:
        if code.key in listed:
            yield Problem(
                f"{code.key} is also a key of organizations.csv", "keep one row", codes["bodies"].file, code.row.line
            )
    yield from _shared_corporate_numbers(codes)
    yield from _check_laws(codes["laws"])
    for code in codes["places"]:
        number = code.row["corporate_number"]
        if number and number[-_LOCAL_CODE_LENGTH:] != code.row["area_code"]:
            fact = f"the corporate number {number} does not end in the local-government code {code.row['area_code']}"
            yield Problem(fact, "correct the one that is wrong", codes["places"].file, code.row.line)


def _check_laws(laws: CodeList) -> Iterator[Problem]:
    """Yield law numbers that are not in the form of citations, and law IDs that do not fit their numbers."""
    for law in laws:
        number, identifier = law.row["law_number"], law.row["law_id"]
        cited, law_id = _LAW_NUMBER.fullmatch(number), _LAW_ID.fullmatch(identifier)
        if not cited:
            fact = f"law_number is {number!r}; it must be a number such as 昭和39年法律第170号"
            yield Problem(fact, "write it as laws are cited, with figures", laws.file, law.row.line)
            continue
        year = "1" if cited["year"] == "元" else cited["year"]
        expected = (_ERAS.index(cited["era"]) + 1, int(year), int(cited["number"] or 0))
        if law_id and expected != tuple(map(int, law_id.group("era", "year", "number"))):
            fact = f"the law ID {identifier} is not that of {number}"
            yield Problem(fact, "correct the one that is wrong", laws.file, law.row.line)


def check_concepts(table: Table) -> Iterator[Problem]:
    """Yield every key that occurs twice in its scheme."""
    first: dict[tuple[str, str], int] = {}
    for row in table.rows:
        line = first.setdefault((row["scheme"], row["key"]), row.line)
        if line != row.line:
            fact = f"{row['key']} of {row['scheme']} is already in line {line}"
            yield Problem(fact, "keep one of the two rows", table.file, row.line)


def _shared_corporate_numbers(codes: Mapping[str, CodeList]) -> Iterator[Problem]:
    first: dict[str, tuple[str, str]] = {}
    for name in ("organizations", "bodies", "places"):
        for code in codes[name]:
            number = code.row["corporate_number"]
            other = first.setdefault(number, (name, code.key))
            if number and other != (name, code.key):
                fact = f"the corporate number {number} of {code.key} is, in {other[0]}.csv, that of {other[1]}"
                yield Problem(fact, "correct the one that is wrong", codes[name].file, code.row.line)


def read_changes(table: Table, codes: Mapping[str, CodeList]) -> tuple[tuple[Change, ...], list[Problem]]:
    """Return the changes of organizations sorted by date, and their problems."""
    keys = {code.key for name in ("organizations", "bodies") for code in codes[name]}
    problems = [
        Problem(f"{side} names {key!r}, which is not an organization", "add it to bodies.csv", table.file, row.line)
        for row in table.rows
        for side in ("original", "resulting")
        for key in row.listed(side)
        if key not in keys
    ]
    for row in table.rows:
        if {*row.listed("original")} == {*row.listed("resulting")}:
            fact = f"{row['key']} changes nothing: original and resulting are the same"
            problems.append(Problem(fact, "correct the one that is wrong", table.file, row.line))
    changes = [
        Change(
            key=row["key"],
            date=datetime.date.fromisoformat(row["date"]),
            original=row.listed("original"),
            resulting=row.listed("resulting"),
            label_ja=row["label_ja"],
            label_en=row["label_en"],
            row=row,
        )
        for row in table.rows
    ]
    return tuple(sorted(changes, key=lambda change: (change.date, change.key))), problems
