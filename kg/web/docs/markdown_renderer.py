"""Markdown to HTML: CommonMark and tables; HTML in the text is shown, never taken.

Headings have the anchors that GitHub gives them, so that a link works there and here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from unicodedata import east_asian_width

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_NOT_A_WORD = re.compile(r"[^\w\- ]")
NOT_RUN = "not-run"  # what a block that no test runs has behind its language


@dataclass(frozen=True)
class Heading:
    """A heading of a page: its level, its anchor and its words."""

    level: int
    anchor: str
    words: str


@dataclass
class Rendered:
    """A page: its title, its first paragraph as plain text, its headings below the title, and its HTML."""

    title: str = ""
    summary: str = ""
    headings: list[Heading] = field(default_factory=list)
    html: str = ""


def anchor_of(words: str, taken: Sequence[str] = ()) -> str:
    """Return the anchor that GitHub gives a heading of these words, where others have been given before."""
    plain = _NOT_A_WORD.sub("", words.strip().lower()).replace(" ", "-")
    number = 0
    while (anchor := f"{plain}-{number}" if number else plain) in taken:
        number += 1
    return anchor


def rendered(text: str, link: Callable[[str], str], not_run: str) -> Rendered:
    """Return a text in Markdown as a page; `not_run` stands over what no test runs."""
    markdown, page = _markdown(not_run), Rendered()
    tokens = _without_switch(markdown.parse(text))
    for place, token in enumerate(tokens):
        inside = tokens[place + 1] if place + 1 < len(tokens) else token
        if token.type == "heading_open":
            words = _plain(inside)
            anchor = anchor_of(words, [heading.anchor for heading in page.headings])
            token.attrSet("id", anchor)
            page.headings.append(Heading(int(token.tag[1]), anchor, words))
        elif token.type == "paragraph_open" and not page.summary and len(page.headings) == 1:
            page.summary = _plain(inside)
        elif token.type == "table_open":
            token.meta["label"] = page.headings[-1].words if page.headings else ""
        _join_lines(token.children or [])
        for part in token.children or ():
            for attribute in {"a": ("href",), "img": ("src",)}.get(part.tag, ()):
                if isinstance(there := part.attrGet(attribute), str):
                    part.attrSet(attribute, link(there))
    page.html = markdown.renderer.render(tokens, markdown.options, {})
    if page.headings and page.headings[0].level == 1:
        page.title = page.headings.pop(0).words
    return page


def _plain(token: Token) -> str:
    """Return the words of a line without their markup."""
    return "".join(part.content for part in token.children or () if part.type in ("text", "code_inline", "softbreak"))


def _without_switch(tokens: list[Token]) -> list[Token]:
    """Return the tokens without the paragraph that only leads to the other language: each page here has its switch."""
    for place, token in enumerate(tokens):
        if token.type == "inline" and token.content.startswith(("日本語: [", "English: [")):
            return tokens[: place - 1] + tokens[place + 2 :]
    return tokens


def _join_lines(parts: list[Token]) -> None:
    """Take away the ends of lines between wide characters: they would be spaces within a Japanese sentence."""
    for before, token, after in zip(parts, parts[1:], parts[2:], strict=False):
        if token.type == "softbreak" and _is_wide(before.content[-1:]) and _is_wide(after.content[:1]):
            token.type = "text"


def _is_wide(character: str) -> bool:
    return bool(character) and east_asian_width(character) in "WF"


class _Renderer(RendererHTML):
    """What is wide scrolls within itself, and can be reached by keyboard; cells that head a column say so."""

    not_run = ""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return a block of code; a file has its name over it."""
        language, _, name = unescapeAll(tokens[idx].info).strip().partition(" ")
        shown = self.not_run if name == NOT_RUN else name
        caption = f'<p class="file">{escape(shown)}</p>\n' if shown else ""
        kind = f' class="language-{escape(language)}"' if language else ""
        return f'{caption}<pre tabindex="0"><code{kind}>{escape(tokens[idx].content, quote=False)}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return an indented block of code."""
        return f'<pre tabindex="0"><code>{escape(tokens[idx].content, quote=False)}</code></pre>\n'

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Begin a table, in a box of its own that scrolls."""
        label = escape(str(tokens[idx].meta.get("label", "")))
        return f'<div class="scroll" role="group" tabindex="0" aria-label="{label}">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """End a table and its box."""
        return "</table>\n</div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Begin a cell that heads a column; styles of alignment are left out, since the site allows none inline."""
        return '<th scope="col">'

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Begin a cell."""
        return "<td>"


def _markdown(not_run: str) -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    assert isinstance(markdown.renderer, _Renderer)
    markdown.renderer.not_run = not_run
    return markdown
