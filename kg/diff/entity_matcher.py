"""Which measure of one dump is which of the other, and which of their KPIs: by their IRIs, by revision, by name.

What one dump says of the things that count: their facts, and what the things they point to are called.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from kg.core.iris import CANONICAL, PREFIXES
from kg.core.spans import plain, without_targets
from kg.diff.sorted_dump import Dump

Term = NamedNode | Literal
Facts = dict[str, list[Term]]
Names = dict[str, dict[str, str]]  # by IRI and language

SHISAKU = CANONICAL + "def#"  # dumps have the canonical names, whatever the base of this process
DCTERMS, SKOS, RDFS, PROV = (PREFIXES[name] for name in ("dcterms", "skos", "rdfs", "prov"))
TYPE = PREFIXES["rdf"] + "type"
TITLE, DESCRIPTION = DCTERMS + "title", DCTERMS + "description"
END_DATE = PREFIXES["schema"] + "endDate"
_NAMING = (SKOS + "prefLabel", TITLE, RDFS + "label", DESCRIPTION)  # the first that there is
_OF_MEASURE = re.compile(rf"({re.escape(CANONICAL)}id/[^/]+/measure/[^/]+)(/.*)?")


CORRECTION = CANONICAL + "id/correction/"
_PRINTED, _CORRECTED = SHISAKU + "printed", SHISAKU + "corrected"


def facts_of(lines: Iterable[str]) -> Facts:
    """Return what lines about one subject say, by predicate."""
    facts: Facts = {}
    for quad in parse("\n".join(lines), format=RdfFormat.N_TRIPLES):
        if isinstance(quad.object, NamedNode | Literal):
            facts.setdefault(quad.predicate.value, []).append(quad.object)
    return facts


def measure_of(iri: str) -> str:
    """Return the measure that a thing is, or that it is a part of; empty for other things."""
    match = _OF_MEASURE.fullmatch(iri)
    return match[1] if match else ""


def class_of(facts: Facts) -> str:
    """Return the class of a thing; empty where it has none."""
    return next((term.value for term in facts.get(TYPE, ())), "")


@dataclass
class Side:
    """The facts of the measures of one dump that count, with their KPIs and targets, by IRI."""

    facts: dict[str, Facts] = field(default_factory=dict)

    @classmethod
    def of(cls, dump: Dump, wanted: Callable[[str], bool]) -> "Side":
        """Return what a dump says of the things that are wanted, in one pass."""
        side = cls()
        for subject, lines in dump.subjects():
            if wanted(iri := subject[1:-1]):
                side.facts[iri] = facts_of(lines)
        return side

    def misreadings(self) -> dict[str, str]:
        """Return what was misread, by the corrections that are here, and what it was corrected to."""
        found: dict[str, str] = {}
        for iri, facts in self.facts.items():
            if iri.startswith(CORRECTION) and _CORRECTED in facts:
                printed, corrected = self.one(iri, _PRINTED), self.one(iri, _CORRECTED)
                found |= {printed: corrected, unicodedata.normalize("NFKC", printed): corrected}
        return found

    def read_as(self, misreadings: Mapping[str, str]) -> "Side":
        """Return the same with every misreading corrected."""
        if not misreadings:
            return self
        return Side(
            {
                iri: {name: [_read_as(term, misreadings) for term in terms] for name, terms in facts.items()}
                for iri, facts in self.facts.items()
            }
        )

    def all(self, iri: str, predicate: str) -> list[Term]:
        """Return the values of a property."""
        return self.facts.get(iri, {}).get(predicate, [])

    def one(self, iri: str, predicate: str) -> str:
        """Return the first value of a property as a text; empty where there is none."""
        return next((term.value for term in self.all(iri, predicate)), "")

    def number(self, iri: str, predicate: str) -> Decimal | None:
        """Return the value of a property as a number; None where it is none."""
        try:
            return Decimal(self.one(iri, predicate))
        except InvalidOperation:
            return None


def _read_as(term: Term, misreadings: Mapping[str, str]) -> Term:
    if not isinstance(term, Literal):
        return term
    text = term.value
    for printed, corrected in misreadings.items():
        if printed in text:  # what is corrected already may hold the misreading
            either = f"{re.escape(corrected)}|{re.escape(printed)}" if printed in corrected else re.escape(printed)
            text = re.sub(either, lambda _, corrected=corrected: corrected, text)  # type: ignore[misc]
    if text == term.value:
        return term
    return Literal(text, language=term.language) if term.language else Literal(text, datatype=term.datatype)


def names_of(dumps: Iterable[Dump], wanted: set[str]) -> tuple[Names, dict[str, str]]:
    """Return what things are called, in the last dump that knows, and the last days of those that are periods."""
    names: Names = {}
    ends: dict[str, str] = {}
    for dump in dumps:
        side = Side.of(dump, wanted.__contains__)
        for iri, facts in side.facts.items():
            texts = next((facts[naming] for naming in _NAMING if naming in facts), [])
            named = {term.language or "": term.value for term in texts if isinstance(term, Literal)}
            if named:
                names[iri] = named
            if end := side.one(iri, END_DATE):
                ends[iri] = end
    return names, ends


KPI = SHISAKU + "kpi"
_REVISES = PROV + "wasRevisionOf"
_PLAN_MEASURE = SHISAKU + "planMeasure"
_ALIKE = 0.6


@dataclass(frozen=True)
class Pair:
    """A measure and those that it was before: none where it is new, several where they were merged.

    Without `later` it is gone. `parts` are all that one measure was split into, where there are several.
    """

    later: str
    earlier: tuple[str, ...]
    parts: tuple[str, ...] = ()


def pairs_of(measures: Iterable[str], before: Side, after: Side) -> list[Pair]:
    """Return the measures that changed, each with what it was before; those that are gone stand last."""
    listed = sorted(measures)
    new = [iri for iri in listed if iri in after.facts and iri not in before.facts]
    earlier: dict[str, tuple[str, ...]] = {iri: (iri,) for iri in listed if iri in after.facts and iri in before.facts}
    by_plan = {before.one(iri, _PLAN_MEASURE): iri for iri in before.facts if before.one(iri, _PLAN_MEASURE)}
    for iri in new:
        revised = tuple(sorted(old.value for old in after.all(iri, _REVISES) if old.value in before.facts))
        same = by_plan.get(after.one(iri, _PLAN_MEASURE), "")
        earlier[iri] = revised or ((same,) if same and same not in after.facts else ())
    later: dict[str, list[str]] = {}
    for iri, olds in earlier.items():
        for old in olds:
            later.setdefault(old, []).append(iri)
    found = [Pair(iri, earlier[iri], _parts(earlier[iri], later)) for iri in listed if iri in earlier]
    gone = [iri for iri in listed if iri in before.facts and iri not in after.facts and iri not in later]
    return [*found, *(Pair("", (iri,)) for iri in gone)]


def _parts(earlier: Sequence[str], later: dict[str, list[str]]) -> tuple[str, ...]:
    parts = [part for old in earlier for part in later[old]]
    return tuple(dict.fromkeys(parts)) if len(earlier) == 1 and len(parts) > 1 else ()


Text = Callable[[str], str]


def kpi_pairs(before: Side, earlier: Sequence[str], after: Side, later: str) -> list[tuple[str, str]]:
    """Return the KPIs of a measure with what each was before; either is empty where there is none."""
    old = [kpi.value for measure in earlier for kpi in before.all(measure, KPI)]
    new = [kpi.value for kpi in after.all(later, KPI)]
    paired: dict[str, str] = {}
    ways: tuple[Callable[[str, str], bool], ...] = (
        lambda one, other: _text(before, one) == _text(after, other),
        lambda one, other: _name(before, one) == _name(after, other) != "",
        lambda one, other: _alike(_name(before, one), _name(after, other)),
    )
    for agree in ways:
        for kpi in new:
            free = [one for one in old if one not in paired.values() and agree(one, kpi)]
            if kpi not in paired and free:
                paired[kpi] = free[0]
    return [
        *((paired.get(kpi, ""), kpi) for kpi in new),
        *((kpi, "") for kpi in old if kpi not in paired.values()),
    ]


def _text(side: Side, kpi: str) -> str:
    return plain(side.one(kpi, DESCRIPTION))


def _name(side: Side, kpi: str) -> str:
    return without_targets(side.one(kpi, DESCRIPTION))


def _alike(one: str, other: str) -> bool:
    return bool(one and other) and difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
