"""Tables in Excel files (.xlsx): one sheet is looked at, the others and the looks of all stay."""

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zipfile import BadZipFile

from kg.errors import Problem
from kg.linking.files import output
from kg.linking.tables import HEADER_WITHIN, Added, TableError, Written, place_of

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

SAVE = "save it as .xlsx without a password"
LONGEST = 32_767  # characters of a cell, by Excel's own limits
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # a character as Excel writes one that XML does not keep: _x000D_
ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML 1.0 cannot hold


class Workbook:
    """A table in an Excel file, of which one column is looked at; raise TableError where it cannot be read.

    Where a cell holds a formula, the value that Excel has computed last is looked at, and the formula stays.
    """

    def __init__(self, data: bytes, file: Path, column: str, sheet: str | None) -> None:
        self._data, self._file = data, file
        self._sheet = self._opened(sheet)
        if any(cell.data_type == "f" for row in self._sheet.iter_rows() for cell in row):
            values = self._opened(self._sheet.title, computed=True)
        else:
            values = self._sheet
        self._all = [[as_text(value) for value in row] for row in values.iter_rows(values_only=True)]
        while self._all and not any(self._all[-1]):
            self._all.pop()  # rows that have a look and no content
        self._header, self._place = place_of(self._all[:HEADER_WITHIN], column, file)

    def _opened(self, sheet: str | None, computed: bool = False) -> "Worksheet":
        """Return a sheet, with its formulas or with what they gave: the one of this name, else the first shown."""
        from openpyxl import load_workbook

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about features of Excel that are of no account here
                book: Any = load_workbook(BytesIO(self._data), data_only=computed)
        except (BadZipFile, KeyError, ValueError, OSError) as error:
            raise TableError(Problem(f"it is no Excel file that can be read: {error}", SAVE, self._file)) from error
        first = next((there for there in book.worksheets if there.sheet_state == "visible"), None)
        found: Worksheet | None = next((there for there in book.worksheets if there.title == sheet), None)
        if sheet is None and first is not None:
            return cast("Worksheet", first)
        if found is None:
            names = ", ".join(there.title for there in book.worksheets)
            raise TableError(Problem(f"there is no sheet {sheet}", f"sheets of this file: {names}", self._file))
        return found

    def about(self) -> str:
        """Return how the file was read."""
        return f"Excel, sheet {self._sheet.title}"

    def values(self) -> Sequence[str | None]:
        """Return the text of the column in each row below the header; None where the whole row is empty."""
        below = self._all[self._header + 1 :]
        return [row[self._place] if any(row) else None for row in below]

    def taken(self) -> Sequence[str]:
        """Return the names of the columns that there are."""
        return self._all[self._header]

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield every row as text."""
        return iter(self._all)

    def header(self) -> int:
        """Return how many rows stand above the header."""
        return self._header

    def write(self, out: Path | None, names: Sequence[str], added: Added, encoding: str | None) -> Written:
        """Write the whole file again, with what is added to the right of the table."""
        first = max(map(len, self._all)) + 1
        for number, cells in enumerate([names, *added], self._header + 1):
            for place, text in enumerate(cells, first):
                _put(self._sheet, number, place, text)
        for place in range(first, first + len(names)):
            _dress(self._sheet, self._header + 1, first - 1, place)
        book: Any = self._sheet.parent
        with output(out) as file:
            book.save(file)
        return Written("Excel")


def _put(sheet: "Worksheet", row: int, column: int, text: str) -> None:
    """Put a text into a cell: as text, whatever it begins with."""
    if text:
        cell: Any = sheet.cell(row, column)
        cell.value = ILLEGAL.sub("", text)[:LONGEST]
        cell.data_type = "s"


def _dress(sheet: "Worksheet", row: int, old: int, new: int) -> None:
    """Let the head of a new column look as that of an old one does."""
    before, after = cast(Any, sheet.cell(row, old)), cast(Any, sheet.cell(row, new))
    if before.has_style:
        after._style = copy(before._style)


def as_text(value: object) -> str:
    """Return the value of a cell as text: a whole number without a point, a day without its midnight."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(value))


def write_workbook(rows: Iterable[Sequence[str]], out: Path) -> Written:
    """Write a table of texts as an Excel file, each cell as text: Excel makes a date of `01-05` otherwise."""
    from xlsxwriter import Workbook as Writer

    with output(out) as file:
        book = Writer(file)
        text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                if cell:
                    sheet.write_string(number, place, ILLEGAL.sub("", cell)[:LONGEST], text)
        book.close()
    return Written("Excel")
