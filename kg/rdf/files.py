"""Every file of a release by its name, and the statements of its store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Quad, Triple

from kg.model.records import Records
from kg.rdf.catalogue import (
    Described,
    describe_bytes,
    describe_dumps,
    describe_editions,
    describe_files,
    describe_release,
)
from kg.rdf.csvw import csv_metadata
from kg.rdf.dumps import dataset_dumps, dump_names, edition_dumps, graph_dumps, quads_of, turtle
from kg.rdf.editions import by_edition
from kg.rdf.graph import Graph
from kg.rdf.links import describe_linksets
from kg.rdf.tables import tables
from kg.rdf.void import describe_contents
from kg.rdf.workbook import workbook
from kg.recipe import Recipe
from kg.recipe.catalogue import Catalogue, Text
from kg.releases import (
    ALIGNMENTS,
    CATALOGUE_GRAPH,
    CSV_METADATA,
    DESCRIPTION,
    ENDPOINT,
    N_TRIPLES,
    ONTOLOGY,
    SHAPES,
    STANDARD_TERMS,
    VALIDATION_GRAPH,
    VOID_GRAPH,
    WORKBOOK,
    ReleasedFile,
)
from kg.service import service_description

_DECLARED = {ONTOLOGY: "shisaku.ttl", ALIGNMENTS: "alignments.ttl", STANDARD_TERMS: "standard-terms.ttl"}


@dataclass(frozen=True)
class Content:
    """What a release is made of: its files, and the quads of its store."""

    files: dict[str, bytes]
    quads: list[Quad]


def table_files(records: Records, described: Described) -> dict[str, bytes]:
    """Return the tables: as CSV, their description, and as one workbook."""
    found, texts, title = tables(records), described.catalogue, described.title
    return {
        **{table.file: table.csv() for table in found},
        CSV_METADATA: csv_metadata(found, texts, title, described.issued),
        WORKBOOK: workbook(found, texts, title, described.version, described.issued),
    }


def declared_files(ontology: Path, shapes: Path) -> dict[str, bytes]:
    """Return what was laid by hand and is published as it is: the words, how they relate to others, what must hold.

    The shapes are one file of all, in the order of their names.
    """
    parts = [file.read_bytes() for file in sorted(shapes.glob("*.ttl"))]
    files = {name: (ontology / source).read_bytes() for name, source in _DECLARED.items()}
    return {**files, SHAPES: b"\n\n".join(parts)}


def described_as(recipe: Recipe, catalogue: Catalogue, version: str) -> Described:
    """Return what is said about a release."""
    return Described(version, recipe.issued, Text(recipe.title_ja, recipe.title_en), catalogue, recipe.previous)


def graph_files(
    statements: Sequence[Triple],
    records: Records,
    described: Described,
    others: Mapping[str, bytes],
    validation: Sequence[Triple],
) -> Content:
    """Return the dumps of the graph, the description of the release, and the other files as they are.

    The descriptions and the report of the validation are named graphs of TriG, N-Quads and the store. They tell size
    and checksum of every file but of these two, which hold them; `dataset.ttl` tells these, too.
    """
    editions = dict(by_edition(statements, [edition.source.key for edition in records.editions]))
    files = {**others, **graph_dumps(statements), **edition_dumps(editions)}
    contents, catalogue = Graph(), Graph()
    dumps = [*(name for name in files if name in dump_names()), *dump_names(named=True)]
    describe_contents(contents, described.dataset, statements)
    describe_dumps(contents, described, dumps, next((m.iri for m in records.measures), ""))
    describe_linksets(contents, described.dataset, records.references.links)
    describe_editions(contents, described, {key: len(said) for key, said in editions.items()})
    graphs = (CATALOGUE_GRAPH, VOID_GRAPH, VALIDATION_GRAPH)
    contents.extend(service_description(ENDPOINT, len(statements), graphs, described.dataset))
    describe_release(catalogue, described, records)
    describe_files(catalogue, described, {*files, *dumps}, records)
    describe_bytes(catalogue, described, _measured(files))
    descriptions = {CATALOGUE_GRAPH: catalogue.statements(), VOID_GRAPH: contents.statements()}
    quads = quads_of(files[N_TRIPLES], {**descriptions, VALIDATION_GRAPH: validation})
    holding = dataset_dumps(quads)
    describe_bytes(catalogue, described, _measured(holding))
    return Content({**files, **holding, DESCRIPTION: turtle(contents | catalogue)}, quads)


def _measured(files: Mapping[str, bytes]) -> list[ReleasedFile]:
    return [ReleasedFile.of(name, content) for name, content in files.items()]
