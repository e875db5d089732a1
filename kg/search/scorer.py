"""How well two names agree, and why: by spelling, by their words, by their numbers.

Each part goes from 0 to 1 and says in both languages what it rests on. The words are weighed by how rare they are among
all names, since two names that share 推進 share nothing.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from kg.search.normalizer import features, hiragana, is_japanese, key, spans, stem
from kg.search.results import Part

SPELLING, WORDS, NUMBERS = 0.45, 0.45, 0.10  # what each part counts
# What may be there or not without changing a name: particles, etc., and the mark of a long vowel.
_LIGHT = frozenset("のをにへとやがはも等及び並ー")
_LIGHT_COST = 0.3
_ALIKE_COST = 0.3
_DIGIT_COST = 1.5
_OTHER_COST = 3.0  # of a kanji for one that looks otherwise: another word, 林業 for 農業
_BUT_FOR_PARTICLES = 0.97
_READABLE = 4  # characters for each that was misread
_PARTICLES = re.compile(
    "における|に関する|に係る|に向けた|のための|について|による|及び|および|並びに|ならびに|等|など|[のをにへやと]"
)
_DIGITS = re.compile(r"\d+")
_SHOWN = 4  # words in a reason
_KEPT = 1 << 16  # sums at hand

Weight = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the forms in which it is compared."""

    text: str
    folded: str
    key: str
    bare: str
    features: frozenset[str]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, text: str, folded: str) -> "Name":
        """Return the forms of a name, given its folded text."""
        numbers = tuple(sorted(number.lstrip("0") or "0" for number in _DIGITS.findall(folded)))
        return cls(text, folded, key(folded), bare(folded), frozenset(features(folded)), numbers)


def bare(folded: str) -> str:
    """Return the key of a name without its particles."""
    return key(_PARTICLES.sub("", folded))


def number_key(folded: str) -> str:
    """Return what two spellings of one number share: 01-05 is 1-5, and №2 is 2; empty where there is no digit."""
    groups = _DIGITS.findall(folded)
    letters = key(_DIGITS.sub("", folded))
    return f"{letters}#{'-'.join(group.lstrip('0') or '0' for group in groups)}" if groups else ""


class Comparison:
    """Compares names under a table of look-alikes and the weights of words."""

    def __init__(self, alike: Iterable[tuple[str, str]], weight: Weight) -> None:
        pairs = {(hiragana(one), hiragana(other)) for one, other in alike}
        self._alike = frozenset(pairs | {(other, one) for one, other in pairs})
        self._weight = weight
        self._weights = lru_cache(_KEPT)(self._sum)

    def words(self, asked: Name, name: Name) -> float:
        """Return which part of their words two names share, from 0 to 1."""
        if asked.key == name.key:
            return 1.0
        if asked.bare == name.bare:
            return _BUT_FOR_PARTICLES
        both = self._weights(asked.features) + self._weights(name.features)
        return 2 * self._sum(asked.features & name.features) / both if both else 0.0

    def compared(self, asked: Name, name: Name) -> tuple[float, float]:
        """Return which part of their characters and of their words agree, each from 0 to 1.

        Where only characters were taken for others that look like them, these are no other words.
        """
        words = self.words(asked, name)
        if asked.key == name.key or asked.bare == name.bare:
            return words, words
        edits = Levenshtein.editops(asked.key, name.key).as_list()
        costs = [self._cost(asked.key, name.key, *edit) for edit in edits]
        length = max(len(asked.key), len(name.key), 1)
        if length >= _READABLE * len(costs) and all(cost == _ALIKE_COST for cost in costs):
            words = max(words, 1 - len(costs) / length)
        return max(0.0, 1 - sum(costs) / length), words

    def score(self, asked: Name, name: Name) -> float:
        """Return how well two names agree, from 0 to 100."""
        spelling, words = self.compared(asked, name)
        return 100 * (SPELLING * spelling + WORDS * words + (NUMBERS if asked.numbers == name.numbers else 0.0))

    def parts(self, asked: Name, name: Name) -> tuple[Part, ...]:
        """Return the parts of that score, each with its reason."""
        spelling, words = self.compared(asked, name)
        shared = joined(asked.features & name.features, asked.folded)[:_SHOWN]
        return (_spelling(spelling, asked, name), _words(words, shared), _numbers(asked, name))

    def _sum(self, grams: frozenset[str]) -> float:
        return sum(map(self._weight, grams))

    def _cost(self, asked: str, name: str, kind: str, here: int, there: int) -> float:
        """Return what one edit counts: less where a scanner may have made it, more where a number is another."""
        old = asked[here] if kind != "insert" else ""
        new = name[there] if kind != "delete" else ""
        if (old, new) in self._alike:
            return _ALIKE_COST
        if old.isdigit() or new.isdigit():
            return _DIGIT_COST
        if old and new:
            return _OTHER_COST if old >= "\u3400" and new >= "\u3400" else 1.0
        return _LIGHT_COST if (old or new) in _LIGHT else 1.0


def _spelling(value: float, asked: Name, name: Name) -> Part:
    if asked.key == name.key:
        ja, en = "同じ", "the same"
    elif asked.bare == name.bare:
        ja, en = "助詞などを除けば同じ", "the same but for particles"
    else:
        number = Levenshtein.distance(asked.key, name.key)
        ja, en = f"{number}文字違う", f"{number} characters differ"
    return Part("spelling", value, SPELLING, f"「{name.text}」と{ja}", f"“{name.text}”: {en}")


def _words(value: float, shared: list[str]) -> Part:
    words = "、".join(shared)
    if not words:
        return Part("words", value, WORDS, "共通の語がない", "no shared word")
    return Part("words", value, WORDS, f"共通の語: {words}", f"shared words: {words}")


def _numbers(asked: Name, name: Name) -> Part:
    if asked.numbers == name.numbers:
        return Part("numbers", 1.0, NUMBERS, "数字に違いはない", "no number differs")
    one, other = (", ".join(numbers) or "–" for numbers in (asked.numbers, name.numbers))
    return Part("numbers", 0.0, NUMBERS, f"数字が違う: {one} と {other}", f"the numbers differ: {one} and {other}")


def joined(grams: Iterable[str], folded: str) -> list[str]:
    """Return words that grams make where they overlap in a folded text, the longest first."""
    kept, text, found = set(grams), hiragana(folded), list[tuple[int, int]]()
    for start, end in spans(text):
        if not is_japanese(text[start]):
            found += [(start, end)] if stem(text[start:end]) in kept else []
            continue
        for place in range(start, end):
            size = min(2, end - start)
            if place + size > end or text[place : place + size] not in kept:
                continue
            if found and place < found[-1][1]:
                found[-1] = (found[-1][0], place + size)
            else:
                found.append((place, place + size))
    words = {folded[start:end] for start, end in found}
    return sorted(words, key=lambda word: (-len(word), word))
