"""The same thing in several editions: the newest one is meant, and the earlier ones are told beside it.

A thing of an edition takes the place of an earlier one where the graph says so of these two alone, or where both are
called the same. What has no edition, such as an organization, stands by itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from kg.core.iris import canonical_iri, served_iri
from kg.search.index import Index
from kg.search.index_builder import EDITION
from kg.search.results import Part, Resembling

_KEPT = 1 << 14
_FARTHEST = 100  # steps from a thing to an earlier one
_LATER = "SELECT thing FROM earlier WHERE earlier = ? LIMIT 2"
_EARLIER = "SELECT earlier FROM earlier WHERE thing = ? ORDER BY earlier"

# What things are called the same by: the key of a name, and their types.
Called = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Chosen:
    """Things that stand for all that were found: for each the one that was found, and the earlier editions it is in.

    `found` differs from the thing where an earlier one was found, whose place the thing takes.
    """

    found: dict[int, int] = field(default_factory=dict)
    earlier: dict[int, set[int]] = field(default_factory=dict)


class Editions:
    """The editions of an index, by their ranks: 0 is the newest."""

    def __init__(self, index: Index) -> None:
        self._index = index
        order = index.rows("SELECT value FROM meta WHERE key = 'editions'")
        self._iris = order[0][0].split() if order else []
        self._ranks = {iri: rank for rank, iri in enumerate(self._iris)}
        self.rank = lru_cache(_KEPT)(self._rank_of)
        self.later = lru_cache(_KEPT)(self._later_of)

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self._iris) > 1

    @property
    def count(self) -> int:
        """How many there are; one at least."""
        return max(1, len(self._iris))

    def iri(self, thing: int) -> str:
        """Return the edition of a thing; empty where it has none."""
        rank = self.rank(thing)
        return "" if rank is None else served_iri(self._iris[rank])

    def chosen(self, scores: Mapping[int, float], called: Mapping[int, Called]) -> Chosen:
        """Return which of the things with these scores stand for the others, the newest."""
        ranks = {thing: rank for thing in scores if (rank := self.rank(thing)) is not None}
        newest: dict[Called, int] = {}
        for thing, rank in ranks.items():
            newest[called[thing]] = min(rank, newest.get(called[thing], rank))
        chosen = Chosen()
        for thing in scores:
            instead = [thing]
            if thing in ranks and ranks[thing] > newest[called[thing]]:
                same = [one for one in ranks if called[one] == called[thing]]
                instead = [one for one in same if ranks[one] == newest[called[thing]]]
            for one in {self.later(other) for other in instead}:
                if one not in chosen.found or _better(thing, chosen.found[one], one, scores):
                    chosen.found[one] = thing
                chosen.earlier.setdefault(one, set()).update({ranks[thing]} if thing in ranks else ())
        return chosen

    def newest(self, found: Sequence[Resembling]) -> Iterator[Resembling]:
        """Yield of things that resemble a text, the best first, those whose place no other takes that resembles it.

        What is called as one of a newer edition is, or was replaced by one, is left out.
        """
        things = {one.iri: self._thing_of(one.iri) for one in found}
        called = {things[one.iri]: (one.label_ja or one.label_en, one.types) for one in found}
        chosen = self.chosen({things[one.iri]: one.score for one in found}, called)
        for one in found:
            thing = things[one.iri]
            if thing in chosen.found:
                _, told = self.part(thing, chosen.earlier[thing])
                yield replace(one, parts=(*one.parts, *([told] if told else [])))

    def _thing_of(self, iri: str) -> int:
        rows = self._index.rows("SELECT id FROM thing WHERE iri = ?", (canonical_iri(iri),))
        return int(rows[0][0])

    def part(self, thing: int, earlier: Iterable[int]) -> tuple[tuple[str, ...], Part | None]:
        """Return the earlier editions that a thing is in, and how that is told; without a part where nothing is."""
        rank = self.rank(thing)
        if rank is None or not self.several:
            return (), None
        ranks = {*earlier, *(one for other in self._before(thing) if (one := self.rank(other)) is not None)} - {rank}
        iris = tuple(served_iri(self._iris[one]) for one in sorted(ranks) if one > rank)
        keys = [iri.rpartition("/")[2] for iri in (self.iri(thing), *iris)]
        if rank:
            ja, en = f"{'、'.join(keys)}にあり、最新の版にない", f"in {', '.join(keys)}, not in the newest edition"
            return iris, Part(EDITION, 1.0, 0.0, ja, en)
        if not iris:
            return (), None
        return iris, Part(EDITION, 1.0, 0.0, f"{'、'.join(keys[1:])}にもある", f"also in {', '.join(keys[1:])}")

    def _before(self, thing: int) -> Iterator[int]:
        """Yield what a thing takes the place of, one after the other."""
        ahead, seen = [thing], {thing}
        while ahead and len(seen) < _FARTHEST:
            for (other,) in self._index.rows(_EARLIER, (ahead.pop(),)):
                if other not in seen:
                    seen.add(other)
                    ahead.append(other)
                    yield other

    def _later_of(self, thing: int) -> int:
        """Return what takes the place of a thing at last; itself where nothing does, or where it was split."""
        seen = {thing}
        while len(rows := self._index.rows(_LATER, (thing,))) == 1 and rows[0][0] not in seen:
            thing = rows[0][0]
            seen.add(thing)
        return thing

    def _rank_of(self, thing: int) -> int | None:
        sql = "SELECT value.value FROM has JOIN value ON value.id = has.value WHERE has.thing = ? AND facet = ?"
        ranks = [self._ranks[iri] for (iri,) in self._index.rows(sql, (thing, EDITION)) if iri in self._ranks]
        return min(ranks, default=None)


def _better(thing: int, known: int, one: int, scores: Mapping[int, float]) -> bool:
    """Whether what was found stands for a thing rather than what is known to: by its score, or as the thing itself."""
    return (scores[thing], thing == one) > (scores[known], known == one)
