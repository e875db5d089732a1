"""Error responses: unknown path, wrong method, refusal, internal error.

Browsers get a page with links, programs a problem document (RFC 9457).
"""

import re
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from kg.http import sparql_endpoint
from kg.http.conditional_requests import COMMON_HEADERS
from kg.http.responses import DocumentRequest, Notice, notice_response, prefers_html, raw_path, redirect_response
from kg.http.sparql_endpoint import Refusal, options_response, problem_response
from kg.matching.reconcile import routes as reconcile
from kg.web import release_endpoint

# Methods of every path except the endpoints.
READ_METHODS = "GET, HEAD, OPTIONS"
_VERSIONED = re.compile(release_endpoint.PATH.replace("{version}", "[^/]+"))
_TITLES = {404: ("見つかりません", "Not found"), 400: ("このアドレスは分かりません", "This address is not understood")}


async def _handle_refusal(request: Request, error: Exception) -> Response:
    """Respond to a refusal by a route, with a page for browsers."""
    assert isinstance(error, Refusal)
    if not prefers_html(request):
        return problem_response(error)
    title = _TITLES.get(error.status, (f"お答えできません({error.status})", HTTPStatus(error.status).phrase))
    answer = notice_response(
        DocumentRequest(request, raw_path(request)), Notice(error.status, title, (error.detail, error.detail)), ()
    )
    answer.headers.update(error.headers or {})
    return answer


async def _handle_http_error(request: Request, error: Exception) -> Response:
    """Respond to an error of the framework: unknown path, or unsupported method (OPTIONS is always supported)."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if request.method == "OPTIONS" and error.status_code in (404, 405):
        return options_response(
            READ_METHODS, request
        )  # also for unknown paths, else a page of another site could not see the 404
    if error.status_code == 405:
        headers["Allow"] = _allowed_methods(request)
    if error.status_code == 404 and (elsewhere := _without_slash(request)):
        return redirect_response(308, elsewhere)
    if error.status_code == 404 and prefers_html(request):
        path = unquote(request.url.path, errors="replace")
        text = (f"{path} というページはありません。", f"There is no page {path}.")
        return notice_response(
            DocumentRequest(request, raw_path(request)), Notice(404, ("見つかりません", "Not found"), text), ()
        )
    return problem_response(Refusal(error.status_code, error.detail, headers))


def _without_slash(request: Request) -> str:
    """Return the relative URL of an existing path without superfluous trailing slashes; empty if there is none."""
    path, routes = request.scope["path"], request.app.routes
    scope = {**request.scope, "path": path.rstrip("/"), "raw_path": None, "method": request.method}
    if not raw_path(request).endswith("/") or not path.strip("/"):  # %2F is not a slash
        return ""
    if not any(route.matches(scope)[0] is Match.FULL for route in routes):
        return ""
    query = request.scope["query_string"].decode("latin-1")
    name = raw_path(request).rstrip("/").rpartition("/")[2]
    return f"{'../' * (len(path) - len(path.rstrip('/')))}{name}{f'?{query}' if query else ''}"


def _allowed_methods(request: Request) -> str:
    """Return the allowed methods of a path."""
    path = request.url.path.removeprefix(request.scope.get("root_path", "")).rstrip("/")
    if path == "/sparql" or _VERSIONED.fullmatch(path):
        return sparql_endpoint.METHODS
    # Forms are accepted by the reconciliation services only.
    return reconcile.METHODS if reconcile.answers_forms(path) else READ_METHODS


async def _handle_disconnect(request: Request, error: Exception) -> Response:
    """Respond to a client that has disconnected before its request was complete."""
    return Response(status_code=sparql_endpoint.CLIENT_CLOSED_REQUEST)


async def _handle_internal_error(request: Request, error: Exception) -> Response:
    """Respond to an internal error; the traceback goes to the server log only."""
    return problem_response(Refusal(500, "internal error of the server; the request is not at fault", COMMON_HEADERS))


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    Refusal: _handle_refusal,
    HTTPException: _handle_http_error,
    ClientDisconnect: _handle_disconnect,
    Exception: _handle_internal_error,
}
