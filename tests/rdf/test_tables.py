"""The tables for people without SPARQL: Excel in which every cell is text, and CSV described for programs."""

import csv
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import openpyxl
import pytest
from csvw import CSVW
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.core.errors import RecipeError
from kg.core.paths import project_folders
from kg.rdf.csv_tables import MAX_CELL_LENGTH, TRUNCATED, Table, write_workbook
from kg.recipe.loader import Catalogue, TableTexts, Text, read_catalogue

TABLES = (
    "measures",
    "kpis",
    "targets",
    "organizations",
    "documents",
    "links",
    "revisions",
    "local-measures",
    "corrections",
    "issues",
)
# What spreadsheet programs are known to change when a cell is no text.
HOSTILE = [
    *("01-05", "1/2", "-5", "=1+1", "+81", "@SUM(A1)", "'quoted", "0012", "1234567890123456", "1E5", "TRUE", "#N/A"),
    *(
        "令和元年5月1日",
        "2019-05-01",
        "12:30",
        "50%",
        "¥100",
        " padded ",
        "two\nlines",
        'a "b", c',
        "_x0041_",
        "x" * 300,
    ),
    *("http://example.org/", "mailto:a@example.org", "internal:Sheet1!A1", "𠮷野家", "{=1}", "=HYPERLINK(1)"),
]
# All sheets, each into a file of its own; commas, quotation marks, UTF-8, each cell as it is shown.
TO_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"


def rows(file: Path) -> list[list[str]]:
    """Return the header and the rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.reader(opened))


def made(values: list[str], folder: Path) -> Path:
    """Write a workbook with one column of these values and return it."""
    text = Text("題", "title")
    texts = Catalogue(
        text, text, text, (), (), "http://example.org/", text, text, {}, {"t": TableTexts(text, {"v": text})}, ""
    )
    table = Table("t", ("v",), tuple((value,) for value in values))
    write_workbook(folder / "t.xlsx", [table], texts, text, "1", "2019-10-11")
    return folder / "t.xlsx"


def converted(file: Path, folder: Path) -> Path:
    """Convert a workbook to CSV by LibreOffice; return the folder with a file for each sheet."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if not program:
        pytest.skip("LibreOffice is missing; Debian and Ubuntu: apt-get install libreoffice-calc-nogui")
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [program, profile, "--headless", "--convert-to", TO_CSV, "--outdir", str(folder), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_of_the_workbook_is_text_and_the_one_of_the_csv(release: Path, name: str) -> None:
    """Each sheet holds exactly its CSV, each cell with type and format of a text, and its header stays in sight."""
    sheet = openpyxl.load_workbook(release / "shisaku.xlsx")[name]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]

    assert [[cell.value or "" for cell in row] for row in sheet.iter_rows()] == rows(release / f"{name}.csv")
    assert {(cell.data_type, cell.number_format) for cell in cells} == {("s", "@")}
    assert sheet.freeze_panes == "A2"
    assert all(6 <= dimension.width <= 61 for dimension in sheet.column_dimensions.values())


def test_libreoffice_shows_every_cell_as_it_is(release: Path, tmp_path: Path) -> None:
    """Opened in LibreOffice and saved as CSV, each sheet of the workbook is its CSV again, cell by cell."""
    folder = converted(release / "shisaku.xlsx", tmp_path)

    for name in TABLES:
        assert rows(folder / f"shisaku-{name}.csv") == rows(release / f"{name}.csv"), name


def test_libreoffice_changes_nothing_hostile(tmp_path: Path) -> None:
    """What looks like a date, a number, a formula or a link is the same text in LibreOffice."""
    folder = converted(made(HOSTILE, tmp_path), tmp_path)

    assert rows(folder / "t-t.csv") == [["v"], *([value] for value in HOSTILE)]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20), max_size=9
    )
)
def test_any_text_comes_back_from_the_workbook(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    """Any text is read back by another library as the same text; only what XML cannot hold is replaced by U+FFFD."""
    sheet = openpyxl.load_workbook(made([*HOSTILE, *values], tmp_path_factory.mktemp("made")))["t"]
    expected = [value.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd") for value in values]

    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == [*HOSTILE, *expected]


def test_a_text_that_is_too_long_for_excel_says_so(tmp_path: Path) -> None:
    """Excel takes 32,767 characters in a cell; a longer text ends in a mark that points to the CSV."""
    sheet = openpyxl.load_workbook(made(["あ" * MAX_CELL_LENGTH, "𠮷" * MAX_CELL_LENGTH], tmp_path))["t"]
    whole, cut = (row[0].value for row in sheet.iter_rows(min_row=2))

    assert whole == "あ" * MAX_CELL_LENGTH
    assert cut.endswith(TRUNCATED)
    assert MAX_CELL_LENGTH - 2 <= len(cut.encode("utf-16-le")) // 2 <= MAX_CELL_LENGTH


def test_the_workbook_says_what_it_is(release: Path) -> None:
    """The first sheet tells version, date, terms and what each column means; no date in the file comes from a clock."""
    file = release / "shisaku.xlsx"
    book = openpyxl.load_workbook(file)
    about = {row[0]: row[1:] for row in book["about"].iter_rows(values_only=True)}
    with zipfile.ZipFile(file) as packed:
        times = {entry.date_time for entry in packed.infolist()}

    assert book.sheetnames == ["about", *TABLES]
    assert about["version"] == ("2019.1.0", "2019.1.0")
    assert "出典" in about["rights"][0]
    assert about["measures.number"] == ("国の施策番号", "national measure number")
    assert times == {(1980, 1, 1, 0, 0, 0)}
    assert book.properties.created == book.properties.modified
    assert book.properties.created.date().isoformat() == about["issued"][0]


def test_the_description_of_the_tables_is_valid(release: Path) -> None:
    """A CSVW library finds metadata, datatypes, headers, primary and foreign keys of all tables in order."""
    described = CSVW(str(release / "csv-metadata.json"), validate=True)

    assert described.is_valid
    assert described.warnings == []
    assert described.tablegroup.check_referential_integrity()
    assert [str(table.url) for table in described.tables] == [f"{name}.csv" for name in TABLES]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("measures.csv", ",1,7\r\n", ",one,7\r\n"),
        ("kpis.csv", "/measure/01-05,", "/measure/99-99,"),
        ("measures.csv", "/measure/01-02,", "/measure/01-05,"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # the library tells what it finds as warnings
def test_the_check_can_tell(small_release: Path, tmp_path: Path, name: str, old: str, new: str) -> None:
    """A page that is no number, a KPI of no measure, or a name that occurs twice does not pass."""
    for file in (*small_release.glob("*.csv"), small_release / "csv-metadata.json"):
        shutil.copy(file, tmp_path)
    text = (tmp_path / name).read_bytes().decode()
    assert old in text
    (tmp_path / name).write_bytes(text.replace(old, new, 1).encode())
    try:
        described = CSVW(str(tmp_path / "csv-metadata.json"), validate=True)
        passed = described.is_valid and described.tablegroup.check_referential_integrity()
    except ValueError:
        passed = False

    assert not passed


def test_the_description_names_the_columns_of_the_headers(release: Path) -> None:
    """Each column stands in the order of the header, titled in both languages; several values have their separator."""
    metadata = json.loads((release / "csv-metadata.json").read_text(encoding="utf-8"))

    for described in metadata["tables"]:
        columns = described["tableSchema"]["columns"]
        assert [column["name"] for column in columns] == rows(release / described["url"])[0]
        assert all(column["titles"]["en"][0] == column["name"] and column["titles"]["ja"] for column in columns)
        several = {column["name"] for column in columns if column.get("separator") == "|"}
        assert several == (
            {"effects", "lead", "participating", "groups", "budgets", "urls"} & {c["name"] for c in columns}
        )


def test_each_column_has_its_titles_in_the_recipe(release: Path) -> None:
    """`catalogue.toml` has the titles of every column of every table, and of none that is not there."""
    catalogue = read_catalogue(project_folders().recipe)

    assert {name: list(table.columns) for name, table in catalogue.tables.items()} == {
        name: rows(release / f"{name}.csv")[0] for name in TABLES
    }


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ('licence = "', 'license = "', "licence is missing"),
        ('publisher = ["施策グラフ プロジェクト", ', "publisher = [", "publisher is missing, or no pair of texts"),
        ("[series]", "[serie]", "series is missing"),
        ("[files]", "[files", "is not valid TOML"),
    ],
)
def test_a_catalogue_with_a_gap_is_told(tmp_path: Path, old: str, new: str, fact: str) -> None:
    """A text that is missing or has one language only is told with the file and the remedy."""
    text = (project_folders().recipe / "catalogue.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "catalogue.toml").write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(RecipeError, match=rf"catalogue\.toml: {fact}"):
        read_catalogue(tmp_path)
