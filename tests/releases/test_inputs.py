"""What a release is made from: the same files give the same hash, and what changes its bytes changes that."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import kg.builder.fingerprint
from kg.builder.fingerprint import inputs_of
from kg.core.paths import project_folders

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["templates/validation.html", "templates/base.html", "rdf/shacl_report.py"])
def test_a_page_of_a_release_is_made_from_its_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Another template makes other bytes, so it makes another hash: no release changes under one that is known."""
    program = tmp_path / "kg"
    shutil.copytree(ROOT / "kg", program, ignore=shutil.ignore_patterns("__pycache__", "static", "scripts"))
    monkeypatch.setattr(kg.builder.fingerprint, "__file__", str(program / "builder/fingerprint.py"))
    before = inputs_of(project_folders())
    file = program / name
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    assert inputs_of(project_folders()) != before


def test_what_an_editor_leaves_makes_no_other_release(tmp_path: Path) -> None:
    """Hidden files and the ledger are no input."""
    recipe = Path(shutil.copytree(ROOT / "build", tmp_path / "build"))
    there = replace(project_folders(), recipe=recipe)
    before = inputs_of(there)
    (recipe / ".units.csv.swp").write_text("x", encoding="utf-8")
    (recipe / "identifiers.csv").write_text("x", encoding="utf-8")

    assert inputs_of(there) == before
