"""What all tests share: which of them are slow."""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# Many builds, many validations, or many queries: run by `./run test` like all others, but without measuring coverage,
# which would double their time. What they run is run, and measured, by others, too.
SLOW = (
    "building",
    "ontology",
    "provenance",
    "releases/test_publishing.py",
    "releases/test_validation.py",
    "serving/test_base_data.py",
    "serving/test_names.py",
    "shapes",
    "variants",
    "w3c",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow files and folders."""
    slow = [HERE / name for name in SLOW]
    for item in items:
        if any(item.path.is_relative_to(place) for place in slow):
            item.add_marker(pytest.mark.slow)
