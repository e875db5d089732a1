"""Graph of the records: measures, KPIs and targets, the things they share, and the printed cells they come from.

Named entities, places and organization changes use the W3C Organization Ontology, section 3.6. Local plans are stated
with their measures, the rows these were read from, and their citations.

Mentions are Web Annotations (W3C Web Annotation Data Model, sections 3 and 4), with offsets in characters of the cell.
A measure has a direct property (`measure property body`) exactly if a mention has this property and body.
"""

from collections import Counter
from collections.abc import Iterable

from kg.core import iris
from kg.core.spans import plain
from kg.model.records import EditionRecords, Kpi, LocalMeasure, Measure, Named, OrganizationChange, Records, Target
from kg.rdf.graph_builder import Graph, Subject
from kg.rdf.vocabulary_graph import (
    COMPARATORS,
    describe_bodies,
    describe_laws,
    describe_links,
    describe_lists,
    describe_periods,
    describe_revisions,
    describe_row,
    describe_source,
)
from kg.recipe import Recipe
from kg.recipe.local_plans import DESCRIPTION, FOLDER, LocalPlan
from kg.recipe.revision_judgements import revised_edition


def describe_plans(graph: Graph, plans: Iterable[LocalPlan], measures: Iterable[LocalMeasure]) -> None:
    """State the local plans, their measures and the citations of these."""
    files = {}
    for plan in plans:
        folder = f"build/{FOLDER}/{plan.file.parent.name}"
        files[plan.key] = f"{folder}/{plan.file.name}"
        described = plan.described
        about = graph.about(iris.shared("local-plan", plan.key)).a("shisaku:LocalPlan")
        about.text("dcterms:title", described["title_ja"], "ja").text("dcterms:title", described["title_en"], "en")
        about.text("dc:publisher", described["government_ja"], "ja").text(
            "dc:publisher", described["government_en"], "en"
        )
        about.text("dcterms:identifier", plan.key).text("shisaku:areaCode", described.get("area_code", ""))
        about.to("dcterms:license", described.get("licence", "")).to("foaf:page", described.get("page", ""))
        about.to("dcterms:references", iris.edition(plan.edition))
        row = iris.shared("recipe", f"{FOLDER}/{plan.key}")
        graph.about(row).a("shisaku:RecipeRow").text("shisaku:file", f"{folder}/{DESCRIPTION}")
        about.to("prov:wasDerivedFrom", row)
    for measure in measures:
        _plan_measure(graph, measure, files[measure.plan])


def _plan_measure(graph: Graph, measure: LocalMeasure, file: str) -> None:
    about = graph.about(measure.iri).a("shisaku:LocalMeasure")
    about.to("shisaku:localPlan", iris.shared("local-plan", measure.plan))
    about.text("dcterms:title", measure.title, "ja").text("dcterms:identifier", measure.number)
    about.text("dcterms:description", measure.description, "ja").text("shisaku:department", measure.department, "ja")
    about.text("shisaku:schedule", measure.schedule, "ja").text("shisaku:citedAs", measure.cited_as)
    about.to("shisaku:citesMeasure", *measure.cites)
    row = iris.shared("recipe", f"{FOLDER}/{measure.plan}/line-{measure.line}")
    graph.about(row).a("shisaku:RecipeRow").text("shisaku:file", file).number("shisaku:fileLine", measure.line)
    about.to("prov:wasDerivedFrom", row)


ENTITY = "entity"
# The property of a measure by the kind of thing that its texts name.
MENTIONS = {ENTITY: "mentionsEntity", "organization": "mentionsOrganization", "place": "mentionsPlace"}


def describe_entities(graph: Graph, entities: Iterable[Named]) -> None:
    """State the plans, guidelines, systems and other entities that texts name."""
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
    """State the organization changes, on the event and on the organizations before and after it."""
    for event in changes:
        change = event.change
        about = graph.about(event.iri).a("org:ChangeEvent").labels(change.label_ja, change.label_en)
        about.typed("dcterms:date", change.date.isoformat(), "xsd:date")
        about.to("org:originalOrganization", *(body.iri for body in event.original))
        about.to("org:resultingOrganization", *(body.iri for body in event.resulting))
        about.to("prov:wasDerivedFrom", describe_row(graph, "organization-changes", change.key, change.row.line))
        for body in event.original:
            graph.about(body.iri).to("org:changedBy", event.iri)
        for body in event.resulting:
            graph.about(body.iri).to("org:resultedFrom", event.iri)


def describe_mentions(graph: Graph, measure: Measure) -> None:
    """State each mention of a shared thing as an annotation of its span in the cell."""
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
    """State that the English title is an unofficial translation, with its author and its row of the recipe."""
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
    """State the national plan of an edition and its measures; facts of the table are not stated of the plan."""
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


_LISTING = {"from": "from", "adjusting": "adjusting", "from+adjusting": "from-adjusting"}


def triples(records: Records, recipe: Recipe) -> Graph:
    """Return the statements of some records for the default graph of a release.

    The default graph is the union of the code lists, of the statements of each document, and of those of the
    references.
    """
    graph = Graph()
    for edition in records.editions:
        _edition(graph, edition)
        for measure in edition.measures:
            _measure(graph, measure, recipe)
            describe_mentions(graph, measure)
            describe_translation(graph, measure, recipe)
        describe_plan(graph, edition)
        _source(graph, edition)
    measures = records.measures
    describe_bodies(graph, records.organizations, recipe.codes["bodies"])
    describe_laws(graph, records.laws)
    describe_periods(graph, {code for measure in measures for code in _periods(measure)}, recipe.eras)
    describe_entities(graph, (thing for measure in measures for thing in measure.named if thing.kind == ENTITY))
    describe_places(graph, records.references.places)
    describe_changes(graph, records.references.changes)
    describe_links(graph, records.references.links)
    describe_revisions(graph, records.revisions)
    describe_plans(graph, records.plans, records.local)
    return graph


def lists(recipe: Recipe) -> Graph:
    """Return the statements about the code lists, which every release has."""
    graph = Graph()
    describe_lists(graph, recipe)
    return graph


def _periods(measure: Measure) -> set[str]:
    codes = {measure.listed_from}
    for kpi in measure.kpis:
        codes.add(kpi.set_by)
        for target in kpi.targets:
            codes |= {target.period, target.baseline_period}
    return codes - {""}


def _period(code: str) -> str:
    return iris.period(code) if code else ""


def _edition(graph: Graph, edition: EditionRecords) -> None:
    described = edition.source.described
    subject = graph.about(edition.iri).a("shisaku:Edition")
    subject.text("dcterms:title", described["title_ja"], "ja").text("dcterms:title", described["title_en"], "en")
    subject.text("dcterms:identifier", edition.source.key)
    subject.text("dcterms:description", described.get("note_ja", ""), "ja")
    subject.text("dcterms:description", described.get("note_en", ""), "en")
    subject.to("shisaku:lists", *(measure.iri for measure in edition.measures))
    subject.to("prov:wasDerivedFrom", describe_source(graph, edition.source.key))
    if earlier := revised_edition(edition.source):
        subject.to("prov:wasRevisionOf", iris.edition(earlier))


def _measure(graph: Graph, measure: Measure, recipe: Recipe) -> None:
    subject = graph.about(measure.iri).a("shisaku:Measure")
    subject.text("dcterms:title", measure.title, "ja").text("dcterms:title", measure.title_en, "en")
    subject.text("shisaku:measureNumber", measure.number)
    subject.number("shisaku:rowNumber", int(measure.row) if measure.row else None)
    subject.to("shisaku:edition", iris.edition(measure.edition))
    subject.to("shisaku:pillar", iris.shared("pillar", measure.pillar.key) if measure.pillar else "")
    subject.to("shisaku:leadOrganization", *(body.iri for body in measure.lead))
    subject.to("shisaku:participatingOrganization", *(body.iri for body in measure.participating))
    subject.to("shisaku:organizationGroup", *(body.iri for body in measure.groups))
    subject.to("shisaku:expectedEffect", *(iris.shared("effect", key) for key in measure.effects))
    subject.to("shisaku:listedFrom", _period(measure.listed_from))
    if measure.listing_status:
        subject.to("shisaku:listingStatus", iris.shared("listing-status", _LISTING[measure.listing_status]))
    subject.text("shisaku:overview", measure.overview, "ja").text("shisaku:municipalSupport", measure.support, "ja")
    subject.to("shisaku:kpi", *(kpi.iri for kpi in measure.kpis))
    subject.to("prov:wasDerivedFrom", measure.source_row)
    _marks(graph, measure, subject)
    _money_and_papers(graph, measure, subject)
    for kpi in measure.kpis:
        _kpi(graph, kpi, recipe)


def _marks(graph: Graph, measure: Measure, subject: Subject) -> None:
    """State a mark in an unknown column as a claim of its own class, never as an effect."""
    for position, mark in enumerate(measure.uncertain_marks, 1):
        iri = f"{measure.iri}/effect-mark-{position}"
        graph.about(iri).a("shisaku:EffectMark").to("prov:wasDerivedFrom", mark)
        subject.to("shisaku:uncertainEffect", iri)


def _money_and_papers(graph: Graph, measure: Measure, subject: Subject) -> None:
    """State budget programmes, reference documents, laws and named entities."""
    for programme in measure.programmes:
        subject.to("shisaku:budgetProgramme", programme.iri)
        about = graph.about(programme.iri).a("shisaku:BudgetProgramme").text("skos:prefLabel", programme.name, "ja")
        about.text("shisaku:grantName", programme.grant, "ja").texts("shisaku:formerName", programme.former, "ja")
    subject.texts("shisaku:budgetNote", measure.budget_notes, "ja")
    for document in measure.documents:
        subject.to("shisaku:referenceDocument", document.iri)
        about = graph.about(document.iri).a("shisaku:ReferenceDocument").text("dcterms:title", document.title, "ja")
        about.typed("schema:url", document.url, "xsd:anyURI").text("shisaku:printedUrl", document.printed)
    subject.to("shisaku:citesLaw", *(law.iri for law in measure.laws))
    for thing in measure.named:
        subject.to(f"shisaku:{MENTIONS[thing.kind]}", thing.iri)


def _kpi(graph: Graph, kpi: Kpi, recipe: Recipe) -> None:
    subject = graph.about(kpi.iri).a("shisaku:Kpi").text("dcterms:description", kpi.text, "ja")
    subject.to("shisaku:kpiKind", iris.shared("kpi-kind", kpi.kind) if kpi.kind else "")
    subject.text("shisaku:groupLabel", kpi.group, "ja")
    subject.to("shisaku:targetStatus", iris.shared("target-status", kpi.status))
    subject.to("shisaku:setBy", _period(kpi.set_by))
    subject.to("shisaku:target", *(target.iri for target in kpi.targets))
    subject.to("prov:wasDerivedFrom", kpi.cell_iri)
    subject.number("shisaku:start", kpi.span.start).number("shisaku:end", kpi.span.end)
    for target in kpi.targets:
        _target(graph, target, kpi, recipe)


def _target(graph: Graph, target: Target, kpi: Kpi, recipe: Recipe) -> None:
    subject = graph.about(target.iri).a("shisaku:Target").text("shisaku:printedText", target.words, "ja")
    subject.to("shisaku:targetRole", iris.shared("target-role", target.role))
    subject.number("shisaku:value", target.value)
    if target.value is not None or target.comparator != "=":
        subject.to("shisaku:comparator", iris.shared("comparator", COMPARATORS[target.comparator]))
    if target.unit:
        code = recipe.codes["units"].printed(target.unit)
        unit = iris.shared("unit", code.key if code else iris.slug(target.unit))
        subject.to("shisaku:unit", unit)
        if not code:
            graph.about(unit).a("skos:Concept").text("skos:prefLabel", target.unit, "ja")
    subject.to("shisaku:period", _period(target.period)).to("shisaku:baselinePeriod", _period(target.baseline_period))
    subject.to("shisaku:direction", iris.shared("direction", target.direction) if target.direction else "")
    subject.to("prov:wasDerivedFrom", kpi.cell_iri)
    subject.number("shisaku:start", target.span.start).number("shisaku:end", target.span.end)


def _source(graph: Graph, edition: EditionRecords) -> None:
    """State every line that is not blank, and every cell of it verbatim, with its place."""
    for row in edition.rows:
        subject = graph.about(row.iri).a("shisaku:SourceRow").to("dcterms:isPartOf", edition.iri)
        subject.number("shisaku:line", row.line).number("shisaku:page", row.page)
        subject.to("shisaku:cell", *(cell.iri for cell in row.cells))
        for cell in row.cells:
            printed = graph.about(cell.iri).a("shisaku:SourceCell").to("dcterms:isPartOf", row.iri)
            printed.number("shisaku:position", cell.cell.position)
            printed.number("shisaku:start", cell.cell.start).number("shisaku:end", cell.cell.end)
            printed.verbatim("shisaku:printedText", cell.cell.printed)
            printed.to("shisaku:columnReadAs", iris.shared("column", cell.column) if cell.column else "")
            printed.to("shisaku:correction", *(iris.shared("correction", entry.id) for entry in cell.corrections))
    for entry in edition.corrections:
        about = graph.about(iris.shared("correction", entry.id)).a("shisaku:Correction")
        about.text("shisaku:printed", entry.printed).text("shisaku:corrected", entry.corrected)
        about.text("shisaku:reason", entry.reason_ja, "ja").text("shisaku:reason", entry.reason_en, "en")
        about.text("shisaku:evidence", entry.evidence).typed("dcterms:created", entry.decided_on, "xsd:date")
        about.text("dc:creator", entry.decided_by)
        about.to("prov:wasDerivedFrom", describe_row(graph, "corrections", entry.id, entry.file_line))
    rows = {row.line: row.iri for row in edition.rows}
    numbered: Counter[str] = Counter()
    for issue in edition.issues:
        where = iris.source_cell(rows[issue.line], issue.position)
        numbered[where] += 1
        about = graph.about(f"{where}/issue/{numbered[where]}").a("shisaku:Issue")
        about.to("shisaku:issueType", iris.shared("issue-type", issue.type)).to("dcterms:isPartOf", where)
        about.texts("shisaku:message", [issue.message_ja], "ja").texts("shisaku:message", [issue.message_en], "en")
        about.text("shisaku:printedText", issue.words)
