"""Route `/cite`: citations of a release or of the result of a query, in all formats."""

from pathlib import Path
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from kg.core.errors import KgError
from kg.core.release import Release
from kg.http import conditional_requests, templates
from kg.http.openapi import parameter_docs, response_docs
from kg.http.responses import html_response, view_of
from kg.http.sparql_endpoint import Refusal
from kg.web.citations import FORMATS, Citation, CitedQuery, as_text, citation
from kg.web.release_routes import release_at

_LONGEST = 256 << 10  # as long as a query may be


def router(release: Release | None, out: Path) -> APIRouter:
    """Return the route of the citations."""
    routes = APIRouter(tags=["releases"])
    media_types = [media_type for media_type, _, _ in FORMATS.values()]

    @routes.get(
        "/cite",
        summary="Cite a release, or an answer of it",
        responses=response_docs("text/html", *media_types),
        openapi_extra=parameter_docs(
            version="a release; without it the one that is served",
            query="the name of a stored query",
            text="the text of a query",
            format=f"one of {', '.join(FORMATS)}; without it a page",
        ),
    )
    async def cite(request: Request) -> Response:
        params = request.query_params
        if release is None:
            raise Refusal(404, "this server was started on data files; there is no release to cite")
        cited = release_at(release, out, params.get("version") or release.version)
        view = view_of(request)
        try:
            query = await run_in_threadpool(_query, cited, params.get("query", ""), params.get("text", ""), view.lang)
            found = await run_in_threadpool(citation, cited, view.lang, query)
        except KgError as error:
            raise Refusal(404, str(error)) from error
        name = params.get("format", "")
        if name:
            return _written(found, name)
        parameters = urlencode({key: params[key] for key in ("version", "query", "text") if key in params})
        html = templates.render(
            "cite.html", view, cited=found, text=as_text(found), query=query, forms=FORMATS, parameters=parameters
        )
        answer = html_response(html, view)
        answer.headers["Cache-Control"] = conditional_requests.HOURLY
        return answer

    return routes


def _query(cited: Release, name: str, text: str, lang: str) -> CitedQuery | None:
    """Return the cited query: a stored one by its name, or a text."""
    if name:
        return CitedQuery.stored(cited, name, lang)
    if len(text) > _LONGEST:
        raise Refusal(413, "the text of the query is longer than a query may be")
    return CitedQuery(text) if text.strip() else None


def _written(cited: Citation, name: str) -> Response:
    if name not in FORMATS:
        raise Refusal(406, f"format={name} is not available; available: {', '.join(FORMATS)}")
    media_type, suffix, write = FORMATS[name]
    headers = {"Cache-Control": conditional_requests.HOURLY, "Vary": "Accept-Language"}
    if name != "text":
        headers["Content-Disposition"] = f'attachment; filename="shisaku-graph.{suffix}"'
    return Response(write(cited), media_type=media_type, headers=headers)
