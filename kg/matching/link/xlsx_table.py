"""Reader and writer of tables in Excel files (.xlsx): columns are added to one sheet, everything else is unchanged.

`Package` is the ZIP file: it replaces the part of one sheet and copies all others. `Sheet` inserts cells into the XML
of a sheet without serializing its other content again. `Workbook` implements the table interface with both.
"""

import posixpath
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

from kg.core.errors import Problem
from kg.matching.link.table import HEADER_WITHIN, Added, Columns, TableError, WriteResult, header_of, output

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet


LONGEST = 32_767  # characters of a cell, by Excel's own limits
COLUMNS = 16_384  # of a sheet
ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # characters that XML 1.0 forbids
# Excel's escape of a character that XML would lose: _x000D_. In a text that looks like one, the first _ is escaped.
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_SPANS = re.compile(rb"(\sspans=[\"'])(\d+):(\d+)")
_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_REFERENCE = re.compile(r"([A-Z]+)([0-9]+)")


class SheetError(ValueError):
    """The XML of a sheet is malformed or not supported."""


@dataclass
class _Row:
    start: int
    end: int = 0  # offset of its closing tag; equal to `start` if the tag is self-closing
    width: int = 0
    styles: dict[int, str] = field(default_factory=dict)


class Sheet:
    """XML of a sheet. Raises SheetError if it is malformed."""

    def __init__(self, data: bytes) -> None:
        self._data = _in_utf_8(data)
        self._rows: dict[int, _Row] = {}
        self._end = self._dimension = -1
        self._prefix = ""
        self._row = self._column = 0
        parser = ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start_element, self._end_element
        self._parser = parser
        try:
            parser.Parse(self._data, True)
        except ExpatError as error:
            raise SheetError(str(error)) from error
        if self._end < 0:
            raise SheetError("it has no rows")

    @property
    def width(self) -> int:
        """Number of columns of the rows, including empty formatted cells."""
        return max((row.width for row in self._rows.values()), default=0)

    def with_cells(self, first: int, rows: Mapping[int, Iterable[str]], header: int) -> bytes:
        """Return the XML with texts in the columns from `first` on; a header gets the style of its last cell."""
        styles = self._rows[header].styles if header in self._rows else {}
        style = styles.get(first - 1) or (styles[max(styles)] if styles else "")
        edits: list[tuple[int, int, bytes]] = []
        last = first
        for number, texts in sorted(rows.items()):
            cells = [(place, text) for place, text in enumerate(texts, first) if text]
            if cells:
                last = max(last, cells[-1][0])
                made = "".join(self._cell(place, number, text, style * (number == header)) for place, text in cells)
                edits += self._edits(number, made.encode(), cells[-1][0])
        return _edited(self._data, [*edits, *self._dimensions(last)])

    def _start_element(self, tag: str, attributes: dict[str, str]) -> None:
        prefix, _, name = tag.rpartition(":")
        at = self._parser.CurrentByteIndex
        if name == "row":
            self._row, self._column = int(attributes.get("r") or self._row + 1), 0
            self._rows[self._row] = _Row(at, at)
            self._prefix = f"{prefix}:" if prefix else ""
        elif name == "c":
            found = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = number_of(found[1]) if found else self._column + 1
            row = self._rows[self._row]
            row.width = max(row.width, self._column)
            row.styles[self._column] = attributes.get("s", "")
        elif name == "dimension":
            self._dimension = at

    def _end_element(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "row":
            self._rows[self._row].end = self._parser.CurrentByteIndex
        elif name == "sheetData":
            self._end = self._parser.CurrentByteIndex

    def _cell(self, place: int, row: int, text: str, style: str) -> str:
        look = f' s="{style}"' if style else ""
        name, text = self._prefix, escape_cell(text)
        reference = f"{letters_of(place)}{row}"
        return (
            f'<{name}c r="{reference}"{look} t="inlineStr"><{name}is><{name}t xml:space="preserve">{text}'
            f"</{name}t></{name}is></{name}c>"
        )

    def _edits(self, number: int, cells: bytes, last: int) -> list[tuple[int, int, bytes]]:
        """Return the edits that add cells to a row, each as offset, number of replaced bytes, and new bytes."""
        row, name = self._rows.get(number), f"{self._prefix}row".encode()
        if row is None:
            after = (each.start for at, each in sorted(self._rows.items()) if at > number)
            return [(next(after, self._end), 0, b'<%b r="%d">%b</%b>' % (name, number, cells, name))]
        tag = self._tag(row.start)
        wider = _SPANS.sub(lambda found: b"%b%b:%d" % (found[1], found[2], max(int(found[3]), last)), tag)
        if row.end == row.start:
            return [(row.start, len(tag), b"%b>%b</%b>" % (wider.removesuffix(b"/>").rstrip(), cells, name))]
        return [(row.start, len(tag), wider), (row.end, 0, cells)]

    def _dimensions(self, last: int) -> list[tuple[int, int, bytes]]:
        """Return the edit that widens the declared dimension of the sheet, if it has one."""
        if self._dimension < 0:
            return []
        tag = self._tag(self._dimension)

        def wider(found: re.Match[bytes]) -> bytes:
            end = letters_of(max(number_of(found[3].decode()), last)).encode()
            return b"%b%b:%b%b" % (found[1], found[2], end, found[4])

        new = re.sub(rb"(\sref=[\"'])([A-Z]+[0-9]+):([A-Z]+)([0-9]+)", wider, tag)
        return [(self._dimension, len(tag), new)]

    def _tag(self, start: int) -> bytes:
        found = _TAG.match(self._data, start)
        if found is None:
            raise SheetError("a tag has no end")
        return found[0]


def escape_cell(text: str) -> str:
    """Return a text escaped for a cell; forbidden characters are left out, carriage returns escaped as in Excel."""
    allowed = ILLEGAL.sub("", text)[:LONGEST]
    return escape(ESCAPED.sub(lambda found: f"_x005F{found[0]}", allowed)).replace("\r", "_x000D_")


def unescape_cell(text: str) -> str:
    """Return the text of a cell with Excel's escapes decoded."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def number_of(letters: str) -> int:
    """Return the number of a column from its letters: 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def letters_of(number: int) -> str:
    """Return the letters of a column from its number."""
    letters = ""
    while number:
        number, remainder = divmod(number - 1, 26)
        letters = chr(65 + remainder) + letters
    return letters


def _edited(data: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    parts, done = [], 0
    for start, length, new in sorted(edits, key=lambda edit: edit[0]):
        parts += [data[done:start], new]
        done = start + length
    return b"".join([*parts, data[done:]])


def _in_utf_8(data: bytes) -> bytes:
    """Return XML in UTF-8, in which offsets count bytes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16")
        return re.sub(r"^\s*<\?xml[^>]*\?>", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', text).encode()
    found = _ENCODING.match(data)
    if found and found[1].lower() not in (b"utf-8", b"us-ascii"):
        raise SheetError(f"it is encoded in {found[1].decode()}")
    return data


SAVE = "save it as .xlsx without a password"
_TYPES, _SIGNED = "[Content_Types].xml", "_xmlsignatures/"
_STRICT = b"http://purl.oclc.org/ooxml/"
# The namespaces of Strict Open XML, and those of the Transitional form, which more programs support.
_TRANSITIONAL = (
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/",
        b"http://schemas.openxmlformats.org/officeDocument/2006/",
    ),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
)
_KINDS = (  # by the content type of the main part
    ("sheet.main+xml", ".xlsx"),
    ("sheet.macroEnabled.main+xml", ".xlsm"),
)
_READING = (BadZipFile, ZlibError, KeyError, ValueError, OSError, EOFError, RuntimeError, ElementTree.ParseError)


class Package:
    """ZIP package of an Excel file. Raises TableError if it cannot be read."""

    def __init__(self, data: bytes, file: Path) -> None:
        self._data, self._file = data, file
        try:
            with ZipFile(BytesIO(data)) as archive:
                self._names = archive.namelist()
                if "mimetype" in self._names and b"opendocument" in archive.read("mimetype"):
                    raise TableError(Problem("it is an OpenDocument file (.ods)", "save it as .xlsx", file))
                self._types = archive.read(_TYPES).decode("utf-8", "replace")
        except _READING as error:
            raise TableError(Problem(f"it is not a readable Excel file: {error}", SAVE, file)) from error
        if "sheet.binary" in self._types:
            raise TableError(Problem("it is a binary Excel file (.xlsb)", SAVE, file))

    @property
    def ending(self) -> str:
        """File extension of this type; empty for a template."""
        return next((ending for kind, ending in _KINDS if f".{kind}" in self._types), "")

    @property
    def signed(self) -> bool:
        """True if the file is digitally signed; a change invalidates the signature."""
        return any(name.startswith(_SIGNED) for name in self._names)

    def transitional(self) -> bytes:
        """Return the file in Transitional form: namespaces of Strict Open XML are replaced."""
        with ZipFile(BytesIO(self._data)) as archive:
            if not any(_STRICT in archive.read(name) for name in self._names if name.endswith("workbook.xml")):
                return self._data
            made = BytesIO()
            with ZipFile(made, "w") as converted:
                for name in self._names:
                    content = archive.read(name)
                    if name.endswith((".xml", ".rels")):
                        for strict, replacement in _TRANSITIONAL:
                            content = content.replace(strict, replacement)
                    converted.writestr(name, content)
        return made.getvalue()

    def part_of(self, sheet: str) -> str:
        """Return the name of the part with a sheet; raise TableError if there is none."""
        try:
            with ZipFile(BytesIO(self._data)) as archive:
                book = self._target(archive, "", "officeDocument", "")
                ids = [
                    next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
                    for element in ElementTree.fromstring(archive.read(book)).iter()
                    if element.tag.endswith("}sheet") and element.get("name") == sheet
                ]
                return self._target(archive, book, "", ids[0])
        except (*_READING, IndexError, StopIteration) as error:
            raise TableError(Problem(f"the part of sheet {sheet} is not found: {error}", SAVE, self._file)) from error

    def read(self, part: str) -> bytes:
        """Return the content of a part."""
        with ZipFile(BytesIO(self._data)) as archive:
            return archive.read(part)

    def write(self, file: IO[bytes], part: str, content: bytes) -> None:
        """Write the file with new content of one part; the others keep their order and dates."""
        with ZipFile(BytesIO(self._data)) as archive, ZipFile(file, "w") as new:
            new.comment = archive.comment
            for info in archive.infolist():
                new.writestr(copy(info), content if info.filename == part else archive.read(info))

    @staticmethod
    def _target(archive: ZipFile, part: str, kind: str, id: str) -> str:
        """Return the target of a relationship of a part, found by its type or its ID."""
        folder, name = posixpath.split(part)
        relations = ElementTree.fromstring(archive.read(posixpath.join(folder, "_rels", f"{name}.rels")))
        relation = next(
            one
            for one in relations
            if (one.get("Id") == id if id else one.get("Type", "").endswith(f"/relationships/{kind}"))
        )
        target = relation.get("Target", "")
        return posixpath.normpath(posixpath.join(folder, target)) if not target.startswith("/") else target[1:]


class Workbook:
    """Table in an Excel file with one column to match. Raises TableError if the file cannot be read.

    Of a formula, the last value computed by Excel is read. Each of several merged cells has their text. A header with
    merged cells ends with the last row of these.
    """

    def __init__(self, data: bytes, file: Path, columns: Columns, sheet: str | None) -> None:
        self._package, self._file = Package(data, file), file
        self._sheet = self._opened(sheet)
        self._all = [[as_text(value) for value in row] for row in self._sheet.iter_rows(values_only=True)]
        while self._all and not any(self._all[-1]):
            self._all.pop()  # rows with formats but without content
        columns = replace(columns, header=columns.header or self._merged_header())
        top = self._all[: max(HEADER_WITHIN, columns.header)]
        self._header, self._place, self._further = columns.places(top, file)
        self._filled = self._with_merged()

    def _opened(self, sheet: str | None, computed: bool = True) -> "Worksheet":
        """Return the sheet of a name, else the first visible one, with the values of formulas or the formulas."""
        from openpyxl import load_workbook

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about features of Excel that are not used here
                book: Any = load_workbook(BytesIO(self._package.transitional()), data_only=computed)
        except (AttributeError, TypeError) as error:  # an error inside the library, whose text is of no use to the user
            raise TableError(Problem("it is not a readable Excel file", SAVE, self._file)) from error
        except Exception as error:  # the library raises many types for damaged files
            raise TableError(Problem(f"it is not a readable Excel file: {error}", SAVE, self._file)) from error
        first = next((each for each in book.worksheets if each.sheet_state == "visible"), None)
        found: Worksheet | None = next((each for each in book.worksheets if each.title == sheet), None)
        if sheet is None and first is not None:
            return cast("Worksheet", first)
        if found is None:
            names = ", ".join(each.title for each in book.worksheets)
            fact = f"there is no sheet {sheet}" if sheet else "it has no visible sheet with cells"
            raise TableError(Problem(fact, f"sheets of this file: {names or 'none'}", self._file))
        return found

    def _merged(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield the merged ranges: first and last row, first and last column, from 0, both included."""
        for cells in self._sheet.merged_cells.ranges:
            yield cells.min_row - 1, cells.max_row - 1, cells.min_col - 1, cells.max_col - 1

    def _merged_header(self) -> int:
        """Return the number of the last row of a header with merged cells, from 1; 0 if it has none."""
        first = header_of(self._all[:HEADER_WITHIN])
        inside = [each for each in self._merged() if each[0] == first]
        last = max((bottom for _, bottom, _, _ in inside), default=first)
        # Below a heading of several columns are their own headings; columns without such a heading are empty there.
        if last == first and first + 1 < len(self._all):
            row, below = self._all[first], self._all[first + 1]
            under = {place for _, _, left, right in inside if right > left for place in range(left, right + 1)}
            alone = [place for place, name in enumerate(row) if name and place not in under]
            if under and any(below[place] for place in under) and not any(below[place] for place in alone):
                last = first + 1
        return last + 1 if last > first else 0

    def _with_merged(self) -> list[list[str]]:
        """Return the rows with the text of merged cells repeated in each of them."""
        filled = [list(row) for row in self._all]
        for top, bottom, left, right in self._merged():
            for row in filled[max(top, self._header + 1) : bottom + 1]:
                row[left : right + 1] = [self._all[top][left]] * len(row[left : right + 1])
        return filled

    def about(self) -> str:
        """Return the name of the sheet, with warnings about formulas without value and about a signature."""
        signed = "; the file is signed, the written one will not be" if self._package.signed else ""
        empty = self._uncomputed()
        blank = f"; {empty} formulas of the column have no value yet: open and save it in Excel" if empty else ""
        return f"Excel, sheet {self._sheet.title}{blank}{signed}"

    def _uncomputed(self) -> int:
        """Return the number of cells of the column with a formula without a value; some programs write such files."""
        below = self._all[self._header + 1 :]
        if all(row[self._place] for row in below if any(row)):
            return 0
        cells = self._opened(self._sheet.title, computed=False).iter_rows(self._header + 2, len(self._all))
        rows = zip(cells, below, strict=False)
        return sum(row[self._place].data_type == "f" and not text[self._place] for row, text in rows)

    def values(self) -> Sequence[str | None]:
        """Return the text of the column in each row below the header; None for an empty row."""
        below = self._filled[self._header + 1 :]
        return [row[self._place] if any(row) else None for row in below]

    def further(self) -> Sequence[Sequence[str]]:
        """Return the texts of the further columns in each row below the header."""
        return [[row[place] for place in self._further] for row in self._filled[self._header + 1 :]]

    def column_names(self) -> Sequence[str]:
        """Return the names of the existing columns."""
        return self._all[self._header]

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield every row as text."""
        return iter(self._all)

    def header(self) -> int:
        """Return the number of rows above the last row of the header."""
        return self._header

    def write(self, out: Path | None, names: Sequence[str], added: Added, encoding: str | None) -> WriteResult:
        """Write the file with the added columns to the right of the table; raise TableError if that is impossible."""
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
        return WriteResult("Excel")

    def _check(self, out: Path | None) -> None:
        """Raise TableError if the name of the new file has the extension of another type."""
        ending = self._package.ending
        if not ending:
            raise TableError(Problem("it is a template, or of a type that cannot be written", SAVE, self._file))
        if out and out.suffix.lower() != ending:
            fact = "it has macros, which an .xlsx file cannot have" if ending == ".xlsm" else "it has no macros"
            raise TableError(Problem(fact, f"name a file that ends in {ending}", self._file))


def as_text(value: object) -> str:
    """Return the value of a cell as text: whole numbers without a decimal point, dates without a time of midnight."""
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
    return unescape_cell(str(value))


def write_workbook(rows: Iterable[Sequence[str]], out: Path) -> WriteResult:
    """Write a table as an Excel file with all cells as text, since Excel would turn `01-05` into a date."""
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
    return WriteResult("Excel")
