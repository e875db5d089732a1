"""The changes of each thing between two dumps, and how many statements make them.

The memory that this takes grows with what changed, not with the dumps.
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
    Facts,
    Pair,
    Side,
    class_of,
    facts_of,
    kpi_pairs,
    measure_of,
    names_of,
    pairs_of,
)
from kg.diff.sentences import PERIOD, Sentence, Teller, Words
from kg.diff.sorted_dump import Dump, differences

_MEASURE = SHISAKU + "Measure"
_NUMBER, _TARGET, _ROLE = SHISAKU + "measureNumber", SHISAKU + "target", SHISAKU + "targetRole"
_REVISES = PROV + "wasRevisionOf"
# What says where a thing comes from, or follows from other statements: it is counted, and told nowhere in words.
_UNTOLD_CLASSES = {
    *("SourceRow", "SourceCell", "Annotation", "SpecificResource", "TextPositionSelector", "TextQuoteSelector"),
    *("RecipeRow", "Instant", "ProperInterval", "Issue", "EffectMark", "PlanMeasure", "Translation", "Revision"),
}
_UNTOLD = {
    *(PROV + "wasDerivedFrom", TYPE, KPI, _TARGET, SHISAKU + "titleTranslation", SHISAKU + "lists"),
    *(SHISAKU + "start", SHISAKU + "end", _REVISES, DCTERMS + "replaces"),
}
_OF_THE_TABLE = {SHISAKU + "edition", SHISAKU + "rowNumber", SHISAKU + "planMeasure"}  # another in each edition
_MARK = SHISAKU + "uncertainEffect"  # a thing of its own in each edition
_OF_A_TARGET = {SHISAKU + "value", PERIOD, SHISAKU + "printedText", SHISAKU + "unit"}  # told as one


@dataclass(frozen=True)
class Change:
    """What became of one thing. `kind` is added, removed, changed or continued: a measure of a later edition.

    `iri` is that of the later dump, where it is there; `earlier` are those of the measures that it continues.
    """

    kind: str
    type: str
    iri: str
    name: Words
    number: str = ""
    earlier: tuple[str, ...] = ()
    sentences: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class Changes:
    """Everything that changed between two dumps: statements, things, and how many of the others, by class."""

    before: str
    after: str
    issued: str
    added: int
    removed: int
    things: tuple[Change, ...]
    others: dict[str, Counter[str]]
    classes: dict[str, Words]


@dataclass
class _Differing:
    """What one pass over both dumps finds."""

    added: int = 0
    removed: int = 0
    measures: set[str] = field(default_factory=set)
    revised: set[str] = field(default_factory=set)
    things: dict[str, tuple[Facts, Facts]] = field(default_factory=dict)
    others: dict[str, Counter[str]] = field(default_factory=dict)

    @classmethod
    def between(cls, before: Dump, after: Dump) -> "_Differing":
        found = cls()
        for difference in differences(before, after):
            found.added += len(difference.added)
            found.removed += len(difference.removed)
            found._take(difference.subject[1:-1], facts_of(difference.before), facts_of(difference.after))
        return found

    def _take(self, iri: str, old: Facts, new: Facts) -> None:
        kind = class_of(new) or class_of(old)
        measure = measure_of(iri)
        if kind.rpartition("#")[2] in _UNTOLD_CLASSES:
            self.others.setdefault(kind, Counter())["added" if not old else "removed" if not new else "changed"] += 1
        elif measure:
            self.measures.add(measure)
            self.revised |= {term.value for term in new.get(_REVISES, ())}
        else:
            self.things[iri] = old, new

    def count(self, change: "Change") -> None:
        """Count a thing of which only what is not told has changed."""
        self.others.setdefault(change.type, Counter())[change.kind] += 1


def compare(before: Dump, after: Dump, labels: Labels) -> Changes:
    """Return what changed from one dump to the other; terms are called as the labels have it."""
    found = _Differing.between(before, after)
    wanted = found.measures | found.revised
    sides = [
        Side.of(dump, lambda iri: measure_of(iri) in wanted or iri.startswith(CORRECTION)) for dump in (before, after)
    ]
    old, new = sides
    named = {term.value for facts in _all(found, sides) for terms in facts.values() for term in terms}
    names, ends = names_of((before, after), named | {*found.things} | wanted)
    teller = Teller(old, new, names, ends, labels)
    read = _read_alike(teller)
    pairs = pairs_of(found.measures, old, new)
    measures = [_measure(read if pair.later not in old.facts else teller, pair) for pair in pairs]
    things = [_thing(teller, iri, *facts) for iri, facts in sorted(found.things.items())]
    told: list[Change] = []
    for change in (*measures, *things):
        if change.sentences or change.kind in ("added", "removed"):
            told.append(change)
        else:
            found.count(change)
    classes = {kind: Words(*(teller.term(kind, lang) for lang in ("ja", "en"))) for kind in found.others}
    classes |= {change.type: Words(*(teller.term(change.type, lang) for lang in ("ja", "en"))) for change in told}
    return Changes(
        before.name, after.name, after.issued, found.added, found.removed, tuple(told), found.others, classes
    )


def _read_alike(teller: Teller) -> Teller:
    """Return who tells of two editions: what one of them corrects is no news where it stands in the other."""
    known = teller.before.misreadings() | teller.after.misreadings()
    return replace(teller, before=teller.before.read_as(known), after=teller.after.read_as(known))


def _all(found: _Differing, sides: list[Side]) -> Iterator[Facts]:
    for side in sides:
        yield from side.facts.values()
    for facts in found.things.values():
        yield from facts


def _thing(teller: Teller, iri: str, old: Facts, new: Facts) -> Change:
    kind = "added" if not old else "removed" if not new else "changed"
    told = tuple(teller.facts(old, new, [*_UNTOLD])) if kind == "changed" else ()
    return Change(kind, class_of(new) or class_of(old), iri, teller.named(iri, new or old), sentences=told)


def _measure(teller: Teller, pair: Pair) -> Change:
    side, iri = (teller.after, pair.later) if pair.later else (teller.before, pair.earlier[0])
    number, name = side.one(iri, _NUMBER), teller.name(iri)
    if not pair.later:
        return Change("removed", _MEASURE, iri, name, number, sentences=tuple(_summary(teller, side, iri)))
    if not pair.earlier:
        return Change("added", _MEASURE, iri, name, number, sentences=tuple(_summary(teller, side, iri)))
    kind = "changed" if pair.earlier == (iri,) else "continued"
    told = [*_origin(teller, pair), *_compared(teller, pair), *_kpis(teller, pair)]
    earlier = pair.earlier if kind == "continued" else ()
    return Change(kind, _MEASURE, iri, name, number, earlier, tuple(told))


def _summary(teller: Teller, side: Side, iri: str) -> Iterator[Sentence]:
    """Yield who leads a measure that is new or gone, and its KPIs."""
    lead = SHISAKU + "leadOrganization"
    leads = [teller.name(term.value) for term in side.all(iri, lead)]
    if leads:
        label = teller.labelled(lead)
        ja, en = "、".join(name.ja for name in leads), ", ".join(name.en for name in leads)
        yield Sentence(lead, (), (), Words(f"{label.ja}:{ja}", f"{label.en}: {en}"))
    for kpi in side.all(iri, KPI):
        text = side.one(kpi.value, DESCRIPTION)
        yield Sentence(KPI, (), (), Words(f"KPI:「{text}」", f"KPI: “{text}”"))


def _origin(teller: Teller, pair: Pair) -> Iterator[Sentence]:
    """Yield that a measure was merged of several, or is a part of one that was split."""
    olds = [teller.name(iri) for iri in pair.earlier]
    ja, en = "".join(f"「{name.ja}」" for name in olds), ", ".join(f"“{name.en}”" for name in olds)
    if len(pair.earlier) > 1:
        yield Sentence(_REVISES, pair.earlier, (pair.later,), Words(f"{ja}を統合", f"Merged of {en}"))
    elif pair.parts:
        count = len(pair.parts)
        words = Words(f"{ja}を{count}つに分けたうちの一つ", f"One of {count} parts of {en}")
        yield Sentence(_REVISES, pair.earlier, pair.parts, words)


def _compared(teller: Teller, pair: Pair) -> Iterator[Sentence]:
    """Yield what became of the measure's own properties. A part, or a merged measure, is named and numbered anew."""
    several = len(pair.earlier) > 1
    old: Facts = {}
    for iri in pair.earlier:
        for predicate, terms in teller.before.facts.get(iri, {}).items():
            known = old.setdefault(predicate, [])
            known += [term for term in terms if term not in known]
    untold = {*_UNTOLD, *(_OF_THE_TABLE if pair.earlier != (pair.later,) else ())}
    new = teller.after.facts.get(pair.later, {})
    untold |= {_MARK} if len(old.get(_MARK, ())) == len(new.get(_MARK, ())) and pair.earlier != (pair.later,) else set()
    untold |= {TITLE, _NUMBER, SHISAKU + "overview", SHISAKU + "municipalSupport"} if several else set()
    yield from teller.facts(old, new, [*untold])
    if pair.earlier == (pair.later,):  # that it continues another is news only where it was there already
        yield from teller.property(
            _REVISES, *(side.all(pair.later, _REVISES) for side in (teller.before, teller.after))
        )


def _kpis(teller: Teller, pair: Pair) -> Iterator[Sentence]:
    for old, new in kpi_pairs(teller.before, pair.earlier, teller.after, pair.later):
        if old and new:
            yield from _of_kpi(teller, old, new)
        elif new:
            yield teller.kpi_new(new)
        elif not pair.parts:  # what a part does not have, another may
            yield teller.kpi_gone(old)


def _of_kpi(teller: Teller, old: str, new: str) -> Iterator[Sentence]:
    """Yield what became of a KPI: its targets, and the rest of it; its text only where they do not tell it."""
    before, after = teller.before, teller.after
    told = [
        sentence for one, other in _targets(before, old, after, new) for sentence in _target(teller, new, one, other)
    ]
    yield from told
    untold = {*_UNTOLD, *([DESCRIPTION] if told else [])}
    yield from teller.facts(before.facts.get(old, {}), after.facts.get(new, {}), [*untold])


def _target(teller: Teller, kpi: str, old: str, new: str) -> Iterator[Sentence]:
    told = [*teller.target(kpi, old, new)]
    yield from told
    if old and new:
        untold = {*_UNTOLD, *(_OF_A_TARGET if told else {SHISAKU + "printedText"})}
        yield from teller.facts(teller.before.facts.get(old, {}), teller.after.facts.get(new, {}), [*untold])


def _targets(before: Side, old: str, after: Side, new: str) -> Iterator[tuple[str, str]]:
    """Yield the targets of a KPI side by side: those of one period first, then by their order, role by role."""
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
