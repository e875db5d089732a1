"""Further columns of a user's table as evidence for what a cell names: ministries, pillars, numbers, laws, years.

A cell of such a column is looked up as a name of anything. Where it surely means something that the candidate points
to, or the candidate itself, it agrees; where it means another thing of such a kind, it contradicts. What it means
nothing by, such as a section of a town hall, is no evidence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from kg.core.iris import PREFIXES
from kg.core.rebase import canonical_iri, served_iri
from kg.matching.link.name_splitter import pieces_of
from kg.search import Candidate, Index, Matcher, Part

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
        parts: list[Part] = []
        for cell in cells:
            value = self._agreement(one, cell)
            if value is not None:
                values.append(value)
                ja, en = ("と合う", "agrees") if value else ("と合わない", "contradicts")
                parts.append(Part("evidence", value, 0.0, f"「{cell}」{ja}", f"“{cell}” {en}"))
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
