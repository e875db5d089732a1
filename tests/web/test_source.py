"""The source page: every character as printed, beside what was read from it, and the ways to and fro."""

import csv
import html
import re
from collections.abc import Iterator

import httpx
import pytest

from kg.core.paths import project_folders
from kg.core.release import Release
from kg.server.app import app

HTML = {"Accept": "text/html"}
EDITION = "municipal-2019"
SOURCE = project_folders().recipe / "sources" / EDITION / "measures-2019.txt"
CELL = re.compile(r'<tr[^>]* id="(row/[^"]*)">.*?<td[^>]*>(.*?)</td>\s*<td>(.*?)</td>', re.DOTALL)


def read(site: httpx.Client, path: str, **parameters: str) -> str:
    """Return a page of the source."""
    answer = site.get(f"/source/{EDITION}{path}", params={"lang": "ja", **parameters}, headers=HTML)
    assert answer.status_code == 200, path
    return answer.text


def text_of(markup: str) -> str:
    """Return the text of a piece of a page, with every character of it."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def test_every_cell_of_the_document_is_shown_as_it_is_printed(real_site: httpx.Client) -> None:
    """The text of each cell of each page is what the file holds, to the character, with no cell left out."""
    lines = SOURCE.read_text(encoding="utf-8").split("\n")
    shown = {}
    for number in range(1, 12):
        page = read(real_site, f"/page/{number}")
        for section in re.split(r'(?=<section class="printed-row")', page)[1:]:
            [numbers] = re.findall(r'<caption class="unseen">(\d+)行目|見出し\((\d+)行目\)', section)
            line = int("".join(numbers))
            cells = [text_of(text) for _, text, _ in CELL.findall(section)]
            shown[line] = [cell for cell in cells if cell != "(空)"]
    for line, cells in shown.items():
        if cells:
            assert cells == [cell for cell in lines[line - 1].split("\t") if cell], line

    assert sum(bool(cells) for cells in shown.values()) == 82
    assert len(shown) == 82 + 2 * 11 + 10


def test_values_stand_beside_their_characters(real_site: httpx.Client) -> None:
    """A KPI, its target with number, unit and period, names of things with links: each at the cell it was read from."""
    cells = {anchor: (printed, beside) for anchor, printed, beside in CELL.findall(read(real_site, "/row/55"))}
    kpi, organizations = cells["row/55/cell/4"], cells["row/55/cell/16"]

    assert '<span class="target kpi">令和2年度末までに延べ26か所</span>' in kpi[0]
    assert "26" in text_of(kpi[1]) and "箇所" in text_of(kpi[1]) and "令和2年度" in text_of(kpi[1])
    assert re.search(r'◎<a href="[^"]*/doc/organization/mic\?lang=ja" title="主担当[^"]*">総務省</a>', organizations[0])
    assert "データ利活用型ICTスマートシティの推進" in text_of(cells["row/55/cell/2"][1])


def test_corrections_and_doubts_are_marked_with_their_reasons(real_site: httpx.Client, real: Release) -> None:
    """Each decision of the release is marked in the printed text, once on its page, and told beside it."""
    with (real.folder / "corrections.csv").open(encoding="utf-8", newline="") as file:
        decided = list(csv.DictReader(file))
    pages = "".join(read(real_site, f"/page/{number}") for number in range(1, 12))
    marked = [
        text_of(words)
        for words in re.findall(
            r'<(?:a href="[^"]*"|span) class="(?:[a-z]+ )*(?:corrected|doubtful)[^>]*>(.*?)</', pages
        )
    ]

    assert len(decided) == 41
    for row in decided:
        assert pages.count(f'<span class="unseen"> {row["id"]}</span>') == 1, row["id"]
        assert any(words in row["printed"] for words in marked)
    assert "文字認識でキリル文字と読み誤られている。" in pages


def test_what_cannot_be_seen_is_shown_on_demand(real_site: httpx.Client) -> None:
    """Spaces and control characters get signs with their names; without them the text is as it was."""
    plain, signs = read(real_site, "/row/29"), read(real_site, "/row/29", white="1")

    assert 'title="U+0020 SPACE"' in signs and 'class="unprinted"' not in plain
    assert text_of(signs).count("·") > text_of(plain).count("·")
    assert "white=1" in plain.split('class="tools"')[1].split("</div>")[0]
    assert "white=" not in signs.split('class="tools"')[1].split("</div>")[0]


def test_from_a_value_to_its_cell_and_back(real_site: httpx.Client) -> None:
    """A measure's page leads to each of its cells on their page, the cell back to the measure and to its values."""
    measure = real_site.get("/doc/municipal-2019/measure/08-03?lang=ja", headers=HTML).text
    there = set(re.findall(rf'href="[./]*/(source/{EDITION}/row/55/cell/\d+)\?lang=ja"', measure))
    cell = real_site.get("/source/municipal-2019/row/55/cell/4?lang=ja", headers=HTML)
    mention = real_site.get("/source/municipal-2019/row/55/cell/16/mention/1", headers=HTML)
    page = real_site.get(cell.headers["location"].partition("#")[0].replace("../" * 5, "/"), headers=HTML).text

    assert len(there) >= 12
    assert cell.status_code == 303
    assert cell.headers["location"].endswith(f"source/{EDITION}/page/8?lang=ja#row/55/cell/4")
    assert mention.headers["location"].endswith("page/8#row/55/cell/16")
    assert 'id="row/55/cell/4"' in page
    assert "doc/municipal-2019/measure/08-03/kpi/effect-1/target-1?lang=ja" in page


def test_every_cell_has_one_anchor(real_site: httpx.Client) -> None:
    """Also those that are empty and told together: an address of a cell never leads to the top of the page."""
    for number in (2, 6):
        page = read(real_site, f"/page/{number}")
        anchors = re.findall(r' id="([^"]*)"', page)
        cells = [anchor for anchor in anchors if "/cell/" in anchor]

        assert len(set(anchors)) == len(anchors)
        assert {f"row/{row}/cell/1" for row in re.findall(r'id="row/(\d+)"', page)} <= set(cells)
        assert all(f'id="{there}"' in page for there in re.findall(r'href="#(row/[^"]*)"', page))


def test_the_index_lists_all_pages_and_rows_with_their_marks(real_site: httpx.Client) -> None:
    """Eleven pages and what stands before them, 82 rows, in both languages; where it is one edition, at /source too."""
    japanese, english = read(real_site, ""), read(real_site, "", lang="en")
    only = real_site.get("/source?lang=en", headers=HTML)

    assert only.headers["location"] == "./source/municipal-2019?lang=en"
    assert len(re.findall(r'href="[^"]*/page/\d+\?lang=ja#row/[^"]*"', japanese)) == 82
    assert "11頁" in japanese and "Page 11" in english
    assert "Promoting ICT smart cities based on data use" in english
    assert japanese.count('class="badge') >= 40


def test_a_row_before_the_first_page_has_a_page_of_its_own(real_site: httpx.Client) -> None:
    """What stands before page 1 is counted as page 0, and its rows are shown like all others."""
    query = "PREFIX s: <https://w3id.org/shisaku/def#> SELECT ?row { ?row a s:SourceRow ; s:page 0 } LIMIT 1"
    (row,) = real_site.get("/sparql", params={"query": query, "format": "json"}).json()["results"]["bindings"]
    path = row["row"]["value"].partition("/id/")[2]

    assert real_site.get(f"/{path}?lang=ja", headers=HTML).status_code == 200


@pytest.mark.parametrize(
    "path", ["/nowhere", "/municipal-2019/page/99", "/municipal-2019/page/x", "/municipal-2019/row/0", "/a%20b/page/1"]
)
def test_places_that_are_not_there(real_site: httpx.Client, path: str) -> None:
    """404 on a page in the language of the reader, and as a problem document for a program."""
    page = real_site.get(f"/source{path}?lang=ja", headers=HTML)

    assert page.status_code == 404 and "原典のこの場所はこのデータにありません。" in page.text
    assert real_site.get(f"/source{path}").json()["status"] == 404


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, start) -> Iterator[httpx.Client]:  # type: ignore[no-untyped-def]
    """A server of a source that a stranger made: markup, turned text, offsets that lie, a cell of 100 KB."""
    base, def_ = "https://w3id.org/shisaku/id/", "https://w3id.org/shisaku/def#"
    row, cell, edition = f"{base}source/x/row/1", f"{base}source/x/row/1/cell/1", f"{base}edition/x"
    script = "<script>document.title='run'</script>"
    long = "W" * 100_000
    lines = f"""
<{edition}> a <{def_}Edition> ; dcterms:title "{script}"@ja .
<{row}> a <{def_}SourceRow> ; dcterms:isPartOf <{edition}> ; s:page 1 ; s:line 1 ; s:cell <{cell}> , <{cell}0> .
<{cell}> s:position 1 ; s:start 0 ; s:printedText "{script}\u202egnp.exe\u0007 a" ; dcterms:isPartOf <{row}> .
<{cell}0> s:position 2 ; s:start 9 ; s:printedText "{long}" ; dcterms:isPartOf <{row}> .
<{base}m> a <{def_}Measure> ; prov:wasDerivedFrom <{row}> ; dcterms:title "</h2>{script}"@ja .
<{base}k> a <{def_}Kpi> ; prov:wasDerivedFrom <{cell}> ; s:start 4000 ; s:end 3 ; dcterms:description "{script}"@ja .
<{base}n> oa:hasTarget <{base}t> ; oa:hasBody <javascript:alert(1)> ; s:asProperty <{def_}lead> .
<{base}t> oa:hasSource <{cell}> ; oa:hasSelector <{base}p> . <{base}p> oa:start 0 ; oa:end 99999999 .
"""
    prefixes = "".join(
        f"@prefix {name}: <{iri}> .\n"
        for name, iri in {
            "s": def_,
            "dcterms": "http://purl.org/dc/terms/",
            "prov": "http://www.w3.org/ns/prov#",
            "oa": "http://www.w3.org/ns/oa#",
        }.items()
    )
    folder = tmp_path_factory.mktemp("source")
    (folder / "data.ttl").write_text(prefixes + lines, encoding="utf-8")
    with start(app([folder / "data.ttl"], project_folders().queries, folder)) as client:
        yield client


@pytest.mark.parametrize("path", ["", "/page/1", "/page/1?white=1", "/row/1"])
def test_a_strange_source_is_shown_safely(hostile: httpx.Client, path: str) -> None:
    """What is printed is text; lying offsets cut nothing off; what is no address is no link; long cells have an end."""
    page = hostile.get(f"/source/x{path}", headers=HTML)

    assert page.status_code == 200
    assert "<script" not in page.text and 'href="javascript' not in page.text
    assert "white" not in path or "\u0007" not in page.text
    assert len(page.content) < 100 * 1024
