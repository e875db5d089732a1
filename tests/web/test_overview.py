"""Pictures of all measures, and the quality of the data: drawn from stored queries, for any data, never too large."""

import csv
import html
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI

from kg.core.paths import project_folders
from kg.server.app import app

HTML = {"Accept": "text/html"}
ID, DEF = "https://w3id.org/shisaku/id/", "https://w3id.org/shisaku/def#"
LARGEST = 100 * 1024
Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
Row = dict[str, str]


def page(site: httpx.Client, path: str, **parameters: str) -> str:
    """Return a page in English."""
    answer = site.get(path, params={"lang": "en", **parameters}, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(site: httpx.Client, path: str) -> list[Row]:
    """Return the rows of a table in CSV, wherever its address leads."""
    answer = site.get(path, follow_redirects=True)
    assert answer.headers["content-type"].startswith("text/csv"), answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def figure(text: str, name: str) -> str:
    """Return one picture of a page."""
    return text[text.index(f'<figure class="picture" id="{name}"') :].partition("</figure>")[0]


def links(text: str, pattern: str = "") -> list[str]:
    """Return where the links in a piece of a page lead."""
    return [html.unescape(href) for href in re.findall(rf'<a href="([^"]*{pattern}[^"]*)"', text)]


@pytest.fixture(scope="module")
def pictures(real_site: httpx.Client) -> str:
    """The pictures of the real release."""
    return page(real_site, "/pictures")


@pytest.fixture(scope="module")
def quality(real_site: httpx.Client) -> str:
    """The page about the quality of the real release."""
    return page(real_site, "/quality")


@pytest.fixture(scope="session")
def many() -> list[str]:
    """A thousand measures of many pillars and ministries, and a few of an older edition, as lines of Turtle."""
    said = []

    def state(subject: str, **facts: str) -> None:
        for name, value in facts.items():
            term = value if value.startswith(('"', "<")) else f"<{ID}{value}>"
            said.append(f"<{ID}{subject}> <{name if ':' in name else DEF + name}> {term} .")

    kind, label = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", "http://www.w3.org/2004/02/skos/core#prefLabel"
    for year, count in ((2030, 1000), (2020, 3)):
        edition = f"edition/table-{year}"
        state(edition, **{kind: f"<{DEF}Edition>"}, plan=f"plan/{year}")
        for number in range(count):
            measure = f"table-{year}/measure/{number}"
            state(measure, **{kind: f"<{DEF}Measure>"}, edition=edition, measureNumber=f'"{number:04}"')
            state(measure, pillar=f"pillar/p{number % 17}", leadOrganization=f"organization/o{number % 40}")
            state(
                measure,
                participatingOrganization=f"organization/o{(number * 7 + number // 40) % 40}",
                kpi=f"{measure}/kpi/1",
            )
            state(f"{measure}/kpi/1", target=f"{measure}/kpi/1/target-1")
            target = f"{measure}/kpi/1/target-1"
            state(target, targetRole="target-role/target", printedText='"令和の目標"@ja', value='"1"')
            state(target, period=f"fiscal-year/{2020 + number % 30}")
    for number in range(40):
        words = "Ministry of a rather long name, with two halves"
        said.append(f'<{ID}organization/o{number}> <{label}> "{words} {number}"@en , "第{number}省"@ja .')
        said.append(f'<{ID}pillar/p{number}> <{label}> "The {number}th pillar of use and interoperability"@en .')
    for year in range(2020, 2050):
        day = f'"{year + 1}-03-31"^^<http://www.w3.org/2001/XMLSchema#date>'
        said.append(f"<{ID}fiscal-year/{year}> <http://schema.org/endDate> {day} .")
    return said


@contextmanager
def serving(folder: Path, start: Start, lines: list[str]) -> Iterator[httpx.Client]:
    """Serve statements; give a client."""
    (folder / "data.ttl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with start(app([folder / "data.ttl"], project_folders().queries, folder)) as client:
        yield client


@pytest.fixture(scope="session")
def thousand(tmp_path_factory: pytest.TempPathFactory, start: Start, many: list[str]) -> Iterator[httpx.Client]:
    """A client of a server of the thousand measures."""
    with serving(tmp_path_factory.mktemp("thousand"), start, many) as client:
        yield client


@pytest.fixture(scope="session")
def shuffled(tmp_path_factory: pytest.TempPathFactory, start: Start, many: list[str]) -> Iterator[httpx.Client]:
    """A client of a server of the same in another order."""
    lines = random.Random(1).sample(many, len(many))
    with serving(tmp_path_factory.mktemp("shuffled"), start, lines) as client:
        yield client


def test_each_field_leads_to_as_many_measures_as_it_says(real_site: httpx.Client, pictures: str) -> None:
    """Number and link of each field of the heat map are those of the list of measures, the ones without a lead too."""
    fields = re.findall(r'<a href="\./browse(\?[^"]*)"[^>]* class="field[^>]*>.*?>(\d+)</text>', pictures)

    assert len(fields) == len(rows(real_site, "/queries/measures-by-pillar-and-lead.csv")) == 30
    assert any("lead=-" in query for query, _ in fields) and any("pillar=-" in query for query, _ in fields)
    for query, number in fields:
        assert real_site.get(f"/browse.json{html.unescape(query)}").json()["total"] == int(number), query


def test_each_target_has_its_mark_and_those_without_a_date_are_told(real_site: httpx.Client, pictures: str) -> None:
    """One link for each target of the query; what has no date, or recurs, is counted in words."""
    found = rows(real_site, "/queries/targets-on-a-time-line.csv")
    drawing = figure(pictures, "timeline").partition("</svg>\n</div>")[0]
    targets = [urljoin("/pictures", href).partition("?")[0] for href in links(drawing)]

    assert Counter(targets) == Counter(row["target"].replace(ID, "/doc/") for row in found)
    milestones = drawing.count('class="milestone"') + drawing.count('class="milestone elsewhere"')
    assert milestones == 1 + sum(row["milestone"] == "true" for row in found)  # and the legend
    undated = [row for row in found if not row["fiscal_year"]]
    yearly = sum(row["role"].endswith("/recurring") for row in undated)
    assert f"{len(undated) - yearly} targets have no time printed and {yearly} recur every year" in drawing
    other = [row for row in found if row["period_kind"] not in ("", "fiscal-year")]
    assert drawing.count(' elsewhere"') == 1 + len(other) and f"is printed ({len(other)})" in drawing
    assert len(other) == 8, "calendar years and a month are told apart from fiscal years"
    assert "FY 2022: 0" in drawing, "a year without targets has its place on the line"


def test_the_network_has_a_line_for_each_pair(real_site: httpx.Client, pictures: str) -> None:
    """Its lines are the pairs of the query, wider for more measures; its discs are the ministries, each with a link."""
    found = rows(real_site, "/queries/pairs-of-ministries.csv")
    drawing = figure(pictures, "network")
    edges = re.findall(r'stroke-width="([\d.]+)"><title>.*?: (\d+) shared measures', drawing)
    widths = {int(measures): float(width) for width, measures in edges}

    assert sorted(int(measures) for _, measures in edges) == sorted(int(row["measures"]) for row in found)
    assert [widths[measures] for measures in sorted(widths)] == sorted(widths.values())
    named = {row[end].replace(ID, "/doc/") for row in found for end in ("one", "other")}
    discs = re.findall(r'<a href="\.([^"?]*)[^>]*class="node"', drawing)
    assert len(discs) == len(named) and set(discs) == named


@pytest.mark.parametrize("name", ["heat", "timeline", "network"])
def test_each_picture_shows_its_data_and_its_query(real_site: httpx.Client, pictures: str, name: str) -> None:
    """The table under a picture, the query in the editor and the CSV say the same; it has a name and a description."""
    drawn = figure(pictures, name)
    editor, table = (next(iter(links(drawn, pattern))) for pattern in (r"sparql\?", r"\.csv"))
    text = real_site.get(urljoin("/pictures", editor), headers=HTML).text
    query = html.unescape(text[text.index("<textarea") :].partition(">\n")[2].partition("</textarea>")[0])
    asked = real_site.post("/sparql", data={"query": query, "format": "json"}).json()["results"]["bindings"]
    listed = drawn[drawn.index("<tbody>") : drawn.index("</tbody>")].count("<tr>")

    assert len(asked) == listed == len(rows(real_site, urljoin("/pictures", table))) > 10
    assert re.search(
        rf'role="group" aria-labelledby="{name}-drawing-title" aria-describedby="{name}-drawing-about"', drawn
    )
    assert f'<title id="{name}-drawing-title">' in drawn and f'<desc id="{name}-drawing-about">' in drawn


def test_the_quality_page_counts_what_the_tables_have(real_site: httpx.Client, quality: str) -> None:
    """What is open, what was remarked on, corrected and in doubt: the numbers of the release, each with its query."""
    points = {words: int(n) for n, words in re.findall(r"<li><b>(\d+)</b> <(?:a [^>]*|span)>([^<]*)<", quality)}
    measures = rows(real_site, "/release/latest/measures.csv")
    judged = Counter(row["action"] for row in rows(real_site, "/release/latest/corrections.csv"))
    results = real_site.get("/release/latest/validation.ttl", follow_redirects=True).text.count("a sh:ValidationResult")
    tally = [int(number) for number in re.findall(r'class="tally">(\d+)<', quality.partition('id="issues"')[0])]

    assert points["measures without a pillar"] == sum(not row["pillar"] for row in measures)
    assert points["measures without a lead (◎)"] == sum(not row["lead"] for row in measures)
    assert points["doubtful readings, left as printed"] == judged["flag"]
    assert sum(tally) == results > 300
    assert f'id="corrections">Corrections and their evidence <span class="count">{judged["replace"]}<' in quality
    for name in ("what-is-left-open", "completeness-by-column", "validation-by-shape", "issues-by-type"):
        assert links(quality, rf"sparql\?stored={name}") and links(quality, rf"queries/{name}\.csv"), name


def test_each_column_is_read_empty_or_unread(real_site: httpx.Client, quality: str) -> None:
    """The three numbers of a column make all measures; a mark whose column is unknown is not counted as read."""
    found = {row["column"].rpartition("/")[2]: row for row in rows(real_site, "/queries/completeness-by-column.csv")}
    measures = rows(real_site, "/release/latest/measures.csv")
    drawn = figure(quality, "completeness")

    assert {sum(int(row[state]) for state in ("filled", "empty", "unread")) for row in found.values()} == {82}
    assert int(found["pillar"]["filled"]) == sum(bool(row["pillar"]) for row in measures)
    assert int(found["effects"]["unread"]) == sum(row["effects_uncertain"] == "true" for row in measures)
    assert re.search(r'class="unread"[^>]*><title>printed, but could not be read: 8 measures', drawn)


def test_places_lead_to_the_source(real_site: httpx.Client, quality: str) -> None:
    """From a remark, an issue and a correction one link leads to the printed cell, beside what was read from it."""
    found = links(quality, r"\./source/")
    words = r"<del><bdi>デジタルデバйд対策</bdi></del> → <ins><bdi>デジタルデバイド対策</bdi></ins>"

    assert len(found) > 80 and re.search(words, quality)
    for href in (found[0], found[len(found) // 2], found[-1]):
        assert real_site.get(urljoin("/quality", href), headers=HTML, follow_redirects=True).status_code == 200


def test_a_stored_query_is_about_what_its_address_names(real_site: httpx.Client) -> None:
    """By an IRI or what follows id/; what is no line of the query, or no thing, is refused; 404 for no query."""
    named = "/queries/neighbours-of-a-thing.csv"
    other = rows(real_site, f"{named}?thing=organization/mic")

    assert rows(real_site, f"{named}?thing={ID}organization/mic") == other != rows(real_site, named)
    for refused in ("nothing=organization/mic", "thing=a/%3E%20%7D%20SELECT", "thing.*=organization/mic", "thing=2"):
        assert real_site.get(f"{named}?{refused}").status_code == 400, refused
    text = real_site.get("/sparql?stored=neighbours-of-a-thing&thing=organization/mic", headers=HTML).text
    assert html.unescape(text).count(f"VALUES ?thing {{ <{ID}organization/mic> }}") == 2
    assert real_site.get("/queries/nothing.csv").status_code == 404


def test_corrections_and_doubts_are_counted_apart(real_site: httpx.Client) -> None:
    """The first page counts where another text is read, and apart from that where a doubtful one stays as printed."""
    judged = Counter(row["action"] for row in rows(real_site, "/release/latest/corrections.csv"))
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page(real_site, "/")))

    assert f" corrections {judged['replace']} " in text
    assert f" doubtful readings {sum(judged.values()) - judged['replace']} " in text


def test_data_without_measures_are_said_to_have_none(start: Start, tmp_path: Path) -> None:
    """A file of anybody has neither editions nor measures: the pages say so, and draw nothing."""
    with serving(tmp_path, start, ["<http://e/a> <http://e/b> <http://e/c> ."]) as client:
        texts = [page(client, path) for path in ("/pictures", "/quality")]

    for text in texts:
        assert "There are no measures in these data" in text
        assert 'class="drawing' not in text


def test_an_edition_is_chosen_and_the_newest_is_shown(thousand: httpx.Client) -> None:
    """Without a choice the edition of the newest plan; another by ?edition=, also behind its links; else 404."""
    newest, older = page(thousand, "/pictures"), page(thousand, "/pictures", edition="table-2020")

    assert re.search(r'lang=en&amp;edition=table-2030" aria-current="true"', newest)
    assert re.search(r'lang=en&amp;edition=table-2020" aria-current="true"', older)
    fields = re.findall(r'href="\./browse(\?[^"]*edition=table-2020[^"]*)"[^>]* class="field', older)
    assert len(fields) == 3
    assert thousand.get(f"/browse.json{html.unescape(fields[0])}").json()["total"] == 1
    assert len(rows(thousand, urljoin("/pictures", links(figure(older, "timeline"), r"\.csv")[0]))) == 3
    missing = thousand.get("/pictures", params={"edition": "nothing"})
    assert missing.status_code == 404 and missing.json()["near"] == ["table-2030", "table-2020"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", ["/pictures", "/quality"])
def test_a_thousand_measures_are_no_longer_page(thousand: httpx.Client, shuffled: httpx.Client, path: str) -> None:
    """What has no room is counted, and in the CSV; in whatever order the data came, the page is the same."""
    one, other = (page(site, path) for site in (thousand, shuffled))

    assert one == other
    assert len(one.encode()) < LARGEST
    if path == "/pictures":
        assert re.search(r"There is no room for \d+ ministries and \d+ pillars", one)
        assert "fewer partners have no room in it" in one and "the widest 72 lines" in one
        assert "These are the first 30 rows; the CSV has all." in one
        csv_of = links(figure(one, "timeline"), r"\.csv")[0]
        assert len(rows(thousand, urljoin("/pictures", csv_of))) == 1000


@pytest.mark.parametrize("path", ["/pictures", "/quality"])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_pages_are_small(real_site: httpx.Client, path: str, lang: str) -> None:
    """Under 100 KB, without any script; the same bytes again are not sent twice."""
    answer = real_site.get(path, params={"lang": lang}, headers=HTML)

    assert len(answer.content) < LARGEST and "<script" not in answer.text
    again = real_site.get(path, params={"lang": lang}, headers={**HTML, "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_what_stands_around_a_thing_is_counted_as_the_query_does(real_site: httpx.Client) -> None:
    """The first of each relation are drawn and the rest counted; query and CSV have them all."""
    drawn = figure(page(real_site, "/doc/organization/mic"), "neighbours")
    found = rows(real_site, urljoin("/doc/organization/mic", links(drawn, r"\.csv")[0]))
    led = [row for row in found if row["property"] == f"{DEF}leadOrganization"]
    drawing = drawn.partition("</svg>")[0]
    things = [urljoin("/doc/organization/", href).partition("?")[0] for href in links(drawing)]

    assert {row["direction"] for row in found} == {"from", "to"}
    block = drawing[drawing.index("Measures that it leads<") :].partition("</g>")[0]
    assert len(links(block)) == 4 and f"and {len(led) - 4} more" in block
    assert len(things) >= 12
    assert {each for each in things if each.startswith("/doc/")} <= {row["other"].replace(ID, "/doc/") for row in found}


def test_a_measure_tells_search_engines_what_it_is(real_site: httpx.Client) -> None:
    """JSON-LD in the words of schema.org, allowed by its hash alone; other things have none."""
    answer = real_site.get("/doc/municipal-2019/measure/01-05", params={"lang": "en"}, headers=HTML)
    told = json.loads(answer.text.partition('<script type="application/ld+json">')[2].partition("</script>")[0])

    assert (told["@type"], told["identifier"]) == ("GovernmentService", "01-05")
    assert told["@id"] == f"{ID}municipal-2019/measure/01-05" and told["name"] in answer.text
    assert told["provider"] == [
        {
            "@type": "GovernmentOrganization",
            "@id": f"{ID}organization/mic",
            "name": "Ministry of Internal Affairs and Communications",
        }
    ]
    assert re.search(r"script-src 'sha256-[^']+';", answer.headers["content-security-policy"])
    ministry = real_site.get("/doc/organization/mic", headers=HTML)
    assert "<script" not in ministry.text and "script-src" not in ministry.headers["content-security-policy"]
