"""What is added to a row: the best candidates for its text, or for each of the names that a cell holds.

Further columns of a user's table as evidence for what a cell names: ministries, pillars, numbers, laws, years.

A cell of such a column is looked up as a name of anything. Where it surely means something that the candidate points
to, or the candidate itself, it agrees; where it means another thing of such a kind, it contradicts. What it means
nothing by, such as a section of a town hall, is no evidence.

Cells that hold several names: 「内閣官房・内閣府」, 「…、01-05、…」.

What a user asks of a table: things of a type, how many candidates, in which language.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Generic, TypeVar

from kg.core.iris import PREFIXES, canonical_iri, served_iri
from kg.search import Candidate, Index, Matcher, ScorePart, SimilarEntity

T = TypeVar("T")
BETWEEN = "|"  # stands between several values in one cell, as in the tables of a release
# What stands between names, what divides most surely first. A name may hold any of these itself.
_LEVELS = tuple(
    re.compile(marks)
    for marks in (
        r"[\r\n;；|｜]+",
        r"[、，,/／]+",
        r"[・･＋+]+",
        r"\s+",
        r"及び|並びに|および|ならびに|又は|または|＆|&|と|\band\b",
    )
)
_ALL = 3  # from this level on, each part must be a name, or nothing is divided
_OPEN, _CLOSE = "(（[［「『【〔<〈《", ")）]］」』】〕>〉》"


@dataclass(frozen=True)
class Piece(Generic[T]):
    """A part of a cell, and what it surely names, if anything."""

    text: str
    means: T | None


def pieces_of(text: str, surely: Callable[[str], T | None], level: int = 0) -> list[Piece[T]]:
    """Return the parts of a text, of which one at least surely names something; none where no part does."""
    for number in range(level, len(_LEVELS)):
        parts = list(_divided(text, _LEVELS[number]))
        if len(parts) < 2:
            continue
        found: list[Piece[T]] = []
        for part in parts:
            means = surely(part)
            found += [Piece(part, means)] if means else pieces_of(part, surely, number + 1) or [Piece(part, None)]
        sure = [piece for piece in found if piece.means]
        if sure and (number < _ALL or len(sure) == len(found)):
            return found
    return []


def _divided(text: str, marks: re.Pattern[str]) -> Iterator[str]:
    """Yield the parts between marks; what stands in brackets is one with what stands before them."""
    start, places = 0, [*marks.finditer(text)]
    for place in places:
        if _depth(text[: place.start()]) == 0 or _depth(text) != 0:
            yield from filter(None, [text[start : place.start()].strip()])
            start = place.end()
    yield from filter(None, [text[start:].strip()])


def _depth(text: str) -> int:
    """Return how many brackets are open at the end of a text."""
    return sum(text.count(mark) for mark in _OPEN) - sum(text.count(mark) for mark in _CLOSE)


_EACH, _MOST = 0.25, 0.5  # what one column counts in a score, and all of them together
_SURE = 95.0  # a name that agrees so well is the same name
_KEPT = 1 << 12
_CONCEPT = PREFIXES["skos"] + "Concept"  # each concept has a scheme as well, which says more
_LINKED = (
    "SELECT DISTINCT named.iri FROM thing JOIN text ON text.thing = thing.id AND text.role = 'linked'"
    " JOIN name ON name.text = text.text JOIN thing AS named ON named.id = name.thing WHERE thing.iri = ?"
    " UNION SELECT value.value FROM thing JOIN has ON has.thing = thing.id JOIN value ON value.id = has.value"
    " WHERE thing.iri = ? AND value.facet <> 'type'"
)


@dataclass(frozen=True)
class Meaning:
    """What a cell surely means: a thing with its types."""

    iri: str
    types: tuple[str, ...]


class Hearing:
    """Judges candidates by what stands beside the cell that was looked up."""

    def __init__(self, matcher: Matcher, edition: str | None, seconds: float) -> None:
        self._matcher, self._index = matcher, matcher.index
        self._edition, self._seconds = edition, seconds
        self._meaning = lru_cache(_KEPT)(self._meaning_of)
        self._around = lru_cache(_KEPT)(self._around_of)

    def judged(self, found: Iterable[Candidate], cells: Sequence[str]) -> list[Candidate]:
        """Return candidates under the evidence of further cells, the best first; one at most is a match."""
        heard = [self._judged(one, cells) for one in found]
        heard.sort(key=lambda pair: -pair[0].score)
        agreeing = [(one, values) for one, values in heard if min(values, default=1.0) > 0]
        sure = [one.iri for one, values in agreeing if one.match]
        if not sure:
            named = [one.iri for one, values in agreeing if values and _by_name(one) >= _SURE]
            sure = named if len(named) == 1 else []
        return [replace(one, match=one.iri in sure) for one, _ in heard]

    def _judged(self, one: Candidate, cells: Sequence[str]) -> tuple[Candidate, list[float]]:
        values: list[float] = []
        parts: list[ScorePart] = []
        for cell in cells:
            value = self._agreement(one, cell)
            if value is not None:
                values.append(value)
                ja, en = ("と合う", "agrees") if value else ("と合わない", "contradicts")
                parts.append(ScorePart("evidence", value, 0.0, f"「{cell}」{ja}", f"“{cell}” {en}"))
        if not values:
            return one, values
        share = min(_MOST, _EACH * len(values))
        mean = sum(values) / len(values)
        score = round((1 - share) * one.score + share * 100 * mean, 1)
        kept = tuple(replace(part, weight=(1 - share) * part.weight) for part in one.parts)
        evidence = tuple(replace(part, weight=share / len(values)) for part in parts)
        return replace(one, score=score, parts=kept + evidence), values

    def _agreement(self, one: Candidate, cell: str) -> float | None:
        """Return 1 where a cell agrees with a candidate, 0 where it contradicts, None where nothing can be told."""
        meant = self._meaning(cell)
        around = self._around(one.iri)
        if any(each.iri == one.iri or each.iri in around for each in meant):
            return 1.0
        kinds = {kind for kinds in (*around.values(), one.types) for kind in kinds} - {_CONCEPT}
        return 0.0 if meant and all(kinds.intersection(each.types) for each in meant) else None

    def _meaning_of(self, cell: str) -> tuple[Meaning, ...]:
        """Return what a cell surely means; nothing where a part of it is not known."""
        whole = self._surely(cell)
        if whole:
            return (whole,)
        return tuple(piece.means for piece in pieces_of(cell, self._surely) if piece.means)

    def _surely(self, text: str) -> Meaning | None:
        found = self._matcher.candidates(text, edition=self._edition, limit=2, seconds=self._seconds)
        return Meaning(found[0].iri, found[0].types) if found and found[0].match else None

    def _around_of(self, iri: str) -> dict[str, tuple[str, ...]]:
        """Return what a thing points to, each with its types."""
        return {
            served_iri(other): _types(self._index, other)
            for (other,) in self._index.rows(_LINKED, [canonical_iri(iri)] * 2)
        }


def _types(index: Index, iri: str) -> tuple[str, ...]:
    there = index.rows("SELECT id FROM thing WHERE iri = ?", (iri,))
    return index.types_of(there[0][0]) if there else ()


def _by_name(one: Candidate) -> float:
    """Return the score that a candidate has by its name alone."""
    share = sum(part.weight for part in one.parts if part.name == "evidence")
    gained = sum(part.weight * part.value for part in one.parts if part.name == "evidence")
    return (one.score - 100 * gained) / (1 - share)


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


SECONDS = 30.0  # for one text; the longest takes a fraction of one
MATCH, REASON = COLUMNS.index("match"), COLUMNS.index("reason")
_CLOSE_SCORE = 90.0  # a whole cell that is so near to a name is one name rather than several
_LOOKED_AT = 20  # candidates that evidence is heard for, at least
_KEPT_CANDIDATES = 1 << 12
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
        self._known = lru_cache(_KEPT_CANDIDATES)(self._known_of)

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

    def _resembling(self, text: str) -> Sequence[SimilarEntity]:
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
        whole = bool(found) and found[0].score >= _CLOSE_SCORE
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


def _told(found: Candidate | SimilarEntity, lang: str) -> list[str]:
    """Return a candidate as cells: a paragraph resembles and never matches, which is left to people."""
    label = (found.label_ja or found.label_en) if lang == "ja" else (found.label_en or found.label_ja)
    match = (_YES if found.match else _NO) if isinstance(found, Candidate) else ""
    return [found.iri, label, f"{found.score:.1f}", match, reason_of(found.parts, lang)]


def reason_of(parts: Iterable[ScorePart], lang: str) -> str:
    """Return in a language why a score is what it is."""
    return _joined([part.reason_ja if lang == "ja" else part.reason_en for part in parts], lang)


def _joined(reasons: Iterable[str], lang: str) -> str:
    return ("。" if lang == "ja" else "; ").join(dict.fromkeys(reason for reason in reasons if reason))


def _quoted(text: str, lang: str) -> str:
    return f"「{text}」" if lang == "ja" else f"“{text}”"
