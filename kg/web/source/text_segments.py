"""A printed text, cut where something begins or ends in it: a name of a thing, a KPI, a target, a correction.

Offsets count characters of the cell (Web Annotation Data Model, 4.2.4). What lies over each other is cut at every end,
so that each piece has one link and all the marks that are upon it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# The source prints HTML in its cells: that is shown, and shown to be no text.
MARKUP = re.compile(r"</?[A-Za-z][^<>]*>")
# How characters are shown that cannot be seen.
_VISIBLE = {" ": "·", "\u3000": "□", "\n": "↵", "\t": "→", "\r": "↵"}
_NAMES = {"\n": "LINE FEED", "\t": "TAB", "\r": "CARRIAGE RETURN"}


@dataclass(frozen=True)
class Span:
    """A stretch of a text: which mark it carries, and where it leads, with what that is called."""

    start: int
    end: int
    mark: str
    path: str = ""
    title: str = ""


@dataclass(frozen=True)
class Character:
    """A stretch as it is shown: as it is, or one character by a sign, with the name of the character."""

    text: str
    name: str = ""
    breaks: bool = False


@dataclass(frozen=True)
class Piece:
    """A stretch of a text under the same marks, with the link that it is part of."""

    text: str
    marks: tuple[str, ...]
    path: str = ""
    title: str = ""

    @property
    def characters(self) -> Sequence[Character]:
        """Its characters, with signs for those that cannot be seen."""
        return tuple(_characters(self.text))


def markup(text: str) -> Iterator[Span]:
    """Yield the tags of a text."""
    return (Span(*tag.span(), "markup") for tag in MARKUP.finditer(text))


def found(text: str, words: str, mark: str) -> Iterator[Span]:
    """Yield where words stand in a text, as often as they do."""
    start = text.find(words) if words else -1
    while start >= 0:
        yield Span(start, start + len(words), mark)
        start = text.find(words, start + len(words))


def pieces(text: str, spans: Iterable[Span]) -> list[Piece]:
    """Cut a text; of several links at one place the shortest leads. Spans that do not fit are cut to the text."""
    fitting = [span for span in spans if 0 <= span.start < min(span.end, len(text))]
    cuts = sorted({0, len(text), *(min(end, len(text)) for span in fitting for end in (span.start, span.end))})
    cut = []
    for start, end in pairwise(cuts):
        over = sorted(
            (span for span in fitting if span.start <= start and span.end >= end), key=lambda s: s.end - s.start
        )
        link = next((span for span in over if span.path), None)
        marks = tuple(dict.fromkeys(span.mark for span in over))
        cut.append(Piece(text[start:end], marks, link.path if link else "", link.title if link else ""))
    return cut


def _characters(text: str) -> Iterator[Character]:
    plain = ""
    for character in text:
        if character.isprintable() and character not in _VISIBLE:
            plain += character
            continue
        if plain:
            yield Character(plain)
            plain = ""
        code = f"U+{ord(character):04X}"
        name = _NAMES.get(character) or unicodedata.name(character, "")
        yield Character(_VISIBLE.get(character, f"[{code}]"), f"{code} {name}".strip(), character in "\r\n")
    if plain:
        yield Character(plain)
