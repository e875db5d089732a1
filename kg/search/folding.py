"""How texts are compared: what differs in width, letter case or an old form of a character is the same.

Each character of the folded text knows where it stood in the original, so that a hit can be marked there.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

_HYPHENS = frozenset("-‐‑‒–—―−ｰ－─━")
_LONG = "ー"
# What a printer may set or leave out without changing a Japanese name.
_SILENT = frozenset("・･「」『』“”\"'’‘")
# Kana, kanji and the marks that stand for them: as a character class.
JAPANESE = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uf900-\ufaff々〆〇\U00020000-\U0003ffff"
_JAPANESE = re.compile(f"[{JAPANESE}]")
_KATAKANA = (0x30A1, 0x30F6)
_TO_HIRAGANA = 0x60


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in its compared form; `starts` and `ends` are the offsets in the original of each character."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


class Folding:
    """The compared form of texts under a table of characters: each old or variant form with its usual one."""

    def __init__(self, usual: Mapping[str, str] | None = None) -> None:
        self._usual = str.maketrans(dict(usual or {}))

    def text(self, text: str) -> str:
        """Return the compared form of a text."""
        return "".join(piece for piece, _, _ in self._pieces(text))

    def placed(self, text: str) -> Folded:
        """Return the compared form with the place of each of its characters in the original."""
        chars: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for piece, start, end in self._pieces(text):
            chars.append(piece)
            starts.extend([start] * len(piece))
            ends.extend([end] * len(piece))
        return Folded("".join(chars), tuple(starts), tuple(ends))

    def _pieces(self, text: str) -> list[tuple[str, int, int]]:
        """Return the folded characters with the places that each was made of."""
        out: list[tuple[str, int, int]] = []
        for start, end in _clusters(text):
            usual = unicodedata.normalize("NFKC", text[start:end]).translate(self._usual).lower()
            last = out[-1][0][-1:] if out else ""
            if usual in _HYPHENS and _is_katakana(last):
                usual = _LONG  # デ－タ
            if usual in _SILENT:
                continue
            if usual.isspace():
                if not last or last == " ":
                    continue
                usual = " "
            elif out and last == " " and len(out) > 1 and (_joins(usual) and _joins(out[-2][0][-1:])):
                out.pop()  # a space between Japanese characters is a wrapped line
            if usual:
                out.append((usual, start, end))
        if out and out[-1][0] == " ":
            out.pop()
        return _without_last_long(out)


def _clusters(text: str) -> list[tuple[int, int]]:
    """Return where each character stands together with the marks that join it."""
    if text.isascii():
        return [(place, place + 1) for place in range(len(text))]
    found: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        if found and (unicodedata.combining(character) or character in "ﾞﾟ"):
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


def _without_last_long(pieces: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Return the pieces without a long vowel at the end of a katakana word: サーバー and サーバ are one."""
    kept = []
    for place, piece in enumerate(pieces):
        if piece[0] == _LONG and place > 1:
            following = pieces[place + 1][0][:1] if place + 1 < len(pieces) else ""
            before = "".join(one[0] for one in pieces[max(0, place - 2) : place])
            if not _is_katakana(following) and len(before) > 1 and all(map(_is_katakana, before[-2:])):
                continue
        kept.append(piece)
    return kept


def _is_katakana(character: str) -> bool:
    return bool(character) and ("ァ" <= character[-1] <= "ヺ" or character[-1] == _LONG)


def is_japanese(character: str) -> bool:
    """Whether words that hold this character are written without spaces between them."""
    return bool(_JAPANESE.match(character))


def _joins(character: str) -> bool:
    return bool(character) and is_japanese(character[-1])


def hiragana(text: str) -> str:
    """Return a text with its katakana as hiragana; the long vowel mark stays."""
    first, last = _KATAKANA
    return "".join(chr(ord(c) - _TO_HIRAGANA) if first <= ord(c) <= last else c for c in text)


def katakana(text: str) -> str:
    """Return a text with its hiragana as katakana."""
    first, last = _KATAKANA[0] - _TO_HIRAGANA, _KATAKANA[1] - _TO_HIRAGANA
    return "".join(chr(ord(c) + _TO_HIRAGANA) if first <= ord(c) <= last else c for c in text)


def key(folded: str) -> str:
    """Return what two spellings of one name share: letters and digits only, kana as hiragana."""
    return hiragana("".join(c for c in folded if c.isalnum() or c == _LONG))
