"""Requests that no page makes: numbers far too long, formats that a page does not have, names that Python mistrusts."""

import json

import httpx
import pytest

BROWSER = {"Accept": "text/html"}
LONG = "9" * 5000  # more digits than Python makes a number of
NO_SUCH = ["/nowhere", "/docs/nowhere", "/release/none/sparql"]


@pytest.mark.parametrize("number", [f"000000001{LONG}", LONG, f"00000000{'1' * 10}", "0", "-1", "٣"])
@pytest.mark.parametrize(
    "path", ["/browse.json?page=", "/search?q=a&page=", "/search?q=a&limit=", "/doc/pillar/x?page="]
)
def test_a_number_that_is_none_is_refused(real_site: httpx.Client, path: str, number: str) -> None:
    """A page or a limit that is no number of a few digits is refused with the reason, however it is written."""
    answer = real_site.get(f"{path}{number}")

    assert answer.status_code in (400, 404), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("number", [f"000000001{LONG}", LONG, "0", "x"])
def test_a_page_of_rows_that_is_none_is_refused(site: httpx.Client, number: str) -> None:
    """Where the address names no page of an answer's rows, the page says what a number is and keeps the query."""
    query = "SELECT * { ?s ?p ?o } LIMIT 1"
    answer = site.get("/sparql", params={"query": query, "page": number}, headers=BROWSER)

    assert answer.status_code == 400
    assert "page is a number from 1 to" in answer.text
    assert "SELECT * { ?s ?p ?o } LIMIT 1" in answer.text


def test_a_number_of_hundreds_of_digits_can_be_asked_for(real_site: httpx.Client) -> None:
    """The value of a property to reconcile by may be a number of any size; it is like no other."""
    clue = {"pid": "shisaku:rowNumber", "v": 10**400}
    queries = {"a": {"query": "", "properties": [clue]}}
    answer = real_site.post("/reconcile", data={"queries": json.dumps(queries)})

    assert answer.status_code == 200
    assert answer.json()["a"]["result"] == []


@pytest.mark.parametrize("path", NO_SUCH)
@pytest.mark.parametrize("asked", [{"Accept": "text/html;q=0"}, {"Accept": "text/html", "format": "ttl"}])
def test_what_is_not_there_is_not_there_in_any_form(site: httpx.Client, path: str, asked: dict[str, str]) -> None:
    """Who asks for a page that does not exist in a form that it would not have is told 404, as everybody else."""
    accept, *rest = asked.values()
    answer = site.get(path, params={"format": rest[0]} if rest else {}, headers={"Accept": accept})

    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_host_that_looks_like_another_is_only_a_name(site: httpx.Client) -> None:
    """An IRI whose host would hold a slash in another form of Unicode names nothing here; its page says so."""
    query = "SELECT * { ?s <http://ex℀mple.org/property> <https://w3id.org/shisaku/id/pillar/none> }"
    answer = site.get("/sparql", params={"query": query}, headers=BROWSER)

    assert answer.status_code == 200
    assert "pillar/none" in answer.text


def test_a_page_that_is_kept_is_not_that_of_one_address(site: httpx.Client) -> None:
    """What somebody adds to the address of a document stands in nobody else's page of it."""
    site.get("/def", params={"page": "7", "lang": "en"}, headers=BROWSER)
    answer = site.get("/def", params={"lang": "en"}, headers=BROWSER)

    assert answer.status_code == 200
    assert "page=7" not in answer.text
