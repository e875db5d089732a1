"""Table linker: matches the cells of a column with the entities of a release, in parallel if there are many.

Equal texts are matched once. The best candidates are returned with their scores; only `match` marks a certain match,
other candidates are proposals for a person to judge. Tables are opened and written here as well: the input type is
detected from the content, the output type from the file name.
"""

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from kg.core.errors import Problem, QueryError
from kg.core.iris import edition, served_iri
from kg.matching.link.cell_matcher import ANY, COLUMNS, KINDS, MATCH, REASON, TEXT, CellMatcher, Cells, Row, Task
from kg.matching.link.csv_table import TextTable, write_text
from kg.matching.link.table import Added, ColumnError, Columns, Table, TableError, WriteResult, content, with_added
from kg.matching.link.xlsx_table import SAVE, Workbook, write_workbook
from kg.search import Index, Matcher, local
from kg.search.index_builder import EDITION, TYPE

_MIN_PARALLEL = 400  # minimum number of texts for parallel processing
_CHUNK = 50  # texts per task of the pool

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LinkResult:
    """Cells added to each row, and the numbers of rows with a match, or with candidates only.

    `absent` counts rows with a registered name that is not in the graph; `things` is the number of entities searched.
    """

    added: Sequence[Cells]
    rows: int
    texts: int
    matched: int
    proposed: int
    absent: int = 0
    things: int = 0


def link(
    index: Path,
    values: Sequence[str | None],
    task: Task,
    processes: int,
    progress: Progress,
    further: Sequence[Sequence[str]] = (),
) -> LinkResult:
    """Match each text with the entities of the index; `further` has the cells of the evidence columns for each text.

    Raises QueryError if the release has no entities of the type, or no such edition.
    """
    task, things = resolve_task(index, task)
    adjacent = further or [()] * len(values)
    requested = [_row(value, cells) for value, cells in zip(values, adjacent, strict=True)]
    rows = list(dict.fromkeys(row for row in requested if row.text))
    found: dict[Row, Cells] = {}
    for row, cells in _matched_rows(index, rows, task, processes):
        found[row] = cells
        progress(len(found), len(rows))
    blank = ("",) * (task.candidates * len(COLUMNS))
    added = [found.get(row, blank) for row in requested]
    filled = [cells for row, cells in zip(requested, added, strict=True) if row.text]
    matched = sum(cells[MATCH] == "true" for cells in filled)
    proposed = sum(bool(cells[0]) for cells in filled) - matched
    absent = sum(bool(cells[REASON]) and not cells[0] for cells in filled)
    texts = len({row.text for row in rows})
    return LinkResult(added, len(filled), texts, matched, proposed, absent, things)


def _row(value: str | None, further: Sequence[str]) -> Row:
    return Row((value or "").strip(), tuple(text for cell in further if (text := cell.strip())))


def resolve_task(index: Path, task: Task) -> tuple[Task, int]:
    """Return a task with the type name of the index, and the number of entities of that type.

    A type is given in any letter case, with or without a prefix. Raises QueryError, with the available types or
    editions and the most similar name, if there is no such type or edition.
    """
    with closing(Index.open(index)) as opened:
        _check_edition(opened, task)
        name = local(task.type.rpartition(":")[2] if "://" not in task.type else task.type)
        name = KINDS.get(name, name)
        kind = "measure" if name == TEXT else name
        if name != ANY and not opened.chosen(TYPE, [kind]):
            classes = sorted({iri.rpartition("/")[2].rpartition("#")[2] for iri in opened.values(TYPE).values()})
            short_names = [*KINDS, TEXT, ANY]
            near = difflib.get_close_matches(name, ["measure", "law", *short_names, *map(local, classes)], 1)
            requested = f"{task.type} ({near[0]}?)" if near else task.type
            remedy = f"give one of measure, law, {', '.join(short_names)}, or a class: {', '.join(classes)}"
            raise QueryError(Problem(f"this release has nothing of the type {requested}", remedy))
        things = Matcher(opened).count(None if name == ANY else kind, task.edition)
        return replace(task, type=name), things


def _check_edition(index: Index, task: Task) -> None:
    editions = {served_iri(iri) for iri in index.values(EDITION).values()}
    if task.edition and task.edition not in editions:
        start = edition("")
        keys = ", ".join(sorted(iri.removeprefix(start) for iri in editions))
        fact = f"this release has no edition {task.edition.removeprefix(start)}"
        raise QueryError(Problem(fact, f"editions of this release: {keys or 'none'}"))


def _matched_rows(index: Path, rows: Sequence[Row], task: Task, processes: int) -> Iterator[tuple[Row, Cells]]:
    if processes < 2 or len(rows) < _MIN_PARALLEL:
        with closing(Index.open(index)) as opened:
            yield from CellMatcher(opened, task).all(rows)
        return
    remaining = iter(rows)
    chunks = iter(lambda: list(islice(remaining, _CHUNK)), [])
    # Not by fork: a library may have started threads. Each process opens the index for itself.
    with ProcessPoolExecutor(processes, get_context("spawn"), _start_worker, (index, task)) as pool:
        try:
            for answers in pool.map(_match_chunk, chunks):
                yield from answers
        except BrokenProcessPool as error:
            remedy = "try again with --processes 1"
            raise QueryError(Problem("a matching process has died", remedy)) from error


_worker_matcher: list[CellMatcher] = []


def _start_worker(index: Path, task: Task) -> None:
    """Open the index in a process of the pool."""
    _worker_matcher.append(CellMatcher(Index.open(index), task))  # closed with the process


def _match_chunk(rows: Sequence[Row]) -> list[tuple[Row, Cells]]:
    return list(_worker_matcher[0].all(rows))


EXCEL = (".xlsx", ".xlsm")
_ZIP, _OLE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_SIGNS = {b"<!doctype": "HTML", b"<html": "HTML", b"<table": "HTML", b"<?xml": "XML", b"%pdf-": "PDF", b"{\\rtf": "RTF"}
_LOOKED_AT = 1024
_SEPARATORS = {".tsv": "\t", ".tab": "\t"}


@dataclass(frozen=True)
class TableOptions:
    """User's options for reading a table; all but the column can be detected from the file.

    `header` is the number of the last header row, from 1; `further` are columns with evidence for the row.
    """

    column: str
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    header: int = 0
    further: tuple[str, ...] = ()


def open_table(file: Path, options: TableOptions) -> Table:
    """Return the table in a file, or on standard input for `-`.

    Raises TableError if there is none, and ColumnError for an option that does not apply to it.
    """
    data, columns = content(file), Columns(options.column, options.further, options.header)
    if data.startswith(_OLE):
        raise TableError(Problem("it is an old Excel file (.xls), or has a password", SAVE, file))
    if data.startswith(_ZIP):
        if options.encoding or options.separator:
            fact = "an encoding or separator is given, but this is an Excel file"
            raise ColumnError(Problem(fact, "leave the option out", file))
        return Workbook(data, file, columns, options.sheet)
    if found := _other_kind(data):
        raise TableError(Problem(f"it is not a text table, but {found}", "save it as .xlsx or as CSV", file))
    if options.sheet:
        fact = "a sheet is given, but this is a text table"
        raise ColumnError(Problem(fact, "leave the option out", file))
    return TextTable(data, file, columns, options.encoding, options.separator)


def _other_kind(data: bytes) -> str:
    """Return the format of a text that is not a table, such as a saved web page; empty if it may be one."""
    start = data.removeprefix(b"\xef\xbb\xbf")[:_LOOKED_AT].lstrip().lower()
    if name := next((name for sign, name in _SIGNS.items() if start.startswith(sign)), ""):
        return name
    if start.startswith((b"[", b"{")):
        try:
            json.loads(data)
        except ValueError:
            return ""
        return "JSON"
    return ""


def write_table(
    table: Table, out: Path | None, names: Sequence[str], added: Added, encoding: str | None
) -> WriteResult:
    """Write a table with the added cells, in the format of the file extension.

    Without a file name it is written to standard output as text. In the same format, everything else in the file is
    kept, such as other sheets.
    """
    excel = out is not None and out.suffix.lower() in EXCEL
    if excel is isinstance(table, Workbook):
        return table.write(out, names, added, encoding)
    rows = with_added(table, names, added)
    if excel:
        assert out is not None
        if out.suffix.lower() != EXCEL[0]:
            raise TableError(
                Problem("only a table from an .xlsm file can be written as .xlsm", "end the name in .xlsx", out)
            )
        return write_workbook(rows, out)
    return write_text(rows, out, _SEPARATORS.get(out.suffix.lower() if out else "", ","), encoding)
