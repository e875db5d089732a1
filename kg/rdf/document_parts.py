"""Parts of a build: the contribution of one document as sorted files, and their merge into a release.

A part has the statements about its own measures and printed cells, the statements about shared things (which other
parts may repeat), and its rows of every table. Any process can make it. Since lines are sorted, parts are merged on
disk, and memory does not grow with their size.
"""

import csv
import heapq
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from pyoxigraph import Triple

from kg.core import iris
from kg.core.jsonld_serializer import value_kinds
from kg.model.edition_matcher import features_of
from kg.model.identifier_ledger import Identity, list_identities
from kg.model.records import MeasureFeatures, Records
from kg.model.reference_data import shared_things
from kg.rdf.csv_tables import Table, columns, tables
from kg.rdf.measure_graph import triples
from kg.recipe import Recipe

MEASURES, SOURCE, SHARED = "own-measures.nt", "own-source.nt", "shared.nt"
IDENTITIES = "identities"
# Tables in which several parts may have rows of the same thing, and the columns that identify it.
KEY_COLUMNS = {"organizations": ("iri",), "links": ("subject_id", "predicate_id", "object_id")}
_SUMMARY, _FEATURES = "summary.json", "features.json"


@dataclass(frozen=True)
class PartSummary:
    """Summary of a part for the later stages of a build.

    `document` is True for the part of a source document. `issues` are severity, type and both messages, with the number
    of occurrences; `used` the IRIs of shared things; `kinds` the kinds of values of each predicate (see
    `kg.core.jsonld_serializer`); `notes` lines about its revisions and plans for the user.
    """

    key: str
    document: bool = False
    example: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    issues: tuple[tuple[str, str, str, str, int], ...] = ()
    used: tuple[str, ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A part, by its folder."""

    folder: Path

    def summary(self) -> PartSummary:
        """Return its summary."""
        data: dict[str, Any] = json.loads(self.folder.joinpath(_SUMMARY).read_text(encoding="utf-8"))
        issues, used, notes = tuple(map(tuple, data["issues"])), tuple(data["used"]), tuple(data["notes"])
        return PartSummary(**{**data, "issues": issues, "used": used, "notes": notes})

    def measure_features(self) -> list[MeasureFeatures]:
        """Return the features of its measures that later editions are matched by."""
        data: list[dict[str, Any]] = json.loads(self.folder.joinpath(_FEATURES).read_text(encoding="utf-8"))
        return [MeasureFeatures(**{**one, "kpis": tuple(map(tuple, one["kpis"]))}) for one in data]

    def path(self, name: str) -> Path:
        """Return the path of one of its files."""
        return self.folder / name


def own_prefixes(key: str) -> tuple[bytes, bytes]:
    """Return the prefixes of N-Triples lines about an edition's own measures, and about its printed cells."""
    return f"<{iris.ID}{key}/".encode(), f"<{iris.ID}source/{key}/".encode()


def part_of(key: str, records: Records, recipe: Recipe) -> dict[str, bytes]:
    """Return the files of a part; `key` is the edition that its records belong to, or empty."""
    graph = triples(records, recipe)
    return _part_files(key, records, graph.statements())


def part_of_lists(key: str, statements: Iterable[Triple]) -> dict[str, bytes]:
    """Return the files of a part that has statements but no records."""
    return _part_files(key, Records(()), statements)


def _part_files(key: str, records: Records, statements: Iterable[Triple]) -> dict[str, bytes]:
    listed = list(statements)
    lines = sorted(f"{statement} .\n".encode() for statement in listed)
    own = own_prefixes(key) if key else ()
    files = {
        name: b"".join(line for line in lines if line.startswith(prefix))
        for name, prefix in zip((MEASURES, SOURCE), own, strict=False)
    }
    files[SHARED] = b"".join(line for line in lines if not line.startswith(own)) if own else b"".join(lines)
    for table in tables(records):
        by = [table.columns.index(column) for column in KEY_COLUMNS.get(table.name, ())]
        files[table.name] = b"".join(keyed_lines(table.rows, by)) if by else table.csv(header=False)
    identities = ((one.iri, one.kind, one.names) for one in list_identities(records).values())
    files[IDENTITIES] = b"".join(keyed_lines(identities, [0]))
    files[_SUMMARY] = _to_json(asdict(_summarize(key, records, value_kinds(listed))))
    files[_FEATURES] = _to_json([asdict(features_of(measure)) for measure in records.measures])
    return files


def _to_json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True).encode()


def keyed_lines(rows: Iterable[Sequence[str]], by: Sequence[int]) -> list[bytes]:
    """Return rows as sorted lines: the key, made of some columns, a tab, and the row as JSON."""
    lines = (f"{' '.join(row[column] for column in by)}\t{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    return sorted(line.encode() for line in lines)


def _summarize(key: str, records: Records, kinds: dict[str, str]) -> PartSummary:
    measures, corrections = records.measures, [entry for one in records.editions for entry in one.corrections]
    replaced = sum(entry.action == "replace" for entry in corrections)
    counted = Counter((issue.severity, issue.type, issue.message_ja, issue.message_en) for issue in records.issues)
    return PartSummary(
        key,
        bool(records.editions),
        next((measure.iri for measure in measures), ""),
        {
            "measures": len(measures),
            "kpis": sum(len(measure.kpis) for measure in measures),
            "targets": sum(len(kpi.targets) for measure in measures for kpi in measure.kpis),
            "issues": len(records.issues),
            "replaced": replaced,
            "flagged": len(corrections) - replaced,
        },
        tuple((*issue, count) for issue, count in sorted(counted.items())),
        tuple(sorted({iri for edition in records.editions for iri in shared_things(edition)})),
        kinds,
        (*_revision_notes(key, records), *_plan_notes(records)),
    )


def _revision_notes(key: str, records: Records) -> Iterator[str]:
    """Yield a line about the revisions of an edition."""
    if records.revisions:
        stated = sum(revision.stated for revision in records.revisions)
        candidates = sum(revision.status == "candidate" for revision in records.revisions)
        earlier = records.revisions[0].earlier.removeprefix(iris.ID).partition("/")[0]
        yield f"{key} continues {earlier}: {stated} stated, {candidates} candidates (revisions.csv)"


def _plan_notes(records: Records) -> Iterator[str]:
    """Yield a line about each local plan."""
    for plan in records.plans:
        measures = [local for local in records.local if local.plan == plan.key]
        citing, unknown = sum(bool(local.cites) for local in measures), sum(local.unknown for local in measures)
        notes = f"{citing} cite listed measures, {unknown} name some that are not listed"
        yield f"plan {plan.key}: {len(measures)} measures, {notes} (local-measures.csv)"


_MAX_OPEN_FILES = 64  # files open at a time: below the limit of any system


def merge_sorted(files: Sequence[Path], into: Path, distinct: bool = True) -> None:
    """Merge sorted files into a sorted file, each line once unless `distinct` is false.

    Intermediate files are written next to it and removed.
    """
    waiting, remaining = list(files), iter(files)
    for level in range(len(files)):
        if len(waiting) <= _MAX_OPEN_FILES:
            break
        remaining, waiting = iter(waiting), []
        while batch := list(islice(remaining, _MAX_OPEN_FILES)):
            waiting.append(into.with_name(f"{into.name}.{level}-{len(waiting)}"))
            _merge_once(batch, waiting[-1], distinct)
            _remove_intermediate(batch, files)
    _merge_once(waiting, into, distinct)
    _remove_intermediate(waiting, files)


def _remove_intermediate(merged: Sequence[Path], sources: Sequence[Path]) -> None:
    given = set(sources)
    for file in merged:
        if file not in given:
            file.unlink()


def _merge_once(files: Sequence[Path], into: Path, distinct: bool) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(file.open("rb")) for file in files]
        output = stack.enter_context(into.open("wb"))
        before = b""
        for line in heapq.merge(*opened):
            if line != before or not distinct:
                output.write(line)
                before = line


@dataclass(frozen=True)
class Block:
    """A sorted file whose key range overlaps no other input."""

    file: Path
    first: bytes

    @classmethod
    def of(cls, file: Path) -> "Block":
        """Return the block of a file; `first` is its first line, empty if the file is."""
        with file.open("rb") as lines:
            return cls(file, lines.readline())


def interleave_blocks(shared: Path, blocks: Sequence[Block], into: Path) -> None:
    """Write the lines of a sorted file and of blocks in order; raise ValueError if a line falls inside a block."""
    ordered = sorted((block for block in blocks if block.first), key=lambda block: block.first)
    with shared.open("rb") as lines, into.open("wb") as output:
        line = lines.readline()
        for block in ordered:
            while line and line < block.first:
                output.write(line)
                line = lines.readline()
            with block.file.open("rb") as content:
                shutil.copyfileobj(content, output, 1 << 20)
            if line and line <= _last_line(block.file):
                raise ValueError(f"{line.decode().strip()} is about what belongs to another part")
        output.write(line)
        shutil.copyfileobj(lines, output, 1 << 20)


def _last_line(file: Path) -> bytes:
    """Return the last line, of any length, of a file that is not empty."""
    size = file.stat().st_size
    with file.open("rb") as content:
        for back in (1 << power for power in range(12, 64)):
            content.seek(max(0, size - back))
            tail = content.read()
            start = tail.rfind(b"\n", 0, len(tail) - 1)
            if start >= 0 or back >= size:
                return tail[start + 1 :]
    raise AssertionError("a file is shorter than what was read of it")


def lines_of(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file."""
    with file.open("rb") as lines:
        yield from lines


_SUMMED_COLUMNS = ("measures_led", "measures_joined")  # counts of an organization: each part counts its own measures


@dataclass(frozen=True)
class _CsvRows:
    """The rows of a CSV file, read anew by each iteration."""

    file: Path

    def __iter__(self) -> Iterator[list[str]]:
        with self.file.open(encoding="utf-8", newline="") as text:
            rows = csv.reader(text)
            next(rows)  # the header
            yield from rows


def gather_tables(parts: Sequence[Part], folder: Path, work: Path) -> list[Table]:
    """Write every table into a folder from the parts, and return them; `work` is for intermediate files."""
    gathered = []
    for name, named in columns().items():
        table = Table(name, named, _CsvRows(folder / f"{name}.csv"))
        with folder.joinpath(table.file).open("wb") as output:
            output.write(Table(name, named, ()).csv())
            if name in KEY_COLUMNS:
                for _, rows in _rows_by_key([part.path(name) for part in parts], work / name):
                    output.write(Table(name, named, [_combine_rows(rows, named)]).csv(header=False))
            else:
                for part in parts:
                    with part.path(name).open("rb") as rows_of_part:
                        shutil.copyfileobj(rows_of_part, output)
        gathered.append(table)
    return gathered


def gather_rows(name: str, part_tables: Sequence[Table]) -> list[Sequence[str]]:
    """Return the rows of a table from those of each part, in memory, as `gather_tables` writes them."""
    rows = [row for table in part_tables for row in table.rows]
    if name not in KEY_COLUMNS:
        return rows
    named = columns()[name]
    lines = keyed_lines(rows, [named.index(column) for column in KEY_COLUMNS[name]])
    return [_combine_rows(of_key, named) for _, of_key in _group_by_key(lines)]


def gather_identities(parts: Sequence[Part], work: Path) -> Iterator[Identity]:
    """Yield the identity of every IRI once, in the order of the IRIs."""
    for _, rows in _rows_by_key([part.path(IDENTITIES) for part in parts], work / IDENTITIES):
        yield Identity(*rows[0])


def gather_graph(parts: Sequence[Part], into: Path, work: Path) -> None:
    """Write the statements of all parts as sorted distinct N-Triples."""
    shared = work / SHARED
    merge_sorted([part.path(SHARED) for part in parts], shared)
    blocks: dict[tuple[str, str], list[Path]] = {}
    for part in parts:
        key = part.summary().key
        for name in (MEASURES, SOURCE):
            if part.path(name).exists():
                blocks.setdefault((key, name), []).append(part.path(name))
    interleave_blocks(
        shared, [Block.of(_merged_file(files, work / f"{key}-{name}")) for (key, name), files in blocks.items()], into
    )
    shared.unlink()


def _merged_file(files: Sequence[Path], merged: Path) -> Path:
    """Return the file of a block, merged if an edition has several parts."""
    if len(files) > 1:
        merge_sorted(files, merged)
    return merged if len(files) > 1 else files[0]


def _rows_by_key(files: Sequence[Path], merged: Path) -> Iterator[tuple[str, list[list[str]]]]:
    merge_sorted(files, merged, distinct=False)  # equal counts of two editions are both added
    yield from _group_by_key(lines_of(merged))
    merged.unlink()


def _group_by_key(lines: Iterable[bytes]) -> Iterator[tuple[str, list[list[str]]]]:
    split = (line.decode().split("\t", 1) for line in lines)
    for key, group in groupby(split, key=lambda one: one[0]):
        yield key, [json.loads(row) for _, row in group]


def _combine_rows(rows: Iterable[list[str]], named: Sequence[str]) -> list[str]:
    """Return the rows of one thing as one row, with the numbers that each part counts added up."""
    first, *others = rows
    for place in (named.index(column) for column in _SUMMED_COLUMNS if column in named):
        first[place] = str(sum(int(row[place]) for row in (first, *others)))
    return first
