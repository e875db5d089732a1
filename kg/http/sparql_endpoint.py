"""SPARQL endpoint: parser of requests (SPARQL 1.1 Protocol, 2.1, and the method QUERY), responses and refusals.

A response is complete or an error: the result is written as a whole before the status line is sent. Refusals are
problem documents (RFC 9457).

A large result is in a file and is sent in pieces. The file exists until its client has received it, and clients may be
slow. The total size of files being sent is therefore bounded; otherwise a few hundred stalled clients would fill the
disk.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, unquote_to_bytes

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from kg.core import sparql_scanner
from kg.core.errors import KgError
from kg.core.negotiation import GRAPH_FORMATS, HTML, ROW_FORMATS
from kg.core.paths import bom_encoding, decode, guess_encoding
from kg.engine.data_source import Limits, format_size
from kg.engine.pool import busy
from kg.engine.query_diagnostics import explain_syntax_error
from kg.engine.query_evaluator import READ_ONLY
from kg.engine.query_evaluator import not_acceptable as not_acceptable
from kg.engine.result_cache import ResultCache, request_context
from kg.engine.wire import Answer, QueryRequest
from kg.engine.wire import Refusal as Refusal
from kg.http import conditional_requests
from kg.http.client_address import scheduling_key
from kg.http.conditional_requests import Validators
from kg.http.openapi import response_docs

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
LONGEST_URL = 6000  # characters of URLs made here: accepted by every proxy
# Media type of QUERY requests (draft-ietf-httpbis-safe-method-w-body, which also defines this header).
ACCEPT_QUERY = {"Accept-Query": QUERY}


def decode_parameters(encoded: bytes) -> list[tuple[str, str]]:
    """Parse a query string or a form into pairs, percent-decoded once."""
    try:
        pairs = parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
        return [(key, value.removeprefix("\ufeff")) for key, value in pairs]  # without a byte order mark
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the parameters are not UTF-8{_encoding_guess(encoded)}; send them as UTF-8") from error
    except ValueError as error:
        raise Refusal(400, f"the parameters cannot be read: {error}") from error


def _encoding_guess(encoded: bytes) -> str:
    """Return a guess at the encoding of parameter values, as a phrase; empty if there is none."""
    values = (unquote_to_bytes(pair.partition(b"=")[2].replace(b"+", b" ")) for pair in encoded.split(b"&"))
    encoding = next((name for value in values if not _is_utf_8(value) and (name := guess_encoding(value))), "")
    return f": this looks like {encoding}" if encoding else ""


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_parameters(pairs: Sequence[tuple[str, str]]) -> QueryRequest | None:
    """Parse the parameters of a request; None if they contain no query."""
    if any(key == "update" for key, _ in pairs):
        raise Refusal(403, READ_ONLY)
    queries = [value for key, value in pairs if key == "query"]
    if len(queries) > 1:
        raise Refusal(400, "the request holds more than one query; send one")
    if not queries:
        return None
    formats = [value for key, value in pairs if key == "format" and value]
    return QueryRequest(
        query=queries[0],
        # forms of other endpoints send these empty if nothing was chosen
        default_graphs=tuple(value for key, value in pairs if key == "default-graph-uri" and value),
        named_graphs=tuple(value for key, value in pairs if key == "named-graph-uri" and value),
        format=formats[0] if formats else None,
    )


def parse_post(content_type: str, query_string: bytes, body: bytes) -> QueryRequest:
    """Parse a POST request: the query is a form field or the whole body."""
    media_type = content_type.split(";")[0].strip().lower()
    pairs = decode_parameters(query_string)
    if media_type == FORM:
        pairs += decode_parameters(body)
    elif media_type == QUERY:
        if bom_encoding(body) not in ("", "utf-8-sig"):  # the protocol knows UTF-8 only
            raise Refusal(400, f"the query is not UTF-8: this looks like {guess_encoding(body)}; send it as UTF-8")
        try:
            pairs.append(("query", decode(body, "the query", KgError, "send it as UTF-8")))
        except KgError as error:
            raise Refusal(400, " ".join(str(error).split())) from error
    elif media_type == UPDATE:
        raise Refusal(403, READ_ONLY)
    else:
        accepted = f"{QUERY} or {FORM}"
        detail = f"Content-Type {media_type or '(none)'} is not supported; send a query as {accepted}"
        raise Refusal(415, detail, {"Accept-Post": f"{QUERY}, {FORM}"})
    question = parse_parameters(pairs)
    if question is None:
        raise Refusal(400, "the request holds no query; put it into the parameter “query”")
    return question


def parse_query_method(content_type: str, query_string: bytes, body: bytes) -> QueryRequest:
    """Parse a QUERY request: the body is the query, the URL parameters name the dataset."""
    media_type = content_type.split(";")[0].strip().lower()
    if media_type != QUERY:
        status = 415 if media_type else 400
        raise Refusal(
            status,
            f"Content-Type {media_type or '(none)'} is not supported; send a query by the method QUERY as {QUERY}",
            ACCEPT_QUERY,
        )
    return parse_post(content_type, query_string, body)


_PIECE = 1 << 18


class FileSender:
    """Sender of result files; `room` is the limit of bytes being sent at one time."""

    def __init__(self, room: int) -> None:
        self.room, self.used = room, 0

    def response(self, answer: Answer, headers: Mapping[str, str]) -> Response:
        """Return the response that sends a result file; raise Refusal (503) if the limit is exceeded."""
        if self.used + answer.size > self.room:
            raise busy(f"large answers of {format_size(self.room)} are being sent already")
        return _FileResponse(self, answer, headers)


class _FileResponse(Response):
    def __init__(self, sending: FileSender, answer: Answer, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "Content-Length": str(answer.size)})
        self._sending, self._answer = sending, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send status, headers and the content of the file (ASGI)."""
        self._sending.used += self._answer.size
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._content(scope, send)
        finally:
            self._sending.used -= self._answer.size

    async def _content(self, scope: Scope, send: Send) -> None:
        file, sent = self._answer.file, 0
        assert file is not None
        while sent < self._answer.size and scope["method"] != "HEAD":
            piece = file.read(min(_PIECE, self._answer.size - sent), sent)
            sent += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


METHODS = "GET, HEAD, POST, QUERY, OPTIONS"

# Ratio of a form to its query, which is percent-encoded and accompanied by graph names.
_ENCODED = 4
_LARGE_BODY = 1 << 14
_WATCH_DELAY = 0.05
_FIELDS = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
CLIENT_CLOSED_REQUEST = 499  # never sent; for the log


def problem_response(refusal: Refusal) -> JSONResponse:
    """Return a refusal as a problem document."""
    status = HTTPStatus(refusal.status)
    content = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": refusal.detail}
    headers = {"Vary": "Accept, Accept-Language", **(refusal.headers or {})}  # browsers get a page instead
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def options_response(methods: str, request: Request, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response to OPTIONS, including CORS preflight requests.

    Any request header is allowed: none has a meaning here that another site could abuse. The names are echoed, since
    `*` does not cover `Authorization`, which some clients always send (Fetch, 4.9).
    """
    requested = request.headers.get("access-control-request-headers", "")
    allowed = {
        "Allow": methods,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": requested if _FIELDS.fullmatch(requested) else "*",
        "Access-Control-Max-Age": "86400",
        "Vary": "Access-Control-Request-Headers",
    }
    return Response(status_code=204, headers={**allowed, **(headers or {})})


class PageResponder(Protocol):
    """Responder to browsers, with HTML pages."""

    def wants_page(self, question: QueryRequest, accepted: str | None) -> bool:
        """Return whether a browser sent the query, judged by `Accept` or by the name of a format."""

    async def answer(self, request: Request, question: QueryRequest) -> Response:
        """Return the page of the result, or of the error."""


class Endpoint:
    """The endpoint; `introduction` answers requests without a query, `reader` those of browsers.

    `lasting` is the `Cache-Control` of results that do not depend on time or chance; pages set their own.
    """

    PATHS = ("/sparql", "/sparql/")

    def __init__(
        self,
        answers: ResultCache,
        limits: Limits,
        lasting: str,
        introduction: Callable[[Request], Awaitable[Response]],
        reader: PageResponder,
    ) -> None:
        self._answers, self._limits, self._lasting = answers, limits, lasting
        self._introduction, self._reader = introduction, reader
        self.sending = FileSender(limits.sending)
        self.handlers = {"GET": self.get, "HEAD": self.get, "POST": self.post, "QUERY": self.query}

    async def get(self, request: Request) -> Response:
        """Answer a query in the URL."""
        question = parse_parameters(decode_parameters(request.scope["query_string"]))
        if question is None:
            return await self._introduction(request)
        return await self._respond(request, question)

    async def post(self, request: Request) -> Response:
        """Answer a query in a form or a body."""
        body = await read_body(request, self._limits.query)
        arguments = request.headers.get("content-type", ""), request.scope["query_string"], body
        # Decoding a long form takes a while, which would block other requests.
        question = (
            await run_in_threadpool(parse_post, *arguments) if len(body) > _LARGE_BODY else parse_post(*arguments)
        )
        return await self._respond(request, question)

    async def query(self, request: Request) -> Response:
        """Answer a query in the body of a QUERY request."""
        body = await read_body(request, self._limits.query)
        question = parse_query_method(request.headers.get("content-type", ""), request.scope["query_string"], body)
        return await self._respond(request, question)

    async def _respond(self, request: Request, question: QueryRequest) -> Response:
        if self._reader.wants_page(question, accept_header(request)):
            return await self._reader.answer(request, question)
        negotiated, start = replace(question, accept=accept_header(request)), time.perf_counter()
        remarks = request_context(request.scope)
        remarks.query = question.query
        try:
            answer = await unless_disconnected(request, self._answers.submit(negotiated, client_key(request), remarks))
        except Refusal as refusal:
            raise _with_diagnosis(question, refusal) from refusal
        if answer is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        uncacheable = sparql_scanner.is_volatile(question.query)
        headers = {
            "Content-Type": answer.content_type,
            "Vary": "Accept",
            "Cache-Control": conditional_requests.NO_STORE if uncacheable else self._lasting,
            "Server-Timing": f"query;dur={(time.perf_counter() - start) * 1000:.1f}",  # in milliseconds (W3C)
        }
        if answer.file:
            return self.sending.response(answer, headers)
        if uncacheable:
            return Response(answer.body, headers=headers)
        validators = Validators(f'"{hashlib.blake2b(answer.body, digest_size=16).hexdigest()}"')
        return unless_not_modified(
            request, validators, Response(answer.body, headers={**headers, **validators.headers()})
        )

    def router(self) -> APIRouter:
        """Return the routes of the endpoint, with their OpenAPI descriptions."""
        routes = APIRouter(tags=["SPARQL"])
        answers = response_docs(*ROW_FORMATS, *GRAPH_FORMATS, HTML)
        routes.get("/sparql", summary="Ask by GET", responses=answers, openapi_extra=_openapi_part("parameters"))(
            self.get
        )
        routes.post("/sparql", summary="Ask by POST", responses=answers, openapi_extra=_openapi_part("requestBody"))(
            self.post
        )
        for path in self.PATHS:
            for method, handler in self.handlers.items():
                routes.api_route(path, methods=[method], include_in_schema=False)(handler)
            routes.options(path, include_in_schema=False)(_options)
        return routes


def _with_diagnosis(question: QueryRequest, refusal: Refusal) -> Refusal:
    """Return a refusal with a diagnosis of the query, if a common mistake is recognized."""
    if refusal.status != HTTPStatus.BAD_REQUEST:
        return refusal
    return Refusal(refusal.status, explain_syntax_error(question.query, refusal.detail), refusal.headers)


async def _options(request: Request) -> Response:
    return options_response(METHODS, request, ACCEPT_QUERY)


class DirectEndpointMiddleware:
    """Middleware that answers at the endpoint before routing, which would take as long as a small query."""

    def __init__(self, application: ASGIApp, endpoint: Endpoint) -> None:
        self.application, self.endpoint = application, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        handler = self.endpoint.handlers.get(scope.get("method", ""))
        if not handler or scope["path"].removeprefix(scope.get("root_path", "")) not in Endpoint.PATHS:
            await self.application(scope, receive, send)
            return
        try:
            answer = await handler(Request(scope, receive))
        except Refusal as refusal:
            answer = problem_response(refusal)
        except ClientDisconnect:
            answer = Response(status_code=CLIENT_CLOSED_REQUEST)
        await answer(scope, receive, send)


def unless_not_modified(request: Request, validators: Validators, answer: Response) -> Response:
    """Return the response, or 304 with its headers if the client's copy is current; raise Refusal (412)."""
    status = conditional_requests.evaluate_preconditions(request.headers, validators)
    if status == conditional_requests.PRECONDITION_FAILED:
        raise Refusal(status, "the precondition of the request is not met", validators.headers())
    if status == conditional_requests.NOT_MODIFIED:
        unsent = {"content-length", "content-type", "content-encoding", "content-disposition"}
        return Response(status_code=status, headers={k: v for k, v in answer.headers.items() if k not in unsent})
    return answer


async def unless_disconnected(request: Request, answer: asyncio.Future[Answer]) -> Answer | None:
    """Return the answer; if the client disconnects meanwhile, cancel the query and return None."""
    watch: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal watch
        watch = asyncio.ensure_future(_wait_for_disconnect(request))
        watch.add_done_callback(lambda _: answer.cancel())

    # Most queries finish before watching the client pays off.
    timer = asyncio.get_running_loop().call_later(_WATCH_DELAY, begin)
    try:
        return await answer
    except asyncio.CancelledError:
        if watch and watch.done():
            return None
        raise
    finally:
        timer.cancel()
        if watch:
            watch.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    """Return when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def read_body(request: Request, limit: int, kind: str = "a query") -> bytes:
    """Return the body of a request; raise Refusal as soon as it exceeds what a query of `limit` bytes can need.

    `kind` names the content in the message.
    """
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise Refusal(
            415,
            f"Content-Encoding {coding} is not supported; send the body without it",
            {"Accept-Encoding": "identity"},
        )
    body, longest = bytearray(), _ENCODED * limit
    announced = request.headers.get("content-length", "")
    too_long = announced.isdecimal() and int(announced) > longest
    if not too_long:
        async for piece in request.stream():
            body += piece
            too_long = len(body) > longest
            if too_long:
                break
    if too_long:
        fact = f"the body of this request is longer than {format_size(_ENCODED * limit)}"
        raise Refusal(413, f"{fact}; {kind} may have {format_size(limit)}")
    return bytes(body)


def client_key(request: Request) -> str:
    """Return the scheduling key of the client of a request."""
    return scheduling_key(request.client.host) if request.client else ""


def accept_header(request: Request) -> str | None:
    """Return the Accept header of a request, joined over its field lines."""
    lines = request.headers.getlist("accept")
    return ",".join(lines) if lines else None


def _openapi_part(part: str) -> dict[str, object]:
    """Return one part of the OpenAPI description of the endpoint."""
    text = {"type": "string"}
    texts = {"type": "array", "items": text}
    query = {"name": "query", "in": "query", "schema": text, "description": "a SPARQL 1.1 query"}
    graphs = [{"name": name, "in": "query", "schema": texts} for name in ("default-graph-uri", "named-graph-uri")]
    format = {"name": "format", "in": "query", "schema": text, "description": "json, xml, csv, tsv, ttl, nt, jsonld …"}
    form = {"type": "object", "properties": {"query": text}, "required": ["query"]}
    parts: dict[str, object] = {
        "parameters": [query, *graphs, format],
        "requestBody": {"required": True, "content": {QUERY: {"schema": text}, FORM: {"schema": form}}},
    }
    return {part: parts[part]}
