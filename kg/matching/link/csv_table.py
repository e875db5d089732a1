"""Tables in text files: CSV, TSV and their like, in UTF-8, Shift_JIS (CP932) or what the user says.

Every record keeps the bytes that it came in: what was there is written again as it was, with its quotation marks, line
ends and byte order mark, and what is added stands behind it.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path

from kg.core.errors import Problem
from kg.matching.link.encodings import called, codec_of, text_of, writable
from kg.matching.link.table import HEADER_WITHIN, Added, ColumnError, Columns, TableError, Written
from kg.matching.link.table_files import output

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_ENDS = (b"\r\n", b"\n", b"\r")
csv.field_size_limit(1 << 24)  # characters; a cell may hold a whole law
_QUOTED = "close it, or double a quotation mark that is part of the text"
_LEAVE = "leave out --out-encoding: then the table stays in the encoding it is in"


@dataclass(frozen=True)
class Record:
    """One row: its bytes without the end of the line, that end, how many cells it has, and those looked at."""

    raw: bytes
    end: bytes
    cells: int
    value: str
    further: tuple[str, ...] = ()


class TextTable:
    """A table in a text file, of which one column is looked at; raise TableError where it cannot be read."""

    def __init__(self, data: bytes, file: Path, columns: Columns, encoding: str | None, separator: str | None) -> None:
        self._text, self._file = text_of(data, file, encoding), file
        self._lines = self._text.data.splitlines(keepends=True)  # of bytes: only at \n, \r\n and \r
        self._separator, self._header, place, further = self._found(columns, separator)
        self._records = [
            Record(*_ended(raw), len(cells), _cell(cells, place), tuple(_cell(cells, one) for one in further))
            for raw, cells in _records(self._lines, self._text.codec, self._separator, file)
        ]
        self._width = max((record.cells for record in self._records[self._header :]), default=0)

    def _found(self, columns: Columns, separator: str | None) -> tuple[str, int, int, tuple[int, ...]]:
        """Return the separator, and the numbers of the header, of the column and of the further ones."""
        failed: list[tuple[int, ColumnError]] = []
        alone: tuple[str, int, int, tuple[int, ...]] | None = None
        for candidate in [separator] if separator else SEPARATORS:
            pairs = islice(
                _records(self._lines, self._text.codec, candidate, self._file), max(HEADER_WITHIN, columns.header)
            )
            rows = [cells for _, cells in pairs]
            try:
                found = columns.places(rows, self._file)
            except ColumnError as error:
                failed.append((max(map(len, rows), default=0), error))
            else:
                # A number fits any separator, so the one that makes most columns is meant.
                if separator or not columns.name.isdecimal() or len(rows[found[0]]) > 1:
                    return candidate, *found
                alone = alone or (candidate, *found)
        if alone:
            return alone  # a table of one column, which no separator divides
        raise max(failed, key=lambda pair: pair[0])[1]

    def about(self) -> str:
        """Return how the file was read."""
        return f"{self._text.called()}, separated by {SEPARATORS.get(self._separator, repr(self._separator))}"

    def values(self) -> Sequence[str | None]:
        """Return the text of the column in each row below the header; None for an empty line."""
        return [record.value if record.cells else None for record in self._records[self._header + 1 :]]

    def further(self) -> Sequence[Sequence[str]]:
        """Return the texts of the further columns in each row below the header."""
        return [record.further for record in self._records[self._header + 1 :]]

    def taken(self) -> Sequence[str]:
        """Return the names of the columns that there are."""
        return list(self.rows())[self._header]

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield every row as text."""
        return (cells for _, cells in _records(self._lines, self._text.codec, self._separator, self._file))

    def header(self) -> int:
        """Return how many rows stand above the header."""
        return self._header

    def write(self, out: Path | None, names: Sequence[str], added: Added, encoding: str | None) -> Written:
        """Write the table with what is added; raise TableError where the encoding that was asked for cannot hold it."""
        codec, mark = codec_of(encoding) if encoding else (self._text.written, self._text.mark)
        lost = 0
        encoder = codecs.getincrementalencoder(codec)()  # one for all: some encodings begin with a mark
        parts = [mark]
        for record, more in zip(self._records, self._behind(names, added), strict=True):
            ours, unwritable = writable(more, codec)
            lost += unwritable
            if codec == self._text.codec:
                parts.append(record.raw + ours.encode(codec) + record.end)
            else:
                raw, end = (piece.decode(self._text.codec) for piece in (record.raw, record.end))
                parts.append(self._recoded(encoder, raw + ours + end, codec))
        with output(out) as file:
            file.write(b"".join(parts))
        return Written(called(codec), lost)

    def _recoded(self, encoder: codecs.IncrementalEncoder, text: str, codec: str) -> bytes:
        try:
            return encoder.encode(text)
        except UnicodeEncodeError as error:
            fact = f"{called(codec)} does not have “{text[error.start]}”, which stands in the table"
            raise TableError(Problem(fact, _LEAVE, self._file)) from error

    def _behind(self, names: Sequence[str], added: Added) -> Iterator[str]:
        """Yield what comes behind each record, so that all rows below the header have as many cells as it has."""
        cells = iter([names, *added])
        for number, record in enumerate(self._records):
            more = next(cells) if number >= self._header else ()
            yield self._joined(["", *[""] * (self._width - record.cells), *more]) if more and record.cells else ""

    def _joined(self, cells: Sequence[str]) -> str:
        line = StringIO()
        csv.writer(line, delimiter=self._separator, lineterminator="").writerow(cells)
        return line.getvalue()


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _records(lines: Sequence[bytes], codec: str, separator: str, file: Path) -> Iterator[tuple[bytes, list[str]]]:
    """Yield each record with its bytes; raise TableError where a quotation mark is never closed."""
    taken: list[bytes] = []
    number = 0

    def fed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line.decode(codec)

    records = csv.reader(fed(), delimiter=separator)
    while True:
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(Problem(f"no table: {error}", _QUOTED, file, number + 1)) from error
        if len(taken) > 1 and number + len(taken) == len(lines):
            _check_closed(taken, codec, separator, file, number + 1)
        number += len(taken)
        yield b"".join(taken), cells
        taken.clear()


def _check_closed(lines: Iterable[bytes], codec: str, separator: str, file: Path, number: int) -> None:
    """Raise TableError where the last record of a file ends within quotation marks."""
    try:
        list(csv.reader((line.decode(codec) for line in lines), delimiter=separator, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            fact = "the quotation mark that opens in this record is never closed"
            raise TableError(Problem(fact, _QUOTED, file, number)) from error


def _ended(raw: bytes) -> tuple[bytes, bytes]:
    end = next((end for end in _ENDS if raw.endswith(end)), b"")
    return raw.removesuffix(end), end


def write_text(rows: Iterable[Sequence[str]], out: Path | None, separator: str, encoding: str | None) -> Written:
    """Write a table as text: without an encoding in UTF-8 with a byte order mark, by which Excel knows it."""
    codec, mark = codec_of(encoding or "utf-8-sig")
    line = StringIO()
    csv.writer(line, delimiter=separator, lineterminator="\r\n").writerows(rows)
    text, lost = writable(line.getvalue(), codec)
    with output(out) as file:
        file.write(mark + text.encode(codec))
    return Written(called(codec), lost)
