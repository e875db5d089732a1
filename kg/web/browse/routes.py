"""The paths of the list of measures: the page, and the view as CSV, as JSON and as the query that makes it."""

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
from kg.http.query_client import Ask, answering, asking, rows
from kg.http.responses import (
    Asked,
    Notice,
    Representation,
    chosen,
    link,
    redirect,
    sent,
    told,
    unknown_languages,
    view_of,
)
from kg.http.sparql_endpoint import Refusal, Sending
from kg.http.templates import View
from kg.web.browse import filters as choices
from kg.web.browse.browse_page import Find, Row, Shown, Words, kept
from kg.web.browse.facet_index import Table, gathered, titles
from kg.web.browse.filters import FACETS, Choice, Ignored, question, searching

PATH = "browse"
SPARQL = Format("SPARQL", "application/sparql-query", ("rq",))
_FORMS = (CSV, PLAIN_JSON, SPARQL)
_PATIENCE = 5.0  # seconds that a page waits for the table of a graph, which is made once
_AGAIN = 10  # seconds of Retry-After
_MAKING = (
    "施策の一覧を用意しています。少し待ってから、もう一度開いてください。",
    f"the list of measures is being made; ask again in {_AGAIN} seconds",
)
_APART = ("lang", "format")
_LONGEST_QUERY = 200_000  # characters: what the endpoint takes
_LONGEST_ADDRESS = 24_000  # bytes: what browsers and proxies let pass


def router(answers: ResultCache, release: Release | None, sending: Sending, find: Find | None) -> APIRouter:
    """Return these routes; `find` looks for words in the search index, where there is or will be one."""
    routes = APIRouter(tags=["measures"])
    browse = Browse(answers, release, sending, find)

    @routes.get(f"/{PATH}", summary="List the measures: narrowed by facets, sorted, searched")
    async def listed(request: Request) -> Response:
        format = chosen(request, (HTML, PLAIN_JSON, CSV))
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
class _Asked:
    """A view that somebody asks for: what is chosen, the measures that have its words, and what is ignored."""

    choice: Choice
    table: Table
    hits: int | None
    ignored: Sequence[Ignored]


class Browse:
    """Answers with views of the measures of one graph."""

    def __init__(self, answers: ResultCache, release: Release | None, sending: Sending, find: Find | None) -> None:
        self._ask: Ask = asking(answers)
        self._answer = answering(answers)
        self._release, self._sending, self._find = release, sending, find
        self._making: asyncio.Task[Table] | None = None

    async def answer(self, request: Request, format: Format | None) -> Response:
        """Answer with a view in a format; without one, with its query."""
        asked = Asked(request, PATH, None if format is HTML else format)
        table = await self._table()
        if table is None:
            return _later(asked, _MAKING, {"Retry-After": str(_AGAIN)})
        choice, ignored = choices.read(request.query_params.multi_items(), table.bits, _APART, table.newest)
        ignored += [
            Ignored("lang", text.removeprefix("lang="), choices.NO_LANGUAGE) for text in unknown_languages(request)
        ]
        view = replace(view_of(request), path=PATH, root=asked.root, parameters=choice.parameters())
        if format is HTML and not ignored and choice.parameters() != _given(request):
            named = {key: request.query_params[key] for key in _APART if key in request.query_params}
            return redirect(303, f"{asked.root}{PATH}{choice.address(**named)}")
        if format is not HTML and ignored:
            raise Refusal(400, "; ".join(f"{each.name}={each.value} {each.reason[1]}" for each in ignored))
        if not table.iris:
            choice = replace(choice, words="")
        try:
            hits = table.among(await self._found(choice.words)) if choice.words else None
        except Refusal as refusal:
            if refusal.status != 503:
                raise
            text = ("今は語で絞り込めません。少し待ってから、もう一度開いてください。", refusal.detail)
            return _later(asked, text, refusal.headers)
        which = _Asked(choice, table, hits, ignored)
        if format is HTML:
            return await self._page(asked, view, which)
        if format is PLAIN_JSON:
            return await self._json(asked, view, which)
        query = self._question(which, view)
        if len(query) > _LONGEST_QUERY:
            raise Refusal(400, "these words are in too many measures to be listed in a query; choose a facet as well")
        if format is None:
            rest = choice.on(1).address(lang=view.lang)
            return sent(asked, Representation(SPARQL, query.encode(), f"./{PATH}.rq{rest}"), self._release)
        return await self._csv(asked, query, which)

    async def _table(self) -> Table | None:
        """Return what measures are told apart by; None where it is still being made."""
        if self._making is None or (self._making.done() and self._making.exception()):
            self._making = asyncio.create_task(gathered(self._ask))
        done, _ = await asyncio.wait([self._making], timeout=_PATIENCE)
        return self._making.result() if done else None

    async def _found(self, words: str) -> Sequence[str]:
        if self._find:
            return await self._find(words)
        return [row["measure"] for row in await rows(self._ask, searching(words))]

    def _question(self, which: _Asked, view: View) -> str:
        found = which.table.selected(which.choice.values, which.hits)
        hits = [*which.table.each(found)] if self._find and which.choice.words else None
        return question(which.choice, view.lang, hits)

    async def _page(self, asked: Asked, view: View, which: _Asked) -> Response:
        shown = await self._shown(view, which)
        query = self._question(which, view)
        rest = which.choice.on(1).address(lang=view.lang)
        html = templates.fill(
            "browse.html",
            view,
            shown=shown,
            choice=which.choice,
            ignored=which.ignored,
            kept=kept(which.choice),
            query=query if len(query) < _LONGEST_ADDRESS > len(quote(query)) else "",
            askable=len(query) <= _LONGEST_QUERY,
            forms={name: f"{view.root}{PATH}.{name}{rest}" for name in (form.names[0] for form in _FORMS)},
        )
        location = f"./{PATH}{which.choice.address(lang=view.lang)}"
        links = [link(f"./{PATH}.{form.names[0]}{rest}", "alternate", form.media_type) for form in _FORMS]
        return sent(asked, Representation(HTML, html.encode(), location, links), self._release)

    async def _json(self, asked: Asked, view: View, which: _Asked) -> Response:
        shown, table = await self._shown(view, which), which.table
        content = {
            "total": shown.total,
            "page": shown.page,
            "pages": shown.pages,
            "parameters": dict(which.choice.parameters()),
            "rows": [_record(row) for row in shown.rows],
            "facets": {
                facet.key: {
                    facet.short(count.value): count.measures
                    for count in table.counts(facet, which.choice.values, which.hits)
                }
                for facet in FACETS
            },
            "query": self._question(which, view),
        }
        body = json.dumps(content, ensure_ascii=False, indent=1).encode()
        rest = which.choice.address(lang=view.lang)
        return sent(asked, Representation(PLAIN_JSON, body, f"./{PATH}.json{rest}"), self._release)

    async def _shown(self, view: View, which: _Asked) -> Shown:
        words = Words(view, which.table, which.choice, which.hits)
        return words.shown(await titles(self._ask, [which.table.iris[place] for place in words.places()]))

    async def _csv(self, asked: Asked, query: str, which: _Asked) -> Response:
        """Answer with all rows of a view: what its query answers, in the form of the endpoint."""
        answer = await self._answer(query, CSV)
        number = which.table.selected(which.choice.values, which.hits).bit_count()
        rest = which.choice.on(1).address(lang=asked.lang)
        links = [link(f"./{PATH}.rq{rest}", "describedby", SPARQL.media_type)]
        form = Representation(CSV, answer.body, f"./{PATH}.csv{rest}", links)
        if answer.file:  # too large to be held here, and to be told from another one by its digest
            headers = {key: value for key, value in form.sent(self._release).items() if key != "ETag"}
            response = self._sending.response(answer, headers)
        else:
            response = sent(asked, form, self._release)
        response.headers["Content-Disposition"] = f'attachment; filename="measures-{number}.csv"'
        return response


def _given(request: Request) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in request.query_params.multi_items() if pair[0] not in _APART)


def _record(row: Row) -> dict[str, object]:
    """Return a row as JSON has it."""
    things = {key: [each.words for each in listed] for key, listed in row.things.items()}
    edition = {"edition": row.edition} if row.edition else {}
    return {"measure": row.iri, "title": row.title, **edition, **row.keys, **things, "marks": sorted(row.marks)}


def _later(asked: Asked, text: tuple[str, str], headers: Mapping[str, str] | None) -> Response:
    """Return what is told to those who may come again."""
    response = told(asked, Notice(503, ("今は開けません", "Not now"), text), ())
    response.headers.update(headers or {})
    return response
