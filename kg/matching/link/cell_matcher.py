"""Matcher of the cells of a column: candidates for a cell, or for each of the names in it, with evidence.

Evidence comes from further columns of the table: ministries, pillars, numbers, laws, years. A cell of such a column is
matched with entities of any type. If it certainly means the candidate, or an entity linked from it, it agrees; if it
means another entity of the same type, it contradicts; without a match, such as for a section of a town hall, it is no
evidence. A cell may contain several names: 「内閣官房・内閣府」, 「…、01-05、…」.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Generic, TypeVar

from kg.core.iris import PREFIXES, canonical_iri, served_iri
from kg.search import Candidate, Index, Matcher, ScorePart, SimilarEntity

T = TypeVar("T")
BETWEEN = "|"  # separator of several values in one cell, as in the tables of a release
# Separators of names, most reliable first. A name may contain any of these itself.
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
class NamePart(Generic[T]):
    """Part of a cell, with the entity that it certainly names, if any."""

    text: str
    entity: T | None


def split_names(text: str, match_certainly: Callable[[str], T | None], level: int = 0) -> list[NamePart[T]]:
    """Split a text into names, of which at least one certainly matches; empty if none does."""
    for number in range(level, len(_LEVELS)):
        parts = list(_split(text, _LEVELS[number]))
        if len(parts) < 2:
            continue
        found: list[NamePart[T]] = []
        for part in parts:
            entity = match_certainly(part)
            found += (
                [NamePart(part, entity)]
                if entity
                else split_names(part, match_certainly, number + 1) or [NamePart(part, None)]
            )
        sure = [piece for piece in found if piece.entity]
        if sure and (number < _ALL or len(sure) == len(found)):
            return found
    return []


def _split(text: str, marks: re.Pattern[str]) -> Iterator[str]:
    """Yield the parts between separators; brackets are not separated from the text before them."""
    start, places = 0, [*marks.finditer(text)]
    for place in places:
        if _depth(text[: place.start()]) == 0 or _depth(text) != 0:
            yield from filter(None, [text[start : place.start()].strip()])
            start = place.end()
    yield from filter(None, [text[start:].strip()])


def _depth(text: str) -> int:
    """Return the number of open brackets at the end of a text."""
    return sum(text.count(mark) for mark in _OPEN) - sum(text.count(mark) for mark in _CLOSE)


_EACH, _MOST = 0.25, 0.5  # weight of one column in a score, and of all of them
_SURE = 95.0  # score from which two names are the same
_CACHED = 1 << 12
_CONCEPT = PREFIXES["skos"] + "Concept"  # each concept has a scheme as well, which says more
_LINKED = (
    "SELECT DISTINCT named.iri FROM thing JOIN text ON text.thing = thing.id AND text.role = 'linked'"
    " JOIN name ON name.text = text.text JOIN thing AS named ON named.id = name.thing WHERE thing.iri = ?"
    " UNION SELECT value.value FROM thing JOIN has ON has.thing = thing.id JOIN value ON value.id = has.value"
    " WHERE thing.iri = ? AND value.facet <> 'type'"
)


@dataclass(frozen=True)
class CellMeaning:
    """Certain meaning of a cell: an entity with its types."""

    iri: str
    types: tuple[str, ...]


class EvidenceScorer:
    """Scorer of candidates by the adjacent cells of a row."""

    def __init__(self, matcher: Matcher, edition: str | None, seconds: float) -> None:
        self._matcher, self._index = matcher, matcher.index
        self._edition, self._seconds = edition, seconds
        self._meaning = lru_cache(_CACHED)(self._meaning_of)
        self._linked_entities = lru_cache(_CACHED)(self._linked_entities_of)

    def score_candidates(self, found: Iterable[Candidate], cells: Sequence[str]) -> list[Candidate]:
        """Return candidates rescored with the evidence of further cells, best first; at most one is a match."""
        scored = [self._scored(one, cells) for one in found]
        scored.sort(key=lambda pair: -pair[0].score)
        agreeing = [(one, values) for one, values in scored if min(values, default=1.0) > 0]
        sure = [one.iri for one, values in agreeing if one.match]
        if not sure:
            named = [one.iri for one, values in agreeing if values and _by_name(one) >= _SURE]
            sure = named if len(named) == 1 else []
        return [replace(one, match=one.iri in sure) for one, _ in scored]

    def _scored(self, one: Candidate, cells: Sequence[str]) -> tuple[Candidate, list[float]]:
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
        by_name = tuple(replace(part, weight=(1 - share) * part.weight) for part in one.parts)
        evidence = tuple(replace(part, weight=share / len(values)) for part in parts)
        return replace(one, score=score, parts=by_name + evidence), values

    def _agreement(self, one: Candidate, cell: str) -> float | None:
        """Return 1 if a cell agrees with a candidate, 0 if it contradicts, None if it is no evidence."""
        meanings = self._meaning(cell)
        around = self._linked_entities(one.iri)
        if any(each.iri == one.iri or each.iri in around for each in meanings):
            return 1.0
        kinds = {kind for kinds in (*around.values(), one.types) for kind in kinds} - {_CONCEPT}
        return 0.0 if meanings and all(kinds.intersection(each.types) for each in meanings) else None

    def _meaning_of(self, cell: str) -> tuple[CellMeaning, ...]:
        """Return the certain meanings of a cell; empty if a part of it has no match."""
        whole = self._certain_match(cell)
        if whole:
            return (whole,)
        return tuple(piece.entity for piece in split_names(cell, self._certain_match) if piece.entity)

    def _certain_match(self, text: str) -> CellMeaning | None:
        found = self._matcher.candidates(text, edition=self._edition, limit=2, seconds=self._seconds)
        return CellMeaning(found[0].iri, found[0].types) if found and found[0].match else None

    def _linked_entities_of(self, iri: str) -> dict[str, tuple[str, ...]]:
        """Return the entities linked from an entity, with their types."""
        return {
            served_iri(other): _types(self._index, other)
            for (other,) in self._index.rows(_LINKED, [canonical_iri(iri)] * 2)
        }


def _types(index: Index, iri: str) -> tuple[str, ...]:
    rows = index.rows("SELECT id FROM thing WHERE iri = ?", (iri,))
    return index.types_of(rows[0][0]) if rows else ()


def _by_name(one: Candidate) -> float:
    """Return the score of a candidate by its name only."""
    share = sum(part.weight for part in one.parts if part.name == "evidence")
    gained = sum(part.weight * part.value for part in one.parts if part.name == "evidence")
    return (one.score - 100 * gained) / (1 - share)


# Columns added for each candidate, in this order.
COLUMNS = ("iri", "label", "score", "match", "reason")
# Type for a paragraph: measures with similar texts are found.
TEXT, ANY = "text", "any"
# Short names of classes; every class can also be given by its own name.
KINDS = {
    "organization": "formal-organization",
    "budget": "budget-programme",
    "document": "reference-document",
    "entity": "named-entity",
    "place": "administrative-area",
}
LEAST, LEAST_OF_TEXTS = (
    40.0,
    10.0,
)  # default minimum scores, below which names, or texts, share little more than grammar


@dataclass(frozen=True)
class Task:
    """Parameters of a matching task: type of the entities, number of candidates, language of the output.

    Candidates with a score below `least` are left out.
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


SECONDS = 30.0  # time limit for one text; the longest takes a fraction of a second
MATCH, REASON = COLUMNS.index("match"), COLUMNS.index("reason")
_CLOSE_SCORE = 90.0  # score from which a whole cell is one name rather than several
_LOOKED_AT = 20  # minimum number of candidates that evidence is applied to
_CACHED_CANDIDATES = 1 << 12
# A complete law number; without a match, the graph does not have the law.
_LAW_NUMBER = re.compile(r"(?:明治|大正|昭和|平成|令和)(?:元|\d+)年(?:法律|政令)第?\d+号")
_REMARK = re.compile("\\s*[(\uff08][^()\uff08\uff09]*[)\uff09]\\s*$")
_YES, _NO = "true", "false"

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """Text of a row to match, and its cells in the further columns."""

    text: str
    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class AbsentEntity:
    """Entity with a registered name or a law number that the graph does not have."""

    name: str

    def message(self, lang: str) -> str:
        """Return the message in a language."""
        return f"「{self.name}」はこのグラフにない" if lang == "ja" else f"“{self.name}” is not in this graph"


class CellMatcher:
    """Matcher of rows in an index."""

    def __init__(self, index: Index, task: Task) -> None:
        self._matcher, self._task = Matcher(index), task
        self._evidence = EvidenceScorer(self._matcher, task.edition, SECONDS)
        self._cached_match = lru_cache(_CACHED_CANDIDATES)(self._match_or_absent)

    def all(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Cells]]:
        """Yield each row with the cells to add."""
        for row in rows:
            yield row, self._cells(row)

    def _cells(self, row: Row) -> Cells:
        task = self._task
        if task.type == TEXT:
            groups = [_cells_of(found, task.lang) for found in self._resembling(row.text)]
        else:
            found = self._found(row.text, row.further)
            match = bool(found) and found[0].match
            groups = [_cells_of(one, task.lang) for one in found if self._is_wanted(one)]
            if not match and (absent := self._absent(row.text)):
                groups = [["", "", "", "", absent.message(task.lang)]]
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
            return []  # a paragraph is never a certain match
        found = self._matcher.resembles(text, edition=task.edition, limit=task.candidates, seconds=SECONDS)
        return [one for one in found if one.score >= task.least]

    def _found(self, text: str, further: Sequence[str] = ()) -> list[Candidate]:
        task = self._task
        kind = None if task.type == ANY else task.type
        limit = max(task.candidates, _LOOKED_AT) if further else task.candidates
        found = self._matcher.candidates(text, type=kind, edition=task.edition, limit=limit, seconds=SECONDS)
        return self._evidence.score_candidates(found, further)[: task.candidates] if further else found

    def _match_or_absent(self, text: str) -> Candidate | AbsentEntity | None:
        found = self._found(text)
        return found[0] if found and found[0].match else self._absent(text)

    def _pieces(self, row: Row, found: Sequence[Candidate]) -> list[NamePart[Candidate | AbsentEntity]]:
        """Return the names in a cell, unless it is rather a single misspelt name."""
        match: Callable[[str], Candidate | AbsentEntity | None] = self._cached_match
        pieces: list[NamePart[Candidate | AbsentEntity]] = split_names(row.text, match)
        whole = bool(found) and found[0].score >= _CLOSE_SCORE
        if whole and sum(piece.entity is not None for piece in pieces) < 2:
            return []
        return pieces

    def _several(self, pieces: Sequence[NamePart[Candidate | AbsentEntity]]) -> list[str]:
        """Return several names as one group of cells: a match if each name is a certain match."""
        lang = self._task.lang
        found = {piece.entity.iri: piece.entity for piece in pieces if isinstance(piece.entity, Candidate)}
        cells_by_entity = [_cells_of(entity, lang) for entity in found.values()]
        reasons = [f"{_quoted(piece.text, lang)}{_reason(piece.entity, lang)}" for piece in pieces]
        if not found:
            return ["", "", "", "", _joined(reasons, lang)]
        score = min(entity.score for entity in found.values())
        match = _YES if all(isinstance(piece.entity, Candidate) for piece in pieces) else _NO
        joined = [BETWEEN.join(cells[place] for cells in cells_by_entity) for place in (0, 1)]
        return [*joined, f"{score:.1f}", match, _joined(reasons, lang)]

    def _absent(self, text: str) -> AbsentEntity | None:
        """Return the registered entity that a text names, if the graph does not have it."""
        if self._task.type not in ("law", ANY):
            return None
        number = _LAW_NUMBER.fullmatch("".join(text.split()))
        short = _REMARK.sub("", text)
        name = self._matcher.full_name(text) or self._matcher.full_name(short) or (number[0] if number else "")
        found = self._found(name) if name else []
        return AbsentEntity(name) if name and not (found and found[0].match) else None


def _reason(entity: Candidate | AbsentEntity | None, lang: str) -> str:
    if isinstance(entity, Candidate):
        return f": {reason_of(entity.parts, lang)}"
    if entity:
        return f": {entity.message(lang)}"
    return "に当たるものなし" if lang == "ja" else " is not found"


def _cells_of(found: Candidate | SimilarEntity, lang: str) -> list[str]:
    """Return a candidate as cells; a similar text has no match value, since that is for people to judge."""
    label = (found.label_ja or found.label_en) if lang == "ja" else (found.label_en or found.label_ja)
    match = (_YES if found.match else _NO) if isinstance(found, Candidate) else ""
    return [found.iri, label, f"{found.score:.1f}", match, reason_of(found.parts, lang)]


def reason_of(parts: Iterable[ScorePart], lang: str) -> str:
    """Return the reasons of a score in a language."""
    return _joined([part.reason_ja if lang == "ja" else part.reason_en for part in parts], lang)


def _joined(reasons: Iterable[str], lang: str) -> str:
    return ("。" if lang == "ja" else "; ").join(dict.fromkeys(reason for reason in reasons if reason))


def _quoted(text: str, lang: str) -> str:
    return f"「{text}」" if lang == "ja" else f"“{text}”"
