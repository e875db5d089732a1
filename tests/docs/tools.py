"""Large tools of others that few tests need: Comunica (npm, 82 MB), pandas (PyPI, 161 MB), PySpark (PyPI, 317 MB).

They are no dependency of the project. A test that needs one installs it once, from a lock with hashes, into a folder
that git ignores, and is skipped where that cannot be done. KG_TEST_DOWNLOADS=no forbids it; `python tools.py` does it
beforehand.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCKS = HERE.parents[1] / "locks"
INSTALLED = HERE / ".tools"
PATIENCE = 240  # seconds; Comunica takes about 50 where nothing is cached, pandas 20


class Missing(Exception):
    """Why a tool is not available."""


def comunica() -> Path:
    """Return the folder in which Node finds Comunica; raise Missing where it cannot be installed."""
    files = [HERE / "comunica" / name for name in ("package.json", "package-lock.json")]
    if not shutil.which("node") or not shutil.which("npm"):
        raise Missing("Node.js with npm is not installed (Debian: apt-get install nodejs npm)")

    def install(folder: Path) -> list[str]:
        for file in files:
            shutil.copy(file, folder)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"]
        return ["npm", "ci", "--prefix", str(folder), *quiet]

    return _installed("comunica", files, install)


def pandas() -> Path:
    """Return the folder in which this Python finds pandas; raise Missing where it cannot be installed."""
    return _of_pip("pandas")


def pyspark() -> Path:
    """Return the folder in which this Python finds PySpark; raise Missing where it or Java cannot be had."""
    if not shutil.which("java"):
        raise Missing("Java is not installed (Debian: apt-get install openjdk-17-jre-headless)")
    return _of_pip("pyspark")


def _of_pip(name: str) -> Path:
    lock = LOCKS / f"{name}.lock"

    def install(folder: Path) -> list[str]:
        quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"]
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            *quiet,
            "--no-deps",
            "--require-hashes",
            "--target",
            str(folder),
        ]
        return [*command, "-r", str(lock)]

    return _installed(f"{name}-{sys.implementation.cache_tag}", [lock], install)


def _installed(name: str, files: list[Path], command_for: Callable[[Path], list[str]]) -> Path:
    """Return the folder of a tool that these files describe; what is not whole is not taken for it."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    folder, unfinished = INSTALLED / f"{name}-{digest}", INSTALLED / f"{name}-unfinished"
    INSTALLED.mkdir(exist_ok=True)
    with (INSTALLED / f"{name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # several processes may run the tests
        if folder.is_dir():
            return folder
        if os.environ.get("KG_TEST_DOWNLOADS") == "no":
            raise Missing(f"{name} is not installed, and KG_TEST_DOWNLOADS=no forbids to fetch it")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            subprocess.run(command_for(unfinished), check=True, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.CalledProcessError as error:
            raise Missing(f"{name} cannot be installed: {(error.stderr or error.stdout).strip()[-300:]}") from error
        except subprocess.TimeoutExpired as error:
            raise Missing(f"{name} cannot be installed within {PATIENCE} seconds") from error
        unfinished.rename(folder)
    return folder


def main() -> int:
    """Install what is named, or everything; return how many could not be."""
    missing = 0
    tools: dict[str, Callable[[], Path]] = {"comunica": comunica, "pandas": pandas, "pyspark": pyspark}
    for name in sys.argv[1:] or tools:
        try:
            print(tools[name]())
        except Missing as error:
            print(error, file=sys.stderr)
            missing += 1
    return missing


if __name__ == "__main__":
    sys.exit(main())
