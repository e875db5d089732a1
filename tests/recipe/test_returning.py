"""A misreading of an earlier edition that comes back in the next one: its correction is offered, and never assumed."""

import re
import shutil
from pathlib import Path

import pytest

from ..support.commands import kg
from ..support.recipes import replace, short_recipe

FIRST, NEXT = "municipal-2019", "municipal-2020"
HEAD = "id,edition,line,action,printed,corrected,reason_ja,reason_en,evidence,decided_by,decided_on\n"
ENTRY = "c0001,municipal-2019,,replace,政府調達,政府の調達,試験。,A test.,none,Tester,2026-11-01\n"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Two editions with the same text, of which the first has a correction; the second revises it."""
    recipe = short_recipe(tmp_path / "build")
    (recipe / "corrections.csv").write_text(HEAD + ENTRY, encoding="utf-8")
    (recipe / "translations.csv").write_text((recipe / "translations.csv").read_text(encoding="utf-8").split("\n")[0])
    shutil.copytree(recipe / "sources" / FIRST, recipe / "sources" / NEXT)
    settings = f"sources/{NEXT}/source.toml"
    replace(recipe, settings, f'key = "{FIRST}"', f'key = "{NEXT}"')
    replace(recipe, settings, 'plan = "2019"', 'plan = "2020"')
    replace(recipe, settings, '# revises = "municipal-2018"', f'revises = "{FIRST}"')
    return recipe


def rows_offered(recipe: Path) -> list[str]:
    """The rows that `kg check` offers."""
    result = kg("check", "--recipe", recipe)
    assert result.exit_code == 0, result.output
    return re.findall(r"add this row to corrections\.csv: (.*)", result.stderr)


def test_the_row_to_add_is_offered(recipe: Path) -> None:
    """With the document, the line and the correction; it is only remarked. Once it is there, nothing is offered."""
    result = kg("check", "--recipe", recipe)
    assert "c0001" in result.stderr and f"{NEXT}/measures-2019.txt:7: " in result.stderr
    assert rows_offered(recipe) == [ENTRY.strip().replace("c0001", "c0002").replace(FIRST, NEXT)]
    corrections = recipe / "corrections.csv"
    corrections.write_text(HEAD + ENTRY + rows_offered(recipe)[0] + "\n", encoding="utf-8")
    assert rows_offered(recipe) == []


def test_it_is_offered_in_japanese(recipe: Path) -> None:
    """To a curator who reads no English."""
    told = kg("check", "--recipe", recipe, "--lang", "ja").stderr
    assert f"{FIRST} の訂正 c0001 は {NEXT} にもあてはまります" in told


def test_a_build_says_so_and_corrects_nothing(recipe: Path, tmp_path: Path) -> None:
    """The text of the new edition stays as it is printed until somebody has looked."""
    result = kg("build", "--recipe", recipe, "--out", tmp_path / "out")
    assert "1 corrections of earlier editions fit here, too" in result.stderr
    measures = (tmp_path / "out" / "current" / "measures.csv").read_text(encoding="utf-8")
    assert "政府の調達" in measures and f"{NEXT},1,01-05" in measures.replace('"', "")
    assert "活用した政府調達" in next(line for line in measures.splitlines() if line.startswith(f"{NEXT},1,"))


def test_a_text_that_stands_several_times_is_offered_by_its_lines(recipe: Path) -> None:
    """Where the earlier entry names one of several lines, the line in its place is offered."""
    document = (recipe / "sources" / FIRST / "measures-2019.txt").read_text(encoding="utf-8")
    lines = [str(number) for number, line in enumerate(document.split("\n"), 1) for _ in range(line.count("総務省"))]
    assert len(lines) > 1
    entry = ENTRY.replace(",replace,政府調達,政府の調達,", ",flag,総務省,,").replace(
        f"{FIRST},,", f"{FIRST},{lines[-1]},"
    )
    (recipe / "corrections.csv").write_text(HEAD + entry, encoding="utf-8")
    assert [row.split(",")[2] for row in rows_offered(recipe)] == [lines[-1]]


def test_one_edition_is_offered_nothing(tmp_path: Path) -> None:
    """And an earlier edition nothing of a later one."""
    recipe = short_recipe(tmp_path / "build")
    (recipe / "corrections.csv").write_text(HEAD + ENTRY, encoding="utf-8")
    assert rows_offered(recipe) == []
