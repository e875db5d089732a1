"""The stored queries on the release that the recipe of this checkout makes, against its tables."""

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, QuerySolutions, QueryTriples, Store

from kg.core.paths import project_folders
from kg.core.release import Release
from kg.core.sparql_scanner import calls_service
from kg.core.store_loader import open_release
from kg.core.stored_queries import read_query

QUERIES = project_folders().queries
# Those that ask a second endpoint are asked with one in tests/docs.
NAMES = sorted(file.stem for file in QUERIES.glob("*.rq") if not calls_service(file.read_text(encoding="utf-8")))
# Those about what this checkout has none of, a second edition or a local plan, are asked in tests/web/editions.
OF_OTHERS = {
    *("measures-that-continue-earlier-ones", "revisions-to-check"),
    *("national-support-behind-a-plan", "measures-cited-by-local-plans"),
}
ID = "https://w3id.org/shisaku/id/"

Row = dict[str, str]
Ask = Callable[[str], list[Row]]


@pytest.fixture(scope="module")
def store(real: Release) -> Store:
    """The graph of the release, as the server opens it."""
    return open_release(real)


@pytest.fixture(scope="module")
def ask(store: Store) -> Ask:
    """Answer a stored query: a dictionary for each row, empty where a variable is unbound."""

    def answer(name: str) -> list[Row]:
        results = store.query(read_query(QUERIES / f"{name}.rq").text)
        assert isinstance(results, QuerySolutions)
        names = [variable.value for variable in results.variables]
        return [{name: getattr(row[name], "value", "") for name in names} for row in results]

    return answer


@pytest.fixture(scope="module")
def table(real: Release) -> Callable[[str], list[Row]]:
    """Read a table of the release."""

    def rows(name: str) -> list[Row]:
        with Path(real.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return rows


def counts(rows: list[Row], key: str, count: str) -> dict[str, int]:
    """Return the count of each key; a key that comes twice is an error."""
    assert len({row[key] for row in rows}) == len(rows)
    return {row[key]: int(row[count]) for row in rows}


def last(iri: str) -> str:
    """Return the key at the end of an IRI."""
    return iri.rpartition("/")[2]


def each(rows: list[Row], *columns: str) -> Counter[str]:
    """Count the values of columns in which `|` joins several; an empty field counts as one empty value."""
    return Counter(value for row in rows for column in columns for value in row[column].split("|"))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_OTHERS])
def test_each_query_has_an_answer(name: str, store: Store) -> None:
    """A stored query that finds nothing would be a question that nobody asks of these data."""
    results = store.query(read_query(QUERIES / f"{name}.rq").text)
    assert isinstance(results, QuerySolutions | QueryTriples)

    assert next(iter(results), None) is not None


def test_measures_by_pillar_add_up(ask: Ask, table: Ask) -> None:
    """The pillars and the measures without one make all 82 measures, pillar by pillar as in measures.csv."""
    answer = counts(ask("measures-by-pillar"), "pillar_ja", "measures")

    assert answer == each(table("measures"), "pillar")
    assert sum(answer.values()) == 82


@pytest.mark.parametrize(
    ("query", "column", "name"),
    [
        ("measures-by-lead-organization", "lead", "name_ja"),
        ("measures-by-participating-organization", "participating", "name_ja"),
    ],
)
def test_organizations_are_counted_as_in_the_table(query: str, column: str, name: str, ask: Ask, table: Ask) -> None:
    """What an organization leads or joins is what measures.csv says; 総務省 leads 31 measures."""
    answer, wanted = counts(ask(query), name, "measures"), each(table("measures"), column)
    del wanted[""]

    assert answer == wanted
    assert column != "lead" or answer["総務省"] == 31


def test_joint_measures_are_those_of_the_table(ask: Ask, table: Ask) -> None:
    """A measure is joint where two organizations or more stand in lead and participating together."""
    named = {
        row["iri"]: {name for name in f"{row['lead']}|{row['participating']}".split("|") if name}
        for row in table("measures")
    }
    joint = {iri: names for iri, names in named.items() if len(names) > 1}
    answer = ask("joint-measures-of-ministries")
    pairs = ask("pairs-of-ministries")

    assert Counter(row["measure"] for row in answer) == {iri: len(names) for iri, names in joint.items()}
    assert {(row["measure"], row["name_ja"]) for row in answer} == {(iri, n) for iri in joint for n in joint[iri]}
    assert sum(int(row["measures"]) for row in pairs) == sum(len(n) * (len(n) - 1) // 2 for n in joint.values())


def test_collectives_and_organizations_are_all_there(ask: Ask, table: Ask) -> None:
    """Collectives come from the column groups, organizations with their numbers from organizations.csv."""
    groups = each(table("measures"), "groups")
    del groups[""]
    numbers = {row["iri"]: row["corporate_number"] for row in table("organizations") if row["kind"] == "organization"}

    assert Counter(row["collective_ja"] for row in ask("measures-naming-collectives")) == groups
    answer = ask("organizations-with-corporate-numbers")
    assert {row["organization"]: row["corporate_number"] for row in answer} == numbers
    assert len(answer) == len(numbers)


def test_every_naming_of_an_organization_is_shown(ask: Ask, table: Ask) -> None:
    """The printed names of the lead and the participating organizations and collectives are as many as in the table."""
    named = each(table("measures"), "lead", "participating", "groups")
    del named[""]
    answer: Counter[str] = Counter()
    for row in ask("printed-names-of-organizations"):
        answer[row["name_ja"]] += int(row["mentions"])

    assert answer == named
    assert "経産省" in {row["words"] for row in ask("printed-names-of-organizations")}


def test_targets_are_divided_by_role_as_in_the_table(ask: Ask, table: Ask) -> None:
    """Targets proper, changes, yearly values and baselines are those of targets.csv, with or without a number."""
    targets = table("targets")
    answer = {last(row["role"]): row for row in ask("targets-by-role")}

    assert {role: int(row["targets"]) for role, row in answer.items()} == Counter(row["role"] for row in targets)
    assert {role: int(row["with_number"]) for role, row in answer.items() if row["with_number"] != "0"} == Counter(
        row["role"] for row in targets if row["value"]
    )


def test_every_target_is_in_one_list(ask: Ask, table: Ask) -> None:
    """A target has a deadline, or no period, or recurs, or is a baseline: together the lists hold each of them once.

    What begins with a period and goes on (令和3年度以降) has no deadline, and is in the list of those without one.
    """
    baselines = [row["target"] for row in ask("changes-and-baselines") if row["role_ja"] == "基準・現状"]
    lists = ("targets-by-deadline", "targets-without-period", "recurring-targets")
    answer = baselines + [row["target"] for name in lists for row in ask(name)]

    assert sorted(answer) == sorted(row["iri"] for row in table("targets"))


def test_numbers_come_as_they_stand_in_the_table(ask: Ask, table: Ask) -> None:
    """Value and comparator of each dated target are those of targets.csv; a milestone has neither value nor unit."""
    wanted = {row["iri"]: row for row in table("targets")}
    for row in ask("targets-by-deadline"):
        there = wanted[row["target"]]
        assert (row["value"], row["printed"]) == (there["value"], there["text"])
        assert row["comparator"] == there["comparator"] or not there["value"]
    milestones = {row["target"] for row in ask("milestones-by-fiscal-year")}

    assert milestones == {
        iri
        for iri, row in wanted.items()
        if (row["role"], row["value"], row["unit"], row["comparator"]) == ("target", "", "", "=")
        and row["period"].removesuffix("-on") == row["period"] != ""
    }


def test_fiscal_years_add_up(ask: Ask) -> None:
    """The years hold each dated target once, and those of fiscal year 2020 are the ones due in it."""
    years = counts(ask("targets-by-fiscal-year"), "fiscal_year", "targets")

    assert sum(years.values()) == len(ask("targets-by-deadline"))
    assert years["2020"] == len(ask("targets-due-in-a-period"))


def test_kpis_are_divided_by_status_as_in_the_table(ask: Ask, table: Ask) -> None:
    """KPIs by kind and status are those of kpis.csv; those still to be set come with the period that is printed."""
    kpis = table("kpis")
    answer = {(last(row["kind"]), last(row["status"])): int(row["kpis"]) for row in ask("kpis-by-target-status")}
    unset = ask("targets-still-to-be-set")

    assert answer == Counter((row["kind"], row["status"]) for row in kpis)
    assert {row["kpi"] for row in unset} == {row["iri"] for row in kpis if row["status"] == "unset"}
    assert {row["kpi"] for row in unset if row["set_by"]} == {row["iri"] for row in kpis if row["set_by"]}
    with_target = {row["kpi"] for row in table("targets") if row["role"] != "baseline"}
    assert {row["kpi"] for row in ask("kpis-without-target")} == {row["iri"] for row in kpis} - with_target


def test_documents_and_programmes_are_those_of_the_tables(ask: Ask, table: Ask) -> None:
    """Each document has one host; what several measures share is what several rows of the tables name."""
    measures = table("measures")
    urls, budgets = each(measures, "urls"), each(measures, "budgets")
    hosts = ask("documents-by-host")

    assert sum(int(row["documents"]) for row in hosts) == len({row["iri"] for row in table("documents")})
    assert all(row["host"] and "/" not in row["host"] for row in hosts)
    assert Counter(row["url"] for row in ask("documents-of-several-measures")) == {
        url: count for url, count in urls.items() if count > 1 and url
    }
    assert Counter(row["name"] for row in ask("budget-programmes-shared-by-measures")) == {
        name: count for name, count in budgets.items() if count > 1 and name
    }


def test_effects_and_listing_are_those_of_the_table(ask: Ask, table: Ask) -> None:
    """Known effects, uncertain ones and listing times are counted as measures.csv has them."""
    measures = table("measures")
    effects = {last(row["effect"]): int(row["measures"]) for row in ask("measures-by-expected-effect")}
    uncertain = sum(row["effects_uncertain"] == "true" for row in measures)
    known = each(measures, "effects")
    del known[""]
    listed = {
        (last(row["listed_from"]), last(row["status"]).replace("-", "+")): int(row["measures"])
        for row in ask("measures-by-listing-time")
    }

    assert effects == {**known, "": uncertain}
    assert len({row["measure"] for row in ask("measures-with-uncertain-effects")}) == uncertain
    assert listed == Counter((row["listed_from"].removeprefix("FY"), row["listing_status"]) for row in measures)
    assert sum(listed.values()) == 82


def test_corrections_and_doubts_are_those_of_the_table(ask: Ask, table: Ask) -> None:
    """Each row of corrections.csv is either applied or a doubt, at its line."""
    corrections = table("corrections")

    for name, action in (("corrections-applied", "replace"), ("doubtful-readings", "flag")):
        answer = [(last(row["correction"]), row["line"], row["printed"]) for row in ask(name)]
        wanted = [(row["id"], row["line"], row["printed"]) for row in corrections if row["action"] == action]
        assert sorted(answer) == sorted(wanted)
        assert all(row["measure"].startswith(ID) for row in ask(name))


def test_issues_by_type_are_those_of_the_table(ask: Ask, table: Ask) -> None:
    """Each type has its issues in as many cells as issues.csv names places."""
    places_of = {(row["type"], row["line"], row["position"]) for row in table("issues")}
    answer = {last(row["type"]): int(row["cells"]) for row in ask("issues-by-type")}

    assert answer == Counter(type for type, _, _ in places_of)


def test_coverage_is_that_of_the_table(ask: Ask, table: Ask) -> None:
    """With and without make 82 for each of the 13 columns; the columns that measures.csv has are filled as there."""
    measures = table("measures")
    answer = {last(row["column"]): row for row in ask("coverage-by-column")}
    there = {"no": "row", "number": "number", "title": "title_ja", "pillar": "pillar", "listing": "listing_status"}

    assert len(answer) == 13
    assert {int(row["measures"]) + int(row["without"]) for row in answer.values()} == {82}
    for key, column in {**there, "references": "urls"}.items():
        assert int(answer[key]["measures"]) == sum(bool(row[column]) for row in measures), key


def test_a_target_leads_back_to_its_characters(ask: Ask, real: Release) -> None:
    """The characters at the offsets, in the cell and in the source file itself, are the printed words of the target."""
    (row,) = ask("provenance-of-a-target")
    source = project_folders().recipe / "sources" / "municipal-2019" / "measures-2019.txt"
    document = source.read_bytes().decode("utf-8")
    start, end = int(row["start"]), int(row["end"])

    assert row["in_the_file"] == row["printed"] == document[start:end]
    assert document[:start].count("\n") + 1 == int(row["line"])


def test_a_row_is_printed_whole(ask: Ask, store: Store) -> None:
    """The cells of the row of a measure, joined by tabs, are the line of the source file to the letter."""
    source = project_folders().recipe / "sources" / "municipal-2019" / "measures-2019.txt"
    rows = ask("row-of-a-measure-as-printed")
    line = source.read_bytes().decode("utf-8").split("\n")[int(rows[0]["line"]) - 1]

    assert "\t".join(row["printed"] for row in rows) == line.removesuffix("\r")
    everything = store.query(read_query(QUERIES / "everything-about-a-measure.rq").text)
    assert isinstance(everything, QueryTriples)
    described = {triple.subject for triple in everything}
    assert {NamedNode(row["cell"]) for row in rows} <= described


def test_words_are_found_where_they_stand(ask: Ask, table: Ask) -> None:
    """Every measure with 防災 in its title is found, once for each column in which the word stands."""
    answer = ask("measures-containing-a-word")
    titles = {row["measure"] for row in answer if row["column"].endswith("/title")}
    kpis = {row["measure"] for row in answer if "/kpi-" in row["column"]}

    assert titles == {row["iri"] for row in table("measures") if "防災" in row["title_ja"]}
    assert kpis == {row["measure"] for row in table("kpis") if "防災" in row["text"]}
    assert len({(row["measure"], row["column"]) for row in answer}) == len(answer)


def test_english_titles_are_those_of_the_table(ask: Ask, table: Ask) -> None:
    """All 82 measures stand in their printed order, each once, with the titles of measures.csv."""
    answer = [(row["row"], row["title_ja"], row["title_en"]) for row in ask("english-titles-of-measures")]

    assert answer == [(row["row"], row["title_ja"], row["title_en"]) for row in table("measures")]


def test_a_pillar_lists_what_it_counts(ask: Ask) -> None:
    """The list of one pillar is as long as its count."""
    count = counts(ask("measures-by-pillar"), "pillar", "measures")

    assert len(ask("measures-of-a-pillar")) == count[f"{ID}pillar/data-use"]


def test_citations_are_found_with_their_laws(ask: Ask) -> None:
    """Each citation comes once and names its law by title and number."""
    answer = ask("measures-citing-laws")

    assert len({(row["measure"], row["law"]) for row in answer}) == len(answer)
    assert all(row["law_name"] and row["law_number"] for row in answer)


def test_grants_and_former_names_are_shown(ask: Ask, store: Store) -> None:
    """Every grant and every former name of the graph is in the answer."""
    answer = ask("budget-programmes-with-grants-or-former-names")
    for column, name in (("grant", "grantName"), ("former_name", "formerName")):
        quads = store.quads_for_pattern(None, NamedNode(f"https://w3id.org/shisaku/def#{name}"), None)
        assert {row[column] for row in answer} - {""} == {getattr(quad.object, "value", "") for quad in quads}


def test_linked_things_are_those_of_the_table(ask: Ask, table: Ask) -> None:
    """What the query counts as linked are the subjects of published links in links.csv, and the unchecked likewise."""
    kinds = {
        "FormalOrganization": "organization",
        "Law": "law",
        "ReferenceDocument": "document",
        "NamedEntity": "entity",
    }
    answer = {re.split("[#/]", row["kind"])[-1]: row for row in ask("things-linked-by-kind")}
    for column, status in (("linked", "published"), ("with_candidates", "unchecked")):
        subjects = {row["subject_id"] for row in table("links") if row["status"] == status}
        for kind, part in kinds.items():
            assert int(answer[kind][column]) == len([iri for iri in subjects if iri.startswith(f"{ID}{part}/")])
    assert all(int(row["linked"]) <= int(row["things"]) for row in answer.values())
