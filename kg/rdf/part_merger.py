"""The parts of the documents become the tables, the graph and the identities of a release, by way of the disk.

The rows of a few parts can be gathered in memory, too: they are the same.
"""

import csv
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from kg.model.identifier_ledger import Identity
from kg.rdf.csv_tables import Table, columns
from kg.rdf.document_parts import IDENTITIES, KEYED, MEASURES, SHARED, SOURCE, Part, keyed
from kg.rdf.external_sort import Block, lines_of, merge, weave

_COUNTED = ("measures_led", "measures_joined")  # of an organization: each part counts its own measures


@dataclass(frozen=True)
class _Rows:
    """The rows of a CSV file, read each time they are looked through."""

    file: Path

    def __iter__(self) -> Iterator[list[str]]:
        with self.file.open(encoding="utf-8", newline="") as text:
            rows = csv.reader(text)
            next(rows)  # the header
            yield from rows


def gather_tables(parts: Sequence[Part], folder: Path, work: Path) -> list[Table]:
    """Write every table into a folder, one part after the other, and return them; `work` is for what is between."""
    found = []
    for name, named in columns().items():
        table = Table(name, named, _Rows(folder / f"{name}.csv"))
        with folder.joinpath(table.file).open("wb") as output:
            output.write(Table(name, named, ()).csv())
            if name in KEYED:
                for _, rows in _by_key([part.path(name) for part in parts], work / name):
                    output.write(Table(name, named, [_one(rows, named)]).csv(header=False))
            else:
                for part in parts:
                    with part.path(name).open("rb") as rows_of_part:
                        shutil.copyfileobj(rows_of_part, output)
        found.append(table)
    return found


def gather_rows(name: str, found: Sequence[Table]) -> list[Sequence[str]]:
    """Return the rows of a table, of which each part has one, in memory and as `gather_tables` writes them."""
    rows = [row for table in found for row in table.rows]
    if name not in KEYED:
        return rows
    named = columns()[name]
    lines = keyed(rows, [named.index(column) for column in KEYED[name]])
    return [_one(of_key, named) for _, of_key in _grouped(lines)]


def gather_identities(parts: Sequence[Part], work: Path) -> Iterator[Identity]:
    """Yield what every IRI names, in the order of the IRIs, each once."""
    for _, rows in _by_key([part.path(IDENTITIES) for part in parts], work / IDENTITIES):
        yield Identity(*rows[0])


def gather_graph(parts: Sequence[Part], into: Path, work: Path) -> None:
    """Write all that the parts state as sorted N-Triples, each statement once."""
    shared = work / SHARED
    merge([part.path(SHARED) for part in parts], shared)
    blocks: dict[tuple[str, str], list[Path]] = {}
    for part in parts:
        key = part.gist().key
        for name in (MEASURES, SOURCE):
            if part.path(name).exists():
                blocks.setdefault((key, name), []).append(part.path(name))
    weave(shared, [Block.of(_whole(files, work / f"{key}-{name}")) for (key, name), files in blocks.items()], into)
    shared.unlink()


def _whole(files: Sequence[Path], merged: Path) -> Path:
    """Return the file of a block: of an edition with something beside it, what is merged."""
    if len(files) > 1:
        merge(files, merged)
    return merged if len(files) > 1 else files[0]


def _by_key(files: Sequence[Path], merged: Path) -> Iterator[tuple[str, list[list[str]]]]:
    merge(files, merged, distinct=False)  # two editions may count the same, and both count
    yield from _grouped(lines_of(merged))
    merged.unlink()


def _grouped(lines: Iterable[bytes]) -> Iterator[tuple[str, list[list[str]]]]:
    split = (line.decode().split("\t", 1) for line in lines)
    for key, group in groupby(split, key=lambda one: one[0]):
        yield key, [json.loads(row) for _, row in group]


def _one(rows: Iterable[list[str]], named: Sequence[str]) -> list[str]:
    """Return the rows of one thing as one: numbers that each part has counted are added up."""
    first, *others = rows
    for place in (named.index(column) for column in _COUNTED if column in named):
        first[place] = str(sum(int(row[place]) for row in (first, *others)))
    return first
