"""`kg link`: cells with several names, further columns as evidence, short names, and what is not in the graph."""

import csv
import io
from pathlib import Path

import pytest

from kg.core.release import Release

from ..support.commands import kg

IRI = "https://w3id.org/shisaku/id/"
CAS, MIC, METI = (f"{IRI}organization/{key}" for key in ("cas", "mic", "meti"))


@pytest.fixture(scope="session")
def releases(real: Release) -> Path:
    """The folder of the release that the recipe of this checkout makes."""
    return real.folder.parents[1]


def linked(releases: Path, table: str, *arguments: str) -> tuple[list[dict[str, str]], str]:
    """Return the rows that come out of a table, without the prefix of the added columns, and what was said."""
    result = kg("link", "-", "--prefix", "", *arguments, "--releases", releases, input=table.encode())
    assert result.exit_code == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout_bytes.decode()))), result.stderr


@pytest.mark.parametrize(
    ("cell", "type", "means"),
    [
        ("内閣官房・総務省", "organization", [CAS, MIC]),
        ("総務省、経産省", "organization", [MIC, METI]),
        ("総務省 経産省", "organization", [MIC, METI]),
        ("総務省及び経済産業省", "organization", [MIC, METI]),
        ("MIC; METI", "organization", [MIC, METI]),
        ("総務省/経済産業省/総務省", "organization", [MIC, METI]),
        ("総務省(自治行政局、情報流通行政局)、経済産業省", "organization", [MIC, METI]),
        ("01-05、02-03", "measure", [f"{IRI}municipal-2019/measure/{number}" for number in ("01-05", "02-03")]),
        ("オープンデータ・バイ・デザインの推進", "measure", [f"{IRI}municipal-2019/measure/02-03"]),
        (
            "オープンデータ・バイ・デザインの推進、01-05",
            "measure",
            [f"{IRI}municipal-2019/measure/{number}" for number in ("02-03", "01-05")],
        ),
    ],
)
def test_a_cell_may_hold_several_names(releases: Path, cell: str, type: str, means: list[str]) -> None:
    """Each name is looked up; their IRIs stand in one cell, as in a release; a name that holds marks is one."""
    table = io.StringIO()
    csv.writer(table).writerows([["a"], [cell]])
    found, _ = linked(releases, table.getvalue(), "-c", "a", "-t", type)
    assert (found[0]["iri"].split("|"), found[0]["match"]) == (means, "true")
    assert len(found[0]["label"].split("|")) == len(means)


def test_a_name_among_several_that_is_not_found_is_said(releases: Path) -> None:
    """What is known is given, the cell as a whole is no match, and the reason names what is not known."""
    found, said = linked(
        releases, "a\n総務省、企画政策課、01-05番\nまったく、関係ない・言葉\n", "-c", "a", "-t", "organization"
    )
    assert (found[0]["iri"], found[0]["match"]) == (MIC, "false")
    assert "「企画政策課」に当たるものなし" in found[0]["reason"]
    assert found[1]["iri"] == ""
    only, _ = linked(releases, "a\n総務省、企画政策課\n", "-c", "a", "-t", "organization", "--matched-only")
    assert only[0]["iri"] == ""
    assert "1 with a proposal" in said


def test_further_columns_are_evidence(releases: Path) -> None:
    """A ministry in any role, a pillar, a number or a law beside a name moves a score; the unknown does not."""
    title = "オープンデータバイデザイン推進"
    beside = [
        "内閣官房",
        "(総)自治行政局",
        "",
        "農水省",
        "02-03",
        "01-05",
        "内閣官房・農水省",
        "オープンデータの推進に関する課",
    ]
    table = "名,担当\n" + "".join(f"{title},{cell}\n" for cell in beside)
    found, _ = linked(releases, table, "-c", "名", "-e", "担当")
    bare, _ = linked(releases, f"名\n{title}\n", "-c", "名")
    score = {cell: (float(row["score"]), row["match"]) for cell, row in zip(beside, found, strict=True)}
    plain = (float(bare[0]["score"]), "true")
    assert {row["iri"] for row in found} == {f"{IRI}municipal-2019/measure/02-03"}
    assert score["(総)自治行政局"] == score[""] == score["オープンデータの推進に関する課"] == plain
    for cell in ("内閣官房", "02-03", "内閣官房・農水省"):
        assert score[cell] >= plain and score[cell][1] == "true"
    for cell in ("農水省", "01-05"):
        assert score[cell][0] < plain[0] - 15
        assert score[cell][1] == "false"
    assert "「農水省」と合わない" in found[3]["reason"]


def test_a_further_column_that_is_not_there_is_a_wrong_use(releases: Path) -> None:
    """It is named with the columns that there are."""
    result = kg("link", "-", "-c", "a", "-e", "b", "--releases", releases, input=b"a,c\n1,2\n")
    assert (result.exit_code, "there is no column b" in result.stderr) == (2, True)


@pytest.mark.parametrize(("type", "things"), [("measure", 82), ("law", 8), ("organization", 26), ("text", 82)])
def test_it_says_among_how_many_it_looks(releases: Path, type: str, things: int) -> None:
    """Who finds nothing sees how short the list is that was looked in."""
    _, said = linked(releases, "a\nx\n", "-c", "a", "-t", type, "--edition", "municipal-2019")
    assert f"matched with {things} things of the type {'measure' if type == 'text' else type}" in said


def test_laws_go_by_their_short_names(releases: Path) -> None:
    """A short name finds the law; a law that is known and not in the graph is told apart from what nobody knows."""
    laws = ["電子委任状法", "官民データ法", "次世代医療基盤法", "電波法", "番号法", "デジタル手続法", "架空の推進法"]
    found, said = linked(releases, "a\n" + "\n".join(laws) + "\n", "-c", "a", "-t", "law")
    there = dict(zip(laws, found, strict=True))
    for short, key in zip(laws[:3], ("denshi-ininjo", "kanmin-data", "jisedai-iryo"), strict=True):
        assert (there[short]["iri"], there[short]["match"]) == (f"{IRI}law/{key}", "true")
        assert f"「{short}」は略称" in there[short]["reason"]
    for absent in laws[3:6]:
        assert (there[absent]["iri"], there[absent]["match"]) == ("", "")
        assert there[absent]["reason"].endswith("はこのグラフにない")
    assert "番号の利用等に関する法律" in there["番号法"]["reason"]
    assert "このグラフにない" not in there["架空の推進法"]["reason"]
    assert "3 with a registered name that is not in this graph" in said


def test_an_absent_law_is_said_among_several_names(releases: Path) -> None:
    """By its short name with its number behind it, by its number alone, beside others: it is told apart as well."""
    cells = [
        "番号法、電波法",
        "番号法(平成25年法律第27号)",
        "平成25年法律第27号",
        "官民データ活用推進基本法及び番号法",
        "平成28年法律第103号",
        "電気事業法、架空の推進法",
    ]
    table = io.StringIO()
    csv.writer(table).writerows([["a"], *([cell] for cell in cells)])
    found, said = linked(releases, table.getvalue(), "-c", "a", "-t", "law")
    assert [row["iri"].removeprefix(f"{IRI}law/") for row in found] == [
        "",
        "",
        "",
        "kanmin-data",
        "kanmin-data",
        "denki-jigyo",
    ]
    assert [row["match"] for row in found] == ["", "", "", "false", "true", "false"]
    assert ["はこのグラフにない" in row["reason"] for row in found] == [True, True, True, True, False, False]
    assert found[0]["reason"].count("はこのグラフにない") == 2
    assert "3 with a registered name that is not in this graph" in said


def test_a_short_text_is_not_like_a_measure_in_full(releases: Path) -> None:
    """With --type text a word alone scores little, and no candidate comes without the words that carried it."""
    words = ["データ", "A", "2020", "オープンデータ", "の", "総務省", "クラウド", "ICT", "テレワーク"]
    found, _ = linked(releases, "a\n" + "\n".join(words) + "\n", "-c", "a", "-t", "text", "--min-score", "0")
    for row in found:
        assert not row["iri"] or (
            0 < float(row["score"]) < 60 and "共通の語: –。名称と共通の語: –" not in row["reason"]
        )
    assert "共通の語: データ" in found[0]["reason"]
