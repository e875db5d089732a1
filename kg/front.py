"""What stands at the top of the site: the first page, the stored queries, what pages load, what it is about."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from kg import openapi, schema_org
from kg.asking import Ask
from kg.conditional import Validators
from kg.documents import dataset_of, labels_of
from kg.endpoint import Refusal, unless_known
from kg.negotiate import HTML, PLAIN_JSON
from kg.pages import assets, fill
from kg.pages.landing import Landing
from kg.queries import StoredQuery
from kg.releases import Release
from kg.replies import chosen, page, view_of


def router(ask: Ask, release: Release | None, total: int, stored: Sequence[StoredQuery]) -> APIRouter:
    """Return these routes, for a graph of `total` triples."""
    routes = APIRouter()
    offered = _offered(stored)
    card = schema_org.DatasetCard(ask, dataset_of(release)) if release else None
    first = Landing(ask, labels_of(release), total)

    @routes.get("/", include_in_schema=False)
    async def landing(request: Request) -> Response:
        view = view_of(request)
        dataset = await card.text(view.lang) if card else ""
        scripts = [schema_org.allowed(dataset)] if dataset else []
        return page(await first.text(view, offered, dataset), view, scripts=scripts)

    @routes.get("/about", include_in_schema=False)
    async def about(request: Request) -> Response:
        view = view_of(request)
        return page(fill("about.html", view), view)

    @routes.get("/static/{path:path}", include_in_schema=False)
    async def static(request: Request, path: str) -> Response:
        return _asset(request, path)

    _add_queries(routes, stored)
    return routes


def _offered(stored: Sequence[StoredQuery]) -> list[StoredQuery]:
    """Return the queries for pages, where each has a link that runs it here."""
    return [query for query in stored if not query.asks_others]


def _add_queries(routes: APIRouter, stored: Sequence[StoredQuery]) -> None:
    texts = {query.name: query for query in stored}

    @routes.get(
        "/queries",
        tags=["stored queries"],
        summary="List the stored queries",
        responses=openapi.answered(PLAIN_JSON, HTML),
    )
    async def list_queries(request: Request) -> Response:
        if chosen(request, (PLAIN_JSON, HTML)) is HTML:
            view = view_of(request)
            return page(fill("queries.html", view, queries=_offered(stored)), view)
        return JSONResponse([_summary(query) for query in stored], headers={"Vary": "Accept"})

    @routes.get(
        "/queries/{name}",
        tags=["stored queries"],
        summary="Get the text of a stored query",
        responses=openapi.answered("text/plain"),
    )
    async def get_query(name: str) -> Response:
        if name not in texts:
            raise Refusal(404, f"there is no stored query {name}; /queries lists them all")
        return PlainTextResponse(texts[name].text)


def _asset(request: Request, path: str) -> Response:
    """Return a file that pages load: for ever at the address with its digest."""
    found = assets.found(path)
    if found is None:
        raise Refusal(404, f"there is no {path} among what pages load")
    asset, lasting = found
    validators = Validators(f'"{asset.digest}"')
    headers = {"Content-Type": asset.content_type, "Cache-Control": lasting, **validators.headers()}
    return unless_known(request, validators, Response(asset.content, headers=headers))


def _summary(query: StoredQuery) -> dict[str, object]:
    return {key: value for key, value in vars(query).items() if key != "text"}
