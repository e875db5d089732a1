"""Table interface for all file types: one column is read, columns are added, and everything else is kept.

A table is read from and written to a file, or standard input and output.
"""

import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Protocol

from kg.core.errors import KgError, Problem

# Rows searched for the header, since many tables have a title and notes above it.
HEADER_WITHIN = 20
# The cells of the added columns, by row.
Added = Sequence[Sequence[str]]


class TableError(KgError):
    """A table cannot be read, or cannot be written as requested."""


class ColumnError(TableError):
    """A table has no such column."""


@dataclass(frozen=True)
class WriteResult:
    """Encoding of the written table, and the number of added characters it cannot represent (written as 〓)."""

    encoding: str
    lost: int = 0


@dataclass(frozen=True)
class Columns:
    """Columns to read, by the names that the user gave, and the number of the header row, or 0."""

    name: str
    further: tuple[str, ...] = ()
    header: int = 0

    def places(self, rows: Sequence[Sequence[str]], file: Path) -> tuple[int, int, tuple[int, ...]]:
        """Return the numbers of the header row, the column and the further ones, from 0; raise ColumnError."""
        header, place = locate_column(rows, self.name, file, self.header)
        return header, place, tuple(locate_column(rows, name, file, header + 1)[1] for name in self.further)


class Table(Protocol):
    """Table with one column to match."""

    def about(self) -> str:
        """Return a short description of the file format, such as `Shift_JIS (CP932), separated by tabs`."""

    def values(self) -> Sequence[str | None]:
        """Return the text of the column in each row below the header; None where there is no row but an empty line."""

    def column_names(self) -> Sequence[str]:
        """Return the names of the existing columns."""

    def further(self) -> Sequence[Sequence[str]]:
        """Return the texts of the further columns in each row below the header."""

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield every row as text, what stands above the header too."""

    def header(self) -> int:
        """Return how many rows stand above the header."""

    def write(self, out: Path | None, names: Sequence[str], added: Added, encoding: str | None) -> WriteResult:
        """Write the table, each row with what is added to it, into a file of its own kind or to standard output."""


def with_added(table: Table, names: Sequence[str], added: Added) -> Iterator[Sequence[str]]:
    """Yield every row of a table as text, from the header on with what is added, all of one width."""
    rows = list(table.rows())
    width = max((len(row) for row in rows[table.header() :]), default=0)
    more = iter([names, *added])
    for number, row in enumerate(rows):
        yield row if number < table.header() else [*row, *[""] * (width - len(row)), *next(more)]


def locate_column(rows: Sequence[Sequence[str]], column: str, file: Path, header_row: int = 0) -> tuple[int, int]:
    """Return where a column is: the number of its header row, and its own, both from 0.

    A column goes by its name, in any width and with any spaces, or by its number from 1. `header_row` counts from 1 and
    is the last row of the header where a user says which: a name may then stand in any row down to it. Raise
    ColumnError, which lists the columns, where there is none of that name or several.
    """
    if header_row > len(rows):
        remedy = "give the number of a row, counted from 1"
        raise ColumnError(Problem(f"there is no row {header_row} to be the header", remedy, file))
    wanted, header = normalize_name(column), header_row - 1 if header_row else header_of(rows)
    for number, row in reversed([*enumerate(rows[: header + 1])]) if header_row else enumerate(rows[: header + 1]):
        there = [place for place, name in enumerate(row) if normalize_name(name) == wanted]
        if len(there) == 1:
            return header if header_row else number, there[0]
        if there:
            numbers = ", ".join(str(place + 1) for place in there)
            raise ColumnError(Problem(f"columns {numbers} are all called {column}", "give the number of one", file))
    names = rows[header] if rows else ()
    if column.isascii() and column.isdecimal() and 1 <= int(column) <= len(names):
        return header, int(column) - 1
    listed = ", ".join(f"{number} {_shown(name)}" for number, name in enumerate(names, 1)) or "none: it is empty"
    raise ColumnError(Problem(f"there is no column {column}", f"columns of this table: {listed}", file))


def header_of(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of the header row: the first one that fills more than half of the cells that a row fills.

    Titles above a header fill few.
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    return next((number for number, count in enumerate(filled) if count > max(filled) / 2), 0)


def normalize_name(name: str) -> str:
    """Return the name of a column without what differs between two writings of it: width, case, spaces, line breaks."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _shown(name: str) -> str:
    return " ".join(name.split()) or "(without a name)"


STANDARD = Path("-")


def content(file: Path) -> bytes:
    """Return the bytes of a file, or of standard input for `-`; raise TableError where it cannot be read."""
    if file == STANDARD:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise TableError(Problem(f"cannot be read: {error.strerror}", "name a file that is there", file)) from error


@contextmanager
def output(out: Path | None) -> Iterator[IO[bytes]]:
    """Give what to write to: standard output, or a file that takes the place of the old one when all is written."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    try:
        with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            written = Path(file.name)
            try:
                yield file
            except BaseException:
                written.unlink()
                raise
        written.chmod(0o666 & ~_umask())
        written.replace(out)
    except OSError as error:
        remedy = "name a file that can be written; in Excel, close it first"
        raise TableError(Problem(f"cannot be written: {error.strerror}", remedy, out)) from error


def _umask() -> int:
    """Return the mask of new files, which a temporary file does not follow."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
