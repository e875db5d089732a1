"""Which measure of one dump is which of the other, and which of their KPIs: by their IRIs, by revision, by name."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kg.core.spans import plain, without_targets
from kg.diff.entity_state import DESCRIPTION, PROV, SHISAKU, Side

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
