"""`/release/<version>/sparql`: every release at hand can be asked, and its answers never change."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kg.core.paths import project_folders
from kg.core.release import MANIFEST, read_release
from kg.server.app import app
from kg.web import release_endpoint
from tests.support.waiting import eventually

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
COUNT = "PREFIX s: <https://w3id.org/shisaku/def#> SELECT (COUNT(*) AS ?n) { ?m a s:Measure }"
OLD, NEW = "/release/2030.1.0/sparql", "/release/2031.1.0/sparql"
FOREVER = "public, max-age=31536000, immutable"
MORE = ("2020.1.0", "2021.1.0")
JSON = {"Accept": "application/sparql-results+json"}


@pytest.fixture(scope="session")
def many(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two releases, and two more that are copies of the first under other versions."""
    copied = Path(shutil.copytree(out, tmp_path_factory.mktemp("many") / "out", symlinks=True))
    for version in MORE:
        folder = Path(shutil.copytree(copied / "releases" / "2030.1.0", copied / "releases" / version))
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        (folder / MANIFEST).write_text(json.dumps({**manifest, "version": version}), encoding="utf-8")
    return copied


@pytest.fixture(scope="session")
def site(many: Path, start: Start) -> Iterator[httpx.Client]:
    """A client of a server of the last release."""
    release = read_release(many / "releases" / "2031.1.0")
    with start(app(release, project_folders().queries, many)) as client:
        yield client


def counted(answer: httpx.Response) -> int:
    """The number that an answer tells."""
    return int(answer.json()["results"]["bindings"][0]["n"]["value"])


def asked(client: httpx.Client, path: str, **more: str) -> httpx.Response:
    """The answer of a release; where others are being asked just now, the one after that."""
    for _ in range(40):
        answer = client.get(path, params={"query": COUNT, **more}, headers=JSON)
        if answer.status_code != 503:
            return answer
        assert answer.headers["retry-after"]
        time.sleep(0.25)
    return answer


def test_each_release_answers_for_itself(site: httpx.Client) -> None:
    """One edition in the old release, two in the one that is served, which /sparql asks, too."""
    assert counted(asked(site, OLD)) == 9
    assert counted(asked(site, NEW)) == counted(asked(site, "/sparql")) == 18


def test_a_damaged_release_is_told(site: httpx.Client, many: Path) -> None:
    """Of a release with a file that cannot be read, the endpoint says which and what to do; the others go on."""
    folder = Path(shutil.copytree(many / "releases" / "2030.1.0", many / "releases" / "2039.1.0"))
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, "version": "2039.1.0"}), encoding="utf-8")
    (folder / "ontology.ttl").write_text("this is not valid Turtle", encoding="utf-8")
    answer = site.get("/release/2039.1.0/sparql", params={"query": COUNT}, headers=JSON)

    assert answer.status_code == 503
    assert "ontology.ttl" in answer.json()["detail"]
    assert "kg build" in answer.json()["detail"]
    assert counted(asked(site, OLD)) == 9


def test_an_answer_can_be_kept_for_ever(site: httpx.Client, many: Path, start: Start) -> None:
    """It is immutable, and its entity tag is the same from another server, so that 304 is enough."""
    first = asked(site, OLD)
    with start(app(read_release(many / "releases" / "2030.1.0"), project_folders().queries, many)) as other:
        second = asked(other, OLD)
        known = other.get(OLD, params={"query": COUNT}, headers={**JSON, "If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == second.headers["cache-control"] == FOREVER
    assert first.headers["etag"] == second.headers["etag"]
    assert first.content == second.content
    assert known.status_code == 304
    assert asked(site, "/sparql").headers["cache-control"] != FOREVER


def test_what_depends_on_the_moment_is_not_kept(site: httpx.Client) -> None:
    """A query with NOW() has no lasting answer, of whatever release."""
    assert asked(site, OLD, query="SELECT (NOW() AS ?n) {}").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [OLD, NEW])
def test_the_whole_protocol_is_there(site: httpx.Client, path: str) -> None:
    """GET, HEAD, both forms of POST and QUERY answer; OPTIONS and 405 name them; CSV comes by its name."""
    assert asked(site, path).status_code == 200
    body = {"Content-Type": "application/sparql-query", **JSON}
    assert counted(site.post(path, data={"query": COUNT}, headers=JSON)) == counted(asked(site, path))
    assert counted(site.post(path, content=COUNT, headers=body)) == counted(asked(site, path))
    assert counted(site.request("QUERY", path, content=COUNT, headers=body)) == counted(asked(site, path))
    assert site.head(path, params={"query": COUNT}).status_code == 200
    assert asked(site, path, format="csv").text.startswith("n\r\n")
    assert "QUERY" in site.options(path).headers["allow"]
    assert site.put(path).status_code == 405
    assert "POST" in site.put(path).headers["allow"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("SELECT", 400),
        ("SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }", 403),
        ("SELECT * { " + "{" * 300 + "}" * 300 + " }", 400),
    ],
)
def test_the_same_is_refused_as_at_the_endpoint(site: httpx.Client, query: str, status: int) -> None:
    """Limits and reasons are those of /sparql, word by word."""
    asked(site, OLD)
    old, current = (site.get(path, params={"query": query}, headers=JSON) for path in (OLD, "/sparql"))

    assert old.status_code == current.status_code == status
    assert old.json() == current.json()


def test_it_describes_itself(site: httpx.Client) -> None:
    """The service description names this endpoint, not the other, with the size of this release."""
    asked(site, OLD)
    described = site.get(OLD, headers={"Accept": "application/n-triples"}).text

    assert "release/2030.1.0/sparql> ." in described
    assert "release/2030.1.0/dataset.ttl#dataset" in described


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_person_sees_which_release_is_asked(site: httpx.Client, lang: str) -> None:
    """In a browser the editor says that the answer never changes; its form and its addresses stay with the release."""
    asked(site, OLD)
    page = site.get(OLD, params={"query": COUNT, "lang": lang}, headers={"Accept": "text/html"})
    blank = site.get(OLD, params={"lang": lang}, headers={"Accept": "text/html"})

    assert page.status_code == blank.status_code == 200
    assert page.headers["cache-control"] == "public, max-age=3600"  # the next program may write another page
    assert {"ja": "版 2030.1.0 への問い合わせ", "en": "asking release 2030.1.0"}[lang] in page.text
    assert 'action="../../release/2030.1.0/sparql?lang=' in blank.text
    assert 'href="../../release/2030.1.0/sparql?query=' in page.text


@pytest.mark.parametrize("version", ["1999.1.0", "%2e%2e", "2030.1.0%00"])
def test_a_release_that_is_not_there(site: httpx.Client, version: str) -> None:
    """There is a problem document, and no name leads out of the folder of the releases."""
    answer = site.get(f"/release/{version}/sparql", params={"query": COUNT}, headers=JSON)

    assert answer.status_code == 404


def test_few_are_open_at_once_and_each_gets_its_turn(site: httpx.Client) -> None:
    """Beside the release that is served two are open: a third waits its turn by Retry-After, and then is answered."""
    paths = [OLD, *(f"/release/{version}/sparql" for version in MORE)]

    assert [counted(asked(site, path)) for path in paths * 2] == [9] * 6


def test_a_release_that_nobody_asks_is_closed(many: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its processes end, and with them its memory; never are those of more than two there; asked again, it answers."""
    for name, seconds in {"_IDLE": 2.0, "_CHECK_SECONDS": 0.1, "_SHORTEST": 0.1}.items():
        monkeypatch.setattr(release_endpoint, name, seconds)
    with start(app(read_release(many / "releases" / "2031.1.0"), project_folders().queries, many)) as client:
        before = family(os.getpid())
        assert counted(asked(client, OLD)) == 9
        one = family(os.getpid()) - before
        assert one
        for version in MORE:
            assert counted(asked(client, f"/release/{version}/sparql")) == 9
        assert not one & family(os.getpid()) and len(family(os.getpid()) - before) <= 2 * len(one)
        assert eventually(lambda: not family(os.getpid()) - before)
        assert counted(asked(client, OLD)) == 9


def family(pid: int) -> set[int]:
    """Return all processes that a process and its children have started, and that have not ended."""
    found = set[int]()
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, file.read_text(encoding="ascii").split()):
            with contextlib.suppress(OSError):  # it ends just now
                found |= {child, *family(child)}
    return found


def test_the_page_of_a_release_leads_there(site: httpx.Client) -> None:
    """Who looks at the files of a release can ask it."""
    page = site.get("/release/2030.1.0/?lang=en", headers={"Accept": "text/html"})

    assert 'href="sparql?lang=en"' in page.text
