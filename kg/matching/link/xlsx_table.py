"""Tables in Excel files (.xlsx): columns are added to the XML of one sheet, and every other byte of the file stays.

The XML of a sheet, to which cells are added: nothing else of it is read into another form, or written again.

An Excel file as what it is: a zip file of parts. One part is exchanged, every other one stays to the byte.
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
ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML 1.0 cannot hold
# A character as Excel writes one that XML does not keep: _x000D_. A text that looks so has its first mark written thus.
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_SPANS = re.compile(rb"(\sspans=[\"'])(\d+):(\d+)")
_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_REFERENCE = re.compile(r"([A-Z]+)([0-9]+)")


class SheetError(ValueError):
    """The XML of a sheet is not what it should be."""


@dataclass
class _Row:
    start: int
    end: int = 0  # where its closing tag begins; the same as `start` where the tag is its own end
    width: int = 0
    styles: dict[int, str] = field(default_factory=dict)


class Sheet:
    """The XML of a sheet; raise SheetError where it is none."""

    def __init__(self, data: bytes) -> None:
        self._data = _in_utf_8(data)
        self._rows: dict[int, _Row] = {}
        self._end = self._dimension = -1
        self._prefix = ""
        self._row = self._column = 0
        parser = ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start_worker, self._finish
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
        """Return the XML with texts in the columns from `first` on, by rows; a header looks as its last cell does."""
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

    def _start_worker(self, tag: str, attributes: dict[str, str]) -> None:
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

    def _finish(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "row":
            self._rows[self._row].end = self._parser.CurrentByteIndex
        elif name == "sheetData":
            self._end = self._parser.CurrentByteIndex

    def _cell(self, place: int, row: int, text: str, style: str) -> str:
        look = f' s="{style}"' if style else ""
        name, text = self._prefix, written(text)
        reference = f"{letters_of(place)}{row}"
        return (
            f'<{name}c r="{reference}"{look} t="inlineStr"><{name}is><{name}t xml:space="preserve">{text}'
            f"</{name}t></{name}is></{name}c>"
        )

    def _edits(self, number: int, cells: bytes, last: int) -> list[tuple[int, int, bytes]]:
        """Return what is written where, for a row: from an offset on so many bytes give way to others."""
        row, name = self._rows.get(number), f"{self._prefix}row".encode()
        if row is None:
            after = (there.start for at, there in sorted(self._rows.items()) if at > number)
            return [(next(after, self._end), 0, b'<%b r="%d">%b</%b>' % (name, number, cells, name))]
        tag = self._tag(row.start)
        wider = _SPANS.sub(lambda found: b"%b%b:%d" % (found[1], found[2], max(int(found[3]), last)), tag)
        if row.end == row.start:
            return [(row.start, len(tag), b"%b>%b</%b>" % (wider.removesuffix(b"/>").rstrip(), cells, name))]
        return [(row.start, len(tag), wider), (row.end, 0, cells)]

    def _dimensions(self, last: int) -> list[tuple[int, int, bytes]]:
        """Return the edit that makes the noted size of the sheet as wide as it has become."""
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


def written(text: str) -> str:
    """Return a text as it stands in a cell of XML: what XML cannot hold is left out, a carriage return is escaped."""
    kept = ILLEGAL.sub("", text)[:LONGEST]
    return escape(ESCAPED.sub(lambda found: f"_x005F{found[0]}", kept)).replace("\r", "_x000D_")


def read(text: str) -> str:
    """Return the text of a cell without Excel's escapes."""
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
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
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
# The names of Strict Open XML, and those that programs know better.
_USUAL = (
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/",
        b"http://schemas.openxmlformats.org/officeDocument/2006/",
    ),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
)
_KINDS = (  # by what the list of contents says that the whole is
    ("sheet.main+xml", ".xlsx"),
    ("sheet.macroEnabled.main+xml", ".xlsm"),
)
_READING = (BadZipFile, ZlibError, KeyError, ValueError, OSError, EOFError, RuntimeError, ElementTree.ParseError)


class Package:
    """The parts of an Excel file; raise TableError where it is none that can be read."""

    def __init__(self, data: bytes, file: Path) -> None:
        self._data, self._file = data, file
        try:
            with ZipFile(BytesIO(data)) as archive:
                self._names = archive.namelist()
                if "mimetype" in self._names and b"opendocument" in archive.read("mimetype"):
                    raise TableError(Problem("it is an OpenDocument file (.ods)", "save it as .xlsx", file))
                self._types = archive.read(_TYPES).decode("utf-8", "replace")
        except _READING as error:
            raise TableError(Problem(f"it is no Excel file that can be read: {error}", SAVE, file)) from error
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

    def usual(self) -> bytes:
        """Return the file, with the names of Strict Open XML as those that programs know better."""
        with ZipFile(BytesIO(self._data)) as archive:
            if not any(_STRICT in archive.read(name) for name in self._names if name.endswith("workbook.xml")):
                return self._data
            made = BytesIO()
            with ZipFile(made, "w") as usual:
                for name in self._names:
                    content = archive.read(name)
                    if name.endswith((".xml", ".rels")):
                        for strict, known in _USUAL:
                            content = content.replace(strict, known)
                    usual.writestr(name, content)
        return made.getvalue()

    def part_of(self, sheet: str) -> str:
        """Return the name of the part that a sheet is in; raise TableError where there is none."""
        try:
            with ZipFile(BytesIO(self._data)) as archive:
                book = self._target(archive, "", "officeDocument", "")
                ids = [
                    next((value for key, value in there.attrib.items() if key.endswith("}id")), "")
                    for there in ElementTree.fromstring(archive.read(book)).iter()
                    if there.tag.endswith("}sheet") and there.get("name") == sheet
                ]
                return self._target(archive, book, "", ids[0])
        except (*_READING, IndexError, StopIteration) as error:
            raise TableError(Problem(f"the part of sheet {sheet} is not found: {error}", SAVE, self._file)) from error

    def read(self, part: str) -> bytes:
        """Return a part."""
        with ZipFile(BytesIO(self._data)) as archive:
            return archive.read(part)

    def write(self, file: IO[bytes], part: str, content: bytes) -> None:
        """Write the file with other content of one part: the others in their order, with their dates, as they were."""
        with ZipFile(BytesIO(self._data)) as archive, ZipFile(file, "w") as new:
            new.comment = archive.comment
            for info in archive.infolist():
                new.writestr(copy(info), content if info.filename == part else archive.read(info))

    @staticmethod
    def _target(archive: ZipFile, part: str, kind: str, id: str) -> str:
        """Return what a relation of a part leads to: the one of a kind, or of an identifier."""
        folder, name = posixpath.split(part)
        relations = ElementTree.fromstring(archive.read(posixpath.join(folder, "_rels", f"{name}.rels")))
        there = next(
            one
            for one in relations
            if (one.get("Id") == id if id else one.get("Type", "").endswith(f"/relationships/{kind}"))
        )
        target = there.get("Target", "")
        return posixpath.normpath(posixpath.join(folder, target)) if not target.startswith("/") else target[1:]


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

    def column_names(self) -> Sequence[str]:
        """Return the names of the columns that there are."""
        return self._all[self._header]

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield every row as text."""
        return iter(self._all)

    def header(self) -> int:
        """Return how many rows stand above the header, or belong to it but for the last."""
        return self._header

    def write(self, out: Path | None, names: Sequence[str], added: Added, encoding: str | None) -> WriteResult:
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
        return WriteResult("Excel")

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


def write_workbook(rows: Iterable[Sequence[str]], out: Path) -> WriteResult:
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
    return WriteResult("Excel")
