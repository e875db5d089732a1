"""What one document contributes to a release, as files: made by any process, gathered by `kg.rdf.part_merger`.

A part holds what it states of its own measures and of its own printed cells, what it states of things that others may
speak of, too, and its rows of every table. Lines are sorted, so that parts are merged without being in memory.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pyoxigraph import Triple

from kg.core import iris
from kg.core.jsonld_serializer import kinds_of
from kg.model.edition_matcher import listed_of
from kg.model.identifier_ledger import identities_of
from kg.model.linked_records import Listed
from kg.model.records import Records
from kg.model.reference_data import used_by
from kg.rdf.csv_tables import tables
from kg.rdf.measure_graph import triples
from kg.recipe import Recipe

MEASURES, SOURCE, SHARED = "own-measures.nt", "own-source.nt", "shared.nt"
IDENTITIES = "identities"
# The tables in which several parts may have rows of the same thing, and the columns that tell whether it is the same.
KEYED = {"organizations": ("iri",), "links": ("subject_id", "predicate_id", "object_id")}
_GIST, _LISTED = "gist.json", "listed.json"


@dataclass(frozen=True)
class Gist:
    """What the rest of a build must know of a part, in little room.

    `document` says that it is of a source document. `issues` are severity, type and both messages with how often each
    stands; `used` the things that it names; `kinds` of what kind the values of each predicate are (see
    `kg.core.jsonld_serializer`); `told` what stands in it beside the editions, in a line each.
    """

    key: str
    document: bool = False
    example: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    issues: tuple[tuple[str, str, str, str, int], ...] = ()
    used: tuple[str, ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A part in its folder."""

    folder: Path

    def gist(self) -> Gist:
        """Return its gist."""
        data: dict[str, Any] = json.loads(self.folder.joinpath(_GIST).read_text(encoding="utf-8"))
        issues, used, told = tuple(map(tuple, data["issues"])), tuple(data["used"]), tuple(data["told"])
        return Gist(**{**data, "issues": issues, "used": used, "told": told})

    def listed(self) -> list[Listed]:
        """Return what tells its measures from others."""
        data: list[dict[str, Any]] = json.loads(self.folder.joinpath(_LISTED).read_text(encoding="utf-8"))
        return [Listed(**{**one, "kpis": tuple(map(tuple, one["kpis"]))}) for one in data]

    def path(self, name: str) -> Path:
        """Return where one of its files is."""
        return self.folder / name


def own_prefixes(key: str) -> tuple[bytes, bytes]:
    """Return how lines begin that are about an edition's own measures, and about its printed lines and cells."""
    return f"<{iris.ID}{key}/".encode(), f"<{iris.ID}source/{key}/".encode()


def part_of(key: str, records: Records, recipe: Recipe) -> dict[str, bytes]:
    """Return the files of a part: of a document or what belongs to its edition, by its key; else with an empty key."""
    graph = triples(records, recipe)
    return _files(key, records, graph.statements())


def part_of_lists(key: str, statements: Iterable[Triple]) -> dict[str, bytes]:
    """Return the files of a part that has no records."""
    return _files(key, Records(()), statements)


def _files(key: str, records: Records, statements: Iterable[Triple]) -> dict[str, bytes]:
    listed = list(statements)
    lines = sorted(f"{statement} .\n".encode() for statement in listed)
    own = own_prefixes(key) if key else ()
    files = {
        name: b"".join(line for line in lines if line.startswith(prefix))
        for name, prefix in zip((MEASURES, SOURCE), own, strict=False)
    }
    files[SHARED] = b"".join(line for line in lines if not line.startswith(own)) if own else b"".join(lines)
    for table in tables(records):
        by = [table.columns.index(column) for column in KEYED.get(table.name, ())]
        files[table.name] = b"".join(keyed(table.rows, by)) if by else table.csv(header=False)
    found = ((one.iri, one.kind, one.names) for one in identities_of(records).values())
    files[IDENTITIES] = b"".join(keyed(found, [0]))
    files[_GIST] = _json(asdict(_gist(key, records, kinds_of(listed))))
    files[_LISTED] = _json([asdict(listed_of(measure)) for measure in records.measures])
    return files


def _json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True).encode()


def keyed(rows: Iterable[Sequence[str]], by: Sequence[int]) -> list[bytes]:
    """Return rows as sorted lines: a key, which is some of the columns, a tab, and the row as JSON."""
    lines = (f"{' '.join(row[column] for column in by)}\t{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    return sorted(line.encode() for line in lines)


def _gist(key: str, records: Records, kinds: dict[str, str]) -> Gist:
    measures, corrections = records.measures, [entry for one in records.editions for entry in one.corrections]
    replaced = sum(entry.action == "replace" for entry in corrections)
    counted = Counter((issue.severity, issue.type, issue.message_ja, issue.message_en) for issue in records.issues)
    return Gist(
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
        tuple(sorted({iri for edition in records.editions for iri in used_by(edition)})),
        kinds,
        (*_revisions_told(key, records), *_plans_told(records)),
    )


def _revisions_told(key: str, records: Records) -> Iterator[str]:
    """Yield a line on an edition's revisions."""
    if records.revisions:
        stated = sum(revision.stated for revision in records.revisions)
        candidates = sum(revision.status == "candidate" for revision in records.revisions)
        earlier = records.revisions[0].earlier.removeprefix(iris.ID).partition("/")[0]
        yield f"{key} continues {earlier}: {stated} stated, {candidates} candidates (revisions.csv)"


def _plans_told(records: Records) -> Iterator[str]:
    """Yield a line for each local plan."""
    for plan in records.plans:
        found = [local for local in records.local if local.plan == plan.key]
        citing, unknown = sum(bool(local.cites) for local in found), sum(local.unknown for local in found)
        told = f"{citing} cite listed measures, {unknown} name some that are not listed"
        yield f"plan {plan.key}: {len(found)} measures, {told} (local-measures.csv)"
