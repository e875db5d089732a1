"""A measure as its page shows it: what it is, who is responsible, by when, what for, and where all that is printed."""

from dataclasses import dataclass

from kg.core.iris import ONTOLOGY, PREFIXES
from kg.web.kpi_presenter import Kpi, kpi
from kg.web.presenter import Facts, Place, Value
from kg.web.statement_presenter import COLUMN

_TITLE = PREFIXES["dcterms"] + "title"
_MENTIONED = ("mentionsEntity", "mentionsOrganization", "mentionsPlace")


@dataclass(frozen=True)
class Document:
    """A reference document: its name, its address, and where a copy of it is kept."""

    name: Value
    url: Value | None
    archived: str


@dataclass(frozen=True)
class Measure:
    """A listed measure. `printed` are its cells by the key of the column that they were read as."""

    title: Value | None
    original: Value | None
    translation: Value | None
    things: dict[str, tuple[Value, ...]]
    overview: Value | None
    support: Value | None
    budget_note: Value | None
    kpis: tuple[Kpi, ...]
    documents: tuple[Document, ...]
    mentioned: tuple[Value, ...]
    printed: dict[str, tuple[Place, ...]]
    notes: int


def measure(facts: Facts, iri: str) -> Measure:
    """Return the measure of a document."""
    names = (
        *("pillar", "leadOrganization", "participatingOrganization", "organizationGroup", "expectedEffect"),
        *("uncertainEffect", "listedFrom", "listingStatus", "budgetProgramme", "citesLaw", "planMeasure", "edition"),
    )
    printed = _printed(facts)
    return Measure(
        title=facts.told(iri, _TITLE),
        original=facts.in_language(iri, _TITLE, "ja"),
        translation=next((facts.thing(each) for each in facts.iris(iri, ONTOLOGY + "titleTranslation")), None),
        things={name: tuple(facts.thing(each) for each in facts.iris(iri, ONTOLOGY + name)) for name in names},
        overview=facts.told(iri, ONTOLOGY + "overview"),
        support=facts.told(iri, ONTOLOGY + "municipalSupport"),
        budget_note=facts.told(iri, ONTOLOGY + "budgetNote"),
        kpis=tuple(sorted((kpi(facts, each) for each in facts.iris(iri, ONTOLOGY + "kpi")), key=_as_printed)),
        documents=tuple(_document(facts, each) for each in facts.iris(iri, ONTOLOGY + "referenceDocument")),
        mentioned=tuple(facts.thing(each) for name in _MENTIONED for each in facts.iris(iri, ONTOLOGY + name)),
        printed=printed,
        notes=sum(len(place.corrections) + len(place.issues) for cells in printed.values() for place in cells),
    )


def _as_printed(kpi: Kpi) -> bool:
    """Return what to sort KPIs by: the column of progress stands before that of effect."""
    return kpi.kind != "progress"


def _document(facts: Facts, iri: str) -> Document:
    url = facts.told(iri, PREFIXES["schema"] + "url")
    archived = next(iter(facts.iris(iri, PREFIXES["schema"] + "archivedAt")), "")
    return Document(facts.thing(iri), facts.web(iri, PREFIXES["schema"] + "url") if url else None, facts.away(archived))


def _printed(facts: Facts) -> dict[str, tuple[Place, ...]]:
    found: dict[str, list[Place]] = {}
    for cell in sorted((iri for iri in facts.subjects() if facts.is_cell(iri)), key=facts.order):
        keys = [column.rpartition("/")[2] for column in facts.iris(cell, COLUMN)] or [""]
        for key in keys:
            found.setdefault(key, []).append(facts.place(cell))
    return {key: tuple(places) for key, places in found.items()}
