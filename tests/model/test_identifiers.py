"""Identifiers are kept: the ledger, and what happens to a build that would drop or reuse a published one."""

import csv
import re
import shutil
from pathlib import Path

import pytest

from ..support.commands import kg
from ..support.recipes import DOCUMENT, replace, seal, short_recipe


@pytest.fixture(scope="module")
def minted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the recipe, whose ledger knows everything that it publishes, and its release in `out`."""
    folder = tmp_path_factory.mktemp("minted")
    short_recipe(folder / "build", "自治体ピッチの開催回数", "01-05", "\t04-", "\t08-0")
    assert kg("build", "--recipe", folder / "build", "--out", folder / "out", "--mint").exit_code == 0
    return folder


@pytest.fixture
def recipe(minted: Path, tmp_path: Path) -> Path:
    """A copy of that recipe, to be changed."""
    return Path(shutil.copytree(minted / "build", tmp_path / "build"))


def change(recipe: Path, old: str, new: str) -> None:
    """Change the source document, as another edition of the file would, and its checksum."""
    replace(recipe, str(DOCUMENT), old, new)
    seal(recipe)


def test_minting_writes_every_new_identifier_once(minted: Path) -> None:
    """The ledger lists measures, KPIs, targets and shared things, sorted; a second mint adds nothing."""
    with (minted / "build" / "identifiers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kinds = {row["kind"] for row in rows}
    again = kg("build", "--recipe", minted / "build", "--out", minted / "out", "--mint")

    assert {"measure", "kpi", "target", "organization", "budget", "document", "law", "edition"} <= kinds
    assert [row["iri"] for row in rows] == sorted({row["iri"] for row in rows})
    assert "0 new identifiers" in again.stdout
    assert "is up to date" in again.stdout


def test_a_published_identifier_that_names_nothing_stops_the_build(recipe: Path, tmp_path: Path) -> None:
    """A measure whose number changes would drop its IRI: the build says which, in which line, and what to do."""
    change(recipe, "\t01-05\t", "\t99-05\t")
    result = kg("build", "--recipe", recipe, "--out", tmp_path / "other")

    assert result.exit_code == 1
    assert re.search(r"identifiers\.csv:\d+: .*measure/01-05 .* names nothing any more", result.stderr)
    assert "redirects.csv" in result.stderr


def test_a_redirect_lets_the_build_go_on(recipe: Path, tmp_path: Path) -> None:
    """Once every dropped IRI is redirected or said to be gone, the build succeeds; a redirect into nothing does not."""
    change(recipe, "\t01-05\t", "\t99-05\t")
    dropped = re.findall(r"(https://\S+/01-05\S*) \(", kg("build", "--recipe", recipe, "--out", tmp_path / "o").stderr)
    rows = [f"{iri},301,{iri.replace('01-05', '99-05')},番号の変更,renumbered,2026-11-23" for iri in dropped]
    with (recipe / "redirects.csv").open("a", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")

    assert len(dropped) >= 3
    assert kg("build", "--recipe", recipe, "--out", tmp_path / "other").exit_code == 0
    text = (recipe / "redirects.csv").read_text(encoding="utf-8")
    (recipe / "redirects.csv").write_text(text.replace("99-05,", "98-05,", 1), encoding="utf-8")
    result = kg("build", "--recipe", recipe, "--out", tmp_path / "third")
    assert result.exit_code == 1
    assert "name an IRI of this release" in result.stderr


def test_an_identifier_never_changes_its_meaning(recipe: Path, tmp_path: Path) -> None:
    """A number that comes to stand on another measure stops the build; a slightly mended title does not."""
    change(recipe, "自治体ピッチの開催回数", "自治体ピッチの開催数")
    mended = kg("build", "--recipe", recipe, "--out", tmp_path / "mended")
    change(recipe, "マイナンバーカードと電子委任状を活用した政府調達", "港湾における水産物の輸出促進")
    reused = kg("build", "--recipe", recipe, "--out", tmp_path / "reused")

    assert mended.exit_code == 0, mended.output
    assert reused.exit_code == 1
    assert "an IRI never changes its meaning" in reused.stderr
