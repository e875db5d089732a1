"""The SPARQL 1.1 protocol for queries, asked over HTTP."""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pytest
import rdflib
from SPARQLWrapper import GET, JSON, POST, POSTDIRECTLY, TURTLE, URLENCODED, SPARQLWrapper

# rdflib warns of itself; the answers are what is tested.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
JAPANESE = "ASK { <http://例え.jp/%E6%96%BD%E7%AD%96> ?p ?o }"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
WAYS = ("GET", "form", "direct", "QUERY")
ASK, SELECT, CONSTRUCT = "ASK {}", "SELECT * { ?s ?p ?o }", "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }"


def ask(site: httpx.Client, how: str, query: str, **options) -> httpx.Response:
    """Send a query in one of the three ways of the protocol, or by the method QUERY (draft of the HTTP group)."""
    if how == "GET":
        return site.get("/sparql", params={"query": query}, **options)
    if how == "form":
        return site.post("/sparql", data={"query": query}, **options)
    method = "QUERY" if how == "QUERY" else "POST"
    return site.request(method, "/sparql", content=query.encode(), headers={"Content-Type": QUERY}, **options)


@pytest.mark.parametrize("how", WAYS)
def test_every_way_of_asking(site: httpx.Client, how: str) -> None:
    """A query by GET, by form, as a body and by the method QUERY is answered alike, and JSON is the default."""
    answer = ask(site, how, COUNT)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/sparql-results+json"
    assert answer.json()["results"]["bindings"][0]["n"]["value"].isdecimal()


@pytest.mark.parametrize("how", WAYS)
def test_percent_encoded_japanese_iris_are_decoded_once(site: httpx.Client, how: str) -> None:
    """An IRI that holds percent signs and Japanese arrives unchanged by every way."""
    assert ask(site, how, JAPANESE).json()["boolean"] is True


def test_both_spellings_of_the_path_and_head(site: httpx.Client) -> None:
    """`/sparql/` answers like `/sparql`, and HEAD like GET without a body."""
    assert site.get("/sparql/", params={"query": ASK}).json()["boolean"] is True
    head = site.head("/sparql", params={"query": ASK})
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(("method", "request_method"), [(GET, URLENCODED), (POST, URLENCODED), (POST, POSTDIRECTLY)])
def test_sparqlwrapper_asks_all_kinds(site: httpx.Client, method: str, request_method: str) -> None:
    """SPARQLWrapper, as people use it in Python, gets a SELECT, a CONSTRUCT and an ASK."""

    def wrapper(query: str, format: str) -> SPARQLWrapper:
        client = SPARQLWrapper(f"{site.base_url}/sparql", returnFormat=format)
        client.setMethod(method)
        client.setRequestMethod(request_method)
        client.setQuery(query)
        return client

    rows = wrapper("SELECT ?t { ?m <http://purl.org/dc/terms/title> ?t }", JSON).queryAndConvert()
    with wrapper(CONSTRUCT, TURTLE).query().response as response:
        graph = rdflib.Graph().parse(data=response.read(), format="turtle")

    assert "申請手続の電子化" in [row["t"]["value"] for row in rows["results"]["bindings"]]
    assert len(graph) == int(site.get("/readyz").json()["triples"])
    assert wrapper(JAPANESE, JSON).queryAndConvert()["boolean"] is True


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    ("default", "named", "expected"),
    [
        ([], [], {"default", "one", "two"}),
        (["http://example.org/g1"], [], {"one"}),
        ([], ["http://example.org/g2"], {"two"}),
        (["http://example.org/g1", "http://example.org/g2"], [], {"one", "two"}),
        (["http://example.org/g1"], ["http://example.org/g2"], {"one", "two"}),
        (["http://example.org/none"], [], set()),
    ],
)
def test_the_dataset_of_the_request_is_honoured(
    data_site: httpx.Client, how: str, default: list[str], named: list[str], expected: set[str]
) -> None:
    """`default-graph-uri` and `named-graph-uri` choose the graphs, by whichever way the query comes."""
    query = "SELECT ?o { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    dataset = {"default-graph-uri": default, "named-graph-uri": named}
    if how == "form":
        answer = data_site.post("/sparql", data={"query": query, **dataset})
    elif how in ("direct", "QUERY"):
        method, headers = {"direct": "POST"}.get(how, how), {"Content-Type": QUERY}
        answer = data_site.request(method, "/sparql", params=dataset, content=query.encode(), headers=headers)
    else:
        answer = data_site.get("/sparql", params={"query": query, **dataset})

    assert {row["o"]["value"] for row in answer.json()["results"]["bindings"]} == expected


def test_the_dataset_of_the_request_wins_over_from(data_site: httpx.Client) -> None:
    """Where both name a dataset, the protocol's is taken (SPARQL 1.1 Protocol, 2.1.4)."""
    query = "SELECT ?o FROM <http://example.org/g2> { ?s ?p ?o }"
    dataset = {"default-graph-uri": "http://example.org/g1"}
    rows = data_site.get("/sparql", params={"query": query, **dataset}).json()["results"]["bindings"]

    assert [row["o"]["value"] for row in rows] == ["one"]


def test_the_default_graph_is_no_union(data_site: httpx.Client) -> None:
    """A plain query counts the default graph only: a triple in a named graph is not counted."""
    rows = data_site.get("/sparql", params={"query": COUNT}).json()["results"]["bindings"]

    assert rows[0]["n"]["value"] == "1"


REFUSED = {
    "syntax": ("GET", f"?query={quote('SELECT * {')}", None, b"", 400),
    "syntax in a body": ("POST", "", QUERY, b"ASK {", 400),
    "empty query": ("GET", "?query=", None, b"", 400),
    "two queries": ("GET", f"?query={quote(ASK)}&query={quote(ASK)}", None, b"", 400),
    "two queries in a form": ("POST", "", FORM, b"query=ASK+%7B%7D&query=ASK+%7B%7D", 400),
    "query in the address and as a body": ("POST", f"?query={quote(ASK)}", QUERY, b"ASK {}", 400),
    "query in the address and in the form": ("POST", f"?query={quote(ASK)}", FORM, b"query=ASK%7B%7D", 400),
    "no query in a form": ("POST", "", FORM, b"", 400),
    "another field in a form": ("POST", "", FORM, b"foo=bar", 400),
    "no UTF-8 in the address": ("GET", "?query=ASK%7B%22%FF%22%7D", None, b"", 400),
    "no UTF-8 in the form": ("POST", "", FORM, b"query=%FF", 400),
    "no UTF-8 in the body": ("POST", "", QUERY, b"ASK{}#\xff", 400),
    "UTF-16": ("POST", "", f"{QUERY}; charset=UTF-16", "ASK {}".encode("utf-16"), 400),
    "graph that is no IRI": ("GET", f"?query={quote(ASK)}&default-graph-uri=a%20b", None, b"", 400),
    "function that nobody defined": ("GET", f"?query={quote('ASK { ?s ?p ?o FILTER(<a:f>(?o)) }')}", None, b"", 400),
    "wrong media type": ("POST", "", "text/plain", b"ASK {}", 415),
    "no media type": ("POST", "", None, b"ASK {}", 415),
    "update in a form": ("POST", "", FORM, b"update=DROP+ALL", 403),
    "update in the address": ("GET", "?update=DROP+ALL", None, b"", 403),
    "update as a body": ("POST", "", "application/sparql-update", b"DROP ALL", 403),
    "update sent as a query": ("POST", "", QUERY, b"PREFIX a: <http://a/> insert data { a:a a:a a:a }", 400),
    "update in the place of a query": ("GET", f"?query={quote('CLEAR ALL')}", None, b"", 400),
    "update in the place of a query of a form": ("POST", "", FORM, b"query=CLEAR+ALL", 400),
    "QUERY with an update": ("QUERY", "", QUERY, b"CLEAR ALL", 400),
    "QUERY with a form": ("QUERY", "", FORM, b"query=ASK%7B%7D", 415),
    "QUERY with no media type": ("QUERY", "", None, b"ASK {}", 400),
    "QUERY with a query in the address, too": ("QUERY", f"?query={quote(ASK)}", QUERY, b"ASK {}", 400),
    "PUT": ("PUT", "", QUERY, b"ASK {}", 405),
    "DELETE": ("DELETE", "", None, b"", 405),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_problem_documents(site: httpx.Client, case: str) -> None:
    """What cannot be answered gets the status that says why, as application/problem+json, readable from any site."""
    method, parameters, content_type, body, status = REFUSED[case]
    headers = {"Content-Type": content_type} if content_type else {}
    answer = site.request(method, f"/sparql{parameters}", headers=headers, content=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    assert answer.headers["access-control-allow-origin"] == "*"
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, POST, QUERY, OPTIONS"


ANSWERED = {
    "plus is a space": ("GET", "?query=ASK+%7B%7D", None, b""),
    "form with a charset": ("POST", "", f"{FORM}; charset=UTF-8", b"query=ASK+%7B%7D"),
    "body with a charset": ("POST", "", f"{QUERY}; charset=UTF-8", b"ASK {}"),
    "body with a charset in quotes": ("POST", "", f'{QUERY.upper()}; charset="utf-8"', b"ASK {}"),
    "body with a byte order mark": ("POST", "", QUERY, b"\xef\xbb\xbfASK {}"),
    "other parameters beside": ("GET", "?a=b&query=ASK+%7B%7D&c", None, b""),
}


@pytest.mark.parametrize("case", ANSWERED)
def test_what_is_fair_is_answered(site: httpx.Client, case: str) -> None:
    """What clients send in good faith is a query like any other."""
    method, parameters, content_type, body = ANSWERED[case]
    headers = {"Content-Type": content_type} if content_type else {}
    answer = site.request(method, f"/sparql{parameters}", headers=headers, content=body)

    assert (answer.status_code, answer.json()["boolean"]) == (200, True)


@pytest.mark.parametrize("how", WAYS)
def test_an_update_in_the_place_of_a_query_is_told_what_it_is(site: httpx.Client, how: str) -> None:
    """The sentence says that the text is an update, and that nothing is changed here."""
    assert "update" in ask(site, how, "INSERT DATA { <a:a> <a:a> 1 }").json()["detail"]


def test_relative_iris_are_ours(site: httpx.Client) -> None:
    """`<id/…>` and `<def#…>` in a query are names under the canonical base, unless the query sets a BASE itself."""
    query = "ASK { <id/organization/mic> ?p ?label . ?m <def#leadOrganization> <id/organization/mic> }"

    assert ask(site, "GET", query).json()["boolean"] is True
    assert ask(site, "GET", f"BASE <http://example.org/> {query}").json()["boolean"] is False


def test_a_syntax_error_says_where(site: httpx.Client) -> None:
    """The engine's message, with line and column, reaches the researcher."""
    assert "2:" in ask(site, "form", "SELECT *\n{ ?s ?p").json()["detail"]


def test_the_graph_does_not_change(site: httpx.Client) -> None:
    """After every refused update there are as many triples as before."""
    for how in WAYS:
        ask(site, how, "DROP ALL")
    site.post("/sparql", data={"update": "DROP ALL"})

    assert ask(site, "GET", COUNT).json()["results"]["bindings"][0]["n"]["value"] == str(
        site.get("/readyz").json()["triples"]
    )


def test_browsers_of_other_sites_may_ask(site: httpx.Client) -> None:
    """A preflight allows POST with a content type, and answers carry the CORS header."""
    preflight = site.options(
        "/sparql", headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    )

    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == "*"
    assert ask(site, "GET", ASK).headers["access-control-allow-origin"] == "*"


def test_a_slow_query_does_not_stop_the_others(site: httpx.Client) -> None:
    """While one query computes, the server answers others: the engine runs in a thread."""
    values = " ".join(map(str, range(1000)))
    slow = f"SELECT (COUNT(*) AS ?n) {{ VALUES ?a {{ {values} }} VALUES ?b {{ {values} }} VALUES ?c {{ 1 2 3 }} }}"
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(site.post, "/sparql", data={"query": slow})
        time.sleep(0.1)
        answered = [ask(site, "GET", ASK).json()["boolean"], waiting.done()]

        assert answered == [True, False]
        assert waiting.result().json()["results"]["bindings"][0]["n"]["value"] == "3000000"


@pytest.mark.parametrize("format", ["turtle", "nt", "json-ld", "xml"])
@pytest.mark.parametrize("path", ["/sparql", "/sparql/"])
def test_without_a_query_programs_get_the_service_description(site: httpx.Client, path: str, format: str) -> None:
    """The description parses in four formats and names the endpoint by an absolute address of the client."""
    media_type = {"turtle": "text/turtle", "nt": "application/n-triples", "json-ld": "application/ld+json"}
    answer = site.get(path, headers={"Accept": media_type.get(format, "application/rdf+xml")})
    graph = rdflib.Graph().parse(io.BytesIO(answer.content), format=format, publicID=f"{site.base_url}{path}")
    sd = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")

    assert list(graph.objects(None, sd.endpoint)) == [rdflib.URIRef(f"{site.base_url}/sparql")]
    assert rdflib.URIRef("http://www.w3.org/ns/formats/N-Triples") in set(graph.objects(None, sd.resultFormat))
    assert not list(graph.objects(None, sd.feature))


def test_without_a_query_a_browser_gets_the_editor(site: httpx.Client) -> None:
    """A browser sees a form with a text area; a program that sends */* does not."""
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = site.get("/sparql", headers={"Accept": accept})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<textarea" in page.text
    assert "measures-by-lead-organization" not in site.get("/sparql").text
    assert "?stored=measures-by-lead-organization" in page.text
