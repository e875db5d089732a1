"""What those who operate the server ask: whether it lives, whether it is ready to answer, and its metrics."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from kg.endpoint import Refusal, accept_of
from kg.metrics import Metrics
from kg.openapi import answered
from kg.releases import Release
from kg.workers.pool import Pool

# The answers hold for this moment only.
_PASSING = {"Cache-Control": "no-store"}
_METRICS = answered("text/plain", "application/openmetrics-text")


def router(release: Release | None, pool: Pool, metrics: Metrics, store: str) -> APIRouter:
    """Return the routes for those who operate the server; `store` tells where the data are: memory or disk."""
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
        version = release.version if release else None
        served = {"release": version, "triples": pool.triples, "store": store, "workers": pool.workers}
        return JSONResponse(served, headers=_PASSING)

    @routes.get("/metrics", summary="Counts and times, in the format of Prometheus", responses=_METRICS)
    async def measured(request: Request) -> Response:
        text, media_type = metrics.text(accept_of(request))
        return Response(text, headers={"Content-Type": media_type, "Vary": "Accept", **_PASSING})

    return routes
