"""Page of a resource: facts in reading order, places in the source, incoming links, neighbourhood, similar resources.

Measures, KPIs and targets have templates of their own, with the data classes for them here. Everything is taken from
the statements of the document and from the results of the related queries.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from kg.core.iris import ID, ONTOLOGY, PREFIXES
from kg.core.labels import Labels, preferred
from kg.http.responses import path_of
from kg.http.templates import View, render
from kg.web.browse.filters import BY_PROPERTY, Selection
from kg.web.layouts import Layout, inbound_labels, layout_of
from kg.web.neighbourhood import NeighbourDiagram, PropertyNeighbours, neighbour_diagram, outgoing_links
from kg.web.presenter import COLUMN, DERIVED, NAMES, PRINTED, TYPE, Fact, GraphPresenter, Section, SourcePlace, Value
from kg.web.resource_queries import Description, MentionRow, RelatedData, SimilarRow

_END = PREFIXES["schema"] + "endDate"
_PLAIN = ("equal",)  # a comparator that is not displayed


@dataclass(frozen=True)
class Target:
    """A target or another value of a KPI: as a number with its unit, if any, and as printed.

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
    """A KPI: text, kind and status with their keys, targets, and its cell in the source."""

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
    source: SourcePlace | None


def kpi(facts: GraphPresenter, iri: str) -> Kpi:
    """Return one KPI of a document."""
    kind, status = _one(facts, iri, "kpiKind"), _one(facts, iri, "targetStatus")
    return Kpi(
        href=facts.document_url(iri),
        anchor="-".join(iri.split("/")[-2:]),
        text=facts.localized(iri, PREFIXES["dcterms"] + "description") or facts.thing(iri),
        group=facts.text(iri, ONTOLOGY + "groupLabel"),
        kind=_key(kind),
        kind_name=_thing(facts, kind),
        status=_key(status),
        status_name=_thing(facts, status),
        set_by=_thing(facts, _one(facts, iri, "setBy")),
        targets=tuple(target(facts, each) for each in facts.iris(iri, ONTOLOGY + "target")),
        source=next((facts.place(place) for place in facts.iris(iri, DERIVED)), None),
    )


def target(facts: GraphPresenter, iri: str) -> Target:
    """Return one target of a document."""
    role, comparator, period = (_one(facts, iri, name) for name in ("targetRole", "comparator", "period"))
    return Target(
        href=facts.document_url(iri),
        role=_key(role),
        role_name=_thing(facts, role),
        value=facts.text(iri, ONTOLOGY + "value"),
        unit=_thing(facts, _one(facts, iri, "unit")),
        comparator=None if _key(comparator) in _PLAIN else _thing(facts, comparator),
        direction=_thing(facts, _one(facts, iri, "direction")),
        period=_thing(facts, period),
        due=facts.text(period, _END) if period else "",
        baseline=_thing(facts, _one(facts, iri, "baselinePeriod")),
        printed=facts.localized(iri, PRINTED),
    )


def _one(facts: GraphPresenter, iri: str, name: str) -> str:
    return next(iter(facts.iris(iri, ONTOLOGY + name)), "")


def _thing(facts: GraphPresenter, iri: str) -> Value | None:
    return facts.thing(iri) if iri else None


def _key(iri: str) -> str:
    return iri.rpartition("/")[2]


_TITLE = PREFIXES["dcterms"] + "title"
_MENTIONED = ("mentionsEntity", "mentionsOrganization", "mentionsPlace")


@dataclass(frozen=True)
class ReferenceDocument:
    """A reference document: name, web address, and the address of an archived copy."""

    name: Value
    url: Value | None
    archived: str


@dataclass(frozen=True)
class Measure:
    """A listed measure. `printed` are its cells by the key of their column."""

    title: Value | None
    original: Value | None
    translation: Value | None
    things: dict[str, tuple[Value, ...]]
    overview: Value | None
    support: Value | None
    budget_note: Value | None
    kpis: tuple[Kpi, ...]
    documents: tuple[ReferenceDocument, ...]
    mentioned: tuple[Value, ...]
    printed: dict[str, tuple[SourcePlace, ...]]
    notes: int


def measure(facts: GraphPresenter, iri: str) -> Measure:
    """Return the measure of a document."""
    names = (
        *("pillar", "leadOrganization", "participatingOrganization", "organizationGroup", "expectedEffect"),
        *("uncertainEffect", "listedFrom", "listingStatus", "budgetProgramme", "citesLaw", "planMeasure", "edition"),
    )
    printed = _printed(facts)
    return Measure(
        title=facts.localized(iri, _TITLE),
        original=facts.in_language(iri, _TITLE, "ja"),
        translation=next((facts.thing(each) for each in facts.iris(iri, ONTOLOGY + "titleTranslation")), None),
        things={name: tuple(facts.thing(each) for each in facts.iris(iri, ONTOLOGY + name)) for name in names},
        overview=facts.localized(iri, ONTOLOGY + "overview"),
        support=facts.localized(iri, ONTOLOGY + "municipalSupport"),
        budget_note=facts.localized(iri, ONTOLOGY + "budgetNote"),
        kpis=tuple(sorted((kpi(facts, each) for each in facts.iris(iri, ONTOLOGY + "kpi")), key=_as_printed)),
        documents=tuple(_document(facts, each) for each in facts.iris(iri, ONTOLOGY + "referenceDocument")),
        mentioned=tuple(facts.thing(each) for name in _MENTIONED for each in facts.iris(iri, ONTOLOGY + name)),
        printed=printed,
        notes=sum(len(place.corrections) + len(place.issues) for cells in printed.values() for place in cells),
    )


def _as_printed(kpi: Kpi) -> bool:
    """Return the sort key of KPIs: the column of progress precedes that of effect."""
    return kpi.kind != "progress"


def _document(facts: GraphPresenter, iri: str) -> ReferenceDocument:
    url = facts.localized(iri, PREFIXES["schema"] + "url")
    archived = next(iter(facts.iris(iri, PREFIXES["schema"] + "archivedAt")), "")
    return ReferenceDocument(
        facts.thing(iri),
        facts.first_value(iri, PREFIXES["schema"] + "url") if url else None,
        facts.document_url(archived),
    )


def _printed(facts: GraphPresenter) -> dict[str, tuple[SourcePlace, ...]]:
    cells: dict[str, list[SourcePlace]] = {}
    for cell in sorted((iri for iri in facts.subjects() if facts.is_cell(iri)), key=facts.order):
        keys = [column.rpartition("/")[2] for column in facts.iris(cell, COLUMN)] or [""]
        for key in keys:
            cells.setdefault(key, []).append(facts.place(cell))
    return {key: tuple(places) for key, places in cells.items()}


IN_SCHEME = PREFIXES["skos"] + "inScheme"
MEASURE = "measure.html"  # template that displays cells next to the values read from them
NUMBER = ONTOLOGY + "measureNumber"
TARGET, SELECTOR, EXACT = (PREFIXES["oa"] + name for name in ("hasTarget", "hasSelector", "exact"))
_LISTED = 24  # incoming links by one property, before the others are folded


@dataclass(frozen=True)
class NumberedThing:
    """A resource in a list: its number, if any, and its name with its link."""

    number: str
    value: Value


@dataclass(frozen=True)
class InboundGroup:
    """The incoming links by one property: label, resources, their total, and the number displayed unfolded.

    `listed` is the path of the list of measures with all of them, if a facet selects them.
    """

    words: str
    term: str
    things: tuple[NumberedThing, ...]
    total: int
    listed: str = ""
    seen: int = _LISTED


@dataclass(frozen=True)
class ResourcePage:
    """The data of every resource page."""

    kind: str
    number: str
    title: Value
    trail: tuple[Value, ...]
    thing: Section
    facts: tuple[Fact, ...]
    cells: tuple[tuple[Value | None, SourcePlace], ...]
    parts: tuple[Section, ...]
    groups: tuple[InboundGroup, ...]
    alike: tuple[dict[str, object], ...]
    mentions: tuple[dict[str, object], ...]
    query: str
    neighbours: NeighbourDiagram | None


def layout_in(facts: GraphPresenter, thing: str) -> Layout:
    """Return the layout of a resource."""
    return layout_of(facts.iris(thing, TYPE), facts.iris(thing, IN_SCHEME))


def render_page(
    view: View,
    labels: Labels,
    description: Description,
    kind: Layout,
    around: RelatedData,
    forms: Sequence[tuple[str, str]],
    described: str = "",
) -> str:
    """Return the page of a resource.

    `forms` are the URLs of its document in other formats, `described` is JSON-LD about it, escaped for HTML.
    """
    facts = GraphPresenter([*description.triples, *around.sources], labels, view.lang, view.link)
    own = _EXTRA_CONTEXT.get(kind.template)
    page = _page(view, facts, description, kind, around, anchored=own is None)
    more = own(facts, description.thing) if own else {}
    return render(kind.template, view, page=page, description=description, forms=forms, described=described, **more)


# Additional context of specific templates.
_EXTRA_CONTEXT: Mapping[str, Callable[[GraphPresenter, str], dict[str, object]]] = {
    MEASURE: lambda facts, thing: {"measure": measure(facts, thing)},
    "kpi.html": lambda facts, thing: {"kpi": kpi(facts, thing)},
    "row.html": lambda facts, thing: {},
    "edition.html": lambda facts, thing: {"measures": _listed_measures(facts, thing)},
}


def _page(
    view: View, facts: GraphPresenter, description: Description, kind: Layout, around: RelatedData, anchored: bool
) -> ResourcePage:
    thing, under = description.thing, f"{description.thing}/"
    parts = [iri for iri in facts.subjects() if iri.startswith(under) and facts.has(iri, TYPE)] if anchored else []
    parts = [iri for iri in parts if not layout_in(facts, iri).detail]
    facts.anchors = {part: part.removeprefix(under) for part in parts}
    section = facts.section(thing)
    title, shown = _title(facts, section), _ordered(section, kind)
    groups = _groups(view, facts, description, kind, around)
    return ResourcePage(
        kind=view.t(*kind.name) or ", ".join(value.text for value in section.kinds),
        number=facts.text(thing, NUMBER),
        title=title,
        trail=tuple(_trail(facts, thing, kind)),
        thing=section,
        facts=shown,
        cells=tuple(
            (_column(facts, iri), replace(facts.place(iri), href="" if iri == thing else facts.document_url(iri)))
            for iri in (_cells(facts) if kind.template != MEASURE else ())
        ),
        parts=tuple(_part(facts, iri) for iri in sorted(parts, key=facts.order)),
        groups=tuple(groups),
        alike=tuple(_similar(view, facts, around.alike)),
        mentions=tuple(_mentions(row) for row in around.mentions),
        query=around.query,
        neighbours=_neighbours(view, thing, title, shown, groups),
    )


def _neighbours(
    view: View, thing: str, title: Value, shown: Sequence[Fact], groups: Sequence[InboundGroup]
) -> NeighbourDiagram | None:
    """Return the diagram of the neighbourhood."""
    inbound = [
        PropertyNeighbours(group.words, [named.value for named in group.things], group.total, True) for group in groups
    ]
    return neighbour_diagram(title.text, thing.removeprefix(ID), [*inbound, *outgoing_links(shown)], view)


def _part(facts: GraphPresenter, iri: str) -> Section:
    section = facts.section(iri)
    hidden = layout_in(facts, iri).hidden
    visible = tuple(fact for fact in section.facts if fact.iri not in hidden)
    return replace(section, title=_title(facts, section), facts=visible)


def _title(facts: GraphPresenter, section: Section) -> Value:
    """Return the title of the page; unnamed resources are titled by their place or by the quoted words."""
    if facts.named(section.iri) and not facts.is_cell(section.iri):
        return section.title
    quoted = [text for target in facts.iris(section.iri, TARGET) if (text := _quoted(facts, target))]
    if quoted:
        return Value(f"「{quoted[0]}」", "ja")
    return Value(facts.place(section.iri).name, section.title.lang if facts.named(section.iri) else "")


def _quoted(facts: GraphPresenter, target: str) -> str:
    return next((text for selector in facts.iris(target, SELECTOR) if (text := facts.text(selector, EXACT))), "")


def _trail(facts: GraphPresenter, thing: str, kind: Layout) -> list[Value]:
    """Return the breadcrumbs of a resource: what contains it, then the resources whose IRIs its own extends."""
    within = facts.iris(thing, kind.within)[:1] if kind.within else []
    ends = [end for end, character in enumerate(thing) if character == "/" and end > len(ID)]
    above = [thing[:end] for end in ends if facts.named(thing[:end]) and thing[:end] not in within]
    return [facts.thing(iri) for iri in (*within, *above)]


def _ordered(section: Section, kind: Layout) -> tuple[Fact, ...]:
    """Return the facts in the order of the layout, then the others, without those that the title repeats."""
    titles = {section.title.text, *(name.text for name in section.also)}
    shown = [
        fact
        for fact in section.facts
        if fact.iri not in kind.hidden
        and not (fact.iri in NAMES and fact.iri not in kind.facts and {value.text for value in fact.values} <= titles)
    ]
    rank = {iri: place for place, iri in enumerate(kind.facts)}
    return tuple(sorted(shown, key=lambda fact: rank.get(fact.iri, len(rank))))


def _cells(facts: GraphPresenter) -> list[str]:
    """Return the cells on the page, in the order of the source."""
    return sorted((iri for iri in facts.subjects() if facts.is_cell(iri)), key=facts.order)


def _column(facts: GraphPresenter, cell: str) -> Value | None:
    return next((facts.thing(column) for column in facts.iris(cell, COLUMN)), None)


def _groups(
    view: View, facts: GraphPresenter, description: Description, kind: Layout, around: RelatedData
) -> list[InboundGroup]:
    order = list(inbound_labels())
    inbound = facts.pointing_to(description.thing)
    groups = []
    for predicate in sorted(inbound, key=lambda iri: order.index(iri) if iri in order else len(order)):
        if predicate in kind.hidden and description.page == 1:  # later pages may contain nothing else
            continue
        words = view.t(*inbound_labels()[predicate]) if predicate in inbound_labels() else f"← {facts.term(predicate)}"
        things = tuple(NumberedThing(facts.text(iri, NUMBER), facts.thing(iri)) for iri in inbound[predicate])
        view_of_list = _list_path(predicate, description.thing) if "browse" in view.site.sections else ""
        groups.append(InboundGroup(words, predicate, things, around.counts.get(predicate, len(things)), view_of_list))
    return groups


def _list_path(predicate: str, thing: str) -> str:
    """Return the path of the list of measures filtered by a resource; empty if there is no such facet."""
    facet = BY_PROPERTY.get(predicate)
    return f"browse{Selection({facet.key: (thing,)}).address()}" if facet and thing.startswith(ID) else ""


def _similar(view: View, facts: GraphPresenter, rows: Sequence[SimilarRow]) -> list[dict[str, object]]:
    """Return the similar resources: path, number, name, number of shared resources and name of the first."""
    listed: dict[str, SimilarRow] = {}
    for row in rows:
        if row.other.startswith(ID):
            listed.setdefault(row.other, row)
    return [
        {
            "path": path_of(iri),
            "number": row.number,
            "name": preferred({"ja": row.name_ja, "en": row.name_en}, view.lang) or iri,
            "lang": view.lang if getattr(row, f"name_{view.lang}", "") else "",
            "shared": row.shared,
            "through": facts.thing(row.first_shared).text if facts.named(row.first_shared) else "",
        }
        for iri, row in listed.items()
    ]


def _mentions(row: MentionRow) -> dict[str, object]:
    return {**vars(row), "cell_path": path_of(row.cell), "measure_path": path_of(row.measure) if row.measure else ""}


def _listed_measures(facts: GraphPresenter, thing: str) -> list[NumberedThing]:
    """Return the measures of an edition."""
    return [NumberedThing(facts.text(iri, NUMBER), facts.thing(iri)) for iri in facts.iris(thing, ONTOLOGY + "lists")]
