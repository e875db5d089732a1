"""`kg serve --store`: a site whose answers come from a store elsewhere, and what it does when that store fails."""

import itertools
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI

from kg.cli import main
from kg.core.paths import project_folders
from kg.core.release import CATALOGUE_GRAPH, VALIDATION_GRAPH, VOID_GRAPH, Release
from kg.engine.data_source import Limits
from kg.engine.remote_backend import ReleaseWatcher
from kg.engine.remote_release import StoreAddress, graph_of
from kg.server.app import app

from ...support.published import STATEMENTS, publish, write
from ...support.servers import serving
from ...support.stores import Handler, Running, Way, oxigraph, way_to
from ...support.waiting import eventually

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
NUMBERS = itertools.count()
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
VERSIONS = """SELECT (COUNT(*) AS ?n) (SAMPLE(?v) AS ?version) (COUNT(DISTINCT ?v) AS ?different) {
  ?s <http://example.org/version> ?v }"""
# The same of the graph and of a named graph, in one answer.
BOTH = """SELECT DISTINCT ?v ?w { <http://example.org/1> <http://example.org/version> ?v
  GRAPH <https://w3id.org/shisaku/void> { ?x <http://example.org/version> ?w } }"""


def served(url: str, out: Path, **limits: float) -> FastAPI:
    """Return the application that serves what a store holds."""
    with ReleaseWatcher(StoreAddress(url), out) as watch:
        return app(watch.current(), project_folders().queries, out, Limits.of(4, **limits))


def fresh(query: str) -> str:
    """Return a query that nobody has asked before."""
    return f"{query} # {next(NUMBERS)}"


def rows(client: httpx.Client, query: str, **more: str) -> list[dict[str, str]]:
    """Return the rows that a site answers."""
    answer = client.post("/sparql", data={"query": query, **more}, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return [{name: term["value"] for name, term in row.items()} for row in answer.json()["results"]["bindings"]]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A store that several tests ask, and none changes the release of."""
    with oxigraph(tmp_path_factory.mktemp("shared")) as running:
        yield running


@pytest.fixture(scope="session")
def release(shared: Running, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release that it holds, with a copy on the disk."""
    release = write(tmp_path_factory.mktemp("releases"), "1")
    publish(shared.url, release)
    return release


@pytest.fixture(scope="session")
def way_of_all(shared: Running, release: Release) -> Iterator[Way]:
    """A way to that store on which things go wrong."""
    with way_to(shared) as way:
        yield way


@pytest.fixture
def way(way_of_all: Way) -> Iterator[Way]:
    """The same, on which nothing has happened yet."""
    way_of_all.queries.clear()
    yield way_of_all
    way_of_all.wrong = lambda handler: False


@pytest.fixture(scope="session")
def site(way_of_all: Way, release: Release, start: Start) -> Iterator[httpx.Client]:
    """A client of a server of the store, on that way."""
    with start(served(way_of_all.url, release.folder.parents[1], seconds=60)) as client:
        yield client


@pytest.fixture(scope="session")
def here(release: Release, start: Start) -> Iterator[httpx.Client]:
    """A client of a server of the same release in memory."""
    with start(app(release, project_folders().queries, release.folder.parents[1], Limits.of(1))) as client:
        yield client


@contextmanager
def command(url: str, out: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run `kg serve --store` as a process of its own and give it with a client."""
    with serving("--store", url, "--out", out, KG_WORKERS="4", **environment) as (process, client, _):
        yield process, client


def test_only_the_release_is_seen(shared: Running, site: httpx.Client) -> None:
    """The default graph holds what may be counted, GRAPH names the descriptions, and nothing else is there."""
    private = "http://example.org/private"
    where = shared.url.replace("/query", "/store")
    kind = {"Content-Type": "text/turtle"}
    httpx.put(where, params={"graph": private}, content="<a:a> <a:b> <a:c> .", headers=kind).raise_for_status()

    assert rows(site, COUNT) == [{"n": str(STATEMENTS)}]
    assert {row["g"] for row in rows(site, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")} == {
        CATALOGUE_GRAPH,
        VOID_GRAPH,
    }
    for query in (
        f"SELECT * {{ GRAPH <{private}> {{ ?s ?p ?o }} }}",
        f"SELECT * FROM <{private}> {{ ?s ?p ?o }}",
        f"SELECT * FROM NAMED <{private}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        f"SELECT * FROM <{graph_of('1')}> {{ ?s ?p ?o }}",
    ):
        assert rows(site, query) == [], query
    assert rows(site, "SELECT * { ?s ?p ?o }", **{"default-graph-uri": private}) == []


@pytest.mark.parametrize(
    ("query", "dataset", "found"),
    [
        (f"SELECT * FROM <{VOID_GRAPH}> {{ ?s ?p ?o }}", {}, 1),
        ("PREFIX g: <https://w3id.org/shisaku/> SELECT * FROM g:void FROM <catalog> { ?s ?p ?o }", {}, 3),
        (f"SELECT * FROM NAMED <{VOID_GRAPH}> {{ ?s ?p ?o }}", {}, 0),
        (f"SELECT * FROM NAMED <{VOID_GRAPH}> {{ GRAPH ?g {{ ?s ?p ?o }} }}", {}, 1),
        (f"SELECT * FROM <{VOID_GRAPH}> {{ GRAPH ?g {{ ?s ?p ?o }} }}", {}, 0),
        (f"SELECT * FROM <{VOID_GRAPH}> {{ ?s ?p ?o }}", {"default-graph-uri": CATALOGUE_GRAPH}, 2),
        ("SELECT * { GRAPH ?g { ?s ?p ?o } }", {"named-graph-uri": CATALOGUE_GRAPH}, 2),
        ("SELECT * { ?s ?p ?o }", {"named-graph-uri": VALIDATION_GRAPH}, 0),
        ('SELECT * { ?s ?p ?o FILTER(?o != "FROM <void>") } # FROM <void>', {}, STATEMENTS),
        ("PREFIX from: <http://example.org/> SELECT * { ?s from:version ?from }", {}, STATEMENTS),
    ],
)
def test_a_dataset_means_what_it_means_here(
    site: httpx.Client, here: httpx.Client, query: str, dataset: dict[str, str], found: int
) -> None:
    """FROM in a query and the dataset of a request select as many rows as the embedded engine finds."""
    assert len(rows(site, query, **dataset)) == found
    assert len(rows(here, query, **dataset)) == found


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("INSERT DATA { <a:a> <a:b> <a:c> }", 400),
        ("SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }", 403),
        ("SELECT * { SERVICE SILENT ?x { ?s ?p ?o } }", 403),
        ("SELECT * " + "{" * 300 + "}" * 300, 400),
        ("SELECT * { ?s ?p", 400),
        ("SELECT * { BIND(<http://example.org/f>(1) AS ?x) }", 400),
        ("SELECT * { }" + " " * (300 << 10), 413),
    ],
)
def test_what_is_refused_here_never_leaves(way: Way, site: httpx.Client, query: str, status: int) -> None:
    """Updates, SERVICE, deep nesting and errors of syntax are told as ever, and the store hears nothing of them."""
    answer = site.post("/sparql", data={"query": query})

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert way.queries == []


@pytest.mark.parametrize(
    "format", ["json", "csv", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("xml", "tsv"))]
)
def test_rows_come_in_the_bytes_that_the_embedded_engine_writes(
    site: httpx.Client, here: httpx.Client, format: str
) -> None:
    """Whatever the store sends is read and written again: each form is the same wherever the data are."""
    query = "SELECT * { ?s ?p ?o } ORDER BY ?s LIMIT 5"
    mine = here.get("/sparql", params={"query": query, "format": format})
    theirs = site.get("/sparql", params={"query": query, "format": format})

    assert (theirs.content, theirs.headers["Content-Type"]) == (mine.content, mine.headers["Content-Type"])


@pytest.mark.parametrize(
    "format",
    ["ttl", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("nt", "jsonld", "rdfxml", "trig", "nq"))],
)
def test_a_graph_comes_whole_in_every_form(site: httpx.Client, format: str) -> None:
    """A store that is asked for N-Triples only gives all forms; ASK gives a boolean."""
    query = "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }"
    answer = site.get("/sparql", params={"query": query, "format": format})

    assert answer.status_code == 200
    assert answer.text.count("http://example.org/499") == 1
    assert rows_of_ask(site) is True


def rows_of_ask(client: httpx.Client) -> bool:
    """Return what a site answers to a question of yes or no."""
    answer = client.get("/sparql", params={"query": "ASK { ?s ?p ?o }", "format": "json"})
    return bool(answer.json()["boolean"])


def breaking(handler: Handler) -> bool:
    """Announce more than is sent, and hang up."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"head":{"vars":["n"]},"results":{"bindings":[')
    handler.close_connection = True
    return True


def short(handler: Handler) -> bool:
    """End an answer in the middle, as an engine does that has reached its own limit of time."""
    handler.answer(200, b'{"head":{"vars":["n"]},"results":{"bindings":[The SPARQL operation has been cancelled')
    return True


def answering(status: int, body: bytes = b"secret") -> Callable[[Handler], bool]:
    """Answer with a status."""
    return lambda handler: handler.answer(status, body) is None


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        (breaking, 502, "disconnected"),
        (short, 502, "truncated"),
        (answering(200, b"<html>Sign in</html>"), 502, "cannot be read"),
        (answering(500), 502, "it has answered 500"),
        (answering(500, b"secret" * 1_000_000), 502, "it has answered 500"),
        (answering(302), 502, "it has answered 302"),
        (answering(401), 502, "denied access"),
        (answering(429), 503, "is busy"),
        (answering(504), 504, "has not answered within"),
        (answering(400, b"no such function: f"), 400, "no such function: f"),
    ],
)
def test_a_failure_of_the_store_is_told_in_words(
    way: Way, site: httpx.Client, wrong: Callable[[Handler], bool], status: int, said: str
) -> None:
    """Each is a problem document without the address of the store; once it is over, questions are answered again."""
    way.wrong = wrong
    answer = site.post("/sparql", data={"query": fresh(COUNT)})
    way.wrong = lambda handler: False

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]
    assert str(way.port) not in answer.text and "secret" not in answer.text
    assert rows(site, fresh(COUNT)) == [{"n": str(STATEMENTS)}]


def test_a_store_that_does_not_answer_is_told_in_words(way: Way, release: Release, start: Start) -> None:
    """At the limit of time it is 504, which names the limit; once the store answers, so does the server."""
    done = threading.Event()

    def slow(handler: Handler) -> bool:
        done.wait(60)
        return False

    with start(served(way.url, release.folder.parents[1], seconds=1)) as client:
        way.wrong = slow
        late = client.post("/sparql", data={"query": fresh(COUNT)})
        way.wrong = lambda handler: False
        done.set()
        assert eventually(lambda: client.post("/sparql", data={"query": fresh(COUNT)}).status_code == 200)

    assert (late.status_code, late.headers["Content-Type"]) == (504, "application/problem+json")
    assert "has not answered within 1 seconds" in late.json()["detail"]


def test_a_connection_that_ends_before_the_answer_is_tried_once_more(way: Way, site: httpx.Client) -> None:
    """A store that closes idle connections costs nobody an answer; one that always hangs up is asked twice."""
    hung_up = []

    def hanging_up(handler: Handler) -> bool:
        hung_up.append(handler)
        handler.close_connection = True
        return len(hung_up) in (1, 2, 3)

    way.wrong = hanging_up
    gone = site.post("/sparql", data={"query": fresh("SELECT (1 AS ?x) { }")})
    assert (gone.status_code, len(hung_up)) == (502, 2)
    assert rows(site, fresh(COUNT)) == [{"n": str(STATEMENTS)}]
    assert len(hung_up) == 4


def test_an_answer_is_asked_for_once(way: Way, site: httpx.Client) -> None:
    """What the store has answered is kept, as what the embedded engine has."""
    query = fresh(COUNT)
    for _ in range(3):
        assert rows(site, query) == [{"n": str(STATEMENTS)}]

    assert len(way.queries) == 1


def test_a_store_that_does_not_say_what_it_holds_is_asked_each_time(
    store: Running, tmp_path: Path, start: Start
) -> None:
    """Data in the default graph of any store are served; nothing is kept, since nothing tells when they change."""
    where, kind = store.url.replace("/query", "/store"), {"Content-Type": "text/turtle"}
    with way_to(store) as way, start(served(way.url, tmp_path)) as client:
        for number in (1, 2):
            httpx.post(f"{where}?default", content=f"<a:a> <a:b> {number} .", headers=kind).raise_for_status()
            assert rows(client, COUNT) == [{"n": str(number)}]
        assert client.get("/readyz").json()["release"] is None


def test_a_store_that_was_filled_with_the_dump_says_by_its_catalogue_what_it_holds(
    store: Running, tmp_path: Path, start: Start
) -> None:
    """A release that any tool has loaded from graph.nq is served with its version, and with its copy."""
    release = write(tmp_path, "7")
    where, kind = store.url.replace("/query", "/store"), {"Content-Type": "application/n-quads"}
    httpx.post(where, content=release.path("graph.nq").read_bytes(), headers=kind).raise_for_status()
    with start(served(store.url, tmp_path)) as client:
        assert client.get("/readyz").json() == {
            "release": "7",
            "triples": STATEMENTS,
            "store": "oxigraph",
            "workers": 4,
        }
        assert rows(client, COUNT) == [{"n": str(STATEMENTS)}]
        assert client.get("/release/7/graph.ttl").status_code == 200


def test_without_a_copy_of_the_release_the_site_says_what_is_missing(way: Way, tmp_path: Path, start: Start) -> None:
    """Questions and pages of things are answered; files and the search are not, and say so."""
    with start(served(way.url, tmp_path)) as client:
        search = client.get("/search", params={"q": "x"}, headers={"Accept": "application/json"})
        assert rows(client, COUNT) == [{"n": str(STATEMENTS)}]
        assert client.get("/").status_code == 200
        assert client.get("/release/1/graph.ttl").status_code == 404
        assert search.status_code == 503 and "no copy of the release" in search.json()["detail"]


@pytest.mark.exhaustive
def test_without_a_copy_the_list_of_measures_is_searched_in_the_store(
    store: Running, tmp_path: Path, start: Start
) -> None:
    """There is no index of words then; the measures that hold them are asked for, and the query of the view says so."""
    name, def_ = "<https://w3id.org/shisaku/id/e/measure/1>", "https://w3id.org/shisaku/def#"
    said = (
        ("http://www.w3.org/1999/02/22-rdf-syntax-ns#type", f"<{def_}Measure>"),
        (f"{def_}edition", "<https://w3id.org/shisaku/id/edition/e>"),
        ("http://purl.org/dc/terms/title", '"防災の計画"@ja'),
    )
    more = "".join(f"{name} <{term}> {value} .\n" for term, value in said)
    publish(store.url, write(tmp_path / "made", "1", more=more))
    with start(served(store.url, tmp_path)) as client:
        found = client.get("/browse.json", params={"q": "防災"}).json()
        assert [row["title"] for row in found["rows"]] == ["防災の計画"]
        assert [row["measure"] for row in rows(client, found["query"])] == [name[1:-1]]
        assert client.get("/browse.json", params={"q": "農業"}).json()["total"] == 0


@pytest.mark.exhaustive
def test_a_switch_of_the_store_fails_no_request_and_mixes_no_answer(store: Running, tmp_path: Path) -> None:
    """While releases are published one after the other, every answer is of one of them, and the last one stays."""
    publish(store.url, write(tmp_path, "1"))
    statuses, mixed, done, seen = list[int](), list[object](), threading.Event(), set[str]()
    with command(store.url, tmp_path) as (_, client):

        def ask() -> None:
            number = 0
            while not done.is_set():
                number += 1
                for query in (VERSIONS, BOTH):
                    answer = client.post(
                        "/sparql", data={"query": f"{query} #{number}"}, headers={"Accept": "application/json"}
                    )
                    statuses.append(answer.status_code)
                    if answer.status_code != 200:
                        continue
                    (row,) = answer.json()["results"]["bindings"]
                    seen.add(row["version"]["value"] if "version" in row else row["v"]["value"])
                    if ("w" in row and row["v"] != row["w"]) or ("n" in row and row["n"]["value"] != str(STATEMENTS)):
                        mixed.append(row)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for version in ("2", "3"):
            publish(store.url, write(tmp_path, version))
            assert eventually(lambda version=version: version in seen)
        done.set()
        for thread in threads:
            thread.join()
        last = client.get("/readyz").json()

    assert set(statuses) == {200} and mixed == []
    assert last["release"] == "3"


def test_the_command_serves_a_store_and_says_when_it_is_gone(store: Running, tmp_path: Path) -> None:
    """A store that stops makes the server unready and is told to clients as 502; the server itself lives on."""
    publish(store.url, write(tmp_path, "1"))
    with command(store.url, tmp_path) as (process, client):
        assert client.get("/readyz").status_code == 200
        store.process.send_signal(signal.SIGKILL)
        assert eventually(lambda: client.get("/readyz").status_code == 503)
        assert client.post("/sparql", data={"query": COUNT}).status_code == 502
        assert client.get("/healthz").status_code == 200
        assert process.poll() is None


@pytest.mark.exhaustive
def test_who_asks_is_in_no_list_of_processes_and_in_no_log(way: Way, tmp_path: Path) -> None:
    """User and password reach the store, and nothing else says them."""
    secret = {"KG_STORE_USER": "reader", "KG_STORE_PASSWORD": "secret", "KG_ACCESS_LOG": "-", "KG_LOG_QUERIES": "1"}
    with command(way.url, tmp_path, **secret) as (process, client):
        way.wrong = answering(401)
        refused = client.post("/sparql", data={"query": COUNT})
        listed = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in family(process.pid)]
        process.terminate()
        output = "".join(process.communicate())

    assert "Basic cmVhZGVyOnNlY3JldA==" in way.credentials
    assert refused.status_code == 502
    assert len(listed) > 4 and not any(b"secret" in line for line in listed)
    assert "secret" not in refused.text + output and "cmVhZGVy" not in output


def family(pid: int) -> list[int]:
    """Return a process and all that it and its children have started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(one for child in children for one in family(int(child)))]


@pytest.mark.parametrize(
    "option",
    [("--release", "1"), ("--base", "http://127.0.0.1/"), ("--service-allow", "http://127.0.0.1/sparql")],
)
def test_options_that_a_store_elsewhere_cannot_have_are_refused(tmp_path: Path, option: tuple[str, str]) -> None:
    """The command line says which ones, before anything is asked."""
    result = CliRunner().invoke(main, ["serve", "--store", "http://127.0.0.1:1/sparql", *option])

    assert result.exit_code == 2 and "cannot be combined with --release, --data, --base or" in result.output


def test_a_store_that_cannot_be_reached_is_told_at_the_start(tmp_path: Path) -> None:
    """The command ends with 1, the reason and a remedy."""
    result = CliRunner().invoke(main, ["serve", "--store", "http://127.0.0.1:1/sparql", "--out", str(tmp_path)])

    assert result.exit_code == 1 and "kg: the store cannot be reached" in result.output
