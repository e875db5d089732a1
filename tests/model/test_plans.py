"""The plan of a local government as another source: it cites listed measures, and the graph joins it with them."""

import csv
import hashlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, QuerySolutions, Store

from kg.builder.pipeline import BuildResult, build, draft
from kg.builder.progress import format_summary
from kg.core.errors import KgError
from kg.core.paths import project_folders
from kg.core.store_loader import open_release
from kg.core.stored_queries import read_query
from kg.recipe.local_plans import COLUMNS

from ..support.pairs import AFTER, BEFORE, recipe_of

HERE = Path(__file__).resolve().parent
ID, PLAN = "https://w3id.org/shisaku/id/", "city-2031"
TABLE = (HERE / "plan" / "plan.csv").read_text(encoding="utf-8")
DESCRIBED = f"""\
key = "{PLAN}"
document = "plan.csv"
sha256 = "SHA"
encoding = "utf-8"
title_ja = "架空市の計画(試験用)"
title_en = "Plan of a made-up city (for tests)"
government_ja = "架空市"
government_en = "A made-up city"
area_code = "131016"
edition = "{AFTER}"
licence = "https://creativecommons.org/licenses/by/4.0/"
page = "https://city.example.jp/plan"

[columns]
number = "番号"
title = "施策名"
description = "概要"
department = "担当課"
schedule = "実施時期"
cites = "関連する国の施策"
"""
Row = dict[str, str]


def recipe_with(base: Path, described: str = DESCRIBED, table: bytes = TABLE.encode()) -> Path:
    """Make a recipe of both editions and a plan."""
    recipe = recipe_of(base / "build", BEFORE, AFTER)
    folder = recipe / "plans" / PLAN
    folder.mkdir(parents=True)
    (folder / "plan.csv").write_bytes(table)
    described = described.replace("SHA", hashlib.sha256(table).hexdigest())
    (folder / "plan.toml").write_text(described, encoding="utf-8")
    return recipe


def rows_of(built: BuildResult) -> list[Row]:
    """The rows of local-measures.csv, by the numbers of what they cite."""
    with (built.release.folder / "local-measures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["cites"] = "|".join(iri.removeprefix(f"{ID}{AFTER}/measure/") for iri in row["cites"].split("|"))
    return rows


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    """The release with the plan, which has passed the validation."""
    base = tmp_path_factory.mktemp("plan")
    return build(project_folders(recipe_with(base), base / "out"))


@pytest.fixture(scope="module")
def ask(built: BuildResult) -> Callable[[str], list[Row]]:
    """Answer a stored query on that release: the values of each row that are bound."""
    store: Store = open_release(built.release)

    def answer(name: str) -> list[Row]:
        text = read_query(project_folders().queries / f"{name}.rq").text.replace("municipal-2019", AFTER)
        found = store.query(text)
        assert isinstance(found, QuerySolutions)
        names = [variable.value for variable in found.variables]
        return [{name: row[name].value for name in names if row[name]} for row in found]  # type: ignore[union-attr]

    return answer


def test_a_plan_is_read_and_cites_by_number_and_by_title(built: BuildResult) -> None:
    """Numbers of any width, several in a cell, and titles cite; what names nothing cites nothing, and stays."""
    rows = {row["number"]: row for row in rows_of(built)}

    assert {number: row["cites"] for number, row in rows.items()} == {
        "1-1": "01-01",
        "1-2": "02-01|02-02",
        "2-1": "05-01",
        "2-2": "",
        "2-3": "",
    }
    assert rows["2-3"]["cited_as"] == "09-09"
    assert rows["1-2"]["department"] == "総務課"
    assert rows["1-2"]["iri"] == f"{ID}local-plan/{PLAN}/measure/1-2"


def test_the_join_shows_what_stands_behind_each_measure(ask: Callable[[str], list[Row]]) -> None:
    """Which national support, budget and ministry stand behind each measure of the plan: by a stored query."""
    rows = ask("national-support-behind-a-plan")
    found = {(row["local_number"], row.get("number")): row for row in rows}

    assert [*found] == [
        ("1-1", "01-01"),
        ("1-2", "02-01"),
        ("1-2", "02-02"),
        ("2-1", "05-01"),
        ("2-2", None),
        ("2-3", None),
    ]
    assert found["1-1", "01-01"]["lead_ja"] == "総務省"
    assert found["1-1", "01-01"]["budget_ja"] == "電子図書館推進事業"
    assert found["1-1", "01-01"]["support_ja"] == "手引を配布する。"
    assert found["1-2", "02-02"]["lead_ja"] == "文部科学省"
    assert found["2-1", "05-01"]["budget_ja"] == "避難所機能強化事業"
    assert "measure" not in found["2-2", None]


def test_measures_are_counted_by_the_plans_that_cite_them(ask: Callable[[str], list[Row]]) -> None:
    """Each cited measure once, with the number of plans; the other way round to the join."""
    rows = ask("measures-cited-by-local-plans")

    assert {row["number"]: (row["plans"], row["local_measures"]) for row in rows} == dict.fromkeys(
        ("01-01", "02-01", "02-02", "05-01"), ("1", "1")
    )


def test_the_queries_about_editions_find_what_continues(ask: Callable[[str], list[Row]]) -> None:
    """Six pairs that hold, each with its evidence, and two that wait."""
    held, waiting = ask("measures-that-continue-earlier-ones"), ask("revisions-to-check")

    assert len(held) == 6
    assert {row["status"].rpartition("/")[2] for row in held} == {"computed"}
    assert [row["later_ja"] for row in waiting] == ["無人航空機を活用した橋梁点検の高度化", "窓口の待ち時間の短縮"]


def test_what_is_printed_is_kept_with_its_line(built: BuildResult) -> None:
    """A row that goes on in the next line begins on its own; its text is whole, and its file and line are stated."""
    store = open_release(built.release)
    measure = NamedNode(f"{ID}local-plan/{PLAN}/measure/2-1")
    say = {quad.predicate.value: quad.object for quad in store.quads_for_pattern(measure, None, None)}
    origin = say["http://www.w3.org/ns/prov#wasDerivedFrom"]
    assert isinstance(origin, NamedNode)
    line = {
        quad.object.value for quad in store.quads_for_pattern(origin, None, None) if isinstance(quad.object, Literal)
    }

    assert line == {f"build/plans/{PLAN}/plan.csv", "5"}
    assert say["http://purl.org/dc/terms/title"] == Literal("避難所への蓄電池の配備", language="ja")


def test_the_build_tells_what_it_could_not_join(built: BuildResult) -> None:
    """The summary counts, and the SHACL report has a warning for the measure whose words name none."""
    assert built.report
    told = format_summary(built.release, built.summaries, 0, built.report)
    warned = [result for result in built.report.results if "LocalMeasure-cites-nothing" in result.shape]

    assert f"plan {PLAN}: 5 measures, 3 cite listed measures, 1 name some that are not listed" in told
    assert [result.focus for result in warned] == [f"<{ID}local-plan/{PLAN}/measure/2-3>"]


@pytest.mark.exhaustive
def test_a_plan_in_shift_jis_reads_the_same(tmp_path: Path, built: BuildResult) -> None:
    """What Excel writes in Japan is read by its encoding, and gives the same measures."""
    recipe = recipe_with(tmp_path, DESCRIBED.replace("utf-8", "shift_jis"), TABLE.encode("cp932"))

    assert rows_of(draft(project_folders(recipe, tmp_path / "out"))) == rows_of(built)


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ('title_en = "Plan of a made-up city (for tests)"\n', "", r"plan\.toml: title_en missing"),
        (f'edition = "{AFTER}"', 'edition = "municipal-1999"', r"plan\.toml: edition is 'municipal-1999'"),
        (
            'cites = "関連する国の施策"',
            'cites = "国の施策"',
            r"plan\.csv:1: the header has not just one column 国の施策",
        ),
        ('cites = "関連する国の施策"\n', "", r"plan\.toml: no column is cites"),
        ('number = "番号"', 'nummer = "番号"', r"plan\.toml: nummer is not a role of a column"),
        ("131016", "131017", r"plan\.toml: area_code is '131017'"),
        ('sha256 = "SHA"', f'sha256 = "{"0" * 64}"', r"plan\.csv: its SHA-256 is"),
        ('"utf-8"', '"utf-16"', r"plan\.toml: encoding is 'utf-16'"),
        (f'key = "{PLAN}"', 'key = "City"', r"plan\.toml: key is 'City'"),
    ],
)
def test_a_wrong_description_is_told(tmp_path: Path, old: str, new: str, fact: str) -> None:
    """Each mistake stops the build with the file, the fact and a remedy."""
    assert old in DESCRIBED
    with pytest.raises(KgError, match=fact):
        draft(project_folders(recipe_with(tmp_path, DESCRIBED.replace(old, new)), tmp_path / "out"))


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ("2-3,働く場所の整備", "2-3,", r"plan\.csv:7: no 施策名"),
        ("2-3,働く場所の整備", "1-1,働く場所の整備", r"plan\.csv:2: 1-1 occurs twice"),
        ("空き店舗を使う。", '"空き店舗を使う。', r"plan\.csv:\d+: is not valid CSV"),
    ],
)
def test_a_wrong_row_is_told(tmp_path: Path, old: str, new: str, fact: str) -> None:
    """Each mistake stops the build with the line of the table, also behind a row of several lines."""
    assert old in TABLE
    with pytest.raises(KgError, match=fact):
        draft(project_folders(recipe_with(tmp_path, table=TABLE.replace(old, new).encode()), tmp_path / "out"))


def test_another_encoding_is_told_with_the_line(tmp_path: Path) -> None:
    """A table in Shift_JIS that is said to be UTF-8 names the line and the encoding to try."""
    with pytest.raises(KgError, match=r"plan\.csv:1: is not utf-8\n  try encoding = \"shift_jis\""):
        draft(project_folders(recipe_with(tmp_path, table=TABLE.encode("cp932")), tmp_path / "out"))


@pytest.mark.parametrize("page", ["plans.md", "plans.ja.md"])
def test_the_description_that_the_docs_show_is_complete(tmp_path: Path, page: str) -> None:
    """The example of both pages is the same but for its comments, and reads this table when it is put beside it."""
    (shown,) = re.findall(
        r"```toml\n(.*?)```", (HERE.parents[1] / "docs" / page).read_text(encoding="utf-8"), re.DOTALL
    )
    described = tomllib.loads(shown)
    table = TABLE.encode("cp932")
    described_here = re.sub(r'edition = "[^"]*"', f'edition = "{AFTER}"', shown.replace("…", "SHA"))

    assert len(rows_of(draft(project_folders(recipe_with(tmp_path, described_here, table), tmp_path / "out")))) == 5
    assert {*described["columns"]} == {*COLUMNS}
