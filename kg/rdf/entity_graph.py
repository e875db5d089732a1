"""What texts name: entities, places, and what became of organizations (W3C Organization Ontology, section 3.6)."""

from collections.abc import Iterable

from kg.core import iris
from kg.model.records import Named, OrganizationChange
from kg.rdf.graph_builder import Graph, Subject
from kg.rdf.vocabulary_graph import describe_row

ENTITY = "entity"
# The property of a measure by the kind of thing that its texts name.
MENTIONS = {ENTITY: "mentionsEntity", "organization": "mentionsOrganization", "place": "mentionsPlace"}


def describe_entities(graph: Graph, entities: Iterable[Named]) -> None:
    """State the plans, guidelines, systems … that texts name."""
    for entity in dict.fromkeys(entities):
        about = _named(graph, entity, "entities").a("shisaku:NamedEntity")
        about.to("shisaku:entityKind", iris.shared("entity-kind", entity.code.row["kind"]))


def describe_places(graph: Graph, places: Iterable[Named]) -> None:
    """State the prefectures with their local-government codes."""
    for place in places:
        about = _named(graph, place, "places").a("schema:AdministrativeArea")
        about.text("dcterms:identifier", place.code.row["area_code"])


def _named(graph: Graph, thing: Named, table: str) -> Subject:
    code = thing.code
    about = graph.about(thing.iri).labels(code.label_ja, code.label_en)
    about.texts("skos:altLabel", code.row.listed("printed_as"), "ja")
    return about.to("prov:wasDerivedFrom", describe_row(graph, table, code.key, code.row.line))


def describe_changes(graph: Graph, changes: Iterable[OrganizationChange]) -> None:
    """State what became of organizations, on the event and on the organizations before and after it."""
    for found in changes:
        change = found.change
        about = graph.about(found.iri).a("org:ChangeEvent").labels(change.label_ja, change.label_en)
        about.typed("dcterms:date", change.date.isoformat(), "xsd:date")
        about.to("org:originalOrganization", *(body.iri for body in found.original))
        about.to("org:resultingOrganization", *(body.iri for body in found.resulting))
        about.to("prov:wasDerivedFrom", describe_row(graph, "organization-changes", change.key, change.row.line))
        for body in found.original:
            graph.about(body.iri).to("org:changedBy", found.iri)
        for body in found.resulting:
            graph.about(body.iri).to("org:resultedFrom", found.iri)
