"""What the code has is documented: each command, option, setting, path, table, error and term."""

import json
import re
from pathlib import Path

import click
import httpx
import pytest

from kg.cli import main
from kg.core.errors import GAP, Problem, catalogue, format_problem
from kg.core.iris import ONTOLOGY
from kg.core.release import Release

from . import reference, spoken
from .recipes import DOCS, GENERATED, ROOT

SETTING = re.compile(r"\bKG_[A-Z]+(?:_[A-Z]+)*\b")


@pytest.fixture(scope="session")
def generated(real: Release, real_site: httpx.Client) -> dict[str, str]:
    """The pages as the code makes them now."""
    tables = json.loads((real.folder / "csv-metadata.json").read_text(encoding="utf-8"))
    return reference.pages(real_site.get("/openapi.json").json(), tables)


def test_the_generated_pages_are_up_to_date(generated: dict[str, str]) -> None:
    """Reference, terms and messages say what the code says; `tests/docs/reference.py` makes them again."""
    assert {f"docs/{name}" for name in generated if not name.endswith(".ja.md")} == set(GENERATED)
    old = [name for name, text in generated.items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert old == [], "make them again: .venv/bin/python tests/docs/reference.py"


def test_each_command_option_and_setting_is_documented(generated: dict[str, str]) -> None:
    """The reference has each in both languages, also the settings that no option stands for."""
    files = [
        *(ROOT / "kg").rglob("*.py"),
        *(ROOT / "tests").glob("*/*.py"),
        *(ROOT / "deploy").glob("*.*"),
        ROOT / "run",
    ]
    here = Path(__file__).parent
    named = {found for file in files if file.parent != here for found in SETTING.findall(file.read_text("utf-8"))}
    assert len(named) > 20
    for page in ("reference.md", "reference.ja.md"):
        text = generated[page]
        for name, command in main.commands.items():
            assert f"### kg {name}\n" in text
            for option in (one for one in command.params if isinstance(one, click.Option)):
                assert [word for word in option.opts if not re.search(rf"[`, ]{re.escape(word)}[`, ]", text)] == []
        assert [setting for setting in sorted(named) if f"`{setting}`" not in text] == []


def test_each_path_of_the_server_is_documented(generated: dict[str, str], real_site: httpx.Client) -> None:
    """Each way into the site is in the list of paths, and each path of that list that needs no name answers."""
    paths = set(re.findall(r"`(?:GET|POST) (/[^`]*)`", generated["reference.md"]))
    for path in sorted(path for path in paths if "{" not in path):
        answer = real_site.get(path, headers={"Accept": "*/*"})
        # Without what it asks for, a path says what that is; two of them are there in other circumstances only.
        elsewhere = {"/sitemap.xml": "--base", "/changes": "release"}.get(path, "")
        format_problem = answer.status_code == 404 and elsewhere and elsewhere in answer.text
        assert answer.status_code in (200, 303, 307, 400) or format_problem, path
    page = real_site.get("/", headers={"Accept": "text/html"}).text
    linked = set(re.findall(r'href="\./([a-z.]+)[/?"]', page))
    assert linked and linked <= {path.split("/")[1] for path in paths}


def test_each_table_and_column_is_documented(generated: dict[str, str], real: Release) -> None:
    """Whoever opens a table finds each of its columns in the reference, in both languages."""
    for page in ("reference.md", "reference.ja.md"):
        for table in sorted(real.folder.glob("*.csv")):
            section = generated[page].partition(f"### {table.name}\n")[2].partition("\n### ")[0]
            columns = table.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
            assert [column for column in columns if f"| `{column}` |" not in section] == [], table.name


def test_each_term_is_documented(generated: dict[str, str]) -> None:
    """Each term of our own has its name and its meaning, in both languages."""
    text = (ROOT / "ontology/shisaku.ttl").read_text(encoding="utf-8")
    terms = set(re.findall(r"^shisaku:(\w+)\b", text, flags=re.MULTILINE))

    assert len(terms) > 50 and ONTOLOGY in generated["terms.md"]
    for page in ("terms.md", "terms.ja.md"):
        rows = dict(re.findall(r"^\| `shisaku:(\w+)` \| ([^|]+ \| [^|]+) \|$", generated[page], flags=re.MULTILINE))
        assert rows.keys() == terms
        assert [term for term, format_problem in rows.items() if "–" in format_problem.split(" | ")] == []


def test_each_error_is_documented(generated: dict[str, str]) -> None:
    """Each problem and refusal that the code can state is on the page of messages, with what to do."""
    problems, refusals = spoken.problems(), spoken.refusals()
    assert len(problems) > 100 and len(refusals) > 50
    for _, fact, remedy in problems:
        assert f"| {_cell(fact)} | {_cell(remedy)} |" in generated["messages.md"]
        cells = (spoken.in_japanese(fact, "facts"), spoken.in_japanese(remedy, "remedies"), fact)
        assert f"| {' | '.join(map(_cell, cells))} |" in generated["messages.ja.md"]
    for page in ("messages.md", "messages.ja.md"):
        for status, detail in refusals:
            assert f"| {status} | {_cell(detail)} |" in generated[page]
    assert [fact for _, fact, remedy in problems if not remedy] == []


@pytest.mark.parametrize(("part", "place"), [("facts", 0), ("remedies", 1)])
def test_each_error_is_told_in_japanese(part: str, place: int) -> None:
    """The catalogue has each fact and remedy, and no other; filled with values it is told with all that it promises."""
    known, said = catalogue()[part], spoken.alternatives(place)
    assert known.keys() == said

    for english, japanese in known.items():
        values = [f"v{number}" for number in range(1, english.count(GAP) + 1)]
        filled = english
        for value in values:
            filled = filled.replace(GAP, value, 1)
        problem = Problem(filled, "") if place == 0 else Problem("", filled)
        expected = re.sub(r"\{([1-9])\}", lambda gap: values[int(gap[1]) - 1], japanese)  # noqa: B023
        assert format_problem(problem, "ja").strip() == expected
        assert format_problem(problem, "en").strip() == filled
        assert re.search(r"[ぁ-んァ-ヶ]", japanese)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip() or "–"


def test_each_promise_names_a_test_that_is_there() -> None:
    """“How we know” names a test for each promise; each of them exists, and both languages name the same ones."""
    named = {
        page: re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", (DOCS / page).read_text(encoding="utf-8"))
        for page in ("how-we-know.md", "how-we-know.ja.md")
    }

    assert len(named["how-we-know.md"]) > 40
    assert named["how-we-know.md"] == named["how-we-know.ja.md"]
    for file, test in named["how-we-know.md"]:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {test}"
