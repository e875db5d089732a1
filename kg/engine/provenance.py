"""Provenance of a statement of the graph, down to the characters on the page (`kg explain`).

The model has four kinds of provenance, which are read from the graph itself: (1) a cell states the column it was read
as; (2) an entity minted from one span is derived from its cell; (3) a mention links a cell to a shared entity; (4) a
statement without a cell is derived from a row of the recipe. Statements that follow from the model alone (a type, a
calendar) have the kind `rule`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, Quad, Store

from kg.core import iris
from kg.core.errors import Problem, QueryError

Value = NamedNode | Literal

_PREFIXES = {**iris.PREFIXES, "id": iris.ID}
_SHISAKU, _PROV, _OA, _DCTERMS, _RDF = (_PREFIXES[name] for name in ("shisaku", "prov", "oa", "dcterms", "rdf"))
# The column of the table that a property of a measure was read from.
_COLUMNS = {
    _DCTERMS + "title": "title",
    _SHISAKU + "measureNumber": "number",
    _SHISAKU + "planMeasure": "number",
    _SHISAKU + "rowNumber": "no",
    _SHISAKU + "pillar": "pillar",
    _SHISAKU + "listedFrom": "listing",
    _SHISAKU + "listingStatus": "listing",
    _SHISAKU + "expectedEffect": "effects",
    _SHISAKU + "uncertainEffect": "effects",
    _SHISAKU + "overview": "overview",
    _SHISAKU + "municipalSupport": "support",
    _SHISAKU + "budgetNote": "budget",
}
# A measure that continues one of the previous edition: the revision record of the pair has the source.
_CONTINUES = (_PROV + "wasRevisionOf", _DCTERMS + "replaces")
_TIME, _LABEL = _PREFIXES["time"], _PREFIXES["rdfs"] + "label"
_CALENDAR = "Public Finance Act, Article 11; the Gregorian calendar"


@dataclass(frozen=True)
class SourcePosition:
    """Span of a cell in the document: its position and its printed text."""

    cell: str
    page: int
    line: int
    position: int
    start: int
    end: int
    printed: str
    exact: str


@dataclass(frozen=True)
class Reason:
    """Source of a statement. `kind` is printed, mentioned, curated, place or rule; empty if there is none."""

    kind: str
    places: tuple[SourcePosition, ...] = ()
    files: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """A statement with its source."""

    subject: str
    predicate: str
    value: Value
    reason: Reason


class ProvenanceExplainer:
    """Finds the sources of the statements of a release in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def explain(self, subject: str, predicate: str = "", value: str = "") -> list[Explanation]:
        """Return the explanation of every matching statement; raise QueryError if there is none."""
        wanted = NamedNode(_full(predicate)) if predicate else None
        found = [
            Explanation(_value(quad.subject), quad.predicate.value, quad.object, self.reason(quad))
            for quad in self._store.quads_for_pattern(NamedNode(_full(subject)), wanted, None, None)
            if isinstance(quad.object, NamedNode | Literal)
            and (not value or quad.object.value in (value, _full(value)))
        ]
        if not found:
            statement = " ".join(part for part in (subject, predicate, value) if part)
            fact = f"the release does not state {statement}"
            raise QueryError(Problem(fact, "look up the IRI with `kg query`, or leave out predicate and value"))
        return sorted(found, key=lambda e: (e.predicate, str(e.value)))

    def reason(self, quad: Quad) -> Reason:
        """Return the source of one statement; its kind is empty if the model has no source for it."""
        subject = _value(quad.subject)
        if rows := self._link_rows(quad):
            return Reason("curated", files=rows)
        kinds = self._type_names(subject)
        if kinds & {"Measure"}:
            return self._measure_reason(quad)
        if kinds & {"SourceCell", "SourceRow"}:
            cells = [subject] if "SourceCell" in kinds else self._objects(subject, _SHISAKU + "cell")
            return self._reason("place", (self._position_of(cell) for cell in cells), cells)
        if "/mention/" in subject:
            cell = subject.split("/mention/")[0]
            return self._reason("mentioned", [self._position_of(cell)], [cell])
        if "Issue" in kinds:
            cells = self._objects(subject, _DCTERMS + "isPartOf")
            return self._reason("place", map(self._position_of, cells), cells)
        if kinds & {"ProperInterval", "Instant"}:
            return self._source_reason(subject) or self._calendar_reason(quad)
        return self._source_reason(subject) or self._shared_reason(subject, kinds)

    def _measure_reason(self, quad: Quad) -> Reason:
        subject, predicate, value = _value(quad.subject), quad.predicate.value, quad.object
        rows = self._objects(subject, _PROV + "wasDerivedFrom")
        cells = [cell for row in rows for cell in self._objects(row, _SHISAKU + "cell")]
        translations = self._objects(subject, _SHISAKU + "titleTranslation")
        english = isinstance(value, Literal) and value.language == "en"
        if predicate == _SHISAKU + "titleTranslation" or (english and translations):
            return self._source_reason(translations[0]) or Reason("")
        if predicate in _CONTINUES:
            records = self._subjects(_RDF + "object", _value(value))
            own = [record for record in records if subject in self._objects(record, _RDF + "subject")]
            return (self._source_reason(own[0]) if own else None) or Reason("")
        if predicate in _COLUMNS:
            column = iris.shared("column", _COLUMNS[predicate])
            found = [cell for cell in cells if column in self._objects(cell, _SHISAKU + "columnReadAs")]
            return self._reason("printed", map(self._position_of, found), found)
        mentions = list(self._mentions_of(subject, predicate, _value(value)))
        if mentions:
            return self._mention_reason(mentions)
        if predicate == _SHISAKU + "kpi":
            return self._source_reason(_value(value)) or Reason("")
        # Other statements, such as the edition, come from the row itself: its first cell represents it.
        first = [cell for cell in cells if cell.endswith("/cell/1")]
        return self._reason("rule", map(self._position_of, first), first)

    def _link_rows(self, quad: Quad) -> tuple[str, ...]:
        """Return the recipe rows behind a link to another dataset: of the link or its rule, and of the identifier."""
        if not isinstance(quad.object, NamedNode):
            return ()
        for link in self._subjects(_RDF + "object", quad.object.value):
            stated = self._objects(link, _RDF + "subject") + self._objects(link, _RDF + "predicate")
            if stated == [_value(quad.subject), quad.predicate.value] and "Link" in self._type_names(link):
                return tuple(sorted(self._file(row) for row in self._objects(link, _PROV + "wasDerivedFrom")))
        return ()

    def _source_reason(self, subject: str) -> Reason | None:
        """Follow prov:wasDerivedFrom to a cell, with the entity's own offsets, or to a row of the recipe."""
        for source in self._objects(subject, _PROV + "wasDerivedFrom"):
            kinds = self._type_names(source)
            if "SourceCell" in kinds:
                return self._reason("printed", [self._position_of(source, self._span(subject))], [source])
            if "RecipeRow" in kinds:
                return Reason("curated", files=(self._file(source),))
        if "RecipeRow" in self._type_names(subject):
            return Reason("curated", files=(self._file(subject),))
        return None

    def _calendar_reason(self, quad: Quad) -> Reason:
        """Return the source of a day or period: the calendar, or the recipe row of its era."""
        subject, value = _value(quad.subject), _value(quad.object)
        bounded = [thing for bound in ("hasBeginning", "hasEnd") for thing in self._subjects(_TIME + bound, subject)]
        for thing in (*bounded, value) if isinstance(quad.object, NamedNode) else bounded:
            if era := self._source_reason(thing):
                return era
        near = self._store.quads_for_pattern(quad.subject, None, None, None)
        things = [_value(other.object) for other in near if isinstance(other.object, NamedNode)]
        named = [thing for thing in things if any(name in value for name in self._objects(thing, _LABEL))]
        files = {file for thing in named if (era := self._source_reason(thing)) for file in era.files}
        return Reason("rule", files=(_CALENDAR, *sorted(files)))

    def _shared_reason(self, subject: str, kinds: set[str]) -> Reason:
        """Return the source of a shared entity: its mentions, or the measures that refer to it."""
        mentions = self._subjects(_OA + "hasBody", subject)
        if mentions:
            return self._mention_reason(mentions)
        for predicate in ("unit", "planMeasure", "plan"):
            users = self._subjects(_SHISAKU + predicate, subject)
            if users:
                first = self._source_reason(users[0])
                cells = [cell for user in users for cell in self._number_cells(user)]
                return first if first and not cells else self._reason("printed", map(self._position_of, cells), cells)
        return Reason("rule") if kinds & {"ConceptScheme"} else Reason("")

    def _number_cells(self, measure: str) -> list[str]:
        quads = self._store.quads_for_pattern(NamedNode(measure), NamedNode(_SHISAKU + "measureNumber"), None, None)
        places = [
            place for quad in quads for place in self.reason(quad).places if "Measure" in self._type_names(measure)
        ]
        return [place.cell for place in places]

    def _mention_reason(self, mentions: Iterable[str]) -> Reason:
        places, cells = [], []
        for mention in mentions:
            cell = mention.split("/mention/")[0]
            start, end = (int(self._objects(f"{mention}/position", _OA + part)[0]) for part in ("start", "end"))
            whole = self._position_of(cell)
            places.append(self._position_of(cell, (whole.start + start, whole.start + end)))
            cells.append(cell)
        return self._reason("mentioned", places, cells)

    def _mentions_of(self, measure: str, predicate: str, body: str) -> Iterator[str]:
        for mention in self._subjects(_SHISAKU + "inMeasure", measure):
            if predicate in self._objects(mention, _SHISAKU + "asProperty") and body in self._objects(
                mention, _OA + "hasBody"
            ):
                yield mention

    def _reason(self, kind: str, places: Iterable[SourcePosition], cells: Iterable[str]) -> Reason:
        applied = {entry for cell in cells for entry in self._objects(cell, _SHISAKU + "correction")}
        found = tuple(sorted(places, key=lambda place: (place.line, place.position, place.start)))
        return Reason(kind if found else "", found, corrections=tuple(sorted(applied)))

    def _position_of(self, cell: str, span: tuple[int, int] | None = None) -> SourcePosition:
        row = self._objects(cell, _DCTERMS + "isPartOf")[0]
        printed = self._objects(cell, _SHISAKU + "printedText")[0]
        position = int(self._objects(cell, _SHISAKU + "position")[0])
        line, page = (int(self._objects(row, _SHISAKU + part)[0]) for part in ("line", "page"))
        first, last = (int(self._objects(cell, _SHISAKU + part)[0]) for part in ("start", "end"))
        start, end = span or (first, last)
        return SourcePosition(cell, page, line, position, start, end, printed, printed[start - first : end - first])

    def _span(self, subject: str) -> tuple[int, int] | None:
        start, end = (self._objects(subject, _SHISAKU + part) for part in ("start", "end"))
        return (int(start[0]), int(end[0])) if start and end else None

    def _file(self, row: str) -> str:
        line = self._objects(row, _SHISAKU + "fileLine")
        return ":".join([*self._objects(row, _SHISAKU + "file"), *line])

    def _objects(self, subject: str, predicate: str) -> list[str]:
        quads = self._store.quads_for_pattern(NamedNode(subject), NamedNode(predicate), None, None)
        return [_value(quad.object) for quad in quads]

    def _subjects(self, predicate: str, value: str) -> list[str]:
        quads = self._store.quads_for_pattern(None, NamedNode(predicate), NamedNode(value), None)
        return [_value(quad.subject) for quad in quads]

    def _types(self, subject: str) -> list[str]:
        return self._objects(subject, _RDF + "type")

    def _type_names(self, subject: str) -> set[str]:
        """Return the local names of the types of a subject."""
        return {kind.rsplit("#", 1)[-1] for kind in self._types(subject)}


def _value(term: object) -> str:
    """Return the text of a term; a release has neither blank nodes nor triple terms."""
    assert isinstance(term, NamedNode | Literal)
    return term.value


def as_text(explanations: Iterable[Explanation]) -> str:
    """Format explanations as text: the statement, then each span or file it comes from."""
    lines = []
    for explanation in explanations:
        value = str(explanation.value) if isinstance(explanation.value, Literal) else _short(explanation.value.value)
        lines.append(f"{_short(explanation.predicate)} {value}")
        for place in explanation.reason.places:
            where = (
                f"page {place.page}, line {place.line}, cell {place.position}, characters {place.start} to {place.end}"
            )
            lines.append(f"  {explanation.reason.kind}: {where}\n    {' '.join(place.exact.split()) or '(empty)'}")
        lines.extend(f"  {explanation.reason.kind}: {file}" for file in explanation.reason.files)
        lines.extend(
            f"  read with {_short(entry)}: kg explain {_short(entry)}" for entry in explanation.reason.corrections
        )
        if not explanation.reason.places and not explanation.reason.files:
            lines.append(f"  {explanation.reason.kind}: follows from the form of the model")
    return "\n".join(lines) + "\n"


def _short(iri: str) -> str:
    """Return the prefixed name of an IRI, or the IRI in angle brackets."""
    name = iris.to_curie(iri, _PREFIXES)
    return name if name != iri else f"<{iri}>"


def _full(name: str) -> str:
    """Return the IRI of a prefixed name such as shisaku:pillar or id:organization/mic; an IRI stays as it is."""
    prefix, colon, local = name.strip("<>").partition(":")
    return _PREFIXES[prefix] + local if colon and prefix in _PREFIXES else name.strip("<>")
