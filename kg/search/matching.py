"""Finds which thing a name means, and says why.

What shares the rarest pairs of characters with the name is looked at closely; what has the same key, or the number, is
looked at in any case. A match is claimed only where the score is high and the next candidate is clearly behind: both
limits were set on one half of a labelled sample and measured on the other (`tests/bench/matching.py`).
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

from kg.rebasing import canonical_iri, served_iri
from kg.search.asked import Asked
from kg.search.finding import types_of
from kg.search.gathering import NUMBER, TYPE
from kg.search.index import Index
from kg.search.resembling import resembling
from kg.search.results import Candidate, Part, Resembling
from kg.search.scoring import Comparison, Name, number_key

MATCH_SCORE, MATCH_MARGIN = 90.0, 5.0
_CLOSE = 40  # names whose words are compared
_MORE = 3  # of them, so many more than are asked for are compared letter by letter
_NUMBERED = 0.4  # what a number counts that stands beside a name
_REMARK = 0.05  # what it counts that a remark was left out
_BUDGET = 20_000  # entries of the index that one name may cost
_RAREST = 4  # pairs that are looked up whatever they cost
_LONGEST = 500  # characters of a name
_KEPT = 100_000  # weights at hand
EDITION = "edition"


@dataclass(frozen=True, slots=True)
class _Near:
    """A name of a thing that is near to what was asked, with its score.

    `asked` is the form that was compared, None where the number alone was asked. `numbered` says that the number that
    was given is the thing's own, `remark` which words were left out to compare.
    """

    thing: int
    score: float
    name: Name
    asked: Name | None = None
    numbered: bool = False
    remark: str = ""


class Matcher:
    """Matches names with the things of an index; several threads may use one."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._names = max(1, index.rows("SELECT COUNT(*) FROM name")[0][0])
        self._counts: dict[str, int] = {}
        self._weights: dict[str, float] = {}
        self._forms: dict[str, Name] = {}
        self._comparison = Comparison(index.characters.alike, self._weight)

    def candidates(
        self, text: str, *, type: str | None = None, edition: str | None = None, limit: int = 5, seconds: float = 2.0
    ) -> list[Candidate]:
        """Return what a name may mean, the best first.

        `type` is a class or a scheme, by its IRI or its last part (`measure`); `edition` an edition by its IRI: what
        belongs to no edition, such as an organization, is in each. Raises SearchTimeout after `seconds`.
        """
        deadline = time.monotonic() + seconds
        asked = Asked.of(text, self.index.folding.text(text[:_LONGEST]))
        within = _Within(*self._only(type, edition), deadline)
        best: dict[int, _Near] = {}
        for near in self._compared(asked, limit, within):
            known = best.get(near.thing)
            if known is None or near.score > known.score:
                best[near.thing] = near
        ranked = sorted(best.values(), key=lambda near: (-near.score, near.thing))
        sure = bool(ranked) and _sure(ranked)
        return [self._candidate(near, sure and near is ranked[0]) for near in ranked[:limit]]

    def resembles(
        self, text: str, *, type: str = "measure", edition: str | None = None, limit: int = 5, seconds: float = 5.0
    ) -> list[Resembling]:
        """Return the things whose names and texts a paragraph resembles, with the words that carried the score."""
        only, values = self._only(type, edition)
        return resembling(self.index, text, only, values, limit, time.monotonic() + seconds)

    def _compared(self, asked: Asked, limit: int, within: "_Within") -> list[_Near]:
        """Return the near names with their scores."""
        numbers = self._same("key = ? AND role = ?", [asked.whole, NUMBER], within) if asked.whole else []
        found = [_Near(thing, 100.0, name) for thing, name in numbers]
        numbered = dict(self._same("key = ? AND role = ?", [asked.number, NUMBER], within) if asked.number else [])
        if numbered and not asked.name.key:
            return [_Near(thing, 100.0, name) for thing, name in numbered.items()]
        if asked.short and (number := number_key(asked.bracketed)):
            in_brackets = dict(self._same("key = ? AND role = ?", [number, NUMBER], within))
            if in_brackets:
                found += self._named(asked.short, limit, within, in_brackets)
        if asked.name.key:
            found += self._named(asked.name, limit, within, numbered)
        if asked.short and asked.remark:
            found += self._named(asked.short, limit, within, numbered, asked.bracketed)
        return found

    def _named(
        self, asked: Name, limit: int, within: "_Within", numbered: Mapping[int, Name], remark: str = ""
    ) -> list[_Near]:
        """Return what is called like a name, among it the things whose number was given."""
        near = self._near(asked, within)
        near.sort(key=lambda one: -self._comparison.words(asked, one[1]))
        names = self._same("key = ?", [asked.key], within) + near[: limit + _MORE]
        names += self._same("bare = ?", [asked.bare], within) if asked.bare else []
        for thing in numbered:
            names += self._same("thing = ? AND role <> ?", [thing, NUMBER], within)
        found = []
        for thing, name in dict.fromkeys(names):
            score = self._comparison.score(asked, name)
            score = 100 * _NUMBERED + (1 - _NUMBERED) * score if thing in numbered else score
            found.append(
                _Near(thing, (1 - _REMARK) * score if remark else score, name, asked, thing in numbered, remark)
            )
        return found

    def _same(self, condition: str, wanted: list[object], within: "_Within") -> list[tuple[int, Name]]:
        sql = f"SELECT thing, text, folded FROM name WHERE {condition} {within.only} ORDER BY id LIMIT {_CLOSE}"
        rows = self.index.rows(sql, [*wanted, *within.values], within.deadline)
        return [(thing, self._form(text, folded)) for thing, text, folded in rows]

    def _near(self, asked: Name, within: "_Within") -> list[tuple[int, Name]]:
        """Return the things and names that share the weightiest pairs with a name."""
        rare = self._rarest(asked.features)
        if not rare:
            return []
        each = " UNION ALL ".join(["SELECT rowid AS id, ? AS weight FROM grams WHERE grams MATCH ?"] * len(rare))
        sql = (
            f"SELECT thing, text, folded FROM (SELECT id, SUM(weight) AS shared FROM ({each}) GROUP BY id)"
            f" JOIN name USING (id) WHERE TRUE {within.only}"
            f" ORDER BY shared / (LENGTH(key) + {len(asked.key)}) DESC, id LIMIT {_CLOSE}"
        )
        grams = [value for gram in rare for value in (self._weight(gram), f'"{gram}"')]
        rows = self.index.rows(sql, [*grams, *within.values], within.deadline)
        return [(thing, self._form(text, folded)) for thing, text, folded in rows]

    def _form(self, text: str, folded: str) -> Name:
        """Return the forms of a name of the index; those asked for lately are at hand."""
        form = self._forms.get(text)
        if form is None:
            if len(self._forms) >= _KEPT:
                self._forms = {}
            self._forms[text] = form = Name.of(text, folded)
        return form

    def _rarest(self, grams: frozenset[str]) -> list[str]:
        """Return the pairs to look up: the rarest, as many as the budget allows."""
        ranked = sorted((gram for gram in grams if self._count(gram)), key=lambda gram: (self._count(gram), gram))
        found, cost = list[str](), 0
        for gram in ranked:
            cost += self._count(gram)
            if len(found) >= _RAREST and cost > _BUDGET:
                break
            found.append(gram)
        return found

    def _only(self, type: str | None, edition: str | None) -> tuple[str, list[object]]:
        """Return the condition that narrows names to a type and an edition, and its values."""
        sql, values = "", list[object]()
        if type:
            numbers = self.index.chosen(TYPE, [type])
            sql += f" AND thing IN (SELECT thing FROM has WHERE value IN ({', '.join('?' * len(numbers))}))"
            values += numbers
        if edition:
            others = [n for n, iri in self.index.values(EDITION).items() if iri != canonical_iri(edition)]
            sql += f" AND thing NOT IN (SELECT thing FROM has WHERE value IN ({', '.join('?' * len(others))}))"
            values += others
        return sql, values

    def _count(self, gram: str) -> int:
        """Return how many names hold a pair."""
        count = self._counts.get(gram)
        if count is None:
            rows = self.index.rows("SELECT count FROM gram_count WHERE token = ?", (gram,))
            if len(self._counts) >= _KEPT:
                self._counts = {}
            self._counts[gram] = count = rows[0][0] if rows else 0
        return count

    def _weight(self, gram: str) -> float:
        """Return how much a pair says: the more, the fewer names hold it."""
        weight = self._weights.get(gram)
        if weight is None:
            if len(self._weights) >= _KEPT:
                self._weights = {}
            self._weights[gram] = weight = log(1 + self._names / (1 + self._count(gram)))
        return weight

    def _candidate(self, near: _Near, match: bool) -> Candidate:
        sql = "SELECT iri, label_ja, label_en, description FROM thing WHERE id = ?"
        iri, ja, en, description = self.index.rows(sql, (near.thing,))[0]
        types, parts = types_of(self.index.rows, near.thing), tuple(self._parts(near))
        score = round(near.score, 1)
        return Candidate(served_iri(iri), ja, en, description, types, score, match, parts, near.name.text)

    def _parts(self, near: _Near) -> Iterator[Part]:
        """Yield the parts of a score."""
        if near.asked is None:
            yield Part("number", near.score / 100, 1.0, f"番号 {near.name.text}", f"number {near.name.text}")
            return
        share = 1 - _REMARK if near.remark else 1.0
        if near.remark:
            ja, en = f"「{near.remark}」を除いて比べた", f"compared without “{near.remark}”"
            yield Part("remark", 0.0, _REMARK, ja, en)
        if near.numbered:
            yield Part("number", 1.0, share * _NUMBERED, "番号が同じ", "the number is the same")
            share *= 1 - _NUMBERED
        for part in self._comparison.parts(near.asked, near.name):
            yield replace(part, weight=share * part.weight)


@dataclass(frozen=True, slots=True)
class _Within:
    """What names are narrowed to: a condition and its values; and the moment by which they must be found."""

    only: str
    values: list[object]
    deadline: float


def _sure(ranked: Sequence[_Near]) -> bool:
    """Whether the first of these is surely what was meant: near enough, far before the next, and of no other number."""
    second = ranked[1].score if len(ranked) > 1 else 0.0
    other_number = not ranked[0].numbered and any(near.numbered for near in ranked)
    return ranked[0].score >= MATCH_SCORE and ranked[0].score - second >= MATCH_MARGIN and not other_number
