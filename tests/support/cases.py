"""Parameters of a test of which every few are run every day, and all by `./run test --all`."""

from collections.abc import Iterable

import pytest
from _pytest.mark.structures import ParameterSet


def sampled(cases: Iterable[tuple[object, ...]], step: int) -> list[ParameterSet]:
    """Return parameters of which all but every `step`-th are exhaustive."""
    return [
        pytest.param(*case, marks=() if number % step == 0 else pytest.mark.exhaustive)
        for number, case in enumerate(cases)
    ]
