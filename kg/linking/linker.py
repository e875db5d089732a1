"""What the cells of a column name in a release: each text is looked for once, on every processor where there are many.

Of each text the best candidates are told with their scores. `match` alone says that a text surely means a thing: what
stands beside another row is a proposal that a person has to judge.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from kg.errors import Problem, QueryError
from kg.search import Candidate, Index, Matcher, Part, Resembling
from kg.search.gathering import TYPE

# What is added for each candidate, in this order.
COLUMNS = ("iri", "label", "score", "match", "reason")
# A paragraph rather than a name: measures are found whose texts are like it.
TEXT, ANY = "text", "any"
# The words by which people call the classes whose own name is longer; every class goes by its own, too.
KINDS = {
    "organization": "formal-organization",
    "budget": "budget-programme",
    "document": "reference-document",
    "entity": "named-entity",
    "place": "administrative-area",
}
LEAST, LEAST_OF_TEXTS = 40.0, 10.0  # scores below which two names, or texts, hardly share more than grammar
SECONDS = 30.0  # for one text; the longest takes a fraction of one
_MANY = 400  # texts that are worth a second process
_LOT = 50  # texts of one errand

Cells = tuple[str, ...]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Task:
    """What is looked for: things of a type, so many candidates, told in a language.

    Candidates of a lower score than `least` are nothing that a person would look at.
    """

    type: str = "measure"
    candidates: int = 1
    lang: str = "ja"
    edition: str | None = None
    matched_only: bool = False
    least: float = 0.0

    def names(self, prefix: str) -> list[str]:
        """Return the names of the columns to add; those of the second candidate end in `_2`."""
        ends = ["", *(f"_{number}" for number in range(2, self.candidates + 1))]
        return [f"{prefix}{name}{end}" for end in ends for name in COLUMNS]


@dataclass(frozen=True)
class Linked:
    """What is added to each row, and how many of the rows with a text have a match, or a candidate at least."""

    added: Sequence[Cells]
    rows: int
    texts: int
    matched: int
    proposed: int


def link(index: Path, values: Sequence[str | None], task: Task, processes: int, progress: Progress) -> Linked:
    """Return what each of these texts names; raise QueryError where the release has no things of the type."""
    check(index, task)
    texts = list(dict.fromkeys(text for text in map(_stripped, values) if text))
    found: dict[str, Cells] = {}
    for text, cells in _looked_up(index, texts, task, processes):
        found[text] = cells
        progress(len(found), len(texts))
    blank = ("",) * (task.candidates * len(COLUMNS))
    added = [found.get(_stripped(value), blank) for value in values]
    rows = [cells for value, cells in zip(values, added, strict=True) if _stripped(value)]
    matched = sum(cells[COLUMNS.index("match")] == _YES for cells in rows)
    return Linked(added, len(rows), len(texts), matched, sum(bool(cells[0]) for cells in rows) - matched)


def check(index: Path, task: Task) -> None:
    """Raise QueryError, which lists the types, where the release has none of this name."""
    if task.type in (TEXT, ANY):
        return
    with closing(Index.open(index)) as opened:
        if not opened.chosen(TYPE, [KINDS.get(task.type, task.type)]):
            there = sorted({name.rpartition("/")[2].rpartition("#")[2] for name in opened.values(TYPE).values()})
            remedy = f"give one of measure, {', '.join(KINDS)}, law, {TEXT}, {ANY}, or a class: {', '.join(there)}"
            raise QueryError(Problem(f"this release has nothing of the type {task.type}", remedy))


_YES, _NO = "true", "false"


def _stripped(value: str | None) -> str:
    return (value or "").strip()


def _looked_up(index: Path, texts: Sequence[str], task: Task, processes: int) -> Iterator[tuple[str, Cells]]:
    if processes < 2 or len(texts) < _MANY:
        with closing(Index.open(index)) as opened:
            yield from _Asked(opened, task).all(texts)
        return
    remaining = iter(texts)
    lots = iter(lambda: list(islice(remaining, _LOT)), [])
    # Not by fork: a library may have started threads. Each process opens the index for itself.
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin, (index, task)) as pool:
        try:
            for answers in pool.map(_errand, lots):
                yield from answers
        except BrokenProcessPool as error:
            remedy = "try it again with --processes 1"
            raise QueryError(Problem("a process that looked for names has died", remedy)) from error


class _Asked:
    """Looks texts up in an index."""

    def __init__(self, index: Index, task: Task) -> None:
        self._matcher, self._task = Matcher(index), task

    def all(self, texts: Iterable[str]) -> Iterator[tuple[str, Cells]]:
        """Yield each text with the cells to add."""
        for text in texts:
            yield text, self._cells(text)

    def _cells(self, text: str) -> Cells:
        task = self._task
        cells: list[str] = []
        for found in self._found(text)[: task.candidates]:
            if found.score >= task.least and (_is_match(found) or not task.matched_only):
                cells += _told(found, task.lang)
        return (*cells, *[""] * (task.candidates * len(COLUMNS) - len(cells)))

    def _found(self, text: str) -> Sequence[Candidate | Resembling]:
        task = self._task
        if task.type == TEXT:
            return self._matcher.resembles(text, edition=task.edition, limit=task.candidates, seconds=SECONDS)
        kind = None if task.type == ANY else KINDS.get(task.type, task.type)
        look = partial(self._matcher.candidates, text, type=kind, edition=task.edition, seconds=SECONDS)
        return look(limit=task.candidates)


def _is_match(found: Candidate | Resembling) -> bool:
    return isinstance(found, Candidate) and found.match


def _told(found: Candidate | Resembling, lang: str) -> list[str]:
    """Return a candidate as cells: a paragraph resembles and never matches, which is left to people."""
    label = (found.label_ja or found.label_en) if lang == "ja" else (found.label_en or found.label_ja)
    match = (_YES if found.match else _NO) if isinstance(found, Candidate) else ""
    return [found.iri, label, f"{found.score:.1f}", match, reason_of(found.parts, lang)]


def reason_of(parts: Iterable[Part], lang: str) -> str:
    """Return in a language why a score is what it is."""
    reasons = [part.reason_ja if lang == "ja" else part.reason_en for part in parts]
    return ("。" if lang == "ja" else "; ").join(dict.fromkeys(reason for reason in reasons if reason))


_here: list[_Asked] = []


def _begin(index: Path, task: Task) -> None:
    """Open the index in a process of the pool."""
    _here.append(_Asked(Index.open(index), task))  # closed with the process


def _errand(texts: Sequence[str]) -> list[tuple[str, Cells]]:
    return list(_here[0].all(texts))
