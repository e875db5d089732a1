"""Table interface for all file types: one column is read, columns are added, and everything else is kept.

Here are also the lookup of columns by name or number, and the input and output of bytes, which may be files or the
standard streams.
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
        """Return the text of the column in each row below the header; None for an empty row."""

    def column_names(self) -> Sequence[str]:
        """Return the names of the existing columns."""

    def further(self) -> Sequence[Sequence[str]]:
        """Return the texts of the further columns in each row below the header."""

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield every row as text, including those above the header."""

    def header(self) -> int:
        """Return the number of rows above the header."""

    def write(self, out: Path | None, names: Sequence[str], added: Added, encoding: str | None) -> WriteResult:
        """Write the table with the added cells to a file of the same type, or to standard output."""


def with_added(table: Table, names: Sequence[str], added: Added) -> Iterator[Sequence[str]]:
    """Yield every row of a table as text; those from the header on have the added cells, after the same column."""
    rows = list(table.rows())
    width = max((len(row) for row in rows[table.header() :]), default=0)
    more = iter([names, *added])
    for number, row in enumerate(rows):
        yield row if number < table.header() else [*row, *[""] * (width - len(row)), *next(more)]


def locate_column(rows: Sequence[Sequence[str]], column: str, file: Path, header_row: int = 0) -> tuple[int, int]:
    """Return the positions of the header row and of a column, both from 0.

    A column is given by its name, in any width, case and spacing, or by its number from 1. `header_row` is the last row
    of the header, from 1, if the user gives it: the name may then be in any row up to this one. Raises ColumnError,
    with the existing columns, if there is none with this name, or several.
    """
    if header_row > len(rows):
        remedy = "give the number of a row, counted from 1"
        raise ColumnError(Problem(f"there is no row {header_row} to be the header", remedy, file))
    wanted, header = normalize_name(column), header_row - 1 if header_row else header_of(rows)
    for number, row in reversed([*enumerate(rows[: header + 1])]) if header_row else enumerate(rows[: header + 1]):
        matching = [place for place, name in enumerate(row) if normalize_name(name) == wanted]
        if len(matching) == 1:
            return header if header_row else number, matching[0]
        if matching:
            numbers = ", ".join(str(place + 1) for place in matching)
            raise ColumnError(
                Problem(f"columns {numbers} are all called {column}", "give the number of one of them", file)
            )
    names = rows[header] if rows else ()
    if column.isascii() and column.isdecimal() and 1 <= int(column) <= len(names):
        return header, int(column) - 1
    listed = ", ".join(f"{number} {_shown(name)}" for number, name in enumerate(names, 1)) or "none: it is empty"
    raise ColumnError(Problem(f"there is no column {column}", f"columns of this table: {listed}", file))


def header_of(rows: Sequence[Sequence[str]]) -> int:
    """Return the position of the header row: the first with more than half as many filled cells as the fullest row.

    Titles above a header fill only a few cells.
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    return next((number for number, count in enumerate(filled) if count > max(filled) / 2), 0)


def normalize_name(name: str) -> str:
    """Return the comparison form of a column name: without differences of width, case, spaces and line breaks."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _shown(name: str) -> str:
    return " ".join(name.split()) or "(without a name)"


STANDARD = Path("-")


def content(file: Path) -> bytes:
    """Return the bytes of a file, or of standard input for `-`; raise TableError if it cannot be read."""
    if file == STANDARD:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise TableError(Problem(f"cannot be read: {error.strerror}", "name an existing file", file)) from error


@contextmanager
def output(out: Path | None) -> Iterator[IO[bytes]]:
    """Context manager for the output: standard output, or a file that replaces the old one once it is complete."""
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
    """Return the umask of this process, which temporary files ignore."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
