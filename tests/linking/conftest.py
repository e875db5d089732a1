"""A release of the real document, and tables as municipalities have them."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

Link = Callable[..., Result]


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the release that the recipe of this checkout makes."""
    from kg.cli import main

    out = tmp_path_factory.mktemp("out")
    result = CliRunner().invoke(main, ["build", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def link(releases: Path) -> Link:
    """Run `kg link` with these arguments against that release; a traceback is a failure of the test."""

    def run(*arguments: str | Path, input: bytes = b"") -> Result:
        from kg.cli import main

        words = ["link", *map(str, arguments), "--releases", str(releases)]
        result = CliRunner().invoke(main, words, input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def rows(content: bytes, encoding: str = "utf-8-sig", separator: str = ",") -> list[dict[str, str]]:
    """Return the rows of a table as text, by the names of its columns."""
    return list(csv.DictReader(io.StringIO(content.decode(encoding), newline=""), delimiter=separator))
