"""How texts are compared: what differs in width, letter case or an old form of a character is the same.

A folded text is made in steps that each replace or leave out single characters, so that every character of it knows
where it stood in the original, and a hit can be marked there.

How a folded text becomes tokens: pairs of characters where words are written without spaces, else whole words.

Japanese has no spaces, and most of its words have one or two characters. So each pair of neighbouring characters is a
token, and the last character of a stretch is one with an end mark: then every stretch of two characters or more is a
phrase of tokens, and a single character the beginning of some.

What somebody has typed, as terms to be looked for: each a phrase of tokens of which all must be there.

The characters that count as one: old and variant forms of kanji, and those that a scanner takes for each other.

The names by which laws are called for short, and what they are in full, whether a graph has them or not.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kg.core.paths import project_folders

# Kana, kanji and the marks that stand for them: as a character class. Words of these are written without spaces.
JAPANESE = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uf900-\ufaff々〆〇\U00020000-\U0003ffff"
_JAPANESE = re.compile(f"[{JAPANESE}]")
_KATAKANA = "ァ-ヺー"
# What stands after katakana and looks like the mark of a long vowel: デ－タ.
_HYPHEN = re.compile(f"(?<=[{_KATAKANA}])[-‐‑‒–—―−─━](?=[{_KATAKANA}]|$)")
# A space between Japanese characters is a wrapped line; of others one is left between words.
_SPACE = re.compile(f"(?<=[{JAPANESE}]) +(?=[{JAPANESE}])|^ +| +$|(?<= ) +")
# At the end of a katakana word the long vowel may be written or not: サーバー, サーバ (JIS Z 8301).
_LAST_LONG = re.compile(f"(?<=[{_KATAKANA}][{_KATAKANA}])ー(?![{_KATAKANA}])")
# The counter か is written in many ways: 12か条, 3ヶ所, 2箇月.
_COUNTER = re.compile("(?<=[0-9数])[かカケヵヶ箇個个](?=[所条月年国村])")
_DELETED = (_SPACE, _LAST_LONG)
# What a printer may set or leave out without changing a name.
_SILENT = "・「」『』“”\"'’‘"
_WHITE = re.compile(r"\s")
_TO_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_TO_HIRAGANA = {code + 0x60: code for code in range(0x3041, 0x3097)}


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in its compared form; `starts` and `ends` are the offsets in the original of each character."""

    text: str
    starts: list[int]
    ends: list[int]


class Folding:
    """The compared form of texts under a table of characters: each old or variant form with its usual one."""

    def __init__(self, usual: Mapping[str, str] | None = None) -> None:
        self._usual = str.maketrans({**dict(usual or {}), **dict.fromkeys(_SILENT, "")})
        self._known: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Return the compared form of a text."""
        folded = _replaced(self._characters(text))
        for pattern in _DELETED:
            folded = pattern.sub("", folded)
        return folded

    def placed(self, text: str) -> Folded:
        """Return the compared form with the place of each of its characters in the original."""
        chars: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for start, end in _clusters(text):
            cluster = text[start:end]
            folded = self._known.get(cluster)
            if folded is None:
                folded = self._known[cluster] = self._characters(cluster)
            chars.append(folded)
            starts += [start] * len(folded)
            ends += [end] * len(folded)
        whole = _replaced("".join(chars))
        for pattern in _DELETED:
            for match in reversed([*pattern.finditer(whole)]):
                del starts[match.start() : match.end()], ends[match.start() : match.end()]
            whole = pattern.sub("", whole)
        return Folded(whole, starts, ends)

    def _characters(self, text: str) -> str:
        """Return a text with each character in its usual form."""
        return _WHITE.sub(" ", unicodedata.normalize("NFKC", text).translate(self._usual).lower())


def _replaced(text: str) -> str:
    """Return a text with what is replaced one for one by what stands around it."""
    return _COUNTER.sub("か", _HYPHEN.sub("ー", text))


def _clusters(text: str) -> list[tuple[int, int]]:
    """Return where each character stands together with the marks that join it."""
    found: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        if character > "\u02ff" and found and (unicodedata.combining(character) or character in "ﾞﾟ"):
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


def is_japanese(character: str) -> bool:
    """Whether words that hold this character are written without spaces between them."""
    return bool(_JAPANESE.match(character))


def hiragana(text: str) -> str:
    """Return a text with its katakana as hiragana; the mark of the long vowel stays."""
    return text.translate(_TO_HIRAGANA)


def katakana(text: str) -> str:
    """Return a text with its hiragana as katakana."""
    return text.translate(_TO_KATAKANA)


def key(folded: str) -> str:
    """Return what two spellings of one name share: letters and digits only, kana as hiragana."""
    return hiragana("".join(filter(str.isalnum, folded)))


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


# A term between quotes keeps its spaces; a quote without its fellow means nothing.
_TERM = re.compile(r'["“”„«]([^"“”„»]+)["“”»]|([^\s"“”„«»]+)')
_MOST = 32  # terms; a sentence in English has fewer


@dataclass(frozen=True, slots=True)
class Words:
    """The terms that were asked for, each as its folded runs; `spelled` is how they are written."""

    terms: tuple[tuple[str, ...], ...]
    spelled: str

    @classmethod
    def of(cls, text: str, folding: Folding) -> "Words":
        """Return the terms of a text; what holds neither letter nor digit is none."""
        found = []
        for match in _TERM.finditer(text):
            term = tuple(runs(folding.text(match[1] or match[2])))
            if term and term not in found:
                found.append(term)
        return cls(tuple(found[:_MOST]), text)

    def expression(self) -> str:
        """Return what the full-text engine is asked: it holds tokens in quotes, and nothing that was typed."""
        return " AND ".join(map(_phrase, self.terms))

    def respelled(self) -> Iterator["Words"]:
        """Yield the same words with all kana of the other kind."""
        for other in (katakana, hiragana):
            terms = tuple(tuple(map(other, term)) for term in self.terms)
            if terms != self.terms:
                yield Words(terms, other(self.spelled))


def _phrase(term: tuple[str, ...]) -> str:
    tokens: list[str] = []
    for place, run in enumerate(term):
        if not is_japanese(run[0]):
            tokens.append(stem(run))
            continue
        tokens += [run[at : at + 2] for at in range(len(run) - 1)]
        if place + 1 < len(term):
            tokens.append(run[-1] + END)  # the stretch ends here, since another follows
        elif len(run) == 1:
            return f'"{" ".join([*tokens, run])}" *'
    return f'"{" ".join(tokens)}"'


CHARACTERS_FILE = "characters.csv"
VARIANT, LOOK_ALIKE = "variant", "look-alike"


@dataclass(frozen=True)
class Characters:
    """`usual` leads from an old or variant form to the usual one; `alike` holds pairs that look alike, both ways."""

    usual: Mapping[str, str] = field(default_factory=dict)
    alike: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str]]) -> "Characters":
        """Return the characters that rows tell: one, other, kind."""
        rows = list(rows)
        pairs = [(one, other) for one, other, kind in rows if kind == LOOK_ALIKE]
        usual = {one: other for one, other, kind in rows if kind == VARIANT}
        return cls(usual, frozenset([*pairs, *((other, one) for one, other in pairs)]))

    @classmethod
    def read(cls, recipe: Path | None = None) -> "Characters":
        """Return the characters of a recipe, by default of the one at hand; none where it has no such table."""
        file = (recipe or project_folders().recipe) / CHARACTERS_FILE
        if not file.exists():
            return cls()
        with file.open(encoding="utf-8-sig", newline="") as text:
            return cls.of((row["character"], row["same_as"], row["kind"]) for row in csv.DictReader(text))

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield the rows that `of` reads."""
        yield from ((one, other, VARIANT) for one, other in sorted(self.usual.items()))
        yield from ((one, other, LOOK_ALIKE) for one, other in sorted(self.alike) if one < other)


SHORT_NAMES_FILE = "short-names.csv"


@dataclass(frozen=True)
class ShortNames:
    """`full` leads from a short name, or from a full one to itself, to the full name; laws alone are there by now."""

    full: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, recipe: Path | None = None) -> "ShortNames":
        """Return the short names of a recipe, by default of the one at hand; none where it has no such table."""
        file = (recipe or project_folders().recipe) / SHORT_NAMES_FILE
        if not file.exists():
            return cls()
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = [(row["short_name"], row["full_name"]) for row in csv.DictReader(text)]
        return cls({**{full: full for _, full in rows}, **dict(rows)})
