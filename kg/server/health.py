"""What those who operate the server ask: whether it lives, whether it is ready to answer, and its metrics."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from kg.engine.pool import Pool
from kg.http.openapi import answered
from kg.http.sparql_endpoint import Refusal, accept_of
from kg.server.metrics import Metrics

# The answers hold for this moment only.
_PASSING = {"Cache-Control": "no-store"}
_METRICS = answered("text/plain", "application/openmetrics-text")


@dataclass(frozen=True)
class Served:
    """What is served: the version of a release, empty where there is none, and the place where its data are."""

    version: str
    store: str


def router(served: Served, pool: Pool, metrics: Metrics, trouble: Callable[[], str]) -> APIRouter:
    """Return the routes for those who operate the server; `trouble` tells why it cannot answer, where it cannot."""
    routes = APIRouter(tags=["operation"])

    @routes.get("/healthz", summary="Whether the server lives", responses=answered("text/plain"))
    async def live() -> Response:
        return PlainTextResponse("ok\n", headers=_PASSING)

    @routes.get(
        "/readyz", summary="Whether the server can answer, and from what", responses=answered("application/json")
    )
    async def ready() -> Response:
        if not pool.workers:
            raise Refusal(503, "no worker can answer at the moment; one is started", {"Retry-After": "1", **_PASSING})
        if why := trouble():
            raise Refusal(503, why, {"Retry-After": "1", **_PASSING})
        told = {"release": served.version or None, "triples": pool.triples, "store": served.store}
        return JSONResponse({**told, "workers": pool.workers}, headers=_PASSING)

    @routes.get("/metrics", summary="Counts and times, in the format of Prometheus", responses=_METRICS)
    async def measured(request: Request) -> Response:
        text, media_type = metrics.text(accept_of(request))
        return Response(text, headers={"Content-Type": media_type, "Vary": "Accept", **_PASSING})

    return routes
