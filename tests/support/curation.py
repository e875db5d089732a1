"""The real release, the real document, and copies of the recipe to change."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from kg.core.release import Release

from . import recipes
from .commands import kg
from .recipes import CHECKOUT

__all__ = ["CHECKOUT", "DOCUMENT", "kg", "table"]

DOCUMENT = CHECKOUT / "build" / recipes.DOCUMENT


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a table of a release."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def release(real: Release) -> Path:
    """The folder of the release that the recipe of this checkout makes."""
    return real.folder


@pytest.fixture(scope="session")
def document() -> str:
    """The source document, decoded, with its line ends as they are."""
    return DOCUMENT.read_bytes().decode()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A copy of the recipe with a short document and without corrections, to be changed."""
    return recipes.short_recipe(tmp_path / "build")


@pytest.fixture
def whole_recipe(tmp_path: Path) -> Path:
    """A copy of the whole recipe, to be changed."""
    return recipes.whole_recipe(tmp_path / "build")


@pytest.fixture
def edit(request: pytest.FixtureRequest) -> Callable[[str, str, str], None]:
    """Replaces text in a file of the copied recipe that the test has asked for."""
    folder = request.getfixturevalue("whole_recipe" if "whole_recipe" in request.fixturenames else "recipe")
    return lambda name, old, new: recipes.replace(folder, name, old, new)
