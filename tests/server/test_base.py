"""`kg serve --base`: one base in queries, answers, pages and descriptions; what is downloaded stays as it is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag

import httpx
import pytest
from pyoxigraph import Literal, NamedNode, Triple

from kg.core.release import Release
from kg.core.sparql_scanner import calls_service

from ..support.based import CANONICAL, TURTLE, base, rows, served, triples
from ..support.commands import kg, kg_process

MEASURE = "id/municipal-2019/measure/08-03"
# The only literals that change: a name, or a query with names in it, which their property wants as text.
NAMES_AS_TEXT = {
    "http://rdfs.org/ns/void#uriSpace",
    "http://purl.org/vocab/vann/preferredNamespaceUri",
    *(f"http://www.w3.org/ns/shacl#{name}" for name in ("namespace", "select", "ask", "construct")),
}


@pytest.fixture(scope="session")
def rebased(real: Release) -> Iterator[httpx.Client]:
    """A client of a server of the real release, with its own address as base."""
    with served("--out", real.folder.parents[1]) as client:
        yield client


def in_names_of(site: httpx.Client, text: str) -> str:
    """What a server calls the thing with this canonical name."""
    return base(site) + text.removeprefix(CANONICAL) if text.startswith(CANONICAL) else text


def renamed(site: httpx.Client, triple: Triple) -> Triple:
    """What a server is to say where a file says this."""
    subject, predicate, value = (
        NamedNode(in_names_of(site, term.value)) if isinstance(term, NamedNode) else term for term in triple
    )
    if isinstance(value, Literal) and predicate.value in NAMES_AS_TEXT:
        text = in_names_of(site, value.value.replace(f"<{CANONICAL}", f"<{base(site)}"))
        value = Literal(text, datatype=value.datatype)
    return Triple(subject, predicate, value)


def test_every_statement_has_the_names_of_the_base(rebased: httpx.Client, real_site: httpx.Client) -> None:
    """All graphs of the endpoint hold what they hold canonically, each IRI renamed, each literal as it was."""
    for pattern in ("?s ?p ?o", "GRAPH ?g { ?s ?p ?o }"):
        query = {"query": f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {pattern} }}"}
        canonical, there = (triples(site.get("/sparql", params=query)) for site in (real_site, rebased))

        assert there == {renamed(rebased, triple) for triple in canonical}
        assert not [term for triple in there for term in triple if CANONICAL in str(term)]
    graphs = "SELECT DISTINCT ?g { GRAPH ?g {} }"
    named = {in_names_of(rebased, dict(row["g"])["value"]) for row in rows(real_site, graphs)}
    assert {dict(row["g"])["value"] for row in rows(rebased, graphs)} == named


def test_a_relative_name_is_one_under_the_base(rebased: httpx.Client) -> None:
    """<id/organization/mic> and its full name under the base are the ministry; its canonical name is unknown here."""
    asked = [
        rebased.get("/sparql", params={"query": f"ASK {{ ?measure <{start}def#leadOrganization> <{start}{thing}> }}"})
        for start in ("", base(rebased), CANONICAL)
        for thing in ("id/organization/mic",)
    ]

    assert [answer.json()["boolean"] for answer in asked] == [True, True, False]


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_stored_queries_find_what_they_find_canonically(
    rebased: httpx.Client, real_site: httpx.Client, step: int
) -> None:
    """Each stored query, as the server shows it, has the same rows with the names of the base in them."""
    found = rebased.get("/queries", headers={"Accept": "application/json"}).json()
    names = [query["name"] for query in found[::step]]
    for name in names:
        texts = [site.get(f"/queries/{name}").raise_for_status().text for site in (real_site, rebased)]
        assert f"<{CANONICAL}" not in texts[1], name
        if calls_service(texts[0]):  # asked with a second endpoint in tests/docs
            continue
        if "CONSTRUCT" in texts[0]:
            canonical, there = (
                triples(site.get("/sparql", params={"query": text}, headers=TURTLE))
                for site, text in zip((real_site, rebased), texts, strict=True)
            )
            assert there == {renamed(rebased, triple) for triple in canonical}, name
        else:
            canonical, there = (rows(site, text) for site, text in zip((real_site, rebased), texts, strict=True))
            wanted = [str(row).replace(f"'{CANONICAL}", f"'{base(rebased)}") for row in canonical]
            assert sorted(map(str, there)) == sorted(wanted), name  # other names sort otherwise
    assert len(found) > 30


def test_a_stored_query_is_asked_of_an_endpoint_with_a_base(rebased: httpx.Client) -> None:
    """`kg query NAME --endpoint URL --base IRI` has the names of that endpoint; a base that is none is refused."""
    asked = ["query", "measures-by-pillar", "--format", "json"]
    there = [*asked, "--endpoint", f"{rebased.base_url}sparql", "--base"]

    answer = kg_process(*there, base(rebased)).stdout

    text = rebased.get("/queries/measures-by-pillar").text
    assert json.loads(answer)["results"] == rebased.get("/sparql", params={"query": text}).json()["results"]
    assert json.loads(answer)["results"]["bindings"]
    wrong = kg(*there, "example.org")
    assert (wrong.exit_code, "not a base IRI" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("name", [MEASURE, "id/organization/mic", "def#Measure", "void", "catalog#catalog"])
def test_names_lead_to_documents_about_them(rebased: httpx.Client, name: str) -> None:
    """A client that only follows names gets from each to a document, which has it as its subject or its topic.

    From there every name under the base leads on, each by one redirect at most.
    """
    answer = rebased.get(base(rebased) + name, headers=TURTLE)
    stated = triples(answer)
    names = {term.value for triple in stated for term in triple if isinstance(term, NamedNode)}
    if name.startswith("id/"):
        assert NamedNode(base(rebased) + name) in {triple.subject for triple in stated}
        assert f'<{base(rebased)}{name}>; rel="cite-as"' in answer.headers["link"]
    assert not [iri for iri in names if iri.startswith(CANONICAL)]
    documents = sorted({urldefrag(iri).url for iri in names if iri.startswith(base(rebased))})
    assert documents
    for document in documents[:150]:
        there = rebased.head(document, headers=TURTLE)
        assert (there.status_code, document) == (200, document)
        assert [step.status_code for step in there.history] in ([], [303]), document


def test_the_published_documents_have_these_names_too(rebased: httpx.Client, real: Release) -> None:
    """Ontology and examples say in the names of the base what their files say, also where they write one as text."""
    for path, file in (("def", "ontology.ttl"), (".well-known/sparql-examples", "queries.ttl")):
        expected = {renamed(rebased, triple) for triple in triples(real.path(file))}
        assert triples(rebased.get(f"/{path}", headers=TURTLE)) == expected


def _but_address(text: str) -> str:
    """Return a page without what tells search engines its address: only a server with a base knows that."""
    return re.sub(r'<(?:link rel="(?:canonical|alternate)"|meta property="og:url").*\n', "", text)


def test_the_pages_are_the_canonical_ones_with_other_names(rebased: httpx.Client, real_site: httpx.Client) -> None:
    """Each page says what it says canonically, labels and order as well; only the names in it are those of the base."""
    for path in ("", "sparql", "queries", MEASURE.replace("id/", "doc/"), "def", "catalog", "shapes"):
        canonical, there = (site.get(f"/{path}", headers={"Accept": "text/html"}).text for site in (real_site, rebased))
        for written in (str, lambda name: quote(name, safe="/")):  # as text, and within an address
            canonical = canonical.replace(written(CANONICAL), written(base(rebased)))
        assert base(rebased).rstrip("/") in unquote(there), path
        assert _but_address(there) == _but_address(canonical), path


def test_search_engines_get_whole_addresses(rebased: httpx.Client) -> None:
    """A site that knows its own address has a sitemap: each page of a thing in both languages, and each is there."""
    robots, index = rebased.get("/robots.txt").text, rebased.get("/sitemap.xml").text
    part = rebased.get("/sitemap-1.xml")
    listed = re.findall(r"<loc>([^<]*)</loc>", part.text)

    assert f"Sitemap: {base(rebased)}sitemap.xml" in robots.splitlines()
    assert re.findall(r"<loc>([^<]*)</loc>", index) == [f"{base(rebased)}sitemap-1.xml"]
    assert part.headers["content-type"] == "application/xml"
    assert f"{base(rebased)}doc/municipal-2019/measure/08-03?lang=en" in listed
    assert len(listed) == len(set(listed)) > 1000 and all(address.startswith(base(rebased)) for address in listed)
    for address in listed[::150]:
        assert rebased.get(address, headers={"Accept": "text/html"}).status_code == 200
    assert rebased.get("/sitemap-2.xml").status_code == 404


def test_the_descriptions_agree(rebased: httpx.Client) -> None:
    """VoID, service description and catalogue name one endpoint, one dataset and one space of names; its files are
    where it says."""
    start, said = base(rebased), {}
    for path in ("void", "catalog", "sparql"):
        for line in rebased.get(f"/{path}", headers={"Accept": "application/n-triples"}).text.splitlines():
            predicate, value = line.split(" ", 2)[1:]
            said.setdefault(re.split("[#/]", predicate)[-1].strip(">"), set()).add(
                value.removesuffix(" .").strip('<">')
            )

    endpoint = {f"{start}sparql"}
    assert said["endpoint"] == said["sparqlEndpoint"] == endpoint
    assert said["endpointURL"] == {*endpoint, f"{start}release/2019.1.0/sparql"}  # that of the release for ever
    assert f"{start}id/" in said["uriSpace"]  # beside the spaces of the data sets that are linked to
    assert not [space for space in said["uriSpace"] if space.startswith(CANONICAL)]
    assert said["dataDump"] and said["downloadURL"] >= said["dataDump"]
    for address in said["downloadURL"]:
        assert (rebased.head(address).status_code, address) == (200, address)


@pytest.mark.exhaustive
def test_a_server_without_a_release_makes_the_canonical_one(real: Release, tmp_path: Path) -> None:
    """With a base of its own or not, what a server finds no release of, it makes: the same bytes as any build."""
    with served("--out", tmp_path) as client:
        test_downloads_are_the_canonical_ones(client, real)


def test_downloads_are_the_canonical_ones(rebased: httpx.Client, real: Release) -> None:
    """Every file of the release that the server offers has the same bytes as in a build without a base."""
    manifest = rebased.get("/release/latest/", headers={"Accept": "application/json"}).json()
    assert manifest == real.manifest()
    for file in (*real.files, "SHA256SUMS"):
        name = file if isinstance(file, str) else file.name
        raw = rebased.get(f"/release/latest/{name}", headers={"Accept-Encoding": "identity"})
        assert (raw.content == real.path(name).read_bytes(), name) == (True, name)


def test_a_canonical_name_can_be_looked_up(rebased: httpx.Client) -> None:
    """Who comes with a canonical name, from a dump or a citation, is led to the thing that bears another name here."""
    for start in (CANONICAL, base(rebased)):
        answer = rebased.get("/lookup", params={"iri": start + MEASURE}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"./doc/{MEASURE.removeprefix('id/')}")
        assert answer.headers["link"] == f'<{base(rebased)}{MEASURE}>; rel="cite-as"'


def test_reconciliation_speaks_of_the_names_of_the_base(rebased: httpx.Client) -> None:
    """Identifiers are those of every other host, in an identifier space of the base; so are the addresses."""
    manifest = rebased.get("reconcile").json()
    assert (manifest["identifierSpace"], manifest["view"]["url"]) == (
        f"{base(rebased)}id/",
        f"{base(rebased)}id/{{{{id}}}}",
    )
    texts = ["総務省", f"{base(rebased)}id/organization/mic", f"{CANONICAL}id/organization/mic"]
    queries = {text: {"query": text, "type": "org:FormalOrganization"} for text in texts}
    found = rebased.post("reconcile", data={"queries": json.dumps(queries)}).json()
    assert [found[text]["result"][0]["id"] for text in texts] == ["organization/mic"] * 3
    extended = {"ids": ["municipal-2019/measure/08-03"], "properties": [{"id": "shisaku:leadOrganization"}]}
    rows = rebased.post("reconcile", data={"extend": json.dumps(extended)}).json()["rows"]
    assert rows[extended["ids"][0]]["shisaku:leadOrganization"] == [{"id": "organization/mic", "name": "総務省"}]


def test_what_is_found_has_the_names_of_the_base(rebased: httpx.Client) -> None:
    """Hits, their documents and the values of facets are named under the base; a filter goes by such a name, too."""
    found = rebased.get("/search", params={"q": "防災", "lead": f"{base(rebased)}id/organization/mic"}).json()
    short = rebased.get("/search", params={"q": "防災", "lead": "mic"}).json()

    assert [hit["iri"] for hit in found["hits"]] == [hit["iri"] for hit in short["hits"]] != []
    assert all(hit["iri"].startswith(f"{base(rebased)}id/") for hit in found["hits"])
    assert CANONICAL not in json.dumps(found)
    assert rebased.get(found["hits"][0]["iri"], headers=TURTLE).status_code == 200
