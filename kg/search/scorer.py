"""Scorer of the similarity of two names, with reasons: by spelling, by words, by numbers.

Each part goes from 0 to 1 and has its reason in both languages. Words are weighted by their rarity among all names,
since common words such as 推進 do not distinguish names.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from kg.search.normalizer import features, hiragana, is_japanese, key, spans, stem
from kg.search.results import ScorePart

SPELLING, WORDS, NUMBERS = 0.45, 0.45, 0.10  # weights of the parts
# Characters that may be left out of a name: particles, “etc.”, and the long vowel mark.
_OPTIONAL = frozenset("のをにへとやがはも等及び並ー")
_OPTIONAL_COST = 0.3
_ALIKE_COST = 0.3
_DIGIT_COST = 1.5
_OTHER_COST = 3.0  # of replacing a kanji by a dissimilar one, which makes another word: 農業, 林業
_SAME_WITHOUT_PARTICLES = 0.97
_CHARACTERS_PER_MISREADING = 4  # minimum number of characters per misread one
_PARTICLES = re.compile(
    "における|に関する|に係る|に向けた|のための|について|による|及び|および|並びに|ならびに|等|など|[のをにへやと]"
)
_DIGITS = re.compile(r"\d+")
_SHOWN = 4  # words in a reason
_CACHED = 1 << 16  # cached sums

Weight = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Name:
    """Name in its comparison forms."""

    text: str
    folded: str
    key: str
    bare: str
    features: frozenset[str]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, text: str, folded: str) -> "Name":
        """Return the comparison forms of a name, given its normalized text."""
        numbers = tuple(sorted(number.lstrip("0") or "0" for number in _DIGITS.findall(folded)))
        return cls(text, folded, key(folded), bare(folded), frozenset(features(folded)), numbers)


def bare(folded: str) -> str:
    """Return the key of a name without its particles."""
    return key(_PARTICLES.sub("", folded))


def number_key(folded: str) -> str:
    """Return the comparison key of a number: 1-5 for 01-05, 2 for №2; empty if there is no digit."""
    groups = _DIGITS.findall(folded)
    letters = key(_DIGITS.sub("", folded))
    return f"{letters}#{'-'.join(group.lstrip('0') or '0' for group in groups)}" if groups else ""


class Comparison:
    """Comparison of names with a table of look-alike characters and the weights of words."""

    def __init__(self, alike: Iterable[tuple[str, str]], weight: Weight) -> None:
        pairs = {(hiragana(one), hiragana(other)) for one, other in alike}
        self._alike = frozenset(pairs | {(other, one) for one, other in pairs})
        self._weight = weight
        self._weights = lru_cache(_CACHED)(self._sum)

    def words(self, query: Name, name: Name) -> float:
        """Return the weighted share of common words of two names, from 0 to 1."""
        if query.key == name.key:
            return 1.0
        if query.bare == name.bare:
            return _SAME_WITHOUT_PARTICLES
        both = self._weights(query.features) + self._weights(name.features)
        return 2 * self._sum(query.features & name.features) / both if both else 0.0

    def compared(self, query: Name, name: Name) -> tuple[float, float]:
        """Return the agreement of the characters and of the words of two names, each from 0 to 1.

        Words that differ only in look-alike characters count as the same.
        """
        words = self.words(query, name)
        if query.key == name.key or query.bare == name.bare:
            return words, words
        edits = Levenshtein.editops(query.key, name.key).as_list()
        costs = [self._cost(query.key, name.key, *edit) for edit in edits]
        length = max(len(query.key), len(name.key), 1)
        if length >= _CHARACTERS_PER_MISREADING * len(costs) and all(cost == _ALIKE_COST for cost in costs):
            words = max(words, 1 - len(costs) / length)
        return max(0.0, 1 - sum(costs) / length), words

    def score(self, query: Name, name: Name) -> float:
        """Return the similarity of two names, from 0 to 100."""
        spelling, words = self.compared(query, name)
        return 100 * (SPELLING * spelling + WORDS * words + (NUMBERS if query.numbers == name.numbers else 0.0))

    def parts(self, query: Name, name: Name) -> tuple[ScorePart, ...]:
        """Return the parts of the score, each with its reason."""
        spelling, words = self.compared(query, name)
        shared = joined(query.features & name.features, query.folded)[:_SHOWN]
        return (_spelling(spelling, query, name), _words(words, shared), _numbers(query, name))

    def _sum(self, grams: frozenset[str]) -> float:
        return sum(map(self._weight, grams))

    def _cost(self, query: str, name: str, kind: str, at: int, other_at: int) -> float:
        """Return the cost of one edit: lower for look-alikes (scanning errors), higher for digits."""
        old = query[at] if kind != "insert" else ""
        new = name[other_at] if kind != "delete" else ""
        if (old, new) in self._alike:
            return _ALIKE_COST
        if old.isdigit() or new.isdigit():
            return _DIGIT_COST
        if old and new:
            return _OTHER_COST if old >= "\u3400" and new >= "\u3400" else 1.0
        return _OPTIONAL_COST if (old or new) in _OPTIONAL else 1.0


def _spelling(value: float, query: Name, name: Name) -> ScorePart:
    if query.key == name.key:
        ja, en = "同じ", "the same"
    elif query.bare == name.bare:
        ja, en = "助詞などを除けば同じ", "the same but for particles"
    else:
        number = Levenshtein.distance(query.key, name.key)
        ja, en = f"{number}文字違う", f"{number} characters differ"
    return ScorePart("spelling", value, SPELLING, f"「{name.text}」と{ja}", f"“{name.text}”: {en}")


def _words(value: float, shared: list[str]) -> ScorePart:
    words = "、".join(shared)
    if not words:
        return ScorePart("words", value, WORDS, "共通の語がない", "no shared word")
    return ScorePart("words", value, WORDS, f"共通の語: {words}", f"shared words: {words}")


def _numbers(query: Name, name: Name) -> ScorePart:
    if query.numbers == name.numbers:
        return ScorePart("numbers", 1.0, NUMBERS, "数字に違いはない", "no number differs")
    one, other = (", ".join(numbers) or "–" for numbers in (query.numbers, name.numbers))
    return ScorePart("numbers", 0.0, NUMBERS, f"数字が違う: {one} と {other}", f"the numbers differ: {one} and {other}")


def joined(grams: Iterable[str], folded: str) -> list[str]:
    """Return the words that overlapping bigrams form in a normalized text, longest first."""
    remaining, text, found = set(grams), hiragana(folded), list[tuple[int, int]]()
    for start, end in spans(text):
        if not is_japanese(text[start]):
            found += [(start, end)] if stem(text[start:end]) in remaining else []
            continue
        for place in range(start, end):
            size = min(2, end - start)
            if place + size > end or text[place : place + size] not in remaining:
                continue
            if found and place < found[-1][1]:
                found[-1] = (found[-1][0], place + size)
            else:
                found.append((place, place + size))
    words = {folded[start:end] for start, end in found}
    return sorted(words, key=lambda word: (-len(word), word))
