"""Asks an index: which things hold these words, ranked, with marked snippets and counted facets.

The syntax of the full-text engine never sees what somebody has typed: words become tokens, and tokens phrases.
"""

import re
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kg.errors import Problem, ReleaseError
from kg.rebasing import canonical_iri, served_iri
from kg.search.characters import Characters
from kg.search.folding import Folding, key
from kg.search.gathering import TYPE
from kg.search.results import Facet, Found, Hit, Piece, SearchTimeout
from kg.search.snippets import mark, marks, pieces, snippet
from kg.search.words import IN_NAMES, Words
from kg.search.writing import FORMAT

_STEPS = 20_000  # instructions of the database between two looks at the clock
_WEIGHTS = "10.0, 8.0, 8.0, 1.0, 0.3"  # of the roles, in their order


class Index:
    """An index file, opened read-only. Each thread has a connection of its own."""

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
        if found != [(FORMAT,)]:
            raise ReleaseError(
                Problem(f"search index format {found}; this program reads {FORMAT}", "run `kg build` again", file)
            )
        self.characters = Characters.of(rows)
        self.folding = Folding(self.characters.usual)

    @classmethod
    def open(cls, path: Path) -> "Index":
        """Return the index of a file; raise ReleaseError where there is none that this program reads."""
        return cls(path)

    def close(self) -> None:
        """Close all connections; nobody may be asking any more."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def rows(self, sql: str, values: Sequence[object] = (), deadline: float = 0.0) -> list[Any]:
        """Return the rows of a statement of ours; raise SearchTimeout after the deadline (of `time.monotonic`)."""
        connection = self._connection()
        connection.set_progress_handler((lambda: time.monotonic() > deadline) if deadline else None, _STEPS)
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if deadline and time.monotonic() > deadline:
                raise SearchTimeout(Problem("the search took too long", "give longer words, or fewer")) from error
            raise

    def find(
        self,
        words: str,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        limit: int = 20,
        offset: int = 0,
        seconds: float = 5.0,
    ) -> Found:
        """Return what holds all these words; without words everything, in the order of the names.

        Words stand between spaces; what stands in double quotes is one. `filters` gives for a facet the values of
        which one must be had; `type` takes a class or a scheme, by its IRI or by the last part of it. Raises
        SearchTimeout after `seconds`.
        """
        deadline = time.monotonic() + seconds
        parsed = Words.of(words, self.folding)
        chosen = self._chosen(filters or {})
        total, ids, relaxed, parsed = self._found(parsed, chosen, limit, offset, deadline)
        hits = tuple(self._hit(thing, score, parsed) for thing, score in ids)
        return Found(total, hits, self._facets(parsed, chosen, deadline), relaxed)

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

    def _chosen(self, filters: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
        return {facet: self.chosen(facet, values) for facet, values in filters.items() if values}

    def chosen(self, facet: str, values: Sequence[str]) -> list[int]:
        """Return the numbers of values of a facet; a type may also be given by the last part of its IRI."""
        wanted = {canonical_iri(value) for value in values}
        known = self.values(facet).items()
        return [number for number, iri in known if iri in wanted or (facet == TYPE and local(iri) in wanted)]

    def values(self, facet: str) -> dict[int, str]:
        """Return the values of a facet by their numbers in this index."""
        return dict(self.rows("SELECT id, value FROM value WHERE facet = ?", (facet,)))

    def _found(
        self, parsed: Words, chosen: Mapping[str, list[int]], limit: int, offset: int, deadline: float
    ) -> tuple[int, list[tuple[int, float]], str, Words]:
        """Return how many hits there are, the numbers and scores of those that are wanted, and how they are spelled."""
        for words in (parsed, *parsed.respelled()):
            where, values = _where(words, chosen)
            total = self.rows(f"SELECT COUNT(*) FROM {where}", values, deadline)[0][0]
            if total or not words.terms:
                break
        else:
            return 0, [], "", parsed
        hits = self._ranked(words, where, values, (limit, offset), deadline) if total > offset else []
        return total, hits, "" if words is parsed else words.spelled, words

    def _ranked(
        self, words: Words, where: str, values: list[object], window: tuple[int, int], deadline: float
    ) -> list[tuple[int, float]]:
        if not words.terms:
            sql = f"SELECT thing.id, 0.0 FROM {where} ORDER BY thing.id LIMIT ? OFFSET ?"
            return self.rows(sql, [*values, *window], deadline)
        sql = (
            f"SELECT words.rowid, bm25(words, {_WEIGHTS}) AS best,"
            " words.rowid IN (SELECT thing FROM name WHERE key = ?) AS exact,"
            " words.rowid IN (SELECT rowid FROM words WHERE words MATCH ?) AS named"
            f" FROM {where} ORDER BY exact DESC, named DESC, best, words.rowid LIMIT ? OFFSET ?"
        )
        asked = [key("".join(map("".join, words.terms))), words.expression(IN_NAMES), *values, *window]
        return [(thing, -best) for thing, best, _, _ in self.rows(sql, asked, deadline)]

    def _facets(self, words: Words, chosen: Mapping[str, list[int]], deadline: float) -> dict[str, tuple[Facet, ...]]:
        """Return the values of each facet with the number of hits under the filters of the other facets."""
        counted: dict[str, tuple[Facet, ...]] = {}
        own = {facet: self._counts(words, _without(chosen, facet), facet, deadline) for facet in chosen}
        for facet, rows in {**self._counts_of_all(words, chosen, deadline), **own}.items():
            counted[facet] = tuple(
                Facet(served_iri(value), ja or "", en or "", count, number in chosen.get(facet, ()))
                for number, value, ja, en, count in rows
            )
        return dict(sorted(counted.items()))

    def _counts_of_all(
        self, words: Words, chosen: Mapping[str, list[int]], deadline: float
    ) -> dict[str, list[tuple[int, str, str, str, int]]]:
        found: dict[str, list[tuple[int, str, str, str, int]]] = {}
        for facet, *row in self._counted(words, chosen, "", deadline):
            if facet not in chosen:
                found.setdefault(facet, []).append((row[0], row[1], row[2], row[3], row[4]))
        return found

    def _counts(
        self, words: Words, chosen: Mapping[str, list[int]], facet: str, deadline: float
    ) -> list[tuple[int, str, str, str, int]]:
        return [(row[1], row[2], row[3], row[4], row[5]) for row in self._counted(words, chosen, facet, deadline)]

    def _counted(self, words: Words, chosen: Mapping[str, list[int]], facet: str, deadline: float) -> list[Any]:
        where, values = _where(words, chosen)
        rowid = "words.rowid" if words.terms else "thing.id"
        only = "WHERE facet = ?" if facet else ""
        sql = (
            "SELECT facet, value.id, value.value, label_ja, label_en, counted.number FROM"
            f" (SELECT has.value AS value, COUNT(*) AS number FROM (SELECT {rowid} AS thing FROM {where}) AS found"
            " JOIN has ON has.thing = found.thing GROUP BY has.value) AS counted"
            f" JOIN value ON value.id = counted.value {only} ORDER BY facet, counted.number DESC, value.value"
        )
        return self.rows(sql, [*values, *([facet] if facet else [])], deadline)

    def _hit(self, thing: int, score: float, words: Words) -> Hit:
        iri, ja, en = self.rows("SELECT iri, label_ja, label_en FROM thing WHERE id = ?", (thing,))[0]
        title = ja or en
        marked = mark(title, words.terms, self.folding)
        shown, prop, lang = self._shown(thing, words) if words.terms else ((), "", "")
        return Hit(
            served_iri(iri), ja, en, self.types_of(thing), score, pieces(title, marked), shown, served_iri(prop), lang
        )

    def _shown(self, thing: int, words: Words) -> tuple[tuple[Piece, ...], str, str]:
        """Return the part of a text of a thing that holds most of the words, its property and its language."""
        best: tuple[int, tuple[Piece, ...], str, str] = (0, (), "", "")
        rows = self.rows("SELECT property, lang, text FROM text WHERE thing = ? ORDER BY place", (thing,))
        for prop, lang, text in rows:
            folded = self.folding.placed(text)
            held = [term for term in words.terms if marks(folded, [term])]
            if len(held) > best[0]:
                best = (len(held), snippet(text, marks(folded, held)), prop, lang)
            if len(held) == len(words.terms):
                break
        return best[1:]

    def types_of(self, thing: int) -> tuple[str, ...]:
        """Return the classes of a thing, and its scheme where it is a concept."""
        sql = "SELECT value.value FROM has JOIN value ON value.id = has.value WHERE has.thing = ? AND facet = ?"
        return tuple(served_iri(value) for (value,) in self.rows(f"{sql} ORDER BY 1", (thing, TYPE)))


def local(iri: str) -> str:
    """Return the last part of an IRI in small letters with hyphens: `budget-programme` for shisaku:BudgetProgramme."""
    name = re.split(r"[/#]", iri.rstrip("/#"))[-1]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _where(words: Words, chosen: Mapping[str, list[int]]) -> tuple[str, list[object]]:
    """Return the part of a statement that says which things are meant, and its values."""
    rowid, table = ("words.rowid", "words") if words.terms else ("thing.id", "thing")
    conditions: list[str] = ["words MATCH ?"] if words.terms else []
    values: list[object] = [words.expression()] if words.terms else []
    for numbers in chosen.values():
        marks = ", ".join("?" * len(numbers))
        conditions.append(f"{rowid} IN (SELECT thing FROM has WHERE value IN ({marks}))")
        values += numbers
    return f"{table} {'WHERE ' + ' AND '.join(conditions) if conditions else ''}", values


def _without(chosen: Mapping[str, list[int]], facet: str) -> dict[str, list[int]]:
    return {other: numbers for other, numbers in chosen.items() if other != facet}
