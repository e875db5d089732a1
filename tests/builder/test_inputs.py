"""The fingerprint of a build: it changes with every file that shapes a release, and with no other."""

import ast
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import kg.builder.fingerprint
from kg.builder.fingerprint import PACKAGES, compute_fingerprint
from kg.core.paths import Folders, project_folders

ROOT = Path(__file__).parents[2]
SHAPES_A_RELEASE = [
    "build/units.csv",
    "build/catalogue.toml",
    "ontology/shisaku.ttl",
    "shapes/Target.ttl",
    "queries/measures-by-pillar.rq",
    "kg/core/iris.py",
    "kg/recipe/loader.py",
    "kg/extract/numerals.py",
    "kg/model/records.py",
    "kg/rdf/shacl_report.py",
    "kg/search/index_builder.py",
    "kg/builder/release_writer.py",
    "kg/templates/validation.html",
]
SHAPES_NONE = [
    "build/identifiers.csv",  # the ledger records what releases hold
    "kg/cli/build.py",
    "kg/diff/comparer.py",
    "kg/engine/pool.py",
    "kg/http/responses.py",
    "kg/server/app.py",
    "kg/web/presenter.py",
    "kg/core/messages.ja.toml",
    "kg/templates/base.html",
    "kg/templates/measure.html",
]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """The folders of a copy of the checkout; the fingerprint is computed of the program in it."""
    ignored = shutil.ignore_patterns("__pycache__", "static", "scripts", "documents")
    for folder in ("kg", "build", "ontology", "shapes", "queries"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    monkeypatch.setattr(kg.builder.fingerprint, "__file__", str(tmp_path / "kg/builder/fingerprint.py"))
    return replace(
        project_folders(),
        recipe=tmp_path / "build",
        ontology=tmp_path / "ontology",
        shapes=tmp_path / "shapes",
        queries=tmp_path / "queries",
    )


def _append_line(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", SHAPES_A_RELEASE)
def test_what_shapes_a_release_changes_the_fingerprint(copied: Folders, name: str) -> None:
    """Other inputs make other bytes, which must not be published under the same version."""
    before = compute_fingerprint(copied)
    _append_line(copied.recipe.parent / name)

    assert compute_fingerprint(copied) != before


@pytest.mark.parametrize("name", SHAPES_NONE)
def test_what_shapes_no_release_leaves_the_fingerprint(copied: Folders, name: str) -> None:
    """A change to a route or a page does not make a release stale."""
    before = compute_fingerprint(copied)
    _append_line(copied.recipe.parent / name)

    assert compute_fingerprint(copied) == before


def test_a_hidden_file_leaves_the_fingerprint(copied: Folders) -> None:
    """Files that an editor leaves behind are not inputs."""
    before = compute_fingerprint(copied)
    (copied.recipe / ".units.csv.swp").write_text("x", encoding="utf-8")

    assert compute_fingerprint(copied) == before


def test_an_included_template_changes_the_fingerprint(copied: Folders) -> None:
    """The template of a release's report may include others, and these may extend others."""
    templates = copied.recipe.parent / "kg/templates"
    report, included, base = (templates / name for name in ("validation.html", "included.html", "extended.html"))
    report.write_text(report.read_text(encoding="utf-8") + '{% include "included.html" %}', encoding="utf-8")
    included.write_text('{% extends "extended.html" %}', encoding="utf-8")
    base.write_text("a", encoding="utf-8")
    before = compute_fingerprint(copied)
    base.write_text("b", encoding="utf-8")

    assert compute_fingerprint(copied) != before


def test_the_packages_are_those_that_a_build_imports() -> None:
    """Imports are followed from the pipeline and the Spark engine, which the command line imports on demand."""
    seen, pending = set[str](), ["kg.builder.pipeline", "kg.builder.spark_engine"]
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending += _imports(module)

    assert {module.split(".")[1] for module in seen if "." in module} == {*PACKAGES}


def _file_of(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None)


def _imports(module: str) -> list[str]:
    """Return the modules of kg that a module imports, at its top or in its functions."""
    file = _file_of(module)
    assert file is not None, module
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in found if name.split(".")[0] == "kg" and _file_of(name)]
