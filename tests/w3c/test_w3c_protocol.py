"""The W3C's tests of the SPARQL 1.1 Protocol and of the Service Description, sent to a real server.

The suite expects an endpoint that takes updates. Ours does not, so its update tests are asked as refusals: every
request that would change something is 4xx, and there are as many quads as before.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from manifests import CNT, HT, MF, RDFS, UT, Manifest, Node
from pyoxigraph import RdfFormat, parse

HERE = Path(__file__).resolve().parent
BASE = "http://www.w3.org/2009/sparql/docs/tests/data-sparql11/"
MANIFEST = Manifest((HERE / "protocol/manifest.ttl").read_bytes(), BASE + "protocol/manifest.ttl")
TESTS = {name: node for name, _, node in MANIFEST.tests()}
UPDATES = {name for name in TESTS if "update" in name}

RESULTS = {"application/sparql-results+json", "application/sparql-results+xml"}
TABLES = {*RESULTS, "text/csv", "text/tab-separated-values"}
COUNT = "SELECT (COUNT(*) AS ?n) { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"


@dataclass(frozen=True)
class Exchange:
    """A request of the manifest, and what it says about the answer (a boolean and a kind of format, or None)."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    statuses: tuple[str, ...]
    boolean: bool | None
    format: str | None

    @property
    def asks(self) -> bool:
        """Whether it is a query that follows an update to see what has become of it."""
        return self.headers.get("content-type") == "application/sparql-query" or "query=" in self.path

    def send(self, client: httpx.Client) -> httpx.Response:
        """Send the request as it stands in the manifest; our endpoint is where the manifest thinks it is."""
        return client.request(self.method, self.path, headers=self.headers, content=self.body)


def exchanges(test: Node) -> Iterator[Exchange]:
    """Yield the requests of a test."""
    for request in MANIFEST.members(test, MF + "action", HT + "requests"):
        fields = MANIFEST.members(request, HT + "headers")
        body = MANIFEST.text(request, HT + "body", CNT + "chars")
        encoding = MANIFEST.text(request, HT + "body", CNT + "characterEncoding")
        boolean = MANIFEST.text(request, HT + "resp", MF + "expectedBoolean")
        statuses = MANIFEST.values(request, HT + "resp", MF + "expectedStatus")
        yield Exchange(
            MANIFEST.text(request, HT + "methodName"),
            MANIFEST.text(request, HT + "absolutePath"),
            {MANIFEST.text(f, HT + "fieldName").lower(): MANIFEST.text(f, HT + "fieldValue") for f in fields},
            None if body is None else body.encode(encoding or "utf-8"),
            tuple(re.fullmatch(r".*#StatusCode(\d)xx", status.value)[1] for status in statuses),
            None if boolean is None else boolean == "true",
            MANIFEST.text(request, HT + "resp", MF + "expectedFormat"),
        )


def truth(answer: httpx.Response) -> bool:
    """Return the boolean of an ASK."""
    if answer.headers["content-type"] == "application/sparql-results+json":
        return answer.json()["boolean"]
    return ET.fromstring(answer.content).findtext("{http://www.w3.org/2005/sparql-results#}boolean") == "true"


@pytest.fixture(scope="session")
def client(serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server of the graphs that the manifest names, each from the file that it names."""
    lines = []
    for test in TESTS.values():
        for graph in MANIFEST.values(test, UT + "graphData"):
            file = MANIFEST.text(graph, UT + "graph").rpartition("/")[2]
            triples = (HERE / "protocol" / file).read_text(encoding="utf-8").rstrip().removesuffix(".")
            lines.append(f"{triples} <{MANIFEST.text(graph, RDFS + 'label')}> .\n")
    data = tmp_path_factory.mktemp("protocol") / "protocol.nq"
    data.write_text("".join(sorted(set(lines))), encoding="utf-8")
    with serve(data) as client:
        yield client


def quads(client: httpx.Client) -> str:
    """Return how many quads there are."""
    answer = client.get("/sparql", params={"query": COUNT})
    return answer.json()["results"]["bindings"][0]["n"]["value"]


def test_the_suite_is_whole() -> None:
    """All 34 tests are there, each with a request; 14 of them are about updates."""
    assert (len(TESTS), len(UPDATES)) == (34, 14)
    assert all(list(exchanges(test)) for test in TESTS.values())


@pytest.mark.parametrize("name", sorted(TESTS.keys() - UPDATES))
def test_the_protocol_of_queries(client: httpx.Client, name: str) -> None:
    """Status, format and boolean are those that the W3C expects."""
    for exchange in exchanges(TESTS[name]):
        answer = exchange.send(client)
        media_type = answer.headers["content-type"].partition(";")[0]

        assert str(answer.status_code)[0] in exchange.statuses
        if exchange.format == "RDF":
            list(parse(answer.content, format=RdfFormat.from_media_type(media_type)))  # fails where it is none
        elif exchange.format:
            assert media_type in (RESULTS if exchange.format == "boolean" else TABLES)
        if exchange.boolean is not None:
            assert truth(answer) is exchange.boolean


@pytest.mark.parametrize("name", sorted(UPDATES))
def test_updates_are_refused(client: httpx.Client, name: str) -> None:
    """Each update of the suite is 4xx, and nothing has changed after it."""
    before = quads(client)
    updates = [exchange for exchange in exchanges(TESTS[name]) if not exchange.asks]
    statuses = [exchange.send(client).status_code for exchange in updates]

    assert updates
    assert all(400 <= status < 500 for status in statuses)
    assert quads(client) == before == "3"


SD = "http://www.w3.org/ns/sparql-service-description#"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
# The properties of the vocabulary (SPARQL 1.1 Service Description, section 3): domain, range (empty where it is open).
SCHEMA = {
    "endpoint": ("Service", ""),
    "feature": ("Service", "Feature"),
    "defaultEntailmentRegime": ("Service", "EntailmentRegime"),
    "defaultSupportedEntailmentProfile": ("Service", "EntailmentProfile"),
    "extensionFunction": ("Service", "Function"),
    "extensionAggregate": ("Service", "Aggregate"),
    "languageExtension": ("Service", "Feature"),
    "supportedLanguage": ("Service", "Language"),
    "propertyFeature": ("Service", "Feature"),
    "defaultDataset": ("Service", "Dataset"),
    "availableGraphs": ("Service", "GraphCollection"),
    "resultFormat": ("Service", ""),
    "inputFormat": ("Service", ""),
    "defaultGraph": ("Dataset", "Graph"),
    "namedGraph": ("GraphCollection", "NamedGraph"),
    "name": ("NamedGraph", ""),
    "graph": ("NamedGraph", "Graph"),
    "entailmentRegime": ("NamedGraph", "EntailmentRegime"),
    "supportedEntailmentProfile": ("NamedGraph", "EntailmentProfile"),
}
WIDER = {"Dataset": {"GraphCollection"}}
# The vocabulary's own individuals, with their classes.
KNOWN = {
    **dict.fromkeys(("SPARQL10Query", "SPARQL11Query", "SPARQL11Update"), "Language"),
    **dict.fromkeys(
        ("DereferencesURIs", "UnionDefaultGraph", "RequiresDataset", "EmptyGraphs", "BasicFederatedQuery"), "Feature"
    ),
}


@pytest.fixture(params=["text/turtle", "application/n-triples", "application/rdf+xml"])
def description(request: pytest.FixtureRequest, client: httpx.Client) -> set[tuple[str, str, str]]:
    """The answer to GET without a query, in some RDF formats (test returns-rdf): subjects, predicates, objects."""
    answer = client.get("/sparql", headers={"Accept": request.param})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, request.param)
    format = RdfFormat.from_media_type(request.param)
    return {
        (quad.subject.value, quad.predicate.value, quad.object.value)
        for quad in parse(answer.content, format=format, base_iri=str(client.base_url.join("/sparql")))
    }


def test_the_suite_of_the_service_description_is_whole() -> None:
    """The three tests below are all that the W3C has."""
    manifest = Manifest((HERE / "service-description/manifest.ttl").read_bytes(), BASE + "service-description/")

    assert {name for name, _, _ in manifest.tests()} == {"returns-rdf", "has-endpoint-triple", "conforms-to-schema"}


def test_a_description_is_returned_and_names_the_endpoint(client: httpx.Client, description) -> None:
    """GET without a query returns RDF (returns-rdf) with the address that was asked (has-endpoint-triple)."""
    assert {o for _, p, o in description if p == SD + "endpoint"} == {str(client.base_url.join("/sparql"))}


def test_the_description_conforms_to_the_schema(description) -> None:
    """Every sd: property exists, on a subject and with a value of the right class (conforms-to-schema)."""
    classes: dict[str, set[str]] = {SD + name: {kind} for name, kind in KNOWN.items()}
    for subject, predicate, value in description:
        if predicate == TYPE and value.startswith(SD):
            kind = value.removeprefix(SD)
            classes.setdefault(subject, set()).update({kind} | WIDER.get(kind, set()))

    used = [(s, p.removeprefix(SD), o) for s, p, o in description if p.startswith(SD)]
    assert {"endpoint", "supportedLanguage", "resultFormat", "defaultDataset"} <= {word for _, word, _ in used}
    for subject, word, value in used:
        domain, range_ = SCHEMA[word]
        assert domain in classes[subject]
        assert not range_ or range_ in classes[value]
