"""Counts what a graph holds, chunk by chunk, without holding it: how each class uses each property, with what values.

Distinct values, and the classes of values, cannot be counted in one chunk alone. So each chunk leaves a sorted file of
small records, by the hashes of its values and of its subjects; afterwards all records of some hashes are looked at
together. A hash has 64 bits: among ten million values the chance that any two share one is below one in 100,000.
"""

import hashlib
import mmap
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path

from kg.names import ID, PREFIXES
from kg.rdf.chunks import Chunk, by_subject

_TYPE = f"<{PREFIXES['rdf']}type>".encode()
_OWN = f"<{ID}".encode()
_STRING, _LANGUAGE = PREFIXES["xsd"] + "string", PREFIXES["rdf"] + "langString"
_RECORD = struct.Struct(
    ">8sII"
)  # hash; what (uses, or classes); how often, or 0 where it tells the classes of a subject
_TOGETHER = 8 << 20  # bytes of records that are looked at together

Use = tuple[str, str]  # a class, or an empty string for the whole graph, and a property


@dataclass
class Used:
    """How a property is used: its triples, how many subjects have it, how many values, and the kinds of them."""

    triples: int = 0
    subjects: int = 0
    values: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    datatypes: Counter[str] = field(default_factory=Counter)


@dataclass
class Contents:
    """What a graph, or a chunk of it, holds: `members` are things by class, `entities` those with names of our own."""

    triples: int = 0
    subjects: int = 0
    entities: int = 0
    values: int = 0
    members: Counter[str] = field(default_factory=Counter)
    uses: dict[Use, Used] = field(default_factory=lambda: defaultdict(Used))


@dataclass(frozen=True)
class Counted:
    """What was counted in a chunk, its records, and what numbers mean in these: uses of values, classes of things."""

    contents: Contents
    records: Path
    uses: list[tuple[Use, ...]]
    classes: list[tuple[str, ...]]


def count(chunk: Chunk, records: Path) -> Counted:
    """Count a chunk; write its records to a file."""
    contents = Contents()
    numbers: dict[tuple[Use, ...], int] = {}
    kinds: dict[tuple[str, ...], int] = {}
    values: Counter[tuple[bytes, int]] = Counter()
    types: list[tuple[bytes, int]] = []
    for subject, lines in by_subject(chunk.read()):
        rows = [(predicate, value[:-3]) for _, predicate, value in (line.split(b" ", 2) for line in lines)]
        classes = tuple(value[1:-1].decode() for predicate, value in rows if predicate == _TYPE)
        contents.triples += len(rows)
        contents.subjects += 1
        contents.entities += subject.startswith(_OWN)
        contents.members.update(classes)
        if classes:
            types.append((subject, kinds.setdefault(classes, len(kinds))))
        for predicate, stated in groupby(rows, key=lambda row: row[0]):
            name = predicate[1:-1].decode()
            uses = tuple((kind, name) for kind in ("", *classes))
            number = numbers.setdefault(uses, len(numbers))
            found = [value for _, value in stated]
            values.update((value, number) for value in found)
            datatypes = [_datatype(value) for value in found if value[:1] == b'"']
            for used in (contents.uses[use] for use in uses):
                used.triples += len(found)
                used.subjects += 1
                used.datatypes.update(datatypes)
    found_records = [_RECORD.pack(_hash(value), number, times) for (value, number), times in values.items()]
    found_records += [_RECORD.pack(_hash(subject), kind, 0) for subject, kind in types]
    records.write_bytes(b"".join(sorted(found_records)))
    return Counted(contents, records, list(numbers), list(kinds))


def _hash(term: bytes) -> bytes:
    return hashlib.blake2b(term, digest_size=8).digest()


def _datatype(literal: bytes) -> str:
    """Return the datatype of a literal as N-Triples writes it."""
    if literal.endswith(b'"'):
        return _STRING
    return literal[literal.rindex(b"^^<") + 3 : -1].decode() if literal.endswith(b">") else _LANGUAGE


@dataclass
class Values:
    """What is known of the values of some hashes: how many there are, in all and of each use, and of which classes."""

    values: int = 0
    distinct: Counter[Use] = field(default_factory=Counter)
    classes: Counter[tuple[Use, str]] = field(default_factory=Counter)


def lots(counted: Sequence[Counted]) -> list[tuple[int, int]]:
    """Return ranges of hashes (their first four bytes, the end excluded) whose records are looked at together."""
    size = sum(one.records.stat().st_size for one in counted)
    many = max(1, -(-size // _TOGETHER))
    bounds = [(place << 32) // many for place in range(many + 1)]
    return list(pairwise(bounds))


def look_at(counted: Sequence[Counted], lot: tuple[int, int]) -> Values:
    """Return what is known of the values whose hashes are in a range."""
    uses: dict[bytes, Counter[tuple[Use, ...]]] = defaultdict(Counter)
    types: dict[bytes, tuple[str, ...]] = {}
    for one in counted:
        for hashed, number, times in _records(one.records, lot):
            if times:
                uses[hashed][one.uses[number]] += times
            else:
                types[hashed] = one.classes[number]
    values = Values(len(uses))
    for hashed, used in uses.items():
        values.distinct.update({use for several in used for use in several})
        for kind in types.get(hashed, ()):
            for several, times in used.items():
                for use in several:
                    values.classes[use, kind] += times
    return values


def _records(file: Path, lot: tuple[int, int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the records of a sorted file whose hashes are in a range."""
    size = file.stat().st_size // _RECORD.size
    if not size:
        return
    with file.open("rb") as content, mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ) as records:
        start, end = (_place(records, size, bound) * _RECORD.size for bound in lot)
        yield from _RECORD.iter_unpack(records[start:end])


def _place(records: mmap.mmap, size: int, bound: int) -> int:
    """Return the number of records whose hashes are before a bound."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        at = middle * _RECORD.size
        if int.from_bytes(records[at : at + 4]) < bound:
            low = middle + 1
        else:
            high = middle
    return low


def add_up(counted: Iterable[Counted], values: Iterable[Values]) -> Contents:
    """Return what the whole graph holds."""
    whole = Contents()
    for part in (one.contents for one in counted):
        whole.triples += part.triples
        whole.subjects += part.subjects
        whole.entities += part.entities
        whole.members.update(part.members)
        for use, used in part.uses.items():
            whole.uses[use].triples += used.triples
            whole.uses[use].subjects += used.subjects
            whole.uses[use].datatypes.update(used.datatypes)
    for found in values:
        whole.values += found.values
        for use, distinct in found.distinct.items():
            whole.uses[use].values += distinct
        for (use, kind), times in found.classes.items():
            whole.uses[use].classes[kind] += times
    return whole
