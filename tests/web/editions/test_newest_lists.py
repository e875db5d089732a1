"""Searches, lists and completions of two editions: the newest first, and each measure with its edition."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kg.core.iris import edition
from kg.core.paths import project_folders
from kg.core.release import find_release
from kg.server.app import app

from ...support.pairs import AFTER, BEFORE
from .test_newest import Start

SAME, GONE = "図書館の電子貸出の推進", "河川水位の遠隔監視"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def site(out: Path, pair: Path, start: Start) -> Iterator[httpx.Client]:
    """A server of the release that holds both editions."""
    with start(app(find_release(out, pair.name), project_folders().queries, out)) as client:
        yield client


def keys(site: httpx.Client, address: str) -> list[str]:
    """The editions of the hits of a search, in their order."""
    return [str(hit.get("edition", "")).rpartition("/")[2] for hit in site.get(address).json()["hits"]]


@pytest.mark.parametrize("words", [SAME, "", "共同"])
def test_hits_of_the_newest_edition_come_first(site: httpx.Client, words: str) -> None:
    """Of what has the words in its name, or in a text; each hit names its edition, where it has one."""
    for kind in ("measure", "kpi"):
        found = keys(site, f"/search?q={words}&type={kind}&limit=100&format=json")
        assert set(found) <= {AFTER, BEFORE} and found == sorted(found, reverse=True)
    assert keys(site, "/search?q=総務省&type=formal-organization&format=json") == [""]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_page_of_a_search_says_the_edition(site: httpx.Client, lang: str) -> None:
    """A measure that is in both stands there twice, told apart."""
    page = site.get(f"/search?q={SAME}&type=measure&lang={lang}", headers=HTML).text
    assert page.index(f"</span>{AFTER}</span>") < page.index(f"</span>{BEFORE}</span>")


def test_completions_say_the_edition(site: httpx.Client) -> None:
    """What OpenRefine offers while somebody types."""
    found = site.get(f"/reconcile/suggest/entity?prefix={SAME}&type=Measure").json()["result"]
    assert [one["id"].partition("/")[0] for one in found] == [AFTER, BEFORE]
    assert [one["description"].rpartition(" · ")[2] for one in found] == [AFTER, BEFORE]


def test_the_list_is_that_of_the_newest(site: httpx.Client) -> None:
    """Without an edition in the address; another one, or all, can be chosen."""
    newest, same = site.get("/browse.json").json(), site.get(f"/browse.json?edition={AFTER}").json()
    assert newest == same and {row["edition"] for row in newest["rows"]} == {AFTER}
    earlier, every = site.get(f"/browse.json?edition={BEFORE}").json(), site.get("/browse.json?edition=all").json()
    assert {row["edition"] for row in earlier["rows"]} == {BEFORE}
    assert every["total"] == newest["total"] + earlier["total"]
    editions = [row["edition"] for row in every["rows"]]
    assert editions == sorted(editions, reverse=True)
    assert newest["facets"]["edition"] == {AFTER: newest["total"], BEFORE: earlier["total"], "all": every["total"]}


@pytest.mark.parametrize("asked", ["", f"?edition={BEFORE}", "?edition=all", "?edition=all&sort=-row", "?q=図書"])
def test_the_rows_of_a_view_are_those_of_its_query(site: httpx.Client, asked: str) -> None:
    """The CSV of a view, which its query makes, has the rows of its page in the same order, with their edition."""
    shown = [(edition(row["edition"]), row["title"]) for row in site.get(f"/browse.json{asked}").json()["rows"]]
    rows = csv.DictReader(io.StringIO(site.get(f"/browse.csv{asked}").text))
    assert [(row["edition"], row["title_ja"]) for row in rows] == shown


def test_the_newest_edition_can_be_taken_away(site: httpx.Client) -> None:
    """The page says that it shows one edition, and leads to all of them; each row says its own."""
    page = site.get("/browse?lang=en", headers=HTML)
    assert page.status_code == 200 and f"</span>{AFTER}</span>" in page.text and BEFORE in page.text
    assert 'href="?edition=all&amp;lang=en"' in page.text
    led = site.get(f"/browse?edition={AFTER}&lang=en", headers=HTML)
    assert led.headers["location"].endswith("/browse?lang=en")
    every = site.get("/browse?edition=all&lang=en", headers=HTML).text
    assert f"</span>{BEFORE}</span>" in every and GONE in every
