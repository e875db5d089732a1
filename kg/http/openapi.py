"""Helpers for /openapi.json: status codes, media types and parameters of the routes (OpenAPI 3.1, 4.8.16)."""

import re
from collections.abc import Iterable
from typing import Any

from kg.core.negotiation import Format

_IN_PATH = re.compile(r"\{(\w+)(?::\w+)?\}")
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, and the remedy"},
    },
}
# Responses of every path besides those declared by its route.
COMMON_RESPONSES: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not modified: the client has the current representation"},
    "4XX": {
        "description": "Refused, with the reason",
        "content": {"application/problem+json": {"schema": _PROBLEM}, "text/html": {}},
    },
    "5XX": {
        "description": "Not answered, with the reason; repeat the request if `Retry-After` is sent",
        "content": {"application/problem+json": {"schema": _PROBLEM}},
    },
}


def response_docs(*formats: Format | str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that answers in these formats; without formats, with an empty body."""
    media_types = [format.media_type if isinstance(format, Format) else format for format in formats]
    content: dict[str, Any] = {media_type: {} for media_type in media_types}
    return {status: {"description": "The response", **({"content": content} if content else {})}}


def parameter_docs(**parameters: str) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads these query parameters; the values are their descriptions."""
    schema = {"type": "string"}
    return {
        "parameters": [
            {"name": name.rstrip("_"), "in": "query", "required": False, "description": text, "schema": schema}
            for name, text in parameters.items()
        ]
    }


def with_path_parameters(path: str, declared: Iterable[str], extra: dict[str, Any] | None) -> dict[str, Any]:
    """Return the `openapi_extra` of a route, extended by the path parameters that its function does not declare."""
    names = [name for name in _IN_PATH.findall(path) if name not in declared]
    described = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    extra = extra or {}
    return {**extra, "parameters": [*described, *extra.get("parameters", ())]} if described else extra


# Marks a route that validates its parameters itself.
OWN_PARAMETERS = "x-own-parameters"


def redirect_docs(status: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that redirects."""
    return {status: {"description": "The target is in `Location`", "headers": {"Location": {"schema": {}}}}}
