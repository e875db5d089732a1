"""Two releases: the first edition of the made-up table, and then both side by side."""

import fcntl
import os
from pathlib import Path

import pytest

from kg.builder.pipeline import build
from kg.core.paths import project_folders

from .pairs import AFTER, BEFORE, recipe_of


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of releases: 2030.1.0 with one edition, and 2031.1.0 with both, which is the current one.

    It is made once for all processes of a run, and nobody changes it.
    """
    folder = tmp_path_factory.getbasetemp()
    # The folder of a whole run may be kept for the next one, whose program may be another: theirs is no longer.
    base = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "pair"
    base.mkdir(exist_ok=True)
    with (base / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (base / "whole").exists():
            first = recipe_of(base / "first", BEFORE, version="2030.1.0")
            both = recipe_of(base / "both", BEFORE, AFTER, version="2031.1.0", previous="2030.1.0")
            for recipe in (first, both):
                build(project_folders(recipe, base / "out"), processes=1)
            (base / "whole").touch()
    return base / "out"


@pytest.fixture(scope="session")
def pair(out: Path) -> Path:
    """The release of both editions."""
    return out / "releases" / "2031.1.0"
