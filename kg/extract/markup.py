"""Parser for the HTML in a cell: paragraphs, list items and links, with the place of every character.

html.parser is not used, because it gives no offsets inside a character reference, and because the tables print
`<予算事業名>` as text: only names of HTML elements are markup.
"""

import html
import re
from dataclasses import dataclass, field

from kg.core.spans import EMPTY, Text, visible

_ELEMENTS = (
    "a|abbr|b|blockquote|body|br|caption|center|code|col|colgroup|dd|del|div|dl|dt|em|font|h[1-6]|hr|html|i|img|ins|li|ol|p|pre"
    "|s|small|span|strike|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|u|ul"
)
# The second form is a tag that never closes: its name and attributes are markup, the words after them are not.
_TAG = re.compile(
    rf"<!--.*?-->|<(?P<end>/?)(?P<name>{_ELEMENTS})(?![\w-])(?:(?P<rest>\s[^<>]*|/?)>|(?P<open>(?:\s+[a-z-]+=(?:\"[^\"]*\"|'[^']*'))*))",
    re.IGNORECASE | re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_HREF = re.compile(r"href\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)", re.IGNORECASE)
_INLINE = {"a", "abbr", "b", "code", "del", "em", "font", "i", "img", "ins", "s", "small", "span", "strike", "strong"}
_INLINE |= {"sub", "sup", "u"}
_PAIRED = {"a", "div", "li", "ol", "p", "table", "ul"}


@dataclass(frozen=True, slots=True)
class Link:
    """An `<a href>`: its target, and the part [start:stop] of its block's text."""

    href: Text
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or list item; `text` has no markup, and its white space is as printed.

    `after_break` is True if only a `<br>` separates it from the preceding one.
    """

    text: Text
    item: bool = False
    links: tuple[Link, ...] = ()
    after_break: bool = False


@dataclass
class _Reader:
    """State of one pass over a cell."""

    blocks: list[Block] = field(default_factory=list)
    parts: list[Text] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    link: tuple[Text, int] | None = None
    items: int = 0
    after_break: bool = False
    depth: dict[str, int] = field(default_factory=dict)
    broken: bool = False

    def length(self) -> int:
        return sum(len(part) for part in self.parts)

    def flush(self) -> None:
        text = sum(self.parts, EMPTY)
        if text.chars.strip():
            self.blocks.append(Block(text, self.items > 0, tuple(self.links), self.after_break))
        self.after_break = False
        self.parts, self.links = [], []
        self.link = (self.link[0], 0) if self.link else None

    def close_link(self) -> None:
        if self.link:
            self.links.append(Link(self.link[0], self.link[1], self.length()))
            self.link = None


def read_markup(text: Text) -> tuple[list[Block], bool]:
    """Return the blocks of a cell in order, and whether its HTML is broken (an unclosed element)."""
    if "<" not in text.chars and "&" not in text.chars:
        return ([Block(text)] if text.chars.strip() else []), False
    reader = _Reader()
    last = 0
    for tag in _TAG.finditer(text.chars):
        reader.parts.append(_unescaped(text[last : tag.start()]))
        last = tag.end()
        if tag["name"]:
            _take(reader, tag, text)
    reader.parts.append(_unescaped(text[last:]))
    reader.close_link()
    reader.flush()
    return reader.blocks, reader.broken or any(reader.depth.values())


def _take(reader: _Reader, tag: re.Match[str], text: Text) -> None:
    """Process one tag."""
    name, end = tag["name"].lower(), bool(tag["end"])
    reader.broken = reader.broken or tag["open"] is not None
    if name in _PAIRED and not (tag["rest"] or "").endswith("/"):
        reader.depth[name] = reader.depth.get(name, 0) + (-1 if end else 1)
    if name == "a":
        reader.close_link()
        href = _HREF.search(text.chars, tag.start(), tag.end())
        if href and not end:
            reader.link = (_unescaped(text[href.start(1) : href.end(1)].strip("\"'")), reader.length())
    if name in _INLINE:
        return
    reader.flush()
    reader.after_break = name == "br"
    if name == "li":
        reader.items = 0 if end else 1
    elif name in ("ul", "ol") and end:
        reader.items = 0


def _unescaped(text: Text) -> Text:
    """Return the text with its character references resolved; an unknown one is unchanged."""
    for match in reversed(list(_ENTITY.finditer(text.chars))):
        char = visible(html.unescape(match.group()))
        if char != match.group():
            text = text.replace(match.start(), match.end(), char)
    return text


def plain_text(text: Text) -> Text:
    """Return the text of a cell without markup, with a line break between paragraphs."""
    blocks, _ = read_markup(text)
    result = EMPTY
    for block in blocks:
        if result.chars:
            result = result + Text("\n", result.ends[-1:], result.ends[-1:])
        result = result + block.text
    return result


_BULLETS = "-‐–・○●■◆◇□►▪"  # removed: a bullet only begins an item
_NUMBERS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"  # not removed: they have an order
_NOTES = "※【"  # not removed: a remark or heading is a paragraph of its own
# A marker is at the beginning, or between white space and a word; the hyphen of `JIS X 8341-3` is not a marker.
_MARKED = re.compile(
    rf"(?:^\s*(?!-[\d.,]+\s?[%％])(?P<first>[{_BULLETS}{_NUMBERS}{_NOTES}])\s*(?=\S)"
    rf"|(?<=\s)(?P<later>[{_BULLETS}{_NUMBERS}{_NOTES}])\s*(?=[^\s\d\-・./]))"
)


def items_of(blocks: list[Block]) -> list[Block]:
    """Split text at its list markers (`・`, `- `, `○`, `①` …); the part before the first is a paragraph."""
    parts: list[Block] = []
    for block in blocks:
        marks = list(_MARKED.finditer(block.text.chars))
        if block.item:
            marks = [mark for mark in marks if mark["first"]]
        head = block.text[: marks[0].start()] if marks else block.text
        parts.append(Block(head.spaced(), block.item))
        stops = [*(mark.start() for mark in marks[1:]), len(block.text)] if marks else []
        for mark, stop in zip(marks, stops, strict=True):
            group = "first" if mark["first"] else "later"
            start = mark.end() if mark[group] in _BULLETS else mark.start(group)
            parts.append(Block(block.text[start:stop].spaced(), block.item or mark[group] not in _NOTES))
    return [part for part in parts if part.text.chars]


def prose_of(blocks: list[Block]) -> str:
    """Return clean text: one line for each paragraph, and `- ` before each list item."""
    return "\n".join(("- " if part.item else "") + part.text.chars for part in items_of(blocks))
