"""What the endpoint says about itself to a program: a SPARQL 1.1 Service Description, made once and then only sent.

What an endpoint answers where no query comes: its page to a person, its description to a program.
"""

from collections.abc import Awaitable, Callable, Iterable

from fastapi import Request, Response

from kg.core import negotiation
from kg.core.negotiation import HTML, Format
from kg.core.release import Release, dataset_iri
from kg.core.result_serializers import write_triples
from kg.core.service_terms import service_description
from kg.engine.data_source import Limits
from kg.http.client_address import site_address
from kg.http.query_client import Ask
from kg.http.responses import chosen
from kg.http.sparql_endpoint import Refusal
from kg.web.resource_queries import Things

DESCRIPTION_FORMATS = (negotiation.TURTLE, negotiation.N_TRIPLES, negotiation.JSON_LD, negotiation.RDF_XML)
NAMED_GRAPHS = "SELECT ?graph { GRAPH ?graph {} }"

# Stands for the endpoint until the description is sent. No client ever sees it: the name cannot exist (RFC 2606).
_HERE = "http://endpoint.invalid/sparql"


class ServiceDescription:
    """The description of an endpoint, in every format; `default` names its default graph where VoID describes that.

    `federated` is whether it may call others, `address` that of the site where the operator has given one,
    `path` that of the endpoint below it.
    """

    def __init__(
        self,
        triples: int,
        named_graphs: Iterable[str],
        default: str = "",
        federated: bool = False,
        address: str = "",
        path: str = "sparql",
    ) -> None:
        self._address, self._path = address, path
        said = list(service_description(_HERE, triples, named_graphs, default, federated))
        self._bodies = {format: write_triples(said, format) for format in DESCRIPTION_FORMATS}

    def body(self, format: Format, path: str, server: tuple[str, int | None] | None) -> bytes:
        """Return the description in a format, for a request to a path.

        The endpoint is a reference relative to the request, because what a client calls this host is not known here;
        N-Triples has no relative references and names the address of the site (`kg.http.client_address`).
        """
        absolute = f"{site_address(server, self._address)}{self._path}"
        reference = absolute if format is negotiation.N_TRIPLES else _relative(path)
        return self._bodies[format].replace(_HERE.encode(), reference.encode())


def _relative(path: str) -> str:
    return "../sparql" if path.endswith("/") else "sparql"


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
            dataset = dataset_iri(release.version) if release else ""
            named = await Things(ask).values(NAMED_GRAPHS, "graph")
            described.append(ServiceDescription(triples, named, dataset, bool(limits.services), address, path))
        body = described[0].body(format, request.url.path, request.scope.get("server"))
        return Response(body, headers={"Content-Type": format.content_type, "Vary": "Accept"})

    return introduced
