"""Finds which thing a name means, and says why.

What shares the rarest pairs of characters with the name is looked at closely; what has the same key, or the number, is
looked at in any case. A match is claimed only where the score is high and the next candidate is clearly behind: both
limits were set on one half of a labelled sample and measured on the other (`tests/bench/matching.py`).
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from kg.rebasing import canonical_iri, served_iri
from kg.search.finding import types_of
from kg.search.gathering import NUMBER, TYPE
from kg.search.index import Index
from kg.search.resembling import resembling
from kg.search.results import Candidate, Part, Resembling
from kg.search.scoring import Comparison, Name, number_key

MATCH_SCORE, MATCH_MARGIN = 88.0, 4.0
_CLOSE = 40  # names whose words are compared
_MORE = 3  # of them, so many more than are asked for are compared letter by letter
_NUMBER_ALONE = 60.0  # what a number counts that stands before another name
_BUDGET = 20_000  # entries of the index that one name may cost
_RAREST = 4  # pairs that are looked up whatever they cost
_LONGEST = 500  # characters of a name
_KEPT = 100_000  # weights at hand
EDITION = "edition"
# A number at the beginning, as a list prints it: 01-05, 施策番号 1-5, No.3
_NUMBERED = re.compile(r"(?:施策|番号|no\.?|number|measure|第|#|\s)*(\d{1,3}(?:[-‐–−ー.]\d{1,3})+)[\s.、:)]*")


@dataclass(frozen=True, slots=True)
class _Near:
    """A name of a thing that is near to what was asked; without `asked` it is the number of the thing."""

    thing: int
    score: float
    name: Name
    asked: Name | None = None


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
        folded = self.index.folding.text(text[:_LONGEST])
        only, values = self._only(type, edition)
        best: dict[int, _Near] = {}
        for near in self._compared(text, folded, limit, only, values, deadline):
            known = best.get(near.thing)
            if known is None or near.score > known.score:
                best[near.thing] = near
        ranked = sorted(best.values(), key=lambda near: (-near.score, near.thing))
        second = ranked[1].score if len(ranked) > 1 else 0.0
        sure = bool(ranked) and ranked[0].score >= MATCH_SCORE and ranked[0].score - second >= MATCH_MARGIN
        return [self._candidate(near, sure and near is ranked[0]) for near in ranked[:limit]]

    def resembles(
        self, text: str, *, type: str = "measure", edition: str | None = None, limit: int = 5, seconds: float = 5.0
    ) -> list[Resembling]:
        """Return the things whose names and texts a paragraph resembles, with the words that carried the score."""
        only, values = self._only(type, edition)
        return resembling(self.index, text, only, values, limit, time.monotonic() + seconds)

    def _compared(
        self, text: str, folded: str, limit: int, only: str, values: Sequence[object], deadline: float
    ) -> list[_Near]:
        """Return the near names with their scores."""
        found = []
        number = _NUMBERED.match(folded)
        asked = Name.of(text, folded[number.end() :] if number else folded)
        if number:
            numbered = self._same("key = ?", [number_key(number[1])], only, values, deadline)
            found += [_Near(thing, _NUMBER_ALONE if asked.key else 100.0, name) for thing, name in numbered]
        if whole := number_key(folded):
            numbered = self._same("key = ? AND role = ?", [whole, NUMBER], only, values, deadline)
            found += [_Near(thing, 100.0, name) for thing, name in numbered]
        if asked.key:
            same = self._same("key = ?", [asked.key], only, values, deadline)
            same += self._same("bare = ?", [asked.bare], only, values, deadline) if asked.bare else []
            near = self._near(asked, only, values, deadline)
            near.sort(key=lambda one: -self._comparison.words(asked, one[1]))
            for thing, name in {
                (thing, name.text): (thing, name) for thing, name in same + near[: limit + _MORE]
            }.values():
                found.append(_Near(thing, self._comparison.score(asked, name), name, asked))
        return found

    def _same(
        self, condition: str, wanted: list[str], only: str, values: Sequence[object], deadline: float
    ) -> list[tuple[int, Name]]:
        sql = f"SELECT thing, text, folded FROM name WHERE {condition} {only} ORDER BY id LIMIT {_CLOSE}"
        rows = self.index.rows(sql, [*wanted, *values], deadline)
        return [(thing, self._form(text, folded)) for thing, text, folded in rows]

    def _near(self, asked: Name, only: str, values: Sequence[object], deadline: float) -> list[tuple[int, Name]]:
        """Return the things and names that share the weightiest pairs with a name."""
        rare = self._rarest(asked.features)
        if not rare:
            return []
        each = " UNION ALL ".join(["SELECT rowid AS id, ? AS weight FROM grams WHERE grams MATCH ?"] * len(rare))
        sql = (
            f"SELECT thing, text, folded FROM (SELECT id, SUM(weight) AS shared FROM ({each}) GROUP BY id)"
            f" JOIN name USING (id) WHERE TRUE {only}"
            f" ORDER BY shared / (LENGTH(key) + {len(asked.key)}) DESC, id LIMIT {_CLOSE}"
        )
        grams = [value for gram in rare for value in (self._weight(gram), f'"{gram}"')]
        rows = self.index.rows(sql, [*grams, *values], deadline)
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
        types, text = types_of(self.index.rows, near.thing), near.name.text
        if near.asked:
            parts = self._comparison.parts(near.asked, near.name)
        else:
            parts = (Part("number", near.score / 100, 1.0, f"番号 {text}", f"number {text}"),)
        return Candidate(served_iri(iri), ja, en, description, types, round(near.score, 1), match, parts, text)
