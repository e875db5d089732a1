"""What the cells of a column name in a release: each text is looked for once, on every processor where there are many.

Of each text the best candidates are told with their scores. `match` alone says that a text surely means a thing: what
stands beside another row is a proposal that a person has to judge.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from kg.errors import Problem, QueryError
from kg.linking.asking import MATCH, REASON, Asked, Cells, Row
from kg.linking.tasks import ANY, COLUMNS, KINDS, TEXT, Task
from kg.search import Index, Matcher
from kg.search.gathering import TYPE

_MANY = 400  # texts that are worth a second process
_LOT = 50  # texts of one errand

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Linked:
    """What is added to each row, and how many of the rows with a text have a match, or a candidate at least.

    `absent` is how many name something that is known and not in the graph; `things` are those that were looked among.
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
) -> Linked:
    """Return what each of these texts names, `further` being what stands beside each of them in other columns.

    Raise QueryError where the release has no things of the type.
    """
    things = check(index, task)
    beside = further or [()] * len(values)
    asked = [_row(value, cells) for value, cells in zip(values, beside, strict=True)]
    rows = list(dict.fromkeys(row for row in asked if row.text))
    found: dict[Row, Cells] = {}
    for row, cells in _looked_up(index, rows, task, processes):
        found[row] = cells
        progress(len(found), len(rows))
    blank = ("",) * (task.candidates * len(COLUMNS))
    added = [found.get(row, blank) for row in asked]
    filled = [cells for row, cells in zip(asked, added, strict=True) if row.text]
    matched = sum(cells[MATCH] == "true" for cells in filled)
    proposed = sum(bool(cells[0]) for cells in filled) - matched
    absent = sum(bool(cells[REASON]) and not cells[0] for cells in filled)
    texts = len({row.text for row in rows})
    return Linked(added, len(filled), texts, matched, proposed, absent, things)


def _row(value: str | None, further: Sequence[str]) -> Row:
    return Row((value or "").strip(), tuple(text for cell in further if (text := cell.strip())))


def check(index: Path, task: Task) -> int:
    """Return how many things are looked among; raise QueryError, which lists the types, where there are none."""
    with closing(Index.open(index)) as opened:
        kind = "measure" if task.type == TEXT else KINDS.get(task.type, task.type)
        chosen = opened.chosen(TYPE, [kind])
        if task.type != ANY and not chosen:
            there = sorted({name.rpartition("/")[2].rpartition("#")[2] for name in opened.values(TYPE).values()})
            remedy = f"give one of measure, {', '.join(KINDS)}, law, {TEXT}, {ANY}, or a class: {', '.join(there)}"
            raise QueryError(Problem(f"this release has nothing of the type {task.type}", remedy))
        return Matcher(opened).count(None if task.type == ANY else kind, task.edition)


def _looked_up(index: Path, rows: Sequence[Row], task: Task, processes: int) -> Iterator[tuple[Row, Cells]]:
    if processes < 2 or len(rows) < _MANY:
        with closing(Index.open(index)) as opened:
            yield from Asked(opened, task).all(rows)
        return
    remaining = iter(rows)
    lots = iter(lambda: list(islice(remaining, _LOT)), [])
    # Not by fork: a library may have started threads. Each process opens the index for itself.
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin, (index, task)) as pool:
        try:
            for answers in pool.map(_errand, lots):
                yield from answers
        except BrokenProcessPool as error:
            remedy = "try it again with --processes 1"
            raise QueryError(Problem("a process that looked for names has died", remedy)) from error


_here: list[Asked] = []


def _begin(index: Path, task: Task) -> None:
    """Open the index in a process of the pool."""
    _here.append(Asked(Index.open(index), task))  # closed with the process


def _errand(rows: Sequence[Row]) -> list[tuple[Row, Cells]]:
    return list(_here[0].all(rows))
