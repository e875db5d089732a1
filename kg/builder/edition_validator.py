"""Validation of a graph by its shapes as a whole or edition by edition, and the dump of each edition.

A SHACL result is about a focus node. Its shape examines the statements of the node, the nodes reachable from it, and
those that point to it by a property with an inverse path. So the things of an edition are validated together with all
nodes reachable from them, and things shared by editions together with all nodes that point to them. The union of these
results equals the results of the whole graph.
"""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import RdfFormat

from kg.builder.process_pool import ProcessPool
from kg.builder.progress import Progress
from kg.core.release import edition_dump
from kg.rdf.document_parts import merge_sorted
from kg.rdf.dump_serializers import gzip_bytes, parse_triples, serialize_statements
from kg.rdf.edition_dumps import Chunk, EditionIndex, SortedGraph, chunks_of, group_by_subject
from kg.rdf.shacl_page import iri_of, printed_places
from kg.rdf.shacl_report import INFO
from kg.rdf.shacl_validator import Report, Result, Validator, make_report

MAX_WHOLE_GRAPH = 32 << 20  # bytes of a graph that is validated as a whole
MAX_LISTED = 20_000  # remarks that a report lists; further ones are only counted
_LOT_SIZE = 4 << 20  # bytes about things of no edition that are validated together

PrintedPlaces = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True)
class ShapeSet:
    """Shapes to validate a graph by, and the SHACL engine to use."""

    shapes: Path
    engine: str


@dataclass
class ValidationResults:
    """Results of a validation, with the printed places of their focus nodes; excess remarks are only counted."""

    results: set[Result] = field(default_factory=set)
    places: PrintedPlaces = field(default_factory=dict)
    unlisted: Counter[str] = field(default_factory=Counter)

    def add(self, other: "ValidationResults") -> None:
        """Add the results for other things."""
        self.results |= other.results
        self.places |= other.places
        self.unlisted.update(other.unlisted)
        remarks = {result for result in self.results if result.severity == INFO}
        if remarks and len(remarks) + self.unlisted[INFO] > MAX_LISTED:
            self.results -= remarks
            self.unlisted[INFO] += len(remarks)
            listed = {iri_of(result) for result in self.results}
            self.places = {iri: places for iri, places in self.places.items() if iri in listed}

    def report(self) -> Report:
        """Return the report."""
        return make_report(self.results, self.unlisted)


@dataclass(frozen=True)
class _Graph:
    """A sorted graph, the keys of its editions, and a folder for intermediate files."""

    file: Path
    keys: tuple[str, ...]
    work: Path

    @property
    def incoming(self) -> Path:
        """The sorted file of statements from elsewhere that point to a thing, see `EditionIndex.incoming`."""
        return self.work / "incoming"


def write_edition_dumps(graph: Path, keys: Sequence[str], folder: Path, pool: ProcessPool) -> dict[str, int]:
    """Write the dump of each edition, plain and compressed; return the number of statements by key."""
    jobs = [(_Graph(graph, tuple(keys), folder), key) for key in keys]
    return dict(zip(keys, pool.map(_write_edition_dump, jobs), strict=True))


def _write_edition_dump(context: object, job: tuple[_Graph, str]) -> int:
    graph, key = job
    lines = [line for lines_of_subject in _editions(graph).lines_of_edition(key).values() for line in lines_of_subject]
    content = serialize_statements(parse_triples(b"".join(lines)), RdfFormat.TURTLE)
    graph.work.joinpath(edition_dump(key)).write_bytes(content)
    graph.work.joinpath(f"{edition_dump(key)}.gz").write_bytes(gzip_bytes(content))
    return len(lines)


def validate_graph(
    graph: Path,
    keys: Sequence[str],
    shape_set: ShapeSet,
    work: Path,
    pool: ProcessPool,
    progress: Progress,
    at_once: int = MAX_WHOLE_GRAPH,
) -> ValidationResults:
    """Return the results for a sorted graph; if it is larger than `at_once` bytes, validate it in parts."""
    if graph.stat().st_size <= at_once:
        return _run_validator(_validator(shape_set), graph.read_bytes())
    described, combined = _Graph(graph, tuple(keys), work), ValidationResults()
    pieces = list(pool.map(_write_incoming, [(described, shape_set, chunk) for chunk in chunks_of(graph)]))
    merge_sorted(pieces, described.incoming)
    for piece in pieces:
        piece.unlink()
    parts: list[str | list[Chunk]] = [*keys, *_editions(described).shared_chunks(_LOT_SIZE)]
    jobs = [(described, shape_set, part) for part in parts]
    for done, results in enumerate(pool.map(_validate, jobs), 1):
        combined.add(results)
        progress(f"validate the graph: {done:,} of {len(jobs):,}")
    described.incoming.unlink()
    return combined


def _write_incoming(context: object, job: tuple[_Graph, ShapeSet, Chunk]) -> Path:
    """Write the statements of a chunk that inverse paths of shapes follow, by the thing they point to."""
    graph, shape_set, chunk = job
    followed = frozenset(f"<{name}>".encode() for name in _validator(shape_set).inverse_properties)
    piece = graph.work / f"{chunk.start:015}.incoming"
    piece.write_bytes(b"".join(sorted(_editions(graph).incoming(chunk.read(), followed))))
    return piece


def _validate(context: object, job: tuple[_Graph, ShapeSet, str | list[Chunk]]) -> ValidationResults:
    """Validate the things of an edition, or some shared things, with all nodes that shapes can examine from there."""
    graph, shape_set, part = job
    editions = _editions(graph)
    if isinstance(part, str):
        statements = editions.lines_of_edition(part)
        focuses = {iri for iri in statements if editions.owner(iri)}
    else:
        lines_of_subject = group_by_subject(b"".join(chunk.read() for chunk in part))
        focuses = {iri for iri in lines_of_subject if not editions.owner(iri)}
        statements = editions.reachable({iri: lines_of_subject[iri] for iri in focuses})
    lines = [line for lines_of_subject in statements.values() for line in lines_of_subject]
    lines += editions.adjacent(statements)
    incoming = _incoming(graph)
    lines += [
        line[len(iri) + 3 :]
        for iri in focuses
        for line in incoming.lines_with_prefix(b"<" + iri + b"> ").splitlines(keepends=True)
    ]
    return _run_validator(_validator(shape_set), b"".join(lines), focuses)


def _run_validator(validator: Validator, lines: bytes, focuses: set[bytes] | None = None) -> ValidationResults:
    results = validator.results(lines, focuses)
    return ValidationResults(results, printed_places(results, parse_triples(lines)) if results else {})


@functools.lru_cache(maxsize=1)
def _editions(graph: _Graph) -> EditionIndex:
    return EditionIndex(SortedGraph(graph.file), graph.keys)


@functools.lru_cache(maxsize=1)
def _incoming(graph: _Graph) -> SortedGraph:
    return SortedGraph(graph.incoming)


@functools.lru_cache(maxsize=1)
def _validator(shape_set: ShapeSet) -> Validator:
    return Validator(shape_set.shapes, shape_set.engine)
