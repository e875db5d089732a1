"""The SPARQL 1.1 protocol for queries: what a request asks, what it is answered, and why it is refused.

An answer is complete or it is an error: it is written as a whole before the status line is sent. Every refusal is a
problem document (RFC 9457).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pyoxigraph import NamedNode, Store
from starlette.concurrency import run_in_threadpool

from kg import negotiate, sparql
from kg.names import BASE
from kg.negotiate import Format, NotAcceptable

METHODS = "GET, HEAD, POST, QUERY, OPTIONS"
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
READ_ONLY = "this endpoint answers queries and changes nothing"
# What comes as the body of a QUERY request (draft-ietf-httpbis-safe-method-w-body, which also names this header).
ACCEPT_QUERY = {"Accept-Query": QUERY}


class Refusal(Exception):
    """Why a request is not answered: an HTTP status and a sentence that says what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


@dataclass(frozen=True)
class Question:
    """What a request asks: the query, the dataset that it names, and the format that it names."""

    query: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    format: str | None = None


def problem(refusal: Refusal) -> JSONResponse:
    """Return a refusal as a problem document."""
    status = HTTPStatus(refusal.status)
    content = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": refusal.detail}
    return JSONResponse(content, status, refusal.headers, media_type="application/problem+json")


def allowed(methods: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to OPTIONS, which is also what a browser asks before it sends what another site wants."""
    granted = {
        "Allow": methods,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "Accept, Content-Type, If-Modified-Since, If-None-Match, If-Range, Range",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers={**granted, **(headers or {})})


def parameters(encoded: bytes) -> list[tuple[str, str]]:
    """Return the pairs of a query string or a form, decoded once."""
    try:
        return parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the parameters are not UTF-8: {error}") from error
    except ValueError as error:
        raise Refusal(400, f"the parameters cannot be read: {error}") from error


def read_question(pairs: Sequence[tuple[str, str]]) -> Question | None:
    """Return what the parameters of a request ask, or None where they hold no query."""
    if any(key == "update" for key, _ in pairs):
        raise Refusal(403, READ_ONLY)
    queries = [value for key, value in pairs if key == "query"]
    if len(queries) > 1:
        raise Refusal(400, "the request holds more than one query; send one")
    if not queries:
        return None
    formats = [value for key, value in pairs if key == "format" and value]
    return Question(
        query=queries[0],
        default_graphs=tuple(value for key, value in pairs if key == "default-graph-uri"),
        named_graphs=tuple(value for key, value in pairs if key == "named-graph-uri"),
        format=formats[0] if formats else None,
    )


def read_post(content_type: str, query_string: bytes, body: bytes) -> Question:
    """Return what a POST asks: the query is a field of a form, or the whole body."""
    media_type = content_type.split(";")[0].strip().lower()
    pairs = parameters(query_string)
    if media_type == FORM:
        pairs += parameters(body)
    elif media_type == QUERY:
        try:
            pairs.append(("query", body.decode("utf-8-sig")))  # some editors begin a file with a byte order mark
        except UnicodeDecodeError as error:
            raise Refusal(400, f"the query is not UTF-8: {error}") from error
    elif media_type == UPDATE:
        raise Refusal(403, READ_ONLY)
    else:
        accepted = f"{QUERY} or {FORM}"
        detail = f"a query comes as {accepted}, not as {media_type or 'nothing'}"
        raise Refusal(415, detail, {"Accept-Post": f"{QUERY}, {FORM}"})
    question = read_question(pairs)
    if question is None:
        raise Refusal(400, "the request holds no query; put it into the parameter “query”")
    return question


def read_query_method(content_type: str, query_string: bytes, body: bytes) -> Question:
    """Return what a request by the method QUERY asks: the whole body is the query, the address names the dataset."""
    media_type = content_type.split(";")[0].strip().lower()
    if media_type != QUERY:
        status = 415 if media_type else 400
        raise Refusal(status, f"with QUERY a query comes as {QUERY}, not as {media_type or 'nothing'}", ACCEPT_QUERY)
    return read_post(content_type, query_string, body)


def answer(store: Store, question: Question, accept: str | None) -> tuple[Format, bytes]:
    """Return the answer to a question, complete, and its format; raise Refusal where it cannot be answered."""
    if sparql.calls_service(question.query):
        raise Refusal(403, "this endpoint calls no other endpoint: SERVICE is allowed for none")
    default, named = _dataset(question)
    try:
        results = store.query(
            question.query,
            base_iri=BASE,  # so that <id/organization/mic> is the ministry, as in a query that begins with this BASE
            default_graph=default,  # type: ignore[arg-type]
            named_graphs=named,  # type: ignore[arg-type]
        )
    except SyntaxError as error:
        if sparql.is_update(question.query):
            raise Refusal(400, f"this is an update and no query; {READ_ONLY}") from error
        raise Refusal(400, f"no valid SPARQL query: {error}") from error
    except RuntimeError as error:  # such as a function that nobody has defined
        raise Refusal(400, f"the engine cannot answer this query: {error}") from error
    try:
        format = negotiate.choose(negotiate.formats_of(results), accept, question.format)
        return format, negotiate.write(results, format)
    except NotAcceptable as error:
        raise not_acceptable(error) from error


def not_acceptable(error: NotAcceptable) -> Refusal:
    """Return the refusal of a request whose formats cannot be had."""
    return Refusal(
        406, "; ".join(f"{problem.fact}; {problem.remedy}" for problem in error.problems), {"Vary": "Accept"}
    )


def router(store: Store, introduction: Callable[[Request], Response]) -> APIRouter:
    """Return the routes of the endpoint; `introduction` answers a request that comes without a query."""
    routes = APIRouter(tags=["SPARQL"])

    async def get(request: Request) -> Response:
        question = read_question(parameters(request.scope["query_string"]))
        if question is None:
            return introduction(request)
        return await _respond(request, store, question)

    async def post(request: Request) -> Response:
        body = await request.body()
        question = read_post(request.headers.get("content-type", ""), request.scope["query_string"], body)
        return await _respond(request, store, question)

    async def query(request: Request) -> Response:
        body = await request.body()
        question = read_query_method(request.headers.get("content-type", ""), request.scope["query_string"], body)
        return await _respond(request, store, question)

    async def options() -> Response:
        return allowed(METHODS, ACCEPT_QUERY)

    routes.get("/sparql", summary="Ask by GET", openapi_extra=_documented("parameters"))(get)
    routes.post("/sparql", summary="Ask by POST", openapi_extra=_documented("requestBody"))(post)
    routes.get("/sparql/", include_in_schema=False)(get)
    routes.post("/sparql/", include_in_schema=False)(post)
    for path in ("/sparql", "/sparql/"):
        routes.head(path, include_in_schema=False)(get)
        routes.api_route(path, methods=["QUERY"], include_in_schema=False)(query)
        routes.options(path, include_in_schema=False)(options)
    return routes


async def _respond(request: Request, store: Store, question: Question) -> Response:
    # In a thread: the engine lets go of the interpreter while it works, so other requests are served meanwhile.
    outcome = await run_in_threadpool(_outcome, store, question, accept_of(request))
    if isinstance(outcome, Refusal):
        raise outcome
    format, body = outcome
    return Response(body, headers={"Content-Type": format.content_type, "Vary": "Accept"})


def _outcome(store: Store, question: Question, accept: str | None) -> tuple[Format, bytes] | Refusal:
    """Return the answer or the refusal.

    The refusal is a fresh one: a trace would carry the engine's results out of the thread that asked, and the engine
    insists on taking them back there.
    """
    try:
        return answer(store, question, accept)
    except Refusal as refusal:
        return Refusal(refusal.status, refusal.detail, refusal.headers)


def accept_of(request: Request) -> str | None:
    """Return the Accept header of a request, which may come in several lines."""
    lines = request.headers.getlist("accept")
    return ",".join(lines) if lines else None


def _dataset(question: Question) -> tuple[list[NamedNode] | None, list[NamedNode] | None]:
    """Return the default and the named graphs that a request names; they take the place of FROM and FROM NAMED."""
    if not question.default_graphs and not question.named_graphs:
        return None, None
    try:
        return [NamedNode(iri) for iri in question.default_graphs], [NamedNode(iri) for iri in question.named_graphs]
    except ValueError as error:
        raise Refusal(400, f"a graph is named by an absolute IRI: {error}") from error


def _documented(part: str) -> dict[str, object]:
    """Return one part of what /openapi.json says about the endpoint."""
    text = {"type": "string"}
    texts = {"type": "array", "items": text}
    query = {"name": "query", "in": "query", "schema": text, "description": "a SPARQL 1.1 query"}
    graphs = [{"name": name, "in": "query", "schema": texts} for name in ("default-graph-uri", "named-graph-uri")]
    format = {"name": "format", "in": "query", "schema": text, "description": "json, xml, csv, tsv, ttl, nt, jsonld …"}
    form = {"type": "object", "properties": {"query": text}, "required": ["query"]}
    known: dict[str, object] = {
        "parameters": [query, *graphs, format],
        "requestBody": {"required": True, "content": {QUERY: {"schema": text}, FORM: {"schema": form}}},
    }
    return {part: known[part]}
