"""`/changes`: what changed between two releases, for people and for programs."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI

from kg.cli import main
from kg.core.paths import project_folders
from kg.core.release import MANIFEST, read_release
from kg.server.app import app

from ...support.pairs import AFTER

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="session")
def site(out: Path, pair: Path, start: Start) -> Iterator[httpx.Client]:
    """A client of a server of the second release, with the first beside it."""
    with start(app(read_release(pair), project_folders().queries, out)) as client:
        yield client


@pytest.mark.parametrize(
    ("lang", "sentence", "badge"),
    [
        ("ja", "「電子貸出を行う図書館数」の目標を800館から1,024館に引き上げ", "継続"),
        ("en", "Target of “電子貸出を行う図書館数” raised from 800 館 to 1,024 館", "continued"),
    ],
)
def test_the_page_tells_what_changed_since_the_release_before(
    site: httpx.Client, lang: str, sentence: str, badge: str
) -> None:
    """Without a choice the last release is compared with the one before it, in the words of `kg diff`."""
    page = site.get(f"/changes?lang={lang}", headers=PAGE)

    assert page.status_code == 200
    assert sentence in page.text
    assert badge in page.text
    assert f'href="./doc/{AFTER}/measure/01-01?lang={lang}"' in page.text
    assert page.headers["cache-control"] == "no-cache"


def test_each_thing_that_is_linked_is_there(site: httpx.Client) -> None:
    """A link on the page leads to a document of the release that is served."""
    page = site.get("/changes?lang=en", headers=PAGE).text
    links = re.findall(r'href="\./(doc/[^"]+)"', page)

    assert links
    assert {site.get(f"/{link}", headers=PAGE).status_code for link in {*links}} == {200}


def test_programs_get_what_the_command_writes(site: httpx.Client, out: Path) -> None:
    """JSON and Atom are those of `kg diff`, with an entity tag, and 304 for who has them."""
    for form, accept in (("json", "application/json"), ("atom", "application/atom+xml")):
        arguments = ["diff", "2030.1.0", "2031.1.0", "--out", str(out), "--format", form]
        wanted = CliRunner().invoke(main, arguments, catch_exceptions=False).stdout_bytes
        address = "/changes?from=2030.1.0&to=2031.1.0&lang=ja"
        answer = site.get(address, headers={"Accept": accept})

        assert answer.content == wanted
        known = {"Accept": accept, "If-None-Match": answer.headers["etag"]}
        assert site.get(address, headers=known).status_code == 304


def test_the_other_way_round_things_are_removed(site: httpx.Client) -> None:
    """Any two releases can be compared in any order; what the release served does not have is no link."""
    found = site.get("/changes?from=2031.1.0&to=2030.1.0&format=json").json()
    page = site.get("/changes?from=2031.1.0&to=2030.1.0&lang=en", headers=PAGE).text

    assert {thing["kind"] for thing in found["things"]} == {"removed"}
    assert 'href="./doc/' not in page


@pytest.mark.parametrize("version", ["1999.1.0", "../2030.1.0", "%00", "."])
def test_a_release_that_is_not_there_is_told(site: httpx.Client, version: str) -> None:
    """No name becomes a path outside the folder of the releases."""
    answer = site.get(f"/changes?from={version}&to=2031.1.0&format=json")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_page_of_a_release_leads_there(site: httpx.Client) -> None:
    """Who looks at the files of a release finds what changed since the one before."""
    page = site.get("/release/2031.1.0/?lang=en", headers=PAGE).text

    assert 'href="../../changes?to=2031.1.0&amp;lang=en"' in page


def test_one_release_alone_has_nothing_to_compare(tmp_path: Path, pair: Path, start: Start) -> None:
    """Without another release the page says so, and a program is refused with what to ask."""
    with start(app(read_release(pair), project_folders().queries, tmp_path)) as client:
        assert "only one release" in client.get("/changes?lang=en", headers=PAGE).text
        assert client.get("/changes?format=atom").status_code == 404


def test_a_release_that_comes_later_is_the_one_that_is_meant(out: Path, tmp_path: Path, start: Start) -> None:
    """Who names no releases is told of the last two there are, whatever a server has answered before."""
    folder = Path(shutil.copytree(out, tmp_path / "out", symlinks=True))
    newest, next_one = (folder / "releases" / version for version in ("2031.1.0", "2032.1.0"))
    with start(app(read_release(newest), project_folders().queries, folder)) as site:
        before = site.get("/changes", params={"format": "json"}).json()
        shutil.copytree(newest, next_one)
        manifest = json.loads((next_one / MANIFEST).read_text(encoding="utf-8"))
        (next_one / MANIFEST).write_text(json.dumps({**manifest, "version": "2032.1.0"}), encoding="utf-8")
        after = site.get("/changes", params={"format": "json"}).json()

    assert (before["before"], before["after"]) == ("2030.1.0", "2031.1.0")
    assert (after["before"], after["after"]) == ("2031.1.0", "2032.1.0")
