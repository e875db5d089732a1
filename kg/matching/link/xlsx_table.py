"""Tables in Excel files (.xlsx): columns are added to the XML of one sheet, and every other byte of the file stays."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kg.core.errors import Problem
from kg.matching.link.table import HEADER_WITHIN, Added, Columns, TableError, Written, header_of
from kg.matching.link.table_files import output
from kg.matching.link.xlsx_package import SAVE, Package
from kg.matching.link.xlsx_sheet import COLUMNS, ILLEGAL, LONGEST, Sheet, SheetError, read

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet


class Workbook:
    """A table in an Excel file, of which some columns are looked at; raise TableError where it cannot be read.

    Where a cell holds a formula, the value that Excel has computed last is looked at. What merged cells hold stands
    in each of them; where cells of the header are merged, it ends with them.
    """

    def __init__(self, data: bytes, file: Path, columns: Columns, sheet: str | None) -> None:
        self._package, self._file = Package(data, file), file
        self._sheet = self._opened(sheet)
        self._all = [[as_text(value) for value in row] for row in self._sheet.iter_rows(values_only=True)]
        while self._all and not any(self._all[-1]):
            self._all.pop()  # rows that have a look and no content
        columns = replace(columns, header=columns.header or self._merged_header())
        top = self._all[: max(HEADER_WITHIN, columns.header)]
        self._header, self._place, self._further = columns.places(top, file)
        self._filled = self._with_merged()

    def _opened(self, sheet: str | None, computed: bool = True) -> "Worksheet":
        """Return a sheet, with what its formulas gave or with them: the one of this name, else the first shown."""
        from openpyxl import load_workbook

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about features of Excel that are of no account here
                book: Any = load_workbook(BytesIO(self._package.usual()), data_only=computed)
        except (AttributeError, TypeError) as error:  # the words of a library about itself
            raise TableError(Problem("it is no Excel file that can be read", SAVE, self._file)) from error
        except Exception as error:  # whatever else it meets in a file that is broken, or is none
            raise TableError(Problem(f"it is no Excel file that can be read: {error}", SAVE, self._file)) from error
        first = next((there for there in book.worksheets if there.sheet_state == "visible"), None)
        found: Worksheet | None = next((there for there in book.worksheets if there.title == sheet), None)
        if sheet is None and first is not None:
            return cast("Worksheet", first)
        if found is None:
            names = ", ".join(there.title for there in book.worksheets)
            fact = f"there is no sheet {sheet}" if sheet else "it has no sheet with cells that is shown"
            raise TableError(Problem(fact, f"sheets of this file: {names or 'none'}", self._file))
        return found

    def _merged(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield the merged cells: first row, last row, first column, last column, from 0 and with the last."""
        for cells in self._sheet.merged_cells.ranges:
            yield cells.min_row - 1, cells.max_row - 1, cells.min_col - 1, cells.max_col - 1

    def _merged_header(self) -> int:
        """Return the number of the last row of a header whose cells are merged, from 1; 0 where none is."""
        first = header_of(self._all[:HEADER_WITHIN])
        inside = [each for each in self._merged() if each[0] == first]
        last = max((bottom for _, bottom, _, _ in inside), default=first)
        # Under a heading of several columns stand their own; what has none of its own is empty there.
        if last == first and first + 1 < len(self._all):
            row, below = self._all[first], self._all[first + 1]
            under = {place for _, _, left, right in inside if right > left for place in range(left, right + 1)}
            alone = [place for place, name in enumerate(row) if name and place not in under]
            if under and any(below[place] for place in under) and not any(below[place] for place in alone):
                last = first + 1
        return last + 1 if last > first else 0

    def _with_merged(self) -> list[list[str]]:
        """Return the rows with the text of merged cells in each of them."""
        filled = [list(row) for row in self._all]
        for top, bottom, left, right in self._merged():
            for row in filled[max(top, self._header + 1) : bottom + 1]:
                row[left : right + 1] = [self._all[top][left]] * len(row[left : right + 1])
        return filled

    def about(self) -> str:
        """Return how the file was read, and what of it will not stay."""
        signed = "; it is signed, and what is written will not be" if self._package.signed else ""
        empty = self._uncomputed()
        blank = f"; {empty} formulas of the column have no value yet: open and save it in Excel" if empty else ""
        return f"Excel, sheet {self._sheet.title}{blank}{signed}"

    def _uncomputed(self) -> int:
        """Return how many cells of the column hold a formula that nothing has computed, as programs write them."""
        below = self._all[self._header + 1 :]
        if all(row[self._place] for row in below if any(row)):
            return 0
        cells = self._opened(self._sheet.title, computed=False).iter_rows(self._header + 2, len(self._all))
        rows = zip(cells, below, strict=False)
        return sum(row[self._place].data_type == "f" and not text[self._place] for row, text in rows)

    def values(self) -> Sequence[str | None]:
        """Return the text of the column in each row below the header; None where the whole row is empty."""
        below = self._filled[self._header + 1 :]
        return [row[self._place] if any(row) else None for row in below]

    def further(self) -> Sequence[Sequence[str]]:
        """Return the texts of the further columns in each row below the header."""
        return [[row[place] for place in self._further] for row in self._filled[self._header + 1 :]]

    def taken(self) -> Sequence[str]:
        """Return the names of the columns that there are."""
        return self._all[self._header]

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield every row as text."""
        return iter(self._all)

    def header(self) -> int:
        """Return how many rows stand above the header, or belong to it but for the last."""
        return self._header

    def write(self, out: Path | None, names: Sequence[str], added: Added, encoding: str | None) -> Written:
        """Write the file with what is added to the right of the table; raise TableError where that cannot be done."""
        self._check(out)
        part = self._package.part_of(self._sheet.title)
        try:
            sheet = Sheet(self._package.read(part))
            first = max([sheet.width, *map(len, self._all)]) + 1
            if first + len(names) > COLUMNS:
                remedy = "delete the empty cells to the right of the table"
                raise TableError(Problem("there is no room for more columns in the sheet", remedy, self._file))
            content = sheet.with_cells(first, dict(enumerate([names, *added], self._header + 1)), self._header + 1)
        except SheetError as error:
            raise TableError(Problem(f"the sheet cannot be written to: {error}", SAVE, self._file)) from error
        with output(out) as file:
            self._package.write(file, part, content)
        return Written("Excel")

    def _check(self, out: Path | None) -> None:
        """Raise TableError where the name of the new file says that it is of another kind."""
        ending = self._package.ending
        if not ending:
            raise TableError(Problem("it is a template, or of a kind that is not written", SAVE, self._file))
        if out and out.suffix.lower() != ending:
            fact = "it holds macros, which a file in .xlsx loses" if ending == ".xlsm" else "it holds no macros"
            raise TableError(Problem(fact, f"name a file that ends in {ending}", self._file))


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
    return read(str(value))


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
