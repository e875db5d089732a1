"""Lookup of the names of an index, with the weights of their bigrams, and similarity of texts.

Names have numeric IDs. The entity and the length of each name are kept in memory (six bytes per name); other lookups
are cached (LRU). The similarity of a paragraph and an entity is the share of common words, weighted by rarity.
"""

import re
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import nlargest
from itertools import islice
from math import log
from typing import TYPE_CHECKING

from kg.core.iris import canonical_iri, served_iri
from kg.search.index import Index
from kg.search.index_builder import EDITION, NAME, NUMBER, OTHER, TYPE
from kg.search.normalizer import END, hiragana, katakana, tokens
from kg.search.results import ScorePart, SimilarEntity
from kg.search.scorer import Name, joined
from kg.search.searcher import types_of

if TYPE_CHECKING:
    from kg.search.index import Index


_CLOSE = 40  # similar names whose words are compared
_BUDGET = 20_000  # index entries that may be read for one name
_RAREST = 4  # bigrams that are looked up regardless of the budget
_CACHED = 1 << 14  # cached lookups of each kind: some tens of megabytes at most
_CACHED_FILTERS = 64
_UNKNOWN = 0.4  # relative weight of a bigram that is in no text

Allowed = bytes | None  # a bit for each entity; None allows all


class NameIndex:
    """Names of an index; thread-safe."""

    def __init__(self, index: Index) -> None:
        self._index = index
        rows = index.rows("SELECT thing, LENGTH(key) FROM name ORDER BY id")  # IDs count from 1
        self._things = array("I", [0, *(thing for thing, _ in rows)])
        self._lengths = array("H", [0, *(min(length, 0xFFFF) for _, length in rows)])
        self.allowed = lru_cache(_CACHED_FILTERS)(self._allowed)
        self.weight = lru_cache(_CACHED)(self._weight)
        self._count = lru_cache(_CACHED)(self._count_of)
        self._holding = lru_cache(_CACHED)(self._holders)
        self._name = lru_cache(_CACHED)(self._name_of)

    def numbered(self, key: str, allowed: Allowed, deadline: float) -> dict[int, Name]:
        """Return the entities whose number has this key, each with its number."""
        if not key:
            return {}
        rows = self._index.rows("SELECT id FROM name WHERE key = ? AND role = ? LIMIT 100", (key, NUMBER), deadline)
        return dict(self._within((id for (id,) in rows), allowed))

    def of(self, thing: int, deadline: float) -> list[tuple[int, Name]]:
        """Return the names of an entity, without its numbers."""
        rows = self._index.rows("SELECT id FROM name WHERE thing = ? AND role <> ?", (thing, NUMBER), deadline)
        return self._within((id for (id,) in rows), None)

    def same(self, name: Name, allowed: Allowed, deadline: float) -> list[tuple[int, Name]]:
        """Return the entities with the same name, apart from particles, with their names."""
        sql = "SELECT id FROM name WHERE (key = ? OR bare = ?) AND role <> ? ORDER BY id LIMIT 100"
        rows = self._index.rows(sql, (name.key, name.bare or name.key, NUMBER), deadline)
        return self._within((id for (id,) in rows), allowed)

    def near(self, name: Name, allowed: Allowed) -> list[tuple[int, Name]]:
        """Return the entities whose names share the heaviest bigrams with a name, with their names."""
        shared: dict[int, float] = {}
        for gram in self._rarest(name.features):
            weight = self.weight(gram)
            for id in self._holding(gram):
                shared[id] = shared.get(id, 0.0) + weight
        things, lengths, own = self._things, self._lengths, len(name.key)
        if allowed is not None:
            shared = {id: weight for id, weight in shared.items() if allows(allowed, things[id])}
        close = nlargest(_CLOSE, ((weight / (lengths[id] + own), -id) for id, weight in shared.items()))
        return [(things[-id], self._name(-id)) for _, id in close]

    def _within(self, ids: Iterable[int], allowed: Allowed) -> list[tuple[int, Name]]:
        things = self._things
        return [(things[id], self._name(id)) for id in ids if allowed is None or allows(allowed, things[id])]

    def _allowed(self, type: str | None, edition: str | None) -> Allowed:
        """Return the bit set of the entities of a type, in an edition or in none."""
        if not type and not edition:
            return None
        wanted = self._having(self._index.chosen(TYPE, [type])) if type else None
        if edition:
            others = [n for n, iri in self._index.values(EDITION).items() if iri != canonical_iri(edition)]
            elsewhere = self._having(others)
            wanted = wanted if wanted is not None else bytearray(b"\xff" * len(elsewhere))
            wanted = bytearray(one & ~other for one, other in zip(wanted, elsewhere, strict=True))
        return bytes(wanted or b"")

    def _having(self, values: Sequence[int]) -> bytearray:
        """Return the bit set of the entities with one of these values of a facet."""
        bits = bytearray(max(self._things) // 8 + 1)
        marks = ", ".join("?" * len(values))
        for (thing,) in self._index.rows(f"SELECT thing FROM has WHERE value IN ({marks})", values):
            bits[thing >> 3] |= 1 << (thing & 7)
        return bits

    def _rarest(self, grams: frozenset[str]) -> list[str]:
        """Return the rarest bigrams, as many as the budget allows."""
        ranked = sorted((count, gram) for gram in grams if (count := self._count(gram)))
        found, cost = list[str](), 0
        for count, gram in ranked:
            cost += count
            if len(found) >= _RAREST and cost > _BUDGET:
                break
            found.append(gram)
        return found

    def _holders(self, gram: str) -> "array[int]":
        """Return the IDs of the names with a bigram."""
        rows = self._index.rows("SELECT rowid FROM grams WHERE grams MATCH ?", (f'"{gram}"',))
        return array("I", [id for (id,) in rows])

    def _count_of(self, gram: str) -> int:
        rows = self._index.rows("SELECT count FROM gram_count WHERE token = ?", (gram,))
        return rows[0][0] if rows else 0

    def _weight(self, gram: str) -> float:
        """Return the weight of a bigram: its inverse document frequency among the names.

        A bigram that is nowhere in the graph has less weight: it is probably misread or mistyped.
        """
        weight = log(1 + len(self._things) / (1 + self._count(gram)))
        return weight if self._count(gram) or self._is_in_texts(gram) else _UNKNOWN * weight

    def _is_in_texts(self, gram: str) -> bool:
        """True if a bigram is in any text, in hiragana or katakana."""
        return bool(self._index.rows("SELECT 1 FROM word_count WHERE token IN (?, ?)", (gram, katakana(gram))))

    def _name_of(self, id: int) -> Name:
        return Name.of(*self._index.rows("SELECT text, folded FROM name WHERE id = ?", (id,))[0])


def allows(allowed: bytes, thing: int) -> bool:
    """True if the bit of an entity is set."""
    return bool(allowed[thing >> 3] >> (thing & 7) & 1)


# A bigram with hiragana is usually grammatical; the last character of a run is not significant by itself.
_GRAMMAR = re.compile(f"[\u3041-\u309f{END}]")
_MAX_GRAMS = 40  # bigrams of the paragraph that are looked up, highest weight first
_SIMILARITY_BUDGET = 100_000
_CLOSE_COUNT = 30
_MAX_LENGTH = 5000
_COMMON = 0.25  # bigrams in more than this share of all entities are ignored
_SHOWN = 6
_ABSENT_WEIGHT = 0.4  # relative weight of a bigram that no entity has
_MIN_RARE_GRAMS = 5  # rare bigrams below which a text is too short for similarity


def find_similar(index: "Index", text: str, allowed: bytes | None, limit: int, deadline: float) -> list[SimilarEntity]:
    """Return the allowed entities (a bit for each) that are most similar to a paragraph."""
    folded = index.normalizer.text(text[:_MAX_LENGTH])
    weights, whole = _weights(index, [token for token in dict.fromkeys(tokens(folded)) if not _GRAMMAR.search(token)])
    if not weights:
        return []
    expression = " OR ".join(f'"{token}"' for token in weights)
    sql = "SELECT rowid FROM words WHERE words MATCH ? AND rank MATCH 'bm25(3.0, 2.0, 0.0, 1.0, 0.5)' ORDER BY rank"
    ranked = (thing for (thing,) in index.rows(sql, [expression], deadline))
    near = islice((thing for thing in ranked if allowed is None or allows(allowed, thing)), _CLOSE_COUNT)
    found = [_resembling(index, thing, folded, weights, whole) for thing in near]
    return sorted((one for one in found if one.words), key=lambda one: (-one.score, one.iri))[:limit]


def _weights(index: "Index", grams: Sequence[str]) -> tuple[dict[str, float], float]:
    """Return the heaviest bigrams of a text that some entities have, with their weights, and the total weight.

    The total includes bigrams that no entity has, and has a minimum: a text of one word is never fully similar.
    """
    things = max(1, index.rows("SELECT COUNT(*) FROM thing")[0][0])
    counts = {gram: rows[0][0] for gram in grams if (rows := index.rows(_COUNT, (gram,)))}
    useful = sorted((count, gram) for gram, count in counts.items() if count <= max(1, _COMMON * things))
    weights, cost = dict[str, float](), 0
    for count, gram in useful[:_MAX_GRAMS]:
        cost += count
        if cost > _SIMILARITY_BUDGET:
            break
        weights[gram] = log(1 + things / count)
    rarest = log(1 + things)
    unknown = _ABSENT_WEIGHT * rarest * min(_MAX_GRAMS, sum(gram not in counts for gram in grams))
    return weights, max(sum(weights.values()) + unknown, _MIN_RARE_GRAMS * rarest)


_COUNT = "SELECT count FROM word_count WHERE token = ?"


def _resembling(index: "Index", thing: int, folded: str, weights: dict[str, float], whole: float) -> SimilarEntity:
    iri, ja, en = index.rows("SELECT iri, label_ja, label_en FROM thing WHERE id = ?", (thing,))[0]
    named, in_texts = set[str](), set[str]()
    for role, text in index.rows("SELECT role, text FROM name WHERE thing = ?", (thing,)):
        if role in (NAME, OTHER):
            named |= weights.keys() & set(tokens(index.normalizer.text(text)))
    for (text,) in index.rows("SELECT text FROM text WHERE thing = ?", (thing,)):
        in_texts |= weights.keys() & set(tokens(index.normalizer.text(text)))
    value_named = sum(weights[gram] for gram in named) / whole
    value_in_texts = sum(weights[gram] for gram in named | in_texts) / whole
    words = tuple(_heaviest(named | in_texts, folded, weights))
    in_name = "、".join(_heaviest(named, folded, weights)) or "–"
    in_text = "、".join(words) or "–"
    parts = (
        ScorePart("text", value_in_texts, 0.5, f"本文と共通の語: {in_text}", f"words shared with its text: {in_text}"),
        ScorePart("name", value_named, 0.5, f"名称と共通の語: {in_name}", f"words shared with its name: {in_name}"),
    )
    score = round(100 * sum(part.value * part.weight for part in parts), 1)
    return SimilarEntity(served_iri(iri), ja, en, types_of(index.rows, thing), score, words, parts)


def _heaviest(grams: set[str], folded: str, weights: dict[str, float]) -> list[str]:
    """Return the words that bigrams form in a text, highest weight first."""

    def weight(word: str) -> float:
        inside = {word[place : place + 2] for place in range(len(word) - 1)} | {word}
        return sum(weights.get(gram, 0.0) for gram in inside)

    # Bigrams of a text may be in either kana; words are compared in hiragana.
    return sorted(joined({hiragana(gram) for gram in grams}, folded), key=lambda word: (-weight(word), word))[:_SHOWN]
