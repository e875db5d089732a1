"""With a second edition, everything is about the newest one unless another is asked for, and says which it is."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from kg.core.iris import edition
from kg.core.paths import project_folders
from kg.core.release import find_release
from kg.core.stored_queries import EDITION, read_queries, values_line
from kg.server.app import app

from ...support.commands import kg
from ...support.pairs import AFTER, BEFORE

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
QUERIES = read_queries(project_folders().queries)
ABOUT_AN_EDITION = [query.name for query in QUERIES if any(each.name == EDITION for each in query.parameters)]
BY_PILLAR = "measures-by-pillar"


@pytest.fixture(scope="module")
def site(out: Path, pair: Path, start: Start) -> Iterator[httpx.Client]:
    """A server of the release that holds both editions."""
    with start(app(find_release(out, pair.name), project_folders().queries, out)) as client:
        yield client


def answer(site: httpx.Client, address: str) -> list[dict[str, str]]:
    """The rows that an address leads to."""
    found = site.get(address, follow_redirects=True)
    assert found.status_code == 200, found.text
    return list(csv.DictReader(io.StringIO(found.text)))


def of(edition_key: str) -> Callable[[str], bool]:
    """Whether a text names an edition and not the other one."""
    other = AFTER if edition_key == BEFORE else BEFORE
    return lambda text: edition(edition_key) in text and edition(other) not in text


def test_no_stored_query_names_an_edition_beside_its_parameter() -> None:
    """An edition stands in a stored query only where it can be replaced."""
    for query in QUERIES:
        rest = values_line(EDITION).sub("", query.question) if query.name in ABOUT_AN_EDITION else query.question
        assert "/id/edition/" not in rest, query.name


def test_a_stored_query_asks_the_newest_edition(site: httpx.Client) -> None:
    """By its address it answers of the newest one, and of an earlier one where that is chosen."""
    both = [answer(site, f"/queries/{BY_PILLAR}.csv{more}") for more in ("", f"?edition={AFTER}")]
    assert both[0] == both[1] != answer(site, f"/queries/{BY_PILLAR}.csv?edition={BEFORE}")


@pytest.mark.parametrize("name", ABOUT_AN_EDITION)
def test_every_text_of_a_stored_query_is_about_the_newest(site: httpx.Client, name: str) -> None:
    """As text and in the address of its answer, at the current release and pinned to it.

    Where that address would be too long for a proxy the answer comes at once: it is that about the newest edition.
    """
    assert of(AFTER)(site.get(f"/queries/{name}", headers={"Accept": "text/plain"}).text)
    for address in (f"/queries/{name}.csv", f"/release/2031.1.0/queries/{name}"):
        found = site.get(address)
        if found.status_code == 200:
            newest, older = (site.get(f"{address}?edition={edition}").text for edition in (AFTER, BEFORE))
            assert found.text == newest != older
        else:
            assert of(AFTER)(parse_qs(urlsplit(found.headers["location"]).query)["query"][0])


def test_a_release_that_is_pinned_asks_its_own_newest_edition(site: httpx.Client) -> None:
    """A release from before the second edition goes on asking the first one."""
    location = site.get(f"/release/2030.1.0/queries/{BY_PILLAR}").headers["location"]
    assert of(BEFORE)(parse_qs(urlsplit(location).query)["query"][0])
    assert of(BEFORE)(_written(site, f"/release/2030.1.0/sparql?stored={BY_PILLAR}&lang=en"))


def test_the_pages_of_a_query_show_the_newest(site: httpx.Client) -> None:
    """The editor, the page of the query and the list of queries all have it as the default."""
    assert of(AFTER)(_written(site, f"/sparql?stored={BY_PILLAR}&lang=en"))
    assert of(BEFORE)(_written(site, f"/sparql?stored={BY_PILLAR}&edition={BEFORE}&lang=en"))
    listed = {query["name"]: query["parameters"] for query in site.get("/queries?format=json").json()}
    assert listed[BY_PILLAR] == [{"name": "edition", "kind": "thing", "default": [AFTER]}]
    page = site.get(f"/queries/{BY_PILLAR}?lang=en", headers={"Accept": "text/html"}).text
    assert f"edition={AFTER}" in page and BEFORE not in page


def _written(site: httpx.Client, address: str) -> str:
    """The query that stands in the editor."""
    found = site.get(address, headers={"Accept": "text/html"})
    match = re.search(r"<textarea[^>]*>(.*?)</textarea>", found.text, re.S)
    assert match
    return match[1].replace("&lt;", "<").replace("&gt;", ">")


def test_the_command_asks_the_newest(out: Path, tmp_path: Path, site: httpx.Client) -> None:
    """`kg query NAME` does so in the release, in files, and at an endpoint."""
    given = answer(site, f"/queries/{BY_PILLAR}.csv")
    graph = out / "releases" / "2031.1.0" / "graph.nt"
    for where in (["--out", out], ["--data", graph], ["--endpoint", f"{site.base_url}/sparql"]):
        result = kg("query", BY_PILLAR, "--format", "csv", *where)
        assert list(csv.DictReader(io.StringIO(result.stdout))) == given, where


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_front_page_counts_the_newest(site: httpx.Client, lang: str) -> None:
    """Its figures, pillars and ministries are those of one edition, which it names with how many there are."""
    page = site.get(f"/?lang={lang}").text
    figures = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page)
    measures = len(answer(site, "/queries/measures-in-a-table.csv"))
    assert (("施策", "measures")[lang == "en"], str(measures)) in figures
    assert f"doc/edition/{AFTER}" in page and ("one of 2" in page or "全2版" in page)
    pillars = [(row["pillar"].rpartition("/")[2], row["measures"]) for row in answer(site, f"/queries/{BY_PILLAR}.csv")]
    assert pillars
    for pillar, count in pillars:
        assert re.search(rf'doc/pillar/{pillar}\?[^>]*>[^<]*</a> <span class="count">{count}</span>', page)


def test_the_first_example_asks_the_newest(site: httpx.Client) -> None:
    """What a visitor is shown first lists no measure twice."""
    assert of(AFTER)(_written(site, "/sparql?lang=en"))
