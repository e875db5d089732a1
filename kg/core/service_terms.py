"""SPARQL 1.1 Service Description of the endpoint as triples.

The builder adds it to the release with the endpoint's canonical IRI; the server serves it with the requested URL.
"""

from collections.abc import Iterable, Iterator

from pyoxigraph import Literal, NamedNode, Triple

from kg.core.iris import PREFIXES

# IRIs of the formats as the W3C defines them, hyphens and underscore included.
_FORMATS = "http://www.w3.org/ns/formats/"
_RESULTS = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")
_GRAPHS = ("Turtle", "N-Triples", "JSON-LD", "RDF_XML", "TriG", "N-Quads")
_SD, _VOID = PREFIXES["sd"], PREFIXES["void"]
_TYPE = NamedNode(PREFIXES["rdf"] + "type")
_INTEGER = NamedNode(PREFIXES["xsd"] + "integer")


def service_description(
    endpoint: str, triples: int, named_graphs: Iterable[str], default: str = "", federated: bool = False
) -> Iterator[Triple]:
    """Yield the description of an endpoint: languages, formats, default graph with its size, named graphs.

    `default` is the IRI of the default graph if it has its own description (VoID). `federated` is whether SERVICE is
    supported for some endpoints (SPARQL 1.1 Federated Query). There are no blank nodes.
    """
    service, dataset = NamedNode(f"{endpoint}#service"), NamedNode(f"{endpoint}#dataset")
    graph = NamedNode(default or f"{endpoint}#graph")

    def say(subject: NamedNode, word: str, value: NamedNode) -> Triple:
        return Triple(subject, NamedNode(_SD + word), value)

    def is_a(subject: NamedNode, word: str) -> Triple:
        return Triple(subject, _TYPE, NamedNode(_SD + word))

    yield is_a(service, "Service")
    yield say(service, "endpoint", NamedNode(endpoint))
    for language in ("SPARQL10Query", "SPARQL11Query"):
        yield say(service, "supportedLanguage", NamedNode(_SD + language))
    if federated:
        yield say(service, "feature", NamedNode(_SD + "BasicFederatedQuery"))
    for name in (*_RESULTS, *_GRAPHS):
        yield say(service, "resultFormat", NamedNode(_FORMATS + name))
    yield say(service, "defaultDataset", dataset)
    yield is_a(dataset, "Dataset")
    yield say(dataset, "defaultGraph", graph)
    yield is_a(graph, "Graph")
    yield Triple(graph, NamedNode(_VOID + "triples"), Literal(str(triples), datatype=_INTEGER))
    for number, name in enumerate(sorted(named_graphs), 1):
        named = NamedNode(f"{endpoint}#named-graph-{number}")
        yield say(dataset, "namedGraph", named)
        yield is_a(named, "NamedGraph")
        yield say(named, "name", NamedNode(name))
