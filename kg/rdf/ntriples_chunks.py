"""A sorted N-Triples file, cut where its subjects change, and looked up by subject; never in memory as a whole."""

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

SIZE = 8 << 20  # bytes of a chunk: enough for one document


@dataclass(frozen=True)
class Chunk:
    """A part of a file that holds all that it states of its subjects."""

    file: Path
    start: int
    end: int

    def read(self) -> bytes:
        """Return its lines."""
        with self.file.open("rb") as content:
            content.seek(self.start)
            return content.read(self.end - self.start)


def chunks_of(file: Path, size: int = SIZE) -> list[Chunk]:
    """Return the chunks of a file, each of about so many bytes: the same for the same file."""
    with file.open("rb") as content:
        return list(_chunks(content, Chunk(file, 0, file.stat().st_size), size))


def _chunks(content: BinaryIO, whole: Chunk, size: int) -> Iterator[Chunk]:
    """Yield the chunks of what begins with a subject and ends with one."""
    start = whole.start
    while start < whole.end:
        end = _end_of_subject(content, start + size) if start + size < whole.end else whole.end
        yield Chunk(whole.file, start, min(end, whole.end))
        start = end


def _end_of_subject(content: BinaryIO, place: int) -> int:
    """Return where the lines end that are about the subject of the first line behind a place."""
    content.seek(place)
    content.readline()  # the rest of a line
    subject, end = b"", content.tell()
    while (line := content.readline()) and (not subject or line.startswith(subject)):
        subject = line[: line.index(b" ") + 1]
        end = content.tell()
    return end


class Sorted:
    """Finds what a sorted N-Triples file states of a subject, or of all whose IRIs begin alike."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: mmap.mmap | bytes
        with file.open("rb") as content:
            empty = not content.read(1)  # which has no memory to look into
            self._lines = b"" if empty else mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ)

    def beginning(self, prefix: bytes) -> bytes:
        """Return the lines that begin so."""
        start = self._first(prefix)
        return self._lines[start : self._first(prefix + b"\xff", start)]

    def without(self, prefixes: Iterable[bytes], size: int) -> Iterator[list[Chunk]]:
        """Yield, in lots of about so many bytes, the chunks of the lines that begin with none of these."""
        places = sorted((self._first(prefix), self._first(prefix + b"\xff")) for prefix in prefixes)
        starts, ends = [0, *(end for _, end in places)], [*(start for start, _ in places), len(self._lines)]
        lot, room = list[Chunk](), size
        with self._file.open("rb") as content:
            for start, end in zip(starts, ends, strict=True):
                for chunk in _chunks(content, Chunk(self._file, start, end), size):
                    lot.append(chunk)
                    room -= chunk.end - chunk.start
                    if room <= 0:
                        yield lot
                        lot, room = [], size
        if lot:
            yield lot

    def _first(self, key: bytes, low: int = 0) -> int:
        """Return where the first line begins that is not before a key."""
        high = len(self._lines)
        while low < high:
            middle = (low + high) // 2
            line = self._lines.rfind(b"\n", low, middle) + 1 or low
            if self._lines[line : line + len(key)] < key:
                end = self._lines.find(b"\n", middle)
                low = len(self._lines) if end < 0 else end + 1
            else:
                high = line
        return low


def by_subject(lines: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield each subject, in its brackets, with its lines."""
    for subject, group in groupby(lines.splitlines(keepends=True), key=lambda line: line[: line.index(b" ")]):
        yield subject, list(group)
