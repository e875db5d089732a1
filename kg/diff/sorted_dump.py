"""Sorted dump: the distinct statements of any RDF file as sorted lines of N-Triples, and the comparison of two dumps.

Memory is constant: an unsorted file is sorted externally, in chunks on disk, and two dumps are compared in one pass.
"""

import gzip
import heapq
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import IO, cast

from pyoxigraph import BlankNode, DefaultGraph, parse

from kg.core.errors import Problem, ReleaseError
from kg.core.release import GRAPH, N_TRIPLES, Release, edition_dump
from kg.core.store_loader import SUFFIXES

_CHUNK_LINES = 250_000  # lines that are sorted at once
_END = " .\n"


@dataclass(frozen=True)
class Dump:
    """Dump with its name, such as a version, its file of sorted lines, and its date of issue, if known."""

    name: str
    file: Path
    issued: str = ""

    @classmethod
    def of_release(cls, release: Release, work: Path, edition: str = "") -> "Dump":
        """Return the dump of a release, or of one of its editions; `work` is a folder for temporary files."""
        names = {file.name for file in release.files}
        if not edition and N_TRIPLES in names:  # which `kg build` writes sorted
            return cls(release.version, release.path(N_TRIPLES), release.issued)
        file = release.path(edition_dump(edition) if edition else GRAPH)
        return cls(edition or release.version, _sorted(file, work), release.issued)

    @classmethod
    def of_file(cls, file: Path, work: Path) -> "Dump":
        """Return the default graph of any RDF file as a dump; raise ReleaseError if that is impossible."""
        return cls(file.name, _sorted(file, work))

    def lines(self) -> Iterator[str]:
        """Yield the lines, without line ends."""
        with self.file.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line.removesuffix("\n")

    def subjects(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each subject in N-Triples syntax, with its lines."""
        for subject, lines in groupby(self.lines(), key=subject_of):
            yield subject, list(lines)


def subject_of(line: str) -> str:
    """Return the subject of a line in N-Triples syntax."""
    return line.partition(" ")[0]


def _sorted(file: Path, work: Path) -> Path:
    """Sort the lines of a file externally and return the sorted file, in the folder `work`."""
    target = work / f"{len(list(work.iterdir()))}.nt"
    with ExitStack() as stack:
        lines = _lines(file)
        chunks: list[IO[str]] = []
        while chunk := sorted(islice(lines, _CHUNK_LINES)):
            chunks.append(stack.enter_context(target.with_suffix(f".{len(chunks)}").open("w+", encoding="utf-8")))
            chunks[-1].writelines(chunk)
            chunks[-1].seek(0)
        with target.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(_distinct(heapq.merge(*chunks)))
    for place in range(len(chunks)):
        target.with_suffix(f".{place}").unlink()
    return target


def _distinct(lines: Iterable[str]) -> Iterator[str]:
    return (line for line, _ in groupby(lines))


def _lines(file: Path) -> Iterator[str]:
    """Yield the statements of the default graph of a file as unsorted lines."""
    compressed = file.suffix == ".gz"
    format = SUFFIXES.get(Path(file.stem).suffix.lower() if compressed else file.suffix.lower())
    if format is None:
        remedy = f"name it with one of {', '.join(SUFFIXES)}, or with .gz appended"
        raise ReleaseError(Problem(f"unknown file extension “{file.suffix}”", remedy, file))
    try:
        with gzip.open(file) if compressed else file.open("rb") as content:
            for quad in parse(cast(IO[bytes], content), format=format, base_iri=file.resolve().as_uri()):
                if quad.graph_name != DefaultGraph():
                    continue
                if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode):
                    fact = "has blank nodes, whose labels cannot be compared between files"
                    raise ReleaseError(Problem(fact, "give these nodes an IRI", file))
                yield f"{quad.triple}{_END}"
    except SyntaxError as error:
        raise ReleaseError(Problem(f"invalid {format.name}: {error.msg}", "correct it", file, error.lineno)) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ReleaseError(Problem(f"cannot be read: {error}", "name a readable file", file)) from error


_NONE: tuple[str, list[str]] = ("", [])


@dataclass(frozen=True)
class Difference:
    """Differing subject in N-Triples syntax, with all its lines in either dump."""

    subject: str
    before: list[str]
    after: list[str]

    @property
    def removed(self) -> list[str]:
        """Lines of the first dump only."""
        return sorted({*self.before} - {*self.after})

    @property
    def added(self) -> list[str]:
        """Lines of the second dump only."""
        return sorted({*self.after} - {*self.before})


def differences(before: Dump, after: Dump) -> Iterator[Difference]:
    """Yield the differing subjects, in the order of the dumps."""
    one, other = before.subjects(), after.subjects()
    old, new = next(one, _NONE), next(other, _NONE)
    while old[0] or new[0]:
        if not new[0] or (old[0] and old[0] < new[0]):
            yield Difference(old[0], old[1], [])
            old = next(one, _NONE)
        elif not old[0] or new[0] < old[0]:
            yield Difference(new[0], [], new[1])
            new = next(other, _NONE)
        else:
            if old[1] != new[1]:
                yield Difference(old[0], old[1], new[1])
            old, new = next(one, _NONE), next(other, _NONE)


def patch(before: Dump, after: Dump) -> Iterator[tuple[bool, str]]:
    """Yield the patch from the first to the second dump: whether each line is added (else removed), and the line.

    The first dump without those removed and with those added, sorted, is the second, byte for byte.
    """
    for difference in differences(before, after):
        yield from ((False, line) for line in difference.removed)
        yield from ((True, line) for line in difference.added)
