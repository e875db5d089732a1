"""What all tests share: which of them are slow."""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# Many builds, many validations, or many queries: run by `./run test` like all others, but without measuring coverage.
SLOW = ("variants", "shapes", "w3c")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow folders."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.relative_to(HERE).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)
