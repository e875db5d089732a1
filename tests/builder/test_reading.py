"""Commands that read a release: they build none and switch to none, and say which one they read."""

from dataclasses import replace as replace_in
from pathlib import Path

import pytest

from kg.cli import options
from kg.core.paths import project_folders

from ..support.commands import kg
from ..support.recipes import replace, whole_recipe

MIC = "id:organization/mic"
QUESTION = "titles-of-measures"
Command = list[str]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table to link."""
    file = tmp_path / "table.csv"
    file.write_text("name\n総務省\n", encoding="utf-8")
    return file


def commands(table: Path, out: Path) -> dict[str, Command]:
    """Return each command that reads a release, with the folder of releases."""
    return {
        "query": ["query", QUESTION, "--out", str(out)],
        "explain": ["explain", MIC, "--out", str(out)],
        "cite": ["cite", "--out", str(out)],
        "validate": ["validate", "--out", str(out)],
        "link": ["link", str(table), "--column", "name", "--type", "organization", "--releases", str(out)],
        "diff": ["diff", "municipal-2019", "municipal-2019", "--out", str(out)],
    }


NAMES = list(commands(Path(), Path()))


def shape(folder: Path) -> list[tuple[str, str]]:
    """Return every file and link below a folder, with where a link leads."""
    found = sorted(folder.rglob("*"))
    return [(str(path.relative_to(folder)), str(path.readlink()) if path.is_symlink() else "") for path in found]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_said_and_stays_the_current_release(
    small_release: Path, table: Path, tmp_path: Path, name: str
) -> None:
    """Also where the recipe at hand is another one: a remark tells that, and nothing is built or switched to."""
    out = small_release.parents[1]
    before = shape(out)
    result = kg(*commands(table, out)[name])

    assert result.exit_code == 0, result.output
    assert f"2019.1.0: {small_release}" in result.stderr
    assert "kg:" not in result.stdout
    assert shape(out) == before
    assert ("`kg build` makes a new one" in result.stderr) == (name != "diff")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_is_not_there_is_told_and_not_made(table: Path, tmp_path: Path, name: str) -> None:
    """A folder of releases that was mistyped is an error that names it, and what to type."""
    result = kg(*commands(table, tmp_path / "nowhere")[name])

    assert result.exit_code == 1
    assert f"{tmp_path / 'nowhere'}: " in result.stderr
    assert "--out" in result.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_a_release_is_told_and_stays_empty(table: Path, tmp_path: Path, name: str) -> None:
    """Where no release was made yet, the command says how one is made."""
    (tmp_path / "empty").mkdir()
    result = kg(*commands(table, tmp_path / "empty")[name])

    assert result.exit_code == 1
    assert "kg build" in result.stderr
    assert list((tmp_path / "empty").iterdir()) == []


def test_the_release_of_another_recipe_is_not_given_up(small_release: Path, tmp_path: Path) -> None:
    """`--recipe` names the files to compare with; they are not made a release of."""
    recipe = whole_recipe(tmp_path / "build")
    replace(recipe, "recipe.toml", 'title_en = "Shisaku Graph"', 'title_en = "Another"')
    out = small_release.parents[1]
    before = shape(out)
    result = kg("query", QUESTION, "--recipe", recipe, "--out", out)

    assert result.exit_code == 0, result.output
    assert "it was made from other files" in result.stderr
    assert shape(out) == before


def test_what_is_read_is_said_in_japanese(small_release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remark is in the language of the reader."""
    monkeypatch.setenv("KG_LANG", "ja")
    result = kg("query", QUESTION, "--out", small_release.parents[1])

    assert f"版 2019.1.0 を読みます: {small_release}" in result.stderr
    assert "`kg build` で新しい版を作れます" in result.stderr


def test_an_installed_program_tells_its_own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The help of each command names the folders that are in force, each unbroken on a line, in both languages."""
    there = replace_in(
        project_folders(), recipe=tmp_path / "a b" / "recipe-here", out=tmp_path / "releases-there", checkout=False
    )
    monkeypatch.setattr(options, "project_folders", lambda: there)
    for language in ("en", "ja"):
        monkeypatch.setenv("KG_LANG", language)
        for name in ("build", "query", "link"):
            lines = [line.partition(": ")[2] for line in kg(name, "--help").stdout.splitlines()]
            assert {str(there.recipe), str(there.out)} <= {*lines}, name
        assert str(there.out) not in kg("check", "--help").stdout
