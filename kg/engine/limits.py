"""What one question may use, and how many are answered at once."""

import os
from dataclasses import asdict, dataclass, field
from typing import Any

MB = 1 << 20
KB = 1 << 10
SLOW_FOR_EACH_FAST = 2


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Limits:
    """The limits of the endpoint; sizes in bytes, times in seconds.

    `fast_seconds` is how long a question may run at full priority. Who needs longer goes on in one of the slow places,
    where all that the fast ones leave of the processors is shared.
    """

    workers: int = field(default_factory=cores)
    slow_places: int = field(default_factory=lambda: SLOW_FOR_EACH_FAST * cores())
    seconds: float = 30.0
    fast_seconds: float = 0.25
    memory: int = 512 * MB
    answer: int = 64 * MB
    # An answer above this is written to a file, so that the front does not hold it.
    held: int = 1 * MB
    # All answers in files that are being sent at one time.
    sending: int = 1024 * MB
    query: int = 256 * KB
    # A longer query starts in a slow place: to read it alone takes a while.
    short: int = 64 * KB
    nesting: int = 250
    unions: int = 1000
    waiting: int = 256
    waiting_of_one_client: int = 64
    waiting_seconds: float = 15.0
    # The only endpoints that SERVICE may call, by their IRIs.
    services: tuple[str, ...] = ()

    @classmethod
    def of(cls, workers: int, **others: Any) -> "Limits":
        """Return limits with this many fast places and a number of slow ones that suits it."""
        return cls(workers=workers, slow_places=SLOW_FOR_EACH_FAST * workers, **others)

    @property
    def slow_places_of_one_client(self) -> int:
        """How many slow places one client may hold: half of them, so that another's question finds one."""
        return max(1, self.slow_places // 2)

    def as_message(self) -> dict[str, Any]:
        """Return the limits as JSON holds them; `Limits(**message)` is the way back."""
        return asdict(self)


def megabytes(size: int) -> str:
    """Return a size as it is named to people."""
    return f"{size / MB:g} MB" if size >= MB else f"{size / KB:g} KB"
