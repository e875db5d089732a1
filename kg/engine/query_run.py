"""One question on its way through the pool."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum

from kg.engine.wire import Answer, Refusal, Superseded
from kg.engine.worker_connection import Link


class Verdict(Enum):
    """Why the pool has ended the worker of a question."""

    LATE = "it has reached the time limit"
    OUTGROWN = "it is no fast one, and no slow place is free"
    UNWANTED = "nobody waits for its answer any more"


@dataclass(eq=False)
class Run:
    """A question: who asks, what is sent to a worker, which worker has it, and the future that its asker waits for."""

    client: str
    key: bytes
    payload: bytes
    future: asyncio.Future[Answer]
    slow: bool = False
    link: Link | None = None
    started: float = 0.0
    verdict: Verdict | None = None
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        """Replace the timer that is running."""
        if self.timer:
            self.timer.cancel()
        self.timer = timer

    def settle(self, outcome: Answer | Refusal | Superseded) -> None:
        """Give the asker an answer, or why there is none, where anybody still waits for it."""
        self.set_timer(None)
        if self.future.done():
            return
        if isinstance(outcome, Answer):
            self.future.set_result(outcome)
        else:
            self.future.set_exception(outcome)
