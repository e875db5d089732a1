"""Two whole documents that nobody generated: next year's edition and the sister table, read against answers by hand."""

import csv
import hashlib
import re
import shutil
import unicodedata
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pyoxigraph
import pytest
from click.testing import CliRunner

from kg.cli import main
from kg.rdf.shacl_validator import fastest_engine, validate

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parents[1] / "build"

EDITIONS = {
    "municipal-2020": ("市町村の施策に関する国の施策一覧(令和2年改定)", "2020-07-17"),
    "prefectural-2019": ("都道府県の施策に関する国の施策一覧", "2019-06-14"),
}
Row = dict[str, str]


def rows_of(path: Path) -> list[Row]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def plain(text: str) -> str:
    """A text as it is compared: width, white space and the bullet of a list item make no difference."""
    folded = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    return re.sub(r"^[・○●■\-]", "", folded)


@pytest.fixture(scope="session")
def editions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The release of each document, built by `kg build` from a copy of the recipe."""
    return {key: built(key, tmp_path_factory.mktemp(key)) for key in EDITIONS}


def built(key: str, base: Path) -> Path:
    """Builds one document and gives the folder with its tables; its graph keeps every promise of the shapes."""
    recipe, document = base / "build", (HERE / f"{key}.txt").read_bytes()
    shutil.copytree(RECIPE, recipe)
    (recipe / "sources" / "municipal-2019").rename(recipe / "sources" / key)
    source = recipe / "sources" / key / "source.toml"
    settings = source.read_text(encoding="utf-8")
    title, decided = EDITIONS[key]
    for name, value in {
        "key": f'"{key}"',
        "document": f'"{key}.txt"',
        "sha256": f'"{hashlib.sha256(document).hexdigest()}"',
        "title_ja": f'"{title}"',
        "plan_decided": decided,
    }.items():
        settings, found = re.subn(rf"^{name} = .*$", f"{name} = {value}", settings, flags=re.MULTILINE)
        assert found == 1, name
    source.write_text(settings, encoding="utf-8")
    (source.parent / "measures-2019.txt").unlink()
    (source.parent / f"{key}.txt").write_bytes(document)
    for table in ("corrections.csv", "translations.csv"):  # both speak of the rows of 2019
        lines = (RECIPE / table).read_text(encoding="utf-8").splitlines()
        (recipe / table).write_text(lines[0] + "\n", encoding="utf-8")
    arguments = ["build", "--draft", "--recipe", str(recipe), "--out", str(base / "out")]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    report = validate([base / "out" / "draft" / "graph.ttl"], RECIPE.parent / "shapes", fastest_engine())
    assert report.conforms, report.text("en")
    return base / "out" / "draft"


def gold(key: str, table: str) -> list[Row]:
    """The answers, as a person read them from the document."""
    return rows_of(HERE / "gold" / key / f"{table}.csv")


def paired(expected: list[Row], found: list[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """The rows of one measure side by side: those whose kind and words agree (one may print more of them than the
    other), then the others in their order, and last those that have no partner."""
    rest, alone = list(found), []
    for row in expected:
        words = plain(row.get("text", ""))
        partners = [
            other
            for other in rest
            if other.get("kind") == row.get("kind")
            and ((text := plain(other.get("text", ""))) == words or (text and (text in words or words in text)))
        ]
        if not partners:
            alone.append(row)
            continue
        partner = min(partners, key=lambda other: abs(len(plain(other.get("text", ""))) - len(words)))
        rest.remove(partner)
        yield row, partner
    yield from zip_longest(alone, rest)


def differences(expected: list[Row], found: list[Row], parts: set[str]) -> Iterator[str]:
    """What differs between two tables, one line for each field; of the fields in `parts`, a part may be printed."""
    for number in dict.fromkeys(row["row"] for row in [*expected, *found]):
        mine, theirs = ([row for row in rows if row["row"] == number] for rows in (expected, found))
        for one, other in paired(mine, theirs):
            if one is None or other is None:
                row = one or other or {}
                words = row.get("text", row.get("title_ja"))
                yield f"row {number}: {row.get('kind', '')} {words!r} was {'missed' if one else 'invented'}"
                continue
            for field in one:
                want, have = plain(one[field]), plain(other[field])
                if want != have and not (field in parts and have and (want in have or have in want)):
                    yield f"row {number}: {field} of {one.get('text', '')!r}: expected {want!r}, found {have!r}"


TABLES = ("measures", "kpis", "targets")
CASES = [(key, table) for key in EDITIONS for table in TABLES]


def compared(editions: dict[str, Path], key: str, table: str) -> list[str]:
    """The differences between the answers and a release."""
    parts = {"text"} if table == "targets" else set()
    return list(differences(gold(key, table), rows_of(editions[key] / f"{table}.csv"), parts))


@pytest.mark.parametrize(("key", "table"), CASES)
def test_a_document_that_nobody_has_seen_is_read_right(editions: dict[str, Path], key: str, table: str) -> None:
    """Every field of every measure, KPI and target is what a person reads in the document."""
    wrong = compared(editions, key, table)

    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("key", EDITIONS)
def test_a_ministry_that_the_code_list_does_not_know_is_kept_and_reported(editions: dict[str, Path], key: str) -> None:
    """A new ministry takes part under its printed name, has an entry among the organizations, and an issue a row."""
    known = {row["label_ja"] for row in rows_of(RECIPE / "organizations.csv")}
    new = [
        (row["row"], name)
        for row in gold(key, "measures")
        for name in [*row["lead"].split("|"), *row["participating"].split("|")]
        if name and name not in known
    ]
    issues = [row for row in rows_of(editions[key] / "issues.csv") if "organization-unknown" in row.values()]
    listed = {value for row in rows_of(editions[key] / "organizations.csv") for value in row.values()}

    assert new
    assert {name for _, name in new} <= listed
    assert {number for number, _ in new} <= {row["row"] for row in issues}


@pytest.mark.parametrize("key", EDITIONS)
def test_every_printed_cell_is_in_the_graph(editions: dict[str, Path], key: str) -> None:
    """Nothing is lost: the text of every cell of every row stands verbatim in the graph."""
    lines = (HERE / f"{key}.txt").read_text(encoding="utf-8").splitlines()
    printed = {cell for row in gold(key, "measures") for cell in lines[int(row["line"]) - 1].split("\t") if cell}
    graph = pyoxigraph.parse(path=str(editions[key] / "graph.ttl"), format=pyoxigraph.RdfFormat.TURTLE)
    literals = {quad.object.value for quad in graph if isinstance(quad.object, pyoxigraph.Literal)}

    assert not printed - literals
