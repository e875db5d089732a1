"""Entity matcher of two dumps: pairs of measures and of KPIs, by IRI, by revision, by name.

`DumpFacts` has the facts of the compared entities of one dump.
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

SHISAKU = CANONICAL + "def#"  # dumps have canonical IRIs, whatever the base of this process
DCTERMS, SKOS, RDFS, PROV = (PREFIXES[name] for name in ("dcterms", "skos", "rdfs", "prov"))
TYPE = PREFIXES["rdf"] + "type"
TITLE, DESCRIPTION = DCTERMS + "title", DCTERMS + "description"
END_DATE = PREFIXES["schema"] + "endDate"
_NAMING = (SKOS + "prefLabel", TITLE, RDFS + "label", DESCRIPTION)  # in order of preference
_OF_MEASURE = re.compile(rf"({re.escape(CANONICAL)}id/[^/]+/measure/[^/]+)(/.*)?")


CORRECTION = CANONICAL + "id/correction/"
_PRINTED, _CORRECTED = SHISAKU + "printed", SHISAKU + "corrected"


def facts_of(lines: Iterable[str]) -> Facts:
    """Parse the lines of one subject and return its values by predicate."""
    facts: Facts = {}
    for quad in parse("\n".join(lines), format=RdfFormat.N_TRIPLES):
        if isinstance(quad.object, NamedNode | Literal):
            facts.setdefault(quad.predicate.value, []).append(quad.object)
    return facts


def measure_of(iri: str) -> str:
    """Return the measure that an entity is or belongs to; empty for others."""
    match = _OF_MEASURE.fullmatch(iri)
    return match[1] if match else ""


def class_of(facts: Facts) -> str:
    """Return the class of an entity; empty if it has none."""
    return next((term.value for term in facts.get(TYPE, ())), "")


@dataclass
class DumpFacts:
    """Facts by IRI of the compared measures of one dump, with their KPIs and targets."""

    facts: dict[str, Facts] = field(default_factory=dict)

    @classmethod
    def of(cls, dump: Dump, wanted: Callable[[str], bool]) -> "DumpFacts":
        """Read the facts of the wanted entities from a dump, in one pass."""
        side = cls()
        for subject, lines in dump.subjects():
            if wanted(iri := subject[1:-1]):
                side.facts[iri] = facts_of(lines)
        return side

    def corrections_by_text(self) -> dict[str, str]:
        """Return the corrected text for each misread text, from the corrections in the dump."""
        found: dict[str, str] = {}
        for iri, facts in self.facts.items():
            if iri.startswith(CORRECTION) and _CORRECTED in facts:
                printed, corrected = self.one(iri, _PRINTED), self.one(iri, _CORRECTED)
                found |= {printed: corrected, unicodedata.normalize("NFKC", printed): corrected}
        return found

    def with_corrections(self, corrections_by_text: Mapping[str, str]) -> "DumpFacts":
        """Return the facts with every misreading corrected."""
        if not corrections_by_text:
            return self
        return DumpFacts(
            {
                iri: {name: [_corrected(term, corrections_by_text) for term in terms] for name, terms in facts.items()}
                for iri, facts in self.facts.items()
            }
        )

    def all(self, iri: str, predicate: str) -> list[Term]:
        """Return the values of a property."""
        return self.facts.get(iri, {}).get(predicate, [])

    def one(self, iri: str, predicate: str) -> str:
        """Return the first value of a property as text; empty if there is none."""
        return next((term.value for term in self.all(iri, predicate)), "")

    def number(self, iri: str, predicate: str) -> Decimal | None:
        """Return the value of a property as a number; None if it is not one."""
        try:
            return Decimal(self.one(iri, predicate))
        except InvalidOperation:
            return None


def _corrected(term: Term, corrections_by_text: Mapping[str, str]) -> Term:
    if not isinstance(term, Literal):
        return term
    text = term.value
    for printed, corrected in corrections_by_text.items():
        if printed in text:  # a corrected text may contain the misread one
            either = f"{re.escape(corrected)}|{re.escape(printed)}" if printed in corrected else re.escape(printed)
            text = re.sub(either, lambda _, corrected=corrected: corrected, text)  # type: ignore[misc]
    if text == term.value:
        return term
    return Literal(text, language=term.language) if term.language else Literal(text, datatype=term.datatype)


def read_names(dumps: Iterable[Dump], wanted: set[str]) -> tuple[Names, dict[str, str]]:
    """Return the names of entities, from the last dump that has them, and the end dates of periods."""
    names: Names = {}
    ends: dict[str, str] = {}
    for dump in dumps:
        side = DumpFacts.of(dump, wanted.__contains__)
        for iri, facts in side.facts.items():
            texts = next((facts[naming] for naming in _NAMING if naming in facts), list[Term]())
            named = {term.language or "": term.value for term in texts if isinstance(term, Literal)}
            if named:
                names[iri] = named
            if end := side.one(iri, END_DATE):
                ends[iri] = end
    return names, ends


KPI = SHISAKU + "kpi"
_REVISES = PROV + "wasRevisionOf"
_PLAN_MEASURE = SHISAKU + "planMeasure"
_MIN_SIMILARITY = 0.6


@dataclass(frozen=True)
class Pair:
    """Measure with its earlier ones: none if it is new, several if they were merged.

    `later` is empty for a removed measure. `parts` are all measures that one was split into, if there are several.
    """

    later: str
    earlier: tuple[str, ...]
    parts: tuple[str, ...] = ()


def pair_measures(measures: Iterable[str], before: DumpFacts, after: DumpFacts) -> list[Pair]:
    """Return the pairs of changed measures; removed ones come last."""
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


def pair_kpis(before: DumpFacts, earlier: Sequence[str], after: DumpFacts, later: str) -> list[tuple[str, str]]:
    """Return the pairs of KPIs (before, after) of a measure; one of them is empty if there is none."""
    old = [kpi.value for measure in earlier for kpi in before.all(measure, KPI)]
    new = [kpi.value for kpi in after.all(later, KPI)]
    paired: dict[str, str] = {}
    ways: tuple[Callable[[str, str], bool], ...] = (
        lambda one, other: _text(before, one) == _text(after, other),
        lambda one, other: _name(before, one) == _name(after, other) != "",
        lambda one, other: _is_similar(_name(before, one), _name(after, other)),
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


def _text(side: DumpFacts, kpi: str) -> str:
    return plain(side.one(kpi, DESCRIPTION))


def _name(side: DumpFacts, kpi: str) -> str:
    return without_targets(side.one(kpi, DESCRIPTION))


def _is_similar(one: str, other: str) -> bool:
    return bool(one and other) and difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= _MIN_SIMILARITY
