"""What a release publishes beside its things: ontology, shapes, catalogue, VoID, examples, and its own description."""

import base64
import hashlib
import json
import re
from urllib.parse import urljoin

import httpx
import pytest
import rdflib

from kg.core.paths import project_folders
from kg.core.release import CATALOGUE_GRAPH, Release

from .test_documents import Page

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

BASE = "https://w3id.org/shisaku/"
BROWSER = {"Accept": "text/html"}
FORMS = {"ttl": "turtle", "nt": "nt", "jsonld": "json-ld", "rdf": "xml"}
SD = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
DOCUMENTS = {
    "def": f"{BASE}def#Measure",
    "def/alignments": f"{BASE}def/alignments",
    "shapes": f"{BASE}shapes#Measure",
    "catalog": f"{BASE}catalog#catalog",
    "void": f"{BASE}sparql#service",
    "queries": f"{BASE}id/query/measures-by-pillar",
    ".well-known/sparql-examples": f"{BASE}id/query/measures-by-pillar",
    "sparql/.well-known/sparql-examples": f"{BASE}id/query/measures-by-pillar",
}
OFTEN = ("def/alignments", "catalog", "queries")  # small ones, asked every day


@pytest.mark.parametrize(
    "path",
    [path if path in OFTEN else pytest.param(path, marks=pytest.mark.exhaustive) for path in DOCUMENTS],
)
def test_each_document_comes_in_every_form(real_site: httpx.Client, path: str) -> None:
    """rdflib reads each form; all describe the same thing and have the same number of statements."""
    answers = {form: real_site.get(f"/{path}.{form}") for form in FORMS}
    graphs = [rdflib.Graph().parse(data=answers[form].content, format=FORMS[form]) for form in FORMS]

    assert {answer.status_code for answer in answers.values()} == {200}
    assert all((rdflib.URIRef(DOCUMENTS[path]), None, None) in graph for graph in graphs)
    assert len({len(graph) for graph in graphs}) == 1
    if path != "queries":  # its address has the list for people and programs
        negotiated = real_site.get(f"/{path}", headers={"Accept": "application/n-triples"})
        assert negotiated.content == answers["nt"].content
        assert urljoin(f"/{path}", negotiated.headers["content-location"]) == f"/{path}.nt"


@pytest.mark.parametrize("form", FORMS)
def test_the_catalogue_keeps_the_datatypes_of_its_file(real: Release, real_site: httpx.Client, form: str) -> None:
    """Each statement of /catalog stands in the release's own description in the same words, sizes of files included."""
    served = rdflib.Graph().parse(data=real_site.get(f"/catalog.{form}").content, format=FORMS[form])
    filed = rdflib.Dataset().parse(real.folder / "graph.trig", format="trig")
    sizes = {size.datatype for size in served.objects(None, rdflib.URIRef("http://www.w3.org/ns/dcat#byteSize"))}

    assert sizes == {rdflib.XSD.nonNegativeInteger}
    assert set(served) == set(filed.graph(rdflib.URIRef(CATALOGUE_GRAPH)))


def test_the_ontology_is_sent_as_it_was_laid(real_site: httpx.Client) -> None:
    """Turtle with its comments and its order; the name of its version leads to it, that of another does not."""
    text = (project_folders().ontology / "shisaku.ttl").read_bytes()

    assert real_site.get("/def").content == text
    version = re.search(rb"owl:versionIRI <https://w3id.org/shisaku/def/([^>]*)>", text)
    assert version
    assert real_site.get(f"/def/{version[1].decode()}").headers["location"] == "../def"
    assert real_site.get("/def/0.0.1").status_code == 404


@pytest.mark.parametrize("path", ["def", "shapes", "catalog"])
def test_a_page_has_an_anchor_for_each_thing(real_site: httpx.Client, path: str) -> None:
    """A hash IRI finds its place on the page; every link to a place on the page finds one."""
    page = Page(real_site.get(f"/{path}?lang=en", headers=BROWSER).text)
    local = {link.removeprefix("#") for link in page.links if link.startswith("#")}

    assert DOCUMENTS[path].partition("#")[2] in page.anchors
    assert local and local <= page.anchors
    assert not [link for link in page.links if link.startswith("/")]


def test_void_is_found_where_checkers_look(real_site: httpx.Client) -> None:
    """`/.well-known/void` leads to VoID, `/void.ttl` is it; it names the dataset with its partitions and dumps."""
    found = real_site.get("/.well-known/void", headers={"Accept": "text/turtle"}, follow_redirects=True)
    graph = rdflib.Graph().parse(data=found.content, format="turtle")

    assert real_site.get("/.well-known/void").headers["location"] == "../void"
    assert real_site.get("/void.ttl").content == found.content
    assert list(graph.objects(None, rdflib.VOID.classPartition)) and list(graph.objects(None, rdflib.VOID.dataDump))


@pytest.mark.parametrize("form", ["text/turtle", "application/n-triples"])
def test_the_service_description_names_endpoint_and_graphs(real_site: httpx.Client, form: str) -> None:
    """The endpoint is the one that was asked; each named graph is listed and can be asked; VoID tells of the other."""
    url = f"{real_site.base_url}/sparql"
    body = real_site.get("/sparql", headers={"Accept": form}).text
    graph = rdflib.Graph().parse(data=body, format=form, publicID=url)
    (service,) = graph.subjects(rdflib.RDF.type, SD.Service)
    (default,) = graph.objects(None, SD.defaultGraph)
    named = {str(name) for name in graph.objects(None, SD.name)}

    assert str(graph.value(service, SD.endpoint)) == url
    assert named == {f"{BASE}catalog", f"{BASE}void", f"{BASE}validation"}
    for name in named:
        query = f"ASK {{ GRAPH <{name}> {{ ?s ?p ?o }} }}"
        assert real_site.get("/sparql", params={"query": query}).json()["boolean"] is True
    query = f"ASK {{ GRAPH <{BASE}void> {{ <{default}> <{rdflib.VOID.classPartition}> ?part }} }}"
    assert real_site.get("/sparql", params={"query": query}).json()["boolean"] is True


def test_the_service_description_can_be_asked(real_site: httpx.Client) -> None:
    """The same statements under the canonical name of the endpoint stand in the VoID graph, and count nowhere."""
    query = f"SELECT ?p ?o {{ GRAPH <{BASE}void> {{ <{BASE}sparql#service> ?p ?o }} }}"
    rows = real_site.get("/sparql", params={"query": query}).json()["results"]["bindings"]
    said = {(row["p"]["value"], row["o"]["value"]) for row in rows}
    count = real_site.get("/sparql", params={"query": f"ASK {{ <{BASE}sparql#service> ?p ?o }}"}).json()["boolean"]

    assert (str(SD.endpoint), f"{BASE}sparql") in said
    assert (str(SD.resultFormat), "http://www.w3.org/ns/formats/N-Triples") in said
    assert count is False


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_first_page_describes_the_dataset(real_site: httpx.Client, real: Release, lang: str) -> None:
    """One schema.org Dataset as JSON-LD, allowed by its hash; each file of it is at its address."""
    answer = real_site.get("/", params={"lang": lang})
    ((kind, text),) = re.findall(r'<script type="([^"]*)">(.*?)</script>', answer.text, flags=re.DOTALL)
    dataset = json.loads(text)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert kind == "application/ld+json"
    assert f"script-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert (dataset["@type"], dataset["version"]) == ("Dataset", real.version)
    assert len(dataset["description"]) >= 50 and dataset["name"] and dataset["license"] and dataset["creator"]
    assert bool(re.search("[ぁ-ん]", dataset["description"])) == (lang == "ja")
    assert len(dataset["distribution"]) > 20
    for file in dataset["distribution"]:
        found = real_site.head(urljoin("/", file["contentUrl"]))
        assert found.status_code == 200
        assert found.headers["content-type"].partition(";")[0] == file["encodingFormat"]
