"""Oxigraph as a server: `oxigraph serve`.

- The default graph is plain, as in the embedded engine; the dataset of the protocol is honoured, named graphs included.
- An update request is one transaction: readers see a release switch in one step.
- A query has no time limit but that of `--timeout-s`, and one that reaches it answers 200 and breaks off in the middle:
  every answer is read to its end before anything of it is passed on.
- Literals are kept in canonical form, as in the embedded engine.
"""

from collections.abc import Iterable

from kg.engine.store_dialects import Engine


class Oxigraph(Engine):
    """Oxigraph, whose addresses are `/query`, `/update` and `/store` beside each other."""

    name = "oxigraph"

    def knows(self, server: str) -> bool:
        """Whether a `Server` header names this engine."""
        return server.lower().startswith("oxigraph")

    def mended(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Return results as they come: the engine that is embedded here reads what it writes there."""
        return pieces

    def updates(self, query_address: str) -> str:
        """Return where an update request is sent; it is one transaction."""
        return _beside(query_address, "update")

    def graphs(self, query_address: str) -> str:
        """Return where this engine serves the Graph Store Protocol."""
        return _beside(query_address, "store")


def _beside(address: str, name: str) -> str:
    return f"{address.rpartition('/')[0]}/{name}"
