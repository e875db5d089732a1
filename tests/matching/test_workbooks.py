"""`kg link` on Excel files: columns are added, and every other byte stays; odd workbooks are read or refused."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from click.testing import Result

from kg.core.release import Release

from ..support.commands import kg

IRI = "https://w3id.org/shisaku/id/"
OPEN_DATA = IRI + "municipal-2019/measure/02-03"
TITLE = "オープンデータ・バイ・デザインの推進"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)
SHEET = "xl/worksheets/sheet1.xml"

pytestmark = pytest.mark.filterwarnings("ignore:Sparkline")  # of openpyxl, which would lose them

Link = Callable[..., Result]


@pytest.fixture
def link(real: Release) -> Link:
    """Run `kg link` with these arguments against the release that the recipe of this checkout makes."""

    def run(*arguments: str | Path) -> Result:
        return kg("link", *arguments, "--releases", real.folder.parents[1])

    return run


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A plan as an office keeps one: merged header, rich text, formulas, picture, text box, sparkline, chart."""
    file = tmp_path / "rich.xlsx"
    book = xlsxwriter.Workbook(file)
    sheet, other = book.add_worksheet("計画"), book.add_worksheet("別")
    bold, red = book.add_format({"bold": True}), book.add_format({"font_color": "red"})
    sheet.merge_range("A1:D1", "令和2年度 施策一覧", bold)
    sheet.merge_range("A2:A3", "番号", bold)
    sheet.merge_range("B2:C2", "施策", bold)
    sheet.write("B3", "名称", bold)
    sheet.write("C3", "担当", bold)
    sheet.merge_range("D2:D3", "予算", bold)
    sheet.write_rich_string("B4", "オープンデータ", red, "・バイ・デザイン", "の推進")
    sheet.merge_range("C4:C5", "内閣官房・総務省")
    sheet.write("B5", "防災拠点等におけるWi-Fi環境の整備推進")
    sheet.write("D4", 100)
    sheet.write_formula("D5", "=D4*2", None, 200)
    sheet.write_formula("B7", "=B4", None, TITLE)
    sheet.insert_image("F2", "pixel.png", {"image_data": io.BytesIO(PIXEL)})
    sheet.insert_textbox("F5", "text box")
    sheet.add_sparkline("D8", {"range": "計画!D4:D5"})
    sheet.conditional_format("D4:D6", {"type": "3_color_scale"})
    sheet.write_comment("A4", "注")
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=計画!$D$4:$D$5"})
    other.insert_chart("B2", chart)
    book.close()
    return file


def parts(file: Path) -> dict[str, bytes]:
    """Return the parts of a workbook, in their order."""
    with zipfile.ZipFile(file) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def changed(file: Path, new: Path, *changes: tuple[bytes, bytes], part: str = "") -> Path:
    """Write a workbook with other bytes in the XML of its parts, or of one of them."""
    with zipfile.ZipFile(new, "w") as archive:
        for name, content in parts(file).items():
            for before, after in changes:
                content = content if part and part != name else content.replace(before, after)
            archive.writestr(name, content)
    return new


def cells(file: Path) -> list[list[Any]]:
    """Return the rows of the first sheet of a workbook, formulas by what they gave."""
    return [[*row] for row in openpyxl.load_workbook(file, data_only=True).worksheets[0].iter_rows(values_only=True)]


def test_every_other_byte_of_a_workbook_stays(link: Link, rich: Path, tmp_path: Path) -> None:
    """All parts but the sheet are the same; of the sheet nothing is gone, and the cells are in the last header row."""
    result = link(rich, "-c", "名称", "-e", "担当", "--out", out := tmp_path / "out.xlsx")
    assert result.exit_code == 0, result.stderr
    before, after = parts(rich), parts(out)
    assert [*before] == [*after]
    assert [name for name in before if before[name] != after[name]] == [SHEET]
    added = after[SHEET]
    for piece in before[SHEET].replace(b"</row>", b"<row").replace(b'spans="1:4"', b"<row").split(b"<row"):
        if b"<dimension" not in piece:
            assert piece in added
    rows = cells(out)
    assert [row[4] for row in rows] == [
        *(None, None, "shisaku_iri", OPEN_DATA, IRI + "municipal-2019/measure/06-11", None, OPEN_DATA)
    ]
    assert [row[3] for row in rows][3:5] == [100, 200]
    assert "「内閣官房・総務省」と合う" in rows[4][8]
    assert openpyxl.load_workbook(out).worksheets[0]["E3"].font.bold


@pytest.mark.exhaustive
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_what_was_written(link: Link, rich: Path, tmp_path: Path) -> None:
    """Another program than the one that was tried with reads the file, and its formulas have their values."""
    assert link(rich, "-c", "名称", "--out", tmp_path / "out.xlsx").exit_code == 0
    command = [
        "soffice",
        f"-env:UserInstallation=file://{tmp_path}/home",
        "--headless",
        "--convert-to",
        "csv:Text - txt - csv (StarCalc):44,34,76",
    ]
    subprocess.run(
        [*command, "--outdir", tmp_path, tmp_path / "out.xlsx"], check=True, timeout=180, capture_output=True
    )
    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert f",200,{IRI}municipal-2019/measure/06-11," in text
    assert "名称,担当,,shisaku_iri" in text


def test_merged_cells_hold_their_text_in_each_row(link: Link, rich: Path, tmp_path: Path) -> None:
    """A ministry that stands once for two rows is looked up for both; a header of two merged rows is found."""
    result = link(rich, "-c", "担当", "-t", "organization", "--out", out := tmp_path / "out.xlsx")
    assert result.exit_code == 0, result.stderr
    both = f"{IRI}organization/cas|{IRI}organization/mic"
    assert [row[4] for row in cells(out)][2:7] == ["shisaku_iri", both, both, None, None]
    assert link(rich, "-c", "番号", "-t", "any").exit_code == 0


def test_the_header_row_can_be_said(link: Link, tmp_path: Path) -> None:
    """--header-row names the last row of a header: names may stand in any row of it, and nothing of it is looked up."""
    text = "担当,,予算\n主,副,\n総務省,経産省,1\n"
    (tmp_path / "two.csv").write_text(text, encoding="utf-8")
    for column, key in (("主", "mic"), ("副", "meti"), ("担当", "mic"), ("2", "meti")):
        result = link(tmp_path / "two.csv", "-c", column, "-t", "organization", "--header-row", "2")
        assert result.exit_code == 0, result.stderr
        first, second, third = result.stdout.splitlines()
        assert (first, second) == (
            "担当,,予算",
            "主,副,,shisaku_iri,shisaku_label,shisaku_score,shisaku_match,shisaku_reason",
        )
        assert third.startswith(f"総務省,経産省,1,{IRI}organization/{key},")
        assert "1 rows with a text" in result.stderr
    result = link(tmp_path / "two.csv", "-c", "主", "--header-row", "9")
    assert (result.exit_code, "no row 9" in result.stderr) == (2, True)


def test_strict_open_xml_is_read_and_stays_so(link: Link, rich: Path, tmp_path: Path) -> None:
    """Excel's “Strict Open XML” has other names for everything: it is read all the same, and written as it was."""
    names = [
        (
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        ),
        (
            b"http://schemas.openxmlformats.org/officeDocument/2006/",
            b"http://purl.oclc.org/ooxml/officeDocument/",
        ),
        (b"http://schemas.openxmlformats.org/drawingml/2006/", b"http://purl.oclc.org/ooxml/drawingml/"),
    ]
    strict = changed(rich, tmp_path / "strict.xlsx", *names)
    result = link(strict, "-c", "名称", "--out", out := tmp_path / "out.xlsx")
    assert result.exit_code == 0, result.stderr
    before, after = parts(strict), parts(out)
    assert [name for name in before if before[name] != after[name]] == [SHEET]
    assert OPEN_DATA.encode() in after[SHEET]
    assert after[SHEET].startswith(before[SHEET][:200])


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ([(b"<row r=", b"<x:row r="), (b"</row>", b"</x:row>"), (b"<c r=", b"<x:c r="), (b"</c>", b"</x:c>")], "a"),
        ([(b' r="1"', b""), (b' r="2"', b""), (b' r="A1"', b""), (b' r="A2"', b"")], "a"),
        ([(b"UTF-8", b"utf-8"), (b' spans="1:1"', b"")], "a"),
    ],
)
def test_sheets_of_other_programs_are_written_to(link: Link, tmp_path: Path, changes: Any, column: str) -> None:
    """Prefixes of elements, rows and cells without their numbers, missing spans: cells are added in the same way."""
    with xlsxwriter.Workbook(tmp_path / "plain.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_column("A1", ["a", TITLE])
    names = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    prefixed = (b"<worksheet xmlns=", b'<worksheet xmlns:x="%b" xmlns=' % names)
    file = changed(tmp_path / "plain.xlsx", tmp_path / "odd.xlsx", prefixed, *changes, part=SHEET)
    result = link(file, "-c", column, "--out", out := tmp_path / "out.xlsx")
    assert result.exit_code == 0, result.stderr
    assert [row[1] for row in cells(out)] == ["shisaku_iri", OPEN_DATA]


def test_escaped_characters_of_excel_are_read(link: Link, tmp_path: Path) -> None:
    """`_x000D_` is a carriage return, in a name of a column and in a cell; a text of ours that looks so is escaped."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["施策_x000D_\n名"])
    sheet.append([f"{TITLE}_x000D_\n"])
    book.save(tmp_path / "plan.xlsx")
    result = link(tmp_path / "plan.xlsx", "-c", "施策名", "--prefix", "_x0041_", "--out", out := tmp_path / "out.xlsx")
    assert result.exit_code == 0, result.stderr
    assert cells(out)[1][1] == OPEN_DATA
    assert b"_x005F_x0041_iri" in parts(out)[SHEET]


def test_formulas_without_a_value_are_said(link: Link, tmp_path: Path) -> None:
    """Programs write formulas that nothing has computed: their rows are not passed over without a word."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["施策名", "x"], [TITLE, 1], ["=A2", 1], [None, 1]):
        sheet.append(row)
    book.save(tmp_path / "plan.xlsx")
    assert "1 formulas of the column have no value yet" in link(tmp_path / "plan.xlsx", "-c", "施策名").stderr
    assert "no value yet" not in link(tmp_path / "plan.xlsx", "-c", "x", "-t", "any").stderr


def test_macros_are_not_lost(link: Link, rich: Path, tmp_path: Path) -> None:
    """A file with macros is written as .xlsm only, one without never so, and a signed file is said to be one before."""
    kinds = (b"spreadsheetml.sheet.main+xml", b"ms-excel.sheet.macroEnabled.main+xml")
    kinds = (b"application/vnd.openxmlformats-officedocument." + kinds[0], b"application/vnd." + kinds[1])
    macros = changed(rich, tmp_path / "macros.xlsm", kinds)
    refused = link(macros, "-c", "名称", "--out", tmp_path / "out.xlsx")
    assert (refused.exit_code, "macros" in refused.stderr) == (1, True)
    assert link(macros, "-c", "名称", "--out", tmp_path / "out.xlsm").exit_code == 0
    assert link(rich, "-c", "名称", "--out", tmp_path / "other.xlsm").exit_code == 1
    assert {file.name for file in tmp_path.iterdir()} == {"rich.xlsx", "macros.xlsm", "out.xlsm"}
    with zipfile.ZipFile(rich, "a") as archive:
        archive.writestr("_xmlsignatures/sig1.xml", "<x/>")
    assert "the file is signed" in link(rich, "-c", "名称", "--out", tmp_path / "signed.xlsx").stderr


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, "OpenDocument"),
        ({"[Content_Types].xml": "application/vnd.ms-excel.sheet.binary.macroEnabled.main"}, "binary Excel file"),
        ({"word/document.xml": "<x/>"}, "not a readable Excel file"),
        ({"[Content_Types].xml": "<x", "xl/workbook.xml": "<x"}, "not a readable Excel file"),
    ],
)
def test_what_is_no_such_workbook_is_refused(link: Link, tmp_path: Path, contents: dict[str, str], words: str) -> None:
    """Other kinds of zip files are refused with what to do."""
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    result = link(tmp_path / "a.xlsx", "-c", "a")
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert ".xlsx" in result.stderr
