"""Reader of source documents: into parts on disk for a build, or into tables in memory.

A build reads each document independently into a part (`kg.rdf.document_parts`), and reuses the complete parts of an
interrupted build. `tables_of` reads one document without writing files.
"""

import functools
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from kg.builder.process_pool import ProcessPool
from kg.builder.progress import Progress
from kg.builder.release_publisher import write_files
from kg.core.errors import KgError, Problem, RecipeError
from kg.model.assembler import check_corrections, read_document, read_revisions_and_plans
from kg.model.records import Records
from kg.model.reference_data import references_of, shared_things
from kg.rdf.csv_tables import Row, tables
from kg.rdf.document_parts import Part, gather_rows, part_of, part_of_lists
from kg.rdf.measure_graph import lists, triples
from kg.recipe import Recipe
from kg.recipe.sources import Source

# Writes the part of each document into a folder named after its key; yields the error of each document, or None.
DocumentReader = Callable[[Recipe, Sequence[Source], Path], Iterator[KgError | None]]

_REFERENCES, _LISTS, _ADJACENT = ".references", ".lists", ".adjacent"  # cannot be keys of editions
_UNFINISHED = ".unfinished"


def pool_reader(pool: ProcessPool) -> DocumentReader:
    """Return a reader that shares the documents among the processes of a pool, whose context is the recipe."""

    def reader(recipe: Recipe, sources: Sequence[Source], folder: Path) -> Iterator[KgError | None]:
        return pool.map(_write_part, [(source, folder) for source in sources])

    return reader


def _write_part(recipe: Recipe, job: tuple[Source, Path]) -> KgError | None:
    source, folder = job
    files = part_files(recipe, source)
    if isinstance(files, KgError):
        return files
    write_part(folder, source.key, files)
    return None


def part_files(recipe: Recipe, source: Source) -> dict[str, bytes] | KgError:
    """Return the files of a document's part, or the error that reading it raised."""
    try:
        return part_of(source.key, read_document(source, recipe), recipe)
    except KgError as error:
        return error


def write_part(folder: Path, key: str, files: dict[str, bytes]) -> None:
    """Write a part into a temporary folder and rename it, so that a folder with its key is always complete."""
    unfinished = folder / f"{_UNFINISHED}-{key}"
    shutil.rmtree(unfinished, ignore_errors=True)
    write_files(unfinished, files)
    unfinished.rename(folder / key)


def read_documents(recipe: Recipe, folder: Path, reader: DocumentReader, progress: Progress) -> list[Part]:
    """Return the parts of all documents by key, then those of revisions and plans, references and code lists.

    Raises the problems of all documents together.
    """
    check_corrections(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [source for source in recipe.sources if not (folder / source.key).is_dir()]
    done, wrong = len(recipe.sources) - len(missing), list[KgError]()
    for error in reader(recipe, missing, folder):
        done += 1
        progress(f"read the documents: {done:,} of {len(recipe.sources):,}")
        wrong += [error] if error else []
    if wrong:
        raise type(wrong[0])(*(problem for error in wrong for problem in error.problems))
    parts = [Part(folder / source.key) for source in recipe.sources]
    used = {iri for part in parts for iri in part.summary().used}
    references = Records((), references_of(recipe, used))
    documents = {source.key: part for source, part in zip(recipe.sources, parts, strict=True)}
    adjacent = read_revisions_and_plans(recipe, lambda key: documents[key].measure_features())
    for key, files in (
        *(
            (f"{_ADJACENT}-{number:06}", part_of(_edition(part_records), part_records, recipe))
            for number, part_records in enumerate(adjacent)
        ),
        (_REFERENCES, part_of("", references, recipe)),
        (_LISTS, part_of_lists("", lists(recipe).statements())),
    ):
        write_files(folder / key, files)
        parts.append(Part(folder / key))
    return parts


def _edition(records: Records) -> str:
    """Return the key of the edition of some revisions; empty for other records."""
    return next((revision.edition for revision in records.revisions), "")


class Tables(Mapping[str, list[Row]]):
    """The tables of one document, by their names in a release: `measures`, `kpis`, `targets`, `issues`, …

    A row has a text for each column, as in the CSV files of a release. The tables `revisions` and `local-measures`,
    which need a second document, are empty.
    """

    def __init__(self, records: Sequence[Records], recipe: Recipe) -> None:
        self._records, self._recipe = records, recipe
        self._rows: dict[str, list[Row]] = {}
        for same_tables in zip(*map(tables, records), strict=True):
            name, columns = same_tables[0].name, same_tables[0].columns
            self._rows[name] = [dict(zip(columns, row, strict=True)) for row in gather_rows(name, same_tables)]

    def __getitem__(self, name: str) -> list[Row]:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def n_triples(self) -> bytes:
        """Return the graph of the tables with the code lists of the recipe, as sorted distinct N-Triples.

        It is computed on first use.
        """
        return self._graph

    @functools.cached_property
    def _graph(self) -> bytes:
        graphs = (*(triples(records, self._recipe) for records in self._records), lists(self._recipe))
        lines = {f"{statement} .\n".encode() for graph in graphs for statement in graph.statements()}
        return b"".join(sorted(lines))


def tables_of(document: bytes, recipe: Recipe, key: str) -> Tables:
    """Return the tables of a document read as an edition of the recipe; an empty key is its only edition."""
    read = read_document(_edition_of(recipe, key).with_document(document), recipe)
    used = {iri for edition in read.editions for iri in shared_things(edition)}
    return Tables((read, Records((), references_of(recipe, used))), recipe)


def _edition_of(recipe: Recipe, key: str) -> Source:
    """Return an edition of the recipe by its key; raise RecipeError if there is none."""
    editions = {source.key: source for source in recipe.sources}
    if not key and len(editions) == 1:
        return recipe.sources[0]
    if key not in editions:
        raise RecipeError(Problem(f"there is no edition {key!r}", f"name one of {', '.join(editions)}", recipe.folder))
    return editions[key]
