"""What `/docs` answers: a page in the language of its reader, and each file as it is written."""

import mimetypes
from functools import cache

from fastapi import APIRouter, Request, Response

from kg.core.negotiation import HTML
from kg.http import pages
from kg.http.openapi import answered
from kg.http.pages import View
from kg.http.representations import validators
from kg.http.responses import Asked, Notice, page, prefers_page, raw_path, redirect, told, view_of
from kg.http.sparql_endpoint import Refusal, unless_known
from kg.web.docs import docs_index
from kg.web.docs.markdown_renderer import Rendered, rendered

_LASTING = "public, no-cache"
_NOT_RUN = ("この例はテストでは実行していません", "Not run by the tests")


def router() -> APIRouter:
    """Return the routes of the guide."""
    routes = APIRouter(prefix=f"/{docs_index.PATH}", tags=["guide"])
    forms = answered(HTML, "text/markdown", "image/svg+xml", "image/png")

    @routes.get("", summary="Read the guide", responses=answered(HTML))
    async def index(request: Request) -> Response:
        return _page(request, docs_index.INDEX)

    @routes.get("/{path:path}", summary="Read a page of the guide, or its Markdown", responses=forms)
    async def document(request: Request, path: str) -> Response:
        if path.endswith("/"):
            return redirect(308, "../" + path.rstrip("/").rpartition("/")[2])
        return _written(request, path) or _page(request, path or docs_index.INDEX)

    return routes


def _page(request: Request, name: str) -> Response:
    """Return a document as a page, or say that there is none."""
    view, translations = view_of(request), docs_index.documents().get(name)
    if translations is None:
        if prefers_page(request):
            text = (f"使い方に {name} というページはありません。", f"The guide has no page {name}.")
            return told(Asked(request, raw_path(request)), Notice(404, ("見つかりません", "Not found"), text), ())
        raise Refusal(404, f"the guide has no page {name}; /docs lists all of them")
    chosen = docs_index.best(translations, view.lang)
    shown = _rendered(chosen, view)
    return page(pages.fill("guide.html", view, document=chosen, page=shown, index=docs_index.INDEX), view)


@cache  # the files do not change while they are served
def _made(document: docs_index.Document, view: View) -> Rendered:
    text = document.file.read_text(encoding="utf-8")
    return rendered(text, lambda link: docs_index.target(link, document, view), view.t(*_NOT_RUN))


def _rendered(document: docs_index.Document, view: View) -> Rendered:
    """Return a document for a view, without what makes no difference to it: nobody may fill the memory with others."""
    return _made(document, View(lang=view.lang, root=view.root))


def _written(request: Request, path: str) -> Response | None:
    """Return a file as it is written; None where the path names no file."""
    file = docs_index.written(path)
    if file is None:
        return None
    content = file.read_bytes()
    kind = mimetypes.guess_type(file.name)[0] if file.suffix in (".svg", ".png") else None
    kind = kind or f"text/{'markdown' if file.suffix == '.md' else 'plain'}; charset=utf-8"
    known = validators(None, content)
    headers = {"Content-Type": kind, "Cache-Control": _LASTING, **known.headers()}
    return unless_known(request, known, Response(content, headers=headers))
