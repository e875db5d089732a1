"""From the cells of the documents to the records of the release. Collects problems; loses nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg import names
from kg.extract.anchors import national_number, running_number
from kg.extract.columns import KPI_UNKNOWN, NOTHING, Columns, read_columns
from kg.extract.lines import Headings, Kind, Line, effect_order, lines_of
from kg.extract.notes import Note
from kg.model.measures import MeasureReader
from kg.model.records import EditionRecords, Issue, Measure, Records, SourceCell, SourceRow
from kg.recipe import Recipe
from kg.recipe.corrections import Corrected
from kg.recipe.sources import Source


@dataclass(frozen=True)
class Printed:
    """A source document as lines of cells."""

    source: Source
    lines: tuple[Line, ...]


@dataclass
class _Row:
    """A row on its way to a measure."""

    line: Line
    columns: Columns
    row_key: str = ""
    key: str = ""


def print_of(source: Source, recipe: Recipe) -> Printed:
    """Return the document's lines with their cells, as printed."""
    headings = Headings(recipe.codes["columns"], recipe.codes["effects"])
    anchors = MeasureReader.of(recipe).anchors
    return Printed(source, tuple(lines_of(source.key, source.document, headings, anchors)))


def assemble(printed: Iterable[Printed], corrected: Iterable[Corrected], recipe: Recipe) -> Records:
    """Return the records of all documents."""
    cells: dict[tuple[str, int], list[Corrected]] = {}
    for cell in corrected:
        cells.setdefault((cell.cell.edition, cell.cell.line), []).append(cell)
    return Records(tuple(_edition(document, cells, recipe) for document in printed))


def _edition(printed: Printed, cells: dict[tuple[str, int], list[Corrected]], recipe: Recipe) -> EditionRecords:
    reader = MeasureReader.of(recipe)
    edition = printed.source.key
    headers: dict[int, list[Line]] = {}
    for line in printed.lines:
        headers.setdefault(line.page, []).extend([line] if line.kind is Kind.HEADER else [])
    orders = {page: effect_order(lines, recipe.codes["effects"]) for page, lines in headers.items()}
    rows = [
        _Row(line, read_columns(cells[edition, line.number], reader.anchors, orders[line.page]))
        for line in printed.lines
        if line.kind is Kind.ROW
    ]
    _give_keys(rows)
    measures = tuple(
        reader.read(
            row.columns, edition, row.key, row.line.number, row.line.page, names.source_row(edition, row.row_key)
        )
        for row in rows
    )
    for row, measure in zip(rows, measures, strict=True):
        _note_missing(row, measure)
    source_rows = _source_rows(printed, cells, rows)
    issues = _issues(printed, rows, measures, source_rows, recipe)
    corrections = tuple(entry for entry in recipe.corrections if entry.edition == edition)
    return EditionRecords(printed.source, names.edition(edition), measures, source_rows, issues, corrections)


def _give_keys(rows: Sequence[_Row]) -> None:
    """Name each row by its running number and each measure by its national number, where these are unique."""
    numbers = [national_number(row.columns.text("number").chars) for row in rows]
    running = [running_number(row.columns.text("no").chars) or "" for row in rows]
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


def _note_missing(row: _Row, measure: Measure) -> None:
    """Report what a measure lacks."""
    missing = {
        "title-missing": not measure.title,
        "number-missing": not measure.number,
        "pillar-missing": measure.pillar is None,
        "listing-missing": not (measure.listed_from or measure.listing_status),
        "organizations-missing": not (measure.lead or measure.participating or measure.groups),
        "lead-missing": bool(measure.participating or measure.groups) and not measure.lead,
    }
    row.columns.notes.extend(Note(key, row.line.cells[0]) for key, lacks in missing.items() if lacks)


def _source_rows(
    printed: Printed, cells: dict[tuple[str, int], list[Corrected]], rows: Sequence[_Row]
) -> tuple[SourceRow, ...]:
    """Return every line that is not blank, every cell of it, and the column each was read as."""
    edition = printed.source.key
    columns: dict[tuple[int, int], str] = {}
    keys: dict[int, str] = {}
    for row in rows:
        keys[row.line.number] = row.row_key
        known = {column: found for column, found in row.columns.cells.items() if column not in (NOTHING, KPI_UNKNOWN)}
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
            for cell in cells[edition, line.number]
        )
        result.append(SourceRow(iri, line.kind.value, line.page, line.number, kept))
    return tuple(result)


def _issues(
    printed: Printed,
    rows: Sequence[_Row],
    measures: Sequence[Measure],
    source_rows: Sequence[SourceRow],
    recipe: Recipe,
) -> tuple[Issue, ...]:
    """Return every note of every row and line, in document order."""
    notes = [(note, measure) for row, measure in zip(rows, measures, strict=True) for note in row.columns.notes]
    by_line = {measure.line: measure for measure in measures}
    found = [_issue(note, by_line.get(note.cell.line), recipe) for note, _ in notes]
    for index, line in enumerate(printed.lines):
        if line.kind is Kind.OTHER:
            found.append(_issue(Note("line-unread", line.cells[0], line.cells[0].printed), None, recipe))
        following = printed.lines[index + 1] if index + 1 < len(printed.lines) else None
        if line.kind is Kind.TITLE and following is not None and following.kind is Kind.ROW:
            found.append(_issue(Note("page-without-header", line.cells[0]), None, recipe))
    for row in source_rows:
        for cell in row.cells:
            for entry in cell.corrections:
                if entry.action == "flag":
                    note = Note("text-doubtful", cell.cell, entry.printed)
                    found.append(_issue(note, by_line.get(cell.cell.line), recipe))
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda issue: (issue.line, issue.position, issue.type, issue.words)))


def _issue(note: Note, measure: Measure | None, recipe: Recipe) -> Issue:
    severity, message_ja, message_en = recipe.issue_types[note.key]
    return Issue(
        type=note.key,
        severity=severity,
        message_ja=message_ja,
        message_en=message_en,
        edition=note.cell.edition,
        row=measure.row if measure else "",
        number=measure.number if measure else "",
        page=note.cell.page,
        line=note.cell.line,
        position=note.cell.position,
        words=" ".join(note.words.split()),
    )
