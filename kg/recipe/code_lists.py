"""Code lists: what a printed word stands for, whatever its width, spacing or variant."""

from collections.abc import Iterator
from dataclasses import dataclass

from kg.core.errors import Problem
from kg.core.spans import plain
from kg.recipe.table_loader import Row, Table


@dataclass(frozen=True)
class Code:
    """An entry of a code list. `row` gives the columns that only this list has."""

    key: str
    label_ja: str
    label_en: str
    row: Row


class CodeList:
    """The entries of one table, found by key or by any printed form; `problems` are forms of two entries."""

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
        """Return the entry that a printed form stands for, or None."""
        return self._printed.get(plain(text))

    def forms(self) -> dict[str, Code]:
        """Return every printed form (compared form, see `plain`) with its entry."""
        return dict(self._printed)
