"""Which things a paragraph resembles: by the words that both hold, weighed by how rare they are."""

import re
from collections.abc import Sequence
from itertools import islice
from math import log
from typing import TYPE_CHECKING

from kg.core.rebase import served_iri
from kg.search.index_source import NAME, OTHER
from kg.search.name_index import allows
from kg.search.normalizer import hiragana
from kg.search.results import Part, Resembling
from kg.search.scorer import joined
from kg.search.searcher import types_of
from kg.search.tokenizer import END, tokens

if TYPE_CHECKING:
    from kg.search.index import Index

# A pair with hiragana is grammar more often than not; the last character of a stretch says nothing by itself.
_GRAMMAR = re.compile(f"[\u3041-\u309f{END}]")
_ASKED = 40  # pairs of the paragraph that are looked up, the weightiest ones
_BUDGET = 100_000
_CLOSE = 30
_LONGEST = 5000
_COMMON = 0.25  # what more than this part of all things hold says nothing
_SHOWN = 6
_UNKNOWN = 0.4  # what a pair that no thing holds weighs, of what the rarest does
_ENOUGH = 5  # rare pairs, below which a text is too short to be like anything


def resembling(index: "Index", text: str, allowed: bytes | None, limit: int, deadline: float) -> list[Resembling]:
    """Return the things that a paragraph resembles most, of those that are allowed (a bit for each)."""
    folded = index.folding.text(text[:_LONGEST])
    weights, whole = _weights(index, [token for token in dict.fromkeys(tokens(folded)) if not _GRAMMAR.search(token)])
    if not weights:
        return []
    expression = " OR ".join(f'"{token}"' for token in weights)
    sql = "SELECT rowid FROM words WHERE words MATCH ? AND rank MATCH 'bm25(3.0, 2.0, 0.0, 1.0, 0.5)' ORDER BY rank"
    ranked = (thing for (thing,) in index.rows(sql, [expression], deadline))
    near = islice((thing for thing in ranked if allowed is None or allows(allowed, thing)), _CLOSE)
    found = [_resembling(index, thing, folded, weights, whole) for thing in near]
    return sorted((one for one in found if one.words), key=lambda one: (-one.score, one.iri))[:limit]


def _weights(index: "Index", grams: Sequence[str]) -> tuple[dict[str, float], float]:
    """Return the weightiest of the pairs of a text that some things hold, with their weights, and what all weigh.

    All are those that no thing holds, too, and never less than some: a text of one word is like nothing in full.
    """
    things = max(1, index.rows("SELECT COUNT(*) FROM thing")[0][0])
    counts = {gram: rows[0][0] for gram in grams if (rows := index.rows(_COUNT, (gram,)))}
    useful = sorted((count, gram) for gram, count in counts.items() if count <= max(1, _COMMON * things))
    weights, cost = dict[str, float](), 0
    for count, gram in useful[:_ASKED]:
        cost += count
        if cost > _BUDGET:
            break
        weights[gram] = log(1 + things / count)
    rarest = log(1 + things)
    unknown = _UNKNOWN * rarest * min(_ASKED, sum(gram not in counts for gram in grams))
    return weights, max(sum(weights.values()) + unknown, _ENOUGH * rarest)


_COUNT = "SELECT count FROM word_count WHERE token = ?"


def _resembling(index: "Index", thing: int, folded: str, weights: dict[str, float], whole: float) -> Resembling:
    iri, ja, en = index.rows("SELECT iri, label_ja, label_en FROM thing WHERE id = ?", (thing,))[0]
    named, said = set[str](), set[str]()
    for role, text in index.rows("SELECT role, text FROM name WHERE thing = ?", (thing,)):
        if role in (NAME, OTHER):
            named |= weights.keys() & set(tokens(index.folding.text(text)))
    for (text,) in index.rows("SELECT text FROM text WHERE thing = ?", (thing,)):
        said |= weights.keys() & set(tokens(index.folding.text(text)))
    value_named = sum(weights[gram] for gram in named) / whole
    value_said = sum(weights[gram] for gram in named | said) / whole
    words = tuple(_heaviest(named | said, folded, weights))
    in_name = "、".join(_heaviest(named, folded, weights)) or "–"
    in_text = "、".join(words) or "–"
    parts = (
        Part("text", value_said, 0.5, f"本文と共通の語: {in_text}", f"words shared with its text: {in_text}"),
        Part("name", value_named, 0.5, f"名称と共通の語: {in_name}", f"words shared with its name: {in_name}"),
    )
    score = round(100 * sum(part.value * part.weight for part in parts), 1)
    return Resembling(served_iri(iri), ja, en, types_of(index.rows, thing), score, words, parts)


def _heaviest(grams: set[str], folded: str, weights: dict[str, float]) -> list[str]:
    """Return the words that pairs make in a text, the weightiest first."""

    def weight(word: str) -> float:
        inside = {word[place : place + 2] for place in range(len(word) - 1)} | {word}
        return sum(weights.get(gram, 0.0) for gram in inside)

    # Pairs of a text are in either kana, and words are told apart in one.
    return sorted(joined({hiragana(gram) for gram in grams}, folded), key=lambda word: (-weight(word), word))[:_SHOWN]
