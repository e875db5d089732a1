"""What is added to a row: the best candidates for its text, or for each of the names that a cell holds."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kg.matching.link.context_evidence import Hearing
from kg.matching.link.link_options import ANY, COLUMNS, TEXT, Task
from kg.matching.link.name_splitter import BETWEEN, Piece, pieces_of
from kg.search import Candidate, Index, Matcher, Part, Resembling

SECONDS = 30.0  # for one text; the longest takes a fraction of one
MATCH, REASON = COLUMNS.index("match"), COLUMNS.index("reason")
_CLOSE = 90.0  # a whole cell that is so near to a name is one name rather than several
_LOOKED_AT = 20  # candidates that evidence is heard for, at least
_KEPT = 1 << 12
# A number is whole by itself: what has none of its own in the graph is not there.
_LAW_NUMBER = re.compile(r"(?:明治|大正|昭和|平成|令和)(?:元|\d+)年(?:法律|政令)第?\d+号")
_REMARK = re.compile("\\s*[(\uff08][^()\uff08\uff09]*[)\uff09]\\s*$")
_YES, _NO = "true", "false"

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """The text of a row that is looked up, and what stands in the further columns."""

    text: str
    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class Absent:
    """Something that is known by its full name, or by its number, and that the graph does not have."""

    name: str

    def said(self, lang: str) -> str:
        """Return that in a language."""
        return f"「{self.name}」はこのグラフにない" if lang == "ja" else f"“{self.name}” is not in this graph"


class Asked:
    """Looks texts up in an index."""

    def __init__(self, index: Index, task: Task) -> None:
        self._matcher, self._task = Matcher(index), task
        self._hearing = Hearing(self._matcher, task.edition, SECONDS)
        self._known = lru_cache(_KEPT)(self._known_of)

    def all(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Cells]]:
        """Yield each row with the cells to add."""
        for row in rows:
            yield row, self._cells(row)

    def _cells(self, row: Row) -> Cells:
        task = self._task
        if task.type == TEXT:
            groups = [_told(found, task.lang) for found in self._resembling(row.text)]
        else:
            found = self._found(row.text, row.further)
            match = bool(found) and found[0].match
            groups = [_told(one, task.lang) for one in found if self._is_wanted(one)]
            if not match and (absent := self._absent(row.text)):
                groups = [["", "", "", "", absent.said(task.lang)]]
            elif not match and (pieces := self._pieces(row, found)):
                several = self._several(pieces)
                groups = [several, *groups] if several[MATCH] == _YES or not task.matched_only else groups
        cells = [cell for group in groups[: task.candidates] for cell in group]
        return (*cells, *[""] * (task.candidates * len(COLUMNS) - len(cells)))

    def _is_wanted(self, found: Candidate) -> bool:
        return found.score >= self._task.least and (found.match or not self._task.matched_only)

    def _resembling(self, text: str) -> Sequence[Resembling]:
        task = self._task
        if task.matched_only:
            return []  # a paragraph is never surely a measure
        found = self._matcher.resembles(text, edition=task.edition, limit=task.candidates, seconds=SECONDS)
        return [one for one in found if one.score >= task.least]

    def _found(self, text: str, further: Sequence[str] = ()) -> list[Candidate]:
        task = self._task
        kind = None if task.type == ANY else task.type
        limit = max(task.candidates, _LOOKED_AT) if further else task.candidates
        found = self._matcher.candidates(text, type=kind, edition=task.edition, limit=limit, seconds=SECONDS)
        return self._hearing.judged(found, further)[: task.candidates] if further else found

    def _known_of(self, text: str) -> Candidate | Absent | None:
        found = self._found(text)
        return found[0] if found and found[0].match else self._absent(text)

    def _pieces(self, row: Row, found: Sequence[Candidate]) -> list[Piece[Candidate | Absent]]:
        """Return the names that a cell holds, where it is not rather one that is misspelt."""
        known: Callable[[str], Candidate | Absent | None] = self._known
        pieces: list[Piece[Candidate | Absent]] = pieces_of(row.text, known)
        whole = bool(found) and found[0].score >= _CLOSE
        if whole and sum(piece.means is not None for piece in pieces) < 2:
            return []
        return pieces

    def _several(self, pieces: Sequence[Piece[Candidate | Absent]]) -> list[str]:
        """Return what several names mean as one group of cells, each once: a match where each surely means a thing."""
        lang = self._task.lang
        found = {piece.means.iri: piece.means for piece in pieces if isinstance(piece.means, Candidate)}
        told = [_told(means, lang) for means in found.values()]
        reasons = [f"{_quoted(piece.text, lang)}{_reason(piece.means, lang)}" for piece in pieces]
        if not found:
            return ["", "", "", "", _joined(reasons, lang)]
        score = min(means.score for means in found.values())
        match = _YES if all(isinstance(piece.means, Candidate) for piece in pieces) else _NO
        joined = [BETWEEN.join(cells[place] for cells in told) for place in (0, 1)]
        return [*joined, f"{score:.1f}", match, _joined(reasons, lang)]

    def _absent(self, text: str) -> Absent | None:
        """Return what a text names, where that is known and the graph has no such thing."""
        if self._task.type not in ("law", ANY):
            return None
        number = _LAW_NUMBER.fullmatch("".join(text.split()))
        short = _REMARK.sub("", text)
        name = self._matcher.full_name(text) or self._matcher.full_name(short) or (number[0] if number else "")
        found = self._found(name) if name else []
        return Absent(name) if name and not (found and found[0].match) else None


def _reason(means: Candidate | Absent | None, lang: str) -> str:
    if isinstance(means, Candidate):
        return f": {reason_of(means.parts, lang)}"
    if means:
        return f": {means.said(lang)}"
    return "に当たるものなし" if lang == "ja" else " is not found"


def _told(found: Candidate | Resembling, lang: str) -> list[str]:
    """Return a candidate as cells: a paragraph resembles and never matches, which is left to people."""
    label = (found.label_ja or found.label_en) if lang == "ja" else (found.label_en or found.label_ja)
    match = (_YES if found.match else _NO) if isinstance(found, Candidate) else ""
    return [found.iri, label, f"{found.score:.1f}", match, reason_of(found.parts, lang)]


def reason_of(parts: Iterable[Part], lang: str) -> str:
    """Return in a language why a score is what it is."""
    return _joined([part.reason_ja if lang == "ja" else part.reason_en for part in parts], lang)


def _joined(reasons: Iterable[str], lang: str) -> str:
    return ("。" if lang == "ja" else "; ").join(dict.fromkeys(reason for reason in reasons if reason))


def _quoted(text: str, lang: str) -> str:
    return f"「{text}」" if lang == "ja" else f"“{text}”"
