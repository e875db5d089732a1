"""Opening and writing of tables: the input type is detected from the content, the output type from the file name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kg.core.errors import Problem
from kg.matching.link.csv_table import TextTable, write_text
from kg.matching.link.table import Added, ColumnError, Columns, Table, TableError, WriteResult, content, with_added
from kg.matching.link.xlsx_table import SAVE, Workbook, write_workbook

EXCEL = (".xlsx", ".xlsm")
_ZIP, _OLE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_SIGNS = {b"<!doctype": "HTML", b"<html": "HTML", b"<table": "HTML", b"<?xml": "XML", b"%pdf-": "PDF", b"{\\rtf": "RTF"}
_LOOKED_AT = 1024
_SEPARATORS = {".tsv": "\t", ".tab": "\t"}


@dataclass(frozen=True)
class TableOptions:
    """User's options for reading a table; all but the column can be detected from the file.

    `header` is the number of the header row (of the last, where there are several), counted from 1; `further` are
    columns that tell more of what a row is about.
    """

    column: str
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    header: int = 0
    further: tuple[str, ...] = ()


def open_table(file: Path, reading: TableOptions) -> Table:
    """Return the table in a file, or on standard input for `-`.

    Raises TableError where there is none, and ColumnError where something is said of it that it does not have.
    """
    data, columns = content(file), Columns(reading.column, reading.further, reading.header)
    if data.startswith(_OLE):
        raise TableError(Problem("it is an old Excel file (.xls), or one with a password", SAVE, file))
    if data.startswith(_ZIP):
        if reading.encoding or reading.separator:
            fact = "an encoding or a separator is named, and this is an Excel file, which has none"
            raise ColumnError(Problem(fact, "leave the option out", file))
        return Workbook(data, file, columns, reading.sheet)
    if found := _other_kind(data):
        raise TableError(Problem(f"it is no table as text, but {found}", "save it as .xlsx or as CSV", file))
    if reading.sheet:
        fact = "a sheet is named, and this is a table as text, which has none"
        raise ColumnError(Problem(fact, "leave the option out", file))
    return TextTable(data, file, columns, reading.encoding, reading.separator)


def _other_kind(data: bytes) -> str:
    """Return what a file is whose content is text and no table, such as a page that was saved; nothing otherwise."""
    start = data.removeprefix(b"\xef\xbb\xbf")[:_LOOKED_AT].lstrip().lower()
    if name := next((name for sign, name in _SIGNS.items() if start.startswith(sign)), ""):
        return name
    if start.startswith((b"[", b"{")):
        try:
            json.loads(data)
        except ValueError:
            return ""
        return "JSON"
    return ""


def write_table(
    table: Table, out: Path | None, names: Sequence[str], added: Added, encoding: str | None
) -> WriteResult:
    """Write a table with what is added to it, in the form that the name of the new file says.

    Without a name it goes to standard output as text. A table that stays in its kind of file keeps what that holds
    beside it.
    """
    excel = out is not None and out.suffix.lower() in EXCEL
    if excel is isinstance(table, Workbook):
        return table.write(out, names, added, encoding)
    rows = with_added(table, names, added)
    if excel:
        assert out is not None
        if out.suffix.lower() != EXCEL[0]:
            raise TableError(Problem("a file with macros is made of such a file only", "end the name in .xlsx", out))
        return write_workbook(rows, out)
    return write_text(rows, out, _SEPARATORS.get(out.suffix.lower() if out else "", ","), encoding)
