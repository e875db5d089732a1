"""`kg cite` and `/cite`: a release and an answer of it, cited so that the reader finds just that."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from click.testing import CliRunner, Result
from fastapi import FastAPI

from kg.cli import main
from kg.core.iris import edition
from kg.core.paths import project_folders
from kg.core.release import read_release
from kg.core.stored_queries import read_query
from kg.server.app import app

from ...support.pairs import AFTER

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
NAME = "measures-by-pillar"
RELEASE = "https://w3id.org/shisaku/release/2031.1.0/"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p '100 % & {more}' }"


def cite(out: Path, *arguments: str | Path) -> Result:
    """Run the command on the second release."""
    command = ["cite", "--out", str(out), "--release", "2031.1.0", *map(str, arguments)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.fixture(scope="session")
def site(out: Path, pair: Path, start: Start) -> Iterator[httpx.Client]:
    """A client of a server of the second release."""
    with start(app(read_release(pair), project_folders().queries, out)) as client:
        yield client


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("The Shisaku Graph project (2026). Shisaku Graph, release 2031.1.0 [data set].", "edited by")),
        ("ja", ("施策グラフ プロジェクト (2026). 施策グラフ, 版2031.1.0 [データセット].", "加工して作成")),
    ],
)
def test_a_release_is_cited_with_version_address_and_source(out: Path, lang: str, words: tuple[str, ...]) -> None:
    """Who, when, what, which version, where, and the source with the fact that it was edited."""
    text = cite(out, "--lang", lang).stdout

    assert all(word in text for word in (*words, RELEASE))
    assert text.count("\n") == 1


def test_an_answer_is_cited_with_its_query(out: Path) -> None:
    """A stored query by its name, its words, an address at the release, and the digest of its text without comments."""
    text = cite(out, "--query", NAME).stdout
    query = read_query(project_folders().queries / f"{NAME}.rq").for_edition(edition(AFTER)).text
    bare = re.sub(r"^#\+.*\n", "", query, flags=re.M).strip() + "\n"

    assert f"Query: Measures by pillar ({NAME}), SHA-256 {hashlib.sha256(bare.encode()).hexdigest()[:16]}." in text
    assert f" {RELEASE}queries/{NAME}. " in text


def test_a_query_of_ones_own_is_cited_whole(out: Path, tmp_path: Path) -> None:
    """Its text is in the address, as it was given; one that is too long for that goes by its digest."""
    file = tmp_path / "mine.rq"
    file.write_text(COUNT, encoding="utf-8")
    (found,) = json.loads(cite(out, "--query", file, "--format", "csl-json").stdout)
    file.write_text(COUNT + "#" * 9000, encoding="utf-8")
    (long,) = json.loads(cite(out, "--query", file, "--format", "csl-json").stdout)

    assert parse_qs(urlsplit(found["URL"]).query) == {"query": [COUNT]}
    assert long["URL"] == f"{RELEASE}sparql"
    assert hashlib.sha256((COUNT + "#" * 9000).encode()).hexdigest()[:16] in long["note"]


def test_csl_json(out: Path) -> None:
    """One item of type dataset, with the fields of CSL 1.0.2 that a style needs."""
    (item,) = json.loads(cite(out, "--format", "csl-json").stdout)

    assert item["type"] == "dataset"
    assert item["issued"] == {"date-parts": [[2026, 11, 23]]}
    assert item["author"] == [{"literal": "The Shisaku Graph project"}]
    assert (item["version"], item["URL"]) == ("2031.1.0", RELEASE)


def test_bibtex(out: Path, tmp_path: Path) -> None:
    """One balanced entry whose fields are each on a line, with what TeX would take for commands escaped."""
    file = tmp_path / "mine.rq"
    file.write_text(COUNT, encoding="utf-8")
    text = cite(out, "--query", file, "--format", "bibtex").stdout
    fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", text, flags=re.M))

    assert re.match(r"@misc\{shisaku-graph-2031\.1\.0-[0-9a-f]{16},\n", text)
    assert text.replace(r"\{", "").replace(r"\}", "").count("{") == text.replace(r"\}", "").count("}")
    assert fields["title"] == "{Shisaku Graph}"
    assert fields["author"] == "{The Shisaku Graph project}"
    assert (fields["year"], fields["version"]) == ("2026", "2031.1.0")
    assert fields["url"].startswith(f"{RELEASE}sparql?query=SELECT")
    assert not re.search(r"(?<!\\)[%&#_$]", fields["note"])


def test_ris(out: Path) -> None:
    """The type first, the end last, each line a tag, two spaces, a hyphen and a space, ended by CR and LF."""
    data = cite(out, "--query", NAME, "--format", "ris").stdout_bytes
    lines = data.decode().split("\r\n")

    assert lines[0] == "TY  - DATA"
    assert lines[-2:] == ["ER  - ", ""]
    assert all(re.fullmatch(r"[A-Z][A-Z0-9]  - .*", line) for line in lines[:-1])
    assert "DA  - 2026/11/23" in lines
    assert f"UR  - {RELEASE}queries/{NAME}" in lines


@pytest.mark.parametrize("form", ["text", "bibtex", "csl-json", "ris"])
def test_the_site_gives_what_the_command_says(site: httpx.Client, out: Path, form: str) -> None:
    """Every format of the page is the one of the command."""
    answer = site.get("/cite", params={"query": NAME, "format": form, "lang": "en"})

    assert answer.content == cite(out, "--query", NAME, "--format", form).stdout_bytes


def cited_address(out: Path, *arguments: str | Path) -> str:
    """The address that the command prints, below the top of this site."""
    (item,) = json.loads(cite(out, *arguments, "--format", "csl-json").stdout)
    return str(item["URL"]).removeprefix("https://w3id.org/shisaku")


def test_the_cited_address_opens_the_answer(site: httpx.Client, out: Path, tmp_path: Path) -> None:
    """A person sees the rows and the query, a program gets the rows, in the form that it asks for; for ever."""
    file = tmp_path / "mine.rq"
    file.write_text("SELECT DISTINCT ?lead { ?m <def#leadOrganization> ?lead }", encoding="utf-8")
    for asked in ("revisions-to-check", file):
        address = cited_address(out, "--query", asked)
        page = site.get(address, headers={"Accept": "text/html"}, follow_redirects=True)
        rows = site.get(address, headers={"Accept": "text/csv"}, follow_redirects=True)
        names = [row.split(",")[0].rpartition("/")[2] for row in rows.text.splitlines()[1:]]

        assert page.status_code == rows.status_code == 200
        assert rows.headers["content-type"].startswith("text/csv") and names
        assert "<table" in page.text and "SELECT" in page.text
        assert [name for name in names if name not in page.text] == []
        assert rows.headers["cache-control"].endswith("immutable")


def test_a_stored_query_is_that_of_its_release(site: httpx.Client, out: Path, tmp_path: Path) -> None:
    """What a release was asked then is cited, and answered, as it was, also when the query of that name has changed."""
    copied = Path(shutil.copytree(out, tmp_path / "out", symlinks=True))
    file = copied / "releases" / "2031.1.0" / "queries.ttl"
    file.write_text(file.read_text("utf-8").replace("Measures by pillar", "Measures by column"), encoding="utf-8")
    once = site.get(f"/release/2031.1.0/queries/{NAME}?format=csv")

    assert f"Query: Measures by column ({NAME})" in cite(copied, "--query", NAME).stdout
    assert once.status_code == 303 and once.headers["cache-control"].endswith("immutable")
    assert once.headers["location"].startswith("../../2031.1.0/sparql?query=")
    assert site.get(f"/release/2031.1.0/queries/{NAME}?format=csv", follow_redirects=True).text.startswith("pillar")
    assert site.get("/release/2031.1.0/queries/no-such").status_code == 404
    assert site.get(f"/release/1999.1.0/queries/{NAME}").status_code == 404
    latest = site.get(f"/release/latest/queries/{NAME}")
    assert latest.headers["location"] == once.headers["location"].removesuffix("&format=csv")
    assert "immutable" not in latest.headers["cache-control"]


@pytest.mark.parametrize("path", ["/release/2030.1.0/", f"/queries/{NAME}", "/sparql?query=SELECT%20%2A%20%7B%7D"])
def test_pages_lead_to_their_citation(site: httpx.Client, path: str) -> None:
    """The page of a release, of a stored query and of an answer each lead to how it is cited."""
    page = site.get(path, headers={"Accept": "text/html"}).text
    (href,) = {*re.findall(r'href="([^"]*cite\?[^"]*)"', page)}
    cited = site.get("/" + href.replace("&amp;", "&").lstrip("./"), headers={"Accept": "text/html"})

    assert cited.status_code == 200
    assert ("2030.1.0" in cited.text) == ("2030" in path)


@pytest.mark.parametrize(
    ("asked", "status"),
    [("query=no-such", 404), ("version=1999.1.0", 404), ("format=docx", 406), ("query=..%2Fx", 404)],
)
def test_what_cannot_be_cited_is_refused(site: httpx.Client, asked: str, status: int) -> None:
    """A query, a release or a format that is not there is told with what there is."""
    answer = site.get(f"/cite?{asked}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
