"""Where a table is read from and written to: a file, or standard input and output."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from kg.core.errors import Problem
from kg.matching.link.table import TableError

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
