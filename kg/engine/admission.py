"""A number of places for questions, and the queue of those who wait for one."""

from collections import Counter

from kg.engine.fair_queue import FairQueue
from kg.engine.query_run import Run


class Lane:
    """The fast or the slow places: who holds them and who waits for them."""

    def __init__(self, places: int, of_one_client: int) -> None:
        self.places, self.of_one_client = places, of_one_client
        self.holders = Counter[str]()
        self.waiting = FairQueue[Run]()

    @property
    def held(self) -> int:
        """How many places are held."""
        return self.holders.total()

    def open_to(self, client: str) -> bool:
        """Whether a client may hold one more place."""
        return self.held < self.places and self.holders[client] < self.of_one_client

    def leave(self, client: str) -> None:
        """Give a place back."""
        self.holders[client] -= 1
        if not self.holders[client]:
            del self.holders[client]
