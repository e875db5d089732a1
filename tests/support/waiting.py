"""Waiting for what comes in its own time, on a machine that may be busy."""

import time
from collections.abc import Callable

PATIENCE = 120  # seconds; nobody waits so long but where something is wrong


def eventually(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether a condition becomes true, given time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return False
