"""What the cells of a column name in a release: each text is looked for once, on every processor where there are many.

Of each text the best candidates are told with their scores. `match` alone says that a text surely means a thing: what
stands beside another row is a proposal that a person has to judge.
"""

import difflib
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
from kg.matching.link.cell_matcher import ANY, COLUMNS, KINDS, MATCH, REASON, TEXT, Asked, Cells, Row, Task
from kg.search import Index, Matcher, local
from kg.search.index_builder import EDITION, TYPE

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

    Raise QueryError where the release has no things of the type, or no such edition.
    """
    task, things = settled(index, task)
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


def settled(index: Path, task: Task) -> tuple[Task, int]:
    """Return a task by the names that the index has, and how many things are looked among.

    A type goes by its name in any letter case, with a prefix or without. Raise QueryError, which lists what there is
    and says the nearest, where there are none of the type, or no such edition.
    """
    with closing(Index.open(index)) as opened:
        _check_edition(opened, task)
        name = local(task.type.rpartition(":")[2] if "://" not in task.type else task.type)
        name = KINDS.get(name, name)
        kind = "measure" if name == TEXT else name
        if name != ANY and not opened.chosen(TYPE, [kind]):
            there = sorted({iri.rpartition("/")[2].rpartition("#")[2] for iri in opened.values(TYPE).values()})
            known = [*KINDS, TEXT, ANY]
            near = difflib.get_close_matches(name, ["measure", "law", *known, *map(local, there)], 1)
            asked = f"{task.type} ({near[0]}?)" if near else task.type
            remedy = f"give one of measure, law, {', '.join(known)}, or a class: {', '.join(there)}"
            raise QueryError(Problem(f"this release has nothing of the type {asked}", remedy))
        things = Matcher(opened).count(None if name == ANY else kind, task.edition)
        return replace(task, type=name), things


def _check_edition(index: Index, task: Task) -> None:
    there = {served_iri(iri) for iri in index.values(EDITION).values()}
    if task.edition and task.edition not in there:
        start = edition("")
        keys = ", ".join(sorted(iri.removeprefix(start) for iri in there))
        fact = f"this release has no edition {task.edition.removeprefix(start)}"
        raise QueryError(Problem(fact, f"editions of this release: {keys or 'none'}"))


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
