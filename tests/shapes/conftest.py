"""The real release, built once, and where the shapes and their cases are."""

from pathlib import Path

import pytest
from click.testing import CliRunner

CASES = Path(__file__).parent
SHAPES = CASES.parents[1] / "shapes"


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The graph of the release that this checkout makes."""
    from kg.cli import main

    out = tmp_path_factory.mktemp("out")
    result = CliRunner().invoke(main, ["build", "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out / "current" / "graph.ttl"
