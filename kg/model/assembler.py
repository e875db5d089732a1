"""Assembler of records: from the cells of a document to measures, source rows and issues.

Each document is read independently, so that several processes can share the work. Problems are collected; nothing is
dropped. A doubtful reading is not guessed: it becomes an issue with its place and a message in both languages.
"""

import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kg.core import iris as names
from kg.core.errors import Problem, SourceError
from kg.extract.cell_classifier import Note, national_number, row_number
from kg.extract.columns import NOTHING, Columns, read_columns
from kg.extract.line_classifier import Headings, Kind, Line, effect_order, lines_of, rows_of
from kg.model.edition_matcher import revisions_of
from kg.model.measure_reader import MeasureReader, local_measures
from kg.model.records import EditionRecords, Issue, Measure, MeasureFeatures, Records, References, SourceCell, SourceRow
from kg.model.reference_data import document_links
from kg.recipe import Recipe
from kg.recipe.corrections import CorrectedCell, correct
from kg.recipe.sources import Source


def note_missing_fields(row: Columns, line: Line, measure: Measure) -> None:
    """Report the fields that a measure lacks."""
    missing = {
        "title-missing": not measure.title,
        "number-missing": not measure.number,
        "pillar-missing": measure.pillar is None,
        "listing-missing": not (measure.listed_from or measure.listing_status),
        "organizations-missing": not (measure.lead or measure.participating or measure.groups),
        "lead-missing": bool(measure.participating or measure.groups) and not measure.lead,
    }
    row.notes.extend(Note(key, line.cells[0]) for key, lacks in missing.items() if lacks)


def issues_of(
    lines: Sequence[Line],
    noted: Sequence[tuple[Note, Measure]],
    measures: Sequence[Measure],
    continued: set[int],
    source_rows: Sequence[SourceRow],
    recipe: Recipe,
) -> tuple[Issue, ...]:
    """Return every issue of a document in order: of rows, of other lines, and of doubtful readings.

    `continued` are the lines that continue the row of a preceding line.
    """
    by_line = {measure.line: measure for measure in measures}
    issues = [_make_issue(note, measure, recipe) for note, measure in noted]
    issues += [_make_issue(note, None, recipe) for note in _line_notes(lines, continued)]
    for row in source_rows:
        for cell in row.cells:
            for entry in cell.corrections:
                if entry.action == "flag":
                    note = Note("text-doubtful", cell.cell, entry.printed)
                    issues.append(_make_issue(note, by_line.get(cell.cell.line), recipe))
    return tuple(sorted(dict.fromkeys(issues), key=lambda i: (i.line, i.position, i.type, i.words)))


def _line_notes(lines: Sequence[Line], continued: set[int]) -> list[Note]:
    """Return the notes on lines: an unrecognized line, a page without header, a document without any."""
    notes = []
    for index, line in enumerate(lines):
        if line.kind is Kind.OTHER and line.number not in continued:
            notes.append(Note("line-unread", line.cells[0], line.cells[0].printed))
        following = lines[index + 1] if index + 1 < len(lines) else None
        if line.kind is Kind.TITLE and following is not None and following.kind is Kind.ROW:
            notes.append(Note("page-without-header", line.cells[0]))
    first = next((line for line in lines if line.kind is Kind.ROW), None)
    if first is not None and first.page == 0:
        notes.append(Note("page-without-header", first.cells[0]))
    return notes


def _make_issue(note: Note, measure: Measure | None, recipe: Recipe) -> Issue:
    described = recipe.issue_types[note.key]
    return Issue(
        type=note.key,
        severity=described["severity"],
        message_ja=described["message_ja"],
        message_en=described["message_en"],
        edition=note.cell.edition,
        row=measure.row if measure else "",
        number=measure.number if measure else "",
        page=note.cell.page,
        line=note.cell.line,
        position=note.cell.position,
        words=" ".join(note.words.split()),
    )


_COMMAS_IN_TEXT = 5  # commas that are plausible in a text


@dataclass(frozen=True)
class PrintedDocument:
    """A source document as lines of cells."""

    source: Source
    lines: tuple[Line, ...]


@dataclass
class _MeasureRow:
    """A row before it becomes a measure: its lines, its columns, and the keys of its IRIs."""

    lines: tuple[Line, ...]
    columns: Columns
    row_key: str = ""
    key: str = ""

    @property
    def line(self) -> Line:
        """The line on which the row begins."""
        return self.lines[0]


def read_document(source: Source, recipe: Recipe) -> Records:
    """Return the records of one document, and the links of the documents it refers to.

    Raises SourceError if the document is not the received one, or has no measure, RecipeError if a correction does not
    fit.
    """
    reader = MeasureReader.of(recipe, _document_date(source))
    printed = _parse_lines(source, recipe, reader)
    corrections = [entry for entry in recipe.corrections if entry.edition == source.key]
    cells: dict[int, list[CorrectedCell]] = {}
    for cell in correct((cell for line in printed.lines for cell in line.cells), corrections):
        cells.setdefault(cell.cell.line, []).append(cell)
    edition = _edition(printed, cells, recipe, reader)
    return Records((edition,), References(links=tuple(document_links(edition, recipe))))


def _document_date(source: Source) -> datetime.date | None:
    """Return the day of a document by its description: of its revision, or of the plan behind it."""
    days = (source.described.get(name) for name in ("archive_date", "plan_decided"))
    return max((day for day in days if isinstance(day, datetime.date)), default=None)


def check_corrections(recipe: Recipe) -> None:
    """Raise RecipeError for every correction of an edition that does not exist."""
    keys = {source.key for source in recipe.sources}
    correct((), [entry for entry in recipe.corrections if entry.edition not in keys])


def _parse_lines(source: Source, recipe: Recipe, reader: MeasureReader) -> PrintedDocument:
    """Return the document's lines with their cells, as printed."""
    headings = Headings(recipe.codes["columns"], recipe.codes["effects"])
    return PrintedDocument(source, tuple(lines_of(source.key, source.document(), headings, reader.anchors)))


def read_revisions_and_plans(recipe: Recipe, features: Callable[[str], Sequence[MeasureFeatures]]) -> Iterator[Records]:
    """Yield the revisions of each edition that has some, then the measures of each local plan.

    `features` returns those of an edition's measures by its key. Raises RecipeError for a row about an unknown measure.
    """
    revisions = revisions_of(recipe, features)
    by_edition = (tuple(one for one in revisions if one.edition == source.key) for source in recipe.sources)
    yield from (Records((), revisions=of_edition) for of_edition in by_edition if of_edition)
    yield from local_measures(recipe.plans, features)


def _edition(
    printed: PrintedDocument, cells: dict[int, list[CorrectedCell]], recipe: Recipe, reader: MeasureReader
) -> EditionRecords:
    edition = printed.source.key
    headers: dict[int, list[Line]] = {}
    for line in printed.lines:
        headers.setdefault(line.page, []).extend([line] if line.kind is Kind.HEADER else [])
    orders = {page: effect_order(lines, recipe.codes["effects"]) for page, lines in headers.items()}
    rows = []
    for lines in rows_of(printed.lines, reader.anchors):
        parts = [cell for line in lines for cell in cells[line.number]]
        rows.append(_MeasureRow(lines, read_columns(parts, reader.anchors, orders[lines[0].page])))
    if not rows:
        raise SourceError(_no_measures_problem(printed.source))
    _assign_keys(rows)
    source_rows = _source_rows(printed, cells, rows)
    iris = {(row.line, cell.cell.position): cell.iri for row in source_rows for cell in row.cells}
    measures = tuple(reader.read(row.columns, edition, row.key, row.line, iris) for row in rows)
    for row, measure in zip(rows, measures, strict=True):
        note_missing_fields(row.columns, row.line, measure)
    notes = [(note, measure) for row, measure in zip(rows, measures, strict=True) for note in row.columns.notes]
    continued = {line.number for row in rows for line in row.lines[1:]}
    issues = issues_of(printed.lines, notes, measures, continued, source_rows, recipe)
    corrections = tuple(entry for entry in recipe.corrections if entry.edition == edition)
    return EditionRecords(printed.source, names.edition(edition), measures, source_rows, issues, corrections)


def _no_measures_problem(source: Source) -> Problem:
    remedy = "give the text of the table, one row in a line, with tabs between the cells, and its new sha256"
    lines = source.document().splitlines()
    separated = next(
        (number for number, line in enumerate(lines, 1) if line.count(",") > _COMMAS_IN_TEXT and "\t" not in line), None
    )
    if separated and not any("\t" in line for line in lines):
        return Problem("the cells are separated by commas, not by tabs", remedy, source.file, separated)
    return Problem("no row of the table is found in it", remedy, source.file)


def _assign_keys(rows: Sequence[_MeasureRow]) -> None:
    """Assign to each row its running number and to each measure its national number, if these are unique."""
    numbers = [national_number(row.columns.plain("number").chars) for row in rows]
    running = [row_number(row.columns.plain("no").chars) or "" for row in rows]
    how_often, how_often_running = Counter(numbers), Counter(running)
    for row, number, no in zip(rows, numbers, running, strict=True):
        unique = bool(no) and how_often_running[no] == 1
        row.row_key = no if unique else f"line-{row.line.number}"
        row.key = number if number and how_often[number] == 1 else f"row-{no}" if unique else f"line-{row.line.number}"
        first = row.line.cells[0]
        if number and how_often[number] > 1:
            row.columns.notes.append(Note("number-duplicate", row.columns.cells["number"][0].cell, number))
        if no and not unique:
            row.columns.notes.append(Note("row-no-duplicate", first, no))
        if not no:
            row.columns.notes.append(Note("row-without-no", first))


def _source_rows(
    printed: PrintedDocument, cells: dict[int, list[CorrectedCell]], rows: Sequence[_MeasureRow]
) -> tuple[SourceRow, ...]:
    """Return every line that is not blank, with its cells and the column that each was read as."""
    edition = printed.source.key
    columns: dict[tuple[int, int], str] = {}
    keys: dict[int, str] = {}
    for row in rows:
        keys[row.line.number] = row.row_key
        known = {column: found for column, found in row.columns.cells.items() if column != NOTHING}
        read = [(column, cell) for column, found in known.items() for cell in found]
        read += [("effects", cell) for _, cell in row.columns.effects]
        read += [("effects", cell) for cell in row.columns.uncertain]
        columns.update({(cell.cell.line, cell.cell.position): column for column, cell in read})
    result = []
    for line in printed.lines:
        iri = names.source_row(edition, keys.get(line.number, f"line-{line.number}"))
        kept = tuple(
            SourceCell(
                names.source_cell(iri, cell.cell.position),
                cell.cell,
                columns.get((line.number, cell.cell.position), ""),
                cell.corrections,
            )
            for cell in cells[line.number]
        )
        result.append(SourceRow(iri, line.kind.value, line.page, line.number, kept))
    return tuple(result)
