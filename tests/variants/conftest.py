"""`build(document)`: the public face of a build, on a copy of the recipe with another document in it."""

import csv
import hashlib
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.insert(0, str(HERE))  # the modules beside this file: documents, mutations, phrases, reading, words

SOURCE = Path("sources") / "municipal-2019"
REAL = (CHECKOUT / "build" / SOURCE / "measures-2019.txt").read_bytes()


NO_MEASURES = {"Edition-lists"}  # a document without any measure is no table: its release is rightly refused


class BuildFailed(Exception):
    """`kg build` ended with an exit code other than 0; holds the code and what it printed."""

    def __init__(self, code: int, output: str) -> None:
        super().__init__(f"exit code {code}: {output}")
        self.code = code
        self.output = output


Corrections = list[dict[str, str]]


def _recipe(folder: Path, document: bytes | None, corrections: Corrections, sha256: str | None) -> None:
    """A copy of /build with another document in it, and with these corrections instead of the real ones."""
    shutil.copytree(CHECKOUT / "build", folder)
    source = folder / SOURCE
    settings = (source / "source.toml").read_text(encoding="utf-8")
    name = re.search(r'^document = "(.*)"$', settings, re.MULTILINE)
    assert name, "source.toml names no document"
    if document is None:
        (source / name[1]).unlink()
    else:
        (source / name[1]).write_bytes(document)
        digest = sha256 or hashlib.sha256(document).hexdigest()
        settings = re.sub(r'^sha256 = ".*"$', f'sha256 = "{digest}"', settings, flags=re.MULTILINE)
        (source / "source.toml").write_text(settings, encoding="utf-8")
    path = folder / "corrections.csv"
    columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(corrections)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Builds a document by `kg build` and gives the folder with the tables; raises BuildFailed where it fails.

    Whatever the document, its graph keeps every promise of the shapes: no build may stop for what a source prints.
    """
    from click.testing import CliRunner

    from kg.cli import main
    from kg.validate import fastest, validate

    def run(
        document: str | bytes | None,
        *,
        corrections: Corrections | None = None,
        sha256: str | None = None,
    ) -> Path:
        base = tmp_path_factory.mktemp("variant")
        raw = document.encode() if isinstance(document, str) else document
        _recipe(base / "build", raw, corrections or [], sha256)
        arguments = ["build", "--draft", "--recipe", str(base / "build"), "--out", str(base / "out")]
        result = CliRunner().invoke(main, arguments, catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        if result.exit_code != 0:
            raise BuildFailed(result.exit_code, result.output)
        report = validate([base / "out" / "draft" / "graph.ttl"], CHECKOUT / "shapes", fastest())
        broken = {result.shape.partition("#")[2] for result in report.results if result.severity.endswith("#Violation")}
        assert not broken - NO_MEASURES, report.text("en")
        return base / "out" / "draft"

    return run


@pytest.fixture(scope="session")
def real() -> str:
    """The real document."""
    return REAL.decode()


@pytest.fixture(scope="session")
def build_failed() -> type[BuildFailed]:
    """The exception that `build` raises, for `pytest.raises`."""
    return BuildFailed
