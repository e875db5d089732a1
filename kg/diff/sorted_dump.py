"""A dump as lines of N-Triples in the order of their characters, each once, whatever it was before.

The memory that this takes does not grow with the dump: what is not sorted is sorted in pieces, on the disk.

Two dumps side by side, in one pass over both: the subjects that differ, and the statements that make it so.
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

_PIECE = 250_000  # lines that are sorted at once
_END = " .\n"


@dataclass(frozen=True)
class Dump:
    """A dump by its name, such as a version, the file with its sorted lines, and the day it was issued, if known."""

    name: str
    file: Path
    issued: str = ""

    @classmethod
    def of_release(cls, release: Release, work: Path, edition: str = "") -> "Dump":
        """Return the dump of a release, or of one of its editions; `work` is a folder for what has to be sorted."""
        names = {file.name for file in release.files}
        if not edition and N_TRIPLES in names:  # which `kg build` writes sorted
            return cls(release.version, release.path(N_TRIPLES), release.issued)
        file = release.path(edition_dump(edition) if edition else GRAPH)
        return cls(edition or release.version, _sorted(file, work), release.issued)

    @classmethod
    def of_file(cls, file: Path, work: Path) -> "Dump":
        """Return the dump that any RDF file is: its default graph; raise ReleaseError where it cannot be one."""
        return cls(file.name, _sorted(file, work))

    def lines(self) -> Iterator[str]:
        """Yield its lines, without the end of the line."""
        with self.file.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line.removesuffix("\n")

    def subjects(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each subject, as it is written, with its lines."""
        for subject, lines in groupby(self.lines(), key=subject_of):
            yield subject, list(lines)


def subject_of(line: str) -> str:
    """Return the subject of a line as it is written there."""
    return line.partition(" ")[0]


def _sorted(file: Path, work: Path) -> Path:
    """Write the sorted lines of a file into a folder, and return them."""
    made = work / f"{len(list(work.iterdir()))}.nt"
    with ExitStack() as stack:
        lines = _lines(file)
        pieces: list[IO[str]] = []
        while piece := sorted(islice(lines, _PIECE)):
            pieces.append(stack.enter_context(made.with_suffix(f".{len(pieces)}").open("w+", encoding="utf-8")))
            pieces[-1].writelines(piece)
            pieces[-1].seek(0)
        with made.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(_once(heapq.merge(*pieces)))
    for place in range(len(pieces)):
        made.with_suffix(f".{place}").unlink()
    return made


def _once(lines: Iterable[str]) -> Iterator[str]:
    return (line for line, _ in groupby(lines))


def _lines(file: Path) -> Iterator[str]:
    """Yield the statements of the default graph of a file as lines, in its order."""
    packed = file.suffix == ".gz"
    format = SUFFIXES.get(Path(file.stem).suffix.lower() if packed else file.suffix.lower())
    if format is None:
        remedy = f"name it with one of {', '.join(SUFFIXES)}, or with .gz behind"
        raise ReleaseError(Problem(f"what “{file.suffix}” means is not known", remedy, file))
    try:
        with gzip.open(file) if packed else file.open("rb") as content:
            for quad in parse(cast(IO[bytes], content), format=format, base_iri=file.resolve().as_uri()):
                if quad.graph_name != DefaultGraph():
                    continue
                if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode):
                    fact = "has blank nodes, and what they are called in one file means nothing in another"
                    raise ReleaseError(Problem(fact, "give what they stand for an IRI", file))
                yield f"{quad.triple}{_END}"
    except SyntaxError as error:
        raise ReleaseError(Problem(f"no valid {format.name}: {error.msg}", "mend it", file, error.lineno)) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ReleaseError(Problem(f"cannot be read: {error}", "name a file that can", file)) from error


_NONE: tuple[str, list[str]] = ("", [])


@dataclass(frozen=True)
class Difference:
    """A subject that differs, as it is written, with all its lines in the one dump and in the other."""

    subject: str
    before: list[str]
    after: list[str]

    @property
    def removed(self) -> list[str]:
        """The lines that only the first dump has."""
        return sorted({*self.before} - {*self.after})

    @property
    def added(self) -> list[str]:
        """The lines that only the second dump has."""
        return sorted({*self.after} - {*self.before})


def differences(before: Dump, after: Dump) -> Iterator[Difference]:
    """Yield each subject whose lines differ, in the order of the dumps."""
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
    """Yield the lines that make the second dump of the first: whether each is added (else removed), and the line.

    The first dump without those removed and with those added, sorted, is the second, byte for byte.
    """
    for difference in differences(before, after):
        yield from ((False, line) for line in difference.removed)
        yield from ((True, line) for line in difference.added)
