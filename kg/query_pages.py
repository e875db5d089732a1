"""The addresses of the stored queries: `/queries` lists them, `/queries/<name>` is one, as text or as a page.

A program gets the text, as it always did; a browser the page: what the query asks, its text, and how its answer begins
in this release, which is asked once. `/queries/<name>.csv` leads to its answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from kg import openapi, pages
from kg.asking import Ask
from kg.endpoint import Refusal
from kg.http.negotiate import HTML, PLAIN_JSON, Format
from kg.labels import Labels, prefixed
from kg.names import ONTOLOGY
from kg.pages import View, answers, questions
from kg.pages.documentation import term_of
from kg.queries import StoredQuery
from kg.replies import chosen, page, redirect, view_of
from kg.representations import path_of
from kg.stored import narrowed
from kg.vocabulary import Vocabulary
from kg.workers.messages import Answer

TEXT = Format("text", "text/plain", ("txt", "text"))
SPARQL = Format("SPARQL", "application/sparql-query", ("rq", "sparql"))
_ROWS = 10


@dataclass
class QueryPages:
    """The stored queries of one graph and their pages."""

    ask: Ask
    labels: Labels
    vocabulary: Vocabulary
    queries: Mapping[str, StoredQuery]
    _answers: dict[tuple[str, str], answers.Shown] = field(default_factory=dict, init=False)

    def named(self, name: str) -> StoredQuery:
        """Return the query of a name; raise Refusal where there is none."""
        if name not in self.queries:
            raise Refusal(404, f"there is no stored query {name}; /queries lists them all")
        return self.queries[name]

    def listing(self, view: View, term: str = "", subject: str = "") -> str:
        """Return the page of all queries, each under its first subject, or of those of a subject or with a term."""
        iri = term_of(term)
        found = [query for query in self.queries.values() if not term or iri in questions.terms(query)]
        subjects = questions.by_subject(found, view, each_once=not subject)
        subjects = [group for group in subjects if subject in ("", group[0])]
        named = self.labels.of(iri, view.lang)
        return pages.fill(
            "queries.html",
            view,
            subjects=subjects,
            total=len(found),
            term=prefixed(iri),
            named=named,
            some=bool(subject),
        )

    async def text(self, view: View, query: StoredQuery) -> str:
        """Return the page of one query."""
        words, known = await self.vocabulary.words(), await self.vocabulary.known(questions.terms(query))
        shown, refusal = None, ""
        try:
            shown = None if query.asks_others else await self._beginning(view, query)
        except Refusal as error:
            refusal = error.detail
        return pages.fill(
            "question.html",
            view,
            question=questions.question(query, view),
            tags=[(tag, questions.word(tag, view)) for tag in query.tags],
            pieces=questions.pieces(questions.text(query, view), words, known, view),
            terms=[(prefixed(iri), self.labels.of(iri, view.lang), href) for iri, href in self._terms(query, view)],
            shown=shown,
            elsewhere=query.asks_others,
            rows=shown.rows[:_ROWS] if shown else (),
            refusal=refusal,
        )

    def _terms(self, query: StoredQuery, view: View) -> list[tuple[str, str]]:
        return [(iri, view.link(path_of(iri))) for iri in questions.terms(query) if iri.startswith(ONTOLOGY)]

    async def _beginning(self, view: View, query: StoredQuery) -> answers.Shown:
        key = (query.name, view.lang)
        if key not in self._answers:
            format = answers.format_for(query.text)
            body = await self.ask(query.text, format)
            self._answers[key] = answers.shown(Answer(format.media_type, len(body), body), format, 1, view.link)
        return self._answers[key]


def router(stored: QueryPages) -> APIRouter:
    """Return these routes."""
    routes = APIRouter()

    @routes.get(
        "/queries",
        tags=["stored queries"],
        summary="List the stored queries",
        responses=openapi.answered(PLAIN_JSON, HTML),
    )
    async def list_queries(request: Request) -> Response:
        if chosen(request, (PLAIN_JSON, HTML)) is HTML:
            view = view_of(request)
            return page(stored.listing(view, *(request.query_params.get(key, "") for key in ("term", "subject"))), view)
        return JSONResponse(_summaries(list(stored.queries.values())), headers={"Vary": "Accept"})

    _add_answers(routes, stored)

    @routes.get(
        "/queries/{name}",
        tags=["stored queries"],
        summary="Get the text of a stored query",
        responses=openapi.answered(TEXT, SPARQL, HTML),
    )
    async def get_query(request: Request, name: str) -> Response:
        query = stored.named(name)
        format = chosen(request, (TEXT, SPARQL, HTML))
        if format is HTML:
            view = view_of(request)
            return page(await stored.text(view, query), view)
        return Response(query.text, headers={"Content-Type": f"{format.media_type}; charset=utf-8", "Vary": "Accept"})

    return routes


def _add_answers(routes: APIRouter, stored: QueryPages) -> None:
    """Add the route of the answers; it stands before that of the queries, which would take its names for theirs."""

    @routes.get(
        "/queries/{name}.csv",
        tags=["stored queries"],
        summary="Go to the answer of a stored query as CSV; parameters say what it is about",
        status_code=303,
        responses=openapi.led(303),
    )
    async def get_answer(request: Request, name: str) -> Response:
        query = narrowed(stored.named(name).text, request.query_params.multi_items())
        return redirect(303, f"../sparql?query={quote(query, safe='')}&format=csv")


def _summaries(queries: Sequence[StoredQuery]) -> list[dict[str, object]]:
    return [{key: value for key, value in vars(query).items() if key != "text"} for query in queries]
