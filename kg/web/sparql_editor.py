"""The endpoint in a browser: the page where a query is written, and where its answer stands.

It needs no script. A form posts the query and is led to an address that can be shared; where that would be too long the
answer comes at once. With its script (kg/scripts) the same page is fetched, and its answer put in place.
"""

import difflib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams

from kg.core import sparql_scanner
from kg.core.iris import PREFIXES, to_curie
from kg.core.labels import Labels
from kg.core.negotiation import GRAPH_FORMATS, HTML, ROW_FORMATS, NotAcceptable, choose
from kg.core.stored_queries import ParameterError, parse_values
from kg.engine.query_diagnostics import Mistake, diagnose_query
from kg.engine.result_cache import ResultCache, request_context
from kg.engine.wire import QueryRequest
from kg.http import templates
from kg.http.query_client import Questions, fill_values
from kg.http.responses import number_in, page, redirect, view_of
from kg.http.sparql_endpoint import CLIENT_GONE, Refusal, client_of, unless_gone
from kg.http.sparql_protocol import LONGEST_ADDRESS
from kg.http.templates import View
from kg.web import query_library, results_table
from kg.web.landing import example
from kg.web.vocabulary_index import Missing, Vocabulary, Words

SCRIPT = "made/editor.js"
_LAST_PAGE = 1_000_000
_OWN = ("stored", "edit", "lang", "format", "page")  # parameters that are none of a stored query


@dataclass(frozen=True)
class Outcome:
    """What came of a question, as the page tells it."""

    shown: results_table.Shown | None = None
    refusal: Refusal | None = None
    mistake: Mistake | None = None
    missing: Sequence[Missing] = ()
    milliseconds: float = 0
    kept: bool = False


@dataclass(frozen=True)
class Editor:
    """The page of the endpoint for one graph, at its path below the top; `version` is that of a release of its own.

    `lasting` is what `Cache-Control` says of a page with an answer: not that it is there for ever, since the next
    version of this program may write it in another way.
    """

    answers: ResultCache
    vocabulary: Vocabulary
    labels: Labels
    lasting: str
    stored: Questions
    path: str = "sparql"
    version: str = ""

    def wants(self, question: QueryRequest, accepted: str | None) -> bool:
        """Whether a browser asks: by name, or since it likes HTML better than any other form of an answer."""
        if question.format:
            return question.format.lower() in HTML.names
        if "html" not in (accepted or ""):
            return False
        try:
            return choose((*ROW_FORMATS, *GRAPH_FORMATS, HTML), accepted) is HTML
        except NotAcceptable:
            return False

    async def answer(self, request: Request, question: QueryRequest) -> Response:
        """Return the page with the answer to a question, or where a form has posted it, lead to its address."""
        view = view_of(request)
        address = self._address(view, question)
        if request.method == "POST" and address:
            return redirect(303, f"{view.root}{address}")
        outcome = await self._outcome(request, question, view)
        if outcome is None:
            return Response(status_code=CLIENT_GONE)
        status = outcome.refusal.status if outcome.refusal else 200
        answer = self._page(view, question, status, outcome)
        momentary = outcome.refusal or sparql_scanner.is_volatile(question.query)
        answer.headers["Cache-Control"] = "no-store" if momentary else self.lasting
        answer.headers["Server-Timing"] = f"query;dur={outcome.milliseconds:.1f}"
        if outcome.refusal and "Retry-After" in (outcome.refusal.headers or {}):
            answer.headers["Retry-After"] = dict(outcome.refusal.headers or {})["Retry-After"]
        return answer

    async def blank(self, request: Request) -> Response:
        """Return the page without an answer: with the query to edit, a stored one, or the first example.

        Other parameters say what a stored query is about (`kg.core.stored_queries`). What is not understood is said
        on the page.
        """
        view, asked = view_of(request), request.query_params
        query, refusal = asked.get("edit") or "", None
        if asked.get("stored") and not query:
            query, refusal = await self._stored(view, asked)
        status, outcome = (refusal.status, Outcome(refusal=refusal)) if refusal else (200, None)
        return self._page(
            view, QueryRequest(query or example(view.lang, await self.stored.editions())), status, outcome
        )

    async def _stored(self, view: View, asked: QueryParams) -> tuple[str, Refusal | None]:
        """Return the text of the stored query that an address names, about what it chooses, or why that cannot be."""
        named = (await self.stored.named()).get(asked["stored"])
        if named is None:
            near = (
                ", ".join(difflib.get_close_matches(asked["stored"], self.stored.written)) or "/queries lists them all"
            )
            return "", Refusal(404, f"there is no stored query {asked['stored'][:80]}: {near}")
        text = query_library.text(named, view)
        pairs = [pair for pair in asked.multi_items() if pair[0] not in _OWN]
        try:
            return fill_values(text, **parse_values(named.parameters, pairs)), None
        except ParameterError as error:
            return text, Refusal(400, str(error))

    def _page(self, view: View, question: QueryRequest, status: int = 200, outcome: Outcome | None = None) -> Response:
        graph = sparql_scanner.operation(question.query) in ("CONSTRUCT", "DESCRIBE")
        html = templates.fill(
            "editor.html",
            view,
            query=question.query,
            graphs=[*_graphs(question)],
            outcome=outcome,
            address=self._address(view, question),
            path=self.path,
            version=self.version,
            formats=GRAPH_FORMATS if graph else ROW_FORMATS,
            subjects=query_library.by_subject(self.stored.written.values(), view),
            lines=question.query.splitlines() if outcome and outcome.mistake else [],
            script=SCRIPT if templates.there(SCRIPT) else "",
            named=lambda iri: (to_curie(iri), self.labels.of(iri, view.lang)),
            instead=lambda missing, iri: _instead(question.query, missing, iri),
        )
        return page(html, view, status, ["'self'"] if templates.there(SCRIPT) else ())

    def _address(self, view: View, question: QueryRequest) -> str:
        """Return the address of a question below the top of the site; empty where it would be too long."""
        pairs = [("query", question.query), *_graphs(question)]
        address = "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs)
        return "" if len(address) > LONGEST_ADDRESS else f"{self.path}?{address}&lang={view.lang}"

    async def _outcome(self, request: Request, question: QueryRequest, view: View) -> Outcome | None:
        """Ask, and return what came of it; None where the client has gone away meanwhile."""
        format, start, remarks = (
            results_table.format_for(question.query),
            time.perf_counter(),
            request_context(request.scope),
        )
        remarks.query = question.query
        asked = replace(question, format=format.names[0], accept=None)
        try:
            answer = await unless_gone(request, self.answers.submit(asked, client_of(request), remarks))
            if answer is None:
                return None
            took = (time.perf_counter() - start) * 1000
            shown = await run_in_threadpool(results_table.shown, answer, format, _number(request), view.link)
        except Refusal as refusal:
            took = (time.perf_counter() - start) * 1000
            mistake = diagnose_query(question.query, refusal.detail) if refusal.status == 400 else None
            return Outcome(refusal=refusal, mistake=mistake, milliseconds=took)
        missing = await self.vocabulary.missing(question.query) if shown.empty or _zero(shown) else ()
        return Outcome(shown, None, None, missing, took, remarks.source == "kept")


def router(vocabulary: Vocabulary, labels: Labels) -> APIRouter:
    """Return the route of the terms that the editor completes."""
    routes = APIRouter()
    made: list[dict[str, object]] = []

    @routes.get("/terms.json", tags=["SPARQL"], summary="List the terms in use, with their names")
    async def terms() -> Response:
        if not made:
            made.append(_terms(await vocabulary.words(), labels))
        return JSONResponse(made[0], headers={"Cache-Control": "public, no-cache"})

    return routes


def _terms(words: Words, labels: Labels) -> dict[str, object]:
    """Return the prefixes and the terms: name, kind, uses, and what it is called in both languages."""
    terms = sorted(words.used.values(), key=lambda term: (-term.uses, term.iri))
    listed = [
        [to_curie(term.iri), term.kind, term.uses, labels.of(term.iri, "ja"), labels.of(term.iri, "en")]
        for term in terms
        if to_curie(term.iri) != term.iri
    ]
    return {"prefixes": PREFIXES, "terms": listed}


def _instead(query: str, missing: Missing, iri: str) -> str:
    """Return a query with another term in the place of one that is missing."""
    prefix, _, _ = missing.written.partition(":")
    space = missing.iri[: max(missing.iri.rfind("#"), missing.iri.rfind("/")) + 1]
    short = not missing.written.startswith("<") and iri.startswith(space)
    word = f"{prefix}:{iri.removeprefix(space)}" if short else f"<{iri}>"
    for name in reversed([*sparql_scanner.names(query)]):
        if name.written == missing.written:
            query = query[: name.start] + word + query[name.start + len(name.written) :]
    return query


def _zero(shown: results_table.Shown) -> bool:
    """Whether an answer is one row that counts nothing."""
    return shown.total == 1 and all(cell is not None and cell.text == "0" for row in shown.rows for cell in row)


def _number(request: Request) -> int:
    """Return which page of the rows is asked for."""
    return number_in(request, "page", _LAST_PAGE)


def _graphs(question: QueryRequest) -> list[tuple[str, str]]:
    return [("default-graph-uri", iri) for iri in question.default_graphs] + [
        ("named-graph-uri", iri) for iri in question.named_graphs
    ]
