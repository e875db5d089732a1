"""Finds which thing a name means, and says why: spelling, words, numbers."""

import time
from collections.abc import Sequence
from difflib import SequenceMatcher

from kg.rebasing import served_iri
from kg.search.folding import key
from kg.search.gathering import TYPE
from kg.search.grams import pairs
from kg.search.index import Index
from kg.search.results import Candidate, Part

_LOOKED_AT = 50
_SURE, _MARGIN = 90.0, 5.0


class Matcher:
    """Matches names with the things of an index."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def candidates(
        self, text: str, *, type: str | None = None, edition: str | None = None, limit: int = 5, seconds: float = 2.0
    ) -> list[Candidate]:
        """Return what a name may mean, the best first.

        `type` is a class or a scheme, by its IRI or its last part (`measure`); `edition` an edition by its IRI: what
        belongs to no edition, such as an organization, is in each. Raises SearchTimeout after `seconds`.
        """
        deadline = time.monotonic() + seconds
        wanted = key(self.index.folding.text(text))
        if not wanted:
            return []
        best: dict[int, tuple[float, str]] = {}
        for thing, name, its_key in self._near(wanted, type, deadline):
            score = 100 * SequenceMatcher(None, wanted, its_key, autojunk=False).ratio()
            if score > best.get(thing, (0, ""))[0]:
                best[thing] = (score, name)
        ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:limit]
        return [self._candidate(thing, score, name, ranked) for thing, (score, name) in ranked]

    def _near(self, wanted: str, type: str | None, deadline: float) -> Sequence[tuple[int, str, str]]:
        """Return the things, names and keys that share most with a key."""
        expression = " OR ".join(f'"{pair}"' for pair in dict.fromkeys(pairs(wanted)))
        only, values = "", list[object]([expression])
        if type:
            numbers = self.index.chosen(TYPE, [type])
            values += numbers
            only = f"AND thing IN (SELECT thing FROM has WHERE value IN ({', '.join('?' * len(numbers))}))"
        sql = (
            "SELECT thing, text, key FROM grams JOIN name ON name.id = grams.rowid"
            f" WHERE grams MATCH ? {only} ORDER BY bm25(grams) LIMIT ?"
        )
        values.append(_LOOKED_AT)
        return self.index.rows(sql, values, deadline)

    def _candidate(
        self, thing: int, score: float, name: str, ranked: Sequence[tuple[int, tuple[float, str]]]
    ) -> Candidate:
        iri, ja, en, description = self.index.rows(
            "SELECT iri, label_ja, label_en, description FROM thing WHERE id = ?", (thing,)
        )[0]
        others = [other for number, (other, _) in ranked if number != thing]
        match = score >= _SURE and score - max(others, default=0.0) >= _MARGIN
        part = Part("spelling", score / 100, 1.0, f"「{name}」との一致", f"agreement with “{name}”")
        types = self.index.types_of(thing)
        return Candidate(served_iri(iri), ja, en, description, types, score, match, (part,), name)
