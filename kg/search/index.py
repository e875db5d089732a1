"""Read-only search index: a SQLite file, opened once per thread.

User input never reaches the query syntax of the full-text engine: words become tokens, and tokens quoted phrases.
"""

import re
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kg.core.errors import Problem, ReleaseError
from kg.core.iris import canonical_iri, served_iri
from kg.core.release import SEARCH_FORMAT
from kg.search.normalizer import CharacterTable, Normalizer
from kg.search.results import SearchResult, SearchTimeout
from kg.search.searcher import IndexSearch, types_of

_PROGRESS_STEPS = 20_000  # instructions of the database between two checks of the deadline


class Index:
    """Index file, opened read-only, with one connection per thread."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._mine = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            rows = self.rows("SELECT one, other, kind FROM character")
            found = self.rows("SELECT value FROM meta WHERE key = 'format'")
        except sqlite3.DatabaseError as error:
            raise ReleaseError(Problem(f"no readable index: {error}", "run `kg build` again", file)) from error
        if found != [(SEARCH_FORMAT,)]:
            fact = f"is a search index of another format than {SEARCH_FORMAT}, which this program reads"
            raise ReleaseError(Problem(fact, "run `kg build` again", file))
        self.characters = CharacterTable.of(rows)
        self.normalizer = Normalizer(self.characters.usual)
        rows = self.rows("SELECT name, property FROM facet ORDER BY name")
        self.properties = {facet: served_iri(iri) for facet, iri in rows}

    @property
    def facets(self) -> tuple[str, ...]:
        """Names of the facets."""
        return tuple(self.properties)

    @classmethod
    def open(cls, path: Path) -> "Index":
        """Open the index of a file; raise ReleaseError if there is none that this program can read."""
        return cls(path)

    def close(self) -> None:
        """Close all connections; no query may be running."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def rows(self, sql: str, values: Sequence[object] = (), deadline: float = 0.0) -> list[Any]:
        """Run a statement and return its rows; raise SearchTimeout after the deadline (of `time.monotonic`)."""

        def late() -> bool:
            return time.monotonic() > deadline

        connection = self._connection()
        connection.set_progress_handler(late if deadline else None, _PROGRESS_STEPS)
        try:
            if deadline and late():
                raise sqlite3.OperationalError
            return connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if deadline and late():
                raise SearchTimeout(Problem("the search took too long", "give longer words, or fewer")) from error
            raise

    def find(
        self,
        words: str,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        limit: int = 20,
        offset: int = 0,
        lang: str = "ja",
        seconds: float = 5.0,
    ) -> SearchResult:
        """Return the entities that contain all words; without words all entities, sorted by IRI.

        Words are separated by spaces; a text in double quotes is one word. `filters` maps a facet to values of which a
        hit must have one, by their IRIs or the last parts of these; a `type` is a class or the scheme of a concept.
        Titles are in `lang` if available. Raises SearchTimeout after `seconds`.
        """
        chosen = {facet: self.chosen(facet, values) for facet, values in (filters or {}).items() if values}
        search = IndexSearch(self.rows, self.normalizer, self.properties, chosen, time.monotonic() + seconds)
        return search.run(words, limit, offset, lang)

    def all(self, words: str, *, filters: Mapping[str, Sequence[str]] | None = None, seconds: float = 5.0) -> list[str]:
        """Return the IRIs of all hits of `find`, without ranking, snippets and facets."""
        chosen = {facet: self.chosen(facet, values) for facet, values in (filters or {}).items() if values}
        return IndexSearch(self.rows, self.normalizer, self.properties, chosen, time.monotonic() + seconds).all(words)

    def _connection(self) -> sqlite3.Connection:
        mine: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if mine is None:
            address = f"{self.file.resolve().as_uri()}?mode=ro&immutable=1"
            try:
                mine = sqlite3.connect(address, uri=True, check_same_thread=False)
            except sqlite3.OperationalError as error:
                raise ReleaseError(Problem(f"no index: {error}", "run `kg build` again", self.file)) from error
            self._mine.connection = mine
            with self._lock:
                self._all.append(mine)
        return mine

    def chosen(self, facet: str, values: Sequence[str]) -> list[int]:
        """Return the IDs of values of a facet; an IRI may be given by its last part."""
        wanted = {canonical_iri(value) for value in values}
        return [number for number, iri in self.values(facet).items() if iri in wanted or local(iri) in wanted]

    def values(self, facet: str) -> dict[int, str]:
        """Return the values of a facet by ID."""
        return dict(self.rows("SELECT id, value FROM value WHERE facet = ?", (facet,)))

    def types_of(self, thing: int) -> tuple[str, ...]:
        """Return the classes of an entity, and the scheme of a concept."""
        return types_of(self.rows, thing)


def local(iri: str) -> str:
    """Return the last part of an IRI in kebab case: `budget-programme` for shisaku:BudgetProgramme."""
    name = re.split(r"[/#]", iri.rstrip("/#"))[-1]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
