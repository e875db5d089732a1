"""The real release, built once, and a recipe so small that it can be built many times."""

import shutil
from pathlib import Path

import pytest

from kg.builder.pipeline import build
from kg.core.paths import project_folders
from kg.core.release import Release

from .commands import CHECKOUT, environment
from .commands import kg_process as kg
from .recipes import SOURCE, short_recipe

__all__ = ["CHECKOUT", "SOURCE", "environment", "kg"]

LINES = 14  # of the document: a page's head and some measures


def built(recipe: Path, out: Path) -> Path:
    """Build in this process; return the folder of the release."""
    return build(project_folders(recipe, out), processes=1).release.folder


@pytest.fixture(scope="session")
def release(real: Release) -> Path:
    """The folder of the release that the recipe of this checkout makes."""
    return real.folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe with the first lines of the document, no corrections and an empty ledger."""
    return short_recipe(tmp_path_factory.mktemp("small") / "build", first=LINES)


@pytest.fixture(scope="session")
def changed(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small recipe with one text changed, so that it makes another release."""
    recipe = Path(shutil.copytree(small, tmp_path_factory.mktemp("changed") / "build"))
    file = recipe / "catalogue.toml"
    text = file.read_text(encoding="utf-8")
    assert "The Shisaku Graph project" in text
    file.write_text(text.replace("The Shisaku Graph project", "Another project"), encoding="utf-8")
    return recipe


@pytest.fixture(scope="session")
def small_release(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of the small recipe."""
    return built(small, tmp_path_factory.mktemp("out"))
