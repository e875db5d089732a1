"""What a document says, read in memory: the tables of a release as rows, and their graph; nothing is written."""

import functools
from collections.abc import Iterator, Mapping, Sequence

from kg.core.errors import Problem, RecipeError
from kg.model.assembler import read_document
from kg.model.records import Records
from kg.model.reference_data import references_of, used_by
from kg.rdf.csv_tables import Row, tables
from kg.rdf.measure_graph import lists, triples
from kg.rdf.part_merger import gather_rows
from kg.recipe import Recipe
from kg.recipe.sources import Source


class Tables(Mapping[str, list[Row]]):
    """The tables that a document gives, by their names in a release: `measures`, `kpis`, `targets`, `issues`, …

    A row has a text for each column, as in the CSV files of a release. What needs a second document has no rows:
    `revisions` and `local-measures`.
    """

    def __init__(self, records: Sequence[Records], recipe: Recipe) -> None:
        self._records, self._recipe = records, recipe
        self._rows: dict[str, list[Row]] = {}
        for found in zip(*map(tables, records), strict=True):
            name, columns = found[0].name, found[0].columns
            self._rows[name] = [dict(zip(columns, row, strict=True)) for row in gather_rows(name, found)]

    def __getitem__(self, name: str) -> list[Row]:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def n_triples(self) -> bytes:
        """Return the graph of the tables as a release has it: sorted N-Triples, each statement once.

        It has the code lists of the recipe, too. It is made when it is asked for.
        """
        return self._graph

    @functools.cached_property
    def _graph(self) -> bytes:
        graphs = (*(triples(records, self._recipe) for records in self._records), lists(self._recipe))
        lines = {f"{statement} .\n".encode() for graph in graphs for statement in graph.statements()}
        return b"".join(sorted(lines))


def tables_of(document: bytes, recipe: Recipe, key: str) -> Tables:
    """Return the tables that a document gives as an edition of the recipe; an empty key is that of its only edition."""
    read = read_document(_edition(recipe, key).carrying(document), recipe)
    used = {iri for edition in read.editions for iri in used_by(edition)}
    return Tables((read, Records((), references_of(recipe, used))), recipe)


def _edition(recipe: Recipe, key: str) -> Source:
    """Return an edition of the recipe by its key."""
    known = {source.key: source for source in recipe.sources}
    if not key and len(known) == 1:
        return recipe.sources[0]
    if key not in known:
        raise RecipeError(Problem(f"there is no edition {key!r}", f"name one of {', '.join(known)}", recipe.folder))
    return known[key]
