"""Stores that answer as they like: what they mean is understood, and the kind of an answer comes from the query."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kg.core.paths import project_folders
from kg.engine.data_source import Limits
from kg.engine.remote_backend import ReleaseWatcher
from kg.engine.remote_release import StoreAddress
from kg.server.app import app

from ...support.published import publish, write
from ...support.stores import Handler, Way, oxigraph, way_to

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
INTEGER = "http://www.w3.org/2001/XMLSchema#integer"
HTML = {"Accept": "text/html", "Accept-Language": "en"}


def said(names: list[str], *rows: dict[str, object]) -> dict[str, object]:
    """Return results in JSON."""
    return {"head": {"vars": names}, "results": {"bindings": list(rows)}}


def number(value: str) -> dict[str, str]:
    """Return a number as older engines write it."""
    return {"type": "typed-literal", "datatype": INTEGER, "value": value}


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """A way to a store with a small release, on which another can answer."""
    with oxigraph(tmp_path_factory.mktemp("store")) as store, way_to(store) as way:
        publish(store.url, write(tmp_path_factory.mktemp("releases"), "1", 5))
        yield way


@pytest.fixture(scope="module")
def site(way: Way, tmp_path_factory: pytest.TempPathFactory, start: Start) -> Iterator[httpx.Client]:
    """A site of that store, whose engine is not known."""
    out = tmp_path_factory.mktemp("out")
    with ReleaseWatcher(StoreAddress(way.url, "generic"), Path(out)) as watch:
        application = app(watch.current(), project_folders().queries, Path(out), Limits.of(2))
    with start(application) as client:
        yield client


def asked(site: httpx.Client, way: Way, query: str, answer: object, format: str = "json") -> httpx.Response:
    """Ask a query that the store answers so."""

    def wrong(handler: Handler) -> bool:
        handler.answer(200, json.dumps(answer).encode(), "application/sparql-results+json", "another/1")
        return True

    way.wrong = wrong
    headers = HTML if format == "html" else {}
    content = {"query": query, **({} if format == "html" else {"format": format})}
    try:
        return site.get("/sparql", params=content, headers=headers)
    finally:
        way.wrong = lambda handler: False


@pytest.mark.parametrize(
    ("place", "answer", "truth"),
    [
        (1, said(["__ASK_RETVAL"], {"__ASK_RETVAL": number("1")}), True),
        (2, said(["x"], {"x": {"type": "literal", "value": "true"}}), True),
        (3, said(["__ASK_RETVAL"]), False),
        (4, said(["__ASK_RETVAL"], {"__ASK_RETVAL": number("0")}), False),
        (5, {"head": {}, "boolean": False, "meta": {"took": 3}}, False),
        (6, {"meta": [1.5], "boolean": True}, True),
    ],
)
def test_a_truth_value_is_one(site: httpx.Client, way: Way, place: int, answer: object, truth: bool) -> None:
    """ASK is answered by a truth value in every format and on the page, also where the store gives a row or none."""
    query = f"ASK {{ ?s ?p {place} }}"
    bodies = {
        name: asked(site, way, f"{query} # {name}", answer, name) for name in ("json", "xml", "csv", "tsv", "html")
    }

    assert {body.status_code for body in bodies.values()} == {200}, bodies["json"].text
    assert bodies["json"].json() == {"head": {}, "boolean": truth}
    assert f"<boolean>{str(truth).lower()}</boolean>" in bodies["xml"].text
    assert [bodies[name].text.strip() for name in ("csv", "tsv")] == [str(truth).lower()] * 2
    assert "ASK_RETVAL" not in bodies["html"].text


def test_variables_that_a_store_adds_are_left_out(site: httpx.Client, way: Way) -> None:
    """`SELECT * {}` has no variables and one row; of other queries the columns are those of the query, in its order."""
    none = asked(site, way, "SELECT * {}", said(["_star_fake"], {"_star_fake": number("1")}))
    row = {"b": {"type": "literal", "value": " 2 "}, "a": {"type": "uri", "value": "http://e/"}, "c": number("3")}
    two = asked(site, way, "SELECT ?a ?b { ?a ?p ?b }", said(["c", "b", "a"], row), "csv")

    assert none.json() == {"head": {"vars": []}, "results": {"bindings": [{}]}}
    assert two.text == "a,b\r\nhttp://e/, 2 \r\n"


def test_a_page_of_no_variables_is_shown(site: httpx.Client, way: Way) -> None:
    """The page of an answer without columns is no error."""
    answer = said(["_star_fake"], {"_star_fake": number("1")})
    page = asked(site, way, "SELECT * {} # a page", answer, "html")

    assert page.status_code == 200 and "_star_fake" not in page.text


def test_members_of_their_own_and_labels_of_any_spelling(site: httpx.Client, way: Way) -> None:
    """What the format does not know is passed over; blank nodes are named anew, equal ones alike."""
    nodes = [{"x": {"type": "bnode", "value": label}} for label in ("nodeID://b1", "nodeID://b1", "a b", "")]
    answer = {
        "meta": {"vars": []},
        "results": {"ordered": True, "bindings": nodes},
        "head": {"vars": ["x"], "link": []},
    }
    found = asked(site, way, "SELECT ?x { ?x ?y ?z }", answer).json()["results"]["bindings"]
    labels = [row["x"]["value"] for row in found]

    assert labels[0] == labels[1] and len({*labels}) == 3 and all(label.isalnum() for label in labels)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "ERROR", "exception": "no"},
        {"head": {"vars": ["x"]}, "boolean": True},
        said(["x"], {"y": number("1")}),
        said(["x"], {"x": {"type": "literal"}}),
        said(["x"], {"x": {"type": "thing", "value": "1"}}),
        [],
        "text",
    ],
)
def test_what_is_no_answer_is_told(site: httpx.Client, way: Way, answer: object) -> None:
    """502 where rows are wanted and something else comes, never an empty answer."""
    refused = asked(site, way, f"SELECT ?x {{ ?x ?y {json.dumps(json.dumps(answer))} }}", answer)

    assert refused.status_code == 502 and "cannot be read" in refused.json()["detail"]
