"""What is said to those whose question gets no answer."""

import signal

from kg.engine.limits import Limits
from kg.engine.query_run import Verdict
from kg.engine.wire import Refusal
from kg.engine.worker import out_of_memory
from kg.engine.worker_connection import Death

_TOO_DEEP = "this query nests or chains its parts too deeply for the engine; write it flatter, or with VALUES"


def busy(fact: str) -> Refusal:
    """Return the refusal of a question that cannot be taken in now."""
    return Refusal(503, f"{fact}; try again a little later", {"Retry-After": "5"})


def reason(death: Death, verdict: Verdict | None, limits: Limits, elsewhere: bool = False) -> Refusal:
    """Return what is said to someone whose question has ended a worker.

    `elsewhere` says that its answer was to come from another store.
    """
    if verdict is Verdict.LATE and elsewhere:
        fact = f"the store has not answered within {limits.seconds:g} seconds"
        return Refusal(504, f"{fact}; ask for less, for example with LIMIT or fewer joins", {"Retry-After": "60"})
    if verdict is Verdict.LATE or death.status == -signal.SIGXCPU:
        fact = f"this query needs more than {limits.seconds:g} seconds"
        return Refusal(503, f"{fact}; ask for less, for example with LIMIT or fewer joins", {"Retry-After": "60"})
    if death.status in (-signal.SIGSEGV, -signal.SIGBUS):
        return Refusal(400, _TOO_DEEP)
    if death.status in (-signal.SIGABRT, -signal.SIGKILL):
        return Refusal(503, out_of_memory(limits), {"Retry-After": "60"})
    return Refusal(503, "the process that worked on this query has ended; try again", {"Retry-After": "5"})
