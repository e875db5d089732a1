"""What stands at the top of the site: the first page, what pages load, what it is about."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from kg.core.iris import BASE
from kg.core.release import GRAPH, MEDIA_TYPES, N_QUADS, WORKBOOK, Release
from kg.http import assets
from kg.http.conditional_requests import Validators
from kg.http.pages import fill
from kg.http.query_client import Ask
from kg.http.representations import link
from kg.http.responses import page, view_of
from kg.http.sparql_endpoint import Refusal, unless_known
from kg.http.stored_query_client import Questions
from kg.web import schema_org
from kg.web.landing import Landing
from kg.web.resource_routes import dataset_of, labels_of


def router(ask: Ask, release: Release | None, total: int, stored: Questions) -> APIRouter:
    """Return these routes, for a graph of `total` triples."""
    routes = APIRouter()
    card = schema_org.DatasetCard(ask, dataset_of(release)) if release else None
    first = Landing(ask, labels_of(release), total, stored)

    @routes.get("/", include_in_schema=False)
    async def landing(request: Request) -> Response:
        view = view_of(request)
        dataset = await card.text(view.lang) if card else ""
        scripts = [schema_org.allowed(dataset)] if dataset else []
        response = page(await first.text(view, dataset), view, scripts=scripts)
        if release:
            response.headers["Link"] = ", ".join(_signposts(release))
        return response

    @routes.get("/about", include_in_schema=False)
    async def about(request: Request) -> Response:
        view = view_of(request)
        return page(fill("about.html", view), view)

    @routes.get("/static/{path:path}", include_in_schema=False)
    async def static(request: Request, path: str) -> Response:
        return _asset(request, path)

    return routes


def _signposts(release: Release) -> Iterator[str]:
    """Yield the links that lead programs from the first page to name, terms and files (signposting.org)."""
    folder = f"./release/{quote(release.version)}/"
    yield link(BASE, "cite-as")
    yield link("https://schema.org/Dataset", "type")
    yield link("https://creativecommons.org/licenses/by/4.0/", "license")
    yield link("./catalog.ttl", "describedby", "text/turtle")
    yield link("./catalog.jsonld", "describedby", "application/ld+json")
    yield from (link(f"{folder}{name}", "item", MEDIA_TYPES[Path(name).suffix]) for name in (GRAPH, N_QUADS, WORKBOOK))


def _asset(request: Request, path: str) -> Response:
    """Return a file that pages load: for ever at the address with its digest."""
    found = assets.found(path)
    if found is None:
        raise Refusal(404, f"there is no {path} among what pages load")
    asset, lasting = found
    validators = Validators(f'"{asset.digest}"')
    headers = {"Content-Type": asset.content_type, "Cache-Control": lasting, **validators.headers()}
    return unless_known(request, validators, Response(asset.content, headers=headers))
