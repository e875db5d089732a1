"""SPARQL editor: the page of the endpoint, with a query and one page of the rows of its result.

It needs no script. A form posts the query and is redirected to a URL that can be shared; if that would be too long, the
result is sent at once. With its script (kg/scripts), the same page is fetched and its result inserted.

A result can be large, and is a file then. Each row of TSV and each statement of N-Triples is one line, so rows are
counted as lines, and only the displayed ones are parsed.
"""

import difflib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pyoxigraph import Literal, NamedNode, QueryResultsFormat, QuerySolutions, RdfFormat, parse, parse_query_results
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams

from kg.core import sparql_scanner
from kg.core.iris import BASE, ID, PREFIXES, to_curie
from kg.core.labels import Labels, is_web_address
from kg.core.negotiation import GRAPH_FORMATS, HTML, JSON, N_TRIPLES, ROW_FORMATS, TSV, Format, NotAcceptable, choose
from kg.core.stored_queries import ParameterError, parse_values
from kg.engine.query_diagnostics import Mistake, diagnose_query
from kg.engine.result_cache import ResultCache, request_context
from kg.engine.wire import Answer, QueryRequest
from kg.http import conditional_requests, templates
from kg.http.query_client import StoredQueries, fill_values
from kg.http.responses import html_response, number_parameter, path_of, redirect_response, view_of
from kg.http.sparql_endpoint import CLIENT_CLOSED_REQUEST, LONGEST_URL, Refusal, client_key, unless_disconnected
from kg.http.templates import View
from kg.web import query_library
from kg.web.landing import example_query
from kg.web.presenter import Value
from kg.web.vocabulary_index import UnknownTerm, Vocabulary, VocabularyTerms

ROWS = 100  # on one page
_PIECE = 1 << 20
_STATEMENT = ("subject", "predicate", "object")


@dataclass(frozen=True)
class ResultPage:
    """One page of a result: columns and rows (None if unbound), of `total` rows; or the boolean of ASK."""

    head: tuple[str, ...] = ()
    rows: tuple[tuple[Value | None, ...], ...] = ()
    total: int = 0
    page: int = 1
    verdict: bool | None = None
    graph: bool = False

    @property
    def pages(self) -> int:
        """The number of pages of all rows."""
        return max(1, -(-self.total // ROWS))

    @property
    def empty(self) -> bool:
        """Return whether the result is empty or false."""
        return self.verdict is False or (self.verdict is None and not self.total)


def format_for(query: str) -> Format:
    """Return the format in which the result of a query can be displayed."""
    return {"ASK": JSON, "CONSTRUCT": N_TRIPLES, "DESCRIBE": N_TRIPLES}.get(sparql_scanner.operation(query), TSV)


def result_page(answer: Answer, format: Format, page: int, link: Callable[[str], str]) -> ResultPage:
    """Return one page (from 1) of a result in this format; `link` makes URLs of paths of this site."""
    if format is JSON:
        return ResultPage(verdict=bool(json.loads(b"".join(_pieces(answer)))["boolean"]))
    heads = 0 if format is N_TRIPLES else 1
    window, lines = _window(_pieces(answer), heads + (page - 1) * ROWS, ROWS)
    if format is N_TRIPLES:
        statements = [quad.triple for quad in parse(window, format=RdfFormat.N_TRIPLES)]
        stated = tuple(tuple(_value(term, link) for term in statement) for statement in statements)
        return ResultPage(_STATEMENT, stated, lines, page, graph=True)
    head, _ = _window(_pieces(answer), 0, 1)
    solutions = parse_query_results(head + window, QueryResultsFormat.TSV)
    assert isinstance(solutions, QuerySolutions)
    names = tuple(variable.value for variable in solutions.variables)
    rows = tuple(tuple(None if term is None else _value(term, link) for term in row) for row in solutions)
    return ResultPage(names, rows, lines - 1, page)


def _value(term: object, link: Callable[[str], str]) -> Value:
    """Return a term as a cell: an IRI in its shortest form, a literal exactly."""
    if isinstance(term, NamedNode):
        iri = term.value
        if path := path_of(iri):
            return Value(_short(iri), "", link(path))
        return Value(_short(iri), "", iri if is_web_address(iri) else "", away=True)
    if isinstance(term, Literal):
        kind = term.datatype.value
        plain = bool(term.language) or kind == PREFIXES["xsd"] + "string"
        href = term.value if kind == PREFIXES["xsd"] + "anyURI" and is_web_address(term.value) else ""
        return Value(term.value, term.language or "", href, "" if plain else to_curie(kind), bool(href))
    return Value(str(term))


def _short(iri: str) -> str:
    return iri.removeprefix(BASE) if iri.startswith(ID) else to_curie(iri)


def _pieces(answer: Answer) -> Iterator[bytes]:
    if not answer.file:
        yield answer.body
        return
    start = 0
    while piece := answer.file.read(min(_PIECE, answer.size - start), start):
        yield piece
        start += len(piece)


def _window(pieces: Iterator[bytes], first: int, count: int) -> tuple[bytes, int]:
    """Return `count` lines starting at line `first` (from 0), and the total number of lines."""
    window, lines = list[bytes](), 0
    for piece in pieces:
        in_piece = piece.count(b"\n")
        if lines + in_piece >= first and lines < first + count:
            start = 0 if window or first == lines == 0 else _offset_after(piece, first - lines)
            end = _offset_after(piece, first + count - lines) if lines + in_piece >= first + count else len(piece)
            window.append(piece[start:end])
        lines += in_piece
    return b"".join(window), lines


def _offset_after(piece: bytes, lines: int) -> int:
    """Return the offset after so many lines of a piece."""
    place = 0
    for _ in range(lines):
        place = piece.index(b"\n", place) + 1
    return place


SCRIPT = "made/editor.js"
_LAST_PAGE = 1_000_000
_OWN = ("stored", "edit", "lang", "format", "page")  # parameters of the page, not of a stored query


@dataclass(frozen=True)
class QueryOutcome:
    """Outcome of a query, as displayed: its result, or the refusal with the mistake found; and unknown terms."""

    shown: ResultPage | None = None
    refusal: Refusal | None = None
    mistake: Mistake | None = None
    missing: Sequence[UnknownTerm] = ()
    milliseconds: float = 0
    cached: bool = False


@dataclass(frozen=True)
class SparqlEditor:
    """The editor for one graph, at its path below the site root; `version` is that of a specific release.

    `lasting` is the `Cache-Control` of pages with a result: not immutable, since the next version of this program may
    render them differently.
    """

    answers: ResultCache
    vocabulary: Vocabulary
    labels: Labels
    lasting: str
    stored: StoredQueries
    path: str = "sparql"
    version: str = ""

    def wants_page(self, question: QueryRequest, accepted: str | None) -> bool:
        """Return whether to respond with a page: HTML is requested by name, or preferred by `Accept`."""
        if question.format:
            return question.format.lower() in HTML.names
        if "html" not in (accepted or ""):
            return False
        try:
            return choose((*ROW_FORMATS, *GRAPH_FORMATS, HTML), accepted) is HTML
        except NotAcceptable:
            return False

    async def answer(self, request: Request, question: QueryRequest) -> Response:
        """Return the page with the result of a query; for a posted form, redirect to its URL."""
        view = view_of(request)
        address = self._address(view, question)
        if request.method == "POST" and address:
            return redirect_response(303, f"{view.root}{address}")
        outcome = await self._outcome(request, question, view)
        if outcome is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        status = outcome.refusal.status if outcome.refusal else 200
        answer = self._page(view, question, status, outcome)
        uncacheable = outcome.refusal or sparql_scanner.is_volatile(question.query)
        answer.headers["Cache-Control"] = conditional_requests.NO_STORE if uncacheable else self.lasting
        answer.headers["Server-Timing"] = f"query;dur={outcome.milliseconds:.1f}"
        if outcome.refusal and "Retry-After" in (outcome.refusal.headers or {}):
            answer.headers["Retry-After"] = dict(outcome.refusal.headers or {})["Retry-After"]
        return answer

    async def empty_page(self, request: Request) -> Response:
        """Return the page without a result: with a given query, a stored one, or the example.

        Other parameters are those of the stored query (`kg.core.stored_queries`). Invalid ones are reported on the
        page.
        """
        view, params = view_of(request), request.query_params
        query, refusal = params.get("edit") or "", None
        if params.get("stored") and not query:
            query, refusal = await self._stored(view, params)
        status, outcome = (refusal.status, QueryOutcome(refusal=refusal)) if refusal else (200, None)
        return self._page(
            view, QueryRequest(query or example_query(view.lang, await self.stored.editions())), status, outcome
        )

    async def _stored(self, view: View, params: QueryParams) -> tuple[str, Refusal | None]:
        """Return the text of the requested stored query with its parameters, and the refusal if they are invalid."""
        named = (await self.stored.for_newest_edition()).get(params["stored"])
        if named is None:
            near = (
                ", ".join(difflib.get_close_matches(params["stored"], self.stored.by_name)) or "/queries lists them all"
            )
            return "", Refusal(404, f"there is no stored query {params['stored'][:80]}: {near}")
        text = query_library.editable_text(named, view)
        pairs = [pair for pair in params.multi_items() if pair[0] not in _OWN]
        try:
            return fill_values(text, **parse_values(named.parameters, pairs)), None
        except ParameterError as error:
            return text, Refusal(400, str(error))

    def _page(
        self, view: View, question: QueryRequest, status: int = 200, outcome: QueryOutcome | None = None
    ) -> Response:
        graph = sparql_scanner.operation(question.query) in ("CONSTRUCT", "DESCRIBE")
        html = templates.render(
            "editor.html",
            view,
            query=question.query,
            graphs=[*_graphs(question)],
            outcome=outcome,
            address=self._address(view, question),
            path=self.path,
            version=self.version,
            formats=GRAPH_FORMATS if graph else ROW_FORMATS,
            subjects=query_library.by_subject(self.stored.by_name.values(), view),
            lines=question.query.splitlines() if outcome and outcome.mistake else [],
            script=SCRIPT if templates.asset_exists(SCRIPT) else "",
            named=lambda iri: (to_curie(iri), self.labels.of(iri, view.lang)),
            instead=lambda missing, iri: _with_replacement(question.query, missing, iri),
        )
        return html_response(html, view, status, ["'self'"] if templates.asset_exists(SCRIPT) else ())

    def _address(self, view: View, question: QueryRequest) -> str:
        """Return the URL of a query below the site root; empty if it would be too long."""
        pairs = [("query", question.query), *_graphs(question)]
        address = "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs)
        return "" if len(address) > LONGEST_URL else f"{self.path}?{address}&lang={view.lang}"

    async def _outcome(self, request: Request, question: QueryRequest, view: View) -> QueryOutcome | None:
        """Run a query and return its outcome; None if the client has disconnected meanwhile."""
        format, start, remarks = (
            format_for(question.query),
            time.perf_counter(),
            request_context(request.scope),
        )
        remarks.query = question.query
        submitted = replace(question, format=format.names[0], accept=None)
        try:
            answer = await unless_disconnected(request, self.answers.submit(submitted, client_key(request), remarks))
            if answer is None:
                return None
            milliseconds = (time.perf_counter() - start) * 1000
            shown = await run_in_threadpool(result_page, answer, format, _page_number(request), view.link)
        except Refusal as refusal:
            milliseconds = (time.perf_counter() - start) * 1000
            mistake = diagnose_query(question.query, refusal.detail) if refusal.status == 400 else None
            return QueryOutcome(refusal=refusal, mistake=mistake, milliseconds=milliseconds)
        missing = await self.vocabulary.missing(question.query) if shown.empty or _is_zero_count(shown) else ()
        return QueryOutcome(shown, None, None, missing, milliseconds, remarks.source == "kept")


def router(vocabulary: Vocabulary, labels: Labels) -> APIRouter:
    """Return the route of the terms for auto-completion."""
    routes = APIRouter()
    made: list[dict[str, object]] = []

    @routes.get("/terms.json", tags=["SPARQL"], summary="List the terms in use, with their names")
    async def terms() -> Response:
        if not made:
            made.append(_terms(await vocabulary.terms(), labels))
        return JSONResponse(made[0], headers={"Cache-Control": conditional_requests.REVALIDATED})

    return routes


def _terms(words: VocabularyTerms, labels: Labels) -> dict[str, object]:
    """Return the prefixes and the terms: name, kind, number of uses, labels in both languages."""
    terms = sorted(words.used.values(), key=lambda term: (-term.uses, term.iri))
    listed = [
        [to_curie(term.iri), term.kind, term.uses, labels.of(term.iri, "ja"), labels.of(term.iri, "en")]
        for term in terms
        if to_curie(term.iri) != term.iri
    ]
    return {"prefixes": PREFIXES, "terms": listed}


def _with_replacement(query: str, missing: UnknownTerm, iri: str) -> str:
    """Return a query in which an unknown term is replaced by another one."""
    prefix, _, _ = missing.written.partition(":")
    space = missing.iri[: max(missing.iri.rfind("#"), missing.iri.rfind("/")) + 1]
    short = not missing.written.startswith("<") and iri.startswith(space)
    word = f"{prefix}:{iri.removeprefix(space)}" if short else f"<{iri}>"
    for name in reversed([*sparql_scanner.names(query)]):
        if name.written == missing.written:
            query = query[: name.start] + word + query[name.start + len(name.written) :]
    return query


def _is_zero_count(shown: ResultPage) -> bool:
    """Return whether a result is one row of zeros."""
    return shown.total == 1 and all(cell is not None and cell.text == "0" for row in shown.rows for cell in row)


def _page_number(request: Request) -> int:
    """Return the requested page of the rows."""
    return number_parameter(request, "page", _LAST_PAGE)


def _graphs(question: QueryRequest) -> list[tuple[str, str]]:
    return [("default-graph-uri", iri) for iri in question.default_graphs] + [
        ("named-graph-uri", iri) for iri in question.named_graphs
    ]
