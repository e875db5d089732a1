"""Wheel and source distribution of this checkout, made once for all processes and passes of a run."""

import fcntl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Distributions:
    """The two files that a package index would have."""

    wheel: Path
    sdist: Path


def distributions(shared: Path) -> Distributions:
    """Return both, made by the build backend in a shared folder unless they are there."""
    made, unfinished = shared / "dist", shared / "dist-unfinished"
    with (shared / "dist.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.is_dir():
            build("-d", unfinished, cwd=CHECKOUT)
            unfinished.rename(made)
    (wheel,), (sdist,) = made.glob("*.whl"), made.glob("*.tar.gz")
    return Distributions(wheel, sdist)


def build(*options: str | Path, cwd: Path) -> None:
    """Build the project of a folder by the backend that pyproject.toml names, which asks no index for anything."""
    command = [sys.executable, "-m", "hatchling", "build", *map(str, options)]
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
