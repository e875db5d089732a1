"""The addresses of the stored queries: `/queries` lists them, `/queries/<name>` is one, as text or as a page.

A program gets the text, as it always did; a browser the page: what the query asks, its text, and how its answer begins
in this release, which is asked once. `/queries/<name>.csv` leads to its answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from kg.core import sparql_scanner, stored_queries
from kg.core.iris import ONTOLOGY, to_curie
from kg.core.labels import Labels
from kg.core.negotiation import CSV, HTML, PLAIN_JSON, Format
from kg.core.stored_queries import ParameterError, StoredQuery, Term, parse_values
from kg.engine.wire import Answer
from kg.http import openapi, templates
from kg.http.query_client import Ask, Questions, fill_values, is_iri
from kg.http.responses import chosen, page, path_of, redirect, view_of
from kg.http.sparql_endpoint import Refusal
from kg.http.templates import View
from kg.web import query_library, results_table
from kg.web.ontology_page import term_of
from kg.web.vocabulary_index import Vocabulary

TEXT = Format("text", "text/plain", ("txt", "text"))
SPARQL = Format("SPARQL", "application/sparql-query", ("rq", "sparql"))
_ROWS = 10
_LONGEST = 3000  # of an address that is led to: proxies take heads of four kilobytes, and answer 502 to more


@dataclass
class QueryPages:
    """The stored queries of one graph and their pages."""

    ask: Ask
    labels: Labels
    vocabulary: Vocabulary
    questions: Questions
    _answers: dict[tuple[str, str], results_table.Shown] = field(default_factory=dict, init=False)

    async def named(self, name: str) -> StoredQuery:
        """Return the query of a name, about the newest edition; raise Refusal where there is none."""
        if name not in self.questions.written:
            raise Refusal(404, f"there is no stored query {name}; /queries lists them all")
        return (await self.questions.named())[name]

    async def found(self, term: str = "", subject: str = "") -> list[StoredQuery]:
        """Return all queries, or those that use a term or have a subject."""
        iri = term_of(term)
        return [
            query
            for query in (await self.questions.named()).values()
            if (not term or iri in query_library.terms(query)) and (not subject or subject in query.tags)
        ]

    def check_subject(self, subject: str) -> None:
        """Raise Refusal (400) for a subject that no query has."""
        known = {tag for query in self.questions.written.values() for tag in query.tags}
        if subject and subject not in known:
            raise Refusal(400, f"no stored query has the subject {subject[:60]}; known are {', '.join(sorted(known))}")

    def check_term(self, term: str) -> None:
        """Raise Refusal (400) for what is the name of no term: a term that no query uses is one all the same."""
        if term and term_of(term) == term and not is_iri(term):
            raise Refusal(400, f"{term[:80]} is no term; a term is such as shisaku:Measure, or its IRI")

    async def listing(self, view: View, term: str = "", subject: str = "") -> str:
        """Return the page of all queries, each under its first subject, or of those of a subject or with a term."""
        iri, found = term_of(term), await self.found(term, subject)
        subjects = query_library.by_subject(found, view, each_once=not subject)
        subjects = [group for group in subjects if subject in ("", group[0])]
        named = self.labels.of(iri, view.lang)
        return templates.fill(
            "queries.html",
            view,
            subjects=subjects,
            total=len(found),
            term=to_curie(iri),
            named=named,
            some=bool(subject),
        )

    async def text(self, view: View, query: StoredQuery) -> str:
        """Return the page of one query."""
        words, known = await self.vocabulary.words(), await self.vocabulary.known(query_library.terms(query))
        shown, refusal = None, ""
        try:
            shown = None if query.calls_service else await self._beginning(view, query)
        except Refusal as error:
            refusal = error.detail
        return templates.fill(
            "question.html",
            view,
            question=query_library.question(query, view),
            tags=[(tag, query_library.word(tag, view)) for tag in query.tags],
            parameters=query.parameters,
            graph=query.calls_service or sparql_scanner.operation(query.text) in ("CONSTRUCT", "DESCRIBE"),
            pieces=query_library.pieces(query_library.text(query, view), words, known, view),
            terms=[(to_curie(iri), self.labels.of(iri, view.lang), href) for iri, href in self._terms(query, view)],
            shown=shown,
            elsewhere=query.calls_service,
            rows=shown.rows[:_ROWS] if shown else (),
            refusal=refusal,
        )

    async def about(self, query: StoredQuery, pairs: Sequence[tuple[str, str]]) -> str:
        """Return the text of a query with what an address chooses; raise Refusal (400) for what is not understood."""
        try:
            values = parse_values(query.parameters, pairs)
            await self._refuse_absent(query, values)
        except ParameterError as error:
            raise Refusal(400, f"{query.name}: {error}") from error
        return fill_values(query.question, **values)

    async def _refuse_absent(self, query: StoredQuery, values: Mapping[str, Sequence[Term]]) -> None:
        """Raise ParameterError where a chosen thing is one of our names and these data say nothing about it."""
        asked = stored_queries.iris_of_values(values)
        known = await self.vocabulary.known(iri for iris in asked.values() for iri in iris)
        declared = (await self.vocabulary.words()).declared if asked else frozenset()
        for parameter in query.parameters:
            for iri in asked.get(parameter.name, ()):
                if iri not in known and iri not in declared:
                    raise stored_queries.unknown_value_error(
                        parameter, iri, await self.vocabulary.things_under(parameter.folder)
                    )

    def _terms(self, query: StoredQuery, view: View) -> list[tuple[str, str]]:
        return [(iri, view.link(path_of(iri))) for iri in query_library.terms(query) if iri.startswith(ONTOLOGY)]

    async def _beginning(self, view: View, query: StoredQuery) -> results_table.Shown:
        key = (query.name, view.lang)
        if key not in self._answers:
            format = results_table.format_for(query.text)
            body = await self.ask(query.text, format)
            self._answers[key] = results_table.shown(Answer(format.media_type, len(body), body), format, 1, view.link)
        return self._answers[key]


def router(stored: QueryPages) -> APIRouter:
    """Return these routes."""
    routes = APIRouter()

    @routes.get(
        "/queries",
        tags=["stored queries"],
        summary="List the stored queries: all, those of a subject, or those that use a term",
        responses=openapi.answered(PLAIN_JSON, HTML),
        openapi_extra=openapi.takes(
            subject="a tag, such as targets", term="a term, such as shisaku:Measure, or its IRI"
        ),
    )
    async def list_queries(request: Request) -> Response:
        format = chosen(request, (PLAIN_JSON, HTML))
        term, subject = (request.query_params.get(key, "").strip() for key in ("term", "subject"))
        stored.check_subject(subject)
        stored.check_term(term)
        if format is HTML:
            view = view_of(request)
            return page(await stored.listing(view, term, subject), view)
        return JSONResponse(_summaries(await stored.found(term, subject)), headers={"Vary": "Accept"})

    _add_answers(routes, stored)

    @routes.get(
        "/queries/{name}",
        tags=["stored queries"],
        summary="Get the text of a stored query",
        responses=openapi.answered(TEXT, SPARQL, HTML),
    )
    async def get_query(request: Request, name: str) -> Response:
        query = await stored.named(name)
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
        summary="Go to the answer of a stored query as CSV, or get it; parameters say what it is about",
        status_code=303,
        responses={**openapi.led(303), **openapi.answered(CSV)},
        openapi_extra={**openapi.takes(**_described(stored.questions.written.values())), openapi.OWN_PARAMETERS: True},
    )
    async def get_answer(request: Request, name: str) -> Response:
        pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "lang"]
        query = await stored.about(await stored.named(name), pairs)
        address = f"../sparql?query={quote(query, safe='')}&format=csv"
        if len(address) > _LONGEST:
            body = await stored.ask(query, CSV)
            return Response(body, headers={"Content-Type": CSV.content_type, "Vary": "Accept"})
        return redirect(303, address)


def _summaries(queries: Sequence[StoredQuery]) -> list[dict[str, object]]:
    plain = ("name", "summary", "summary_ja", "description", "description_ja", "tags")
    return [
        {
            **{key: getattr(query, key) for key in plain},
            "parameters": [
                {"name": each.name, "kind": each.kind, "default": each.examples} for each in query.parameters
            ],
        }
        for query in queries
    ]


def _described(queries: Iterable[StoredQuery]) -> dict[str, str]:
    """Return what is said of each parameter that queries have: an example, and which queries these are."""
    found: dict[str, list[str]] = {}
    examples: dict[str, str] = {}
    for query in queries:
        for parameter in query.parameters:
            found.setdefault(parameter.name, []).append(query.name)
            examples.setdefault(parameter.name, parameter.examples[0])
    return {
        name: f"such as {examples[name]}; a parameter of {', '.join(names)}" for name, names in sorted(found.items())
    }
