"""Spans of a source document: cells, and text whose characters keep their offsets through normalization and cutting.

Offsets count Unicode characters of the decoded file (like the positions of a Web Annotation text selector), start
included, end excluded, so that `document[start:end]` is the printed cell. `columns` is the width of a text in a
monospaced font, where East Asian wide and full-width characters take two columns (UAX #11).
"""

import functools
import re
import unicodedata
from dataclasses import dataclass
from unicodedata import east_asian_width


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed cell. `line` and `position` count from 1; `page` is the number of the header block above it."""

    edition: str
    page: int
    line: int
    position: int
    start: int
    end: int
    printed: str


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a source document, by character offsets."""

    start: int
    end: int


# Invisible characters: soft hyphens, zero-width joiners and marks, direction marks, variation selectors.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return a text without invisible characters."""
    return text if text.isascii() else _UNSEEN.sub("", text)


@functools.lru_cache(maxsize=4096)  # the cells of a table are short and often equal
def plain(text: str) -> str:
    """Return the comparison form of a printed text: NFKC, without white space and invisible characters."""
    return "".join((text if text.isascii() else unicodedata.normalize("NFKC", _UNSEEN.sub("", text))).split())


_TARGET = re.compile(r"[(（][^()（）]*[)）]|[0-9,.]+")


def without_targets(text: str) -> str:
    """Return the comparison form of a KPI name: without numbers and parentheses, which hold the targets."""
    return _TARGET.sub("", plain(text))


# A character with its combining marks: half-width kana have their voicing as separate characters.
_CLUSTER = re.compile("[^\u3099\u309a\uff9e\uff9f][\u3099\u309a\uff9e\uff9f]*|.", re.DOTALL)
_CIRCLED = re.compile("[\u2460-\u24ff]")


@functools.lru_cache(maxsize=8192)
def _nfkc(cluster: str) -> str:
    """Return the NFKC form, but keep a circled number, which marks a list item."""
    return cluster if _CIRCLED.match(cluster) else unicodedata.normalize("NFKC", cluster)


@dataclass(frozen=True, slots=True)
class Text:
    """Text whose characters have their offsets in the document, through cutting, joining and replacing."""

    chars: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, cell: Cell) -> "Text":
        """Return the printed text of a cell."""
        return cls(cell.printed, tuple(range(cell.start, cell.end)), tuple(range(cell.start + 1, cell.end + 1)))

    def __str__(self) -> str:
        return self.chars

    def __len__(self) -> int:
        return len(self.chars)

    def __getitem__(self, part: slice) -> "Text":
        return Text(self.chars[part], self.starts[part], self.ends[part])

    def __add__(self, other: "Text") -> "Text":
        return Text(self.chars + other.chars, self.starts + other.starts, self.ends + other.ends)

    @property
    def span(self) -> Span:
        """The part of the document from the first character to the last; the text must not be empty."""
        return Span(self.starts[0], max(self.ends))

    def replace(self, start: int, stop: int, new: str) -> "Text":
        """Return the text with [start:stop] replaced; all new characters get the span of the old ones."""
        old = self[start:stop]
        count = len(new)
        return self[:start] + Text(new, (old.span.start,) * count, (old.span.end,) * count) + self[stop:]

    def strip(self, chars: str | None = None) -> "Text":
        """Return the text without white space (or `chars`) at its ends."""
        left = len(self.chars) - len(self.chars.lstrip(chars))
        right = len(self.chars.rstrip(chars))
        return self[left : max(left, right)]

    def normal(self) -> "Text":
        """Return the NFKC form: full-width digits, letters and parentheses become the usual ones."""
        if unicodedata.is_normalized("NFKC", self.chars):
            return self
        chars: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for match in _CLUSTER.finditer(self.chars):
            new = _nfkc(match.group())
            chars.append(new)
            starts.extend([self.starts[match.start()]] * len(new))
            ends.extend([self.ends[match.end() - 1]] * len(new))
        return Text("".join(chars), tuple(starts), tuple(ends))

    def visible(self) -> "Text":
        """Return the text without invisible characters (zero-width space, soft hyphen …)."""
        if self.chars.isascii() or not _UNSEEN.search(self.chars):
            return self
        indices = [i for i, char in enumerate(self.chars) if not _UNSEEN.match(char)]
        return Text(
            "".join(self.chars[i] for i in indices),
            tuple(self.starts[i] for i in indices),
            tuple(self.ends[i] for i in indices),
        )

    def spaced(self) -> "Text":
        """Return the text with every run of white space as one space, and none at the ends."""
        text = self
        if re.search(r"\s\s|[^\S ]", self.chars):
            indices = [m.start() for m in re.finditer(r"\S|(?<!\s)\s", self.chars)]
            text = Text(
                "".join(" " if self.chars[i].isspace() else self.chars[i] for i in indices),
                tuple(self.starts[i] for i in indices),
                tuple(self.ends[i] for i in indices),
            )
        return text.strip()

    def unspaced(self) -> "Text":
        """Return the text without white space, which joins words broken by a line wrap."""
        if not re.search(r"\s", self.chars):
            return self
        indices = [i for i, char in enumerate(self.chars) if not char.isspace()]
        return Text(
            "".join(self.chars[i] for i in indices),
            tuple(self.starts[i] for i in indices),
            tuple(self.ends[i] for i in indices),
        )

    def split(self, pattern: re.Pattern[str]) -> list["Text"]:
        """Return the parts between the matches of `pattern`, stripped, without empty ones."""
        parts, last = [], 0
        for match in pattern.finditer(self.chars):
            parts.append(self[last : match.start()].strip())
            last = match.end()
        parts.append(self[last:].strip())
        return [part for part in parts if part.chars]


EMPTY = Text("", (), ())


def is_wide(character: str) -> bool:
    """Return whether a character is wide or full-width; False for an empty text."""
    return bool(character) and east_asian_width(character) in "WF"


def columns(text: str) -> int:
    """Return the number of columns of a text."""
    return len(text) + sum(east_asian_width(character) in "WF" for character in text)
