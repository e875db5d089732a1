"""Comparer of two dumps: the changes per entity, and the number of changed statements.

Memory grows with the number of changes, not with the size of the dumps.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from kg.core.labels import Labels
from kg.diff.entity_matcher import (
    CORRECTION,
    DCTERMS,
    DESCRIPTION,
    KPI,
    PROV,
    SHISAKU,
    TITLE,
    TYPE,
    DumpFacts,
    Facts,
    Pair,
    class_of,
    facts_of,
    measure_of,
    pair_kpis,
    pair_measures,
    read_names,
)
from kg.diff.sentences import PERIOD, BilingualText, Sentence, SentenceWriter
from kg.diff.sorted_dump import Dump, differences

_MEASURE = SHISAKU + "Measure"
_NUMBER, _TARGET, _ROLE = SHISAKU + "measureNumber", SHISAKU + "target", SHISAKU + "targetRole"
_REVISES = PROV + "wasRevisionOf"
# Classes and properties of provenance, or derived from other statements: changes are counted, not described.
_COUNTED_CLASSES = {
    *("SourceRow", "SourceCell", "Annotation", "SpecificResource", "TextPositionSelector", "TextQuoteSelector"),
    *("RecipeRow", "Instant", "ProperInterval", "Issue", "EffectMark", "PlanMeasure", "Translation", "Revision"),
}
_SKIPPED = {
    *(PROV + "wasDerivedFrom", TYPE, KPI, _TARGET, SHISAKU + "titleTranslation", SHISAKU + "lists"),
    *(SHISAKU + "start", SHISAKU + "end", _REVISES, DCTERMS + "replaces"),
}
_TABLE_PROPERTIES = {SHISAKU + "edition", SHISAKU + "rowNumber", SHISAKU + "planMeasure"}  # different in each edition
_MARK = SHISAKU + "uncertainEffect"  # a separate entity in each edition
_TARGET_PROPERTIES = {SHISAKU + "value", PERIOD, SHISAKU + "printedText", SHISAKU + "unit"}  # described in one sentence


@dataclass(frozen=True)
class Change:
    """Change of one entity. `kind` is added, removed, changed or continued (a measure of a later edition).

    `iri` is that in the later dump if it has one; `earlier` are those of the measures that it continues.
    """

    kind: str
    type: str
    iri: str
    name: BilingualText
    number: str = ""
    earlier: tuple[str, ...] = ()
    sentences: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class Changes:
    """All changes between two dumps: statements, described entities, and counts of the others by class."""

    before: str
    after: str
    issued: str
    added: int
    removed: int
    things: tuple[Change, ...]
    others: dict[str, Counter[str]]
    classes: dict[str, BilingualText]


@dataclass
class _Differences:
    """Differences found in one pass over both dumps."""

    added: int = 0
    removed: int = 0
    measures: set[str] = field(default_factory=set)
    revised: set[str] = field(default_factory=set)
    things: dict[str, tuple[Facts, Facts]] = field(default_factory=dict)
    others: dict[str, Counter[str]] = field(default_factory=dict)

    @classmethod
    def between(cls, before: Dump, after: Dump) -> "_Differences":
        found = cls()
        for difference in differences(before, after):
            found.added += len(difference.added)
            found.removed += len(difference.removed)
            found._take(difference.subject[1:-1], facts_of(difference.before), facts_of(difference.after))
        return found

    def _take(self, iri: str, old: Facts, new: Facts) -> None:
        kind = class_of(new) or class_of(old)
        measure = measure_of(iri)
        if kind.rpartition("#")[2] in _COUNTED_CLASSES:
            self.others.setdefault(kind, Counter())["added" if not old else "removed" if not new else "changed"] += 1
        elif measure:
            self.measures.add(measure)
            self.revised |= {term.value for term in new.get(_REVISES, ())}
        else:
            self.things[iri] = old, new

    def count(self, change: "Change") -> None:
        """Count an entity with changes that are not described."""
        self.others.setdefault(change.type, Counter())[change.kind] += 1


def compare(before: Dump, after: Dump, labels: Labels) -> Changes:
    """Return the changes from one dump to the other, with the given labels of terms."""
    found = _Differences.between(before, after)
    wanted = found.measures | found.revised
    sides = [
        DumpFacts.of(dump, lambda iri: measure_of(iri) in wanted or iri.startswith(CORRECTION))
        for dump in (before, after)
    ]
    old, new = sides
    named = {term.value for facts in _all(found, sides) for terms in facts.values() for term in terms}
    names, ends = read_names((before, after), named | {*found.things} | wanted)
    writer = SentenceWriter(old, new, names, ends, labels)
    read = _with_corrections(writer)
    pairs = pair_measures(found.measures, old, new)
    measures = [_measure_change(read if pair.later not in old.facts else writer, pair) for pair in pairs]
    things = [_entity_change(writer, iri, *facts) for iri, facts in sorted(found.things.items())]
    described: list[Change] = []
    for change in (*measures, *things):
        if change.sentences or change.kind in ("added", "removed"):
            described.append(change)
        else:
            found.count(change)
    classes = {kind: BilingualText(*(writer.term(kind, lang) for lang in ("ja", "en"))) for kind in found.others}
    classes |= {
        change.type: BilingualText(*(writer.term(change.type, lang) for lang in ("ja", "en"))) for change in described
    }
    return Changes(
        before.name, after.name, after.issued, found.added, found.removed, tuple(described), found.others, classes
    )


def _with_corrections(writer: SentenceWriter) -> SentenceWriter:
    """Return a writer that ignores differences due to corrections of misreadings in one of the editions."""
    corrections = writer.before.corrections_by_text() | writer.after.corrections_by_text()
    return replace(
        writer, before=writer.before.with_corrections(corrections), after=writer.after.with_corrections(corrections)
    )


def _all(found: _Differences, sides: list[DumpFacts]) -> Iterator[Facts]:
    for side in sides:
        yield from side.facts.values()
    for facts in found.things.values():
        yield from facts


def _entity_change(writer: SentenceWriter, iri: str, old: Facts, new: Facts) -> Change:
    kind = "added" if not old else "removed" if not new else "changed"
    sentences = tuple(writer.facts(old, new, [*_SKIPPED])) if kind == "changed" else ()
    return Change(kind, class_of(new) or class_of(old), iri, writer.entity_name(iri, new or old), sentences=sentences)


def _measure_change(writer: SentenceWriter, pair: Pair) -> Change:
    side, iri = (writer.after, pair.later) if pair.later else (writer.before, pair.earlier[0])
    number, name = side.one(iri, _NUMBER), writer.name(iri)
    if not pair.later:
        return Change("removed", _MEASURE, iri, name, number, sentences=tuple(_summary(writer, side, iri)))
    if not pair.earlier:
        return Change("added", _MEASURE, iri, name, number, sentences=tuple(_summary(writer, side, iri)))
    kind = "changed" if pair.earlier == (iri,) else "continued"
    sentences = [
        *_origin_sentences(writer, pair),
        *_property_sentences(writer, pair),
        *_kpi_list_sentences(writer, pair),
    ]
    earlier = pair.earlier if kind == "continued" else ()
    return Change(kind, _MEASURE, iri, name, number, earlier, tuple(sentences))


def _summary(writer: SentenceWriter, side: DumpFacts, iri: str) -> Iterator[Sentence]:
    """Yield the lead organizations and the KPIs of an added or removed measure."""
    lead = SHISAKU + "leadOrganization"
    leads = [writer.name(term.value) for term in side.all(iri, lead)]
    if leads:
        label = writer.property_label(lead)
        ja, en = "、".join(name.ja for name in leads), ", ".join(name.en for name in leads)
        yield Sentence(lead, (), (), BilingualText(f"{label.ja}:{ja}", f"{label.en}: {en}"))
    for kpi in side.all(iri, KPI):
        text = side.one(kpi.value, DESCRIPTION)
        yield Sentence(KPI, (), (), BilingualText(f"KPI:「{text}」", f"KPI: “{text}”"))


def _origin_sentences(writer: SentenceWriter, pair: Pair) -> Iterator[Sentence]:
    """Yield a sentence if a measure was merged from several, or is a part of a split one."""
    olds = [writer.name(iri) for iri in pair.earlier]
    ja, en = "".join(f"「{name.ja}」" for name in olds), ", ".join(f"“{name.en}”" for name in olds)
    if len(pair.earlier) > 1:
        yield Sentence(_REVISES, pair.earlier, (pair.later,), BilingualText(f"{ja}を統合", f"Merged from {en}"))
    elif pair.parts:
        count = len(pair.parts)
        words = BilingualText(f"{ja}を{count}つに分けたうちの一つ", f"One of {count} parts of {en}")
        yield Sentence(_REVISES, pair.earlier, pair.parts, words)


def _property_sentences(writer: SentenceWriter, pair: Pair) -> Iterator[Sentence]:
    """Yield the changes of a measure's own properties. A part, or a merged measure, has a new name and number."""
    several = len(pair.earlier) > 1
    old: Facts = {}
    for iri in pair.earlier:
        for predicate, terms in writer.before.facts.get(iri, {}).items():
            merged = old.setdefault(predicate, [])
            merged += [term for term in terms if term not in merged]
    skipped = {*_SKIPPED, *(_TABLE_PROPERTIES if pair.earlier != (pair.later,) else ())}
    new = writer.after.facts.get(pair.later, {})
    skipped |= (
        {_MARK} if len(old.get(_MARK, ())) == len(new.get(_MARK, ())) and pair.earlier != (pair.later,) else set()
    )
    skipped |= {TITLE, _NUMBER, SHISAKU + "overview", SHISAKU + "municipalSupport"} if several else set()
    yield from writer.facts(old, new, [*skipped])
    if pair.earlier == (pair.later,):  # a new measure's continuation is reported elsewhere
        yield from writer.property(
            _REVISES, *(side.all(pair.later, _REVISES) for side in (writer.before, writer.after))
        )


def _kpi_list_sentences(writer: SentenceWriter, pair: Pair) -> Iterator[Sentence]:
    for old, new in pair_kpis(writer.before, pair.earlier, writer.after, pair.later):
        if old and new:
            yield from _kpi_sentences(writer, old, new)
        elif new:
            yield writer.kpi_added(new)
        elif not pair.parts:  # another part may have it
            yield writer.kpi_removed(old)


def _kpi_sentences(writer: SentenceWriter, old: str, new: str) -> Iterator[Sentence]:
    """Yield the changes of a KPI: its targets and other properties; its text only if the targets are unchanged."""
    before, after = writer.before, writer.after
    sentences = [
        sentence
        for one, other in _target_pairs(before, old, after, new)
        for sentence in _target_sentences(writer, new, one, other)
    ]
    yield from sentences
    skipped = {*_SKIPPED, *([DESCRIPTION] if sentences else [])}
    yield from writer.facts(before.facts.get(old, {}), after.facts.get(new, {}), [*skipped])


def _target_sentences(writer: SentenceWriter, kpi: str, old: str, new: str) -> Iterator[Sentence]:
    sentences = [*writer.target(kpi, old, new)]
    yield from sentences
    if old and new:
        skipped = {*_SKIPPED, *(_TARGET_PROPERTIES if sentences else {SHISAKU + "printedText"})}
        yield from writer.facts(writer.before.facts.get(old, {}), writer.after.facts.get(new, {}), [*skipped])


def _target_pairs(before: DumpFacts, old: str, after: DumpFacts, new: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of targets of a KPI by role: first those of the same period, then in order."""
    olds, news = ([t.value for t in side.all(kpi, _TARGET)] for side, kpi in ((before, old), (after, new)))
    for role in sorted({*(before.one(t, _ROLE) for t in olds), *(after.one(t, _ROLE) for t in news)}):
        mine = [t for t in olds if before.one(t, _ROLE) == role]
        theirs = [t for t in news if after.one(t, _ROLE) == role]
        for target in list(mine):
            same = [t for t in theirs if after.one(t, PERIOD) == before.one(target, PERIOD)]
            if same:
                yield target, same[0]
                mine.remove(target)
                theirs.remove(same[0])
        yield from zip_longest(sorted(mine), sorted(theirs), fillvalue="")
