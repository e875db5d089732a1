"""Rows and cells of a page of the source, with highlighted readings, corrections and issues.

A printed text is split at the ends of all spans in it: mentions, KPIs, targets, corrections. Offsets count characters
of the cell (Web Annotation Data Model, 4.2.4). Overlapping spans are split at every end, so that each piece has one
link and all marks that cover it. The queries are stored queries, which users can run as well.
"""

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import pairwise
from typing import ClassVar

from kg.core.iris import ID, ONTOLOGY
from kg.core.labels import Labels, is_web_address, preferred_with_language
from kg.http.query_client import Names, RowType, RunQuery, StoredRow, fetch_names, fetch_stored_rows
from kg.http.responses import is_whole_number, path_of

# HTML tags that are printed in cells of the source: displayed, but marked as markup.
MARKUP = re.compile(r"</?[A-Za-z][^<>]*>")
# Symbols for invisible characters, with their names.
_VISIBLE = {" ": "·", "\u3000": "□", "\n": "↵", "\t": "→", "\r": "↵"}
_NAMES = {"\n": "LINE FEED", "\t": "TAB", "\r": "CARRIAGE RETURN"}


@dataclass(frozen=True)
class MarkedSpan:
    """A span of a text with its mark, link and title."""

    start: int
    end: int
    mark: str
    path: str = ""
    title: str = ""


@dataclass(frozen=True)
class Character:
    """A run of characters as displayed, or a symbol for an invisible character with its name."""

    text: str
    name: str = ""
    breaks: bool = False


@dataclass(frozen=True)
class MarkedPiece:
    """A piece of a text with its marks and its link."""

    text: str
    marks: tuple[str, ...]
    path: str = ""
    title: str = ""

    @property
    def characters(self) -> Sequence[Character]:
        """The characters, with symbols for invisible ones."""
        return tuple(_characters(self.text))


def markup_spans(text: str) -> Iterator[MarkedSpan]:
    """Yield the spans of HTML tags in a text."""
    return (MarkedSpan(*tag.span(), "markup") for tag in MARKUP.finditer(text))


def occurrences(text: str, words: str, mark: str) -> Iterator[MarkedSpan]:
    """Yield the spans of all occurrences of words in a text."""
    start = text.find(words) if words else -1
    while start >= 0:
        yield MarkedSpan(start, start + len(words), mark)
        start = text.find(words, start + len(words))


def split_at_spans(text: str, spans: Iterable[MarkedSpan]) -> list[MarkedPiece]:
    """Split a text at spans; of nested links the innermost wins. Spans that exceed the text are truncated."""
    fitting = [span for span in spans if 0 <= span.start < min(span.end, len(text))]
    cuts = sorted({0, len(text), *(min(end, len(text)) for span in fitting for end in (span.start, span.end))})
    cut = []
    for start, end in pairwise(cuts):
        over = sorted(
            (span for span in fitting if span.start <= start and span.end >= end), key=lambda s: s.end - s.start
        )
        link = next((span for span in over if span.path), None)
        marks = tuple(dict.fromkeys(span.mark for span in over))
        cut.append(MarkedPiece(text[start:end], marks, link.path if link else "", link.title if link else ""))
    return cut


def _characters(text: str) -> Iterator[Character]:
    plain = ""
    for character in text:
        if character.isprintable() and character not in _VISIBLE:
            plain += character
            continue
        if plain:
            yield Character(plain)
            plain = ""
        code = f"U+{ord(character):04X}"
        name = _NAMES.get(character) or unicodedata.name(character, "")
        yield Character(_VISIBLE.get(character, f"[{code}]"), f"{code} {name}".strip(), character in "\r\n")
    if plain:
        yield Character(plain)


_SHORT = 40  # characters
CORRECTED, DOUBTFUL, OPEN, UNREAD = "corrected", "doubtful", "open", "unread"


@dataclass(frozen=True)
class LinkedText:
    """A text with its language, if known, and the path or URL of its link."""

    text: str
    lang: str = ""
    path: str = ""


@dataclass(frozen=True)
class Reading:
    """A value read from a cell, with the label of its property; `more` are additional values, `mark` is its span's."""

    name: str
    value: LinkedText
    more: tuple[LinkedText, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Note:
    """A correction, doubtful reading or issue: kind, printed words, corrected words, and reason."""

    kind: str
    path: str
    printed: str
    corrected: str
    reason: LinkedText


@dataclass(frozen=True)
class Cell:
    """A cell as printed, with its column, readings and notes.

    `cut` is the number of characters not shown: the size of a page is bounded.
    """

    anchor: str
    path: str
    position: int
    text: str
    column: LinkedText | None
    key: str
    pieces: Sequence[MarkedPiece]
    readings: Sequence[Reading]
    notes: Sequence[Note]
    state: frozenset[str]
    cut: int = 0

    @property
    def short(self) -> str:
        """The beginning of the printed text, without markup."""
        return " ".join(unescape(MARKUP.sub(" ", self.text)).split())[:_SHORT]

    @property
    def blank(self) -> bool:
        """True if nothing is printed, read or noted: adjacent blank cells are displayed as one."""
        return not self.text and not self.notes and not self.readings


@dataclass(frozen=True)
class Row:
    """A row of the source; without a measure it is a heading."""

    anchor: str
    path: str
    own: str
    page: int
    line: int
    no: str
    number: str
    title: LinkedText | None
    cells: Sequence[Cell]
    notes: Sequence[Note] = ()

    @property
    def groups(self) -> list[list[Cell]]:
        """The cells in order; adjacent blank ones are one group."""
        grouped: list[list[Cell]] = []
        for cell in self.cells:
            if grouped and cell.blank and grouped[-1][-1].blank:
                grouped[-1].append(cell)
            else:
                grouped.append([cell])
        return grouped

    @property
    def states(self) -> dict[str, int]:
        """The numbers of corrected, doubtful, open and unread cells."""
        states = (CORRECTED, DOUBTFUL, OPEN, UNREAD)
        counted = {state: sum(state in cell.state for cell in self.cells) for state in states}
        counted[OPEN] += bool(self.notes)
        return {state: number for state, number in counted.items() if number}


@dataclass(frozen=True)
class SourcePage:
    """A page of the document: its number, first and last line, and numbers of rows and measures."""

    page: int
    first: int
    last: int
    rows: int
    measures: int


@dataclass(frozen=True)
class PageExtent(StoredRow):
    """First and last line of a page, and its numbers of rows and measures."""

    query: ClassVar[str] = "pages-of-the-source"
    page: str
    first: str
    last: str
    rows: str
    measures: str


@dataclass(frozen=True)
class ListedRow(StoredRow):
    """A row of a page with its measure."""

    query: ClassVar[str] = "rows-of-a-page"
    page: str
    line: str
    row: str
    measure: str
    no: str
    number: str
    title_ja: str
    title_en: str


@dataclass(frozen=True)
class PrintedCell(StoredRow):
    """A cell as printed, with the column that it was read as."""

    query: ClassVar[str] = "cells-of-rows"
    row: str
    page: str
    position: str
    cell: str
    start: str
    printed: str
    column: str
    column_ja: str
    column_en: str


@dataclass(frozen=True)
class CellReading(StoredRow):
    """A value or mention that was read in a cell."""

    query: ClassVar[str] = "readings-of-rows"
    cell: str
    way: str
    property: str
    value: str
    text: str
    amount: str
    unit: str
    period: str
    start: str
    end: str


@dataclass(frozen=True)
class RowNote(StoredRow):
    """A correction or issue of a row or cell."""

    query: ClassVar[str] = "notes-on-rows"
    place: str
    note: str
    row: str
    kind: str
    printed: str
    corrected: str
    words_ja: str
    words_en: str


_KPI, _TARGET = ONTOLOGY + "Kpi", ONTOLOGY + "Target"
_LONGEST = 20_000  # characters displayed of a cell
_NOTHING = " \u3000-－―ー‐"  # printed in cells without a value
_MARKS = {_KPI: "kpi", _TARGET: "target"}


class SourceReader:
    """The source of one edition in one language; `labels` are the names of terms."""

    def __init__(self, run_query: RunQuery, labels: Labels, edition: str, lang: str) -> None:
        self._run_query, self._labels, self._lang = run_query, labels, lang
        self.edition = f"{ID}edition/{edition}"
        self._rows = f"{ID}source/{edition}/"

    async def title(self) -> LinkedText | None:
        """Return the name of the edition; None if there is none."""
        named = (await fetch_names(self._run_query, [self.edition])).get(self.edition)
        return self._words(named) if named else None

    async def leaves(self) -> list[SourcePage]:
        """Return the pages of the document."""
        rows = await fetch_stored_rows(self._run_query, PageExtent, edition=[self.edition])
        numbers = ("page", "first", "last", "rows", "measures")
        return [SourcePage(*(int(getattr(row, name)) for name in numbers)) for row in _with_numbers(rows, *numbers)]

    async def listed(self, pages: Sequence[int]) -> list[ListedRow]:
        """Return the distinct rows of some pages with their measures."""
        answered = await fetch_stored_rows(self._run_query, ListedRow, edition=[self.edition], page=pages)
        return list({row.row: row for row in reversed(_with_numbers(answered, "page", "line"))}.values())[::-1]

    async def page_of(self, row: str) -> int | None:
        """Return the page of a row (`row` is the part of its IRI after the edition); None if there is none."""
        answered = await fetch_stored_rows(self._run_query, PrintedCell, row=[self._rows + row])
        placed = _with_numbers(answered, "page")
        return int(placed[0].page) if placed else None

    async def states(self, listed: Sequence[ListedRow]) -> dict[str, dict[str, int]]:
        """Return for each row the numbers of its corrections, doubtful readings and open points."""
        counted: dict[str, dict[str, int]] = {}
        iris = [row.row for row in listed]
        notes = await fetch_stored_rows(self._run_query, RowNote, row=iris) if listed else []
        for note in _without_duplicates(notes):
            of = counted.setdefault(note.row, {})
            of[_kind(note)] = of.get(_kind(note), 0) + 1
        return counted

    async def printed(self, listed: Sequence[ListedRow]) -> list[Row]:
        """Return rows with their cells, readings, corrections and issues."""
        if not listed:
            return []
        iris = [row.row for row in listed]
        cells, read, notes = await asyncio.gather(
            fetch_stored_rows(self._run_query, PrintedCell, row=iris),
            fetch_stored_rows(self._run_query, CellReading, row=iris),
            fetch_stored_rows(self._run_query, RowNote, row=iris),
        )
        named = await fetch_names(self._run_query, _things(read))
        by_cell = _grouped(read, lambda reading: reading.cell)
        by_place = _grouped(_without_duplicates(notes), lambda note: note.place)
        effects = set[str]()
        made: dict[str, list[Cell]] = {}
        for cell in _with_numbers(cells, "position", "start"):
            readings = [
                reading for reading in by_cell.get(cell.cell, ()) if self._is_shown_here(cell, reading, effects)
            ]
            notes_here = [self._note(note) for note in by_place.get(cell.cell, ())]
            is_table = any(row.row == cell.row and row.measure for row in listed)
            made.setdefault(cell.row, []).append(self._cell(cell, readings, notes_here, named, is_table))
        return [self._row(row, made.get(row.row, []), by_place.get(row.row, ())) for row in listed]

    def _row(self, row: ListedRow, cells: Sequence[Cell], notes: Iterable[RowNote]) -> Row:
        titles = {"ja": row.title_ja, "en": row.title_en}
        anchor = row.row.removeprefix(self._rows)
        return Row(
            anchor=anchor,
            path=path_of(row.row),
            own=f"source/{self._rows.removeprefix(f'{ID}source/')}{anchor}",
            page=int(row.page),
            line=int(row.line),
            no=row.no,
            number=row.number,
            title=self._words(titles, path_of(row.measure)) if row.measure else None,
            cells=cells,
            notes=[self._note(note) for note in notes],
        )

    def _cell(
        self, cell: PrintedCell, read: Sequence[CellReading], notes: Sequence[Note], named: Names, in_table: bool
    ) -> Cell:
        text, start = cell.printed, int(cell.start)
        spans = [*markup_spans(text), *self._spans(read, start, named)]
        for note in notes:
            spans += occurrences(text, note.printed, CORRECTED if note.corrected else DOUBTFUL)
        state = {note.kind for note in notes}
        if in_table and text.strip(_NOTHING) and not cell.column:
            state.add(UNREAD)
        column = {"ja": cell.column_ja, "en": cell.column_en}
        return Cell(
            anchor=cell.cell.removeprefix(self._rows),
            path=path_of(cell.cell),
            position=int(cell.position),
            text=text,
            column=self._words(column, path_of(cell.column)) if cell.column else None,
            key=cell.column.rpartition("/")[2],
            pieces=split_at_spans(text[:_LONGEST], spans),
            readings=[self._reading(reading, named) for reading in read],
            notes=notes,
            state=frozenset(state),
            cut=max(0, len(text) - _LONGEST),
        )

    def _spans(self, read: Iterable[CellReading], start: int, named: Names) -> Iterator[MarkedSpan]:
        for reading in read:
            if not reading.start:
                continue
            # offsets of names count from the start of the cell, those of KPIs and targets from the start of the file
            offset = 0 if reading.way == "mention" else start
            mark = "mention" if reading.way == "mention" else _MARKS.get(reading.property, "thing")
            path = path_of(reading.value) if reading.way == "mention" else ""
            title = f"{self._labels.of(reading.property, self._lang)}: {self._name(reading.value, named).text}"
            yield MarkedSpan(int(reading.start) - offset, int(reading.end) - offset, mark, path, title if path else "")

    def _is_shown_here(self, cell: PrintedCell, reading: CellReading, seen: set[str]) -> bool:
        """Return whether to display a reading at this cell: one shared by several cells is displayed at the first."""
        if reading.property != ONTOLOGY + "expectedEffect":
            return True
        key = f"{cell.row} {reading.value}"
        if not cell.printed.strip() or key in seen:
            return False
        seen.add(key)
        return True

    def _reading(self, reading: CellReading, named: Names) -> Reading:
        name = self._labels.of(reading.property, self._lang)
        if reading.way == "thing":
            text = reading.text or self._name(reading.value, named).text
            amount = reading.amount
            parts = [self._name(iri, named) for iri in (reading.unit, reading.period) if iri]
            more = (LinkedText(amount), *parts) if amount else tuple(parts)
            value = LinkedText(text, "ja" if reading.text else "", path_of(reading.value))
            return Reading(name, value, more, _MARKS.get(reading.property, "thing"))
        if reading.value.startswith(("http://", "https://")) and " " not in reading.value:
            return Reading(name, self._name(reading.value, named), (), "mention" if reading.way == "mention" else "")
        return Reading(name, LinkedText(reading.value, "ja"))

    def _name(self, iri: str, named: Names) -> LinkedText:
        texts = named.get(iri)
        return self._words(texts, path_of(iri)) if texts else LinkedText(iri.removeprefix(ID), "", path_of(iri))

    def _note(self, note: RowNote) -> Note:
        reason = {"ja": note.words_ja, "en": note.words_en}
        return Note(_kind(note), path_of(note.note), note.printed, note.corrected, self._words(reason))

    def _words(self, texts: Mapping[str, str], path: str = "") -> LinkedText:
        return LinkedText(*preferred_with_language(texts, self._lang), path)


def _with_numbers(answered: Sequence[RowType], *numbers: str) -> list[RowType]:
    """Return the rows with valid numbers: files served by `--data` may contain anything."""
    return [row for row in answered if all(is_whole_number(getattr(row, name)) for name in numbers)]


def _kind(note: RowNote) -> str:
    if note.kind == "correction":
        return CORRECTED if note.corrected else DOUBTFUL
    return OPEN


def _without_duplicates(notes: Sequence[RowNote]) -> list[RowNote]:
    """Return the notes without issues that duplicate a doubtful reading."""
    doubted = {(note.place, note.printed) for note in notes if note.kind == "correction"}
    return [note for note in notes if note.kind == "correction" or (note.place, note.printed) not in doubted]


def _things(read: Iterable[CellReading]) -> set[str]:
    """Return the IRIs whose names are needed."""
    return {iri for row in read for iri in (row.value, row.unit, row.period) if is_web_address(iri)}


def _grouped(answered: Iterable[RowType], key: Callable[[RowType], str]) -> dict[str, list[RowType]]:
    grouped: dict[str, list[RowType]] = {}
    for row in answered:
        grouped.setdefault(key(row), []).append(row)
    return grouped
