"""Routes of the list of measures: as a page, and as CSV, JSON and SPARQL query of the same view."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from kg.core.negotiation import CSV, HTML, PLAIN_JSON, Format
from kg.core.release import Release
from kg.engine.result_cache import ResultCache
from kg.http import templates
from kg.http.query_client import RunQuery, fetch_rows, large_query_runner, query_runner
from kg.http.responses import (
    DocumentRequest,
    Notice,
    Representation,
    link,
    negotiate,
    notice_response,
    redirect_response,
    representation_response,
    unknown_languages,
    view_of,
)
from kg.http.sparql_endpoint import FileSender, Refusal
from kg.http.templates import View
from kg.web.browse import filters
from kg.web.browse.browse_page import Find, ListPage, ListPresenter, MeasureRow, hidden_parameters, measure_finder
from kg.web.browse.facet_index import FacetIndex, build_facet_index, fetch_titles
from kg.web.browse.filters import FACETS, IgnoredParameter, Selection, selection_query, word_search_query
from kg.web.search_routes import SearchExecutor

PATH = "browse"
SPARQL = Format("SPARQL", "application/sparql-query", ("rq",))
_FORMS = (CSV, PLAIN_JSON, SPARQL)
_PATIENCE = 5.0  # seconds that a page waits for the facet index, which is built once
_AGAIN = 10  # seconds of Retry-After
_BUILDING = (
    "施策の一覧を用意しています。少し待ってから、もう一度開いてください。",
    f"the list of measures is being prepared; try again in {_AGAIN} seconds",
)
_NEGOTIATED = ("lang", "format")
_LONGEST_QUERY = 200_000  # characters that the endpoint accepts
_LONGEST_ADDRESS = 24_000  # bytes that browsers and proxies accept


def router(
    answers: ResultCache, release: Release | None, sending: FileSender, searches: SearchExecutor | None
) -> APIRouter:
    """Return these routes; `searches` runs queries of the index, if there is or will be one."""
    routes = APIRouter(tags=["measures"])
    browse = MeasureListPages(answers, release, sending, measure_finder(searches) if searches else None)

    @routes.get(f"/{PATH}", summary="List the measures: narrowed by facets, sorted, searched")
    async def listed(request: Request) -> Response:
        format = negotiate(request, (HTML, PLAIN_JSON, CSV))
        return await browse.answer(request, format)

    @routes.get(f"/{PATH}.csv", summary="Get the rows of a view of the list, all pages of it, as CSV")
    async def as_csv(request: Request) -> Response:
        return await browse.answer(request, CSV)

    @routes.get(f"/{PATH}.json", summary="Get a page of a view of the list, with counts of its facets, as JSON")
    async def as_json(request: Request) -> Response:
        return await browse.answer(request, PLAIN_JSON)

    @routes.get(f"/{PATH}.rq", summary="Get the SPARQL query that makes exactly a view of the list")
    async def as_query(request: Request) -> Response:
        return await browse.answer(request, None)

    return routes


@dataclass(frozen=True)
class _ListRequest:
    """A requested view: its parameters, the measures with its words, and the ignored parameters."""

    selection: Selection
    table: FacetIndex
    hits: int | None
    ignored: Sequence[IgnoredParameter]


class MeasureListPages:
    """Request handlers for views of the measures of one graph."""

    def __init__(self, answers: ResultCache, release: Release | None, sending: FileSender, find: Find | None) -> None:
        self._run_query: RunQuery = query_runner(answers)
        self._answer = large_query_runner(answers)
        self._release, self._sending, self._find = release, sending, find
        self._making: asyncio.Task[FacetIndex] | None = None

    async def answer(self, request: Request, format: Format | None) -> Response:
        """Return a view in a format; without a format, its query."""
        document = DocumentRequest(request, PATH, None if format is HTML else format)
        table = await self._table()
        if table is None:
            return _unavailable(document, _BUILDING, {"Retry-After": str(_AGAIN)})
        selection, ignored = _parse(request, table)
        view = replace(view_of(request), path=PATH, root=document.root, parameters=selection.parameters())
        if format is HTML and not ignored and selection.parameters() != _given_parameters(request):
            named = {key: request.query_params[key] for key in _NEGOTIATED if key in request.query_params}
            return redirect_response(303, f"{document.root}{PATH}{selection.address(**named)}")
        if format is not HTML and ignored:
            raise Refusal(400, "; ".join(f"{each.name}={each.value} {each.reason[1]}" for each in ignored))
        if not table.iris:
            selection = replace(selection, words="")
        try:
            hits = table.bits_of(await self._found(selection.words)) if selection.words else None
        except Refusal as refusal:
            if refusal.status != 503:
                raise
            text = ("今は語で絞り込めません。少し待ってから、もう一度開いてください。", refusal.detail)
            return _unavailable(document, text, refusal.headers)
        list_request = _ListRequest(selection, table, hits, ignored)
        if format is HTML:
            return await self._page(document, view, list_request)
        if format is PLAIN_JSON:
            return await self._json(document, view, list_request)
        query = self._query(list_request, view)
        if len(query) > _LONGEST_QUERY:
            raise Refusal(400, "these words are in too many measures to be listed in a query; choose a facet as well")
        if format is None:
            location = f"./{PATH}.rq{selection.on(1).address(lang=view.lang)}"
            return representation_response(document, Representation(SPARQL, query.encode(), location), self._release)
        return await self._csv(document, query, list_request)

    async def _table(self) -> FacetIndex | None:
        """Return the facet index; None while it is being built."""
        if self._making is None or (self._making.done() and self._making.exception()):
            self._making = asyncio.create_task(build_facet_index(self._run_query))
        done, _ = await asyncio.wait([self._making], timeout=_PATIENCE)
        return self._making.result() if done else None

    async def _found(self, words: str) -> Sequence[str]:
        if self._find:
            return await self._find(words)
        return [row["measure"] for row in await fetch_rows(self._run_query, word_search_query(words))]

    def _query(self, list_request: _ListRequest, view: View) -> str:
        measures = list_request.table.selected(list_request.selection.values, list_request.hits)
        hits = [*list_request.table.each(measures)] if self._find and list_request.selection.words else None
        return selection_query(list_request.selection, view.lang, hits)

    async def _page(self, document: DocumentRequest, view: View, list_request: _ListRequest) -> Response:
        shown = await self._shown(view, list_request)
        query = self._query(list_request, view)
        query_string = list_request.selection.on(1).address(lang=view.lang)
        html = templates.render(
            "browse.html",
            view,
            shown=shown,
            choice=list_request.selection,
            ignored=list_request.ignored,
            hidden=hidden_parameters(list_request.selection),
            query=query if len(query) < _LONGEST_ADDRESS > len(quote(query)) else "",
            askable=len(query) <= _LONGEST_QUERY,
            forms={name: f"{view.root}{PATH}.{name}{query_string}" for name in (form.names[0] for form in _FORMS)},
        )
        location = f"./{PATH}{list_request.selection.address(lang=view.lang)}"
        links = [link(f"./{PATH}.{form.names[0]}{query_string}", "alternate", form.media_type) for form in _FORMS]
        return representation_response(document, Representation(HTML, html.encode(), location, links), self._release)

    async def _json(self, document: DocumentRequest, view: View, list_request: _ListRequest) -> Response:
        shown, table = await self._shown(view, list_request), list_request.table
        content = {
            "total": shown.total,
            "page": shown.page,
            "pages": shown.pages,
            "parameters": dict(list_request.selection.parameters()),
            "rows": [_record(row) for row in shown.rows],
            "facets": {
                facet.key: {
                    facet.short(count.value): count.measures
                    for count in table.counts(facet, list_request.selection.values, list_request.hits)
                }
                for facet in FACETS
            },
            "query": self._query(list_request, view),
        }
        body = json.dumps(content, ensure_ascii=False, indent=1).encode()
        query_string = list_request.selection.address(lang=view.lang)
        return representation_response(
            document, Representation(PLAIN_JSON, body, f"./{PATH}.json{query_string}"), self._release
        )

    async def _shown(self, view: View, list_request: _ListRequest) -> ListPage:
        words = ListPresenter(view, list_request.table, list_request.selection, list_request.hits)
        return words.shown(
            await fetch_titles(self._run_query, [list_request.table.iris[place] for place in words.places()])
        )

    async def _csv(self, document: DocumentRequest, query: str, list_request: _ListRequest) -> Response:
        """Return all rows of a view: the result of its query, as the endpoint serializes it."""
        answer = await self._answer(query, CSV)
        number = list_request.table.selected(list_request.selection.values, list_request.hits).bit_count()
        query_string = list_request.selection.on(1).address(lang=document.lang)
        links = [link(f"./{PATH}.rq{query_string}", "describedby", SPARQL.media_type)]
        form = Representation(CSV, answer.body, f"./{PATH}.csv{query_string}", links)
        if answer.file:  # too large for memory and for a digest
            headers = {key: value for key, value in form.headers(self._release).items() if key != "ETag"}
            response = self._sending.response(answer, headers)
        else:
            response = representation_response(document, form, self._release)
        response.headers["Content-Disposition"] = f'attachment; filename="measures-{number}.csv"'
        return response


def _parse(request: Request, table: FacetIndex) -> tuple[Selection, list[IgnoredParameter]]:
    """Parse the parameters of a request, and return those that are ignored."""
    pairs = request.query_params.multi_items()
    selection, ignored = filters.parse_parameters(pairs, table.bits, _NEGOTIATED, table.newest)
    languages = (text.removeprefix("lang=") for text in unknown_languages(request))
    return selection, [*ignored, *(IgnoredParameter("lang", text, filters.NO_LANGUAGE) for text in languages)]


def _given_parameters(request: Request) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in request.query_params.multi_items() if pair[0] not in _NEGOTIATED)


def _record(row: MeasureRow) -> dict[str, object]:
    """Return a row for JSON."""
    things = {key: [each.words for each in listed] for key, listed in row.things.items()}
    edition = {"edition": row.edition} if row.edition else {}
    return {"measure": row.iri, "title": row.title, **edition, **row.keys, **things, "marks": sorted(row.marks)}


def _unavailable(document: DocumentRequest, text: tuple[str, str], headers: Mapping[str, str] | None) -> Response:
    """Return a 503 notice with `Retry-After`."""
    response = notice_response(document, Notice(503, ("今は開けません", "Not now"), text), ())
    response.headers.update(headers or {})
    return response
