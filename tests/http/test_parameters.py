"""Parameters of addresses: what is understood chooses, and what is not is refused or said, never passed over."""

import csv
import io
from urllib.parse import quote

import httpx
import pytest

from kg.core.paths import project_folders
from kg.core.stored_queries import ParameterError, parse_values, read_parameters, read_queries

BROWSER = {"Accept": "text/html"}
QUERIES = {query.name: query for query in read_queries(project_folders().queries)}
DAYS = """\
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
SELECT * { VALUES ?day { "2020-04-01"^^xsd:date } VALUES ?page { 1 } VALUES ?word { "a" } ?s ?p ?day, ?page, ?word }
"""


def rows(site: httpx.Client, address: str) -> list[dict[str, str]]:
    """Return the rows of the CSV at an address."""
    answer = site.get(address, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def refusal(site: httpx.Client, address: str) -> str:
    """Return the reason for which an address is refused as a bad request."""
    answer = site.get(address, follow_redirects=True)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), address
    return str(answer.json()["detail"])


@pytest.mark.parametrize(
    "value",
    [
        "standards",
        "pillar/standards",
        "id:pillar/standards",
        quote("https://w3id.org/shisaku/id/pillar/standards"),
    ],
)
def test_a_thing_goes_by_its_short_key_its_path_or_its_iri(real_site: httpx.Client, value: str) -> None:
    """Each spelling of a pillar asks for the measures of that pillar, and not for those of the default one."""
    found = rows(real_site, f"/queries/measures-of-a-pillar.csv?pillar={value}")

    assert {row["pillar_ja"] for row in found} == {"情報システムに係る規格の整備及び互換性の確保等"}


def test_several_values_and_several_parameters(real_site: httpx.Client) -> None:
    """Things can stand with commas between them; a word, days and empty fields of a form are understood, too."""
    pillars = rows(real_site, "/queries/measures-of-a-pillar.csv?pillar=standards,other&lang=en&edition=")
    words = rows(real_site, f"/queries/measures-containing-a-word.csv?word={quote('クラウド')}")
    due = rows(real_site, "/queries/targets-due-in-a-period.csv?first=2021-04-01&last=2022-03-31")

    assert len({row["pillar_ja"] for row in pillars}) == 2
    assert any("クラウド" in row["title"] for row in words)
    assert due and all("2021-04-01" <= row["deadline"] <= "2022-03-31" for row in due)


@pytest.mark.parametrize(
    ("asked", "reasons"),
    [
        ("measures-of-a-pillar.csv?piller=standards", ["piller is not a parameter", "pillar=data-use", "edition"]),
        ("measures-of-a-pillar.csv?pillar=standardz", ["standardz", "standards", "7 in all"]),
        ("measures-of-a-pillar.csv?pillar=organization/mic", ["names no pillar", "pillar=data-use"]),
        ("measures-of-a-pillar.csv?pillar=a b", ["names no pillar"]),
        ("targets-due-in-a-period.csv?first=2020", ["is not a valid date", "first=2020-04-01"]),
        ("targets-due-in-a-period.csv?last=2021-02-31", ["is not a valid date"]),
        ("rows-of-a-page.csv?page=one", ["is not a valid integer", "page=1"]),
        ("targets-by-fiscal-year.csv?role=goal", ["these data have no goal", "baseline"]),
        ("things-linked-by-kind.csv?kind=x", ["which has none"]),
        ("measures-of-a-pillar.csv?pillar=standards&lang=zz", ["lang=zz"]),
        ("measures-of-a-pillar.csv?pillar=,", ["these data have no", "data-use"]),
        ("targets-due-in-a-period.csv?first=2020-04-01&first=2021-04-01", ["first", "twice"]),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is_known(
    real_site: httpx.Client, asked: str, reasons: list[str]
) -> None:
    """A mistyped name or value of a stored query gets 400 with what is known, never the answer to another question."""
    told = refusal(real_site, f"/queries/{asked}")

    assert [reason for reason in reasons if reason not in told] == [], told


@pytest.mark.parametrize(
    "address",
    [
        "/pictures?year=2020",
        "/doc/organization/mic.ttl?depth=2",
        "/queries?tag=kpis",
        "/queries?subject=kpi",
        "/queries/measures-by-pillar?pillar=other",
        "/changes?old=2019.1.0",
        "/cite?querry=measures-by-pillar",
        "/lookup?uri=https://example.org/",
        "/quality?lang=fr",
        "/browse.csv?pilar=other",
        "/search?words=x",
        "/source/municipal-2019?page=x",
        "/doc/organization/mic?page=x",
        "/browse.csv?lang=zz",
        "/pictures?lang=ja&lang=en",
        "/search?q=x&lang=zz",
        "/search?type=nope",
        "/search?q=x&edition=municipal-2020",
        "/queries?term=zzz",
        "/terms.json?prefix=skos",
        "/release/2019.1.0/?name=graph",
        "/release/2019.1.0/measures.csv?pillar=standards",
        "/release/latest?version=2019.1.0",
        "/sparql?qeury=ASK%7B%7D",
    ],
)
def test_no_route_passes_over_a_parameter(real_site: httpx.Client, address: str) -> None:
    """A program that names a parameter that a route does not read, or gives it no possible value, is told so."""
    assert refusal(real_site, address)


def test_a_stored_query_of_a_release_takes_the_same_parameters(real_site: httpx.Client) -> None:
    """Below a release, too, an address chooses what a query is about, or is refused; a format is passed on."""
    address = "/release/2019.1.0/queries/measures-of-a-pillar"
    found = rows(real_site, f"{address}?pillar=standards&format=csv")
    plain = rows(real_site, f"{address}?format=csv")

    assert {row["pillar_ja"] for row in found} == {"情報システムに係る規格の整備及び互換性の確保等"}
    assert found != plain
    assert "piller is not a parameter" in refusal(real_site, f"{address}?piller=standards")
    assert "names no pillar" in refusal(real_site, f"{address}?pillar=organization/mic")


def test_what_is_asked_for_and_not_there_is_an_empty_answer(real_site: httpx.Client) -> None:
    """Values that the data know narrow down to nothing; a term that no query uses is one all the same."""
    nothing = real_site.get("/search", params={"q": "ヴヴヴヴ", "type": "measure"})

    assert (nothing.status_code, nothing.json()["total"]) == (200, 0)
    assert real_site.get("/queries?term=http://example.org/none").json() == []


@pytest.mark.parametrize(
    "path", ["/", "/about", "/pictures", "/quality", "/queries", "/doc/organization/mic", "/sparql"]
)
def test_a_person_gets_the_page_and_is_told(real_site: httpx.Client, path: str) -> None:
    """An address that grew a parameter on its way shows its page, which names what it does not use."""
    answer = real_site.get(f"{path}?utm_source=letter&lang=en-GB", headers=BROWSER)

    assert answer.status_code == 200
    assert "<code>utm_source</code>" in answer.text
    assert '<html lang="en">' in answer.text


def test_the_editor_says_what_it_does_not_understand(real_site: httpx.Client) -> None:
    """A stored query is opened about what the address chooses; an unknown name, parameter or value is said."""
    opened = real_site.get("/sparql?stored=measures-of-a-pillar&pillar=standards", headers=BROWSER)
    unknown = real_site.get("/sparql?stored=measures-of-pillar", headers=BROWSER)
    mistyped = real_site.get("/sparql?stored=measures-of-a-pillar&pilar=standards", headers=BROWSER)

    assert (opened.status_code, "id/pillar/standards&gt;" in opened.text) == (200, True)
    assert (unknown.status_code, "measures-of-a-pillar" in unknown.text) == (404, True)
    assert (mistyped.status_code, "pilar is not a parameter" in mistyped.text) == (400, True)


def test_parameters_stand_on_the_page_in_the_list_and_in_openapi(real_site: httpx.Client) -> None:
    """A person, a program and a generated client each find what can be chosen and what a value looks like."""
    page = real_site.get("/queries/measures-of-a-pillar?lang=en", headers=BROWSER).text
    listed = {query["name"]: query["parameters"] for query in real_site.get("/queries").json()}
    described = real_site.get("/openapi.json").json()["paths"]["/queries/{name}.csv"]["get"]["parameters"]
    pillar = next(parameter for parameter in described if parameter["name"] == "pillar")

    assert "measures-of-a-pillar.csv?pillar=data-use" in page
    assert listed["measures-of-a-pillar"][0] == {"name": "pillar", "kind": "thing", "default": ["data-use"]}
    assert listed["targets-due-in-a-period"][1] == {"name": "first", "kind": "date", "default": ["2020-04-01"]}
    assert "data-use" in pillar["description"] and "measures-of-a-pillar" in pillar["description"]


def test_subjects_and_terms_narrow_the_list_for_programs_too(real_site: httpx.Client) -> None:
    """`/queries?subject=` and `?term=` choose the same queries as JSON and on the page."""
    by_subject = real_site.get("/queries?subject=kpis").json()
    by_term = real_site.get("/queries?term=shisaku:pillar").json()

    assert by_subject and all("kpis" in query["tags"] for query in by_subject)
    assert 0 < len(by_term) < len(QUERIES)
    assert "measures-of-a-pillar" in {query["name"] for query in by_term}


@pytest.mark.parametrize("name", QUERIES)
def test_every_default_can_be_given_as_it_is_shown(name: str) -> None:
    """What a page shows as the value of a parameter chooses exactly the terms that stand in the query."""
    for parameter in QUERIES[name].parameters:
        values = parse_values([parameter], [(parameter.name, example) for example in dict.fromkeys(parameter.examples)])
        assert set(values[parameter.name]) == set(parameter.defaults)


@pytest.mark.parametrize(
    ("name", "text"),
    [("day", "2021-02-29"), ("day", "令和2年"), ("day", "２０２０-04-01"), ("page", "1.0"), ("page", "")],
)
def test_a_literal_has_the_form_of_its_datatype(name: str, text: str) -> None:
    """Days that the calendar lacks, full-width digits and fractions of a page are no values; what is empty is none."""
    parameters = read_parameters(DAYS, ["day", "page", "word"])
    if text:
        with pytest.raises(ParameterError, match=f"{name}: "):
            parse_values(parameters, [(name, text)])
    else:
        assert parse_values(parameters, [(name, text)]) == {}


def test_text_of_a_request_never_becomes_part_of_a_query() -> None:
    """Quotes, braces and lines of SPARQL in a word stay one literal."""
    (word,) = parse_values(read_parameters(DAYS, ["word"]), [("word", 'x" } DROP ALL { "')])["word"]

    assert word.value == 'x" } DROP ALL { "'
    assert str(word) == '"x\\" } DROP ALL { \\""'


def test_a_parameter_without_its_line_is_a_fault_of_the_file() -> None:
    """Who declares a parameter that no VALUES line holds, or two lines that differ, is told so."""
    with pytest.raises(ParameterError, match="0 different lines"):
        read_parameters(DAYS, ["year"])
    with pytest.raises(ParameterError, match="2 different lines"):
        read_parameters(DAYS.replace("}\n", "VALUES ?page { 2 } }\n"), ["page"])
