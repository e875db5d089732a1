"""`kg link`: a user's table gets the IRIs of what it names, and stays what it was."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result
from openpyxl.styles import Font

from kg.core.release import Release

from ..support.commands import kg, kg_process

Link = Callable[..., Result]


@pytest.fixture(scope="session")
def releases(real: Release) -> Path:
    """The folder of the release that the recipe of this checkout makes."""
    return real.folder.parents[1]


@pytest.fixture
def link(releases: Path) -> Link:
    """Run `kg link` with these arguments against that release; a traceback is a failure of the test."""

    def run(*arguments: str | Path, input: bytes = b"") -> Result:
        return kg("link", *arguments, "--releases", releases, input=input)

    return run


def rows(content: bytes, encoding: str = "utf-8-sig", separator: str = ",") -> list[dict[str, str]]:
    """Return the rows of a table as text, by the names of its columns."""
    return list(csv.DictReader(io.StringIO(content.decode(encoding), newline=""), delimiter=separator))


IRI = "https://w3id.org/shisaku/id/"
OPEN_DATA = IRI + "municipal-2019/measure/02-03"
PLAN = """\
番号,施策名,担当
1,オープンデータ・バイ・デザインの推進,企画課
2,"農業関係情報の
オープンデータ化推進",農政課
3,,総務課
4,まったく関係のない庭の手入れ,
"""
ADDED = ("iri", "label", "score", "match", "reason")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A municipality's plan, in UTF-8."""
    file = tmp_path / "plan.csv"
    file.write_text(PLAN, encoding="utf-8", newline="")
    return file


def test_a_table_gets_the_iris_of_what_it_names(link: Link, plan: Path) -> None:
    """Each row has IRI, label, score, match and reason beside what it had; a row without a text has none."""
    result = link(plan, "--column", "施策名")

    assert result.exit_code == 0, result.stderr
    first, second, empty, other = rows(result.stdout_bytes)
    assert [*first] == ["番号", "施策名", "担当", *(f"shisaku_{name}" for name in ADDED)]
    assert (first["shisaku_iri"], first["shisaku_match"], first["shisaku_score"]) == (OPEN_DATA, "true", "100.0")
    assert first["shisaku_label"] == "オープンデータ・バイ・デザインの推進"
    assert "オープンデータ・バイ・デザインの推進" in first["shisaku_reason"]
    assert second["shisaku_iri"] == IRI + "municipal-2019/measure/02-14"
    assert [empty[f"shisaku_{name}"] for name in ADDED] == [""] * 5
    assert [other[f"shisaku_{name}"] for name in ADDED] == [""] * 5
    assert "4 rows" not in result.stderr
    assert "3 rows with a text, 3 different ones" in result.stderr
    assert "UTF-8, separated by commas" in result.stderr


@pytest.mark.parametrize(
    ("encoding", "end", "separator", "said"),
    [
        ("utf-8", "\n", ",", "UTF-8, separated by commas"),
        ("utf-8-sig", "\r\n", ",", "UTF-8 with a byte order mark, separated by commas"),
        ("cp932", "\r\n", "\t", "Shift_JIS (CP932), separated by tabs"),
        ("utf-16", "\r\n", "\t", "UTF-16, separated by tabs"),
        ("cp932", "\r", ";", "Shift_JIS (CP932), separated by semicolons"),
    ],
)
def test_what_was_there_stays_to_the_byte(
    link: Link, tmp_path: Path, encoding: str, end: str, separator: str, said: str
) -> None:
    """Encoding, mark, line ends, separator, quotation marks, empty and short lines: each line only grows at its end."""
    lines = [
        "表題①",
        's施策名s,"担当 ""課""",予算',
        "オープンデータ・バイ・デザインの推進,企画課,1,余り",
        "",
        '"短い"',
        ",,",
    ]
    text = end.join(line.replace("s施策名s", "施策名").replace(",", separator) for line in lines)
    file = tmp_path / "table.txt"
    file.write_bytes(text.encode(encoding))
    result = link(file, "--column", "施策名", "--out", out := tmp_path / "out.csv")

    assert result.exit_code == 0, result.stderr
    assert said in result.stderr
    before, after = text.split(end), out.read_bytes().decode(encoding).split(end)
    assert len(before) == len(after)
    assert [new[: len(old)] for old, new in zip(before, after, strict=True)] == before
    assert (after[0], after[3]) == (before[0], before[3])  # above the header, and an empty line
    assert after[1].endswith(separator.join(["予算", "", *(f"shisaku_{name}" for name in ADDED)]))
    assert after[2].startswith(f"{before[2]}{separator}{OPEN_DATA}{separator}")
    assert after[5] == before[5] + separator * 6


def test_a_column_goes_by_its_name_in_any_width_or_by_its_number(link: Link, tmp_path: Path) -> None:
    """Width, spaces, line breaks and letter case of a header are of no account; a number counts from 1."""
    file = tmp_path / "plan.csv"
    file.write_text('No,"施策\n名 (案)"\n1,総務省\n', encoding="utf-8")
    for column in ("施策名(案)", "施策名(案)", "2"):
        result = link(file, "--column", column, "--type", "organization")
        assert rows(result.stdout_bytes)[0]["shisaku_iri"] == IRI + "organization/mic"


def test_a_column_that_is_not_there_is_a_wrong_use(link: Link, plan: Path) -> None:
    """Exit code 2, nothing on standard output, and the columns that there are."""
    result = link(plan, "--column", "事業名")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no column 事業名" in result.stderr
    assert "1 番号, 2 施策名, 3 担当" in result.stderr


def test_two_columns_of_one_name_are_told_by_number(link: Link) -> None:
    """Where a name is ambiguous nothing is guessed; the numbers to choose from are said."""
    result = link("-", "--column", "a", input=b"a,b,a\n1,2,3\n")

    assert result.exit_code == 2
    assert "columns 1, 3" in result.stderr


def test_an_encoding_that_cannot_be_told_has_a_remedy(link: Link, tmp_path: Path) -> None:
    """Bytes of no Japanese encoding: exit code 1, where, and what to do; --encoding is believed."""
    file = tmp_path / "euc.csv"
    file.write_bytes("施策名\n総務省の施策、漢字\n".encode("euc_jp") + b"\xff\n")
    result = link(file, "--column", "施策名")
    assert result.exit_code == 1
    assert "neither UTF-8 nor Shift_JIS, EUC-JP or ISO-2022-JP" in result.stderr
    assert "--encoding" in result.stderr
    file.write_bytes("施策名\n総務省\n".encode("euc_jp"))
    told = link(file, "--column", "施策名", "--type", "organization", "--encoding", "euc_jp")
    assert rows(told.stdout_bytes, "euc_jp")[0]["shisaku_iri"] == IRI + "organization/mic"
    wrong = link(file, "--column", "施策名", "--encoding", "utf-8")
    assert (wrong.exit_code, "this is not UTF-8" in wrong.stderr) == (1, True)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("euc_jp", "EUC-JP"), ("iso2022_jp", "ISO-2022-JP"), ("cp932", "Shift_JIS (CP932)"), ("utf-16", "UTF-16")],
)
@pytest.mark.parametrize(
    "text",
    ["名,課\r\n総務省,企画課\r\n", "団体\n総務省\n", "ショウ,名\nソウムショウ,総務省\n", "No,担当\n1,総務省\n2,\n"],
)
def test_japanese_encodings_are_told_by_their_bytes(
    link: Link, tmp_path: Path, encoding: str, said: str, text: str
) -> None:
    """Each is said by its name, is read as what was written, and is what the table is written in again."""
    file = tmp_path / "table.csv"
    file.write_bytes(text.encode(encoding))
    column = next(name for name in ("名", "団体", "担当") if name in text)
    result = link(file, "-c", column, "-t", "organization", "-o", out := tmp_path / "out.csv")
    assert result.exit_code == 0, result.stderr
    assert said in result.stderr
    assert rows(out.read_bytes(), encoding)[0]["shisaku_iri"] == IRI + "organization/mic"


def test_half_width_kana_stay_what_they_are(link: Link) -> None:
    """A Shift_JIS file whose only Japanese are half-width kana might be EUC-JP, and is not taken for it."""
    result = link("-", "-c", "NAME", input="NO,NAME\n1,ｿｳﾑｼｮｳ\n2,ﾅｲｶｸﾌ\n".encode("cp932"))
    assert "Shift_JIS" in result.stderr
    assert rows(result.stdout_bytes, "cp932")[0]["NAME"] == "ｿｳﾑｼｮｳ"


@pytest.mark.parametrize("other", ["cp932", "euc_jp"])
def test_a_file_in_two_encodings_is_refused_with_its_lines(link: Link, tmp_path: Path, other: str) -> None:
    """Two exports put together: nothing is read as rubbish; the refusal names both encodings and a line of each."""
    file = tmp_path / "mixed.csv"
    file.write_bytes(
        "施策名,担当\n総務省の施策,企画課\n".encode() + "防災の推進、地域の見守り,危機管理課\n".encode(other)
    )
    result = link(file, "-c", "施策名")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "mixes encodings: line 1 is UTF-8, line 3 is" in result.stderr
    assert {"cp932": "Shift_JIS", "euc_jp": "EUC-JP"}[other] in result.stderr


@pytest.mark.parametrize("type", ["Measure", "MEASURE", "shisaku:Measure", IRI[:-3] + "def#Measure", "Text"])
def test_a_type_goes_by_its_name_in_any_letter_case(link: Link, type: str) -> None:
    """A class is named as a client of SPARQL would name it, or as the help does."""
    result = link("-", "-c", "a", "-t", type, input="a\nオープンデータ・バイ・デザインの推進\n".encode())
    assert rows(result.stdout_bytes)[0]["shisaku_iri"] == OPEN_DATA


def test_what_cannot_be_meant_is_refused(link: Link) -> None:
    """A type or an edition that is not there, and options that say nothing of a paragraph."""
    unknown = link("-", "-c", "a", "-t", "Mesure", input=b"a\nx\n")
    assert (unknown.exit_code, "Mesure (measure?)" in unknown.stderr) == (1, True)
    edition = link("-", "-c", "a", "--edition", "municipal-2020", input=b"a\nx\n")
    assert (edition.exit_code, "editions of this release: municipal-2019" in edition.stderr) == (1, True)
    for option in (("--matched-only",), ("--evidence", "b")):
        assert link("-", "-c", "a", "-t", "text", *option, input=b"a,b\nx,y\n").exit_code == 2


def test_a_table_of_one_column_goes_by_its_number(link: Link) -> None:
    """No separator divides such a table, so any will do; a number beyond it is a wrong use."""
    result = link("-", "--column", "1", "-t", "organization", input="name\n総務省\n".encode())
    assert rows(result.stdout_bytes)[0]["shisaku_iri"] == IRI + "organization/mic"
    for wrong in ("2", "0"):
        assert link("-", "--column", wrong, input="name\n総務省\n".encode()).exit_code == 2
    assert link("-", "--column", "1", input=b"").exit_code == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'a,b\n1,"2\n3,4\n', ":2: a quotation mark"),
        (b"a\0b\n", "zero bytes"),
        (b"PK\x03\x04 no zip", "not a readable Excel file"),
        (bytes.fromhex("d0cf11e0a1b11ae1"), "old Excel file"),
        (b"\xef\xbb\xbf \n<html><table><tr><td>a</td></tr></table></html>", "HTML"),
        (b'<?xml version="1.0"?><a/>', "XML"),
        (b'[{"a": "x"}]', "JSON"),
        (b"%PDF-1.7\n", "PDF"),
    ],
)
def test_a_file_that_is_no_table_is_refused(link: Link, tmp_path: Path, content: bytes, words: str) -> None:
    """A broken table ends with what is wrong with it, where, and a remedy: no traceback, and no half table."""
    file = tmp_path / "broken.csv"
    file.write_bytes(content)
    result = link(file, "--column", "a", "--out", tmp_path / "out.csv")

    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert not (tmp_path / "out.csv").exists()


def test_an_option_about_another_kind_of_file_is_a_wrong_use(link: Link, plan: Path, tmp_path: Path) -> None:
    """A sheet of a CSV file, or the separator of an Excel file, is not passed over: it may be the wrong file."""
    link(plan, "--column", "施策名", "--out", book := tmp_path / "plan.xlsx")
    results = [
        link(plan, "--column", "施策名", "--sheet", "計画"),
        link(book, "--column", "施策名", "--separator", ";", "--prefix", "x_"),
        link(book, "--column", "施策名", "--encoding", "shift_jis", "--prefix", "x_"),
    ]

    assert [result.exit_code for result in results] == [2, 2, 2]
    assert "this is a text table" in results[0].stderr and "this is an Excel file" in results[1].stderr


def test_a_header_in_brackets_is_no_other_file(link: Link, tmp_path: Path) -> None:
    """Cells that begin like HTML or JSON are cells."""
    file = tmp_path / "odd.csv"
    file.write_text("[施策],<担当>\nテレワーク環境整備の推進,総務省\n", encoding="utf-8")

    assert link(file, "--column", "[施策]").exit_code == 0


def test_a_table_is_never_written_over_itself(link: Link, plan: Path) -> None:
    """--out must name another file, of a kind that is written; the table stays."""
    assert link(plan, "--column", "施策名", "--out", plan).exit_code == 2
    assert link(plan, "--column", "施策名", "--out", plan.with_suffix(".pdf")).exit_code == 2
    assert plan.read_text(encoding="utf-8") == PLAN


def test_columns_of_our_names_are_not_doubled(link: Link, plan: Path, tmp_path: Path) -> None:
    """A table that has been linked is linked again under another --prefix only."""
    link(plan, "--column", "施策名", "--out", once := tmp_path / "once.csv")
    again = link(once, "--column", "担当", "--type", "any")
    assert (again.exit_code, "--prefix" in again.stderr) == (2, True)
    other = link(once, "--column", "担当", "--type", "any", "--prefix", "lead_")
    assert [*rows(other.stdout_bytes)[0]][-5:] == [f"lead_{name}" for name in ADDED]


def test_several_candidates_stand_side_by_side(link: Link, plan: Path) -> None:
    """--candidates N adds N groups of columns, by falling scores; only the first can be a match."""
    first = rows(link(plan, "--column", "2", "--candidates", "3").stdout_bytes)[0]

    scores = [float(first[f"shisaku_score{end}"]) for end in ("", "_2", "_3")]
    assert scores == sorted(scores, reverse=True)
    assert len({first[f"shisaku_iri{end}"] for end in ("", "_2", "_3")}) == 3
    assert [first[f"shisaku_match{end}"] for end in ("", "_2", "_3")] == ["true", "false", "false"]


def test_only_what_is_surely_meant_on_request(link: Link, plan: Path) -> None:
    """With --matched-only a row without a match has no IRI that somebody could take for one."""
    found = rows(link(plan, "--column", "施策名", "--matched-only").stdout_bytes)

    assert found[0]["shisaku_iri"] == OPEN_DATA
    assert all(row["shisaku_match"] == "true" for row in found if row["shisaku_iri"])
    assert found[3]["shisaku_iri"] == ""
    every = rows(link(plan, "--column", "施策名", "--min-score", "0").stdout_bytes)
    assert every[3]["shisaku_match"] == "false"


@pytest.mark.parametrize(
    ("kind", "text", "iri"),
    [
        ("organization", "経産省", "organization/meti"),
        ("law", "官民データ活用推進基本法", "law/kanmin-data"),
        ("place", "沖縄県", "place/okinawa"),
        ("formal-organization", "総務省", "organization/mic"),
        ("any", "総務省", "organization/mic"),
    ],
)
def test_other_things_than_measures(link: Link, kind: str, text: str, iri: str) -> None:
    """--type says what is looked for, by a short word or the name of a class."""
    found = rows(link("-", "--column", "a", "--type", kind, input=f"a\n{text}\n".encode()).stdout_bytes)

    assert (found[0]["shisaku_iri"], found[0]["shisaku_match"]) == (IRI + iri, "true")


def test_a_type_that_is_not_there_is_said_with_those_that_are(link: Link, plan: Path) -> None:
    """Exit code 1 and the words that may stand there."""
    result = link(plan, "--column", "施策名", "--type", "planet")

    assert result.exit_code == 1
    assert "organization" in result.stderr
    assert "Measure" in result.stderr


def test_a_paragraph_finds_the_measures_it_resembles(link: Link) -> None:
    """With --type text the measures come that a text is like, with the words that carried it, and never as a match."""
    text = "本市では、災害時に避難所で住民が通信手段を確保できるよう、防災拠点にWi-Fiを整備する。"
    result = link("-", "--column", "概要", "--type", "text", "--candidates", "2", input=f"概要\n{text}\n".encode())

    found = rows(result.stdout_bytes)[0]
    assert found["shisaku_iri"] == IRI + "municipal-2019/measure/06-11"
    assert found["shisaku_match"] == ""
    assert "防災拠点" in found["shisaku_reason"]


def test_the_words_come_in_english(link: Link) -> None:
    """--lang en gives labels and reasons in English."""
    found = rows(
        link("-", "-c", "a", "-t", "law", "--lang", "en", input="a\n官民データ活用推進基本法\n".encode()).stdout_bytes
    )

    assert found[0]["shisaku_label"].startswith("Basic Act")
    assert found[0]["shisaku_reason"].isascii() or "“" in found[0]["shisaku_reason"]


def test_what_an_encoding_does_not_have_is_refused(link: Link, plan: Path, tmp_path: Path) -> None:
    """The user's own characters are never lost: an encoding that lacks one of them is refused, and no file is left."""
    plan.write_text("施策名\n総務省🙂\n", encoding="utf-8")
    refused = link(plan, "-c", "施策名", "--out-encoding", "shift_jis", "--out", tmp_path / "out.csv")
    assert (refused.exit_code, "🙂" in refused.stderr) == (1, True)
    assert not (tmp_path / "out.csv").exists()
    assert link(plan, "-c", "施策名", "--out-encoding", "klingon").exit_code == 1


def test_an_excel_file_stays_one(link: Link, tmp_path: Path) -> None:
    """Other sheets, looks, numbers and formulas stay; a formula is read by what it gave last."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["令和2年度 施策一覧"])
    sheet.append(["番号", "施策名", "予算"])
    sheet["B2"].font = Font(bold=True)
    sheet.append([1, "オープンデータ・バイ・デザインの推進", 1200.5])
    sheet.append([2, None, "=C3*2"])
    sheet.append([None, None, None])
    sheet.append(["01-05", "=B3", 3])
    book.create_sheet("別").append(["そのまま"])
    book.save(tmp_path / "plan.xlsx")
    result = link(tmp_path / "plan.xlsx", "--column", "施策名", "--out", tmp_path / "out.xlsx")

    assert result.exit_code == 0, result.stderr
    linked = openpyxl.load_workbook(tmp_path / "out.xlsx")
    after = linked.worksheets[0]
    old = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [[cell.value for cell in row[:3]] for row in after.iter_rows()] == old
    assert [after.cell(2, place).value for place in (2, 4, 8)] == ["施策名", "shisaku_iri", "shisaku_reason"]
    assert after["B2"].font.bold
    assert after["D3"].value == OPEN_DATA
    assert after["D4"].value is None
    assert linked["別"]["A1"].value == "そのまま"
    assert "Excel, sheet Sheet" in result.stderr


def test_excel_and_text_go_into_each_other(link: Link, plan: Path, tmp_path: Path) -> None:
    """A CSV file becomes an Excel file of texts only, and an Excel file a CSV file that Excel knows to be UTF-8."""
    plan.write_text("番号,施策名\n01-05,=1+1\n", encoding="utf-8")
    assert link(plan, "-c", "施策名", "-o", tmp_path / "out.xlsx").exit_code == 0
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    assert [(cell.value, cell.data_type) for cell in sheet[2]][:2] == [("01-05", "s"), ("=1+1", "s")]
    back = link(tmp_path / "out.xlsx", "-c", "番号", "--prefix", "again_", "-o", tmp_path / "out.csv")
    assert back.exit_code == 0, back.stderr
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert rows(content)[0]["again_iri"] == IRI + "municipal-2019/measure/01-05"


def test_many_rows_are_looked_up_once_for_each_text(link: Link, tmp_path: Path) -> None:
    """Equal texts have equal answers, in their own rows; many are shared out among processes, with the same answers."""
    names = [f"データの推進 {number}" for number in range(450)]
    text = "名\n" + "".join(f"{names[number % 450]}\n" for number in range(2000))
    alone = link("-", "-c", "名", "--processes", "1", input=text.encode())
    shared = link("-", "-c", "名", "--processes", "2", input=text.encode())

    assert alone.exit_code == shared.exit_code == 0, shared.stderr
    assert alone.stdout_bytes == shared.stdout_bytes
    assert "2,000 rows with a text, 450 different ones" in shared.stderr
    found = rows(alone.stdout_bytes)
    assert [row["名"] for row in found] == text.split("\n")[1:-1]
    assert found[0]["shisaku_iri"] == found[450]["shisaku_iri"]


def test_it_says_how_it_is_used() -> None:
    """The help has examples, and no progress goes into a pipe."""
    told = kg_process("link", "--help")
    assert told.returncode == 0
    assert "kg link plan.csv --column 施策名" in told.stdout
    assert told.stderr == ""
