"""Two editions of one table side by side: which measures continue which, on what evidence, and who has judged."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyoxigraph import NamedNode, RdfFormat, Store, parse

from kg.builder.pipeline import draft
from kg.cli import main
from kg.core.errors import RecipeError
from kg.core.paths import project_folders
from kg.engine.provenance import ProvenanceExplainer

from ..support.pairs import AFTER, BEFORE, recipe_of

ID = "https://w3id.org/shisaku/id/"
REVISES = NamedNode("http://www.w3.org/ns/prov#wasRevisionOf")
REPLACES = NamedNode("http://purl.org/dc/terms/replaces")

# What a person says who has read both tables: the later number, and the earlier one that it continues.
CONTINUED = {
    ("01-01", "01-01"),  # unchanged but for its target and its lead
    ("02-01", "02-01"),  # split in two
    ("02-02", "02-01"),
    ("03-01", "02-02"),  # merged of two
    ("03-01", "02-03"),
    ("03-05", "03-02"),  # renumbered
}
DOUBTFUL = {("02-04", "01-02"), ("04-03", "04-02")}  # renamed: the KPI goes on, and less than half of the title

Row = dict[str, str]
Judged = Callable[..., str]


def table(folder: Path) -> list[Row]:
    """The rows of revisions.csv."""
    with (folder / "revisions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(row: Row) -> tuple[str, str]:
    """The numbers of the two measures of a row."""
    later, earlier = (row[end].rpartition("/")[2] for end in ("subject_id", "object_id"))
    return later, earlier


def stated(folder: Path, predicate: NamedNode) -> set[tuple[str, str]]:
    """The numbers of the measures that a property of the graph joins."""
    store = Store()
    store.bulk_load(path=str(folder / "graph.ttl"), format=RdfFormat.TURTLE)
    pairs = ((quad.subject.value, quad.object.value) for quad in store.quads_for_pattern(None, predicate, None))
    both = [pair for pair in pairs if all("/measure/" in iri for iri in pair)]
    assert all(AFTER in later and BEFORE in earlier for later, earlier in both)
    return {(later.rpartition("/")[2], earlier.rpartition("/")[2]) for later, earlier in both}


def judged(later: str, earlier: str, *, rejected: bool = False) -> str:
    """A curator's row about two measures."""
    modifier = "Not" if rejected else ""
    ends = f"id:{AFTER}/measure/{later},,prov:wasRevisionOf,{modifier},id:{BEFORE}/measure/{earlier},"
    return f"{ends},semapv:MappingReview,A person,2026-11-23,0.9,Both tables say so"


def drafted(base: Path, *rows: str, change: Callable[[Path], None] = lambda recipe: None) -> Path:
    """The tables and the graph of both editions with these judgements, and another change of the recipe."""
    recipe = recipe_of(base / "build", BEFORE, AFTER)
    with (recipe / "revisions.csv").open("a", encoding="utf-8") as file:
        file.write("".join(f"{row}\n" for row in rows))
    change(recipe)
    return draft(project_folders(recipe, base / "out")).release.folder


def test_measures_that_continue_are_stated(pair: Path) -> None:
    """Kept, split, merged and renumbered measures have both properties; dropped, new and doubtful ones have none."""
    assert stated(pair, REVISES) == stated(pair, REPLACES) == CONTINUED


def test_each_pair_has_its_evidence_and_its_grade(pair: Path) -> None:
    """The table tells the number, the similarity of titles and the KPIs that go on; what is doubtful waits."""
    rows = {numbers(row): row for row in table(pair)}

    assert {key for key, row in rows.items() if (row["status"], row["grade"]) == ("computed", "strong")} == CONTINUED
    assert {key for key, row in rows.items() if (row["status"], row["grade"]) == ("candidate", "fair")} == DOUBTFUL
    assert rows["01-01", "01-01"]["same_number"] == "true"
    assert rows["01-01", "01-01"]["title_similarity"] == "1.0"
    assert rows["03-05", "03-02"]["same_number"] == "false"
    assert rows["03-01", "02-03"]["shared_kpis"] == f"{ID}{AFTER}/measure/03-01/kpi/progress-2"
    assert 0 < float(rows["02-04", "01-02"]["title_similarity"]) < 0.5


def test_a_number_that_is_given_anew_joins_nothing(pair: Path) -> None:
    """Another measure under an old number does not continue the old one, not even as a candidate."""
    assert ("04-01", "04-01") not in {numbers(row) for row in table(pair)}


def test_a_curator_confirms_and_rejects(tmp_path: Path) -> None:
    """A row states a candidate, and with Not takes back what the rule has found; both keep evidence and grade."""
    rows = judged("04-03", "04-02"), judged("02-02", "02-01", rejected=True)
    folder = drafted(tmp_path, *rows)
    found = {numbers(row): row for row in table(folder)}

    assert stated(folder, REVISES) == (CONTINUED | {("04-03", "04-02")}) - {("02-02", "02-01")}
    assert (found["04-03", "04-02"]["status"], found["04-03", "04-02"]["grade"]) == ("confirmed", "fair")
    assert (found["02-02", "02-01"]["status"], found["02-02", "02-01"]["grade"]) == ("rejected", "strong")
    assert found["02-02", "02-01"]["predicate_modifier"] == "Not"


def test_a_curator_may_know_what_no_evidence_shows(tmp_path: Path) -> None:
    """A pair that shares nothing is stated where a row says so; its grade tells that the evidence is weak."""
    folder = drafted(tmp_path, judged("05-01", "03-01"))

    assert ("05-01", "03-01") in stated(folder, REVISES)
    assert [row["grade"] for row in table(folder) if numbers(row) == ("05-01", "03-01")] == ["weak"]


@pytest.mark.parametrize(
    ("row", "fact"),
    [
        (("09-09", "04-02"), r"revisions\.csv:2: .*measure/09-09 is not a measure"),
        (("01-01", "09-09"), r"revisions\.csv:2: .*measure/09-09 is not a measure"),
    ],
)
def test_a_row_about_no_measure_stops_the_build(tmp_path: Path, row: tuple[str, str], fact: str) -> None:
    """A judgement about a measure that its table does not have is told with file and line."""
    with pytest.raises(RecipeError, match=fact):
        drafted(tmp_path, judged(*row))


def test_rows_the_wrong_way_round_and_twice_are_told(tmp_path: Path) -> None:
    """The earlier measure first, and one pair judged twice: each is told with its line, in one run."""
    right = judged("04-03", "04-02")
    turned = right.replace(AFTER, "x").replace(BEFORE, AFTER).replace("x/measure", f"{BEFORE}/measure")
    with pytest.raises(RecipeError) as error:
        drafted(tmp_path, right, turned, right)

    assert f"revisions.csv:3: {BEFORE} does not revise {AFTER}" in str(error.value)
    assert "revisions.csv:4: the same pair is in line 2" in str(error.value)


@pytest.mark.parametrize(
    ("value", "fact"), [("sample-1900", "is not a source of this recipe"), (AFTER, f"{AFTER} would revise itself")]
)
def test_an_edition_revises_another_one_at_hand(tmp_path: Path, value: str, fact: str) -> None:
    """An edition that revises itself, or one that is not there, stops the build with file and remedy."""

    def revise(recipe: Path) -> None:
        file = recipe / "sources" / AFTER / "source.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r'revises = ".*"', f'revises = "{value}"', text), encoding="utf-8")

    with pytest.raises(RecipeError, match=rf"source\.toml: .*{fact}"):
        drafted(tmp_path, change=revise)


def test_sister_tables_meet_at_the_measures_of_their_plan(tmp_path: Path) -> None:
    """Two tables of one plan list the same plan measure where they print the same number, and merge no fact there."""

    def join(recipe: Path) -> None:
        file = recipe / "sources" / AFTER / "source.toml"
        text = file.read_text(encoding="utf-8").replace('plan = "2031"', 'plan = "2030"')
        text = text.replace("架空の計画sample-2031", "架空の計画sample-2030").replace(
            "plan sample-2031", "plan sample-2030"
        )
        file.write_text(text.replace(f'revises = "{BEFORE}"\n', ""), encoding="utf-8")

    folder = drafted(tmp_path, change=join)
    store = Store()
    store.bulk_load(path=str(folder / "graph.ttl"), format=RdfFormat.TURTLE)
    listing = NamedNode("https://w3id.org/shisaku/def#planMeasure")
    shared = NamedNode(f"{ID}plan/2030/measure/01-01")

    assert {quad.subject.value for quad in store.quads_for_pattern(None, listing, shared)} == {
        f"{ID}{key}/measure/01-01" for key in (BEFORE, AFTER)
    }
    assert len(list(store.quads_for_pattern(shared, None, None))) == 3  # its type, its number and its plan
    assert stated(folder, REVISES) == set()


def test_the_dump_of_an_edition_only_points_to_the_one_before(pair: Path) -> None:
    """The later edition's dump holds the statements and their records, and nothing that the earlier edition says."""
    later, earlier = (list(parse(path=str(pair / f"edition-{key}.ttl"))) for key in (AFTER, BEFORE))
    of_earlier = {quad.subject.value for quad in earlier if f"{ID}{BEFORE}/" in quad.subject.value}

    assert of_earlier
    assert not of_earlier & {quad.subject.value for quad in later}
    assert {(quad.subject.value, quad.object.value) for quad in later if quad.predicate == REVISES}
    assert not [quad for quad in earlier if AFTER in str(quad)]


def test_the_catalogue_knows_the_order(pair: Path) -> None:
    """DCAT 3: an edition has the one before it in the series, a release the version before it."""
    store = Store()
    store.bulk_load(path=str(pair / "dataset.ttl"), format=RdfFormat.TURTLE)
    dcat = "http://www.w3.org/ns/dcat#"
    before = {
        name: [
            (quad.subject.value, quad.object.value)
            for quad in store.quads_for_pattern(None, NamedNode(dcat + name), None)
        ]
        for name in ("prev", "previousVersion")
    }
    catalogue, release = "https://w3id.org/shisaku/catalog", "https://w3id.org/shisaku/release/{}/dataset.ttl#dataset"

    assert before["prev"] == [(f"{catalogue}#{AFTER}", f"{catalogue}#{BEFORE}")]
    assert before["previousVersion"] == [(release.format("2031.1.0"), release.format("2030.1.0"))]


def test_a_revision_is_explained_by_its_record(pair: Path) -> None:
    """`kg explain` leads from the statement to the file that asks for it."""
    store = Store()
    store.bulk_load(path=str(pair / "graph.ttl"), format=RdfFormat.TURTLE)
    (found,) = ProvenanceExplainer(store).explain(f"id:{AFTER}/measure/03-05", "prov:wasRevisionOf")

    assert found.reason.kind == "curated"
    assert found.reason.files == (f"build/sources/{AFTER}/source.toml",)


def test_a_draft_of_both_is_told(tmp_path: Path) -> None:
    """`kg build --draft` tells both editions and how many measures continue."""
    recipe = recipe_of(tmp_path / "build", BEFORE, AFTER)
    arguments = ["build", "--draft", "--recipe", str(recipe), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)

    assert f"{AFTER} continues {BEFORE}: 6 stated, 2 candidates (revisions.csv)" in result.output
