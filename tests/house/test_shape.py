"""The shape of the program: few loose files, modules of a sensible size, and no name that stands in two packages."""

import re
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
KG = ROOT / "kg"
SAME_EVERYWHERE = {"__init__", "__main__", "routes"}
LOOSE, MODULES, SHORT, SHORT_LINES = 6, 170, 15, 60


def modules() -> list[Path]:
    """Return every module of kg/ but those that only open a package."""
    return [file for file in KG.rglob("*.py") if file.stem not in {"__init__", "__main__"}]


def test_few_files_are_loose() -> None:
    """`kg/` holds at most six files beside its packages."""
    assert len([file for file in KG.iterdir() if file.is_file()]) <= LOOSE


def test_no_name_stands_in_two_packages() -> None:
    """A module is found by its name alone."""
    names = Counter(file.stem for file in modules() if file.stem not in SAME_EVERYWHERE)
    assert [name for name, number in names.items() if number > 1] == []


def test_modules_are_neither_many_nor_short() -> None:
    """What only makes sense together stands together."""
    assert len(modules()) <= MODULES
    short = [file for file in modules() if len(file.read_text(encoding="utf-8").splitlines()) < SHORT_LINES]
    assert len(short) <= SHORT, short


def test_the_drawing_is_the_contract() -> None:
    """The rows of packages in ARCHITECTURE.md are the layers of the import contract, and each package is drawn."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = re.search(r"^```layers\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert block
    drawn = [re.split(r"\s{2,}", row)[0] for row in block[1].splitlines()]
    assert ["__main__", *drawn] == contract
    assert {name for row in drawn for name in row.split(" | ")} == {
        folder.name for folder in KG.iterdir() if (folder / "__init__.py").exists()
    }
