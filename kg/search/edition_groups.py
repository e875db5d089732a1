"""Grouping of the same entity in several editions: the newest one represents the earlier ones.

An entity of an edition replaces an earlier one if the graph states it one to one, or if both have the same name. An
entity without an edition, such as an organization, is a group of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from kg.core.iris import canonical_iri, served_iri
from kg.search.index import Index
from kg.search.index_builder import EDITION
from kg.search.results import ScorePart, SimilarEntity

_CACHED = 1 << 14
_FARTHEST = 100  # steps from an entity to earlier ones
_LATER = "SELECT thing FROM earlier WHERE earlier = ? LIMIT 2"
_EARLIER = "SELECT earlier FROM earlier WHERE thing = ? ORDER BY earlier"

# Criteria for the same name: the key of the name, and the types.
NameAndTypes = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class EditionChoice:
    """Representatives of the found entities: for each the entity that was found, and its earlier editions.

    `found` maps a representative to the entity that was found, which may be an earlier one that it replaces.
    """

    found: dict[int, int] = field(default_factory=dict)
    earlier: dict[int, set[int]] = field(default_factory=dict)


class EditionGroups:
    """Editions of an index by rank (0 is the newest), with the groups of their entities."""

    def __init__(self, index: Index) -> None:
        self._index = index
        order = index.rows("SELECT value FROM meta WHERE key = 'editions'")
        self._iris = order[0][0].split() if order else []
        self._ranks = {iri: rank for rank, iri in enumerate(self._iris)}
        self.rank = lru_cache(_CACHED)(self._rank_of)
        self.later = lru_cache(_CACHED)(self._later_of)

    @property
    def several(self) -> bool:
        """True if there is more than one."""
        return len(self._iris) > 1

    @property
    def count(self) -> int:
        """Number of editions; at least one."""
        return max(1, len(self._iris))

    def iri(self, thing: int) -> str:
        """Return the edition of an entity; empty if it has none."""
        rank = self.rank(thing)
        return "" if rank is None else served_iri(self._iris[rank])

    def chosen(self, scores: Mapping[int, float], names: Mapping[int, NameAndTypes]) -> EditionChoice:
        """Return the newest representatives of the entities with these scores."""
        ranks = {thing: rank for thing in scores if (rank := self.rank(thing)) is not None}
        newest: dict[NameAndTypes, int] = {}
        for thing, rank in ranks.items():
            newest[names[thing]] = min(rank, newest.get(names[thing], rank))
        chosen = EditionChoice()
        for thing in scores:
            instead = [thing]
            if thing in ranks and ranks[thing] > newest[names[thing]]:
                same = [one for one in ranks if names[one] == names[thing]]
                instead = [one for one in same if ranks[one] == newest[names[thing]]]
            for one in {self.later(other) for other in instead}:
                if one not in chosen.found or _is_better(thing, chosen.found[one], one, scores):
                    chosen.found[one] = thing
                chosen.earlier.setdefault(one, set()).update({ranks[thing]} if thing in ranks else ())
        return chosen

    def newest(self, found: Sequence[SimilarEntity]) -> Iterator[SimilarEntity]:
        """Yield the similar entities that are not replaced by another one in the list, best first.

        An entity is left out if one of a newer edition has the same name or replaces it.
        """
        things = {one.iri: self._thing_of(one.iri) for one in found}
        names = {things[one.iri]: (one.label_ja or one.label_en, one.types) for one in found}
        chosen = self.chosen({things[one.iri]: one.score for one in found}, names)
        for one in found:
            thing = things[one.iri]
            if thing in chosen.found:
                _, part = self.part(thing, chosen.earlier[thing])
                yield replace(one, parts=(*one.parts, *([part] if part else [])))

    def _thing_of(self, iri: str) -> int:
        rows = self._index.rows("SELECT id FROM thing WHERE iri = ?", (canonical_iri(iri),))
        return int(rows[0][0])

    def part(self, thing: int, earlier: Iterable[int]) -> tuple[tuple[str, ...], ScorePart | None]:
        """Return the earlier editions of an entity, and the score part that reports them, if any."""
        rank = self.rank(thing)
        if rank is None or not self.several:
            return (), None
        ranks = {*earlier, *(one for other in self._before(thing) if (one := self.rank(other)) is not None)} - {rank}
        iris = tuple(served_iri(self._iris[one]) for one in sorted(ranks) if one > rank)
        keys = [iri.rpartition("/")[2] for iri in (self.iri(thing), *iris)]
        if rank:
            ja, en = f"{'、'.join(keys)}にあり、最新の版にない", f"in {', '.join(keys)}, not in the newest edition"
            return iris, ScorePart(EDITION, 1.0, 0.0, ja, en)
        if not iris:
            return (), None
        return iris, ScorePart(EDITION, 1.0, 0.0, f"{'、'.join(keys[1:])}にもある", f"also in {', '.join(keys[1:])}")

    def _before(self, thing: int) -> Iterator[int]:
        """Yield the entities that an entity replaces, directly or indirectly."""
        ahead, seen = [thing], {thing}
        while ahead and len(seen) < _FARTHEST:
            for (other,) in self._index.rows(_EARLIER, (ahead.pop(),)):
                if other not in seen:
                    seen.add(other)
                    ahead.append(other)
                    yield other

    def _later_of(self, thing: int) -> int:
        """Return the last replacement of an entity; itself if it has none, or if it was split."""
        seen = {thing}
        while len(rows := self._index.rows(_LATER, (thing,))) == 1 and rows[0][0] not in seen:
            thing = rows[0][0]
            seen.add(thing)
        return thing

    def _rank_of(self, thing: int) -> int | None:
        sql = "SELECT value.value FROM has JOIN value ON value.id = has.value WHERE has.thing = ? AND facet = ?"
        ranks = [self._ranks[iri] for (iri,) in self._index.rows(sql, (thing, EDITION)) if iri in self._ranks]
        return min(ranks, default=None)


def _is_better(thing: int, current: int, one: int, scores: Mapping[int, float]) -> bool:
    """True if a found entity is a better one for a representative than the current one: by score, or by identity."""
    return (scores[thing], thing == one) > (scores[current], current == one)
