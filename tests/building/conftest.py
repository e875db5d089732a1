"""The real document, built once through the command line, and copies of the recipe to change."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENT = CHECKOUT / "build" / "sources" / "municipal-2019" / "measures-2019.txt"


def kg(*arguments: str | Path) -> Result:
    """Run a kg command in this process; a traceback is a failure of the test."""
    from kg.cli import main

    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a table of a release."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the release that the recipe of this checkout makes."""
    out = tmp_path_factory.mktemp("out")
    result = kg("build", "--out", out)
    assert result.exit_code == 0, result.output
    return out / "current"


@pytest.fixture(scope="session")
def document() -> str:
    """The source document, decoded, with its line ends as they are."""
    return DOCUMENT.read_bytes().decode()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A copy of the recipe, to be changed."""
    return Path(shutil.copytree(CHECKOUT / "build", tmp_path / "build"))


@pytest.fixture
def edit(recipe: Path) -> Callable[[str, str, str], None]:
    """Replaces text in a file of the copied recipe."""

    def replace(name: str, old: str, new: str) -> None:
        file = recipe / name
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
