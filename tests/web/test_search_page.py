"""`/search` over HTTP: JSON and page, what is refused, caches, other data, another base, another release."""

import os
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kg.core.release import Release
from kg.server.app import app

from ..support.sites import QUERIES

BROWSER = {"Accept": "text/html", "Accept-Language": "ja"}
DATA = """\
@prefix ex: <http://example.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:a a ex:Plan ; rdfs:label "<script>alert('防災')</script>計画"@ja ; rdfs:comment "\\u202e雪害への備え"@ja .
ex:b a ex:Plan ; rdfs:label "農業の計画"@ja .
<javascript:alert(1)> a ex:Plan ; rdfs:label "悪い計画"@ja .
"""


def answer(site: httpx.Client, **asked: object) -> dict:
    """The answer as JSON, as soon as there is an index."""
    for _ in range(600):
        response = site.get("/search", params=asked)
        if response.status_code != 503:
            break
        assert response.headers["Retry-After"] == "2"
        assert response.headers["Content-Type"] == "application/problem+json"
        time.sleep(0.05)
    return response.raise_for_status().json()


def test_the_answer_as_json(real_site: httpx.Client) -> None:
    """Total, page, hits with documents that are there, marks, scores, and facets whose links the page has, too."""
    told = answer(real_site, q="防災", limit=5)
    first = told["hits"][0]

    assert (told["q"], told["page"], told["limit"], told["relaxed"]) == ("防災", 1, 5, None)
    assert len(told["hits"]) == 5 and told["pages"] == -(-told["total"] // 5)
    assert any(piece == {"text": "防災", "marked": True} for piece in first["title"])
    assert real_site.get(first["document"], headers=BROWSER).status_code == 200
    assert {*told["facets"]} == {"edition", "effect", "lead", "listed", "pillar", "type"}
    assert told["facets"]["lead"]["label"] == "主担当府省庁"
    following = real_site.get("/search" + told["next"]).json()
    assert following["page"] == 2
    assert not {hit["iri"] for hit in following["hits"]} & {hit["iri"] for hit in told["hits"]}
    narrowed = answer(real_site, q="防災", type="measure", lead="mic", lang="en")
    assert 0 < narrowed["total"] < told["total"]
    assert {hit["kind"] for hit in narrowed["hits"]} == {"listed measure"}


def test_the_page_has_the_hits_and_narrows(real_site: httpx.Client) -> None:
    """A browser gets a page: the words in their field, marks, and links that narrow, in the language of the page."""
    page = real_site.get("/search", params={"q": "防災", "lang": "ja"}, headers=BROWSER)
    links = [unescape(link) for link in re.findall(r'<li><a href="(\?[^"]*)"', page.text)]

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<html lang="ja">' in page.text and "<mark>防災</mark>" in page.text
    assert re.search(r'<input[^>]*name="q"[^>]*value="防災"', page.text)
    assert len(links) > 10
    for link in links[:4]:
        narrowed = real_site.get("/search" + link, headers=BROWSER).raise_for_status()
        assert 'aria-current="true"' in narrowed.text.split("<main")[1]
    english = real_site.get(
        "/search", params={"q": "digital"}, headers={"Accept": "text/html", "Accept-Language": "en"}
    )
    assert '<html lang="en">' in english.text and re.search(r"<mark>[Dd]igital</mark>", english.text)


def test_what_is_called_like_it_is_offered_where_nothing_is_found(real_site: httpx.Client) -> None:
    """A misspelled name leads to the thing, on the page and in JSON."""
    told = answer(real_site, q="経済産業者")

    assert told["total"] == 0
    assert told["similar"][0]["iri"].endswith("/organization/meti")
    assert "doc/organization/meti" in real_site.get("/search", params={"q": "経済産業者"}, headers=BROWSER).text


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"q": "あ" * 1001}, 400),
        ({"q": "防災", "page": "0"}, 400),
        ({"q": "防災", "page": "1e3"}, 400),
        ({"q": "防災", "limit": "101"}, 400),
        ({"q": "防災", "ministry": "mic"}, 400),
        ({"q": "防災", "lead": ["mic"] * 101}, 400),
        ({"q": "防災", "page": "900"}, 404),
        ({"q": "防災", "format": "ttl"}, 406),
    ],
)
def test_what_cannot_be_understood_is_refused(real_site: httpx.Client, asked: dict[str, str], status: int) -> None:
    """Too long, no number, an unknown parameter, no such page: a problem document that says what is known."""
    refused = real_site.get("/search", params=asked)

    assert refused.status_code == status
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["detail"]


def test_a_thousand_characters_and_strange_ones_are_answered(real_site: httpx.Client) -> None:
    """The longest words, single surrogates, control characters, SQL and full-text syntax: 200, whole."""
    for words in ("あ" * 1000, "a b " * 250, "\x00\x1f", "'; DROP TABLE thing; --", 'NEAR("a" "b", 1)', "\U0001f5fe"):
        assert real_site.get("/search", params={"q": words}).json()["total"] >= 0
    assert real_site.get("/search?q=%FF%ED%A0%80").status_code in (200, 400)
    assert answer(real_site, q="防災")["total"] > 0


def test_caches_can_keep_it(real_site: httpx.Client) -> None:
    """ETag and 304, Vary, links to the canonical address and the next page; HEAD is GET without a body."""
    got = real_site.get("/search", params={"q": "防災", "limit": 5})
    known = real_site.get("/search", params={"q": "防災", "limit": 5}, headers={"If-None-Match": got.headers["ETag"]})
    head = real_site.head("/search", params={"q": "防災", "limit": 5})

    assert known.status_code == 304
    assert head.content == b"" and head.headers["Content-Length"] == got.headers["Content-Length"]
    assert {"Accept", "Accept-Language"} <= {*got.headers["Vary"].split(", ")}
    assert 'rel="canonical"' in got.headers["Link"] and 'rel="next"' in got.headers["Link"]
    assert "max-age" in got.headers["Cache-Control"] or "no-cache" in got.headers["Cache-Control"]


def test_it_is_known_to_openapi_metrics_and_the_front_page(real_site: httpx.Client) -> None:
    """The description has its parameters, the metrics its name, the landing page a field for it."""
    described = real_site.get("/openapi.json").json()["paths"]["/search"]["get"]
    answer(real_site, q="防災")

    assert {parameter["name"] for parameter in described["parameters"]} == {
        "q",
        "type",
        "lang",
        "page",
        "limit",
        "format",
    }
    assert 'route="/search"' in real_site.get("/metrics").text
    assert re.search(r'<form[^>]*action="./search"', real_site.get("/", headers=BROWSER).text)


def test_data_files_are_searched_once_they_are_indexed(
    start: Callable[[FastAPI], AbstractContextManager[httpx.Client]], tmp_path: Path
) -> None:
    """Any RDF with names can be searched; what is hostile in it stays text; the index goes with the server."""
    (tmp_path / "data.ttl").write_text(DATA, encoding="utf-8")
    with start(app([tmp_path / "data.ttl"], QUERIES, tmp_path)) as site:
        told = answer(site, q="計画")
        page = site.get("/search", params={"q": "計画"}, headers=BROWSER).text
        hidden = answer(site, q="雪害")

    assert sorted(hit["iri"] for hit in told["hits"]) == [
        "http://example.org/a", "http://example.org/b", "javascript:alert(1)"
    ]  # fmt: skip
    assert told["facets"]["type"]["values"][0]["count"] == 3
    assert hidden["hits"][0]["snippet"]
    assert "<script" not in page and 'href="javascript:' not in page
    assert "&lt;script&gt;" in page


@pytest.mark.exhaustive
def test_data_that_cannot_be_indexed_leave_the_server_alive(
    start: Callable[[FastAPI], AbstractContextManager[httpx.Client]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the process that makes the index fails, a search says so, and all else goes on."""
    (tmp_path / "data.ttl").write_text(DATA, encoding="utf-8")
    with start(app([tmp_path / "data.ttl"], QUERIES, tmp_path)) as site:
        (tmp_path / "data.ttl").unlink()  # it has been loaded, and is gone when the index is to be made
        refused = site.get("/search", params={"q": "計画"})
        while refused.headers.get("Retry-After"):
            time.sleep(0.05)
            refused = site.get("/search", params={"q": "計画"})

        assert (refused.status_code, "there is no search index" in refused.json()["detail"]) == (503, True)
        assert site.get("/sparql", params={"query": "ASK {}"}).status_code == 200


def test_a_release_without_an_index_gets_one(site: httpx.Client, release: Release) -> None:
    """A release that an older program made is served at once, and searched when its index has been made."""
    assert not release.has_search()
    assert answer(site, q="申請")["hits"][0]["iri"] == "https://w3id.org/shisaku/id/municipal-2019/measure/01-05"
    assert [*release.folder.glob("*.sqlite")] == []


@pytest.mark.exhaustive
def test_an_index_of_another_format_is_made_again(
    start: Callable[[FastAPI], AbstractContextManager[httpx.Client]], release: Release, tmp_path: Path
) -> None:
    """A damaged index, or one of another format, keeps nobody from being served."""
    folder = tmp_path / "releases" / release.version
    folder.mkdir(parents=True)
    for file in release.folder.iterdir():
        os.link(file, folder / file.name)
    (folder / "search.sqlite").write_bytes(b"SQLite format 3\0 and nothing else")
    damaged = Release(**{**vars(release), "folder": folder, "search": "1"})
    with start(app(damaged, QUERIES, tmp_path)) as site:
        assert answer(site, q="申請")["total"] == 1
