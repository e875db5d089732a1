"""Reader of measures: every field of a row, with a note for everything that is not settled.

Words in a cell that name a shared thing become mentions, with the property of the measure that follows from them. The
module also reads the measures of local plans, which cite listed measures by number, title or IRI; a citation that
matches no measure of the edition is empty, and the validation reports it.
"""

import datetime
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kg.core import iris
from kg.core.spans import EMPTY, Cell, Text, plain, visible
from kg.extract.cell_classifier import Anchors, Note, national_number, row_number
from kg.extract.columns import Columns
from kg.extract.entity_finder import Finder, citations_of, organizations_of, unread_organizations
from kg.extract.kpis import Kpi as KpiRead
from kg.extract.kpis import read_kpis
from kg.extract.line_classifier import Line
from kg.extract.markup import Block, prose_of
from kg.extract.numerals import Counters
from kg.extract.periods import Calendar, Listing, find_relative_period, parse_listing_time
from kg.extract.references import Reference, budget_of, references_of, unread_address, unread_references
from kg.extract.target_clauses import Lexicon
from kg.model.records import (
    Document,
    Kpi,
    Law,
    LocalMeasure,
    Measure,
    MeasureFeatures,
    Mention,
    Named,
    Organization,
    Programme,
    Records,
    Target,
)
from kg.recipe import Recipe
from kg.recipe.code_lists import NAME_LISTS, Code
from kg.recipe.local_plans import CITES, NUMBER, TITLE, LocalPlan, PlanRow

CellIris = Mapping[tuple[int, int], str]  # by line and position


@dataclass(frozen=True)
class NamedThing:
    """Words that name a shared thing, and the property of the measure that follows from them."""

    property: str
    body: str
    words: Text


def cell_at(row: Columns, offset: int) -> Cell:
    """Return the cell that contains a character of the document."""
    return next(c.cell for found in row.cells.values() for c in found if c.cell.start <= offset < c.cell.end)


def mentions_of(row: Columns, named_things: Sequence[NamedThing], cells: CellIris) -> tuple[Mention, ...]:
    """Return the mentions of a row, numbered within each cell by place, with their offsets in the cell."""
    counts: dict[str, int] = {}
    mentions = []
    for naming in sorted(named_things, key=lambda n: (n.words.span.start, n.words.span.end, n.property)):
        span = naming.words.span
        cell = cell_at(row, span.start)
        iri = cells[cell.line, cell.position]
        counts[iri] = counts.get(iri, 0) + 1
        start, end = span.start - cell.start, min(span.end, cell.end) - cell.start
        exact = cell.printed[start:end]
        mentions.append(Mention(iris.mention(iri, counts[iri]), iri, start, end, exact, naming.body, naming.property))
    return tuple(mentions)


KPI_COLUMNS = {"kpi-progress": "progress", "kpi-effect": "effect"}
PROSE = ("overview", "support")


# Columns whose texts name things; for each list of things, the kind of thing and the property of the measure.
TEXTS = ("title", "kpi-progress", "kpi-effect", "overview", "support", "budget", "references")
THINGS = {
    "entities": ("entity", "mentionsEntity"),
    "bodies": ("organization", "mentionsOrganization"),
    "places": ("place", "mentionsPlace"),
}
_EDGES = " 、,;/・→⇒⇨➡"
ROLES = {"lead": "leadOrganization", "participating": "participatingOrganization", "groups": "organizationGroup"}


@dataclass
class MeasureReader:
    """Reader of rows with the code lists of a recipe."""

    recipe: Recipe
    anchors: Anchors
    lexicon: Lexicon
    finder: Finder
    written: datetime.date | None = None  # the day of the document whose rows are read

    @classmethod
    def of(cls, recipe: Recipe, written: datetime.date | None = None) -> "MeasureReader":
        """Return a reader with the code lists of a recipe, for a document of a day."""
        calendar = Calendar(recipe.eras)
        anchors = Anchors(recipe.codes["pillars"], recipe.codes["organizations"], calendar)
        forms = {form: (name, code) for name in NAME_LISTS for form, code in recipe.codes[name].forms().items()}
        return cls(recipe, anchors, Lexicon(Counters(recipe.codes["units"]), calendar), Finder(forms), written)

    def read(self, row: Columns, edition: str, key: str, line: Line, cells: CellIris) -> Measure:
        """Return the measure of one row; add notes to `row` for everything that is not settled."""
        iri = iris.measure(edition, key)
        named_things: list[NamedThing] = []
        title = " ".join(block.text.spaced().chars for block in self._blocks(row, "title"))
        translation = self.recipe.translations.get(plain(title))
        listing = self._listing(row)
        programmes, notes = self._budget(row, named_things)
        lead, participating, groups = self._organizations(row, named_things)
        documents, laws = self._documents(row, named_things), self._laws(row, named_things)
        return Measure(
            iri=iri,
            key=key,
            edition=edition,
            row=row_number(row.plain("no").chars) or "",
            number=national_number(row.plain("number").chars),
            title=title,
            title_en=translation["text_en"] if translation else "",
            pillar=self._pillar(row),
            listed_from=listing.period,
            listing_status=listing.status,
            effects=tuple(key for key, _ in row.effects),
            uncertain_marks=tuple(cells[mark.cell.line, mark.cell.position] for mark in row.uncertain),
            lead=lead,
            participating=participating,
            groups=groups,
            programmes=programmes,
            budget_notes=notes,
            documents=documents,
            laws=laws,
            named=self._named(row, named_things),
            overview=prose_of(self._blocks(row, "overview")),
            support=prose_of(self._blocks(row, "support")),
            kpis=self._kpis(row, iri, cells),
            mentions=mentions_of(row, named_things, cells),
            page=line.page,
            line=line.number,
            source_row=cells[line.number, 1].rsplit("/cell/", 1)[0],
        )

    def _blocks(self, row: Columns, column: str) -> list[Block]:
        blocks, broken = row.markup(column)
        if broken and not any(note.key == "markup-broken" and note.cell == _cell(row, column) for note in row.notes):
            self._note(row, "markup-broken", column)
        return [] if column in PROSE and [block.text.chars.strip() for block in blocks] == ["-"] else blocks

    def _note(self, row: Columns, key: str, column: str, words: str = "") -> None:
        row.notes.append(Note(key, _cell(row, column), words))

    def _pillar(self, row: Columns) -> Code | None:
        match = self.anchors.pillar(row.plain("pillar").chars.strip())
        return match[0] if match else None

    def _listing(self, row: Columns) -> Listing:
        if "listing" not in row.cells:
            return Listing("", "")
        listing = parse_listing_time(row.plain("listing"), self.lexicon.calendar)
        if listing.unread:
            self._note(row, "cell-part-unread", "listing", row.plain("listing").chars)
        return listing

    def _budget(self, row: Columns, named_things: list[NamedThing]) -> tuple[tuple[Programme, ...], tuple[str, ...]]:
        budget = budget_of(row.text("budget"))
        programmes = tuple(
            Programme(iris.shared("budget", iris.slug(read.name.chars)), read.name.chars, read.grant, read.former)
            for read in budget.programmes
        )
        for read, programme in zip(budget.programmes, programmes, strict=True):
            named_things.append(NamedThing("budgetProgramme", programme.iri, read.name))
        return programmes, tuple(note.chars for note in budget.notes)

    def _organizations(self, row: Columns, named_things: list[NamedThing]) -> tuple[tuple[Organization, ...], ...]:
        """Return (lead, participating, groups); only a body marked ◎ is a lead."""
        by_role: dict[str, list[Organization]] = {"lead": [], "participating": [], "groups": []}
        for named in organizations_of(row.plain("organizations"), self.recipe.codes["organizations"]):
            key = named.code.key if named.code else iris.slug(named.name)
            kind = "organization-group" if named.group else "organization"
            role = "groups" if named.group else "lead" if named.lead else "participating"
            body = Organization(iris.shared(kind, key), key, named.name, named.group, named.code)
            by_role[role].append(body)
            named_things.append(NamedThing(ROLES[role], body.iri, named.printed))
            if not named.code and not named.group:
                self._note(row, "organization-unknown", "organizations", named.name)
        for unread in unread_organizations(row.plain("organizations"), self.recipe.codes["organizations"]):
            self._note(row, "cell-part-unread", "organizations", unread)
        return tuple(by_role["lead"]), tuple(by_role["participating"]), tuple(by_role["groups"])

    def _documents(self, row: Columns, named_things: list[NamedThing]) -> tuple[Document, ...]:
        """Return the references of all cells that can have some, in printed order."""
        documents: list[Document] = []
        for words in unread_references(self._blocks(row, "references")):
            self._note(row, "cell-part-unread", "references", words)
        for column in ("support", "budget", "references"):
            if words := unread_address(self._blocks(row, column)):
                self._note(row, "url-broken", column, words)
            for reference in references_of(self._blocks(row, column)):
                self._report(row, column, reference)
                if reference.valid:
                    iri = iris.shared("document", iris.slug(reference.url))
                    title = reference.title.chars
                    documents.append(Document(iri, reference.url, _printed_words(row, reference.printed), title))
                    named_things.append(NamedThing("referenceDocument", iri, reference.printed))
        return tuple(documents)

    def _report(self, row: Columns, column: str, reference: Reference) -> None:
        words = reference.printed.chars.strip()
        if not reference.valid:
            self._note(row, "url-broken", column, words)
        elif reference.differs:
            self._note(row, "url-differs", column, words)
        elif reference.joined:
            self._note(row, "url-joined", column, words)

    def _laws(self, row: Columns, named_things: list[NamedThing]) -> tuple[Law, ...]:
        laws: list[Law] = []
        for column in ("title", "overview", "support", "references"):
            text = sum((block.text for block in self._blocks(row, column)), EMPTY)
            for cited in citations_of(text, self.recipe.codes["laws"], self.recipe.eras):
                key = cited.code.key if cited.code else iris.slug(cited.number)
                law = Law(iris.shared("law", key), cited.number, cited.title, cited.code)
                named_things.append(NamedThing("citesLaw", law.iri, cited.text))
                if law not in laws:
                    laws.append(law)
                if not cited.code:
                    self._note(row, "law-unknown", column, cited.text.chars)
        return tuple(laws)

    def _named(self, row: Columns, named_things: list[NamedThing]) -> tuple[Named, ...]:
        """Return the distinct things that the texts name; every occurrence is a mention."""
        named: list[Named] = []
        for column in TEXTS:
            for block in self._blocks(row, column):
                for found in self.finder.names_in(block.text):
                    kind, property = THINGS[found.list]
                    thing = Named(iris.shared(kind, found.code.key), kind, found.code)
                    named.append(thing)
                    named_things.append(NamedThing(property, thing.iri, found.words))
        return tuple(dict.fromkeys(named))

    def _kpis(self, row: Columns, measure: str, cells: CellIris) -> tuple[Kpi, ...]:
        kpis: list[Kpi] = []
        for column, kind in KPI_COLUMNS.items():
            self._blocks(row, column)
            for position, read in enumerate(read_kpis(row.text(column), self.lexicon, self.written), 1):
                iri = iris.kpi(measure, kind, position)
                kpis.append(self._kpi(row, column, kind, iri, read, cells))
        return tuple(kpis)

    def _note_unread_numbers(self, row: Columns, column: str, read: KpiRead) -> None:
        """Note words with an unread number, unless a noted target contains them."""
        ambiguous = {
            read.normal[target.start : target.stop].strip(_EDGES).chars for target in read.targets if target.ambiguous
        }
        for words in read.unread:
            if not any(words.chars in reported for reported in ambiguous):
                self._note(row, "target-unread", column, words.chars)

    def _kpi(self, row: Columns, column: str, kind: str, iri: str, read: KpiRead, cells: CellIris) -> Kpi:
        if relative := find_relative_period(read.normal.chars):
            self._note(row, "period-relative", column, relative)
        self._note_unread_numbers(row, column, read)
        targets = []
        for position, target in enumerate(read.targets, 1):
            words = read.normal[target.start : target.stop].strip(_EDGES)
            if target.ambiguous:
                self._note(row, "target-unread", column, words.chars)
            if not target.unit_known:
                self._note(row, "unit-unknown", column, target.unit)
            targets.append(
                Target(
                    iri=iris.target(iri, position),
                    role=target.role,
                    value=target.value,
                    comparator=target.comparator,
                    unit=target.unit,
                    period=target.period,
                    baseline_period=target.baseline_period,
                    direction=target.direction,
                    words=_printed(read.text, words),
                    span=words.span,
                )
            )
        cell = cell_at(row, read.text.span.start)
        text = read.text.spaced().chars
        return Kpi(
            iri,
            kind,
            text,
            read.group,
            read.status,
            read.set_by,
            tuple(targets),
            cells[cell.line, cell.position],
            read.text.span,
        )


def _cell(row: Columns, column: str) -> Cell:
    return row.cells[column][0].cell


def _printed_words(row: Columns, text: Text) -> str:
    """Return words as printed in their cell, including invisible characters; as read if the cell is corrected."""
    cell = cell_at(row, text.span.start)
    printed = cell.printed[text.span.start - cell.start : text.span.end - cell.start].strip()
    words = text.chars.strip()
    return printed if visible(printed) == words else words


def _printed(text: Text, part: Text) -> str:
    """Return the words of a part of the NFKC form as printed, single-spaced."""
    span = part.span
    places = zip(text.chars, text.starts, text.ends, strict=True)
    return re.sub(r"\s+", " ", "".join(char for char, start, end in places if start >= span.start and end <= span.end))


_BETWEEN = re.compile(r"[、,，;；|｜\n]+")
_EDITIONS = 64  # editions whose measures are cached; some hundred words each
# Numbers that are used in an IRI unchanged; rows without such a number are named `line-N`.
_NUMBER = re.compile(r"(?!line-[0-9]+$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


def local_measures(
    plans: Sequence[LocalPlan], features: Callable[[str], Sequence[MeasureFeatures]]
) -> Iterator[Records]:
    """Yield the records of each plan, in the order of its table; `features` are by the key of an edition."""
    names_of = functools.lru_cache(_EDITIONS)(lambda key: _index_by_name(features(key)))
    for plan in plans:
        measures = tuple(_measure(plan, row, names_of(plan.edition)) for row in plan.rows)
        yield Records((), local=measures, plans=(plan,))


def _index_by_name(measures: Sequence[MeasureFeatures]) -> dict[str, str]:
    """Return the IRIs of listed measures by number, title and IRI, for names of only one measure."""
    named: list[tuple[str, str]] = []
    for measure in measures:
        words = {measure.number, plain(measure.title), measure.iri} - {""}
        named += [(word, measure.iri) for word in words]
    how_often = Counter(word for word, _ in named)
    return {word: iri for word, iri in named if how_often[word] == 1}


def _measure(plan: LocalPlan, row: PlanRow, iris_by_name: Mapping[str, str]) -> LocalMeasure:
    number = row[NUMBER]
    key = plain(number)
    cited = tuple(dict.fromkeys(_resolve_citations(row[CITES], iris_by_name)))
    return LocalMeasure(
        iri=iris.local_measure(plan.key, key if _NUMBER.fullmatch(key) else f"line-{row.line}"),
        plan=plan.key,
        number=number,
        title=row[TITLE],
        description=row["description"],
        department=row["department"],
        schedule=row["schedule"],
        cited_as=row[CITES],
        cites=tuple(iri for iri in cited if iri),
        unknown="" in cited,
        line=row.line,
    )


def _resolve_citations(words: str, iris_by_name: Mapping[str, str]) -> Iterator[str]:
    """Yield the measure of each word of a cell; empty for a word that names none."""
    whole = plain(words)
    if whole in iris_by_name:  # a title may contain a separator
        yield iris_by_name[whole]
        return
    for word in filter(None, map(plain, _BETWEEN.split(words))):
        yield iris_by_name.get(word) or iris_by_name.get(national_number(word), "")
