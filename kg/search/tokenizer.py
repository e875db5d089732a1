"""How a folded text becomes tokens: pairs of characters where words are written without spaces, else whole words.

Japanese has no spaces, and most of its words have one or two characters. So each pair of neighbouring characters is a
token, and the last character of a stretch is one with an end mark: then every stretch of two characters or more is a
phrase of tokens, and a single character the beginning of some.
"""

import re
from collections.abc import Iterator

from kg.search.normalizer import JAPANESE, hiragana, is_japanese

END = "\u3000"  # stands in no folded text
BREAK = "│"  # between two texts of a thing: no phrase goes across
_RUN = re.compile(f"[{JAPANESE}]+|[^\\W_{JAPANESE}]+")


def spans(folded: str) -> Iterator[tuple[int, int]]:
    """Yield where the stretches of a folded text begin and end: Japanese ones, and words of other scripts."""
    for match in _RUN.finditer(folded):
        yield match.span()


def runs(folded: str) -> Iterator[str]:
    """Yield the stretches themselves."""
    yield from _RUN.findall(folded)


def tokens(folded: str) -> list[str]:
    """Return the tokens of a text that is indexed."""
    found = []
    for run in runs(folded):
        if is_japanese(run[0]):
            found += [run[place : place + 2] for place in range(len(run) - 1)]
            found.append(run[-1] + END)
        else:
            found.append(stem(run))
    return found


def stem(word: str) -> str:
    """Return an English word without the mark of its plural (the S stemmer of Harman, 1991)."""
    if len(word) < 4 or not word.endswith("s") or not word.isascii():
        return word
    if word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    return word if word[-2] in "us" else word[:-1]


def features(folded: str) -> list[str]:
    """Return what names are compared by: pairs of Japanese characters, kana of one kind, and words of other scripts."""
    found = []
    for run in runs(hiragana(folded)):
        if not is_japanese(run[0]):
            found.append(stem(run))
        elif len(run) == 1:
            found.append(run)
        else:
            found += [run[place : place + 2] for place in range(len(run) - 1)]
    return found
