"""How texts are compared: what differs in width, letter case or an old form of a character is the same.

A folded text is made in steps that each replace or leave out single characters, so that every character of it knows
where it stood in the original, and a hit can be marked there.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

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
