"""Finds which thing a name means, and says why.

What shares the rarest pairs of characters with the name is looked at closely; what has the same key, or the number, is
looked at in any case. A match is claimed only where the score is high and the next candidate is clearly behind: both
limits were set on one half of a labelled sample and measured on the other (`tests/bench/matching.py`).

What somebody asks for by a name, taken apart: a number before it, the name, a remark in brackets behind it.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from kg.core.iris import served_iri
from kg.search.edition_groups import Editions
from kg.search.index import Index
from kg.search.name_index import Allowed, Names, resembling
from kg.search.normalizer import ShortNames, key
from kg.search.results import Candidate, Part, Resembling
from kg.search.scorer import Comparison, Name, number_key
from kg.search.searcher import types_of

# A number at the beginning, as a list prints it: 01-05, 施策番号 1-5, No.3-2
_NUMBERED = re.compile(r"(?:施策|番号|no\.?|number|measure|第|#|\s)*(\d{1,3}(?:[-‐–−ー.]\d{1,3})+)[\s.、:)]*")
_REMARK = re.compile(r"\s*[(\[【〔<]([^()\[\]【】〔〕<>]{1,40})[)\]】〕>]$")


@dataclass(frozen=True, slots=True)
class Asked:
    """A name that was asked for, in the forms in which it can be meant.

    `name` is what stands behind the number; its key is empty where there is nothing else. `bracketed` is what stands in
    brackets at its end, and `short` the name without that. `number` and `whole` are keys of numbers: the one in front,
    and the whole text as one; empty where it is none.
    """

    name: Name
    short: Name | None
    bracketed: str
    number: str
    whole: str

    @classmethod
    def of(cls, text: str, folded: str) -> "Asked":
        """Take a text apart, given its folded form."""
        number = _NUMBERED.match(folded)
        rest = folded[number.end() :] if number else folded
        remark = _REMARK.search(rest)
        short = Name.of(text, rest[: remark.start()]) if remark else None
        return cls(
            Name.of(text, rest),
            short if short and short.key else None,
            remark[1] if remark else "",
            number_key(number[1]) if number else "",
            number_key(folded),
        )

    @property
    def remark(self) -> bool:
        """Whether the brackets hold a remark: words, and no year or number, which may tell two things apart."""
        return bool(self.short) and not re.search(r"\d", self.bracketed)


MATCH_SCORE, MATCH_MARGIN = 90.0, 5.0
_MORE = 3  # of them, so many more than are asked for are compared letter by letter
_NUMBER_WEIGHT = 0.4  # what a number counts that stands beside a name
_REMARK_WEIGHT = 0.05  # what it counts that a remark was left out
_LONGEST = 500  # characters of a name
_KEPT = 1 << 14  # things at hand


@dataclass(frozen=True, slots=True)
class _Near:
    """A name of a thing that is near to what was asked, with its score.

    `thing` may take the place of an earlier one that has the name, `earlier` are the ranks of its earlier editions.
    `asked` is the form that was compared, None where the number alone was asked. `numbered` says that the number that
    was given is the thing's own, `remark` which words were left out to compare, `short` the short name that was
    asked.
    """

    thing: int
    score: float
    name: Name
    asked: Name | None = None
    numbered: bool = False
    remark: str = ""
    short: str = ""
    earlier: frozenset[int] = frozenset()
    formerly: bool = False


class Matcher:
    """Matches names with the things of an index; several threads may use one."""

    def __init__(self, index: Index) -> None:
        self.index = index
        short_names = ShortNames.read().full
        self._full = {key(index.folding.text(short)): full for short, full in short_names.items()}
        self._names, self._editions = Names(index), Editions(index)
        self._thing = lru_cache(_KEPT)(self._thing_of)
        self._comparison = Comparison(index.characters.alike, self._names.weight)

    def candidates(
        self, text: str, *, type: str | None = None, edition: str | None = None, limit: int = 5, seconds: float = 2.0
    ) -> list[Candidate]:
        """Return what a name may mean, the best first.

        `type` is a class or a scheme, by its IRI or its last part (`measure`); `edition` an edition by its IRI: what
        belongs to no edition, such as an organization, is in each. Without an edition the newest is meant: a thing that
        takes the place of an earlier one stands for it. Raises SearchTimeout after `seconds`.
        """
        deadline = time.monotonic() + seconds
        asked = Asked.of(text, self.index.folding.text(text[:_LONGEST]))
        best: dict[int, _Near] = {}
        looked_at = limit * (1 if edition else self._editions.count)
        for near in self._compared(asked, looked_at, self._names.allowed(type, edition), deadline):
            known = best.get(near.thing)
            if known is None or near.score > known.score:
                best[near.thing] = near
        if self._editions.several and not edition:
            best = self._newest(best)
        rank = self._editions.rank
        ranked = sorted(best.values(), key=lambda near: (-near.score, rank(near.thing) or 0, near.thing))
        newest = [near for near in ranked if near is ranked[0] or not rank(near.thing)]
        sure = bool(ranked) and _sure(ranked if edition else newest)
        return [self._candidate(near, sure and near is ranked[0]) for near in ranked[:limit]]

    def _newest(self, found: Mapping[int, _Near]) -> dict[int, _Near]:
        """Return what was found with the newest things instead of those whose place they take."""
        scores = {thing: near.score for thing, near in found.items()}
        called = {thing: (near.name.key, self._thing(thing)[-1]) for thing, near in found.items()}
        chosen = self._editions.chosen(scores, called)
        newest = {}
        for thing, other in chosen.found.items():
            near = found[other]
            if near.asked is None:  # a number may be that of another thing in another edition
                newest[thing] = replace(near, thing=thing, formerly=thing != other)
            else:
                earlier, formerly = frozenset(chosen.earlier[thing]), self._renamed(thing, other)
                newest[thing] = replace(near, thing=thing, earlier=earlier, formerly=formerly)
        return newest

    def _renamed(self, thing: int, other: int) -> bool:
        """Whether a thing was found by an earlier one that is called otherwise."""
        return thing != other and self._thing(thing)[1:3] != self._thing(other)[1:3]

    def count(self, type: str | None = None, edition: str | None = None) -> int:
        """Return how many things a name is looked for among."""
        allowed = self._names.allowed(type, edition)
        if allowed is None:
            return int(self.index.rows("SELECT COUNT(*) FROM thing")[0][0])
        return sum(byte.bit_count() for byte in allowed)

    def full_name(self, text: str) -> str:
        """Return the full name of what is known by this name, short or full, whether the graph has it or not."""
        return self._full.get(key(self.index.folding.text(text)), "")

    def resembles(
        self, text: str, *, type: str = "measure", edition: str | None = None, limit: int = 5, seconds: float = 5.0
    ) -> list[Resembling]:
        """Return the things whose names and texts a paragraph resembles, with the words that carried the score."""
        allowed, deadline = self._names.allowed(type, edition), time.monotonic() + seconds
        if edition or not self._editions.several:
            return resembling(self.index, text, allowed, limit, deadline)
        found = resembling(self.index, text, allowed, limit * self._editions.count, deadline)
        return [one for _, one in zip(range(limit), self._editions.newest(found), strict=False)]

    def _compared(self, asked: Asked, limit: int, allowed: Allowed, deadline: float) -> list[_Near]:
        """Return the near names with their scores."""
        found = [
            _Near(thing, 100.0, name) for thing, name in self._names.numbered(asked.whole, allowed, deadline).items()
        ]
        numbered = self._names.numbered(asked.number, allowed, deadline)
        if numbered and not asked.name.key:
            return [_Near(thing, 100.0, name) for thing, name in numbered.items()]
        forms = [(asked.name, numbered, "")] if asked.name.key else []
        if asked.short:
            in_brackets = self._names.numbered(number_key(asked.bracketed), allowed, deadline)
            forms += [(asked.short, in_brackets, "")] if in_brackets else []
            forms += [(asked.short, numbered, asked.bracketed)] if asked.remark else []
        for form in forms:
            found += self._named(*form, limit, allowed, deadline)
        full = self._full.get(asked.name.key)
        if full:
            name = Name.of(full, self.index.folding.text(full))
            same = [near for near in self._named(name, {}, "", limit, allowed, deadline) if near.name.key == name.key]
            found += [replace(near, short=asked.name.text) for near in same]
        return found

    def _named(
        self, asked: Name, numbered: Mapping[int, Name], remark: str, limit: int, allowed: Allowed, deadline: float
    ) -> list[_Near]:
        """Return what is called like a name, among it the things whose number was given."""
        near, words = self._names.near(asked, allowed), self._comparison.words
        near.sort(key=lambda one: words(asked, one[1]), reverse=True)
        names = self._names.same(asked, allowed, deadline) + near[: limit + _MORE]
        for thing in numbered:
            names += self._names.of(thing, deadline)
        found = []
        for thing, name in {(thing, name.text): (thing, name) for thing, name in names}.values():
            score = self._comparison.score(asked, name)
            score = 100 * _NUMBER_WEIGHT + (1 - _NUMBER_WEIGHT) * score if thing in numbered else score
            score = (1 - _REMARK_WEIGHT) * score if remark else score
            found.append(_Near(thing, score, name, asked, thing in numbered, remark))
        return found

    def _thing_of(self, thing: int) -> tuple[str, str, str, str, tuple[str, ...]]:
        """Return IRI, labels, description and types of a thing."""
        sql = "SELECT iri, label_ja, label_en, description FROM thing WHERE id = ?"
        iri, ja, en, description = self.index.rows(sql, (thing,))[0]
        return served_iri(iri), ja, en, description, types_of(self.index.rows, thing)

    def _candidate(self, near: _Near, match: bool) -> Candidate:
        earlier, told = self._editions.part(near.thing, near.earlier)
        parts = (*self._parts(near), *([told] if told else []))
        edition = self._editions.iri(near.thing) if self._editions.several else ""
        score = round(near.score, 1)
        return Candidate(*self._thing(near.thing), score, match, parts, near.name.text, edition, earlier)

    def _parts(self, near: _Near) -> Iterator[Part]:
        """Yield the parts of a score."""
        if near.asked is None:
            yield Part("number", near.score / 100, 1.0, f"番号 {near.name.text}", f"number {near.name.text}")
            return
        if near.formerly:
            ja, en = f"「{near.name.text}」は以前の版での名称", f"called “{near.name.text}” in an earlier edition"
            yield Part("formerly", 0.0, 0.0, ja, en)
        if near.short and near.name.text != near.short:
            yield Part("short", 0.0, 0.0, f"「{near.short}」は略称", f"“{near.short}” is a short name")
        share = 1 - _REMARK_WEIGHT if near.remark else 1.0
        if near.remark:
            ja, en = f"「{near.remark}」を除いて比べた", f"compared without “{near.remark}”"
            yield Part("remark", 0.0, _REMARK_WEIGHT, ja, en)
        if near.numbered:
            yield Part("number", 1.0, share * _NUMBER_WEIGHT, "番号が同じ", "the number is the same")
            share *= 1 - _NUMBER_WEIGHT
        for part in self._comparison.parts(near.asked, near.name):
            yield part if share == 1 else replace(part, weight=share * part.weight)


def _sure(ranked: Sequence[_Near]) -> bool:
    """Whether the first of these is surely what was meant: near enough, far before the next, and of no other number."""
    second = ranked[1].score if len(ranked) > 1 else 0.0
    other_number = not ranked[0].numbered and any(near.numbered for near in ranked)
    return ranked[0].score >= MATCH_SCORE and ranked[0].score - second >= MATCH_MARGIN and not other_number
