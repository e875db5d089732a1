"""Records: the content of the tables, typed and frozen, each with its IRI and its place in the document."""

from dataclasses import dataclass
from decimal import Decimal

from kg.core.spans import Cell, Span
from kg.recipe.code_lists import Change, Code
from kg.recipe.corrections import Correction
from kg.recipe.links import MappingMetadata
from kg.recipe.local_plans import LocalPlan
from kg.recipe.sources import Source
from kg.recipe.table_loader import Row


@dataclass(frozen=True)
class MeasureFeatures:
    """Features of a measure for matching: its number, its title, and IRI and name of each named KPI."""

    iri: str
    number: str
    title: str
    kpis: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Revision:
    """A pair of measures of which the later continues the earlier, or may, with the evidence.

    `status` is computed, confirmed, candidate or rejected; the first two are stated. `grade` is strong, fair or weak.
    `similarity` of the titles is from 0 to 1; `kpis` are those of the later measure that continue; `row` is a
    curator's.
    """

    iri: str
    later: str
    earlier: str
    status: str
    grade: str
    same_number: bool
    similarity: float
    kpis: tuple[str, ...]
    edition: str
    row: Row | None

    @property
    def stated(self) -> bool:
        """True if the graph states that the later measure continues the earlier one."""
        return self.status in ("computed", "confirmed")


@dataclass(frozen=True)
class LocalMeasure:
    """A measure of a local government's plan, and the IRIs of the listed measures that it cites.

    `cited_as` is the printed citation; `unknown` is True if a part of it names no measure of the edition.
    """

    iri: str
    plan: str
    number: str
    title: str
    description: str
    department: str
    schedule: str
    cited_as: str
    cites: tuple[str, ...]
    unknown: bool
    line: int


@dataclass(frozen=True)
class Target:
    """A target of a KPI, see the table `targets.csv`; `value` is None for milestones and indefinite numbers."""

    iri: str
    role: str
    value: Decimal | None
    comparator: str
    unit: str
    period: str
    baseline_period: str
    direction: str
    words: str
    span: Span


@dataclass(frozen=True)
class Kpi:
    """A KPI: `kind` is progress or effect (empty if the column is unknown), `status` is set, unset or none."""

    iri: str
    kind: str
    text: str
    group: str
    status: str
    set_by: str
    targets: tuple[Target, ...]
    cell_iri: str
    span: Span


@dataclass(frozen=True)
class Organization:
    """An organization, or if `group` a collective without a single body; `code` is None if no list has it."""

    iri: str
    key: str
    name: str
    group: bool
    code: Code | None


@dataclass(frozen=True)
class Programme:
    """A budget programme; grants and former names are as printed with it."""

    iri: str
    name: str
    grant: str
    former: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A reference of a measure: the address as printed and as repaired, and the title (or an empty string)."""

    iri: str
    url: str
    printed: str
    title: str


@dataclass(frozen=True)
class Law:
    """A law cited with its number."""

    iri: str
    number: str
    title: str
    code: Code | None


@dataclass(frozen=True)
class Named:
    """A thing that a text names and a code list has: `kind` is entity, organization or place."""

    iri: str
    kind: str
    code: Code


@dataclass(frozen=True)
class Mention:
    """A mention of a shared thing in a cell, and the property of the measure that follows.

    `start` and `end` are offsets in the printed cell; `exact` are the characters there; `body` is the thing.
    """

    iri: str
    cell_iri: str
    start: int
    end: int
    exact: str
    body: str
    property: str


@dataclass(frozen=True)
class Measure:
    """One row of the table; strings and tuples are empty if nothing is printed."""

    iri: str
    key: str
    edition: str
    row: str
    number: str
    title: str
    title_en: str
    pillar: Code | None
    listed_from: str
    listing_status: str
    effects: tuple[str, ...]
    uncertain_marks: tuple[str, ...]
    lead: tuple[Organization, ...]
    participating: tuple[Organization, ...]
    groups: tuple[Organization, ...]
    programmes: tuple[Programme, ...]
    budget_notes: tuple[str, ...]
    documents: tuple[Document, ...]
    laws: tuple[Law, ...]
    named: tuple[Named, ...]
    overview: str
    support: str
    kpis: tuple[Kpi, ...]
    mentions: tuple[Mention, ...]
    page: int
    line: int
    source_row: str

    @property
    def effects_uncertain(self) -> bool:
        """True if a mark is printed whose column is unknown."""
        return bool(self.uncertain_marks)


@dataclass(frozen=True)
class SourceCell:
    """A printed cell, the column it was read as (empty if none), and the corrections applied to it."""

    iri: str
    cell: Cell
    column: str
    corrections: tuple[Correction, ...]


@dataclass(frozen=True)
class SourceRow:
    """A line of the document: `kind` is row, header, title or other."""

    iri: str
    kind: str
    page: int
    line: int
    cells: tuple[SourceCell, ...]


@dataclass(frozen=True)
class Issue:
    """A doubtful reading that is reported instead of guessed, with its place."""

    type: str
    severity: str
    message_ja: str
    message_en: str
    edition: str
    row: str
    number: str
    page: int
    line: int
    position: int
    words: str


@dataclass(frozen=True)
class EditionRecords:
    """The records of one source document."""

    source: Source
    iri: str
    measures: tuple[Measure, ...]
    rows: tuple[SourceRow, ...]
    issues: tuple[Issue, ...]
    corrections: tuple[Correction, ...]


@dataclass(frozen=True)
class OrganizationChange:
    """A change of organizations: those before and after it, and its date, the first day of the latter."""

    iri: str
    change: Change
    original: tuple[Organization, ...]
    resulting: tuple[Organization, ...]


@dataclass(frozen=True)
class Link:
    """A link of one of our things to another data set.

    `status` is published, unchecked (a candidate) or rejected; only published links are stated. `sources` are the rows
    of the recipe that it is based on: table, key and line.
    """

    iri: str
    subject: str
    object: str
    status: str
    metadata: MappingMetadata
    sources: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class References:
    """Shared things other than those of the tables: places, organizations with their changes, laws, and links.

    `acts` are the laws that pillars are based on, whether a table cites them or not.
    """

    places: tuple[Named, ...] = ()
    bodies: tuple[Organization, ...] = ()
    changes: tuple[OrganizationChange, ...] = ()
    acts: tuple[Law, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Records:
    """The editions of a release, in the order of their keys, and the shared things.

    `revisions` are pairs of measures that continue each other, `local` the measures of local `plans`.
    """

    editions: tuple[EditionRecords, ...]
    references: References = References()
    revisions: tuple[Revision, ...] = ()
    local: tuple[LocalMeasure, ...] = ()
    plans: tuple[LocalPlan, ...] = ()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All measures of all editions."""
        return tuple(measure for edition in self.editions for measure in edition.measures)

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """All distinct organizations and collectives: those of the columns, then the others."""
        bodies = [body for m in self.measures for body in m.lead + m.participating + m.groups]
        return tuple(dict.fromkeys([*bodies, *self.references.bodies]))

    @property
    def laws(self) -> tuple[Law, ...]:
        """All distinct laws of the graph."""
        return tuple(dict.fromkeys([*self.references.acts, *(law for m in self.measures for law in m.laws)]))

    @property
    def issues(self) -> tuple[Issue, ...]:
        """All issues of all editions."""
        return tuple(issue for edition in self.editions for issue in edition.issues)
