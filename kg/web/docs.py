"""`/docs`: the Markdown files of docs/ as pages in both languages, and as they are written.

What `/docs` answers: a page in the language of its reader, and each file as it is written.

Markdown to HTML: CommonMark and tables; HTML in the text is shown, never taken.

Headings have the anchors that GitHub gives them, so that a link works there and here.

The files of the guide: which there are, in which languages, and where a link in one of them leads.
"""

import mimetypes
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path, PurePosixPath
from unicodedata import east_asian_width

from fastapi import APIRouter, Request, Response
from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from kg.core.negotiation import HTML
from kg.core.paths import TOP_FILES, project_folders
from kg.http import templates
from kg.http.openapi import answered
from kg.http.responses import Asked, Notice, page, prefers_page, raw_path, redirect, told, validators, view_of
from kg.http.sparql_endpoint import Refusal, unless_known
from kg.http.templates import LANGUAGES, View

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


INDEX = "index"
PATH = "docs"
_MARKDOWN, _JAPANESE, _PICTURES = ".md", ".ja", "images"


@dataclass(frozen=True)
class Document:
    """One Markdown file: its name without language and suffix, its language, and where it lies."""

    name: str
    lang: str
    file: Path


Translations = dict[str, Document]


def documents() -> dict[str, Translations]:
    """Return the documents by name and by language; those at the top of the project are among them."""
    folder = project_folders().docs
    found: dict[str, Translations] = {}
    for file in [*sorted(folder.glob(f"*{_MARKDOWN}")), *(folder.parent / name for name in TOP_FILES)]:
        if file.suffix == _MARKDOWN and file.is_file():
            lang = LANGUAGES[0] if file.stem.endswith(_JAPANESE) else LANGUAGES[1]
            name = file.stem.removesuffix(_JAPANESE)
            found.setdefault(name, {})[lang] = Document(name, lang, file)
    return found


def best(translations: Translations, lang: str) -> Document:
    """Return a document in a language, or in the one that it is written in."""
    return translations.get(lang) or next(iter(translations.values()))


def written(path: str) -> Path | None:
    """Return the file at a path below `/docs/`, as it is written: Markdown, a picture, a licence; None for others."""
    folder, parts = project_folders().docs, PurePosixPath(path).parts
    if path in TOP_FILES:
        file = folder.parent / path
    elif (len(parts) == 1 and path.endswith(_MARKDOWN)) or (len(parts) == 2 and parts[0] == _PICTURES):
        file = folder / path
    else:
        return None
    return file if ".." not in parts and file.is_file() else None


def target(link: str, page: Document, view: View) -> str:
    """Return the address that a link of a page leads to; what leads to other sites, or within the page, stays."""
    path, mark, fragment = link.partition("#")
    if not path or ":" in path:
        return link
    # All documents are beside each other here, wherever they lie in the project.
    parts = [part for part in PurePosixPath(path).parts if part not in ("..", ".", PATH)]
    name = parts[-1].removesuffix(_MARKDOWN) if parts else ""
    if not path.endswith(_MARKDOWN):
        below = f"{PATH}/" if written("/".join(parts)) else ""
        return f"{view.root}{below}{'/'.join(parts)}{mark}{fragment}"
    if name.endswith(_JAPANESE):
        lang, name = LANGUAGES[0], name.removesuffix(_JAPANESE)
    elif (fragment and page.lang != view.lang) or page.lang == LANGUAGES[0] in documents().get(name, {}):
        lang = LANGUAGES[1]  # an anchor is a heading in the language of the link; and a Japanese page names a twin
    else:
        lang = view.lang
    return f"{view.root}{PATH}{'' if name == INDEX else f'/{name}'}?lang={lang}{mark}{fragment}"


_LASTING = "public, no-cache"
_NOT_RUN = ("この例はテストでは実行していません", "Not run by the tests")


def router() -> APIRouter:
    """Return the routes of the guide."""
    routes = APIRouter(prefix=f"/{PATH}", tags=["guide"])
    forms = answered(HTML, "text/markdown", "image/svg+xml", "image/png")

    @routes.get("", summary="Read the guide", responses=answered(HTML))
    async def index(request: Request) -> Response:
        return _page(request, INDEX)

    @routes.get("/{path:path}", summary="Read a page of the guide, or its Markdown", responses=forms)
    async def document(request: Request, path: str) -> Response:
        if path.endswith("/"):
            return redirect(308, "../" + path.rstrip("/").rpartition("/")[2])
        return _written(request, path) or _page(request, path or INDEX)

    return routes


def _page(request: Request, name: str) -> Response:
    """Return a document as a page, or say that there is none."""
    view, translations = view_of(request), documents().get(name)
    if translations is None:
        if prefers_page(request):
            text = (f"使い方に {name} というページはありません。", f"The guide has no page {name}.")
            return told(Asked(request, raw_path(request)), Notice(404, ("見つかりません", "Not found"), text), ())
        raise Refusal(404, f"the guide has no page {name}; /docs lists all of them")
    chosen = best(translations, view.lang)
    shown = _rendered(chosen, view)
    return page(templates.fill("guide.html", view, document=chosen, page=shown, index=INDEX), view)


@cache  # the files do not change while they are served
def _made(document: Document, view: View) -> Rendered:
    text = document.file.read_text(encoding="utf-8")
    return rendered(text, lambda link: target(link, document, view), view.t(*_NOT_RUN))


def _rendered(document: Document, view: View) -> Rendered:
    """Return a document for a view, without what makes no difference to it: nobody may fill the memory with others."""
    return _made(document, View(lang=view.lang, root=view.root))


def _written(request: Request, path: str) -> Response | None:
    """Return a file as it is written; None where the path names no file."""
    file = written(path)
    if file is None:
        return None
    content = file.read_bytes()
    kind = mimetypes.guess_type(file.name)[0] if file.suffix in (".svg", ".png") else None
    kind = kind or f"text/{'markdown' if file.suffix == '.md' else 'plain'}; charset=utf-8"
    known = validators(None, content)
    headers = {"Content-Type": kind, "Cache-Control": _LASTING, **known.headers()}
    return unless_known(request, known, Response(content, headers=headers))
