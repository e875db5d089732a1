"""Routes of the stored queries: `/queries` lists them, `/queries/<name>` is one, as text or as a page.

Programs get the text; browsers get a page with description, text and the first rows of the result in this release,
which is queried once. `/queries/<name>.csv` redirects to the result.
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
from kg.http.query_client import RunQuery, StoredQueries, fill_values, is_iri
from kg.http.responses import html_response, negotiate, path_of, redirect_response, view_of
from kg.http.sparql_endpoint import Refusal
from kg.http.templates import View
from kg.web import query_library, sparql_editor
from kg.web.ontology_page import expand_term
from kg.web.vocabulary_index import Vocabulary

TEXT = Format("text", "text/plain", ("txt", "text"))
SPARQL = Format("SPARQL", "application/sparql-query", ("rq", "sparql"))
_ROWS = 10
_LONGEST = 3000  # characters of a redirect target: some proxies answer 502 to a longer head


@dataclass
class QueryPages:
    """The stored queries of one graph and their pages."""

    run_query: RunQuery
    labels: Labels
    vocabulary: Vocabulary
    stored_queries: StoredQueries
    _answers: dict[tuple[str, str], sparql_editor.ResultPage] = field(default_factory=dict, init=False)

    async def named(self, name: str) -> StoredQuery:
        """Return the query of a name, applied to the newest edition; raise Refusal if there is none."""
        if name not in self.stored_queries.by_name:
            raise Refusal(404, f"there is no stored query {name}; /queries lists them all")
        return (await self.stored_queries.for_newest_edition())[name]

    async def find(self, term: str = "", subject: str = "") -> list[StoredQuery]:
        """Return all queries, or those that use a term or have a subject."""
        iri = expand_term(term)
        return [
            query
            for query in (await self.stored_queries.for_newest_edition()).values()
            if (not term or iri in query_library.used_terms(query)) and (not subject or subject in query.tags)
        ]

    def check_subject(self, subject: str) -> None:
        """Raise Refusal (400) for a subject that no query has."""
        subjects = {tag for query in self.stored_queries.by_name.values() for tag in query.tags}
        if subject and subject not in subjects:
            raise Refusal(
                400, f"no stored query has the subject {subject[:60]}; subjects are {', '.join(sorted(subjects))}"
            )

    def check_term(self, term: str) -> None:
        """Raise Refusal (400) for a text that is not the name of a term; a term need not be used by a query."""
        if term and expand_term(term) == term and not is_iri(term):
            raise Refusal(400, f"{term[:80]} is not a term; give a prefixed name such as shisaku:Measure, or an IRI")

    async def listing(self, view: View, term: str = "", subject: str = "") -> str:
        """Return the page of all queries by first subject, or of those with a subject or a term."""
        iri, queries = expand_term(term), await self.find(term, subject)
        subjects = query_library.by_subject(queries, view, each_once=not subject)
        subjects = [group for group in subjects if subject in ("", group[0])]
        named = self.labels.of(iri, view.lang)
        return templates.render(
            "queries.html",
            view,
            subjects=subjects,
            total=len(queries),
            term=to_curie(iri),
            named=named,
            some=bool(subject),
        )

    async def text(self, view: View, query: StoredQuery) -> str:
        """Return the page of one query."""
        terms, existing = await self.vocabulary.terms(), await self.vocabulary.existing(query_library.used_terms(query))
        shown, refusal = None, ""
        try:
            shown = None if query.calls_service else await self._first_rows(view, query)
        except Refusal as error:
            refusal = error.detail
        return templates.render(
            "question.html",
            view,
            question=query_library.query_info(query, view),
            tags=[(tag, query_library.subject_label(tag, view)) for tag in query.tags],
            parameters=query.parameters,
            graph=query.calls_service or sparql_scanner.operation(query.text) in ("CONSTRUCT", "DESCRIBE"),
            pieces=query_library.linked_pieces(query_library.editable_text(query, view), terms, existing, view),
            terms=[(to_curie(iri), self.labels.of(iri, view.lang), href) for iri, href in self._terms(query, view)],
            shown=shown,
            elsewhere=query.calls_service,
            rows=shown.rows[:_ROWS] if shown else (),
            refusal=refusal,
        )

    async def about(self, query: StoredQuery, pairs: Sequence[tuple[str, str]]) -> str:
        """Return the text of a query with the parameters of a request; raise Refusal (400) for invalid ones."""
        try:
            values = parse_values(query.parameters, pairs)
            await self._check_exists(query, values)
        except ParameterError as error:
            raise Refusal(400, f"{query.name}: {error}") from error
        return fill_values(query.question, **values)

    async def _check_exists(self, query: StoredQuery, values: Mapping[str, Sequence[Term]]) -> None:
        """Raise ParameterError if a parameter is one of our IRIs and does not occur in the data."""
        things = stored_queries.iris_of_values(values)
        existing = await self.vocabulary.existing(iri for iris in things.values() for iri in iris)
        declared = (await self.vocabulary.terms()).declared if things else frozenset()
        for parameter in query.parameters:
            for iri in things.get(parameter.name, ()):
                if iri not in existing and iri not in declared:
                    raise stored_queries.unknown_value_error(
                        parameter, iri, await self.vocabulary.things_under(parameter.folder)
                    )

    def _terms(self, query: StoredQuery, view: View) -> list[tuple[str, str]]:
        return [(iri, view.link(path_of(iri))) for iri in query_library.used_terms(query) if iri.startswith(ONTOLOGY)]

    async def _first_rows(self, view: View, query: StoredQuery) -> sparql_editor.ResultPage:
        key = (query.name, view.lang)
        if key not in self._answers:
            format = sparql_editor.format_for(query.text)
            body = await self.run_query(query.text, format)
            self._answers[key] = sparql_editor.result_page(
                Answer(format.media_type, len(body), body), format, 1, view.link
            )
        return self._answers[key]


def router(stored: QueryPages) -> APIRouter:
    """Return these routes."""
    routes = APIRouter()

    @routes.get(
        "/queries",
        tags=["stored queries"],
        summary="List the stored queries: all, those of a subject, or those that use a term",
        responses=openapi.response_docs(PLAIN_JSON, HTML),
        openapi_extra=openapi.parameter_docs(
            subject="a tag, such as targets", term="a term, such as shisaku:Measure, or its IRI"
        ),
    )
    async def list_queries(request: Request) -> Response:
        format = negotiate(request, (PLAIN_JSON, HTML))
        term, subject = (request.query_params.get(key, "").strip() for key in ("term", "subject"))
        stored.check_subject(subject)
        stored.check_term(term)
        if format is HTML:
            view = view_of(request)
            return html_response(await stored.listing(view, term, subject), view)
        return JSONResponse(_summaries(await stored.find(term, subject)), headers={"Vary": "Accept"})

    _add_result_route(routes, stored)

    @routes.get(
        "/queries/{name}",
        tags=["stored queries"],
        summary="Get the text of a stored query",
        responses=openapi.response_docs(TEXT, SPARQL, HTML),
    )
    async def get_query(request: Request, name: str) -> Response:
        query = await stored.named(name)
        format = negotiate(request, (TEXT, SPARQL, HTML))
        if format is HTML:
            view = view_of(request)
            return html_response(await stored.text(view, query), view)
        return Response(query.text, headers={"Content-Type": f"{format.media_type}; charset=utf-8", "Vary": "Accept"})

    return routes


def _add_result_route(routes: APIRouter, stored: QueryPages) -> None:
    """Add the route of the results, before that of the queries, whose pattern would match it, too."""

    @routes.get(
        "/queries/{name}.csv",
        tags=["stored queries"],
        summary="Go to the answer of a stored query as CSV, or get it; parameters say what it is about",
        status_code=303,
        responses={**openapi.redirect_docs(303), **openapi.response_docs(CSV)},
        openapi_extra={
            **openapi.parameter_docs(**_parameter_docs(stored.stored_queries.by_name.values())),
            openapi.OWN_PARAMETERS: True,
        },
    )
    async def get_answer(request: Request, name: str) -> Response:
        pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "lang"]
        query = await stored.about(await stored.named(name), pairs)
        address = f"../sparql?query={quote(query, safe='')}&format=csv"
        if len(address) > _LONGEST:
            body = await stored.run_query(query, CSV)
            return Response(body, headers={"Content-Type": CSV.content_type, "Vary": "Accept"})
        return redirect_response(303, address)


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


def _parameter_docs(queries: Iterable[StoredQuery]) -> dict[str, str]:
    """Return the description of each parameter: an example, and the queries that have it."""
    queries_by_parameter: dict[str, list[str]] = {}
    examples: dict[str, str] = {}
    for query in queries:
        for parameter in query.parameters:
            queries_by_parameter.setdefault(parameter.name, []).append(query.name)
            examples.setdefault(parameter.name, parameter.examples[0])
    return {
        name: f"such as {examples[name]}; a parameter of {', '.join(names)}"
        for name, names in sorted(queries_by_parameter.items())
    }
