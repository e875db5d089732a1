"""Routes of the source viewer: an edition, a page of its document, a row. A cell is an anchor on its page."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response

from kg.core.iris import ID
from kg.core.labels import Labels
from kg.core.negotiation import HTML
from kg.core.release import Release
from kg.http import templates
from kg.http.openapi import parameter_docs
from kg.http.query_client import RunQuery, fetch_editions, fetch_names, is_iri, query_text
from kg.http.responses import (
    SAFE,
    DocumentRequest,
    Notice,
    Representation,
    notice_response,
    number_parameter,
    raw_path,
    redirect_response,
    representation_response,
    view_of,
)
from kg.http.templates import View
from kg.web.source.printed_page import LinkedText, ListedRow, PageExtent, PrintedCell, SourcePage, SourceReader

PATH = "source"
WHITE = "white"  # the parameter that makes invisible characters visible
_LEAF: dict[str, Any] = {"openapi_extra": parameter_docs(**{WHITE: "any value shows spaces and tabs"})}
_SHEET = {"page": "a sheet of the list, from 1", WHITE: "any value shows spaces and tabs"}
_INDEX: dict[str, Any] = {"openapi_extra": parameter_docs(**_SHEET)}
_PAGES_PER_SHEET = 20  # pages of the document on one sheet of the list
_LAST_PAGE = 1_000_000


def router(run_query: RunQuery, release: Release | None, labels: Labels) -> APIRouter:
    """Return these routes."""
    routes = APIRouter(tags=["source"])
    facsimile = SourceViewer(run_query, release, labels)

    @routes.get(f"/{PATH}", summary="List the editions whose source can be seen")
    async def editions(request: Request) -> Response:
        return await facsimile.editions(request)

    @routes.get(f"/{PATH}/{{edition}}", summary="See which pages and rows an edition's source has", **_INDEX)
    async def index(request: Request) -> Response:
        return await facsimile.index(request, _parts(request)[1])

    @routes.get(
        f"/{PATH}/{{edition}}/page/{{number}}", summary="See a page of the source with the values read from it", **_LEAF
    )
    async def page(request: Request) -> Response:
        parts = _parts(request)
        return await facsimile.page(request, parts[1], parts[3])

    @routes.get(
        f"/{PATH}/{{edition}}/row/{{row}}", summary="See a row of the source with the values read from it", **_LEAF
    )
    async def row(request: Request) -> Response:
        parts = _parts(request)
        return await facsimile.row(request, parts[1], parts[3])

    @routes.get(f"/{PATH}/{{edition}}/row/{{row}}/{{rest:path}}", summary="Go to a cell on its page", status_code=303)
    async def cell(request: Request) -> Response:
        parts = _parts(request)
        return await facsimile.cell(request, parts[1], parts[3], parts[4:])

    return routes


@dataclass(frozen=True)
class _SourceRequest:
    """A request for a page of the source: its source, and the name of the edition."""

    document: DocumentRequest
    view: View
    source: SourceReader
    key: str
    title: LinkedText


class SourceViewer:
    """Request handlers for pages of the source of one graph."""

    def __init__(self, run_query: RunQuery, release: Release | None, labels: Labels) -> None:
        self._run_query, self._release, self._labels = run_query, release, labels

    async def editions(self, request: Request) -> Response:
        """Return the list of editions; redirect if there is only one."""
        document, view = _document_request(request)
        iris = sorted(iri for iri in await fetch_editions(self._run_query) if iri.startswith(f"{ID}edition/"))
        keys = [iri.removeprefix(f"{ID}edition/") for iri in iris]
        if len(keys) == 1:
            return redirect_response(303, f"{document.root}{PATH}/{quote(keys[0], safe=SAFE)}{_lang(request)}")
        named = await fetch_names(self._run_query, iris)
        listed = [(key, named.get(iri, {})) for key, iri in zip(keys, iris, strict=True)]
        return self._sent(document, templates.render("source_editions.html", view, listed=listed))

    async def index(self, request: Request, key: str) -> Response:
        """Return the pages and rows of an edition."""
        place = await self._place(request, key, ("page",))
        if place is None:
            return self._missing(request, key)
        leaves = await place.source.leaves()
        sheets = max(1, -(-len(leaves) // _PAGES_PER_SHEET))
        sheet = min(number_parameter(request, "page", _LAST_PAGE), sheets)
        shown = leaves[(sheet - 1) * _PAGES_PER_SHEET : sheet * _PAGES_PER_SHEET]
        listed = await place.source.listed([leaf.page for leaf in shown]) if shown else []
        html = templates.render(
            "source.html",
            place.view,
            place=place,
            leaves=[(leaf, [row for row in listed if row.page == str(leaf.page)]) for leaf in shown],
            states=await place.source.states(listed),
            sheet=sheet,
            sheets=sheets,
            total=len(leaves),
            query=query_text(PageExtent.query, edition=[place.source.edition]),
        )
        return self._sent(place.document, html)

    async def page(self, request: Request, key: str, number: str) -> Response:
        """Return a page of the document, cell by cell."""
        place = await self._place(request, key, (WHITE,))
        leaves = await place.source.leaves() if place else []
        position = next((at for at, leaf in enumerate(leaves) if str(leaf.page) == number), None)
        if place is None or position is None:
            return self._missing(request, key)
        listed = await place.source.listed([leaves[position].page])
        around = (
            leaves[position - 1] if position else None,
            leaves[position + 1] if position + 1 < len(leaves) else None,
        )
        return await self._cells(place, leaves[position], listed, around)

    async def row(self, request: Request, key: str, row: str) -> Response:
        """Return a row of the document, cell by cell."""
        place = await self._place(request, key, (WHITE,))
        number = await place.source.page_of(f"row/{row}") if place and is_iri(f"{ID}{row}") else None
        leaves = await place.source.leaves() if place else []
        leaf = next((leaf for leaf in leaves if leaf.page == number), None)
        if place is None or leaf is None:  # data files may contain a row that is on no page of the edition
            return self._missing(request, key)
        listed = await place.source.listed([leaf.page])
        iri = f"{ID}source/{key}/row/{row}"
        at = next((at for at, each in enumerate(listed) if each.row == iri), None)
        if at is None:
            return self._missing(request, key)
        around = (listed[at - 1].row if at else None, listed[at + 1].row if at + 1 < len(listed) else None)
        near = tuple(each and each.removeprefix(f"{ID}source/{key}/row/") for each in around)
        return await self._cells(place, leaf, [listed[at]], near, only=row)

    async def cell(self, request: Request, key: str, row: str, rest: list[str]) -> Response:
        """Redirect (303) a cell, or a part of it, to its anchor on its page."""
        place = await self._place(request, key)
        number = await place.source.page_of(f"row/{row}") if place and is_iri(f"{ID}{row}") else None
        if place is None or number is None:
            return self._missing(request, key)
        anchor = "/".join(["row", row, *rest[:2]])
        path = f"{PATH}/{key}/page/{number}"
        return redirect_response(
            303, f"{place.document.root}{quote(path, safe=SAFE)}{_lang(request)}#{quote(anchor, safe='/')}"
        )

    async def _cells(
        self, place: _SourceRequest, leaf: SourcePage, listed: list[ListedRow], around: object, only: str = ""
    ) -> Response:
        html = templates.render(
            "source_page.html",
            place.view,
            place=place,
            leaf=leaf,
            only=only,
            rows=await place.source.printed(listed),
            around=around,
            white=dict(place.view.parameters).get(WHITE) == "1",
            query=query_text(PrintedCell.query, row=[row.row for row in listed]),
        )
        return self._sent(place.document, html)

    async def _place(self, request: Request, key: str, parameters: tuple[str, ...] = ()) -> _SourceRequest | None:
        document, view = _document_request(request, parameters)
        if not is_iri(f"{ID}edition/{key}"):
            return None
        source = SourceReader(self._run_query, self._labels, key, view.lang)
        title = await source.title()
        return _SourceRequest(document, view, source, key, title) if title else None

    def _sent(self, document: DocumentRequest, html: str) -> Response:
        location = f"./{quote(document.path.rpartition('/')[2], safe=SAFE)}?lang={document.lang}"
        return representation_response(document, Representation(HTML, html.encode(), location), self._release)

    def _missing(self, request: Request, key: str) -> Response:
        document = DocumentRequest(request, raw_path(request))
        text = ("原典のこの場所はこのデータにありません。", "these data have no such place of a source")
        links = [(document.view.link(f"{PATH}/{quote(key, safe='')}"), key)] if is_iri(f"{ID}{key}") else []
        return notice_response(document, Notice(404, ("見つかりません", "Not found"), text), links)


def _document_request(request: Request, names: tuple[str, ...] = ()) -> tuple[DocumentRequest, View]:
    view = view_of(request)
    parameters = tuple(pair for pair in view.parameters if pair[0] in names)
    return DocumentRequest(request, view.path), replace(view, parameters=parameters)


def _parts(request: Request) -> list[str]:
    """Return the segments of the path, percent-decoded."""
    return [unquote(part, errors="replace") for part in raw_path(request).split("/")]


def _lang(request: Request) -> str:
    lang = request.query_params.get("lang")
    return f"?lang={lang}" if lang in templates.LANGUAGES else ""
