"""The tables as one Excel file for people without SPARQL. Every cell is text.

Otherwise Excel makes a date of the measure number 01-05, a formula of a text that begins with `-` or `=`, and rounds
corporate numbers. The first sheet says what the file is, its terms, and what each column means.
"""

import datetime
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format

from kg.rdf.csv_tables import Table
from kg.recipe.release_texts import Catalogue, Text

ABOUT = "about"
MOST = 1_048_575  # rows of a sheet below its header; a longer table is whole in the CSV
LIMIT = 32_767  # characters that Excel takes in a cell, counted in UTF-16
CUT = "… [CSV]"  # at the end of a text that is longer; it is whole in the CSV
# Rows of all tables; what has more is written row by row, each text where it stands instead of once in a list.
_IN_MEMORY = 100_000
_NOT_XML = re.compile("[\ufffe\uffff]")  # the library escapes the other characters that XML does not know
_NARROWEST, _WIDEST = 6, 60


def workbook(file: Path, tables: Sequence[Table], catalogue: Catalogue, title: Text, version: str, issued: str) -> None:
    """Write the workbook, the same bytes from build to build; where the tables are long, no sheet is in memory."""
    rows = sum(1 for table in tables for _ in islice(table.rows, _IN_MEMORY + 1))
    large = {"constant_memory": True, "tmpdir": str(file.parent)}
    options = large if rows > _IN_MEMORY else {"in_memory": True}
    with xlsxwriter.Workbook(str(file), {**options, "strings_to_urls": False}) as book:
        created = datetime.datetime.fromisoformat(issued)
        author = f"{catalogue.publisher.ja} / {catalogue.publisher.en}"
        book.set_properties({"title": f"{title.ja} / {title.en} {version}", "author": author, "created": created})
        text = book.add_format({"num_format": "@", "valign": "top"})
        head = book.add_format({"num_format": "@", "bold": True, "bottom": 1})
        about = Table(ABOUT, ("name", "ja", "en"), tuple(_about(tables, catalogue, title, version, issued)))
        for table in (about, *tables):
            _sheet(book, table, text, head)


def _about(
    tables: Iterable[Table], catalogue: Catalogue, title: Text, version: str, issued: str
) -> Iterator[tuple[str, str, str]]:
    """Yield what the file is, its terms, and the title of each table and column."""
    for name, text in (
        ("title", title),
        ("version", Text(version, version)),
        ("issued", Text(issued, issued)),
        ("description", catalogue.description),
        ("licence", Text(catalogue.licence, catalogue.licence)),
        ("rights", catalogue.rights),
    ):
        yield name, text.ja, text.en
    for table in tables:
        texts = catalogue.tables[table.name]
        yield table.name, texts.title.ja, texts.title.en
        for column in table.columns:
            yield f"{table.name}.{column}", texts.columns[column].ja, texts.columns[column].en


def _sheet(book: xlsxwriter.Workbook, table: Table, text: Format, head: Format) -> None:
    sheet = book.add_worksheet(table.name)
    sheet.freeze_panes(1, 0)
    widths = [_width(name) for name in table.columns]
    for values in table.rows:
        widths = [
            width if width >= _WIDEST else max(width, _width(value))
            for width, value in zip(widths, values, strict=True)
        ]
    for column, (name, width) in enumerate(zip(table.columns, widths, strict=True)):
        sheet.set_column(column, column, min(max(width, _NARROWEST), _WIDEST), text)  # what is typed later is text, too
        sheet.write_string(0, column, name, head)
    row = 0
    for row, values in enumerate(islice(table.rows, MOST), 1):
        for column, value in enumerate(values):
            if value:
                sheet.write_string(row, column, _cell(value), text)
    last = row, len(table.columns) - 1
    sheet.autofilter(0, 0, *last)
    sheet.ignore_errors({"number_stored_as_text": xlsxwriter.utility.xl_range(0, 0, *last)})


def _cell(value: str) -> str:
    """Return what Excel can hold of a text."""
    value = _NOT_XML.sub("\ufffd", value)
    if len(value) <= LIMIT // 2 or len(value.encode("utf-16-le")) // 2 <= LIMIT:
        return value
    kept = value.encode("utf-16-le")[: 2 * (LIMIT - len(CUT))]
    return kept.decode("utf-16-le", errors="ignore") + CUT


def _width(value: str) -> int:
    """Return the width that shows the longest line; a full-width character takes two."""
    return max(_columns(line) for line in value.split("\n", 3)[:3]) + 2


def _columns(line: str) -> int:
    part = line[:_WIDEST]
    return len(part) + sum(unicodedata.east_asian_width(character) in "WF" for character in part)
