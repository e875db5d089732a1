"""`/cite`: how the release that is served, or another one, or an answer to a query is cited, in every format."""

from pathlib import Path
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from kg.core.errors import KgError
from kg.core.release import Release
from kg.http import templates
from kg.http.openapi import answered, takes
from kg.http.responses import page, view_of
from kg.http.sparql_endpoint import Refusal
from kg.web.citations import FORMS, Asked, Citation, as_text, citation
from kg.web.release_routes import LIVE, release_at

_LONGEST = 256 << 10  # as long as a query may be


def router(release: Release | None, out: Path) -> APIRouter:
    """Return the route of the citations."""
    routes = APIRouter(tags=["releases"])
    media_types = [media_type for media_type, _, _ in FORMS.values()]

    @routes.get(
        "/cite",
        summary="Cite a release, or an answer of it",
        responses=answered("text/html", *media_types),
        openapi_extra=takes(
            version="a release; without it the one that is served",
            query="the name of a stored query",
            text="the text of a query",
            format=f"one of {', '.join(FORMS)}; without it a page",
        ),
    )
    async def cite(request: Request) -> Response:
        asked = request.query_params
        if release is None:
            raise Refusal(404, "this server was started on data files; there is no release to cite")
        cited = release_at(release, out, asked.get("version") or release.version)
        view = view_of(request)
        try:
            query = await run_in_threadpool(_query, cited, asked.get("query", ""), asked.get("text", ""), view.lang)
            found = await run_in_threadpool(citation, cited, view.lang, query)
        except KgError as error:
            raise Refusal(404, str(error)) from error
        name = asked.get("format", "")
        if name:
            return _written(found, name)
        kept = urlencode({key: asked[key] for key in ("version", "query", "text") if key in asked})
        html = templates.fill("cite.html", view, cited=found, text=as_text(found), query=query, forms=FORMS, kept=kept)
        answer = page(html, view)
        answer.headers["Cache-Control"] = LIVE
        return answer

    return routes


def _query(cited: Release, name: str, text: str, lang: str) -> Asked | None:
    """Return the query whose answer is cited: a stored one by its name, or a text."""
    if name:
        return Asked.stored(cited, name, lang)
    if len(text) > _LONGEST:
        raise Refusal(413, "the text of the query is longer than a query may be")
    return Asked(text) if text.strip() else None


def _written(cited: Citation, name: str) -> Response:
    if name not in FORMS:
        raise Refusal(406, f"format={name} is not available; available are: {', '.join(FORMS)}")
    media_type, suffix, write = FORMS[name]
    headers = {"Cache-Control": LIVE, "Vary": "Accept-Language"}
    if name != "text":
        headers["Content-Disposition"] = f'attachment; filename="shisaku-graph.{suffix}"'
    return Response(write(cited), media_type=media_type, headers=headers)
