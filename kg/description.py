"""What the endpoint says about itself to a program: a SPARQL 1.1 Service Description."""

from collections.abc import Iterator

from pyoxigraph import Literal, NamedNode, Triple

from kg import negotiate
from kg.negotiate import Format

DESCRIPTION_FORMATS = (negotiate.TURTLE, negotiate.N_TRIPLES, negotiate.JSON_LD, negotiate.RDF_XML)

# The names of the formats as the W3C spells them, hyphens and underscore included.
_FORMATS = "http://www.w3.org/ns/formats/"
_RESULTS = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")
_GRAPHS = ("Turtle", "N-Triples", "JSON-LD", "RDF_XML", "TriG", "N-Quads")
_SD = negotiate.PREFIXES["sd"]
_TYPE = NamedNode(negotiate.PREFIXES["rdf"] + "type")

# Stands for the endpoint until the description is written. No client ever sees it: the name cannot exist (RFC 2606).
_HERE = "http://endpoint.invalid/sparql"


def service_description(size: int, format: Format, path: str, server: tuple[str, int | None] | None) -> bytes:
    """Return the description in a format.

    The endpoint is a reference relative to the request, because what a client calls this host is not known here;
    N-Triples has no relative references and names the address that the server is bound to.
    """
    body = negotiate.write_triples(_triples(size), format)
    reference = _bound(path, server) if format is negotiate.N_TRIPLES else _relative(path)
    return body.replace(_HERE.encode(), reference.encode())


def _triples(size: int) -> Iterator[Triple]:
    service, dataset, graph = (NamedNode(f"{_HERE}#{name}") for name in ("service", "dataset", "graph"))

    def say(subject: NamedNode, word: str, value: NamedNode) -> Triple:
        return Triple(subject, NamedNode(_SD + word), value)

    def is_a(subject: NamedNode, word: str) -> Triple:
        return Triple(subject, _TYPE, NamedNode(_SD + word))

    yield is_a(service, "Service")
    yield say(service, "endpoint", NamedNode(_HERE))
    for language in ("SPARQL10Query", "SPARQL11Query"):
        yield say(service, "supportedLanguage", NamedNode(_SD + language))
    for name in (*_RESULTS, *_GRAPHS):
        yield say(service, "resultFormat", NamedNode(_FORMATS + name))
    yield say(service, "defaultDataset", dataset)
    yield is_a(dataset, "Dataset")
    yield say(dataset, "defaultGraph", graph)
    yield is_a(graph, "Graph")
    integer = NamedNode(negotiate.PREFIXES["xsd"] + "integer")
    yield Triple(graph, NamedNode(negotiate.PREFIXES["void"] + "triples"), Literal(str(size), datatype=integer))


def _relative(path: str) -> str:
    return "../sparql" if path.endswith("/") else "sparql"


def _bound(path: str, server: tuple[str, int | None] | None) -> str:
    host, port = server or ("localhost", None)
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}{f':{port}' if port else ''}{path.rstrip('/')}"
