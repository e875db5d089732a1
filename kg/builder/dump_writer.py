"""The dumps of a graph and the count of what it holds, chunk by chunk."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kg.builder.process_pool import Crew
from kg.builder.progress import Progress
from kg.rdf.dump_serializers import Dumps, Pieces, pieces_of
from kg.rdf.graph_profiler import Contents, Counted, Values, add_up, look_at, lots
from kg.rdf.ntriples_chunks import Chunk, chunks_of


def dump(graph: Path, kinds: Mapping[str, str], dumps: Dumps, work: Path, crew: Crew, progress: Progress) -> Contents:
    """Add the graph to the dumps and return what it holds; `kinds` are those of its values."""
    jobs, counted = [(chunk, kinds, work) for chunk in chunks_of(graph)], list[Counted]()
    for pieces in crew.each(_pieces, jobs):
        dumps.add(pieces)
        pieces.remove()
        counted.append(pieces.counted)
        progress(f"make the dumps: {len(counted):,} of {len(jobs):,}")
    contents = add_up(counted, crew.each(_values, [(counted, lot) for lot in lots(counted)]))
    for one in counted:
        one.records.unlink()
    return contents


def _pieces(tools: object, job: tuple[Chunk, Mapping[str, str], Path]) -> Pieces:
    return pieces_of(*job)


def _values(tools: object, job: tuple[Sequence[Counted], tuple[int, int]]) -> Values:
    return look_at(*job)
