"""A queue that is fair: the clients take turns, whatever number of items each of them has in it."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Items in the order of their clients' turns; among one client's items the first comes first."""

    def __init__(self) -> None:
        # A dict keeps its order: the client whose turn is next stands first.
        self._clients: dict[str, deque[Item]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._clients.values()))

    def of(self, client: str) -> int:
        """Return how many items a client has in the queue."""
        return len(self._clients.get(client, ()))

    def put(self, client: str, item: Item) -> None:
        """Add an item; a client that has none yet gets its turn after all others."""
        self._clients.setdefault(client, deque()).append(item)

    def take(self, may: Callable[[str], bool] = lambda client: True) -> Item | None:
        """Return the next item of the next client that may have a turn, or None where there is none."""
        client = next(filter(may, self._clients), None)
        if client is None:
            return None
        items = self._clients.pop(client)
        item = items.popleft()
        if items:
            self._clients[client] = items
        return item

    def discard(self, client: str, item: Item) -> None:
        """Take an item out, wherever it stands; harmless where it is not there."""
        items = self._clients.get(client, deque())
        if item in items:
            items.remove(item)
            if not items:
                del self._clients[client]
