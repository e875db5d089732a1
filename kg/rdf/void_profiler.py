"""Profiler of a graph: counts classes, properties and values chunk by chunk, and describes them in VoID.

Distinct values, and the classes of values, cannot be counted within one chunk. So each chunk has a sorted file of small
records by the hashes of its values and subjects; then the records of each range of hashes are counted together. A hash
has 64 bits: among ten million values the probability of any collision is below one in 100,000.
"""

import hashlib
import mmap
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from kg.core.iris import ID, PREFIXES, to_curie
from kg.rdf.edition_dumps import Chunk, iterate_subjects
from kg.rdf.graph_builder import Graph, Subject

_TYPE = f"<{PREFIXES['rdf']}type>".encode()
_OWN = f"<{ID}".encode()
_STRING, _LANGUAGE = PREFIXES["xsd"] + "string", PREFIXES["rdf"] + "langString"
# hash; number of the uses or classes; count, or 0 for a record of the classes of a subject
_RECORD = struct.Struct(">8sII")
_RECORDS_PER_RANGE = 8 << 20  # bytes of records that are counted together

Use = tuple[str, str]  # a class, or an empty string for the whole graph, and a property


@dataclass
class PropertyUsage:
    """Usage of a property: numbers of triples, subjects and distinct values, and the kinds of the values."""

    triples: int = 0
    subjects: int = 0
    values: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    datatypes: Counter[str] = field(default_factory=Counter)


@dataclass
class GraphContents:
    """Statistics of a graph or chunk; `members` are instances by class, `entities` subjects with our own IRIs."""

    triples: int = 0
    subjects: int = 0
    entities: int = 0
    values: int = 0
    members: Counter[str] = field(default_factory=Counter)
    uses: dict[Use, PropertyUsage] = field(default_factory=lambda: defaultdict(PropertyUsage))


@dataclass(frozen=True)
class ChunkCounts:
    """Counts of a chunk, its file of records, and the uses and classes that numbers in the records refer to."""

    contents: GraphContents
    records: Path
    uses: list[tuple[Use, ...]]
    classes: list[tuple[str, ...]]


def count_chunk(chunk: Chunk, records: Path) -> ChunkCounts:
    """Count a chunk; write its records to a file."""
    contents, counts = GraphContents(), _ClassCounts()
    types: list[tuple[bytes, int]] = []
    for subject, lines in iterate_subjects(chunk.read()):
        rows = [(predicate, value[:-3]) for _, predicate, value in (line.split(b" ", 2) for line in lines)]
        classes = tuple([value[1:-1].decode() for predicate, value in rows if predicate == _TYPE])
        contents.triples += len(rows)
        contents.subjects += 1
        contents.entities += subject.startswith(_OWN)
        contents.members.update(classes)
        if classes:
            types.append((subject, counts.kinds.setdefault(classes, len(counts.kinds))))
        counts.add(classes, rows)
    counts.add_to(contents.uses)
    found_records = [_RECORD.pack(_hash(value), number, times) for (value, number), times in counts.values.items()]
    found_records += [_RECORD.pack(_hash(subject), kind, 0) for subject, kind in types]
    records.write_bytes(b"".join(sorted(found_records)))
    uses = [_uses(classes, predicate) for classes, predicate in counts.numbers]
    return ChunkCounts(contents, records, uses, list(counts.kinds))


class _ClassCounts:
    """Counts by property and the classes of the subject; each such pair has a number."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[tuple[str, ...], bytes], int] = {}
        self.kinds: dict[tuple[str, ...], int] = {}
        self.values: defaultdict[tuple[bytes, int], int] = defaultdict(int)
        self._triples: list[int] = []
        self._subjects: list[int] = []
        self._datatypes: defaultdict[tuple[int, bytes], int] = defaultdict(int)

    def add(self, classes: tuple[str, ...], rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Count the statements about a subject, as (predicate, value) sorted by predicate."""
        before = b""
        for predicate, value in rows:
            if predicate != before:
                before = predicate
                number = self.numbers.setdefault((classes, predicate), len(self._subjects))
                if number == len(self._subjects):
                    self._subjects.append(0)
                    self._triples.append(0)
                self._subjects[number] += 1
            self._triples[number] += 1
            self.values[value, number] += 1
            if value[:1] == b'"':
                self._datatypes[number, value[value.rindex(b'"') :]] += 1

    def add_to(self, uses: Mapping[Use, PropertyUsage]) -> None:
        """Add the counts to each use."""
        datatypes: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for (number, end), times in self._datatypes.items():
            datatypes[number][_datatype(end)] += times
        for (classes, predicate), number in self.numbers.items():
            for usage in (uses[use] for use in _uses(classes, predicate)):
                usage.triples += self._triples[number]
                usage.subjects += self._subjects[number]
                usage.datatypes.update(datatypes[number])


def _uses(classes: Iterable[str], predicate: bytes) -> tuple[Use, ...]:
    name = predicate[1:-1].decode()
    return tuple((kind, name) for kind in ("", *classes))


def _hash(term: bytes) -> bytes:
    return hashlib.blake2b(term, digest_size=8).digest()


def _datatype(end: bytes) -> str:
    """Return the datatype of a literal from the end of its N-Triples form, after the closing quotation mark."""
    return _STRING if end == b'"' else end[4:-1].decode() if end.startswith(b'"^^') else _LANGUAGE


@dataclass
class ValueCounts:
    """Counts of distinct values in a range of hashes: in all, by use, and by use and class."""

    values: int = 0
    distinct: Counter[Use] = field(default_factory=Counter)
    classes: Counter[tuple[Use, str]] = field(default_factory=Counter)


def hash_ranges(counted: Sequence[ChunkCounts]) -> list[tuple[int, int]]:
    """Return ranges of hashes (their first four bytes, end excluded) that are counted together."""
    size = sum(one.records.stat().st_size for one in counted)
    many = max(1, -(-size // _RECORDS_PER_RANGE))
    bounds = [(place << 32) // many for place in range(many + 1)]
    return list(pairwise(bounds))


def count_values(counted: Sequence[ChunkCounts], hash_range: tuple[int, int]) -> ValueCounts:
    """Return the counts of the values whose hashes are in a range."""
    uses: dict[bytes, Counter[tuple[Use, ...]]] = defaultdict(Counter)
    types: dict[bytes, tuple[str, ...]] = {}
    for one in counted:
        for value_hash, number, times in _records(one.records, hash_range):
            if times:
                uses[value_hash][one.uses[number]] += times
            else:
                types[value_hash] = one.classes[number]
    values = ValueCounts(len(uses))
    for value_hash, usage in uses.items():
        values.distinct.update({use for several in usage for use in several})
        for kind in types.get(value_hash, ()):
            for several, times in usage.items():
                for use in several:
                    values.classes[use, kind] += times
    return values


def _records(file: Path, hash_range: tuple[int, int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the records of a sorted file whose hashes are in a range."""
    size = file.stat().st_size // _RECORD.size
    if not size:
        return
    with file.open("rb") as content, mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ) as records:
        start, end = (_find_record(records, size, bound) * _RECORD.size for bound in hash_range)
        yield from _RECORD.iter_unpack(records[start:end])


def _find_record(records: mmap.mmap, size: int, bound: int) -> int:
    """Return the number of records whose hashes are less than a bound."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        at = middle * _RECORD.size
        if int.from_bytes(records[at : at + 4]) < bound:
            low = middle + 1
        else:
            high = middle
    return low


def merge_counts(counted: Iterable[ChunkCounts], values: Iterable[ValueCounts]) -> GraphContents:
    """Return the statistics of the whole graph."""
    whole = GraphContents()
    for part in (one.contents for one in counted):
        whole.triples += part.triples
        whole.subjects += part.subjects
        whole.entities += part.entities
        whole.members.update(part.members)
        for use, usage in part.uses.items():
            whole.uses[use].triples += usage.triples
            whole.uses[use].subjects += usage.subjects
            whole.uses[use].datatypes.update(usage.datatypes)
    for found in values:
        whole.values += found.values
        for use, distinct in found.distinct.items():
            whole.uses[use].values += distinct
        for (use, kind), times in found.classes.items():
            whole.uses[use].classes[kind] += times
    return whole


def describe_contents(graph: Graph, dataset: str, contents: GraphContents) -> None:
    """State the statistics as a VoID description of the dataset with class and property partitions."""
    by_class: dict[str, dict[str, PropertyUsage]] = defaultdict(dict)
    for (kind, name), usage in contents.uses.items():
        by_class[kind][name] = usage
    whole, members = by_class.pop(""), contents.members
    subject = graph.about(dataset).a("void:Dataset").number("void:triples", contents.triples)
    subject.number("void:entities", contents.entities)
    subject.number("void:classes", len(members)).number("void:properties", len(whole))
    subject.to("void:vocabulary", *_vocabularies(whole, members)).text("void:uriSpace", ID)
    subject.number("void:distinctSubjects", contents.subjects).number("void:distinctObjects", contents.values)
    base = dataset.partition("#")[0]
    _properties(graph, subject, f"{base}#", whole)
    for name, entities in sorted(members.items()):
        part, uses = f"{base}#{_short(name)}", by_class[name]
        subject.to("void:classPartition", part)
        about = graph.about(part).a("void:Dataset").to("void:class", name).number("void:entities", entities)
        about.number("void:triples", sum(use.triples for use in uses.values()))
        _properties(graph, about, f"{part}.", uses)


def _properties(graph: Graph, subject: Subject, start: str, uses: Mapping[str, PropertyUsage]) -> None:
    for name, use in sorted(uses.items()):
        part = start + _short(name)
        subject.to("void:propertyPartition", part)
        about = graph.about(part).a("void:Dataset").to("void:property", name).number("void:triples", use.triples)
        about.number("void:distinctSubjects", use.subjects).number("void:distinctObjects", use.values)
        for kind, triples in sorted(use.classes.items()):
            about.to("void:classPartition", f"{part}.{_short(kind)}")
            values = graph.about(f"{part}.{_short(kind)}").a("void:Dataset").to("void:class", kind)
            values.number("void:triples", triples)
        for kind, triples in sorted(use.datatypes.items()):
            about.to("void-ext:datatypePartition", f"{part}.{_short(kind)}")
            values = graph.about(f"{part}.{_short(kind)}").a("void:Dataset").to("void-ext:datatype", kind)
            values.number("void:triples", triples)


def _vocabularies(*usage: Iterable[str]) -> list[str]:
    namespaces = {iri[: max(iri.rfind("#"), iri.rfind("/")) + 1] for iris in usage for iri in iris}
    return sorted(namespaces)


def _short(iri: str) -> str:
    """Return a name for an IRI that is valid in a fragment: `skos.Concept`."""
    name = to_curie(iri)
    prefix, _, local = name.partition(":")
    return quote(iri, safe="") if name == iri else f"{prefix}.{quote(local, safe='')}"
