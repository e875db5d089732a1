"""Where statements come from: mentions as Web Annotations, translations, and the plan behind the table.

The direct property on a measure follows from a mention: `measure property body` stands in the graph exactly where a
mention says so (W3C Web Annotation Data Model, sections 3 and 4). Offsets of a selector count characters of the cell.
"""

from collections import Counter

from kg.core import iris
from kg.core.spans import plain
from kg.model.records import EditionRecords, Measure
from kg.rdf.graph_builder import Graph
from kg.rdf.vocabulary_graph import describe_row, describe_source
from kg.recipe import Recipe


def describe_mentions(graph: Graph, measure: Measure) -> None:
    """State each naming of a shared thing as an annotation of its span in the cell."""
    for mention in measure.mentions:
        target, position, quote = (f"{mention.iri}/{part}" for part in ("target", "position", "quote"))
        annotation = graph.about(mention.iri).a("oa:Annotation").to("oa:hasBody", mention.body)
        annotation.to("oa:hasTarget", target).to("oa:motivatedBy", graph.term("oa:identifying").value)
        annotation.to("shisaku:inMeasure", measure.iri).to("shisaku:asProperty", iris.term(mention.property))
        graph.about(target).a("oa:SpecificResource").to("oa:hasSource", mention.cell_iri).to(
            "oa:hasSelector", position, quote
        )
        selector = graph.about(position).a("oa:TextPositionSelector")
        selector.number("oa:start", mention.start).number("oa:end", mention.end)
        graph.about(quote).a("oa:TextQuoteSelector").text("oa:exact", mention.exact)


def describe_translation(graph: Graph, measure: Measure, recipe: Recipe) -> None:
    """State that the English title is an unofficial translation, whose, and where it stands."""
    row = recipe.translations.get(plain(measure.title))
    if row is None or not measure.title:
        return
    key = iris.slug(measure.title)
    iri = iris.shared("translation", key)
    graph.about(measure.iri).to("shisaku:titleTranslation", iri)
    about = graph.about(iri).a("shisaku:Translation").text("shisaku:sourceText", row["text_ja"], "ja")
    about.text("shisaku:translatedText", row["text_en"], "en").text("dc:creator", row["translator"])
    about.typed("dcterms:created", row["translated_on"], "xsd:date").text("shisaku:remark", row["note"], "en")
    about.to("prov:wasDerivedFrom", describe_row(graph, "translations", key, row.line))


def describe_plan(graph: Graph, edition: EditionRecords) -> None:
    """State the plan behind a table, and its measures that the table lists; no fact of the table goes there."""
    described = edition.source.described
    key = described.get("plan", "")
    if not key:
        return
    plan = iris.shared("plan", key)
    about = graph.about(plan).a("shisaku:Plan").text("dcterms:identifier", key)
    about.text("dcterms:title", described.get("plan_ja", ""), "ja").text(
        "dcterms:title", described.get("plan_en", ""), "en"
    )
    if decided := described.get("plan_decided"):
        about.typed("dcterms:issued", decided.isoformat(), "xsd:date")
    about.to("prov:wasDerivedFrom", describe_source(graph, edition.source.key))
    graph.about(edition.iri).to("shisaku:plan", plan)
    listed = Counter(measure.number for measure in edition.measures)
    for measure in edition.measures:
        if measure.number and listed[measure.number] == 1:
            iri = iris.plan_measure(key, measure.number)
            graph.about(iri).a("shisaku:PlanMeasure").text("shisaku:measureNumber", measure.number).to(
                "shisaku:plan", plan
            )
            graph.about(measure.iri).to("shisaku:planMeasure", iri)
