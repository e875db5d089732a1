"""The real release, built once, and a recipe so small that it can be built many times."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kg.pipeline import build
from kg.places import places
from kg.releases import Release

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = Path("sources") / "municipal-2019"
LINES = 14  # of the document: a page's head and some measures


def kg(*arguments: str | Path, before: str = "", prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a kg command in its own process; `before` is Python to run first, `prefix` a command to start it with."""
    program = f"import sys\n{before}\nfrom kg.cli import main\nmain()"
    command = [*prefix, sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=CHECKOUT, env=environment(), capture_output=True, text=True, check=False)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of this process, with this checkout's program and without measuring coverage."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**kept, "PYTHONPATH": str(CHECKOUT), **more}


def built(recipe: Path, out: Path) -> Path:
    """Build in this process; return the folder of the release."""
    return build(places(recipe, out), processes=1).release.folder


@pytest.fixture(scope="session")
def release(real: Release) -> Path:
    """The folder of the release that the recipe of this checkout makes."""
    return real.folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe with the first lines of the document, no corrections and an empty ledger."""
    recipe = Path(shutil.copytree(CHECKOUT / "build", tmp_path_factory.mktemp("small") / "build"))
    settings = recipe / SOURCE / "source.toml"
    document = recipe / SOURCE / "measures-2019.txt"
    lines = document.read_bytes().splitlines(keepends=True)[:LINES]
    document.write_bytes(b"".join(lines))
    digest = hashlib.sha256(document.read_bytes()).hexdigest()
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r'^sha256 = ".*"$', f'sha256 = "{digest}"', text, flags=re.M), encoding="utf-8")
    for name in ("corrections.csv", "identifiers.csv", "redirects.csv"):
        if (recipe / name).exists():
            head = (recipe / name).read_text(encoding="utf-8").splitlines()[0]
            (recipe / name).write_text(head + "\n", encoding="utf-8")
    return recipe


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
