"""Links to other data sets: curated rows with the columns of SSSOM, and rules by identifiers.

SSSOM is the Simple Standard for Sharing Ontological Mappings, https://w3id.org/sssom/. `flag` is a column of our own: a
link flagged `seen` was found in a source and is published, one flagged `computed` is a candidate.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pyoxigraph import NamedNode

from kg.core import iris
from kg.core.errors import Problem
from kg.core.spans import plain
from kg.recipe.code_lists import Code, CodeList
from kg.recipe.schema import CHECKS
from kg.recipe.sources import Source
from kg.recipe.table_loader import Row, Table

FOLDER = "links/"
RULES, TARGETS = "link-rules", "link-targets"
# Kinds of `id:` IRIs that a row can link, with the code lists of their keys.
_SUBJECTS = {
    "organization": ("organizations", "bodies"),
    "law": ("laws",),
    "place": ("places",),
    "entity": ("entities",),
    "pillar": ("pillars",),
    "unit": ("units",),
}
# Things that are not rows of a recipe table, with the column that rules can use.
_COLUMNS = {"documents": {"url"}, "editions": {"key"}}
# Predicates stating that both ends are the same thing.
_IDENTITY = ("skos:exactMatch", "schema:sameAs", "owl:sameAs")
_KINDS = {name: kind for kind, lists in _SUBJECTS.items() for name in lists}
_EXAMPLES = {"value": "1234567890123", "date": "20191011"}


@dataclass(frozen=True)
class LinkTarget:
    """A data set or site that links lead to: its IRIs begin with `space`, and the rest matches `pattern`."""

    key: str
    label_ja: str
    label_en: str
    space: str
    pattern: str
    check: str
    homepage: str
    method_ja: str
    method_en: str
    row: Row

    def complaint(self, iri: str) -> str:
        """Return the problem of an IRI of this target, or an empty string."""
        name = iri.removeprefix(self.space)
        if name == iri or not re.fullmatch(self.pattern, name):
            return f"{iri} is not an IRI of {self.key}: those are {self.space} and then {self.pattern}"
        if self.check and not CHECKS[self.check][0](name):
            return f"{name} is not {CHECKS[self.check][1]}"
        try:
            NamedNode(iri)
        except ValueError as error:
            return f"{iri} is not an IRI: {error}"
        return ""


@dataclass(frozen=True)
class MappingMetadata:
    """Metadata of the links of a row or rule, in the terms of SSSOM."""

    target: LinkTarget
    predicate: str
    rejected: bool
    seen: bool
    justification: str
    author: str
    date: str
    confidence: str
    comment: str
    table: str
    key: str
    line: int


@dataclass(frozen=True)
class LinkRow:
    """One curated link, both ends as IRIs."""

    subject: str
    object: str
    metadata: MappingMetadata


@dataclass(frozen=True)
class LinkRule:
    """A rule: fills `pattern` with the identifiers in `column` of the table `things`."""

    things: str
    column: str
    pattern: str
    metadata: MappingMetadata

    @property
    def dated(self) -> bool:
        """True if its IRIs contain the date of archived copies."""
        return "{date" in self.pattern

    def iri(self, value: str, date: str = "") -> str:
        """Return the IRI for an identifier; empty if there is none, or the pattern needs a date and there is none."""
        if not value or (self.dated and not date):
            return ""
        return _ascii(self.metadata.target.space + self.pattern.format(value=value, date=date))


@dataclass(frozen=True)
class Links:
    """The links of the recipe: targets, curated rows and rules."""

    targets: tuple[LinkTarget, ...]
    rows: tuple[LinkRow, ...]
    rules: tuple[LinkRule, ...]


def read_links(
    tables: Mapping[str, Table], codes: Mapping[str, CodeList], sources: Sequence[Source]
) -> tuple[Links, list[Problem]]:
    """Return the links of the recipe, and all their problems."""
    targets = {row["key"]: LinkTarget(**row.values, row=row) for row in tables[TARGETS].rows}
    problems: list[Problem] = []
    rows: list[LinkRow] = []
    names = _linkable_names(codes, sources)
    for name, table in sorted(tables.items()):
        if not name.startswith(FOLDER):
            continue
        target = targets.get(name.removeprefix(FOLDER))
        if target is None:
            fact = f"{table.file.stem} is not a key of {TARGETS}.csv"
            problems.append(Problem(fact, "describe the target there, or rename the file", table.file))
            continue
        parsed = [_parse_row(row, target, table) for row in table.rows]
        rows += parsed
        problems += _row_problems(parsed, names, table)
    rules: list[LinkRule] = []
    for row in (row for row in tables[RULES].rows if row["target"] in targets):
        rules.append(_parse_rule(row, targets[row["target"]]))
        problems += _rule_problems(rules[-1], row, tables)
    if not problems:
        problems += _conflicting_identities(rows, rules, tables)
    return Links(tuple(targets.values()), tuple(rows), tuple(rules)), problems


def _linkable_names(codes: Mapping[str, CodeList], sources: Sequence[Source]) -> dict[str, set[str]]:
    """Return the names of each thing that can be linked, by its IRI."""
    lists = [(kind, codes[name]) for kind, of_kind in _SUBJECTS.items() for name in of_kind]
    things = {
        iris.shared(kind, code.key): {plain(name) for name in _names_of(code)}
        for kind, entries in lists
        for code in entries
    }
    titles = {
        iris.edition(source.key): {plain(str(source.described[name])) for name in ("key", "title_ja", "title_en")}
        for source in sources
    }
    return things | titles


def _names_of(code: Code) -> Iterator[str]:
    yield from (code.label_ja, code.label_en, code.row.values.get("abbreviation", ""))
    yield from code.row.listed("printed_as") if "printed_as" in code.row.values else ()


def _conflicting_identities(
    rows: Sequence[LinkRow], rules: Sequence[LinkRule], tables: Mapping[str, Table]
) -> Iterator[Problem]:
    """Yield each external IRI that is equated with two of our things, and the reverse."""
    first: dict[str, tuple[str, str]] = {}
    of: dict[tuple[str, Path], tuple[str, str]] = {}
    for subject, iri, file, line in _identity_claims(rows, rules, tables):
        same = of.setdefault((subject, file), (iri, f"{file.name}, line {line}"))
        if f"{file.parent.name}/" == FOLDER and same[0] != iri:
            fact = f"{_prefixed(subject)} is said to be {iri} and, in {same[1]}, {same[0]}"
            yield Problem(fact, "keep the one that is right; reject the other with Not", file, line)
        other = first.setdefault(iri, (subject, f"{file.name}, line {line}"))
        if other[0] != subject:
            fact = f"{iri} is said to be {_prefixed(subject)} and, in {other[1]}, {_prefixed(other[0])}"
            yield Problem(fact, "keep the one that is right; reject the other with Not", file, line)


def _identity_claims(
    rows: Sequence[LinkRow], rules: Sequence[LinkRule], tables: Mapping[str, Table]
) -> Iterator[tuple[str, str, Path, int]]:
    """Yield each statement of identity with its place; a row that rejects a link overrides a rule."""
    rejected = {(row.subject, row.object) for row in rows if row.metadata.rejected}
    for rule in (rule for rule in rules if rule.metadata.predicate in _IDENTITY and rule.things in _KINDS):
        table = tables[rule.things]
        for thing in table.rows:
            subject, iri = iris.shared(_KINDS[rule.things], thing["key"]), rule.iri(thing[rule.column])
            if iri and (subject, iri) not in rejected:
                yield subject, iri, table.file, thing.line
    for row in rows:
        if row.metadata.predicate in _IDENTITY and not row.metadata.rejected:
            yield row.subject, row.object, tables[row.metadata.table].file, row.metadata.line


def _prefixed(iri: str) -> str:
    return f"id:{iri.removeprefix(iris.ID)}"


def _parse_row(row: Row, target: LinkTarget, table: Table) -> LinkRow:
    subject = iris.ID + row["subject_id"].removeprefix("id:")
    given = row["object_id"]
    iri = target.space + given.removeprefix(f"{target.key}:") if given.startswith(f"{target.key}:") else given
    key = iris.slug(" ".join((subject, row["predicate_modifier"], row["predicate_id"], _ascii(iri))))
    return LinkRow(
        subject, _ascii(iri), _parse_metadata(row, target, row["predicate_modifier"] == "Not", table.name, key)
    )


def _ascii(iri: str) -> str:
    """Return the URI of an IRI (RFC 3987, section 3.1): all IRIs of the graph are ASCII."""
    return quote(iri, safe="".join(map(chr, range(33, 127))))


def _parse_rule(row: Row, target: LinkTarget) -> LinkRule:
    return LinkRule(
        row["things"], row["column"], row["pattern"], _parse_metadata(row, target, False, RULES, row["key"])
    )


def _parse_metadata(row: Row, target: LinkTarget, rejected: bool, table: str, key: str) -> MappingMetadata:
    return MappingMetadata(
        target=target,
        predicate=row["predicate_id"],
        rejected=rejected,
        seen=row["flag"] == "seen",
        justification=row["mapping_justification"],
        author=row["author_label"],
        date=row["mapping_date"],
        confidence=row["confidence"],
        comment=row["comment"],
        table=table,
        key=key,
        line=row.line,
    )


def _row_problems(rows: Sequence[LinkRow], names: Mapping[str, set[str]], table: Table) -> Iterator[Problem]:
    first: dict[tuple[str, str, str], int] = {}
    file = table.file
    for row, given in zip(rows, table.rows, strict=True):
        line, label = row.metadata.line, given["subject_label"]
        if row.subject not in names:
            yield Problem(f"{row.subject} is not in the code lists", "correct subject_id", file, line)
        elif label and plain(label) not in names[row.subject]:
            fact = f"subject_label is {label!r}, which is not a name of {given['subject_id']}"
            yield Problem(fact, "correct the one that is wrong", file, line)
        if complaint := row.metadata.target.complaint(row.object):
            yield Problem(complaint, "correct object_id, or the target in link-targets.csv", file, line)
        at = first.setdefault((row.subject, row.metadata.predicate, row.object), line)
        if at != line:
            fact = f"the same link is in line {at}"
            yield Problem(fact, "keep one row: a link is published, a candidate or rejected", file, line)


def _rule_problems(rule: LinkRule, row: Row, tables: Mapping[str, Table]) -> Iterator[Problem]:
    """Yield the problems of a rule: its column, its pattern, or its first invalid IRI."""
    file = tables[RULES].file
    rows = tables[rule.things].rows if rule.things in tables else ()
    columns = _COLUMNS.get(rule.things) or {name for thing in rows[:1] for name in thing.values}
    if rule.column not in columns:
        fact = f"{rule.column} is not a column of {rule.things}"
        yield Problem(fact, f"name one of {', '.join(sorted(columns))}", file, row.line)
        return
    try:
        rule.pattern.format(**_EXAMPLES)
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        yield Problem(
            f"the pattern {rule.pattern!r} cannot be filled: {error}", "use {value} and {date}", file, row.line
        )
        return
    for thing in rows:
        iri = rule.iri(thing[rule.column], _EXAMPLES["date"])
        if iri and (complaint := rule.metadata.target.complaint(iri)):
            remedy = f"correct the pattern, or {rule.column} in line {thing.line} of {tables[rule.things].file.name}"
            yield Problem(complaint, remedy, file, row.line)
            return
