"""Keeps an eye on what a store holds while it is served.

Asks a store which release it holds.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from kg import __version__
from kg.core.errors import KgError, Problem, StoreError
from kg.core.release import CATALOGUE_GRAPH, Release, release_of
from kg.engine.remote_release import (
    COMING,
    CURRENT,
    EVERY_VERSION,
    LAID_OUT,
    LAYOUT,
    SINCE,
    STATED,
    VERSION,
    Address,
    Held,
    Holding,
    graph_of,
)
from kg.engine.store_client import Connection

_ASKED = f"""SELECT ?stage ?version ?since ?layout {{
  {{ GRAPH <{STATED}> {{ <{EVERY_VERSION}> ?stage ?dataset . ?dataset <{VERSION}> ?version ; <{SINCE}> ?since
    OPTIONAL {{ ?dataset <{LAYOUT}> ?layout }} }} }}
  UNION {{ GRAPH <{CATALOGUE_GRAPH}> {{ <{EVERY_VERSION}> <{COMING}> ?listed . ?listed <{VERSION}> ?version }} }}
}}"""


def holding_of(connection: Connection) -> Holding | None:
    """Return what a store holds, or None while it is switched to another release.

    Raises StoreError where another version of this program has published to it in a way that this one does not know.
    """
    rows = connection.rows(_ASKED)
    stated = [row for row in rows if "since" in row]
    if stated:
        row = stated[0]
        if (layout := row.get("layout", LAID_OUT)) != LAID_OUT:
            found = f"the store holds release {row['version']} in format {layout}"
            fact = f"{found}; this is kg {__version__}, format {LAID_OUT}"
            remedy = "serve it by the kg that has published it, or publish a release by this one: kg publish --to URL"
            raise StoreError(Problem(fact, remedy))
        settled = len(stated) == 1 and row["stage"] == CURRENT
        return Holding(row["version"], row["since"], graph_of(row["version"])) if settled else None
    return Holding(_one([row["version"] for row in rows]))


def _one(versions: Sequence[str]) -> str:
    return versions[0] if len(set(versions)) == 1 else ""


_SECONDS = 5.0  # that the store may take to say what it holds


class Watch:
    """What a store holds, with the copy of that release in a folder of releases, where there is one.

    A context manager that lets go of the connection to the store.
    """

    def __init__(self, address: Address, out: Path) -> None:
        self._connection, self._out = Connection(address, _SECONDS), out
        self._address = address
        self._why = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def trouble(self) -> str:
        """Return why the store could not be asked the last time; empty where it could."""
        return self._why

    def held(self) -> Held:
        """Return what the store holds; raise StoreError where it cannot be asked, or is being switched."""
        self._address = self._connection.recognised()
        holding = holding_of(self._connection)
        if holding is None:
            remedy = "wait for `kg publish` to end; where it was interrupted, run it again"
            raise StoreError(Problem("the store is being switched to another release", remedy), status=503)
        return Held(self._address, holding, self._copy(holding))

    def following(self, held: Held) -> Callable[[], Held | None]:
        """Return what tells, each time, what the store holds by now, where that is something else than before."""
        last = held

        def newer() -> Held | None:
            nonlocal last
            try:
                found = holding_of(self._connection)
            except StoreError as error:
                self._why = error.problems[0].fact
                return None
            self._why = ""
            if found is None or (found == last.holding and (last.release or not self._copy(found))):
                return None
            last = Held(self._address, found, self._copy(found))
            return last

        return newer

    def _copy(self, holding: Holding) -> Release | None:
        """Return the same release on the disk, or None."""
        try:
            return release_of(self._out, holding.version) if holding.version else None
        except KgError:
            return None
