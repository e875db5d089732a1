"""Reference data: the code lists as concept schemes, and the bodies, laws, periods and eras that the records name."""

import datetime
from collections.abc import Iterable, Sequence

from kg.core import iris
from kg.model.records import Law, Organization
from kg.rdf.graph_builder import Graph, Subject
from kg.rdf.period_graph import interval, relation
from kg.recipe import Recipe
from kg.recipe.code_lists import Code, CodeList
from kg.recipe.eras import Era
from kg.recipe.links import TARGETS

# Scheme, names of the scheme in Japanese and English, and the code list that holds its concepts.
_SCHEMES = (
    ("pillar", "柱", "Pillars", "pillars"),
    ("effect", "市町村の取組により期待される効果", "Expected effects of municipal action", "effects"),
    ("unit", "単位", "Units and counters", "units"),
    ("column", "表の列", "Columns of the table", "columns"),
)
_NAMES = {
    "kpi-kind": ("KPIの種別", "Kinds of KPI"),
    "target-status": ("目標の設定状況", "Target statuses"),
    "target-role": ("目標の役割", "Target roles"),
    "direction": ("増減の向き", "Directions of change"),
    "comparator": ("比較", "Comparators"),
    "listing-status": ("掲載時期の状態", "Listing statuses"),
    "entity-kind": ("文中に名前が出るものの種別", "Kinds of named entities"),
    "link-status": ("リンク候補の状態", "Statuses of link candidates"),
    "revision-status": ("施策の継続の状態", "Statuses of revisions"),
    "revision-grade": ("施策の継続の根拠の強さ", "Grades of revisions"),
}
# The signs of the tables, and the concepts of the graph.
COMPARATORS = {"=": "equal", ">=": "at-least", "<=": "at-most", ">": "more-than", "<": "less-than", "~": "about"}
_SIGNS = {key: sign for sign, key in COMPARATORS.items()}


def describe_lists(graph: Graph, recipe: Recipe) -> None:
    """State the code lists and small vocabularies as SKOS concept schemes."""
    for kind, label_ja, label_en, codes in _SCHEMES:
        scheme = _scheme(graph, kind, label_ja, label_en)
        for code in recipe.codes[codes]:
            concept = _concept(graph, kind, code.key, scheme).labels(code.label_ja, code.label_en)
            concept.to("prov:wasDerivedFrom", describe_row(graph, codes, code.key, code.row.line))
            _links(concept, kind, code)
    for row in recipe.tables["concepts"].rows:
        kind, key = row["scheme"], row["key"]
        scheme = _scheme(graph, kind, *_NAMES[kind])
        concept = _concept(graph, kind, key, scheme).labels(row["label_ja"], row["label_en"])
        concept.to("prov:wasDerivedFrom", describe_row(graph, "concepts", f"{kind}-{key}", row.line))
        concept.text("skos:definition", row["definition_ja"], "ja").text("skos:definition", row["definition_en"], "en")
        if kind == "comparator":
            concept.text("skos:notation", _SIGNS[key])
    scheme = _scheme(graph, "issue-type", "注意の種類", "Kinds of issue")
    for key, row in recipe.issue_types.items():
        concept = _concept(graph, "issue-type", key, scheme).labels(row["message_ja"], row["message_en"])
        concept.to("prov:wasDerivedFrom", describe_row(graph, "issue-types", key, row.line))
    scheme = _scheme(graph, "link-target", "リンクの相手", "Link targets")
    for target in recipe.links.targets:
        concept = _concept(graph, "link-target", target.key, scheme).labels(target.label_ja, target.label_en)
        concept.to("prov:wasDerivedFrom", describe_row(graph, TARGETS, target.key, target.row.line))


def _links(concept: Subject, kind: str, code: Code) -> None:
    """State what only pillars and units have: the Act with its article, and the code of UCUM."""
    if kind == "pillar" and code.row["act"]:
        concept.to("dcterms:references", iris.shared("law", code.row["act"]))
        concept.text("shisaku:actArticle", code.row["act_article"])
    if kind == "unit":
        concept.text("qudt:ucumCode", code.row["ucum"])


def _scheme(graph: Graph, kind: str, label_ja: str, label_en: str) -> str:
    iri = iris.shared("scheme", kind)
    graph.about(iri).a("skos:ConceptScheme").labels(label_ja, label_en)
    return iri


def _concept(graph: Graph, kind: str, key: str, scheme: str) -> Subject:
    subject = graph.about(iris.shared(kind, key)).a("skos:Concept").to("skos:inScheme", scheme)
    return subject.text("skos:notation", key) if kind in ("pillar", "effect") else subject


def describe_row(graph: Graph, table: str, key: str, line: int) -> str:
    """State a row of the recipe, by its file and line, and return its IRI: where a curated statement comes from."""
    iri = iris.shared("recipe", f"{table}/{key}")
    graph.about(iri).a("shisaku:RecipeRow").text("shisaku:file", f"build/{table}.csv").number("shisaku:fileLine", line)
    return iri


def describe_source(graph: Graph, key: str) -> str:
    """State the file that describes a source document, and return its IRI."""
    iri = iris.shared("recipe", f"sources/{key}")
    graph.about(iri).a("shisaku:RecipeRow").text("shisaku:file", f"build/sources/{key}/source.toml")
    return iri


def describe_bodies(graph: Graph, bodies: Iterable[Organization], others: CodeList) -> None:
    """State the organizations and collectives; one that no code list knows keeps the name it is printed with.

    `others` are the organizations that stand in a list of their own, since the tables do not name them as ministries.
    """
    beyond = {code.key for code in others}
    for body in bodies:
        subject = graph.about(body.iri)
        subject.a("shisaku:OrganizationGroup" if body.group else "org:FormalOrganization")
        if body.code is None:
            subject.text("skos:prefLabel", body.name, "ja")
            continue
        subject.labels(body.code.label_ja, body.code.label_en)
        _other_names(subject, body.code)
        table = "bodies" if body.key in beyond else "organizations"
        subject.to("prov:wasDerivedFrom", describe_row(graph, table, body.code.key, body.code.row.line))
        subject.text("org:identifier", body.code.row["corporate_number"])


def _other_names(subject: Subject, code: Code) -> None:
    subject.text("skos:altLabel", code.row.values.get("abbreviation", ""), "en")
    subject.texts("skos:altLabel", code.row.listed("printed_as"), "ja")


def describe_laws(graph: Graph, laws: Iterable[Law]) -> None:
    """State the laws that are cited, each known by its number."""
    for law in laws:
        subject = graph.about(law.iri).a("shisaku:Law").text("skos:prefLabel", law.title, "ja")
        subject.text("shisaku:lawNumber", law.number, "ja")
        if law.code:
            subject.text("skos:prefLabel", law.code.label_en, "en").text("shisaku:lawId", law.code.row["law_id"])
            subject.to("prov:wasDerivedFrom", describe_row(graph, "laws", law.code.key, law.code.row.line))


def describe_periods(graph: Graph, codes: Iterable[str], eras: Sequence[Era]) -> None:
    """State the periods as intervals, and the eras that they touch with how each period lies to them."""
    touched: set[Era] = set()
    for code in codes:
        period = interval(code, eras)
        subject = _proper_interval(graph, iris.period(code), code, period.first, period.last)
        subject.text("rdfs:label", period.label_ja, "ja").text("rdfs:label", period.label_en, "en")
        subject.texts("skos:altLabel", period.also_ja, "ja")
        for era in eras:
            if period.last and era.touches(period.first, period.last):
                subject.to(relation(period, era), iris.shared("era", era.key))
                touched.add(era)
    for era in touched:
        subject = _proper_interval(graph, iris.shared("era", era.key), era.key, era.first_day, era.last_day)
        subject.text("rdfs:label", era.label_ja, "ja").text("rdfs:label", era.label_en, "en")
        subject.to("prov:wasDerivedFrom", describe_row(graph, "eras", era.key, era.row.line))


def _proper_interval(
    graph: Graph, iri: str, code: str, first: datetime.date | None, last: datetime.date | None
) -> Subject:
    """State an interval between named instants; the days stand on it, too, so that a deadline is one hop."""
    subject = graph.about(iri).a("time:ProperInterval").text("dcterms:identifier", code)
    for day, date, bound in ((first, "schema:startDate", "time:hasBeginning"), (last, "schema:endDate", "time:hasEnd")):
        if day:
            instant = iris.shared("instant", day.isoformat())
            subject.typed(date, day.isoformat(), "xsd:date").to(bound, instant)
            graph.about(instant).a("time:Instant").typed("time:inXSDDate", day.isoformat(), "xsd:date")
    return subject
