"""Keeps an eye on what a store holds while it is served."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from kg.core.errors import KgError, Problem, StoreError
from kg.core.release import Release, release_of
from kg.engine.release_detector import holding_of
from kg.engine.remote_release import Address, Held, Holding
from kg.engine.store_client import Connection

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
