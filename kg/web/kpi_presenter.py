"""KPIs and their targets, as the pages of measures and of KPIs show them."""

from dataclasses import dataclass

from kg.core.iris import ONTOLOGY, PREFIXES
from kg.web.presenter import Facts, Place, Value
from kg.web.statement_presenter import DERIVED, PRINTED

_END = PREFIXES["schema"] + "endDate"
_PLAIN = ("equal",)  # a comparator that nobody says


@dataclass(frozen=True)
class Target:
    """A target or another value of a KPI: as a number with its unit, where there is one, and as it is printed.

    `role` is a key of the code list; `due` is the last day of its period.
    """

    href: str
    role: str
    role_name: Value | None
    value: str
    unit: Value | None
    comparator: Value | None
    direction: Value | None
    period: Value | None
    due: str
    baseline: Value | None
    printed: Value | None


@dataclass(frozen=True)
class Kpi:
    """A KPI: its words, its kind and its status with their keys, its targets, and the cell it was read from."""

    href: str
    anchor: str
    text: Value
    group: str
    kind: str
    kind_name: Value | None
    status: str
    status_name: Value | None
    set_by: Value | None
    targets: tuple[Target, ...]
    source: Place | None


def kpi(facts: Facts, iri: str) -> Kpi:
    """Return one KPI of a document."""
    kind, status = _one(facts, iri, "kpiKind"), _one(facts, iri, "targetStatus")
    return Kpi(
        href=facts.away(iri),
        anchor="-".join(iri.split("/")[-2:]),
        text=facts.told(iri, PREFIXES["dcterms"] + "description") or facts.thing(iri),
        group=facts.text(iri, ONTOLOGY + "groupLabel"),
        kind=_key(kind),
        kind_name=_thing(facts, kind),
        status=_key(status),
        status_name=_thing(facts, status),
        set_by=_thing(facts, _one(facts, iri, "setBy")),
        targets=tuple(target(facts, each) for each in facts.iris(iri, ONTOLOGY + "target")),
        source=next((facts.place(place) for place in facts.iris(iri, DERIVED)), None),
    )


def target(facts: Facts, iri: str) -> Target:
    """Return one target of a document."""
    role, comparator, period = (_one(facts, iri, name) for name in ("targetRole", "comparator", "period"))
    return Target(
        href=facts.away(iri),
        role=_key(role),
        role_name=_thing(facts, role),
        value=facts.text(iri, ONTOLOGY + "value"),
        unit=_thing(facts, _one(facts, iri, "unit")),
        comparator=None if _key(comparator) in _PLAIN else _thing(facts, comparator),
        direction=_thing(facts, _one(facts, iri, "direction")),
        period=_thing(facts, period),
        due=facts.text(period, _END) if period else "",
        baseline=_thing(facts, _one(facts, iri, "baselinePeriod")),
        printed=facts.told(iri, PRINTED),
    )


def _one(facts: Facts, iri: str, name: str) -> str:
    return next(iter(facts.iris(iri, ONTOLOGY + name)), "")


def _thing(facts: Facts, iri: str) -> Value | None:
    return facts.thing(iri) if iri else None


def _key(iri: str) -> str:
    return iri.rpartition("/")[2]
