"""Sorted N-Triples files on disk: split into chunks by subject, searched by subject, and divided by edition.

The statements of one edition, with all things reachable from them, are its dump; they can be validated separately.
"""

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from kg.core import iris
from kg.rdf.document_parts import own_prefixes

CHUNK_SIZE = 8 << 20  # bytes of a chunk: enough for one document


@dataclass(frozen=True)
class Chunk:
    """A part [start:end] of a file, with all statements about its subjects."""

    file: Path
    start: int
    end: int

    def read(self) -> bytes:
        """Return its lines."""
        with self.file.open("rb") as content:
            content.seek(self.start)
            return content.read(self.end - self.start)


def chunks_of(file: Path, size: int = CHUNK_SIZE) -> list[Chunk]:
    """Return the chunks of a file, each of about `size` bytes; the result depends on the file only."""
    with file.open("rb") as content:
        return list(_chunks(content, Chunk(file, 0, file.stat().st_size), size))


def _chunks(content: BinaryIO, whole: Chunk, size: int) -> Iterator[Chunk]:
    """Yield the chunks of a range that begins and ends between subjects."""
    start = whole.start
    while start < whole.end:
        end = _end_of_subject(content, start + size) if start + size < whole.end else whole.end
        yield Chunk(whole.file, start, min(end, whole.end))
        start = end


def _end_of_subject(content: BinaryIO, place: int) -> int:
    """Return the end of the lines about the subject of the first line after an offset."""
    content.seek(place)
    content.readline()  # skips the remainder of a line
    subject, end = b"", content.tell()
    while (line := content.readline()) and (not subject or line.startswith(subject)):
        subject = line[: line.index(b" ") + 1]
        end = content.tell()
    return end


class SortedGraph:
    """Lookup of statements in a sorted N-Triples file, by binary search."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: mmap.mmap | bytes
        with file.open("rb") as content:
            empty = not content.read(1)  # an empty file cannot be mapped into memory
            self._lines = b"" if empty else mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ)

    def lines_with_prefix(self, prefix: bytes) -> bytes:
        """Return the lines that begin with a prefix."""
        start = self._find_first(prefix)
        return self._lines[start : self._find_first(prefix + b"\xff", start)]

    def chunks_without(self, prefixes: Iterable[bytes], size: int) -> Iterator[list[Chunk]]:
        """Yield batches, of about `size` bytes, of chunks of the lines that begin with none of the prefixes."""
        places = sorted((self._find_first(prefix), self._find_first(prefix + b"\xff")) for prefix in prefixes)
        starts, ends = [0, *(end for _, end in places)], [*(start for start, _ in places), len(self._lines)]
        batch, remaining = list[Chunk](), size
        with self._file.open("rb") as content:
            for start, end in zip(starts, ends, strict=True):
                for chunk in _chunks(content, Chunk(self._file, start, end), size):
                    batch.append(chunk)
                    remaining -= chunk.end - chunk.start
                    if remaining <= 0:
                        yield batch
                        batch, remaining = [], size
        if batch:
            yield batch

    def _find_first(self, key: bytes, low: int = 0) -> int:
        """Return the offset of the first line that is not less than a key."""
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


def iterate_subjects(lines: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield each subject, in angle brackets, with its lines."""
    for subject, group in groupby(lines.splitlines(keepends=True), key=lambda line: line[: line.index(b" ")]):
        yield subject, list(group)


_CACHE_SIZE = 50_000  # cached subjects that several editions refer to
_ID = iris.ID.encode()
_TYPE = f"<{iris.PREFIXES['rdf']}type>".encode()

LinesBySubject = dict[bytes, list[bytes]]  # lines by their subjects, which are IRIs without brackets


class EditionIndex:
    """Lookup of the statements of each edition in a sorted graph."""

    def __init__(self, graph: SortedGraph, keys: Iterable[str]) -> None:
        self._graph = graph
        self._keys = {key.encode() for key in keys}
        self._cache: dict[bytes, list[bytes]] = {}

    def owner(self, iri: bytes) -> bytes:
        """Return the key of the edition that a thing belongs to, or nothing if several may describe it."""
        if not iri.startswith(_ID):
            return b""
        kind, _, remaining = iri[len(_ID) :].partition(b"/")
        key = remaining.partition(b"/")[0] if kind in (b"source", b"edition") else kind
        return key if key in self._keys else b""

    def lines_of_edition(self, key: str) -> LinesBySubject:
        """Return, by subject, the lines of an edition and of all that it refers to, in order.

        These are the statements about its own things, and about all that can be reached from there without entering
        another edition: organizations, pillars, laws, corrections, rows of the recipe. A code that the edition does not
        use is in the whole graph only.
        """
        own = iris.edition(key).encode()
        selected = {own: self._lines_about(own)}
        for prefix in (*own_prefixes(key), b"<" + own + b"/"):
            selected |= group_by_subject(self._graph.lines_with_prefix(prefix))
        selected = self.reachable(selected, key)
        return {
            subject: selected[subject]
            for subject in sorted(selected, key=lambda subject: subject + b">")
            if selected[subject]
        }

    def reachable(self, reached: LinesBySubject, key: str = "") -> LinesBySubject:
        """Return the given things and those reachable from them without entering an edition other than `key`."""
        reached, pending = dict(reached), list(reached)
        while pending:
            for iri in _object_iris(reached[pending.pop()]):
                if iri not in reached and self.owner(iri) in (b"", key.encode()) and (lines := self._lines_about(iri)):
                    reached[iri] = lines
                    pending.append(iri)
        return reached

    def shared_chunks(self, size: int) -> Iterator[list[Chunk]]:
        """Yield batches of chunks of the lines that are not about an edition's measures or printed cells."""
        return self._graph.chunks_without(
            (prefix for key in sorted(self._keys) for prefix in own_prefixes(key.decode())), size
        )

    def incoming(self, lines: bytes, properties: frozenset[bytes]) -> Iterator[bytes]:
        """Yield the statements that point to a thing of another edition by one of these properties.

        Each line begins with the thing pointed to, followed by the statement, or by the class of the statement's
        subject.
        """
        for subject, lines_of_subject in iterate_subjects(lines):
            owner = self.owner(subject[1:-1])
            rows = [(line, *line.split(b" ", 2)[1:]) for line in lines_of_subject]
            pointing = [
                (value[:-2], line)
                for line, name, value in rows
                if name in properties and value.startswith(b"<") and self.owner(value[1:-4]) not in {owner} - {b""}
            ]
            types = [line for line, name, _ in rows if name == _TYPE]
            yield from (value + line for value, line in pointing)
            yield from (value + line for value in {value for value, _ in pointing} for line in types)

    def adjacent(self, selected: LinesBySubject) -> Iterator[bytes]:
        """Yield the lines about things of other editions that the given things point to."""
        unvisited = {iri for lines in selected.values() for iri in _object_iris(lines) if iri not in selected}
        for iri in sorted(unvisited):
            yield from self._lines_about(iri)

    def _lines_about(self, iri: bytes) -> list[bytes]:
        if iri not in self._cache:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[iri] = self._graph.lines_with_prefix(b"<" + iri + b"> ").splitlines(keepends=True)
        return self._cache[iri]


def group_by_subject(lines: bytes) -> LinesBySubject:
    """Return lines by their subjects."""
    return {subject[1:-1]: lines_of_subject for subject, lines_of_subject in iterate_subjects(lines)}


def _object_iris(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the IRIs that are the objects of lines."""
    for line in lines:
        value = line.split(b" ", 2)[2]
        if value.startswith(b"<"):
            yield value[1:-4]  # without the end of the line
