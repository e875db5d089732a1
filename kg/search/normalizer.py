"""Text normalizer, tokenizer and query parser of the search, with the tables of characters and short names.

Normalization removes differences in width, letter case and variant forms of characters. Each step replaces or removes
single characters, so that every character of the normalized text keeps its offset in the original, where a hit can be
marked.

Tokens are character bigrams where words are written without spaces, else whole words. Japanese has no spaces, and most
of its words have one or two characters. So each pair of adjacent characters is a token, and the last character of a
run is one with an end mark: then every text of two characters or more is a phrase of tokens, and a single character
the prefix of some.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kg.core.paths import project_folders

# Kana, kanji and iteration marks, as a character class. Words of these are written without spaces.
JAPANESE = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uf900-\ufaff々〆〇\U00020000-\U0003ffff"
_JAPANESE = re.compile(f"[{JAPANESE}]")
_KATAKANA = "ァ-ヺー"
# Hyphens after katakana that look like the long vowel mark: デ－タ.
_HYPHEN = re.compile(f"(?<=[{_KATAKANA}])[-‐‑‒–—―−─━](?=[{_KATAKANA}]|$)")
# A space between Japanese characters is from a line wrap; elsewhere one space is kept between words.
_SPACE = re.compile(f"(?<=[{JAPANESE}]) +(?=[{JAPANESE}])|^ +| +$|(?<= ) +")
# At the end of a katakana word the long vowel may be written or not: サーバー, サーバ (JIS Z 8301).
_LAST_LONG = re.compile(f"(?<=[{_KATAKANA}][{_KATAKANA}])ー(?![{_KATAKANA}])")
# The counter か is written in many ways: 12か条, 3ヶ所, 2箇月.
_COUNTER = re.compile("(?<=[0-9数])[かカケヵヶ箇個个](?=[所条月年国村])")
_REMOVED = (_SPACE, _LAST_LONG)
# Punctuation that does not change a name.
_IGNORED = "・「」『』“”\"'’‘"
_WHITE = re.compile(r"\s")
_TO_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_TO_HIRAGANA = {code + 0x60: code for code in range(0x3041, 0x3097)}


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """Normalized text; `starts` and `ends` are the offsets of each character in the original."""

    text: str
    starts: list[int]
    ends: list[int]


class Normalizer:
    """Text normalizer with a table of variant characters and their usual forms."""

    def __init__(self, usual: Mapping[str, str] | None = None) -> None:
        self._usual = str.maketrans({**dict(usual or {}), **dict.fromkeys(_IGNORED, "")})
        self._cache: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Return the normalized form of a text."""
        folded = _normalize_marks(self._normalize_characters(text))
        for pattern in _REMOVED:
            folded = pattern.sub("", folded)
        return folded

    def normalize_with_offsets(self, text: str) -> NormalizedText:
        """Return the normalized form with the offset of each character in the original."""
        chars: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for start, end in _clusters(text):
            cluster = text[start:end]
            folded = self._cache.get(cluster)
            if folded is None:
                folded = self._cache[cluster] = self._normalize_characters(cluster)
            chars.append(folded)
            starts += [start] * len(folded)
            ends += [end] * len(folded)
        whole = _normalize_marks("".join(chars))
        for pattern in _REMOVED:
            for match in reversed([*pattern.finditer(whole)]):
                del starts[match.start() : match.end()], ends[match.start() : match.end()]
            whole = pattern.sub("", whole)
        return NormalizedText(whole, starts, ends)

    def _normalize_characters(self, text: str) -> str:
        """Return a text with each character in its usual form, width and case."""
        return _WHITE.sub(" ", unicodedata.normalize("NFKC", text).translate(self._usual).lower())


def _normalize_marks(text: str) -> str:
    """Return a text with hyphens and counters normalized according to their context."""
    return _COUNTER.sub("か", _HYPHEN.sub("ー", text))


def _clusters(text: str) -> list[tuple[int, int]]:
    """Return the span of each character with its combining marks."""
    found: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        if character > "\u02ff" and found and (unicodedata.combining(character) or character in "ﾞﾟ"):
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


def is_japanese(character: str) -> bool:
    """True for kana and kanji, whose words are written without spaces."""
    return bool(_JAPANESE.match(character))


def hiragana(text: str) -> str:
    """Return a text with katakana as hiragana; the long vowel mark is kept."""
    return text.translate(_TO_HIRAGANA)


def katakana(text: str) -> str:
    """Return a text with hiragana as katakana."""
    return text.translate(_TO_KATAKANA)


def key(folded: str) -> str:
    """Return the comparison key of a name: letters and digits only, kana as hiragana."""
    return hiragana("".join(filter(str.isalnum, folded)))


END = "\u3000"  # in no normalized text
BREAK = "│"  # between two texts of an entity: no phrase crosses it
_RUN = re.compile(f"[{JAPANESE}]+|[^\\W_{JAPANESE}]+")


def spans(folded: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the runs of a normalized text: Japanese runs, and words of other scripts."""
    for match in _RUN.finditer(folded):
        yield match.span()


def runs(folded: str) -> Iterator[str]:
    """Yield the runs of a normalized text."""
    yield from _RUN.findall(folded)


def tokens(folded: str) -> list[str]:
    """Return the index tokens of a normalized text."""
    found = []
    for run in runs(folded):
        if is_japanese(run[0]):
            found += [run[place : place + 2] for place in range(len(run) - 1)]
            found.append(run[-1] + END)
        else:
            found.append(stem(run))
    return found


def stem(word: str) -> str:
    """Return an English word without its plural ending (the S stemmer of Harman, 1991)."""
    if len(word) < 4 or not word.endswith("s") or not word.isascii():
        return word
    if word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    return word if word[-2] in "us" else word[:-1]


def features(folded: str) -> list[str]:
    """Return the features for name matching: Japanese bigrams with kana as hiragana, and words of other scripts."""
    found = []
    for run in runs(hiragana(folded)):
        if not is_japanese(run[0]):
            found.append(stem(run))
        elif len(run) == 1:
            found.append(run)
        else:
            found += [run[place : place + 2] for place in range(len(run) - 1)]
    return found


# A quoted term keeps its spaces; an unpaired quote is ignored.
_TERM = re.compile(r'["“”„«]([^"“”„»]+)["“”»]|([^\s"“”„«»]+)')
_MAX_TERMS = 32  # terms; a sentence in English has fewer


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """Parsed search terms, each as its normalized runs; `spelled` is their spelling."""

    terms: tuple[tuple[str, ...], ...]
    spelled: str

    @classmethod
    def of(cls, text: str, normalizer: Normalizer) -> "SearchTerms":
        """Parse a text; terms without letters and digits are ignored."""
        found = []
        for match in _TERM.finditer(text):
            term = tuple(runs(normalizer.text(match[1] or match[2])))
            if term and term not in found:
                found.append(term)
        return cls(tuple(found[:_MAX_TERMS]), text)

    def expression(self) -> str:
        """Return the query for the full-text engine: quoted tokens only, no raw input."""
        return " AND ".join(map(_phrase, self.terms))

    def other_spellings(self) -> Iterator["SearchTerms"]:
        """Yield the same terms in katakana and in hiragana."""
        for other in (katakana, hiragana):
            terms = tuple(tuple(map(other, term)) for term in self.terms)
            if terms != self.terms:
                yield SearchTerms(terms, other(self.spelled))


def _phrase(term: tuple[str, ...]) -> str:
    tokens: list[str] = []
    for place, run in enumerate(term):
        if not is_japanese(run[0]):
            tokens.append(stem(run))
            continue
        tokens += [run[at : at + 2] for at in range(len(run) - 1)]
        if place + 1 < len(term):
            tokens.append(run[-1] + END)  # the run ends here, since another one follows
        elif len(run) == 1:
            return f'"{" ".join([*tokens, run])}" *'
    return f'"{" ".join(tokens)}"'


CHARACTERS_FILE = "characters.csv"
VARIANT, LOOK_ALIKE = "variant", "look-alike"


@dataclass(frozen=True)
class CharacterTable:
    """Table of characters: `usual` maps variant forms to the usual one; `alike` has look-alike pairs, both ways."""

    usual: Mapping[str, str] = field(default_factory=dict)
    alike: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str]]) -> "CharacterTable":
        """Return the table from rows: one, other, kind."""
        rows = list(rows)
        pairs = [(one, other) for one, other, kind in rows if kind == LOOK_ALIKE]
        usual = {one: other for one, other, kind in rows if kind == VARIANT}
        return cls(usual, frozenset([*pairs, *((other, one) for one, other in pairs)]))

    @classmethod
    def read(cls, recipe: Path | None = None) -> "CharacterTable":
        """Read the table of a recipe, by default the project's; empty if it has none."""
        file = (recipe or project_folders().recipe) / CHARACTERS_FILE
        if not file.exists():
            return cls()
        with file.open(encoding="utf-8-sig", newline="") as text:
            return cls.of((row["character"], row["same_as"], row["kind"]) for row in csv.DictReader(text))

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield the rows for `of`."""
        yield from ((one, other, VARIANT) for one, other in sorted(self.usual.items()))
        yield from ((one, other, LOOK_ALIKE) for one, other in sorted(self.alike) if one < other)


SHORT_NAMES_FILE = "short-names.csv"


@dataclass(frozen=True)
class ShortNames:
    """Short names of laws: `full` maps a short or full name to the full name."""

    full: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, recipe: Path | None = None) -> "ShortNames":
        """Read the short names of a recipe, by default the project's; empty if it has none."""
        file = (recipe or project_folders().recipe) / SHORT_NAMES_FILE
        if not file.exists():
            return cls()
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = [(row["short_name"], row["full_name"]) for row in csv.DictReader(text)]
        return cls({**{full: full for _, full in rows}, **dict(rows)})
