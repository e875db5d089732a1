"""Hostile queries: each is refused or ended with a reason, and nobody else notices."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kg.engine.data_source import KB, MB, Limits
from kg.server.app import app

# What meets another limit than time meets it soon, however busy the machine is.
PATIENT = Limits(
    workers=2,
    slow_slots=4,
    seconds=20.0,
    memory=64 * MB,
    answer=2 * MB,
    in_memory=64 * KB,
    short=256 * KB,
    queue_seconds=30,
)
HASTY = replace(PATIENT, seconds=1.0, fast_seconds=0.1)
THINGS = 3000

ORDINARY = "SELECT ?o { <http://example.org/7> ?p ?o }"
ALL = "?a ?b ?c . ?d ?e ?f"
CARTESIAN = f"SELECT (COUNT(*) AS ?n) {{ {ALL} . ?g ?h ?i }}"


def nested(before: str, opening: str, inner: str, closing: str, after: str, times: int = 10_000) -> str:
    """Return a query that opens and closes something many times."""
    return f"{before}{opening * times}{inner}{closing * times}{after}"


def doubled(times: int) -> str:
    """Return a query that doubles a string many times."""
    steps = " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(times))
    return f"SELECT ?x{times} {{ BIND('0123456789abcdef' AS ?x0) {steps} }}"


def growing(times: int) -> str:
    """Return an expression that makes a string eight times as long, many times over."""
    text = "STR(?c)"
    for _ in range(times):
        text = f"REPLACE({text}, '.', '$0$0$0$0$0$0$0$0')"
    return text


# What takes too long.
ENDLESS = {
    "cartesian product": CARTESIAN,
    "many patterns": f"ASK {{ {' '.join(f'?s{n} ?p ?s{n + 1} .' for n in range(1000))} }}",
    "path": f"ASK {{ ?s <a:a>{'/<a:a>' * 2000} ?o }}",
    "regular expression": (
        f"SELECT * {{ {ALL} FILTER(REGEX(CONCAT(STR(?a), STR(?f)), '(.*)(.*)(.*)(.*)(.*)x{{90}}')) }}"
    ),
    "REPLACE": f"SELECT (STRLEN({growing(9)}) AS ?n) {{ ?a ?b ?c }}",
}

# What meets another limit: the query, the statuses that it may be answered with, and a word of the reason.
HOSTILE = {
    "groups": (nested("ASK ", "{", "", "}", ""), {400}, "deep"),
    "parentheses": (nested("ASK { FILTER(", "(", "1", ")", ") }"), {400}, "deep"),
    "negations": (nested("ASK { FILTER(", "!", "true", "", ") }"), {400}, "deep"),
    "negations apart": (nested("ASK { FILTER(", "! #(\n", "true", "", ") }"), {400}, "deep"),
    "blank nodes": (nested("ASK { ?s ?p ", "[<a:a> ", "1", "]", " }"), {400}, "deep"),
    "lists": (nested("ASK { ?s ?p ", "(", "1", ")", " }"), {400}, "deep"),
    "functions": (nested("ASK { FILTER(", "IF(true, true, ", "true", ")", ") }"), {400}, "deep"),
    "EXISTS": (nested("ASK { ", "FILTER EXISTS { ", "", "}", " }"), {400}, "deep"),
    "UNIONs": (f"ASK {{ {{}} {'UNION {} ' * 10_000} }}", {400}, "UNION"),
    "a chain that is not counted": (f"ASK {{ FILTER(1{'||1' * 20_000}) }}", {400}, "deep"),
    "a megabyte": (f"ASK {{}} #{'x' * MB}", {413}, "256 KB"),
    "VALUES": (f"SELECT * {{ VALUES ?x {{ {' '.join(map(str, range(30_000)))} }} {ALL} }}", {400}, "2 MB"),
    "GROUP_CONCAT": (f"SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?d))) AS ?x) {{ {ALL} }}", {503}, ""),
    "doubling": (doubled(40), {503}, "memory"),
    "DISTINCT": (f"SELECT (COUNT(DISTINCT CONCAT(STR(?a), STR(?d))) AS ?n) {{ {ALL} }}", {503}, ""),
    "ORDER BY": (f"SELECT * {{ {ALL} }} ORDER BY ?f ?c LIMIT 1", {503}, "memory"),
    "CONSTRUCT": (f"CONSTRUCT {{ ?a ?b [ ?e ?f ] }} {{ {ALL} }}", {400}, "2 MB"),
    "rows": (f"SELECT * {{ {ALL} }}", {400}, "2 MB"),
    "one row": (doubled(18), {400}, "2 MB"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of RDF."""
    file = tmp_path_factory.mktemp("data") / "data.nt"
    lines = (f'<http://example.org/{n}> <http://example.org/p> "number {n}" .\n' for n in range(THINGS))
    file.write_text("".join(lines), encoding="utf-8")
    return file


Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="module")
def patient(start: Start, data: Path) -> Iterator[httpx.Client]:
    """A client of a server with small limits, but time."""
    with start(app([data], data.parent, data.parent, PATIENT)) as client:
        yield client


@pytest.fixture(scope="module")
def hasty(start: Start, data: Path) -> Iterator[httpx.Client]:
    """A client of a server with small limits and no time."""
    with start(app([data], data.parent, data.parent, HASTY)) as client:
        yield client


def ask(site: httpx.Client, query: str) -> httpx.Response:
    """Send a query in a form."""
    return site.post("/sparql", data={"query": query})


def is_ordinary(answer: httpx.Response) -> bool:
    """Whether an ordinary query was answered."""
    return answer.status_code == 200 and answer.json()["results"]["bindings"][0]["o"]["value"] == "number 7"


def beside_ordinary(site: httpx.Client, query: str) -> httpx.Response:
    """Send a hostile query; check that ordinary ones are answered meanwhile and after."""
    with ThreadPoolExecutor() as threads:
        hostile = threads.submit(ask, site, query)
        ordinary = [ask(site, ORDINARY) for _ in range(5)]
        answer = hostile.result()
    assert all(map(is_ordinary, [*ordinary, ask(site, ORDINARY)]))
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) == (answer.status_code == 503)
    return answer


def every_day(kinds: Iterable[str], *often: str) -> list[object]:
    """Return all kinds; those that are not named are for the exhaustive run."""
    return [kind if kind in often else pytest.param(kind, marks=pytest.mark.exhaustive) for kind in kinds]


@pytest.mark.parametrize(
    "kind", every_day(HOSTILE, "groups", "a chain that is not counted", "a megabyte", "doubling", "ORDER BY", "rows")
)
def test_a_hostile_query_gets_a_reason_and_others_their_answer(patient: httpx.Client, kind: str) -> None:
    """It is answered 4xx or 503 with the limit that it has met; an ordinary query is answered meanwhile and after."""
    query, statuses, reason = HOSTILE[kind]
    answer = beside_ordinary(patient, query)

    assert answer.status_code in statuses, answer.text[:500]
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize("kind", every_day(ENDLESS, "cartesian product"))
def test_an_endless_query_is_ended(hasty: httpx.Client, kind: str) -> None:
    """At the time limit it is answered 503, which names the limit; an ordinary query is answered meanwhile."""
    answer = beside_ordinary(hasty, ENDLESS[kind])

    assert answer.status_code == 503
    assert "1 seconds" in answer.json()["detail"] or "64 MB of memory" in answer.json()["detail"]


@pytest.mark.exhaustive
def test_eight_hostile_queries_at_once_hurt_nobody(hasty: httpx.Client) -> None:
    """With eight of them under way, more than there are places, every ordinary query is answered."""
    with ThreadPoolExecutor(8) as threads:
        hostile = [threads.submit(ask, hasty, f"{CARTESIAN} # {n}") for n in range(8)]
        ordinary = []
        while not all(future.done() for future in hostile):
            ordinary.append(is_ordinary(ask(hasty, ORDINARY)))
        answers = {future.result().status_code for future in hostile}

    assert answers == {503}
    assert ordinary
    assert all(ordinary)


@pytest.mark.parametrize("rows", [0, 1, 1000, 20_000])
def test_answers_below_the_limits_are_complete(patient: httpx.Client, rows: int) -> None:
    """An answer is whole, whether it is held in memory or comes out of a file; HEAD tells its length alone."""
    query = f"SELECT ?a {{ {ALL} }} LIMIT {rows}"
    plain = {"Accept-Encoding": "identity"}  # compressed on its way, an answer has no length before
    answer = patient.post("/sparql", data={"query": query}, headers=plain)

    assert len(answer.json()["results"]["bindings"]) == rows
    assert int(answer.headers["content-length"]) == len(answer.content)
    head = patient.head("/sparql", params={"query": query}, headers=plain)
    assert (head.headers["content-length"], head.content) == (answer.headers["content-length"], b"")


@pytest.mark.exhaustive
def test_large_answers_that_nobody_takes_do_not_fill_the_disk(start: Start, data: Path) -> None:
    """While more of them are on their way than there is room for, the next is told to come again; then it is sent."""
    query = {"query": f"SELECT * {{ {ALL} }} LIMIT 60000"}
    with start(app([data], data.parent, data.parent, Limits(workers=2, slow_slots=4, sending=32 * MB))) as site:
        with site.stream("POST", "/sparql", data=query, headers={"Accept-Encoding": "identity"}) as slow:
            assert int(slow.headers["content-length"]) > 16 * MB
            refused = site.post("/sparql", data=query)
            assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
            assert is_ordinary(ask(site, ORDINARY))
        # The server learns in its own time that the client has gone.
        assert any(site.post("/sparql", data=query).status_code == 200 or time.sleep(0.1) for _ in range(100))


def test_memory_that_is_needed_and_allowed_is_given(patient: httpx.Client) -> None:
    """A query that sorts all rows, or joins long texts, is no hostile one."""
    query = "SELECT (STRLEN(GROUP_CONCAT(?c)) AS ?n) { { SELECT ?c { ?a ?b ?c } ORDER BY DESC(?c) } }"

    assert ask(patient, query).json()["results"]["bindings"][0]["n"]["value"] == str(
        sum(len(f"number {n} ") for n in range(THINGS)) - 1
    )
