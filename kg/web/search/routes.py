"""The route of `/search` and its limits.

A search runs in a thread beside the event loop and within a time; what takes longer is refused, so that an answer is
always complete. Answers change with the release only, so anybody may keep them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from kg.core.labels import Labels
from kg.core.negotiation import HTML, PLAIN_JSON
from kg.core.release import Release
from kg.http.openapi import answered
from kg.http.representations import Representation
from kg.http.responses import Asked, chosen, sent, view_of
from kg.http.search_executor import Desk, left
from kg.http.sparql_endpoint import Refusal
from kg.search import Candidate, Found, Index, Matcher
from kg.web.search.search_presenter import Telling
from kg.web.search.search_request import LARGEST_PAGE, LAST_PAGE, LONGEST, PAGE_SIZE, Wish, wished

_SIMILAR = 3  # names that are offered where nothing was found


def desk_of(index: Callable[[], Index]) -> Desk:
    """Return where searches are made; `index` returns the index, or raises Refusal as long as there is none."""
    return Desk(index, "searches", "look for longer words", threads=2, waiting=64, seconds=5.0)


def router(desk: Desk, release: Release | None, labels: Labels) -> APIRouter:
    """Return the route of the search."""
    routes = APIRouter(tags=["things"])

    async def search(request: Request) -> Response:
        format = chosen(request, (PLAIN_JSON, HTML))
        wish = wished(request, desk.index().facets)
        found, similar, unknown = await desk.errand(partial(_search, wish))
        if unknown and format is not HTML:
            raise Refusal(400, f"{', '.join(unknown)}: nothing in these data has this value")
        telling = Telling(wish, found, similar, labels)
        if wish.page > telling.pages:
            raise Refusal(404, f"what was found fills {telling.pages} pages")
        body = telling.page(view_of(request)) if format is HTML else telling.json()
        location = f"./search{wish.address(format=format.names[0])}"
        return sent(Asked(request, "search"), Representation(format, body, location, telling.links(format)), release)

    described = {"parameters": _parameters()}
    responses = answered(PLAIN_JSON, HTML)
    routes.get("/search", summary="Find things by words", responses=responses, openapi_extra=described)(search)
    return routes


def _search(wish: Wish, matcher: Matcher, deadline: float) -> tuple[Found, list[Candidate], list[str]]:
    """Return what is found; where that is nothing, what is called like it, and values that nothing has."""
    index = matcher.index
    found = index.find(
        wish.words, filters=wish.filters, limit=wish.limit, offset=wish.offset, lang=wish.lang, seconds=left(deadline)
    )
    if found.total:
        return found, [], []
    if wish.filters:
        pairs = [(facet, value) for facet, values in sorted(wish.filters.items()) for value in values]
        return found, [], [f"{facet}={value[:80]}" for facet, value in pairs if not _has(index, facet, value, deadline)]
    return found, matcher.candidates(wish.words, limit=_SIMILAR) if wish.words else [], []


def _has(index: Index, facet: str, value: str, deadline: float) -> bool:
    """Whether anything has a value of a facet."""
    return index.find("", filters={facet: [value]}, limit=0, seconds=left(deadline)).total > 0


def _parameters() -> list[dict[str, Any]]:
    """Return what /openapi.json says of the parameters."""

    def number(most: int, usual: int) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": most, "default": usual}

    words = 'Words that must all be there, with spaces between them; what stands in "double quotes" is one word'
    facets = "pillar, lead, effect, listed, edition: values of facets, as `type`; the answer lists them"
    described = {
        "q": ({"type": "string", "maxLength": LONGEST}, f"{words}; without it, everything"),
        "type": (
            {"type": "string"},
            f"Class, or scheme of a concept, by its IRI or the last part of it. Also: {facets}",
        ),
        "lang": ({"type": "string", "enum": ["ja", "en"]}, "Language of the titles and of the page"),
        "page": (number(LAST_PAGE, 1), "Page"),
        "limit": (number(LARGEST_PAGE, PAGE_SIZE), "Hits on a page"),
        "format": ({"type": "string", "enum": ["json", "html"]}, "Instead of the header Accept"),
    }
    return [
        {"name": name, "in": "query", "schema": schema, "description": text}
        for name, (schema, text) in described.items()
    ]
