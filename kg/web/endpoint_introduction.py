"""What an endpoint answers where no query comes: its page to a person, its description to a program."""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from kg.core.negotiation import HTML
from kg.core.release import Release
from kg.engine.limits import Limits
from kg.http.query_client import Ask
from kg.http.responses import chosen
from kg.http.sparql_endpoint import Refusal
from kg.web.resource_queries import Things
from kg.web.resource_routes import dataset_of
from kg.web.service_description import DESCRIPTION_FORMATS, NAMED_GRAPHS, ServiceDescription

_SHOWN = 60  # characters of a name in a message
# What may stand in an address without a query, by the protocol or for the page.
_KNOWN = {"format", "lang", "default-graph-uri", "named-graph-uri", "stored", "edit", "page"}


def introduction(
    ask: Ask,
    release: Release | None,
    triples: int,
    blank: Callable[[Request], Awaitable[Response]],
    limits: Limits,
    address: str = "",
    path: str = "sparql",
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers; `blank` gives the page, `path` is that of the endpoint below the top of the site."""
    described: list[ServiceDescription] = []

    async def introduced(request: Request) -> Response:
        format = chosen(request, (*DESCRIPTION_FORMATS, HTML))
        unknown = sorted({name[:_SHOWN] for name in request.query_params} - _KNOWN)
        if unknown and format is not HTML:
            fact = f"{', '.join(unknown[:5])} is unknown here, and there is no query"
            raise Refusal(400, f"{fact}; put one into the parameter “query”")
        if format is HTML:
            if "stored" not in request.query_params:  # else they say what the stored query is about
                request.state.unknown = tuple(unknown)[:5]
            return await blank(request)
        if not described:  # once: it is the same for every request
            dataset = dataset_of(release) if release else ""
            named = await Things(ask).values(NAMED_GRAPHS, "graph")
            described.append(ServiceDescription(triples, named, dataset, bool(limits.services), address, path))
        body = described[0].body(format, request.url.path, request.scope.get("server"))
        return Response(body, headers={"Content-Type": format.content_type, "Vary": "Accept"})

    return introduced
