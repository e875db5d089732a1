"""What the endpoint says about itself to a program: a SPARQL 1.1 Service Description, made once and then only sent."""

from collections.abc import Iterable

from kg.core import negotiation
from kg.core.negotiation import Format
from kg.core.result_serializers import write_triples
from kg.core.service_terms import service_description
from kg.http.public_url import site_address

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
        N-Triples has no relative references and names the address of the site (`kg.http.public_url`).
        """
        absolute = f"{site_address(server, self._address)}{self._path}"
        reference = absolute if format is negotiation.N_TRIPLES else _relative(path)
        return self._bodies[format].replace(_HERE.encode(), reference.encode())


def _relative(path: str) -> str:
    return "../sparql" if path.endswith("/") else "sparql"
