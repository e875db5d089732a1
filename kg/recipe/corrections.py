"""Corrections: a curator's judgement on what is printed, tied to the printed text.

An entry names its text, which must stand once, and only once, in the cells of its edition (or of one line of it). So an
entry that no longer fits stops the build, and pages or rows that moved do not matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kg.cells import Cell, Text
from kg.errors import Problem, RecipeError
from kg.recipe.tables import Table


@dataclass(frozen=True)
class Correction:
    """One decision. `replace`: the printed text is read as `corrected`; `flag`: it is only reported as doubtful."""

    id: str
    edition: str
    line: str
    action: str
    printed: str
    corrected: str
    reason_ja: str
    reason_en: str
    evidence: str
    decided_by: str
    decided_on: str
    file: Path
    file_line: int


@dataclass(frozen=True)
class Corrected:
    """A printed cell, the text it is read as, and the corrections that made the difference or flagged it."""

    cell: Cell
    text: Text
    corrections: tuple[Correction, ...] = ()


def corrections_of(table: Table) -> tuple[Correction, ...]:
    """Return the entries of `corrections.csv`; raise RecipeError for one that contradicts itself."""
    entries = tuple(Correction(**row.values, file=table.file, file_line=row.line) for row in table.rows)
    problems = []
    for entry in entries:
        if entry.action == "replace" and entry.printed == entry.corrected:
            problems.append(
                Problem(f"{entry.id} changes nothing", "correct the text or use flag", entry.file, entry.file_line)
            )
        if entry.action == "flag" and entry.corrected:
            fact = f"{entry.id} only flags, but says what to read"
            problems.append(Problem(fact, "empty `corrected`, or use replace", entry.file, entry.file_line))
    if problems:
        raise RecipeError(*problems)
    return entries


def correct(printed: Iterable[Cell], corrections: Iterable[Correction]) -> list[Corrected]:
    """Apply the corrections to the printed cells; raise RecipeError for every entry that does not fit exactly once."""
    cells = list(printed)
    by_edition: dict[str, list[tuple[int, Cell]]] = {}
    for index, cell in enumerate(cells):
        by_edition.setdefault(cell.edition, []).append((index, cell))
    found: dict[int, list[tuple[int, Correction]]] = {}
    problems: list[Problem] = []
    for entry in corrections:
        places = [
            (index, at)
            for index, cell in by_edition.get(entry.edition, ())
            if entry.printed in cell.printed and entry.line in ("", str(cell.line))
            for at in _occurrences(cell.printed, entry.printed)
        ]
        if len(places) == 1:
            found.setdefault(places[0][0], []).append((places[0][1], entry))
        else:
            problems.append(_misfit(entry, [cells[index].line for index, _ in places]))
    if problems:
        raise RecipeError(*problems)
    return [_corrected(cell, found.get(index, [])) for index, cell in enumerate(cells)]


def _occurrences(text: str, part: str) -> list[int]:
    places, at = [], text.find(part)
    while at >= 0:
        places.append(at)
        at = text.find(part, at + 1)
    return places


def _misfit(entry: Correction, lines: list[int]) -> Problem:
    if not lines:
        where = f"line {entry.line} of {entry.edition}" if entry.line else entry.edition
        fact = f"{entry.id}: the printed text {entry.printed!r} is no longer in {where}"
        remedy = "the source may have been mended: copy the text again from the document, or delete the row"
    else:
        where = ", ".join(map(str, lines))
        times = f"stands {len(lines)} times in {entry.edition} (lines {where})"
        fact = f"{entry.id}: the printed text {entry.printed!r} {times}"
        remedy = "lengthen the printed text until it stands once, or name the line; one row for each place"
    return Problem(fact, remedy, entry.file, entry.file_line)


def _corrected(cell: Cell, places: list[tuple[int, Correction]]) -> Corrected:
    """Replace from the end to the beginning, so that earlier places stay where they are."""
    text = Text.of(cell)
    for at, entry in sorted(places, key=lambda place: place[0], reverse=True):
        if entry.action == "replace":
            text = text.replace(at, at + len(entry.printed), entry.corrected)
    return Corrected(cell, text, tuple(entry for _, entry in sorted(places, key=lambda place: place[0])))
