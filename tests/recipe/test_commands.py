"""`kg build` and `kg check` as a curator meets them: what they say, and where."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rdflib

from ..support.curation import CHECKOUT, kg, table
from ..support.recipes import replace

Edit = Callable[[str, str, str], None]
THINGS = rdflib.Namespace("https://w3id.org/shisaku/id/")


def test_check_finds_nothing_wrong_with_our_own_files() -> None:
    """The recipe, ontology and queries of this checkout are without problems."""
    result = kg("check")

    assert result.exit_code == 0, result.output
    assert "No problem" in result.stdout


def test_check_tells_every_problem_at_once(whole_recipe: Path, edit: Edit) -> None:
    """Mistakes in several files are all reported with file, line, fact and remedy; standard output stays empty."""
    edit("units.csv", "item,件,item,", "Item!,件,item,")
    edit("organizations.csv", "fsa,organization", "fsa,ministry")
    edit("pillars.csv", "other,その他,Other,,", "other,,Other,,")
    edit("corrections.csv", "c0002,", "c0001,")
    (whole_recipe / "notes.csv").write_text("a,b\n", encoding="utf-8")
    result = kg("check", "--recipe", whole_recipe)

    assert result.exit_code == 1
    assert result.stdout == ""
    for words in ("units.csv:5: key is 'Item!'", "one of organization, group", "label_ja is empty", "stands already"):
        assert words in result.stderr
    assert "notes.csv: is not described" in result.stderr
    assert "5 problem(s) found" in result.stderr


def test_check_tells_a_curator_in_japanese(recipe: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fact and remedy are Japanese by --lang, or in a Japanese locale; what the system or a parser says is, too."""
    edit("units.csv", "item,件,item,", "Item!,件,item,")
    edit("places.csv", "010006", "010007")
    (recipe / "recipe.toml").write_text("format = \n", encoding="utf-8")
    (recipe / "eras.csv").unlink()
    result = kg("check", "--recipe", recipe, "--lang", "ja")

    assert result.exit_code == 1
    for words in (
        "units.csv:5: key が 'Item!' です。[a-z0-9][a-z0-9-]* の形で書きます\n  tables.toml にある key の値を書きます",
        "eras.csv: 読めません: ファイルかフォルダーがありません\n  表を元に戻します",
        "recipe.toml: TOMLとして読めません: 値の書き方が違います(1 行 10 列)",
        "です。6桁で検査数字の正しい地方公共団体コードを書きます",
        "4 件の問題が見つかりました。",
    ):
        assert words in result.stderr
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert kg("check", "--recipe", recipe).stderr == result.stderr
    assert "problem(s) found" in kg("check", "--recipe", recipe, "--lang", "en").stderr


def test_a_pillar_rests_on_an_act_that_is_there(recipe: Path, edit: Edit) -> None:
    """A key that laws.csv does not have, and an article without its Act, are told with file, line and remedy."""
    edit("pillars.csv", "kanmin-data,11", "kanmin-date,11")
    edit("pillars.csv", "kanmin-data,13", ",13")
    result = kg("check", "--recipe", recipe)

    assert result.exit_code == 1
    assert "pillars.csv:3: act is 'kanmin-date', which is no key of laws.csv" in result.stderr
    assert "add it to laws.csv, or name a key that is there" in result.stderr
    assert "pillars.csv:4: act_article is '13', but act is empty" in result.stderr
    assert "2 problem(s) found" in result.stderr


def test_a_pillar_leads_to_the_act_that_the_curator_names(recipe: Path, edit: Edit, tmp_path: Path) -> None:
    """Another Act in the row of a pillar is another Act in the graph, which describes it although no table cites it."""
    edit("laws.csv", "nsdi,", "invented,架空の法律,Invented Act,令和元年法律第999号,\nnsdi,")
    edit("pillars.csv", "kanmin-data,11", "invented,11")
    result = kg("build", "--draft", "--recipe", recipe, "--out", tmp_path / "out")
    graph = rdflib.Graph().parse(tmp_path / "out" / "draft" / "graph.ttl")
    act = graph.value(THINGS["pillar/data-use"], rdflib.DCTERMS.references)

    assert result.exit_code == 0, result.output
    assert act == THINGS["law/invented"]
    assert rdflib.Literal("架空の法律", "ja") in set(graph.objects(act, rdflib.SKOS.prefLabel))
    assert graph.value(THINGS["pillar/number-card"], rdflib.DCTERMS.references) == THINGS["law/kanmin-data"]


def test_a_correction_that_no_longer_fits_stops_the_build(whole_recipe: Path, edit: Edit, tmp_path: Path) -> None:
    """Printed text that is gone, or that stands twice, is told with file, line and remedy, and no release is made."""
    edit("corrections.csv", "デジタルデバйд対策", "デジタルデバфф対策")
    edit("corrections.csv", "特別徴収義務者を經由し", "特別徴収義務者")
    result = kg("build", "--recipe", whole_recipe, "--out", tmp_path / "out")

    assert result.exit_code == 1
    assert "corrections.csv:2: c0001" in result.stderr
    assert "is no longer in municipal-2019" in result.stderr
    assert "corrections.csv:3: c0002" in result.stderr
    assert "copy the text again" in result.stderr
    assert "lengthen the printed text" in result.stderr
    assert not (tmp_path / "out" / "current").exists()


def test_an_edited_correction_is_seen_by_the_next_build(release: Path, tmp_path: Path) -> None:
    """In a checkout, a correction that a curator edits is in the release that the next build makes."""
    checkout = tmp_path / "checkout"
    for name in ("build", "kg", "ontology", "queries", "shapes"):
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", checkout)
    replace(checkout / "build", "corrections.csv", "20170530/suisinhosin.pdf", "20170530/other.pdf")
    # the copy's own program, also where the tests run with the original on the path
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    subprocess.run(
        [sys.executable, "-m", "kg", "build"], cwd=checkout, env=environment, check=True, capture_output=True
    )
    before, after = (
        {row["row"]: row for row in table(folder, "measures")} for folder in (release, checkout / "out" / "current")
    )

    assert before["50"]["urls"].endswith("/20170530/suisinhosin.pdf")
    assert after["50"]["urls"].endswith("/20170530/other.pdf")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("recipe.toml", "format = 1", "format = 9", "this program reads format 1"),
        ("recipe.toml", "format = 1", "format = ", "is no TOML"),
        ("tables.toml", "[units]", "[unit]", "units.csv: is not described"),
        ("sources/municipal-2019/source.toml", "key = ", "name = ", "key missing"),
        ("tables.toml", 'refers_to = "laws"', 'refers_to = "acts"', "act names 'acts', which is not described"),
        ("units.csv", "key,label_ja", "id,label_ja", "the columns must be key,label_ja,label_en,printed_as"),
        ("units.csv", "item,件,item,", 'item,"件,item,', "is no CSV"),
    ],
)
def test_a_broken_declaration_is_told_plainly(
    recipe: Path, edit: Edit, name: str, old: str, new: str, message: str
) -> None:
    """A file that cannot be understood is named with the fact and the remedy, and the exit code is 1."""
    edit(name, old, new)
    result = kg("build", "--recipe", recipe, "--out", recipe.parent / "out")

    assert result.exit_code == 1
    assert message in result.stderr


def test_a_table_saved_by_excel_is_read(recipe: Path, tmp_path: Path) -> None:
    """A byte order mark, which Excel writes, does not become part of the first column's name."""
    file = recipe / "units.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))

    assert kg("build", "--draft", "--recipe", recipe, "--out", tmp_path / "out").exit_code == 0


def test_build_reports_figures_and_the_share_of_each_stage(whole_recipe: Path, tmp_path: Path) -> None:
    """`kg build --timings` says what was built, corrected and left uncertain, and how long each stage took."""
    result = kg("build", "--draft", "--recipe", whole_recipe, "--out", tmp_path / "out", "--timings")

    assert "82 measures, 188 KPIs, 57 targets" in result.stdout
    assert "10 corrections" in result.stdout
    assert "effect-uncertain" in result.stdout
    assert "read the documents" in result.stdout
    assert "100%  all" in result.stdout


def test_an_output_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where a file is in the place of the folder of releases, the message names it and says what to do."""
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    result = kg("build", "--out", tmp_path / "out" / "below")

    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert "--out" in result.stderr


def test_wrong_usage_has_an_exit_code_of_its_own() -> None:
    """A command or option that does not exist ends with exit code 2."""
    assert kg("bild").exit_code == 2
    assert kg("build", "--no-such-option").exit_code == 2


def test_check_reads_ontology_shapes_and_queries(tmp_path: Path) -> None:
    """A misspelt SHACL word, an undefined term, an undescribed term and broken Turtle are each told with their file."""
    checkout = tmp_path / "checkout"
    for name in ("build", "kg", "ontology", "queries", "shapes"):
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", checkout)

    def change(name: str, old: str, new: str) -> None:
        file = checkout / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    change("shapes/Kpi.ttl", "sh:maxCount 1", "sh:maximumCount 1")
    change("shapes/Target.ttl", "sh:path shisaku:value", "sh:path shisaku:worth")
    change("queries/measures-citing-laws.rq", "shisaku:citesLaw", "shisaku:quotesLaw")
    change("ontology/shisaku.ttl", ', "listed measure"@en', "")
    (checkout / "shapes" / "Broken.ttl").write_text("@prefix : <x> . :a :b", encoding="utf-8")
    command = [sys.executable, "-m", "kg", "check"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    result = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert "Kpi.ttl: sh:maximumCount is no word of SHACL" in result.stderr
    assert "Target.ttl: shisaku:worth is not defined" in result.stderr
    assert "shisaku:quotesLaw is not defined" in result.stderr
    assert "shisaku:Measure has no rdfs:label in en" in result.stderr
    assert "Broken.ttl" in result.stderr


def test_a_draft_has_the_tables_of_the_release_and_is_none(release: Path, tmp_path: Path) -> None:
    """`kg build --draft` writes the same tables and graph into out/draft, and makes and switches no release."""
    result = kg("build", "--draft", "--out", tmp_path)
    written = sorted(file.name for file in (tmp_path / "draft").iterdir())

    assert result.exit_code == 0, result.output
    assert "Draft:" in result.stdout
    assert {"graph.ttl", "measures.csv", "kpis.csv", "targets.csv", "issues.csv"} <= set(written)
    for name in written:
        assert (tmp_path / "draft" / name).read_bytes() == (release / name).read_bytes(), name
    assert [folder.name for folder in tmp_path.iterdir()] == ["draft"]
