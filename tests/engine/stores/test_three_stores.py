"""The same release in memory, in an Oxigraph and in a Virtuoso: every stored query and every page says the same."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pyoxigraph import Literal, QueryResultsFormat, RdfFormat, parse, parse_query_results

from kg.core.errors import StoreError
from kg.core.paths import project_folders
from kg.core.release import VALIDATION_GRAPH, VOID_GRAPH, Release
from kg.core.sparql_scanner import calls_service
from kg.core.stored_queries import read_queries
from kg.engine.data_source import Limits
from kg.engine.remote_backend import ReleaseWatcher
from kg.engine.remote_publisher import RemotePublisher
from kg.engine.remote_release import STATUS_GRAPH, SWITCHING, StoreAddress
from kg.engine.store_client import StoreClient, Virtuoso
from kg.server.app import app

from ...support.published import publish, write
from ...support.stores import Running, oxigraph, virtuoso

pytestmark = pytest.mark.exhaustive
# The real release has one edition and no local plan: these find nothing in it, in any store.
NOTHING_YET = (
    "measures-cited-by-local-plans",
    "measures-that-continue-earlier-ones",
    "national-support-behind-a-plan",
    "revisions-to-check",
)

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
QUERIES = {query.name: query.text for query in read_queries(project_folders().queries) if not calls_service(query.text)}
ENGINES = ("oxigraph", "virtuoso")
ENGINE = Virtuoso()
ID = "doc/municipal-2019/measure/"
PAGES = (
    "",
    f"{ID}01-05",
    f"{ID}01-05.ttl",
    f"{ID}08-03?lang=en",
    "doc/organization/mic",
    "doc/edition/municipal-2019",
    "browse?lead=mic&sort=due",
    "search?q=防災",
    "queries/joint-measures-of-ministries",
    "void.nt",
    "validation",
    "def",
    "reconcile",
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, real: Release) -> Iterator[dict[str, Running]]:
    """Both stores, each with the real release."""
    folders = [tmp_path_factory.mktemp(engine) for engine in ENGINES]
    with pytest.MonkeyPatch.context() as patch, oxigraph(folders[0]) as one, virtuoso(folders[1]) as two:
        two.as_user(patch)
        for store in (one, two):
            publish(store.url, real)
        yield {"oxigraph": one, "virtuoso": two}


@pytest.fixture(scope="module")
def sites(stores: dict[str, Running], real: Release, start: Start) -> Iterator[dict[str, httpx.Client]]:
    """A client of a server for each store."""
    out = real.folder.parents[1]
    with start(served(stores["oxigraph"].url, out)) as one, start(served(stores["virtuoso"].url, out)) as two:
        yield {"oxigraph": one, "virtuoso": two}


def served(url: str, out: Path, seconds: float = 30) -> FastAPI:
    """Return the application that serves what a store holds."""
    with ReleaseWatcher(StoreAddress(url), out) as watch:
        return app(watch.current(), project_folders().queries, out, Limits.of(4, seconds=seconds))


def statements(client: httpx.Client, query: str) -> Counter[tuple[str, ...]]:
    """Return how often each row or triple is in an answer; of texts that are joined, the order is left to an engine."""
    if "CONSTRUCT" in query:
        answer = client.post("/sparql", data={"query": query, "format": "nt"})
        assert answer.status_code == 200, answer.text
        return Counter((str(quad.triple),) for quad in parse(answer.content, format=RdfFormat.N_TRIPLES))
    answer = client.post("/sparql", data={"query": query, "format": "json"})
    assert answer.status_code == 200, answer.text
    rows = parse_query_results(answer.content, QueryResultsFormat.JSON)
    return Counter(tuple(plain(row[variable]) for variable in rows.variables) for row in rows)


def plain(term: object) -> str:
    """Return a term as a text, with what is joined in it in order."""
    return "|".join(sorted(term.value.split("|"))) if isinstance(term, Literal) and "|" in term.value else str(term)


def shown(client: httpx.Client, path: str) -> tuple[int, list[str]]:
    """Return status and lines of a page, in order: what has no order in a question may come in any."""
    answer = client.get(f"/{path}", headers={"Accept-Language": "ja", "Accept": "text/html, */*;q=0.1"})
    return answer.status_code, sorted(re.sub(r"127.0.0.1:\d+", "HERE", answer.text).split("\n"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", QUERIES)
def test_a_stored_query_is_answered_alike(
    sites: dict[str, httpx.Client], real_site: httpx.Client, engine: str, name: str
) -> None:
    """The same rows or triples, with the same types and languages, as the embedded engine finds."""
    mine = statements(real_site, QUERIES[name])

    assert bool(mine) != (name in NOTHING_YET)
    assert statements(sites[engine], QUERIES[name]) == mine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_the_same(sites: dict[str, httpx.Client], real_site: httpx.Client, engine: str, path: str) -> None:
    """Pages, documents, catalogue, search and the manifest for OpenRefine do not depend on where the data are."""
    mine = shown(real_site, path)

    assert mine[0] == 200
    assert shown(sites[engine], path) == mine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
        "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g",
        f"SELECT (COUNT(*) AS ?n) FROM <{VOID_GRAPH}> FROM NAMED <{VALIDATION_GRAPH}> {{ ?s ?p ?o }}",
        f"SELECT (COUNT(*) AS ?n) FROM <{VOID_GRAPH}> FROM NAMED <{VALIDATION_GRAPH}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        f"SELECT (COUNT(*) AS ?n) FROM NAMED <{VOID_GRAPH}> {{ ?s ?p ?o }}",
        "SELECT ?yes { VALUES ?yes { true false } }",
        "SELECT (2.50 AS ?x) (1.0/4 AS ?y) (STRLEN('総務省') AS ?z) { }",
        "SELECT ?part { VALUES ?t { <id/municipal-2019/measure/01-05> } ?t <def#kpi>*/<def#target>? ?part }",
        "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }",
    ],
)
def test_what_engines_do_differently_is_made_alike(
    sites: dict[str, httpx.Client], real_site: httpx.Client, engine: str, query: str
) -> None:
    """Default graph, datasets, truth values, numbers, paths and the whole graph: the adapters see to it."""
    assert statements(sites[engine], query) == statements(real_site, query)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("format", ["json", "xml", "csv", "tsv"])
@pytest.mark.parametrize(
    "query",
    [
        "ASK { <id/organization/mic> ?p ?o }",
        "ASK { <id/organization/nobody> ?p ?o }",
        "ASK { }",
        "SELECT * { }",
        "SELECT * { FILTER(false) }",
        "SELECT * { VALUES ?b { 2 } VALUES ?a { 1 } }",
        "SELECT ?o ?s { VALUES ?p { <http://purl.org/dc/terms/title> } ?s ?p ?o } ORDER BY ?s ?o LIMIT 50",
        "SELECT ?nothing ?s { ?s a <def#Measure> } ORDER BY ?s",
    ],
)
def test_a_body_is_the_same(
    sites: dict[str, httpx.Client], real_site: httpx.Client, engine: str, query: str, format: str
) -> None:
    """Byte for byte: the truth values, the columns and their order, and rows where these have one."""
    mine, other = (site.post("/sparql", data={"query": query, "format": format}) for site in (real_site, sites[engine]))

    assert (other.status_code, other.content) == (mine.status_code, mine.content) and mine.status_code == 200


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("query", ["ASK { ?s ?p ?o }", "ASK { <x:x> ?p ?o }", "SELECT * { }"])
def test_the_page_of_an_answer_is_the_same(
    sites: dict[str, httpx.Client], real_site: httpx.Client, engine: str, query: str
) -> None:
    """A person sees yes or no, not a row of a variable that nobody has asked for."""
    pages = [
        site.get("/sparql", params={"query": query}, headers={"Accept": "text/html", "Accept-Language": "en"})
        for site in (real_site, sites[engine])
    ]
    texts = [re.sub(r"127.0.0.1:\d+|\d+(\.\d+)? ?(ms|s|seconds)\b", "HERE", page.text) for page in pages]

    assert [page.status_code for page in pages] == [200, 200]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_without_end_is_ended_and_told(
    stores: dict[str, Running], real: Release, start: Start, engine: str
) -> None:
    """At the limit of time an error comes, never the rows that were there by then; the next question is answered."""
    endless = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(?c != ?f && ?f != ?i) }"
    with start(served(stores[engine].url, real.folder.parents[1], seconds=2)) as client:
        late = client.post("/sparql", data={"query": endless})
        there = client.post("/sparql", data={"query": "ASK { ?s ?p ?o }"})

    assert late.status_code == 504 and "has not answered" in late.json()["detail"]
    assert there.status_code == 200


@pytest.mark.parametrize("engine", ENGINES)
def test_a_store_that_reaches_its_limit_while_it_writes_rows_is_late(
    stores: dict[str, Running], real: Release, start: Start, engine: str
) -> None:
    """The limit may come before the rows, among them or never: it is told as 504, not as a failure or a refusal."""
    many = "SELECT * { GRAPH ?g { ?a ?b ?c . ?d ?e ?f } } LIMIT 900000"
    with start(served(stores[engine].url, real.folder.parents[1], seconds=1)) as client:
        late = client.post("/sparql", data={"query": many, "format": "json"})

    assert late.status_code == 504 and "has not answered" in late.json()["detail"]


@pytest.mark.parametrize(
    ("said", "late", "refused"),
    [
        ("Virtuoso S1TAT Error SR171: Transaction timed out", True, False),
        ('{ "head": { "link": [], "vars": ["a", "b"] },', True, False),
        ("<http://example.org/a> <http://example.org/b> <http://example.org/c> .", True, False),
        ("Virtuoso 37000 Error SP030: SPARQL compiler, line 1: syntax error", False, True),
        ("Virtuoso 42000 Error FRVEC: array in for vectored over max length", False, True),
        ("Virtuoso 08U01 Error CL...: Lost connection", False, False),
    ],
)
def test_what_virtuoso_says_with_500_is_told_apart(said: str, late: bool, refused: bool) -> None:
    """Its limit of time, also behind the rows that it had by then; its refusals; its failures."""
    assert ENGINE.is_timeout(500, said) is late
    assert ENGINE.is_query_error(500, said) is refused


def test_several_values_at_the_beginning_of_a_path_are_refused_by_virtuoso(sites: dict[str, httpx.Client]) -> None:
    """It would give rows that are no answers; the refusal says how to ask."""
    query = "SELECT * { VALUES ?t { <id/organization/mic> <id/organization/meti> } ?t <def#kpi>* ?part }"
    answer = sites["virtuoso"].post("/sparql", data={"query": query})

    assert answer.status_code == 400 and "one value at a time" in answer.json()["detail"]


def test_a_virtuoso_that_cuts_answers_is_neither_filled_nor_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    """Its limit of rows has to let the whole release through; a shorter answer at the limit is an error."""
    small, large = write(tmp_path, "1", 90), write(tmp_path, "2", 110)
    folder = tmp_path / "store"
    folder.mkdir()
    with virtuoso(folder, rows=100) as store:
        store.as_user(monkeypatch)
        publish(store.url, small)
        with pytest.raises(StoreError, match="at most 100 rows"):
            publish(store.url, large)
        with start(served(store.url, tmp_path)) as client:
            assert client.get("/readyz").json()["release"] == "1"
            product = client.post("/sparql", data={"query": "SELECT * { ?a ?b ?c . ?d ?e ?f }"})
    assert product.status_code == 400 and "at most 100 rows" in product.json()["detail"]


def test_a_switch_that_was_interrupted_is_seen_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the named graphs are being replaced nothing is served from the store, until that has come to its end."""
    folder = tmp_path / "store"
    folder.mkdir()
    with virtuoso(folder) as store:
        store.as_user(monkeypatch)
        publish(store.url, write(tmp_path, "1"))
        release = write(tmp_path, "2")
        with StoreClient(StoreAddress(store.url)) as connection, monkeypatch.context() as patch:
            loader = RemotePublisher(connection)
            put = RemotePublisher._replace_graph

            def dying(self: RemotePublisher, graph: str, triples: list[object]) -> None:
                put(self, graph, triples)  # type: ignore[arg-type]
                if graph != STATUS_GRAPH:
                    raise KeyboardInterrupt

            patch.setattr(RemotePublisher, "_replace_graph", dying)
            with pytest.raises(KeyboardInterrupt):
                loader.publish(release, lambda there, total: None)
        with ReleaseWatcher(StoreAddress(store.url), tmp_path) as watch:
            assert store.asked(f"SELECT ?s {{ GRAPH <{STATUS_GRAPH}> {{ ?s <{SWITCHING}> ?o }} }}")
            with pytest.raises(StoreError, match="being switched"):
                watch.current()
            publish(store.url, release)
            assert watch.current().published.version == "2"


def test_service_calls_a_virtuoso(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    """It never answers a direct POST: it is asked by form, and its blank nodes, texts and truth values are read."""
    folder = tmp_path / "store"
    folder.mkdir()
    (tmp_path / "one.ttl").write_text("<http://e/1> <http://e/p> 1 .\n", encoding="utf-8")
    content = '<http://e/s> <http://e/p> _:b , " a  b\\r\\n " , true . _:b <http://e/q> "施策"@ja .'
    with virtuoso(folder) as store:
        store.as_user(monkeypatch)
        where = {"graph-uri": "http://e/g"}
        kind = {"Content-Type": "text/turtle"}
        login = httpx.DigestAuth(store.user, store.password)
        put = httpx.put(
            f"{store.url}-graph-crud-auth", params=where, content=content.encode(), headers=kind, auth=login
        )
        put.raise_for_status()
        with start(
            app([tmp_path / "one.ttl"], project_folders().queries, tmp_path, Limits.of(1, services=(store.url,)))
        ) as client:
            patterns = ("<http://e/s> <http://e/p> ?x", "<http://e/s> <http://e/p> ?n . ?n <http://e/q> ?x")
            found = [
                client.post(
                    "/sparql",
                    data={"query": f"SELECT ?x {{ SERVICE <{store.url}> {{ GRAPH ?g {{ {p} }} }} }}", "format": "json"},
                )
                for p in patterns
            ]
    assert [answer.status_code for answer in found] == [200, 200], found[0].text
    terms = [row["x"] for answer in found for row in answer.json()["results"]["bindings"]]
    values = {(term["type"], term["value"]) for term in terms if term["type"] != "bnode"}
    assert values == {("literal", " a  b\r\n "), ("literal", "true"), ("literal", "施策")} and len(terms) == 4
