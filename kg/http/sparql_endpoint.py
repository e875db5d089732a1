"""The SPARQL endpoint: what a request is answered, and why it is refused.

An answer is complete or it is an error: it is written as a whole before the status line is sent. Every refusal is a
problem document (RFC 9457).

Answers that are in files: sent in pieces, so that none is held as a whole, and only so much of them at one time.

A client may take its answer slowly, and the file lasts until it has it. So what is on its way is bounded: else a few
hundred clients that ask for large answers and take none of them would fill the disk.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from kg.core import sparql_scanner
from kg.core.negotiation import GRAPH_FORMATS, HTML, ROW_FORMATS
from kg.engine.data_source import Limits, format_size
from kg.engine.pool import busy
from kg.engine.query_diagnostics import explain_syntax_error
from kg.engine.query_evaluator import not_acceptable as not_acceptable
from kg.engine.result_cache import ResultCache, request_context
from kg.engine.wire import Answer, QueryRequest
from kg.engine.wire import Refusal as Refusal
from kg.http import conditional_requests
from kg.http.client_address import turn_of
from kg.http.conditional_requests import Validators
from kg.http.openapi import answered
from kg.http.sparql_protocol import ACCEPT_QUERY, FORM, QUERY, parameters, read_post, read_query_method, read_question

_PIECE = 1 << 18


class Sending:
    """All that is being sent; `room` is how many bytes it may be."""

    def __init__(self, room: int) -> None:
        self.room, self.used = room, 0

    def response(self, answer: Answer, headers: Mapping[str, str]) -> Response:
        """Return what sends an answer that is in a file; raise Refusal (503) where too much is on its way already."""
        if self.used + answer.size > self.room:
            raise busy(f"large answers of {format_size(self.room)} are being sent already")
        return _Filed(self, answer, headers)


class _Filed(Response):
    def __init__(self, sending: Sending, answer: Answer, headers: Mapping[str, str]) -> None:
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

# How much longer than its query a form may be: percent-encoded, with the names of graphs.
_ENCODED = 4
_LONG = 1 << 14
_UNWATCHED = 0.05
_FIELDS = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
CLIENT_GONE = 499  # nobody reads it; a log may


def problem(refusal: Refusal) -> JSONResponse:
    """Return a refusal as a problem document."""
    status = HTTPStatus(refusal.status)
    content = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": refusal.detail}
    headers = {"Vary": "Accept, Accept-Language", **(refusal.headers or {})}  # a person gets a page
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def allowed(methods: str, request: Request, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to OPTIONS, which is also what a browser asks before it sends what another site wants.

    Any field may be sent: none has a meaning here that another site could abuse. The fields are repeated, since `*`
    does not stand for `Authorization`, which some clients send always (Fetch, 4.9).
    """
    wanted = request.headers.get("access-control-request-headers", "")
    granted = {
        "Allow": methods,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": wanted if _FIELDS.fullmatch(wanted) else "*",
        "Access-Control-Max-Age": "86400",
        "Vary": "Access-Control-Request-Headers",
    }
    return Response(status_code=204, headers={**granted, **(headers or {})})


class Reader(Protocol):
    """Answers people, by a page."""

    def wants(self, question: QueryRequest, accepted: str | None) -> bool:
        """Whether a person asks, by `Accept` or by the name of a format."""

    async def answer(self, request: Request, question: QueryRequest) -> Response:
        """Return the page of the answer, or of the reason why there is none."""


class Endpoint:
    """The endpoint; `introduction` answers a request that comes without a query, `reader` one of a person.

    `lasting` is what `Cache-Control` says of answers that do not depend on the moment; a page says so itself.
    """

    PATHS = ("/sparql", "/sparql/")

    def __init__(
        self,
        answers: ResultCache,
        limits: Limits,
        lasting: str,
        introduction: Callable[[Request], Awaitable[Response]],
        reader: Reader,
    ) -> None:
        self._answers, self._limits, self._lasting = answers, limits, lasting
        self._introduction, self._reader = introduction, reader
        self.sending = Sending(limits.sending)
        self.handlers = {"GET": self.get, "HEAD": self.get, "POST": self.post, "QUERY": self.query}

    async def get(self, request: Request) -> Response:
        """Answer what the address asks."""
        question = read_question(parameters(request.scope["query_string"]))
        if question is None:
            return await self._introduction(request)
        return await self._respond(request, question)

    async def post(self, request: Request) -> Response:
        """Answer what a form or a body asks."""
        body = await body_of(request, self._limits.query)
        asked = request.headers.get("content-type", ""), request.scope["query_string"], body
        # To decode a long form takes a while, in which others are to be served.
        question = await run_in_threadpool(read_post, *asked) if len(body) > _LONG else read_post(*asked)
        return await self._respond(request, question)

    async def query(self, request: Request) -> Response:
        """Answer what a body asks by the method QUERY."""
        body = await body_of(request, self._limits.query)
        question = read_query_method(request.headers.get("content-type", ""), request.scope["query_string"], body)
        return await self._respond(request, question)

    async def _respond(self, request: Request, question: QueryRequest) -> Response:
        if self._reader.wants(question, accept_of(request)):
            return await self._reader.answer(request, question)
        asked, start = replace(question, accept=accept_of(request)), time.perf_counter()
        remarks = request_context(request.scope)
        remarks.query = question.query
        try:
            answer = await unless_gone(request, self._answers.submit(asked, client_of(request), remarks))
        except Refusal as refusal:
            raise _in_words(question, refusal) from refusal
        if answer is None:
            return Response(status_code=CLIENT_GONE)
        momentary = sparql_scanner.is_volatile(question.query)
        headers = {
            "Content-Type": answer.content_type,
            "Vary": "Accept",
            "Cache-Control": "no-store" if momentary else self._lasting,
            "Server-Timing": f"query;dur={(time.perf_counter() - start) * 1000:.1f}",  # in milliseconds (W3C)
        }
        if answer.file:
            return self.sending.response(answer, headers)
        if momentary:
            return Response(answer.body, headers=headers)
        validators = Validators(f'"{hashlib.blake2b(answer.body, digest_size=16).hexdigest()}"')
        return unless_known(request, validators, Response(answer.body, headers={**headers, **validators.headers()}))

    def router(self) -> APIRouter:
        """Return the routes of the endpoint, which also tell /openapi.json of it."""
        routes = APIRouter(tags=["SPARQL"])
        answers = answered(*ROW_FORMATS, *GRAPH_FORMATS, HTML)
        routes.get("/sparql", summary="Ask by GET", responses=answers, openapi_extra=_documented("parameters"))(
            self.get
        )
        routes.post("/sparql", summary="Ask by POST", responses=answers, openapi_extra=_documented("requestBody"))(
            self.post
        )
        for path in self.PATHS:
            for method, handler in self.handlers.items():
                routes.api_route(path, methods=[method], include_in_schema=False)(handler)
            routes.options(path, include_in_schema=False)(_options)
        return routes


def _in_words(question: QueryRequest, refusal: Refusal) -> Refusal:
    """Return a refusal that says what is wrong with a query, where that is one of the usual mistakes."""
    if refusal.status != HTTPStatus.BAD_REQUEST:
        return refusal
    return Refusal(refusal.status, explain_syntax_error(question.query, refusal.detail), refusal.headers)


async def _options(request: Request) -> Response:
    return allowed(METHODS, request, ACCEPT_QUERY)


class Direct:
    """Answers at the endpoint without looking for a route first: that would take as long as a small query."""

    def __init__(self, application: ASGIApp, endpoint: Endpoint) -> None:
        self.application, self.endpoint = application, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the routes do."""
        handler = self.endpoint.handlers.get(scope.get("method", ""))
        if not handler or scope["path"].removeprefix(scope.get("root_path", "")) not in Endpoint.PATHS:
            await self.application(scope, receive, send)
            return
        try:
            answer = await handler(Request(scope, receive))
        except Refusal as refusal:
            answer = problem(refusal)
        except ClientDisconnect:
            answer = Response(status_code=CLIENT_GONE)
        await answer(scope, receive, send)


def unless_known(request: Request, validators: Validators, answer: Response) -> Response:
    """Return the answer, or 304 with its headers where the client has it already."""
    status = conditional_requests.outcome(request.headers, validators)
    if status == conditional_requests.PRECONDITION_FAILED:
        raise Refusal(status, "this is not what the condition of the request names", validators.headers())
    if status == conditional_requests.NOT_MODIFIED:
        unsent = {"content-length", "content-type", "content-encoding", "content-disposition"}
        return Response(status_code=status, headers={k: v for k, v in answer.headers.items() if k not in unsent})
    return answer


async def unless_gone(request: Request, answer: asyncio.Future[Answer]) -> Answer | None:
    """Return the answer; where the client goes away meanwhile, end the question and return None."""
    watch: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal watch
        watch = asyncio.ensure_future(_gone(request))
        watch.add_done_callback(lambda _: answer.cancel())

    # Most answers are there before it is worth while to watch the client.
    timer = asyncio.get_running_loop().call_later(_UNWATCHED, begin)
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


async def _gone(request: Request) -> None:
    """Return when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def body_of(request: Request, limit: int, kind: str = "a query") -> bytes:
    """Return the body of a request; raise Refusal as soon as it is longer than a query of `limit` bytes can need.

    `kind` says what comes in it, for the refusal.
    """
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise Refusal(415, f"a body coded as {coding} is not read here; send it plain", {"Accept-Encoding": "identity"})
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


def client_of(request: Request) -> str:
    """Return by which name a client takes turns with others."""
    return turn_of(request.client.host) if request.client else ""


def accept_of(request: Request) -> str | None:
    """Return the Accept header of a request, which may come in several lines."""
    lines = request.headers.getlist("accept")
    return ",".join(lines) if lines else None


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
