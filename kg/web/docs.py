"""Route `/docs`: the Markdown files of docs/ as pages in both languages, and as source files.

Markdown is CommonMark with tables; HTML in the text is escaped. Headings have the anchors that GitHub generates, so
that links work on both sites.
"""

import mimetypes
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path, PurePosixPath

from fastapi import APIRouter, Request, Response
from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from kg.core.negotiation import HTML
from kg.core.paths import TOP_FILES, project_folders
from kg.core.spans import is_wide
from kg.http import conditional_requests, templates
from kg.http.openapi import response_docs
from kg.http.responses import (
    DocumentRequest,
    Notice,
    html_response,
    notice_response,
    prefers_html,
    raw_path,
    redirect_response,
    validators,
    view_of,
)
from kg.http.sparql_endpoint import Refusal, unless_not_modified
from kg.http.templates import LANGUAGES, View

_NOT_A_WORD = re.compile(r"[^\w\- ]")
NOT_RUN = "not-run"  # the info string of a code block that no test runs


@dataclass(frozen=True)
class Heading:
    """A heading of a page: level, anchor and text."""

    level: int
    anchor: str
    words: str


@dataclass
class RenderedPage:
    """A rendered page: title, first paragraph as plain text, headings below the title, and HTML."""

    title: str = ""
    summary: str = ""
    headings: list[Heading] = field(default_factory=list)
    html: str = ""


def anchor_of(words: str, taken: Sequence[str] = ()) -> str:
    """Return the anchor that GitHub generates for a heading, unique among those taken."""
    plain = _NOT_A_WORD.sub("", words.strip().lower()).replace(" ", "-")
    number = 0
    while (anchor := f"{plain}-{number}" if number else plain) in taken:
        number += 1
    return anchor


def render_markdown(text: str, link: Callable[[str], str], not_run: str) -> RenderedPage:
    """Render Markdown as a page; `not_run` is the caption of code blocks that no test runs."""
    markdown, page = _markdown(not_run), RenderedPage()
    tokens = _without_language_link(markdown.parse(text))
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
                if isinstance(target := part.attrGet(attribute), str):
                    part.attrSet(attribute, link(target))
    page.html = markdown.renderer.render(tokens, markdown.options, {})
    if page.headings and page.headings[0].level == 1:
        page.title = page.headings.pop(0).words
    return page


def _plain(token: Token) -> str:
    """Return the text of an inline token without markup."""
    return "".join(part.content for part in token.children or () if part.type in ("text", "code_inline", "softbreak"))


def _without_language_link(tokens: list[Token]) -> list[Token]:
    """Return the tokens without the paragraph that only links to the other language: each page has a switch."""
    for place, token in enumerate(tokens):
        if token.type == "inline" and token.content.startswith(("日本語: [", "English: [")):
            return tokens[: place - 1] + tokens[place + 2 :]
    return tokens


def _join_lines(parts: list[Token]) -> None:
    """Remove line breaks between wide characters, where they would become spaces in a Japanese sentence."""
    for before, token, after in zip(parts, parts[1:], parts[2:], strict=False):
        if token.type == "softbreak" and is_wide(before.content[-1:]) and is_wide(after.content[:1]):
            token.type = "text"


class _Renderer(RendererHTML):
    """HTML renderer with scrollable, keyboard-focusable boxes for wide content, and `scope` on header cells."""

    not_run = ""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Render a code block, with the name of its file as caption."""
        language, _, name = unescapeAll(tokens[idx].info).strip().partition(" ")
        shown = self.not_run if name == NOT_RUN else name
        caption = f'<p class="file">{escape(shown)}</p>\n' if shown else ""
        kind = f' class="language-{escape(language)}"' if language else ""
        return f'{caption}<pre tabindex="0"><code{kind}>{escape(tokens[idx].content, quote=False)}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Render an indented code block."""
        return f'<pre tabindex="0"><code>{escape(tokens[idx].content, quote=False)}</code></pre>\n'

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Open a table in a scrollable box."""
        label = escape(str(tokens[idx].meta.get("label", "")))
        return f'<div class="scroll" role="group" tabindex="0" aria-label="{label}">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Close a table and its box."""
        return "</table>\n</div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Open a header cell, without inline alignment styles, which the policy of the site forbids."""
        return '<th scope="col">'

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Open a cell."""
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
    """One Markdown file: its name without language and suffix, its language and its path."""

    name: str
    lang: str
    file: Path


Translations = dict[str, Document]


def documents() -> dict[str, Translations]:
    """Return the documents by name and language, including those at the top of the project."""
    folder = project_folders().docs
    documents_by_name: dict[str, Translations] = {}
    for file in [*sorted(folder.glob(f"*{_MARKDOWN}")), *(folder.parent / name for name in TOP_FILES)]:
        if file.suffix == _MARKDOWN and file.is_file():
            lang = LANGUAGES[0] if file.stem.endswith(_JAPANESE) else LANGUAGES[1]
            name = file.stem.removesuffix(_JAPANESE)
            documents_by_name.setdefault(name, {})[lang] = Document(name, lang, file)
    return documents_by_name


def best_translation(translations: Translations, lang: str) -> Document:
    """Return the translation in a language, else the original."""
    return translations.get(lang) or next(iter(translations.values()))


def source_file(path: str) -> Path | None:
    """Return the file at a path below `/docs/`: Markdown, image or licence; None for others."""
    folder, parts = project_folders().docs, PurePosixPath(path).parts
    if path in TOP_FILES:
        file = folder.parent / path
    elif (len(parts) == 1 and path.endswith(_MARKDOWN)) or (len(parts) == 2 and parts[0] == _PICTURES):
        file = folder / path
    else:
        return None
    return file if ".." not in parts and file.is_file() else None


def link_target(link: str, page: Document, view: View) -> str:
    """Return the URL of a link in a page; external links and fragments are unchanged."""
    path, mark, fragment = link.partition("#")
    if not path or ":" in path:
        return link
    # All documents are siblings on the site, wherever they are in the project.
    parts = [part for part in PurePosixPath(path).parts if part not in ("..", ".", PATH)]
    name = parts[-1].removesuffix(_MARKDOWN) if parts else ""
    if not path.endswith(_MARKDOWN):
        below = f"{PATH}/" if source_file("/".join(parts)) else ""
        return f"{view.root}{below}{'/'.join(parts)}{mark}{fragment}"
    if name.endswith(_JAPANESE):
        lang, name = LANGUAGES[0], name.removesuffix(_JAPANESE)
    elif (fragment and page.lang != view.lang) or page.lang == LANGUAGES[0] in documents().get(name, {}):
        lang = LANGUAGES[
            1
        ]  # an anchor belongs to the language of the link; and a Japanese page may link to its translation
    else:
        lang = view.lang
    return f"{view.root}{PATH}{'' if name == INDEX else f'/{name}'}?lang={lang}{mark}{fragment}"


_NOT_RUN = ("この例はテストでは実行していません", "Not run by the tests")


def router() -> APIRouter:
    """Return the routes of the guide."""
    routes = APIRouter(prefix=f"/{PATH}", tags=["guide"])
    forms = response_docs(HTML, "text/markdown", "image/svg+xml", "image/png")

    @routes.get("", summary="Read the guide", responses=response_docs(HTML))
    async def index(request: Request) -> Response:
        return _page(request, INDEX)

    @routes.get("/{path:path}", summary="Read a page of the guide, or its Markdown", responses=forms)
    async def document(request: Request, path: str) -> Response:
        if path.endswith("/"):
            return redirect_response(308, "../" + path.rstrip("/").rpartition("/")[2])
        return _source_response(request, path) or _page(request, path or INDEX)

    return routes


def _page(request: Request, name: str) -> Response:
    """Return a document as a page; raise Refusal, or return a notice, if there is none."""
    view, translations = view_of(request), documents().get(name)
    if translations is None:
        if prefers_html(request):
            text = (f"使い方に {name} というページはありません。", f"The guide has no page {name}.")
            return notice_response(
                DocumentRequest(request, raw_path(request)), Notice(404, ("見つかりません", "Not found"), text), ()
            )
        raise Refusal(404, f"the guide has no page {name}; /docs lists all of them")
    chosen = best_translation(translations, view.lang)
    shown = _rendered(chosen, view)
    return html_response(templates.render("guide.html", view, document=chosen, page=shown, index=INDEX), view)


@cache  # the files do not change while they are served
def _render_cached(document: Document, view: View) -> RenderedPage:
    text = document.file.read_text(encoding="utf-8")
    return render_markdown(text, lambda link: link_target(link, document, view), view.t(*_NOT_RUN))


def _rendered(document: Document, view: View) -> RenderedPage:
    """Return a rendered document; the cache key omits irrelevant parts of the context, so that the cache is bounded."""
    return _render_cached(document, View(lang=view.lang, root=view.root))


def _source_response(request: Request, path: str) -> Response | None:
    """Return a source file; None if the path names no file."""
    file = source_file(path)
    if file is None:
        return None
    content = file.read_bytes()
    kind = mimetypes.guess_type(file.name)[0] if file.suffix in (".svg", ".png") else None
    kind = kind or f"text/{'markdown' if file.suffix == '.md' else 'plain'}; charset=utf-8"
    document_validators = validators(None, content)
    headers = {"Content-Type": kind, "Cache-Control": conditional_requests.REVALIDATED, **document_validators.headers()}
    return unless_not_modified(request, document_validators, Response(content, headers=headers))
