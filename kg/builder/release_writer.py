"""Writer of all files of a release, in the order of their dependencies.

The parts are merged into the sorted graph and the tables; the graph is validated and dumped; the description states the
size and checksum of each file. `release_publisher` provides the folder and publishes it.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import Store

from kg import __version__, search
from kg.builder.edition_validator import ShapeSet, ValidationResults, validate_graph, write_edition_dumps
from kg.builder.process_pool import ProcessPool
from kg.builder.progress import Progress, StageTimer
from kg.core.errors import Problem, ReleaseError
from kg.core.iris import edition
from kg.core.jsonld_serializer import merge_kinds
from kg.core.paths import Folders
from kg.core.release import (
    CATALOGUE_GRAPH,
    DATACITE,
    DESCRIPTION,
    ENGINE,
    KNOWN_PROBLEMS,
    N_TRIPLES,
    QUERIES,
    SEARCH,
    SEARCH_FORMAT,
    STORE,
    VALIDATION,
    VALIDATION_GRAPH,
    VALIDATION_PAGE,
    VOID_GRAPH,
    Release,
    ReleasedFile,
)
from kg.core.stored_queries import read_queries
from kg.rdf.csv_tables import Table
from kg.rdf.dcat import ReleaseDescription, datacite, describe_bytes
from kg.rdf.document_parts import Part, PartSummary, gather_graph, gather_tables
from kg.rdf.dump_serializers import (
    ChunkPieces,
    DumpWriter,
    NamedGraphs,
    dump_names,
    end_store,
    turtle,
    write_pieces,
    write_store,
)
from kg.rdf.edition_dumps import Chunk, chunks_of
from kg.rdf.graph_builder import Graph
from kg.rdf.release_files import (
    GraphProfile,
    declared_files,
    describe_queries,
    descriptions,
    known_problems,
    write_about_tables,
)
from kg.rdf.shacl_page import render_report
from kg.rdf.shacl_validator import Report
from kg.rdf.void_profiler import ChunkCounts, GraphContents, ValueCounts, count_values, hash_ranges, merge_counts
from kg.recipe import Recipe
from kg.recipe.revision_judgements import newest_edition
from kg.search.normalizer import CharacterTable


def dump(
    graph: Path, kinds: Mapping[str, str], dumps: DumpWriter, work: Path, pool: ProcessPool, progress: Progress
) -> GraphContents:
    """Add the chunks of a graph to the dumps and return its statistics; `kinds` are those of its values."""
    jobs, counted = [(chunk, kinds, work) for chunk in chunks_of(graph)], list[ChunkCounts]()
    for pieces in pool.map(_write_pieces, jobs):
        dumps.add(pieces)
        pieces.remove()
        counted.append(pieces.counted)
        progress(f"make the dumps: {len(counted):,} of {len(jobs):,}")
    contents = merge_counts(
        counted, pool.map(_count_values, [(counted, hash_range) for hash_range in hash_ranges(counted)])
    )
    for one in counted:
        one.records.unlink()
    return contents


def _write_pieces(context: object, job: tuple[Chunk, Mapping[str, str], Path]) -> ChunkPieces:
    return write_pieces(*job)


def _count_values(context: object, job: tuple[Sequence[ChunkCounts], tuple[int, int]]) -> ValueCounts:
    return count_values(*job)


@dataclass(frozen=True)
class BuildContext:
    """Shared context of a build: recipe, folder for intermediate files, process pool and stage timer."""

    recipe: Recipe
    work: Path
    pool: ProcessPool
    stages: StageTimer


class ReleaseWriter:
    """Writer of the files of one release into a folder."""

    def __init__(
        self,
        places: Folders,
        shape_set: ShapeSet,
        described: ReleaseDescription,
        parts: Sequence[Part],
        context: BuildContext,
    ) -> None:
        self._places, self._shape_set, self._described, self._parts = places, shape_set, described, parts
        self._recipe, self._work, self._pool, self._stages = context.recipe, context.work, context.pool, context.stages
        self._keys = [source.key for source in context.recipe.sources]
        self.summaries = tuple(part.summary() for part in parts)
        self.results = ValidationResults()

    def write(self, folder: Path) -> Release:
        """Write every file except checksums and manifest; return the release."""
        stage, graph = self._stages.stage, folder / N_TRIPLES
        with stage("merge the graph"):
            gather_graph(self._parts, graph, self._work)
        with stage("validate the graph"):
            self._validate(graph)
        index_written = self._pool.submit(_store_and_index, (graph, self._work, self._places.recipe))
        with stage("make the tables"):
            tables = gather_tables(self._parts, folder, self._work)
            write_about_tables(tables, self._described, folder)
            self._write_curated_files(folder)
        kinds = merge_kinds(kind for summary in self.summaries for kind in summary.kinds.items())
        with closing(DumpWriter(folder, kinds)) as dumps:
            with stage("make the dumps"):
                contents = dump(graph, kinds, dumps, self._work, self._pool, self._stages.progress)
                dumps.finish()
            with stage("make the dumps of the editions"):
                sizes = write_edition_dumps(graph, self._keys, folder, self._pool)
            with stage("describe the release"):
                links = next(table for table in tables if table.name == "links")
                profile = GraphProfile(contents, sizes, self.summaries[0].example, links)
                files, named = self._describe(folder, profile, dumps)
        with stage("end the store and the search index"):
            index_written()
            end_store(self._work / STORE, named)
            for name in (STORE, SEARCH):
                (self._work / name).rename(folder / name)
        counts = count_contents(self.summaries, tables, contents.triples)
        return replace(make_release(folder, self._described.version, self._recipe, counts), files=tuple(files))

    def _validate(self, graph: Path) -> None:
        self.results = validate_graph(graph, self._keys, self._shape_set, self._work, self._pool, self._stages.progress)
        _raise_violations(self.results.report())

    def _write_curated_files(self, folder: Path) -> None:
        """Write the curated files, and the descriptions of queries, validation and known problems."""
        title = f"{self._recipe.title_ja} {self._recipe.title_en} {self._described.version}"
        report = self.results.report()
        files = {
            **declared_files(self._places.ontology, self._places.shapes),
            QUERIES: stored_queries_turtle(self._places.queries, edition(newest_edition(self._recipe.sources))),
            VALIDATION: report.turtle(),
            VALIDATION_PAGE: render_report(report, self.results.places, title),
            KNOWN_PROBLEMS: known_problems(self.summaries, self._described),
            DATACITE: datacite(self._described, self._recipe.sources),
        }
        for name, content in files.items():
            folder.joinpath(name).write_bytes(content)

    def _describe(
        self, folder: Path, profile: GraphProfile, dumps: DumpWriter
    ) -> tuple[list[ReleasedFile], NamedGraphs]:
        """Write the description of the release, also into the dumps that include it.

        Return all files with size and checksum, and the named graphs.
        """
        holding = dump_names(named=True)
        files = self._measure_files(path for path in folder.iterdir() if path.name not in holding)
        catalogue, contents = descriptions(profile, self._described, self._recipe, files)
        # The catalogue in the dumps lacks their own size and checksum, which are stated below.
        catalogued, void = catalogue.statements(), contents.statements()
        report = self.results.report()
        named: NamedGraphs = {
            CATALOGUE_GRAPH: lambda: catalogued,
            VOID_GRAPH: lambda: void,
            VALIDATION_GRAPH: report.triples,
        }
        dumps.add_named_graphs(named)
        files += self._measure_files(folder / name for name in holding)
        describe_bytes(catalogue, self._described, files[-len(holding) :])
        folder.joinpath(DESCRIPTION).write_bytes(turtle(contents | catalogue))
        return sorted([*files, ReleasedFile.of(folder / DESCRIPTION)], key=lambda file: file.name), named

    def _measure_files(self, files: Iterable[Path]) -> list[ReleasedFile]:
        return list(self._pool.map(_measure, sorted(files)))


def _store_and_index(context: object, job: tuple[Path, Path, Path]) -> None:
    """Load a graph into a store and build its search index, after removing leftovers of a killed build."""
    graph, folder, recipe = job
    shutil.rmtree(folder / STORE, ignore_errors=True)
    (folder / SEARCH).unlink(missing_ok=True)
    write_store(folder / STORE, graph)
    search.build(Store.read_only(str(folder / STORE)), folder / SEARCH, CharacterTable.read(recipe))


def _measure(context: object, file: Path) -> ReleasedFile:
    return ReleasedFile.of(file)


def _raise_violations(report: Report) -> None:
    """Raise ReleaseError with every violation of a report."""
    if not report.conforms:
        remedy = "correct the recipe; `kg build --draft`, then `kg validate out/draft/graph.ttl` shows it in its graph"
        broken = [result for result in report.results if result.severity.endswith("#Violation")]
        raise ReleaseError(*(Problem(f"not published: {result}", remedy) for result in broken))


def stored_queries_turtle(folder: Path, newest: str) -> bytes:
    """Return the stored queries as Turtle; those about one edition are about the given one."""
    graph = Graph()
    describe_queries(graph, [query.for_edition(newest) for query in read_queries(folder)])
    return turtle(graph)


def make_release(folder: Path, version: str, recipe: Recipe, counts: dict[str, int]) -> Release:
    """Return the release in a folder as its manifest states it, without files and inputs."""
    titles = ("title_ja", "title_en")
    editions = tuple({"key": source.key, **{k: source.described[k] for k in titles}} for source in recipe.sources)
    redirects = tuple(dict(row.values) for row in recipe.tables["redirects"].rows)
    return Release(
        folder, version, recipe.issued, "", __version__, editions, counts, (), ENGINE, redirects, SEARCH_FORMAT
    )


def count_contents(summaries: Iterable[PartSummary], tables: Iterable[Table], triples: int) -> dict[str, int]:
    """Return the numbers of things in a release, by name."""
    counts = {"triples": triples}
    for name in ("measures", "kpis", "targets", "issues"):
        counts[name] = sum(summary.counts[name] for summary in summaries)
    bodies, documents = (
        next(table for table in tables if table.name == name) for name in ("organizations", "documents")
    )
    kind, iri = bodies.columns.index("kind"), documents.columns.index("iri")
    counts["organizations"] = sum(row[kind] == "organization" for row in bodies.rows)
    counts["documents"] = len({row[iri] for row in documents.rows})
    return counts
