"""The names in a text that a curator's lists know: plans, systems, bodies, places.

General: the lists decide what is a name. Compared is the NFKC form without white space, so that width and line wraps
do not matter; at each place the longest name is taken, so none is found inside a longer one. A name that begins or ends
with a Latin letter or a digit is no part of a longer Latin word.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kg.core.spans import Text
from kg.recipe.code_lists import Code

_WORD = re.compile("[A-Za-z0-9]")


@dataclass(frozen=True)
class Found:
    """A name in a text: its words with their places, the list that knows it, and its entry there."""

    words: Text
    list: str
    code: Code


class Finder:
    """Finds the names of some lists; `names` gives list and entry for each compared form."""

    def __init__(self, names: Mapping[str, tuple[str, Code]]) -> None:
        self._names = names
        self._by_first: dict[str, list[str]] = {}
        for name in sorted(names, key=len, reverse=True):
            self._by_first.setdefault(name[0], []).append(name)
        self._first = re.compile("[" + re.escape("".join(self._by_first)) + "]" if names else "(?!)")

    def names_in(self, text: Text) -> Iterator[Found]:
        """Yield the names in the order of the text; a name that stands twice is found twice."""
        spaced = text.normal()
        chars: Sequence[int] = range(len(spaced))
        whole = "".join(spaced.chars.split())
        if len(whole) < len(spaced):
            chars = [place for place, char in enumerate(spaced.chars) if not char.isspace()]
        at = 0
        while first := self._first.search(whole, at):
            at = first.start()
            name = self._longest(whole, at, spaced.chars, chars)
            if name:
                yield Found(spaced[chars[at] : chars[at + len(name) - 1] + 1], *self._names[name])
            at += len(name) or 1

    def _longest(self, whole: str, start: int, spaced: str, chars: Sequence[int]) -> str:
        """Return the longest name that begins there and is a word of its own, or an empty string."""
        for name in self._by_first.get(whole[start], ()):
            if whole.startswith(name, start):
                first, last = chars[start], chars[start + len(name) - 1]
                if not (_joined(spaced, first - 1, first) or _joined(spaced, last, last + 1)):
                    return name
        return ""


def _joined(text: str, left: int, right: int) -> bool:
    """Whether two neighbouring characters belong to one Latin word."""
    return left >= 0 and right < len(text) and bool(_WORD.match(text[left]) and _WORD.match(text[right]))
