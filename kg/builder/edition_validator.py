"""The dump of each edition, and whether the graph keeps the promises of the shapes: at once, or edition by edition.

A result is about a focus. What a shape looks at from there is what the focus states, what is reached from it, and what
points to it by a property that the shapes follow back. So an edition's own things are validated with all that it speaks
of, and what several editions speak of with all that points there. Their results together are those of the whole graph.
"""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import RdfFormat

from kg.builder.process_pool import Crew
from kg.builder.progress import Progress
from kg.core.release import edition_dump
from kg.rdf.document_parts import merge
from kg.rdf.dump_serializers import gzipped, triples_of, written
from kg.rdf.edition_dumps import Chunk, Editions, Sorted, about, chunks_of
from kg.rdf.shacl_page import iri_of, printings
from kg.rdf.shacl_report import REMARK
from kg.rdf.shacl_validator import Report, Result, Validator, report_of

AT_ONCE = 32 << 20  # bytes of a graph that is validated as a whole
LISTED = 20_000  # remarks that a report lists; of more it tells the number
_TOGETHER = 4 << 20  # bytes about things of no edition that are validated together

Printings = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True)
class Promises:
    """The shapes and the engine that a graph is validated by."""

    shapes: Path
    engine: str


@dataclass
class Found:
    """Results, and where the things are printed that they are about; of remarks there may be the number only."""

    results: set[Result] = field(default_factory=set)
    places: Printings = field(default_factory=dict)
    unlisted: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Found") -> None:
        """Add what was found of other things."""
        self.results |= other.results
        self.places |= other.places
        self.unlisted.update(other.unlisted)
        remarks = {result for result in self.results if result.severity == REMARK}
        if remarks and len(remarks) + self.unlisted[REMARK] > LISTED:
            self.results -= remarks
            self.unlisted[REMARK] += len(remarks)
            listed = {iri_of(result) for result in self.results}
            self.places = {iri: places for iri, places in self.places.items() if iri in listed}

    def report(self) -> Report:
        """Return the report."""
        return report_of(self.results, self.unlisted)


@dataclass(frozen=True)
class _Graph:
    """A sorted graph, the keys of its editions, and where things are put that are needed later."""

    file: Path
    keys: tuple[str, ...]
    work: Path

    @property
    def pointing(self) -> Path:
        """The sorted file of what points to a thing from elsewhere, see `Editions.pointing`."""
        return self.work / "pointing"


def speak(graph: Path, keys: Sequence[str], folder: Path, crew: Crew) -> dict[str, int]:
    """Write the dump of each edition, also compressed, into a folder; return how many statements each has, by key."""
    jobs = [(_Graph(graph, tuple(keys), folder), key) for key in keys]
    return dict(zip(keys, crew.each(_speak, jobs), strict=True))


def _speak(tools: object, job: tuple[_Graph, str]) -> int:
    graph, key = job
    lines = [line for said in _editions(graph).spoken_of(key).values() for line in said]
    content = written(triples_of(b"".join(lines)), RdfFormat.TURTLE)
    graph.work.joinpath(edition_dump(key)).write_bytes(content)
    graph.work.joinpath(f"{edition_dump(key)}.gz").write_bytes(gzipped(content))
    return len(lines)


def validate_graph(
    graph: Path,
    keys: Sequence[str],
    promises: Promises,
    work: Path,
    crew: Crew,
    progress: Progress,
    at_once: int = AT_ONCE,
) -> Found:
    """Return what is broken in a sorted graph. One that is larger than `at_once` bytes is not looked at as a whole."""
    if graph.stat().st_size <= at_once:
        return _found(_validator(promises), graph.read_bytes())
    described, found = _Graph(graph, tuple(keys), work), Found()
    pieces = list(crew.each(_point, [(described, promises, chunk) for chunk in chunks_of(graph)]))
    merge(pieces, described.pointing)
    for piece in pieces:
        piece.unlink()
    parts: list[str | list[Chunk]] = [*keys, *_editions(described).shared(_TOGETHER)]
    jobs = [(described, promises, part) for part in parts]
    for done, results in enumerate(crew.each(_validate, jobs), 1):
        found.add(results)
        progress(f"validate the graph: {done:,} of {len(jobs):,}")
    described.pointing.unlink()
    return found


def _point(tools: object, job: tuple[_Graph, Promises, Chunk]) -> Path:
    """Write what a chunk says that shapes follow back from elsewhere."""
    graph, promises, chunk = job
    followed = frozenset(f"<{name}>".encode() for name in _validator(promises).followed_back)
    piece = graph.work / f"{chunk.start:015}.pointing"
    piece.write_bytes(b"".join(sorted(_editions(graph).pointing(chunk.read(), followed))))
    return piece


def _validate(tools: object, job: tuple[_Graph, Promises, str | list[Chunk]]) -> Found:
    """Validate the things of an edition, or some that belong to none, beside what a shape can see from there."""
    graph, promises, part = job
    editions = _editions(graph)
    if isinstance(part, str):
        found = editions.spoken_of(part)
        focuses = {iri for iri in found if editions.owner(iri)}
    else:
        said = about(b"".join(chunk.read() for chunk in part))
        focuses = {iri for iri in said if not editions.owner(iri)}
        found = editions.reached({iri: said[iri] for iri in focuses})
    lines = [line for said in found.values() for line in said]
    lines += editions.around(found)
    pointing = _pointing(graph)
    lines += [
        line[len(iri) + 3 :]
        for iri in focuses
        for line in pointing.beginning(b"<" + iri + b"> ").splitlines(keepends=True)
    ]
    return _found(_validator(promises), b"".join(lines), focuses)


def _found(validator: Validator, lines: bytes, focuses: set[bytes] | None = None) -> Found:
    results = validator.results(lines, focuses)
    return Found(results, printings(results, triples_of(lines)) if results else {})


@functools.lru_cache(maxsize=1)
def _editions(graph: _Graph) -> Editions:
    return Editions(Sorted(graph.file), graph.keys)


@functools.lru_cache(maxsize=1)
def _pointing(graph: _Graph) -> Sorted:
    return Sorted(graph.pointing)


@functools.lru_cache(maxsize=1)
def _validator(promises: Promises) -> Validator:
    return Validator(promises.shapes, promises.engine)
