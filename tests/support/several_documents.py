"""Recipes with several small documents, and builds of them in processes of their own."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .commands import CHECKOUT, environment, kg_process

REAL = "municipal-2019"
LINES = 14  # of the document: a page's head and some measures
KEYS = ("another", REAL, "third")
__all__ = ["CHECKOUT", "KEYS", "REAL", "build", "contents", "environment"]

Build = Callable[..., subprocess.CompletedProcess[str]]


def build(recipe: Path, out: Path, *options: str, before: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Build a recipe in a process of its own; `before` is Python that it runs first, `more` its environment."""
    return kg_process("build", "--recipe", recipe, "--out", out, *options, before=before, **more)


def contents(out: Path) -> dict[str, bytes]:
    """The files of the current release whose bytes are promised."""
    files = (out / "current").iterdir()
    return {file.name: file.read_bytes() for file in files if file.is_file() and file.suffix != ".sqlite"}


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe with three documents that share organizations, pillars and most titles, and differ in their targets."""
    recipe = Path(shutil.copytree(CHECKOUT / "build", tmp_path_factory.mktemp("several") / "build"))
    real = recipe / "sources" / REAL
    printed = next(real.glob("*.txt")).read_bytes().splitlines(keepends=True)[:LINES]
    settings = (real / "source.toml").read_text(encoding="utf-8")
    for number, key in enumerate(KEYS):
        folder = recipe / "sources" / key
        folder.mkdir(exist_ok=True)
        text = b"".join(printed).decode().replace("2,000", f"{2 + number},000")
        (folder / "measures-2019.txt").write_bytes(text.encode())
        changes = {"key": key, "sha256": hashlib.sha256(text.encode()).hexdigest(), "plan": str(2019 + number)}
        described = settings
        for name, value in changes.items():
            described = re.sub(rf"^{name} = .*$", f'{name} = "{value}"', described, flags=re.M)
        (folder / "source.toml").write_text(described, encoding="utf-8")
    header = (recipe / "corrections.csv").read_text(encoding="utf-8").splitlines()[0]
    (recipe / "corrections.csv").write_text(header + "\n", encoding="utf-8")
    return recipe


@pytest.fixture(scope="session")
def alone(several: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of that recipe, built by one process."""
    out = tmp_path_factory.mktemp("alone")
    result = build(several, out, "--processes", "1")
    assert result.returncode == 0, result.stderr
    return out
