"""A sorted N-Triples file, cut where its subjects change, and looked up by subject; never in memory as a whole.

The part of the graph that one edition speaks of: for who wants only that table, and to validate it by itself.
"""

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from kg.core import iris
from kg.rdf.document_parts import own_prefixes

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


_KEPT = 50_000  # subjects that several editions speak of, whose lines are kept
_ID = iris.ID.encode()
_TYPE = f"<{iris.PREFIXES['rdf']}type>".encode()

Said = dict[bytes, list[bytes]]  # lines by their subjects, which are IRIs without brackets


class Editions:
    """What each edition of a sorted graph states, by way of the disk."""

    def __init__(self, graph: Sorted, keys: Iterable[str]) -> None:
        self._graph = graph
        self._keys = {key.encode() for key in keys}
        self._kept: dict[bytes, list[bytes]] = {}

    def owner(self, iri: bytes) -> bytes:
        """Return the key of the edition that a thing belongs to, or nothing where several may speak of it."""
        if not iri.startswith(_ID):
            return b""
        kind, _, rest = iri[len(_ID) :].partition(b"/")
        key = rest.partition(b"/")[0] if kind in (b"source", b"edition") else kind
        return key if key in self._keys else b""

    def spoken_of(self, key: str) -> Said:
        """Return, by subject, the lines of what an edition speaks of, in their order.

        They are what the edition states itself, and what is said of all that can be reached from there without entering
        another edition: organizations, pillars, laws, corrections, rows of the recipe. A code that the edition does not
        use stands in the whole graph only.
        """
        own = iris.edition(key).encode()
        found = {own: self._about(own)}
        for prefix in (*own_prefixes(key), b"<" + own + b"/"):
            found |= about(self._graph.beginning(prefix))
        found = self.reached(found, key)
        return {
            subject: found[subject] for subject in sorted(found, key=lambda subject: subject + b">") if found[subject]
        }

    def reached(self, found: Said, key: str = "") -> Said:
        """Return what is found, and what can be reached from there without entering another edition than this."""
        found, ahead = dict(found), list(found)
        while ahead:
            for iri in _things(found[ahead.pop()]):
                if iri not in found and self.owner(iri) in (b"", key.encode()) and (lines := self._about(iri)):
                    found[iri] = lines
                    ahead.append(iri)
        return found

    def shared(self, size: int) -> Iterator[list[Chunk]]:
        """Yield lots of chunks with what does not stand among an edition's measures or printed cells."""
        return self._graph.without(
            (prefix for key in sorted(self._keys) for prefix in own_prefixes(key.decode())), size
        )

    def pointing(self, lines: bytes, properties: frozenset[bytes]) -> Iterator[bytes]:
        """Yield which things are pointed to by one of these properties, but by none that has the same edition.

        Each line begins with the thing: a statement by which something points there, or the class of what points.
        """
        for subject, said in by_subject(lines):
            owner = self.owner(subject[1:-1])
            rows = [(line, *line.split(b" ", 2)[1:]) for line in said]
            there = [
                (value[:-2], line)
                for line, name, value in rows
                if name in properties and value.startswith(b"<") and self.owner(value[1:-4]) not in {owner} - {b""}
            ]
            types = [line for line, name, _ in rows if name == _TYPE]
            yield from (value + line for value, line in there)
            yield from (value + line for value in {value for value, _ in there} for line in types)

    def around(self, found: Said) -> Iterator[bytes]:
        """Yield the lines about the things, of other editions, that what is found points to."""
        beyond = {iri for lines in found.values() for iri in _things(lines) if iri not in found}
        for iri in sorted(beyond):
            yield from self._about(iri)

    def _about(self, iri: bytes) -> list[bytes]:
        if iri not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[iri] = self._graph.beginning(b"<" + iri + b"> ").splitlines(keepends=True)
        return self._kept[iri]


def about(lines: bytes) -> Said:
    """Return lines by their subjects."""
    return {subject[1:-1]: said for subject, said in by_subject(lines)}


def _things(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the IRIs that lines point to."""
    for line in lines:
        value = line.split(b" ", 2)[2]
        if value.startswith(b"<"):
            yield value[1:-4]  # without what ends the line
