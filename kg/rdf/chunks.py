"""A sorted N-Triples file, cut where its subjects change, and looked up by subject; never in memory as a whole."""

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

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
    whole, cuts = file.stat().st_size, [0]
    with file.open("rb") as content:
        while cuts[-1] + size < whole:
            content.seek(cuts[-1] + size)
            content.readline()  # the rest of a line
            subject, place = b"", content.tell()
            while (line := content.readline()) and (not subject or line.startswith(subject)):
                subject = line[: line.index(b" ") + 1]
                place = content.tell()
            cuts.append(min(place, whole))
    ends = [*cuts[1:], whole]
    return [Chunk(file, start, end) for start, end in zip(cuts, ends, strict=True) if start < end]


class Sorted:
    """Finds what a sorted N-Triples file states of a subject, or of all whose IRIs begin alike."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as content:
            self._lines = mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ)

    def beginning(self, prefix: bytes) -> bytes:
        """Return the lines that begin so."""
        start = self._first(prefix)
        return self._lines[start : self._first(prefix + b"\xff", start)]

    def about(self, iri: str) -> bytes:
        """Return the lines about a subject."""
        return self.beginning(f"<{iri}> ".encode())

    def without(self, prefixes: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines, in parts, that begin with none of these."""
        place = 0
        for start, end in sorted((self._first(prefix), self._first(prefix + b"\xff")) for prefix in prefixes):
            yield self._lines[place:start]
            place = max(place, end)
        yield self._lines[place:]

    def close(self) -> None:
        """Let go of the file."""
        self._lines.close()

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
