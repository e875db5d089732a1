"""The W3C's queries, sent through a server: an answer is what the engine alone says, with nothing lost on the way.

Every data file of the suites is a named graph of one server, and each request names the dataset of its test, as the
SPARQL protocol has it. The engine alone is asked of a store that holds just that dataset. Whether the engine is right
is another question: test_w3c_expected.py answers it.
"""

from collections.abc import Iterator

import httpx
import pytest
from answers import lines, of_engine, of_json, of_rdf, of_xml, same
from pyoxigraph import QueryResultsFormat, QueryTriples, RdfFormat, Store
from suite import BASE, Case, cases, everything, store_of

from kg.core.negotiation import GRAPH_FORMATS, ROW_FORMATS


def asked(test: Case) -> bool:
    """Whether a test asks a query that can be answered here."""
    return test.evaluated and not test.calls_service


EVALUATED = sorted(folder for folder, tests in cases().items() if any(map(asked, tests)))
OTHERS = sorted(folder for folder, tests in cases().items() if not all(map(asked, tests)))
QUERY = "application/sparql-query"
NOWHERE = "urn:example:no-such-graph"


@pytest.fixture(scope="session")
def client(serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server of all data files."""
    data = tmp_path_factory.mktemp("w3c") / "everything.nq"
    data.write_text(everything(), encoding="utf-8")
    with serve(data) as client:
        yield client


def ask(client: httpx.Client, test: Case, format: str) -> httpx.Response:
    """Send the query of a test for one format; the four ways of the protocol take turns."""
    query = f"BASE <{test.base}>\n{test.text}"
    dataset: dict[str, object] = {"format": format}
    if not test.chooses:
        dataset |= {"default-graph-uri": test.data or NOWHERE, "named-graph-uri": test.graphs}
    if format in ("json", "ttl", "nt"):
        return client.get("/sparql", params={"query": query, **dataset})
    if format in ("xml", "jsonld"):
        return client.post("/sparql", data={"query": query, **dataset})
    method = "QUERY" if format in ("tsv", "nq") else "POST"
    headers = {"Content-Type": QUERY}
    return client.request(method, "/sparql", params=dataset, content=query.encode(), headers=headers)


def differences(client: httpx.Client, test: Case, turn: int | None = None) -> Iterator[str]:
    """Yield each format, or that whose turn it is, in which the server does not answer as the engine alone."""
    store = store_of(test)

    def alone():
        return store.query(test.text, base_iri=test.base)

    try:
        expected = of_engine(alone())
    except (SyntaxError, RuntimeError):
        if ask(client, test, "json").status_code != 400:
            yield f"{test.name}: the engine refuses it, the server does not"
        return
    formats = GRAPH_FORMATS if isinstance(alone(), QueryTriples) else ROW_FORMATS
    if turn is not None:
        formats = (formats[turn % len(formats)],)
    in_order = "ORDER BY" in test.text.upper()
    for format in formats:
        name = format.names[0]
        answer = ask(client, test, name)
        if answer.status_code != 200:
            yield f"{test.name} {name}: {answer.status_code} {answer.text[:200]}"
        elif isinstance(format.writer, RdfFormat):
            if of_rdf(answer.content, format.writer) != expected:
                yield f"{test.name} {name}: another graph"
        elif format.writer in (QueryResultsFormat.JSON, QueryResultsFormat.XML):
            read = of_json if name == "json" else of_xml
            if not same(read(answer.content), expected, in_order):
                yield f"{test.name} {name}: other rows"
        else:
            ours, theirs = (lines(body, name) for body in (answer.content, alone().serialize(format=format.writer)))
            if ours[0] != theirs[0] or sorted(ours) != sorted(theirs):
                yield f"{test.name} {name}: other lines"


def test_the_suites_are_whole() -> None:
    """As many tests as the W3C has: 525 that ask a query, and 360 texts that are or are not one."""
    tests = [test for tests in cases().values() for test in tests]

    assert (sum(test.evaluated for test in tests), len(tests)) == (525, 885)


@pytest.mark.parametrize("folder", EVALUATED)
def test_nothing_is_lost_on_the_way(client: httpx.Client, folder: str) -> None:
    """Each query of the suite has the engine's own answer; formats, and the ways to ask for them, take turns."""
    found = []
    for turn, test in enumerate(cases()[folder]):
        if asked(test):
            found += differences(client, test, turn)

    assert found == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("folder", EVALUATED)
def test_nothing_is_lost_in_any_format(client: httpx.Client, folder: str) -> None:
    """Each query of the suite has the engine's own answer in every format."""
    found = []
    for test in cases()[folder]:
        if asked(test):
            found += differences(client, test)

    assert found == []


@pytest.mark.parametrize("folder", OTHERS)
def test_what_is_no_query_is_refused(client: httpx.Client, folder: str) -> None:
    """What the engine cannot read is 400, an update is 403 as one and 400 as a query, SERVICE is 403: never 5xx."""
    found = []
    for test in cases()[folder]:
        if asked(test):
            continue
        update = any("Update" in kind for kind in test.kinds)
        # A call is never shown to the engine, which would follow it.
        expected = 403 if test.calls_service else 200 if not update and readable(test.text) else 400
        headers = {"Content-Type": QUERY}
        got = client.post("/sparql", content=test.text.encode(), headers=headers).status_code
        if got != expected:
            found.append(f"{test.name}: {got}, not {expected}")
        if update and client.post("/sparql", data={"update": test.text}).status_code != 403:
            found.append(f"{test.name}: not refused as an update")

    assert found == []


def readable(text: str) -> bool:
    """Whether the engine can answer a text at all; not where it calls a function that nobody has defined."""
    try:
        Store().query(text, base_iri=BASE)
    except (SyntaxError, RuntimeError):
        return False
    return True
