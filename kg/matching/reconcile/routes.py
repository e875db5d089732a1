"""`/reconcile`: the reconciliation service of everything, and `/reconcile/<edition>`, that of one edition.

The Reconciliation Service API 0.2 in JSON, for every site (CORS). JSONP, which the specification leaves open, is not
offered: it would have clients run what a server sends.
"""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from kg.core.labels import Labels
from kg.core.negotiation import HTML, PLAIN_JSON
from kg.http.openapi import answered
from kg.http.query_client import Ask
from kg.http.sparql_endpoint import Refusal, allowed
from kg.http.sparql_protocol import FORM
from kg.matching.reconcile.service import Service, Setting
from kg.search import Index

PATH = "/reconcile"
METHODS = "GET, HEAD, POST, OPTIONS"
READING = "GET, HEAD, OPTIONS"
_READ_ONLY = ("preview", "properties")  # they stand where the key of an edition does
_TEXT = {"type": "string", "contentMediaType": "application/json"}
_FORM = {"schema": {"type": "object", "properties": {"queries": _TEXT, "extend": _TEXT}}}
_ASKED = {"requestBody": {"required": True, "content": {FORM: _FORM}}}


def _documented(*named: str) -> dict[str, object]:
    """Return what /openapi.json says about the parameters of an address."""
    return {"parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in named]}


def router(ask: Ask, index: Callable[[], Index], labels: Labels, setting: Setting) -> APIRouter:
    """Return the routes of the service; `index` raises Refusal where there is none (yet)."""
    routes = APIRouter(tags=["reconciliation"])
    service = Service(ask, index, labels, setting)
    for path in (PATH, PATH + "/{edition}"):
        _add(routes, path, service)
    return routes


def _add(routes: APIRouter, path: str, service: Service) -> None:
    """Add the routes of the service at a path; /openapi.json tells of those of everything."""
    shown = path == PATH

    def get(name: str, summary: str, answer: Callable[[Request], Awaitable[Response]], *named: str) -> None:
        said = answered(HTML if answer == service.preview else PLAIN_JSON)
        extra = _documented(*named)
        routes.get(path + name, summary=summary, include_in_schema=shown, responses=said, openapi_extra=extra)(answer)

    get("/suggest/entity", "Suggest things by a part of their name", service.suggest_things, "prefix", "cursor", "type")
    get("/suggest/type", "Suggest types", service.suggest_types, "prefix", "cursor")
    get("/suggest/property", "Suggest properties", service.suggest_properties, "prefix", "cursor", "type")
    get("/properties", "Propose properties of things of a type", service.propose, "type", "limit")
    get("/preview", "Get a small page about a thing, for a frame", service.preview, "id")
    get("", "Get the manifest, or answer queries", service.get, "queries", "extend")
    # Who copies an address may copy a slash with it.
    routes.get(path + "/", include_in_schema=False)(service.get)
    summary, said = "Answer queries, or extend data", answered(PLAIN_JSON)

    @routes.post(path + "/", include_in_schema=False)
    @routes.post(path, summary=summary, include_in_schema=shown, responses=said, openapi_extra=_ASKED)
    async def post(request: Request) -> Response:
        if request.path_params.get("edition") in _READ_ONLY:
            raise Refusal(405, "Method Not Allowed", {"Allow": READING})
        return await service.post(request)

    for way in (path, path + "/"):
        routes.options(way, include_in_schema=False)(_options)


def answers_forms(path: str) -> bool:
    """Whether queries can be sent to a path by POST: to the service, or to that of an edition."""
    _, _, rest = path.partition(PATH)
    rest = rest.removesuffix("/")
    return path.startswith(PATH) and (not rest or (rest.count("/") == 1 and rest[1:] not in _READ_ONLY))


async def _options(request: Request) -> Response:
    return allowed(READING if request.path_params.get("edition") in _READ_ONLY else METHODS, request)
