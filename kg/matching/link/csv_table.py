"""Reader and writer of tables in text files: CSV, TSV and similar formats, in UTF-8, Shift_JIS (CP932) or others.

The encoding is detected from the bytes, unless the user names it. Every record is kept as bytes and written back
unchanged, with its quotation marks, line ends and byte order mark; the added cells follow it.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path

from kg.core.errors import Problem
from kg.matching.link.table import HEADER_WITHIN, Added, ColumnError, Columns, TableError, WriteResult, output

UTF_8, CP932, EUC_JP, ISO_2022_JP = "utf-8", "cp932", "euc_jp", "iso2022_jp"
_NAMES = {
    UTF_8: "UTF-8",
    CP932: "Shift_JIS (CP932)",
    EUC_JP: "EUC-JP",
    "euc_jis_2004": "EUC-JP",
    "utf-16": "UTF-16",
    ISO_2022_JP: "ISO-2022-JP",
    "iso2022_jp_ext": "ISO-2022-JP",
    "iso2022_jp_2004": "ISO-2022-JP",
}
# Japanese files declared as Shift_JIS are usually in CP932, the superset of Microsoft.
_ALIASES = {"shift_jis": CP932, "utf-8-sig": UTF_8}
# Encodings in which the byte of a line end is never a part of another character.
_BYTE_BY_BYTE = {
    UTF_8,
    CP932,
    "ascii",
    EUC_JP,
    "euc_jis_2004",
    "shift_jisx0213",
    "shift_jis_2004",
    "cp1252",
    "iso8859-1",
}
# Unicode has each of these JIS characters twice, and CP932 can encode only the other one.
_TWINS = str.maketrans("〜−‖—–¢£¬", "~-∥―-¢£¬")
_UNWRITABLE = "〓"  # the usual Japanese placeholder for a missing character
_SHIFT = re.compile(rb"\x1b[$(]")  # escape sequence between the character sets of ISO-2022-JP
_IMPLAUSIBLE = re.compile(
    "[\uff61-\uff9f\ue000-\uf8ff\u0080-\u00ff\u0370-\u052f\u2500-\u257f]"
)  # ョヒフ of EUC-JP read as CP932
_JAPANESE = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")
_ONE_ENCODING = "open it in the program that made it, and save it in one encoding, preferably as “CSV UTF-8”"
_REMEDY = "name its encoding with --encoding (utf-8, shift_jis, euc_jp, utf-16 …), or save it as “CSV UTF-8”"


@dataclass(frozen=True)
class Text:
    """Bytes of a text without its byte order mark, in an encoding whose line ends are one or two separate bytes.

    `codec` is this encoding, and `written` that of the file: they differ if the text had to be recoded.
    """

    data: bytes
    codec: str
    written: str
    mark: bytes = b""

    def label(self) -> str:
        """Return the display name of the encoding."""
        return encoding_label(self.written) + (" with a byte order mark" if self.mark else "")


def encoding_label(codec: str) -> str:
    """Return the display name of an encoding."""
    return _NAMES.get(codec, codec)


def codec_of(name: str) -> tuple[str, bytes]:
    """Return the codec of an encoding name, and the byte order mark that the name requires.

    Raises TableError for an unknown encoding.
    """
    try:
        found = codecs.lookup(name).name
        "施".encode(found, "replace")
    except (LookupError, UnicodeError) as error:
        remedy = "known are utf-8, utf-8-sig (with a byte order mark), shift_jis, euc_jp, utf-16 …"
        raise TableError(Problem(f"there is no encoding {name}", remedy)) from error
    return _ALIASES.get(found, found), codecs.BOM_UTF8 if found == "utf-8-sig" else b""


def text_of(data: bytes, file: Path, name: str | None) -> Text:
    """Return the text of a file; raise TableError if its encoding is unknown or its bytes are invalid in it."""
    codec = codec_of(name)[0] if name else _detect_encoding(data)
    if not name and codec not in (UTF_8, "utf-16") and (mixed := _mixed(data)):
        raise TableError(Problem(f"it mixes encodings: {mixed}", _ONE_ENCODING, file))
    if codec is None:
        fact = f"it is in neither UTF-8 nor Shift_JIS, EUC-JP or ISO-2022-JP{_first_invalid_byte(data)}"
        raise TableError(Problem(fact, _REMEDY, file))
    mark = codecs.BOM_UTF8 if codec == UTF_8 and data.startswith(codecs.BOM_UTF8) else b""
    data = data.removeprefix(mark)
    try:
        text = data.decode(codec)
    except UnicodeError as error:
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise TableError(Problem(f"this is not {encoding_label(codec)}: {error}", _REMEDY, file, line)) from error
    if "\0" in text:
        raise TableError(Problem("it has zero bytes: it is not a text table, or is in UTF-16", _REMEDY, file))
    return Text(data, codec, codec, mark) if codec in _BYTE_BY_BYTE else Text(text.encode(), UTF_8, codec)


def writable(text: str, codec: str) -> tuple[str, int]:
    """Return a text as an encoding can represent it, and the number of characters it cannot (written as 〓)."""
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        nearest = [_nearest(character, codec) for character in text]
        blank = _UNWRITABLE if _can_encode(codec, _UNWRITABLE) else "?"
        return "".join(character or blank for character in nearest), nearest.count("")
    return text, 0


def _nearest(character: str, codec: str) -> str:
    twin = character.translate(_TWINS)
    return next((candidate for candidate in (character, twin) if _can_encode(codec, candidate)), "")


def _can_encode(codec: str, character: str) -> bool:
    return bool(character.encode(codec, "ignore"))


def _detect_encoding(data: bytes) -> str | None:
    """Return the encoding detected from the bytes, or None."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _SHIFT.search(data) and (codec := _first(data, (ISO_2022_JP, "iso2022_jp_ext", "iso2022_jp_2004"))):
        return codec
    fitting = _first(data, (UTF_8, CP932))
    euc = _first(data, (EUC_JP, "euc_jis_2004")) if fitting != UTF_8 else None
    if euc and (fitting is None or _implausibility(data, euc) < _implausibility(data, CP932)):
        return euc
    return fitting


def _first(data: bytes, codecs: Iterable[str]) -> str | None:
    return next((codec for codec in codecs if _fits(data, codec)), None)


def _implausibility(data: bytes, codec: str) -> float:
    """Return the share of the non-ASCII characters that are implausible in a table, if decoded with an encoding."""
    characters = [character for character in data.decode(codec) if character > "\x7f"]
    if codec == CP932 and all("｡" <= character <= "ﾟ" for character in characters):
        return 0.0  # half-width kana only: EUC-JP would have other bytes as well
    return sum(bool(_IMPLAUSIBLE.match(character)) for character in characters) / max(1, len(characters))


def _mixed(data: bytes) -> str:
    """Return the first line in each encoding of a file that mixes UTF-8 with others; empty if it does not."""
    found: dict[str, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line.isascii():
            codec = UTF_8 if _fits(line, UTF_8) and _JAPANESE.search(line.decode()) else _detect_encoding(line)
            found.setdefault(codec or "", number)
    if UTF_8 not in found or len(found) < 2:
        return ""
    return ", ".join(
        f"line {number} is {encoding_label(codec)}" if codec else f"line {number} is in an unknown encoding"
        for codec, number in sorted(found.items(), key=lambda pair: pair[1])
    )


def _fits(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _first_invalid_byte(data: bytes) -> str:
    """Return the position of the first byte that is not UTF-8, for a message; empty if there is none."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f" (byte {data[error.start]:#04x} in line {data[: error.start].count(bytes([10])) + 1})"
    return ""


SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_ENDS = (b"\r\n", b"\n", b"\r")
csv.field_size_limit(1 << 24)  # characters; a cell may hold a whole law
_QUOTED = "close it, or double a quotation mark that is part of the text"
_LEAVE = "leave out --out-encoding: then the table stays in the encoding it is in"


@dataclass(frozen=True)
class Record:
    """Row of a table: its bytes, its line end, its number of cells, and the cells that are read."""

    raw: bytes
    end: bytes
    cells: int
    value: str
    further: tuple[str, ...] = ()


class TextTable:
    """Table in a text file with one column to match. Raises TableError if the file cannot be read."""

    def __init__(self, data: bytes, file: Path, columns: Columns, encoding: str | None, separator: str | None) -> None:
        self._text, self._file = text_of(data, file, encoding), file
        self._lines = self._text.data.splitlines(keepends=True)  # splitlines() of bytes splits only at \n, \r\n and \r
        self._separator, self._header, place, further = self._locate_columns(columns, separator)
        self._records = [
            Record(*_split_line_end(raw), len(cells), _cell(cells, place), tuple(_cell(cells, one) for one in further))
            for raw, cells in _records(self._lines, self._text.codec, self._separator, file)
        ]
        self._width = max((record.cells for record in self._records[self._header :]), default=0)

    def _locate_columns(self, columns: Columns, separator: str | None) -> tuple[str, int, int, tuple[int, ...]]:
        """Return the separator, and the positions of the header row, the column and the further columns."""
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
                # A column number fits every separator, so a separator that makes one column is the last choice.
                if separator or not columns.name.isdecimal() or len(rows[found[0]]) > 1:
                    return candidate, *found
                alone = alone or (candidate, *found)
        if alone:
            return alone  # a table of one column
        raise max(failed, key=lambda pair: pair[0])[1]

    def about(self) -> str:
        """Return encoding and separator of the file."""
        return f"{self._text.label()}, separated by {SEPARATORS.get(self._separator, repr(self._separator))}"

    def values(self) -> Sequence[str | None]:
        """Return the text of the column in each row below the header; None for an empty line."""
        return [record.value if record.cells else None for record in self._records[self._header + 1 :]]

    def further(self) -> Sequence[Sequence[str]]:
        """Return the texts of the further columns in each row below the header."""
        return [record.further for record in self._records[self._header + 1 :]]

    def column_names(self) -> Sequence[str]:
        """Return the names of the existing columns."""
        return list(self.rows())[self._header]

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield every row as text."""
        return (cells for _, cells in _records(self._lines, self._text.codec, self._separator, self._file))

    def header(self) -> int:
        """Return the number of rows above the header."""
        return self._header

    def write(self, out: Path | None, names: Sequence[str], added: Added, encoding: str | None) -> WriteResult:
        """Write the table with the added cells; raise TableError if the encoding cannot represent the table."""
        codec, mark = codec_of(encoding) if encoding else (self._text.written, self._text.mark)
        lost = 0
        encoder = codecs.getincrementalencoder(codec)()  # one for all records: some encodings begin with a mark
        parts = [mark]
        for record, more in zip(self._records, self._appended_texts(names, added), strict=True):
            ours, unwritable = writable(more, codec)
            lost += unwritable
            if codec == self._text.codec:
                parts.append(record.raw + ours.encode(codec) + record.end)
            else:
                raw, end = (piece.decode(self._text.codec) for piece in (record.raw, record.end))
                parts.append(self._recoded(encoder, raw + ours + end, codec))
        with output(out) as file:
            file.write(b"".join(parts))
        return WriteResult(encoding_label(codec), lost)

    def _recoded(self, encoder: codecs.IncrementalEncoder, text: str, codec: str) -> bytes:
        try:
            return encoder.encode(text)
        except UnicodeEncodeError as error:
            fact = f"{encoding_label(codec)} does not have “{text[error.start]}”, which is in the table"
            raise TableError(Problem(fact, _LEAVE, self._file)) from error

    def _appended_texts(self, names: Sequence[str], added: Added) -> Iterator[str]:
        """Yield the text to append to each record; shorter rows are padded to the width of the table."""
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
    """Yield each record with its bytes; raise TableError if a quotation mark is never closed."""
    taken: list[bytes] = []
    number = 0

    def decoded_lines() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line.decode(codec)

    records = csv.reader(decoded_lines(), delimiter=separator)
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
    """Raise TableError if the last record of a file ends within quotation marks."""
    try:
        list(csv.reader((line.decode(codec) for line in lines), delimiter=separator, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            fact = "a quotation mark in this record is never closed"
            raise TableError(Problem(fact, _QUOTED, file, number)) from error


def _split_line_end(raw: bytes) -> tuple[bytes, bytes]:
    end = next((end for end in _ENDS if raw.endswith(end)), b"")
    return raw.removesuffix(end), end


def write_text(rows: Iterable[Sequence[str]], out: Path | None, separator: str, encoding: str | None) -> WriteResult:
    """Write a table as text; the default encoding is UTF-8 with a byte order mark, which Excel recognizes."""
    codec, mark = codec_of(encoding or "utf-8-sig")
    line = StringIO()
    csv.writer(line, delimiter=separator, lineterminator="\r\n").writerows(rows)
    text, lost = writable(line.getvalue(), codec)
    with output(out) as file:
        file.write(mark + text.encode(codec))
    return WriteResult(encoding_label(codec), lost)
