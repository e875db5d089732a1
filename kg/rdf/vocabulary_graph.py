"""Graph of the reference data: code lists, organizations, laws, periods and eras, links and revisions.

Code lists are SKOS concept schemes. Periods have their first and last day (inclusive), their names in the eras they
touch, and their relation to these; a fiscal year begins on 1 April (Public Finance Act, Article 11).

A published link to another data set is stated, and has a record of its evidence; a candidate has a record only, so that
no query finds it by accident. Records use the terms of SSSOM if its RDF has them; each target has a VoID linkset.

A measure that continues an earlier one has `prov:wasRevisionOf` (PROV-O) and `dcterms:replaces`. Each pair has a record
of its evidence and grade; a candidate and a rejected pair have a record only.
"""

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b

from kg.core import iris
from kg.core.labels import MONTHS
from kg.model.records import Law, Link, Organization, Revision
from kg.model.reference_data import SOURCE
from kg.rdf.csv_tables import Table
from kg.rdf.graph_builder import Graph, Subject
from kg.recipe import Recipe
from kg.recipe.code_lists import Code, CodeList
from kg.recipe.eras import Era
from kg.recipe.links import TARGETS, LinkTarget
from kg.recipe.revision_judgements import TABLE

_CODE = re.compile(
    r"(?:(?P<kind>FY|CY)(?P<year>\d{4})(?:-(?P<part>H[12]|Q[1-4])|-(?P<until>\d{4}))?"
    r"|(?P<my>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)(?P<on>-on)?"
)
_PARTS_JA = {"H1": "上半期", "H2": "下半期", "Q1": "第1四半期", "Q2": "第2四半期", "Q3": "第3四半期", "Q4": "第4四半期"}
_PARTS_EN = {"H1": ", first half", "H2": ", second half", "Q1": ", Q1", "Q2": ", Q2", "Q3": ", Q3", "Q4": ", Q4"}
_APRIL = 4
# Order of the beginnings and of the ends (-1 earlier, 0 same day, 1 later): Allen's relations of two
# intervals that share a day, as OWL-Time names them.
_RELATIONS = {
    (-1, -1): "time:intervalOverlaps",
    (-1, 0): "time:intervalFinishedBy",
    (-1, 1): "time:intervalContains",
    (0, -1): "time:intervalStarts",
    (0, 0): "time:intervalEquals",
    (0, 1): "time:intervalStartedBy",
    (1, -1): "time:intervalDuring",
    (1, 0): "time:intervalFinishes",
    (1, 1): "time:intervalOverlappedBy",
}


@dataclass(frozen=True)
class Interval:
    """A period with its first day, last day and names; `also_ja` are its other Japanese names."""

    code: str
    first: datetime.date
    last: datetime.date | None  # None if the period is open-ended
    label_ja: str
    label_en: str
    also_ja: tuple[str, ...]


def interval(code: str, eras: Sequence[Era]) -> Interval:
    """Return the period of a code such as FY2019, CY2020-2024, FY2019-H1, 2020-11, 2020-11-30 or FY2021-on.

    Its names are by the eras.
    """
    match = _CODE.fullmatch(code)
    if not match:
        raise ValueError(f"{code!r} is no code of a period")
    if match["on"]:
        return _open(code, interval(code.removesuffix("-on"), eras))
    if match["day"]:
        return _day(code, datetime.date.fromisoformat(code), eras)
    if match["my"]:
        return _month(code, int(match["my"]), int(match["month"]), eras)
    if match["until"]:
        return _years(code, match["kind"] == "FY", int(match["year"]), int(match["until"]))
    year, part = int(match["year"]), match["part"] or ""
    fiscal = match["kind"] == "FY"
    beginning = datetime.date(year, _APRIL if fiscal else 1, 1)
    offset, length = _extent(part)
    first = _add_months(beginning, offset)
    unit = ("年度" if fiscal else "年") + _PARTS_JA.get(part, "")
    # parts of a year have the names of the year, such as 平成31年度第4四半期
    names = [name + unit for name in _year_names(year, beginning, _last_day(beginning, 12), eras)]
    label_en = (f"fiscal year {year}" if fiscal else f"{year}") + _PARTS_EN.get(part, "")
    return Interval(code, first, _last_day(first, length), names[0], label_en, tuple(names[1:]))


def _month(code: str, year: int, month: int, eras: Sequence[Era]) -> Interval:
    first = datetime.date(year, month, 1)
    last = _last_day(first, 1)
    names = [f"{name}年{month}月" for name in _year_names(year, first, last, eras)]
    return Interval(code, first, last, names[0], f"{MONTHS[month - 1]} {year}", tuple(names[1:]))


def _day(code: str, day: datetime.date, eras: Sequence[Era]) -> Interval:
    names = [f"{name}年{day.month}月{day.day}日" for name in _year_names(day.year, day, day, eras)]
    label_en = f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    return Interval(code, day, day, names[0], label_en, tuple(names[1:]))


def _years(code: str, fiscal: bool, first: int, last: int) -> Interval:
    """Return a period of several consecutive years."""
    beginning = datetime.date(first, _APRIL if fiscal else 1, 1)
    unit = "年度" if fiscal else "年"
    label_en = f"{'fiscal years ' if fiscal else ''}{first} to {last}"
    end = _last_day(beginning, 12 * (last - first + 1))
    return Interval(code, beginning, end, f"{first}{unit}から{last}{unit}まで", label_en, ())


def _open(code: str, period: Interval) -> Interval:
    """Return the open-ended period that begins with another one."""
    also = tuple(f"{name}以降" for name in period.also_ja)
    return Interval(code, period.first, None, f"{period.label_ja}以降", f"{period.label_en} and later", also)


def relation(period: Interval, era: Era) -> str:
    """Return the property of OWL-Time from a period to an era that it touches; raise ValueError for another era.

    An era that has not ended ends later than any period.
    """
    if period.last is None or era.first_day is None or not era.touches(period.first, period.last):
        raise ValueError(f"{period.code} and {era.key} share no day that is known")
    ends = _order(period.last, era.last_day) if era.last_day else -1
    return _RELATIONS[_order(period.first, era.first_day), ends]


def _order(a: datetime.date, b: datetime.date) -> int:
    return (a > b) - (a < b)


def _year_names(year: int, first: datetime.date, last: datetime.date, eras: Sequence[Era]) -> list[str]:
    """Return the names of a year in the eras that a period touches, the latest first, then in digits."""
    touched = (era for era in reversed(eras) if era.touches(first, last))
    return [*filter(None, (era.year_name(year) for era in touched)), f"{year}"]


def _extent(part: str) -> tuple[int, int]:
    """Return the offset in months from the beginning of the year, and the length in months."""
    if not part:
        return 0, 12
    length = 6 if part[0] == "H" else 3
    return (int(part[1]) - 1) * length, length


def _add_months(day: datetime.date, months: int) -> datetime.date:
    year, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + year, month=month + 1)


def _last_day(first: datetime.date, months: int) -> datetime.date:
    return _add_months(first, months) - datetime.timedelta(days=1)


# Scheme, names of the scheme in Japanese and English, and the code list of its concepts.
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
# Comparators of the tables, and their concepts in the graph.
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
    """State the Act and article of a pillar, and the UCUM code of a unit."""
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
    """State a row of the recipe, the source of a curated statement, by file and line; return its IRI."""
    iri = iris.shared("recipe", f"{table}/{key}")
    graph.about(iri).a("shisaku:RecipeRow").text("shisaku:file", f"build/{table}.csv").number("shisaku:fileLine", line)
    return iri


def describe_source(graph: Graph, key: str) -> str:
    """State the file that describes a source document; return its IRI."""
    iri = iris.shared("recipe", f"sources/{key}")
    graph.about(iri).a("shisaku:RecipeRow").text("shisaku:file", f"build/sources/{key}/source.toml")
    return iri


def describe_bodies(graph: Graph, bodies: Iterable[Organization], others: CodeList) -> None:
    """State the organizations and collectives; one without a code list entry keeps its printed name.

    `others` are the organizations of a separate list, which the tables do not name as ministries.
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
    """State the cited laws, each identified by its number."""
    for law in laws:
        subject = graph.about(law.iri).a("shisaku:Law").text("skos:prefLabel", law.title, "ja")
        subject.text("shisaku:lawNumber", law.number, "ja")
        if law.code:
            subject.text("skos:prefLabel", law.code.label_en, "en").text("shisaku:lawId", law.code.row["law_id"])
            subject.to("prov:wasDerivedFrom", describe_row(graph, "laws", law.code.key, law.code.row.line))


def describe_periods(graph: Graph, codes: Iterable[str], eras: Sequence[Era]) -> None:
    """State the periods as intervals, the eras they touch, and the relation of each period to these."""
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
    """State an interval between named instants, and its days as direct properties, too."""
    subject = graph.about(iri).a("time:ProperInterval").text("dcterms:identifier", code)
    for day, date, bound in ((first, "schema:startDate", "time:hasBeginning"), (last, "schema:endDate", "time:hasEnd")):
        if day:
            instant = iris.shared("instant", day.isoformat())
            subject.typed(date, day.isoformat(), "xsd:date").to(bound, instant)
            graph.about(instant).a("time:Instant").typed("time:inXSDDate", day.isoformat(), "xsd:date")
    return subject


PUBLISHED = "published"


def describe_links(graph: Graph, links: Iterable[Link]) -> None:
    """State the published links, and a record of every link and candidate."""
    for link in links:
        metadata = link.metadata
        published = link.status == PUBLISHED
        if published:
            graph.about(link.subject).to(metadata.predicate, link.object)
        record = graph.about(link.iri).a("shisaku:Link" if published else "shisaku:LinkCandidate")
        record.to("rdf:subject", link.subject).to("rdf:predicate", graph.term(metadata.predicate).value)
        record.to("rdf:object", link.object)
        record.to("shisaku:linkStatus", "" if published else iris.shared("link-status", link.status))
        record.to("sssom:object_source", iris.shared("link-target", metadata.target.key))
        record.to("sssom:mapping_justification", graph.term(metadata.justification).value)
        record.number("sssom:confidence", Decimal(metadata.confidence)).text("rdfs:comment", metadata.comment, "en")
        record.text("dc:creator", metadata.author).typed("dcterms:created", metadata.date, "xsd:date")
        for table, key, line in link.sources:
            row = describe_source(graph, key) if table == SOURCE else describe_row(graph, table, key, line)
            record.to("prov:wasDerivedFrom", row)


@dataclass
class _Linkset:
    """Counts of the links to one target."""

    triples: int = 0
    subjects: int = 0
    predicates: set[str] = field(default_factory=set)
    objects: set[int] = field(default_factory=set)  # their hashes, since there may be many
    before: str = ""

    def add(self, subject: str, predicate: str, thing: str) -> None:
        self.triples += 1
        self.subjects += subject != self.before
        self.before = subject
        self.predicates.add(predicate)
        self.objects.add(int.from_bytes(blake2b(thing.encode(), digest_size=8).digest()))


def describe_linksets(graph: Graph, dataset: str, links: Table, targets: Iterable[LinkTarget]) -> None:
    """State a VoID linkset for each target of published links: predicates, counts and method.

    VoID, section 5: https://www.w3.org/TR/void/#linkset. A target without published links has no linkset. The rows of
    the table are sorted by subject, and distinct.
    """
    targets_by_key, linksets = {target.key: target for target in targets}, dict[str, _Linkset]()
    for row in (dict(zip(links.columns, values, strict=True)) for values in links.rows):
        if row["status"] == PUBLISHED:
            linkset = linksets.setdefault(row["target"], _Linkset())
            linkset.add(row["subject_id"], row["predicate_id"], row["object_id"])
    for key, counted in sorted(linksets.items()):
        target = targets_by_key[key]
        linkset_iri = f"{dataset.partition('#')[0]}#links-{key}"
        graph.about(dataset).to("void:subset", linkset_iri)
        about = graph.about(linkset_iri).a("void:Linkset").to("void:subjectsTarget", dataset)
        about.to("void:objectsTarget", _target(graph, target))
        about.to("void:linkPredicate", *sorted(graph.term(name).value for name in counted.predicates))
        about.number("void:triples", counted.triples).number("void:distinctSubjects", counted.subjects)
        about.number("void:distinctObjects", len(counted.objects))
        about.text("dcterms:title", target.label_ja, "ja").text("dcterms:title", target.label_en, "en")
        about.text("dcterms:description", target.method_ja, "ja").text("dcterms:description", target.method_en, "en")


def _target(graph: Graph, target: LinkTarget) -> str:
    """State the data set that links lead to; return its IRI."""
    iri = iris.shared("link-target", target.key)
    about = graph.about(iri).a("void:Dataset").text("dcterms:title", target.label_ja, "ja")
    about.text("dcterms:title", target.label_en, "en").text("void:uriSpace", target.space)
    about.to("foaf:homepage", target.homepage)
    return iri


_STATED = ("prov:wasRevisionOf", "dcterms:replaces")
_BY_RULE = "semapv:CompositeMatching"


def describe_revisions(graph: Graph, revisions: Iterable[Revision]) -> None:
    """State the measures that continue others, and a record of every pair."""
    for revision in revisions:
        if revision.stated:
            for predicate in _STATED:
                graph.about(revision.later).to(predicate, revision.earlier)
        record = graph.about(revision.iri).a("shisaku:Revision")
        record.to("rdf:subject", revision.later).to("rdf:object", revision.earlier)
        record.to("rdf:predicate", graph.term(_STATED[0]).value)
        record.to("shisaku:revisionStatus", iris.shared("revision-status", revision.status))
        record.to("shisaku:revisionGrade", iris.shared("revision-grade", revision.grade))
        record.typed("shisaku:sameNumber", str(revision.same_number).lower(), "xsd:boolean")
        record.number("shisaku:titleSimilarity", Decimal(str(revision.similarity)))
        record.to("shisaku:sharedKpi", *revision.kpis)
        _origin(graph, revision)


def _origin(graph: Graph, revision: Revision) -> None:
    """State the origin of a pair: a curator's row, or the rule that `revises` of the source enables."""
    record, row = graph.about(revision.iri), revision.row
    justification = row["mapping_justification"] if row else _BY_RULE
    record.to("sssom:mapping_justification", graph.term(justification).value)
    if row is None:
        record.to("prov:wasDerivedFrom", describe_source(graph, revision.edition))
        return
    record.number("sssom:confidence", Decimal(row["confidence"])).text("rdfs:comment", row["comment"], "en")
    record.text("dc:creator", row["author_label"]).typed("dcterms:created", row["mapping_date"], "xsd:date")
    key = iris.slug(f"{revision.later} {revision.earlier}")
    record.to("prov:wasDerivedFrom", describe_row(graph, TABLE, key, row.line))
