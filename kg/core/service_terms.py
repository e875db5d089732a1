"""What the endpoint can do, in the words of SPARQL 1.1 Service Description. The build states it in the graph of the
release, under the endpoint's canonical name; the server answers it for the address that was asked."""

from collections.abc import Iterable, Iterator

from pyoxigraph import Literal, NamedNode, Triple

from kg.core.iris import PREFIXES

# The names of the formats as the W3C spells them, hyphens and underscore included.
_FORMATS = "http://www.w3.org/ns/formats/"
_RESULTS = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")
_GRAPHS = ("Turtle", "N-Triples", "JSON-LD", "RDF_XML", "TriG", "N-Quads")
_SD, _VOID = PREFIXES["sd"], PREFIXES["void"]
_TYPE = NamedNode(PREFIXES["rdf"] + "type")
_INTEGER = NamedNode(PREFIXES["xsd"] + "integer")


def service_description(
    endpoint: str, triples: int, named_graphs: Iterable[str], default: str = "", federated: bool = False
) -> Iterator[Triple]:
    """Yield what is said about an endpoint: languages, formats, its default graph with its size, its named graphs.

    `default` names the default graph where it has a description of its own (VoID). `federated` says that SERVICE is
    answered for some endpoints (SPARQL 1.1 Federated Query). There are no blank nodes.
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
