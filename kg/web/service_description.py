"""SPARQL 1.1 Service Description of the endpoint, and the response to requests without a query."""

from collections.abc import Awaitable, Callable, Iterable

from fastapi import Request, Response

from kg.core import negotiation
from kg.core.negotiation import HTML, Format
from kg.core.release import Release, dataset_iri
from kg.core.result_serializers import write_triples
from kg.core.service_terms import service_description
from kg.engine.data_source import Limits
from kg.http.client_address import site_url
from kg.http.query_client import RunQuery
from kg.http.responses import negotiate
from kg.http.sparql_endpoint import Refusal
from kg.web.resource_queries import ResourceClient

DESCRIPTION_FORMATS = (negotiation.TURTLE, negotiation.N_TRIPLES, negotiation.JSON_LD, negotiation.RDF_XML)
NAMED_GRAPHS = "SELECT ?graph { GRAPH ?graph {} }"

# Stands for the endpoint until the description is sent. No client ever sees it: the name cannot exist (RFC 2606).
_HERE = "http://endpoint.invalid/sparql"


class ServiceDescription:
    """The description of an endpoint, in all formats; `default` is its default graph if VoID describes that.

    `federated` is true if SERVICE is allowed, `address` is the configured URL of the site, `path` that of the endpoint
    below it.
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
        statements = list(service_description(_HERE, triples, named_graphs, default, federated))
        self._bodies = {format: write_triples(statements, format) for format in DESCRIPTION_FORMATS}

    def body(self, format: Format, path: str, server: tuple[str, int | None] | None) -> bytes:
        """Return the description in a format, for a request to a path.

        The endpoint is written relative to the request, because the host name that clients use is unknown here;
        N-Triples has no relative references and contains the URL of the site (`kg.http.client_address`).
        """
        absolute = f"{site_url(server, self._address)}{self._path}"
        reference = absolute if format is negotiation.N_TRIPLES else _relative(path)
        return self._bodies[format].replace(_HERE.encode(), reference.encode())


def _relative(path: str) -> str:
    return "../sparql" if path.endswith("/") else "sparql"


_SHOWN = 60  # characters of a name in a message
# Parameters allowed without a query, by the protocol or for the page.
_KNOWN = {"format", "lang", "default-graph-uri", "named-graph-uri", "stored", "edit", "page"}


def default_handler(
    run_query: RunQuery,
    release: Release | None,
    triples: int,
    blank: Callable[[Request], Awaitable[Response]],
    limits: Limits,
    address: str = "",
    path: str = "sparql",
) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of requests without a query: `blank` for browsers, the description for programs.

    `path` is that of the endpoint below the site root.
    """
    described: list[ServiceDescription] = []

    async def introduced(request: Request) -> Response:
        format = negotiate(request, (*DESCRIPTION_FORMATS, HTML))
        unknown = sorted({name[:_SHOWN] for name in request.query_params} - _KNOWN)
        if unknown and format is not HTML:
            fact = f"unknown parameters: {', '.join(unknown[:5])}, and there is no query"
            raise Refusal(400, f"{fact}; put one into the parameter “query”")
        if format is HTML:
            if "stored" not in request.query_params:  # else they say what the stored query is about
                request.state.unknown = tuple(unknown)[:5]
            return await blank(request)
        if not described:  # once: it is the same for every request
            dataset = dataset_iri(release.version) if release else ""
            named = await ResourceClient(run_query).values(NAMED_GRAPHS, "graph")
            described.append(ServiceDescription(triples, named, dataset, bool(limits.services), address, path))
        body = described[0].body(format, request.url.path, request.scope.get("server"))
        return Response(body, headers={"Content-Type": format.content_type, "Vary": "Accept"})

    return introduced
