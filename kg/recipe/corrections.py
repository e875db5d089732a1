"""Corrections: a curator's judgement on a printed text, identified by that text.

The text of an entry must occur exactly once in the cells of its edition (or of one line of it). So an entry that no
longer fits stops the build, while pages or rows may move.

A misreading that was corrected in an earlier edition may recur in a new one, since documents come from the same text
recognition. `recurring_corrections` proposes the row for `corrections.csv`; a curator checks the place and adds it.
"""

import csv
import io
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from kg.core.errors import KgError, Problem, RecipeError
from kg.core.spans import Cell, Text
from kg.recipe.revision_judgements import earlier_editions
from kg.recipe.sources import Source
from kg.recipe.table_loader import Table

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Correction:
    """One decision: `replace` reads the printed text as `corrected`, `flag` only reports it as doubtful."""

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
class CorrectedCell:
    """A printed cell, the text it is read as, and the corrections that changed or flagged it.

    Invisible characters are in the printed cell only.
    """

    cell: Cell
    text: Text
    corrections: tuple[Correction, ...] = ()


def read_corrections(table: Table, editions: Collection[str]) -> tuple[tuple[Correction, ...], list[Problem]]:
    """Return the applicable entries of `corrections.csv`, and the problems of the others.

    An entry is wrong if it contradicts itself or an earlier one, or is about an unknown edition.
    """
    entries: list[Correction] = []
    problems: list[Problem] = []
    judged: dict[tuple[str, str], list[Correction]] = {}
    for row in table.rows:
        entry = Correction(**row.values, file=table.file, file_line=row.line)
        others = judged.setdefault((entry.edition, entry.printed), [])
        if contradictions := [*_contradictions(entry, others, editions)]:
            problems.extend(contradictions)
        else:
            entries.append(entry)
        others.append(entry)
    return tuple(entries), problems


def _contradictions(entry: Correction, others: Iterable[Correction], editions: Collection[str]) -> Iterator[Problem]:
    """Yield the problems of an entry; `others` are about the same text of the same edition."""
    if editions and entry.edition not in editions:  # without editions, another problem is reported
        fact = f"{entry.id}: edition is {entry.edition!r}, which is not a source of this recipe"
        yield Problem(fact, f"name one of {', '.join(sorted(editions))}", entry.file, entry.file_line)
    if entry.action == "replace" and entry.printed == entry.corrected:
        fact = f"{entry.id} changes nothing"
        yield Problem(fact, "correct the text or use flag", entry.file, entry.file_line)
    if entry.action == "replace" and not entry.corrected.strip():
        fact = f"{entry.id} does not say what to read instead of {entry.printed!r}"
        remedy = "fill in `corrected`; where a character is too many, take the text around it into both"
        yield Problem(fact, remedy, entry.file, entry.file_line)
    if (control := _CONTROL.search(entry.corrected)) and control.group() not in entry.printed:
        fact = f"{entry.id}: corrected holds U+{ord(control.group()):04X}, a line break or control character"
        yield Problem(fact, "write it in one line, as a cell of the document", entry.file, entry.file_line)
    if entry.action == "flag" and entry.corrected:
        fact = f"{entry.id} only flags, but says what to read"
        yield Problem(fact, "empty `corrected`, or use replace", entry.file, entry.file_line)
    for other in others:
        both = f"{entry.id} and {other.id} (line {other.file_line})"
        if entry.line == other.line or not (entry.line and other.line):
            fact = f"{both} are about the same text {entry.printed!r}"
            yield Problem(fact, "keep one of the two rows", entry.file, entry.file_line)
            return
        if entry.action == other.action and entry.corrected != other.corrected:
            fact = f"{both} read the same text {entry.printed!r} in two ways"
            remedy = "correct one of them, or lengthen the printed texts until each says what it means"
            yield Problem(fact, remedy, entry.file, entry.file_line)
            return


def correct(printed: Iterable[Cell], corrections: Iterable[Correction]) -> list[CorrectedCell]:
    """Apply the corrections to the printed cells.

    Raises RecipeError for every entry that does not fit exactly once, and for two that replace the same place, so that
    every published correction was applied.
    """
    cells = list(printed)
    by_edition: dict[str, list[tuple[int, Cell]]] = {}
    for index, cell in enumerate(cells):
        by_edition.setdefault(cell.edition, []).append((index, cell))
    places_by_cell: dict[int, list[tuple[int, Correction]]] = {}
    problems: list[Problem] = []
    for entry in corrections:
        places = [
            (index, at)
            for index, cell in by_edition.get(entry.edition, ())
            if entry.printed in cell.printed and entry.line in ("", str(cell.line))
            for at in _occurrences(cell.printed, entry.printed)
        ]
        if len(places) == 1:
            places_by_cell.setdefault(places[0][0], []).append((places[0][1], entry))
        else:
            problems.append(_mismatch(entry, [cells[index].line for index, _ in places]))
    problems += [problem for places in places_by_cell.values() for problem in _overlapping_entries(places)]
    if problems:
        raise RecipeError(*problems)
    return [_apply_to_cell(cell, places_by_cell.get(index, [])) for index, cell in enumerate(cells)]


def _overlapping_entries(places: Iterable[tuple[int, Correction]]) -> Iterator[Problem]:
    """Yield pairs of entries about the same place of a cell; a flag may be about a part that is replaced."""
    ordered = sorted(places, key=lambda place: (place[0], place[1].file_line))
    for (at, one), (then, other) in itertools.combinations(ordered, 2):
        same = (at, one.printed) == (then, other.printed)
        replaced = one.action == other.action == "replace" and then < at + len(one.printed)
        if same or replaced:
            first, second = sorted((one, other), key=lambda entry: entry.file_line)
            fact = f"{second.id} and {first.id} (line {first.file_line}) are about the same place"
            yield Problem(fact, "keep one of the two rows", second.file, second.file_line)


def _occurrences(text: str, part: str) -> list[int]:
    places, at = [], text.find(part)
    while at >= 0:
        places.append(at)
        at = text.find(part, at + 1)
    return places


def _mismatch(entry: Correction, lines: list[int]) -> Problem:
    if not lines:
        where = f"line {entry.line} of {entry.edition}" if entry.line else entry.edition
        fact = f"{entry.id}: the printed text {entry.printed!r} is no longer in {where}"
        remedy = "the source may have been mended: copy the text again from the document, or delete the row"
    else:
        where = ", ".join(map(str, lines))
        times = f"occurs {len(lines)} times in {entry.edition} (lines {where})"
        fact = f"{entry.id}: the printed text {entry.printed!r} {times}"
        remedy = "lengthen the printed text until it is unique, or name the line; one row for each place"
    return Problem(fact, remedy, entry.file, entry.file_line)


def _apply_to_cell(cell: Cell, places: list[tuple[int, Correction]]) -> CorrectedCell:
    """Return the corrected cell; places are replaced from the end, so that earlier offsets stay valid."""
    text = Text.of(cell)
    for at, entry in sorted(places, key=lambda place: place[0], reverse=True):
        if entry.action == "replace":
            text = text.replace(at, at + len(entry.printed), entry.corrected)
    return CorrectedCell(cell, text.visible(), tuple(entry for _, entry in sorted(places, key=lambda place: place[0])))


_FIELDS = 11  # columns of a correction, without the place of its row
_NUMBERED = re.compile(r"c(\d+)")


def recurring_corrections(sources: Sequence[Source], corrections: Sequence[Correction]) -> Iterator[Problem]:
    """Yield the row to add for each uncorrected place that an earlier edition's correction fits.

    A document that cannot be read is skipped: that is reported elsewhere.
    """
    number = max((int(match[1]) for entry in corrections if (match := _NUMBERED.fullmatch(entry.id))), default=0)
    documents = {source.key: _document_lines(source) for source in sources} if len(sources) > 1 and corrections else {}
    for source in sources if documents else ():
        earlier = earlier_editions(source, sources)
        own = [entry for entry in corrections if entry.edition == source.key]
        proposed = set[tuple[str, int]]()
        for entry in corrections:
            places = _lines_with_text(entry, documents[source.key]) if entry.edition in earlier else []
            for line in _intended_lines(entry, places, documents):
                if (entry.printed, line) in proposed or any(_is_decided(entry, line, one) for one in own):
                    continue
                proposed.add((entry.printed, line))
                number += 1
                line_text = "" if len(places) == 1 else str(line)
                yield _propose_row(
                    entry, replace(entry, id=f"c{number:04}", edition=source.key, line=line_text), source, line
                )


def _document_lines(source: Source) -> Sequence[str]:
    try:
        return source.document().split("\n")
    except KgError:
        return ()


def _lines_with_text(entry: Correction, lines: Sequence[str]) -> list[int]:
    """Return the lines with a text, once for each occurrence."""
    return [line for line, text in enumerate(lines, 1) for _ in range(text.count(entry.printed))]


def _intended_lines(entry: Correction, places: list[int], documents: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the lines that an entry applies to; if it names one of several, the corresponding one."""
    earlier_lines = _lines_with_text(entry, documents.get(entry.edition, ())) if entry.line and places else []
    if len(earlier_lines) == len(places) and entry.line in map(str, earlier_lines):
        return [places[earlier_lines.index(int(entry.line))]]
    return list(dict.fromkeys(places))


def _is_decided(entry: Correction, line: int, own: Correction) -> bool:
    """Return whether an edition's own entry is about the same text of a line as an earlier edition's."""
    return own.line in ("", str(line)) and (own.printed in entry.printed or entry.printed in own.printed)


def _propose_row(earlier: Correction, proposed: Correction, source: Source, line: int) -> Problem:
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(astuple(proposed)[:_FIELDS])
    fact = f"the correction {earlier.id} of {earlier.edition} fits {source.key}, too: {earlier.printed!r}"
    remedy = f"if it is the same misreading, add this row to {earlier.file.name}: {row.getvalue()}"
    return Problem(fact, remedy, source.file, line)
