"""Any engine that keeps to the specifications: SPARQL 1.1 Query, Protocol, and Graph Store HTTP Protocol.

Nothing is rewritten. It is given no time limit, since no specification has a parameter for one: a connection that is
closed early is all that tells it that nobody waits any more. Whether an update is one step to readers is not known, so
a release is switched in steps that `kg serve` can see.
"""

from collections.abc import Iterable, Mapping

import httpx

from kg.core.errors import StoreError
from kg.engine.result_reader import strict


class Engine:
    """What is done in the same way for every engine that has no reason for another."""

    name = "generic"

    def knows(self, server: str) -> bool:
        """Whether a `Server` header names this engine."""
        return True

    def text(self, query: str) -> str:
        """Return a valid query as this engine is to be asked it, with the same meaning."""
        return query

    def parameters(self, seconds: float) -> Mapping[str, str]:
        """Return what tells this engine how long a query may take."""
        return {}

    def shortened(self, headers: Mapping[str, str]) -> StoreError | None:
        """Return why an answer that looks complete is not; None where nothing says so."""
        return None

    def mended(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Return results in JSON as the specification has them, with nothing beside."""
        return strict(pieces)

    def blames_query(self, status: int, text: str) -> bool:
        """Whether an error means that the query cannot be answered, and not that the store has failed."""
        return status == httpx.codes.BAD_REQUEST

    def ran_out_of_time(self, status: int, text: str) -> bool:
        """Whether an error means the limit of time, beside the statuses that say so of themselves."""
        return False

    def updates(self, query_address: str) -> str:
        """Return where an update request is sent that readers see in one step; empty where there is no such place."""
        return ""

    def graphs(self, query_address: str) -> str:
        """Return where this engine serves the Graph Store Protocol; empty where that is not known."""
        return ""

    def authentication(self, user: str, password: str) -> httpx.Auth:
        """Return how a user is told to this engine."""
        return httpx.BasicAuth(user, password)
