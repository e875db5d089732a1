"""Issues: what was reported instead of guessed, with its place and in words for both languages."""

from collections.abc import Sequence

from kg.extract.columns import Columns
from kg.extract.line_classifier import Kind, Line
from kg.extract.reader_notes import Note
from kg.model.records import Issue, Measure, SourceRow
from kg.recipe import Recipe


def note_missing(row: Columns, line: Line, measure: Measure) -> None:
    """Report what a measure lacks."""
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
    """Return every issue of a document in its order: of the rows, of other lines, and of doubtful readings.

    `continued` are the lines that belong to the row of a line before them.
    """
    by_line = {measure.line: measure for measure in measures}
    found = [_issue(note, measure, recipe) for note, measure in noted]
    found += [_issue(note, None, recipe) for note in _of_lines(lines, continued)]
    for row in source_rows:
        for cell in row.cells:
            for entry in cell.corrections:
                if entry.action == "flag":
                    note = Note("text-doubtful", cell.cell, entry.printed)
                    found.append(_issue(note, by_line.get(cell.cell.line), recipe))
    return tuple(sorted(dict.fromkeys(found), key=lambda i: (i.line, i.position, i.type, i.words)))


def _of_lines(lines: Sequence[Line], continued: set[int]) -> list[Note]:
    """Return the notes on lines: one that is nothing we know, a page without header, a document without any."""
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


def _issue(note: Note, measure: Measure | None, recipe: Recipe) -> Issue:
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
