"""Matcher: finds the entities that a name may mean, with explained scores.

Names that share the rarest character bigrams with the query are compared in detail; names with the same key or number
always are. A match is certain only if its score is high and the next candidate is clearly lower: both thresholds were
set on one half of a labelled sample and evaluated on the other (`tests/bench/matching.py`).
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from kg.core.iris import served_iri
from kg.search.edition_groups import EditionGroups
from kg.search.index import Index
from kg.search.name_index import Allowed, NameIndex, find_similar
from kg.search.normalizer import ShortNames, key
from kg.search.results import Candidate, ScorePart, SimilarEntity
from kg.search.scorer import Comparison, Name, number_key
from kg.search.searcher import types_of

# A number at the beginning, as a list prints it: 01-05, 施策番号 1-5, No.3-2
_NUMBERED = re.compile(r"(?:施策|番号|no\.?|number|measure|第|#|\s)*(\d{1,3}(?:[-‐–−ー.]\d{1,3})+)[\s.、:)]*")
_REMARK = re.compile(r"\s*[(\[【〔<]([^()\[\]【】〔〕<>]{1,40})[)\]】〕>]$")


@dataclass(frozen=True, slots=True)
class QueryName:
    """Parsed query name: an optional leading number, the name, and an optional remark in brackets at its end.

    `name` is the text after the number; its key is empty if there is none. `bracketed` is the text in brackets, and
    `short` the name without it. `number` and `whole` are number keys: of the leading number, and of the whole text;
    empty if it is not a number.
    """

    name: Name
    short: Name | None
    bracketed: str
    number: str
    whole: str

    @classmethod
    def of(cls, text: str, folded: str) -> "QueryName":
        """Parse a text, given its normalized form."""
        number = _NUMBERED.match(folded)
        name = folded[number.end() :] if number else folded
        remark = _REMARK.search(name)
        short = Name.of(text, name[: remark.start()]) if remark else None
        return cls(
            Name.of(text, name),
            short if short and short.key else None,
            remark[1] if remark else "",
            number_key(number[1]) if number else "",
            number_key(folded),
        )

    @property
    def remark(self) -> bool:
        """True if the brackets contain a remark: words without a year or number, which may distinguish entities."""
        return bool(self.short) and not re.search(r"\d", self.bracketed)


MATCH_SCORE, MATCH_MARGIN = 90.0, 5.0
_MORE = 3  # number of names beyond the limit that are compared character by character
_NUMBER_WEIGHT = 0.4  # weight of a number next to a name
_REMARK_WEIGHT = 0.05  # penalty for a remark that was left out
_MAX_LENGTH = 500  # characters of a name
_CACHED = 1 << 14  # cached entities


@dataclass(frozen=True, slots=True)
class _ScoredName:
    """Name of an entity that is similar to the query, with its score.

    `thing` may replace an earlier entity that has the name; `earlier` are the ranks of its earlier editions. `query` is
    the form that was compared, None if only a number was given. `numbered` is whether the given number is that of the
    entity, `remark` the words that were left out of the comparison, `short` the short name that was given.
    """

    thing: int
    score: float
    name: Name
    query: Name | None = None
    numbered: bool = False
    remark: str = ""
    short: str = ""
    earlier: frozenset[int] = frozenset()
    formerly: bool = False


class Matcher:
    """Matcher of names with the entities of an index; thread-safe."""

    def __init__(self, index: Index) -> None:
        self.index = index
        short_names = ShortNames.read().full
        self._full = {key(index.normalizer.text(short)): full for short, full in short_names.items()}
        self._names, self._editions = NameIndex(index), EditionGroups(index)
        self._thing = lru_cache(_CACHED)(self._thing_of)
        self._comparison = Comparison(index.characters.alike, self._names.weight)

    def candidates(
        self, text: str, *, type: str | None = None, edition: str | None = None, limit: int = 5, seconds: float = 2.0
    ) -> list[Candidate]:
        """Return the entities that a name may mean, best first.

        `type` is a class or a scheme, by its IRI or its last part (`measure`); `edition` an edition by its IRI:
        entities without an edition, such as organizations, belong to each. Without an edition the newest one is meant:
        an entity represents the earlier ones that it replaces. Raises SearchTimeout after `seconds`.
        """
        deadline = time.monotonic() + seconds
        query = QueryName.of(text, self.index.normalizer.text(text[:_MAX_LENGTH]))
        best: dict[int, _ScoredName] = {}
        looked_at = limit * (1 if edition else self._editions.count)
        for near in self._scored_names(query, looked_at, self._names.allowed(type, edition), deadline):
            current = best.get(near.thing)
            if current is None or near.score > current.score:
                best[near.thing] = near
        if self._editions.several and not edition:
            best = self._newest(best)
        rank = self._editions.rank
        ranked = sorted(best.values(), key=lambda near: (-near.score, rank(near.thing) or 0, near.thing))
        newest = [near for near in ranked if near is ranked[0] or not rank(near.thing)]
        sure = bool(ranked) and _is_certain(ranked if edition else newest)
        return [self._candidate(near, sure and near is ranked[0]) for near in ranked[:limit]]

    def _newest(self, found: Mapping[int, _ScoredName]) -> dict[int, _ScoredName]:
        """Return the found names with the newest entities in place of those that they replace."""
        scores = {thing: near.score for thing, near in found.items()}
        names = {thing: (near.name.key, self._thing(thing)[-1]) for thing, near in found.items()}
        chosen = self._editions.chosen(scores, names)
        newest = {}
        for thing, other in chosen.found.items():
            near = found[other]
            if near.query is None:  # the same number may be that of another entity in another edition
                newest[thing] = replace(near, thing=thing, formerly=thing != other)
            else:
                earlier, formerly = frozenset(chosen.earlier[thing]), self._renamed(thing, other)
                newest[thing] = replace(near, thing=thing, earlier=earlier, formerly=formerly)
        return newest

    def _renamed(self, thing: int, other: int) -> bool:
        """True if an entity was found by an earlier one with another name."""
        return thing != other and self._thing(thing)[1:3] != self._thing(other)[1:3]

    def count(self, type: str | None = None, edition: str | None = None) -> int:
        """Return the number of entities that names are matched with."""
        allowed = self._names.allowed(type, edition)
        if allowed is None:
            return int(self.index.rows("SELECT COUNT(*) FROM thing")[0][0])
        return sum(byte.bit_count() for byte in allowed)

    def full_name(self, text: str) -> str:
        """Return the full name for a registered short or full name, even if the graph does not have it."""
        return self._full.get(key(self.index.normalizer.text(text)), "")

    def resembles(
        self, text: str, *, type: str = "measure", edition: str | None = None, limit: int = 5, seconds: float = 5.0
    ) -> list[SimilarEntity]:
        """Return the entities with names and texts similar to a paragraph, with the shared words."""
        allowed, deadline = self._names.allowed(type, edition), time.monotonic() + seconds
        if edition or not self._editions.several:
            return find_similar(self.index, text, allowed, limit, deadline)
        found = find_similar(self.index, text, allowed, limit * self._editions.count, deadline)
        return [one for _, one in zip(range(limit), self._editions.newest(found), strict=False)]

    def _scored_names(self, query: QueryName, limit: int, allowed: Allowed, deadline: float) -> list[_ScoredName]:
        """Return the similar names with their scores."""
        found = [
            _ScoredName(thing, 100.0, name)
            for thing, name in self._names.numbered(query.whole, allowed, deadline).items()
        ]
        numbered = self._names.numbered(query.number, allowed, deadline)
        if numbered and not query.name.key:
            return [_ScoredName(thing, 100.0, name) for thing, name in numbered.items()]
        forms = [(query.name, numbered, "")] if query.name.key else []
        if query.short:
            in_brackets = self._names.numbered(number_key(query.bracketed), allowed, deadline)
            forms += [(query.short, in_brackets, "")] if in_brackets else []
            forms += [(query.short, numbered, query.bracketed)] if query.remark else []
        for form in forms:
            found += self._scored_by_name(*form, limit, allowed, deadline)
        full = self._full.get(query.name.key)
        if full:
            name = Name.of(full, self.index.normalizer.text(full))
            same = [
                near
                for near in self._scored_by_name(name, {}, "", limit, allowed, deadline)
                if near.name.key == name.key
            ]
            found += [replace(near, short=query.name.text) for near in same]
        return found

    def _scored_by_name(
        self, query: Name, numbered: Mapping[int, Name], remark: str, limit: int, allowed: Allowed, deadline: float
    ) -> list[_ScoredName]:
        """Return the names similar to a name, including those of the entities with the given number."""
        near, words = self._names.near(query, allowed), self._comparison.words
        near.sort(key=lambda one: words(query, one[1]), reverse=True)
        names = self._names.same(query, allowed, deadline) + near[: limit + _MORE]
        for thing in numbered:
            names += self._names.of(thing, deadline)
        found = []
        for thing, name in {(thing, name.text): (thing, name) for thing, name in names}.values():
            score = self._comparison.score(query, name)
            score = 100 * _NUMBER_WEIGHT + (1 - _NUMBER_WEIGHT) * score if thing in numbered else score
            score = (1 - _REMARK_WEIGHT) * score if remark else score
            found.append(_ScoredName(thing, score, name, query, thing in numbered, remark))
        return found

    def _thing_of(self, thing: int) -> tuple[str, str, str, str, tuple[str, ...]]:
        """Return IRI, labels, description and types of an entity."""
        sql = "SELECT iri, label_ja, label_en, description FROM thing WHERE id = ?"
        iri, ja, en, description = self.index.rows(sql, (thing,))[0]
        return served_iri(iri), ja, en, description, types_of(self.index.rows, thing)

    def _candidate(self, near: _ScoredName, match: bool) -> Candidate:
        earlier, part = self._editions.part(near.thing, near.earlier)
        parts = (*self._parts(near), *([part] if part else []))
        edition = self._editions.iri(near.thing) if self._editions.several else ""
        score = round(near.score, 1)
        return Candidate(*self._thing(near.thing), score, match, parts, near.name.text, edition, earlier)

    def _parts(self, near: _ScoredName) -> Iterator[ScorePart]:
        """Yield the parts of a score."""
        if near.query is None:
            yield ScorePart("number", near.score / 100, 1.0, f"番号 {near.name.text}", f"number {near.name.text}")
            return
        if near.formerly:
            ja, en = f"「{near.name.text}」は以前の版での名称", f"called “{near.name.text}” in an earlier edition"
            yield ScorePart("formerly", 0.0, 0.0, ja, en)
        if near.short and near.name.text != near.short:
            yield ScorePart("short", 0.0, 0.0, f"「{near.short}」は略称", f"“{near.short}” is a short name")
        share = 1 - _REMARK_WEIGHT if near.remark else 1.0
        if near.remark:
            ja, en = f"「{near.remark}」を除いて比べた", f"compared without “{near.remark}”"
            yield ScorePart("remark", 0.0, _REMARK_WEIGHT, ja, en)
        if near.numbered:
            yield ScorePart("number", 1.0, share * _NUMBER_WEIGHT, "番号が同じ", "the number is the same")
            share *= 1 - _NUMBER_WEIGHT
        for part in self._comparison.parts(near.query, near.name):
            yield part if share == 1 else replace(part, weight=share * part.weight)


def _is_certain(ranked: Sequence[_ScoredName]) -> bool:
    """True if the first is a certain match: high score, clear margin to the next, and no other number given."""
    second = ranked[1].score if len(ranked) > 1 else 0.0
    other_number = not ranked[0].numbered and any(near.numbered for near in ranked)
    return ranked[0].score >= MATCH_SCORE and ranked[0].score - second >= MATCH_MARGIN and not other_number
