"""The XML of a sheet, to which cells are added: nothing else of it is read into another form, or written again."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape

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
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._finish
        self._parser = parser
        try:
            parser.Parse(self._data, True)
        except ExpatError as error:
            raise SheetError(str(error)) from error
        if self._end < 0:
            raise SheetError("it has no rows")

    @property
    def width(self) -> int:
        """How many columns the rows have, empty cells that have a look among them."""
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

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
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
