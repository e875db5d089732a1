"""The dump of each edition, and whether the graph keeps the promises of the shapes: at once, or edition by edition.

A result is about a focus. What a shape looks at from there is what the focus states, what is reached from it, and what
points to it by a property that the shapes follow back. So an edition's own things are validated with all that it speaks
of, and what several editions speak of with all that points there. Their results together are those of the whole graph.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from pyoxigraph import RdfFormat

from kg import names
from kg.making.crew import Crew
from kg.making.stages import Progress
from kg.rdf.chunks import Sorted
from kg.rdf.dumps import triples_of, written
from kg.rdf.editions import Editions
from kg.rdf.packing import gzipped
from kg.releases import edition_dump
from kg.validate import Report, Result, Validator, report_of
from kg.validate.page import printings
from kg.validate.report import REMARK

AT_ONCE = 32 << 20  # bytes of a graph that is validated as a whole
LISTED = 20_000  # remarks that a report lists; of more it tells the number
_TOGETHER = 32 << 20  # bytes of what points to shared things that are validated together
_TYPE = f"<{names.PREFIXES['rdf']}type>".encode()

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

    def report(self) -> Report:
        """Return the report."""
        return report_of(self.results, self.unlisted)


@dataclass(frozen=True)
class _Graph:
    """A sorted graph, the keys of its editions, and where things are put that are needed later."""

    file: Path
    keys: tuple[str, ...]
    work: Path


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
    for done, results in enumerate(crew.each(_validate_edition, [(described, promises, key) for key in keys]), 1):
        found.add(results)
        progress(f"validate the graph: {done:,} of {len(keys):,}")
    pointing = sum(file.stat().st_size for file in work.glob("*.pointing"))
    groups = max(1, -(-pointing // _TOGETHER))
    for results in crew.each(_validate_shared, [(described, promises, group, groups) for group in range(groups)]):
        found.add(results)
    for file in work.glob("*.pointing"):
        file.unlink()
    return found


def _validate_edition(tools: object, job: tuple[_Graph, Promises, str]) -> Found:
    """Validate what belongs to an edition; leave what points from there to what others speak of, too."""
    graph, promises, key = job
    editions, validator = _editions(graph), _validator(promises)
    spoken_of = editions.spoken_of(key)
    own = {iri for iri in spoken_of if editions.owner(iri)}
    lines = [line for said in spoken_of.values() for line in said]
    pointing = _pointing({iri: spoken_of[iri] for iri in own}, editions, validator.followed_back)
    graph.work.joinpath(f"{key}.pointing").write_bytes(b"".join(pointing))
    return _found(validator, b"".join([*lines, *editions.around(key, spoken_of)]), own)


def _pointing(own: dict[bytes, list[bytes]], editions: Editions, properties: frozenset[str]) -> Iterator[bytes]:
    """Yield the lines by which an edition's own things point to shared ones, each with the types of what points."""
    followed = {f"<{name}>".encode() for name in properties}
    for lines in own.values():
        rows = [(line, *line.split(b" ", 2)[1:]) for line in lines]
        there = [line for line, name, value in rows if name in followed and not editions.owner(value[1:-4])]
        if there:
            yield from (line for line, name, _ in rows if name == _TYPE)
            yield from there


def _validate_shared(tools: object, job: tuple[_Graph, Promises, int, int]) -> Found:
    """Validate one group of the things that several editions speak of."""
    graph, promises, group, groups = job
    editions = _editions(graph)
    shared = list(editions.shared())
    lines = [line for _, said in shared for line in said]
    for key in graph.keys:
        with graph.work.joinpath(f"{key}.pointing").open("rb") as pointing:
            lines += [
                line for line in pointing if _TYPE in line or _group(line.split(b" ", 2)[2][1:-4], groups) == group
            ]
    focuses = {iri for iri, _ in shared if not editions.owner(iri) and _group(iri, groups) == group}
    return _found(_validator(promises), b"".join(lines), focuses)


def _group(iri: bytes, groups: int) -> int:
    return int.from_bytes(blake2b(iri, digest_size=4).digest()) % groups


def _found(validator: Validator, lines: bytes, focuses: set[bytes] | None = None) -> Found:
    results = validator.results(lines)
    if focuses is not None:
        results = {result for result in results if result.focus[1:-1].encode() in focuses}
    return Found(results, printings(results, triples_of(lines)) if results else {})


@functools.lru_cache(maxsize=1)
def _editions(graph: _Graph) -> Editions:
    return Editions(Sorted(graph.file), graph.keys)


@functools.lru_cache(maxsize=1)
def _validator(promises: Promises) -> Validator:
    return Validator(promises.shapes, promises.engine)
