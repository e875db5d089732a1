"""Every file of a release that is no dump: the tables with their description, what was laid by hand, and what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kg.core.errors import ReleaseError
from kg.core.release import (
    ALIGNMENTS,
    CATALOGUE_GRAPH,
    CSV_METADATA,
    ENDPOINT,
    ONTOLOGY,
    SHAPES,
    STANDARD_TERMS,
    VALIDATION_GRAPH,
    VOID_GRAPH,
    WORKBOOK,
    ReleasedFile,
)
from kg.core.service_terms import service_description
from kg.core.text_files import read_text
from kg.rdf.csv_tables import Table
from kg.rdf.csvw_metadata import csv_metadata
from kg.rdf.dcat import Described, describe_bytes, describe_dumps, describe_editions, describe_files, describe_release
from kg.rdf.dump_serializers import dump_names
from kg.rdf.graph_builder import Graph
from kg.rdf.graph_profiler import Contents
from kg.rdf.mapping_graph import describe_linksets
from kg.rdf.void import describe_contents
from kg.rdf.xlsx_exporter import workbook
from kg.recipe import Recipe
from kg.recipe.release_texts import Catalogue, Text

_DECLARED = {ONTOLOGY: "shisaku.ttl", ALIGNMENTS: "alignments.ttl", STANDARD_TERMS: "standard-terms.ttl"}


def write_about_tables(found: Sequence[Table], described: Described, folder: Path) -> None:
    """Write the description of the tables, and all of them as one workbook."""
    texts, title = described.catalogue, described.title
    folder.joinpath(CSV_METADATA).write_bytes(csv_metadata(found, texts, title, described.issued))
    workbook(folder / WORKBOOK, found, texts, title, described.version, described.issued)


def declared_files(ontology: Path, shapes: Path) -> dict[str, bytes]:
    """Return what was laid by hand and is published as it is: the words, how they relate to others, what must hold.

    The shapes are one file of all, in the order of their names.
    """
    parts = [read_text(file, ReleaseError).encode() for file in sorted(shapes.glob("*.ttl"))]
    files = {name: read_text(ontology / source, ReleaseError).encode() for name, source in _DECLARED.items()}
    return {**files, SHAPES: b"\n\n".join(parts)}


def described_as(recipe: Recipe, catalogue: Catalogue, version: str) -> Described:
    """Return what is said about a release."""
    return Described(version, recipe.issued, Text(recipe.title_ja, recipe.title_en), catalogue, recipe.previous)


@dataclass(frozen=True)
class Whole:
    """What is known of a release when its default graph is written: what it holds, the triples of each edition, a thing
    to look at, and the table of its links."""

    contents: Contents
    editions: Mapping[str, int]
    example: str
    links: Table


def descriptions(
    whole: Whole, described: Described, recipe: Recipe, files: Sequence[ReleasedFile]
) -> tuple[Graph, Graph]:
    """Return the catalogue, and what the release holds in the words of VoID, of files that do not hold them.

    The dumps that do are in the catalogue, too, without size and checksum, which only `dataset.ttl` can tell.
    """
    contents, catalogue = Graph(), Graph()
    names = {file.name for file in files}
    dumps = [*(name for name in dump_names() if name in names), *dump_names(named=True)]
    describe_contents(contents, described.dataset, whole.contents)
    describe_dumps(contents, described, dumps, whole.example)
    describe_linksets(contents, described.dataset, whole.links, recipe.links.targets)
    describe_editions(contents, described, whole.editions)
    graphs = (CATALOGUE_GRAPH, VOID_GRAPH, VALIDATION_GRAPH)
    contents.extend(service_description(ENDPOINT, whole.contents.triples, graphs, described.dataset))
    describe_release(catalogue, described, recipe.sources)
    describe_files(catalogue, described, {*names, *dumps}, recipe.sources)
    describe_bytes(catalogue, described, files)
    return catalogue, contents
