"""One search: which things hold the words, in which order, and by what they can be narrowed.

A hit in a name goes before a hit in a text. So the names are asked first, and the ranks of what only holds the words in
its text are not reckoned as long as nobody turns to their page.

Where in a text the words stand that were looked for, and the stretch of it that shows them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kg.core.iris import served_iri
from kg.search.index_builder import EDITION, TYPE
from kg.search.normalizer import Folded, Folding, Words, is_japanese, key, spans, stem
from kg.search.results import Facet, Found, Hit, Piece

_WIDTH = 120  # characters of a snippet
_BEFORE = 30  # of them before the first word


def marks(folded: Folded, terms: Iterable[Sequence[str]]) -> list[tuple[int, int]]:
    """Return the stretches of the original text, in order and without overlap, in which the terms stand."""
    placed = list(spans(folded.text))
    found: list[tuple[int, int]] = []
    for term in terms:
        for place in range(len(placed) - len(term) + 1):
            found += _places(folded, placed[place : place + len(term)], term)
    return _joined(sorted(found))


def pieces(text: str, marked: Sequence[tuple[int, int]], start: int = 0, end: int | None = None) -> tuple[Piece, ...]:
    """Return a part of a text, cut where its marks begin and end."""
    found: list[Piece] = []
    last = start
    end = len(text) if end is None else end
    for first, stop in marked:
        first, stop = max(first, start), min(stop, end)
        if first >= stop:
            continue
        if first > last:
            found.append(Piece(text[last:first]))
        found.append(Piece(text[first:stop], True))
        last = stop
    if last < end:
        found.append(Piece(text[last:end]))
    return tuple(found)


def snippet(text: str, marked: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    """Return the stretch of a text around its first mark; dots stand for what is left out."""
    start = max(0, marked[0][0] - _BEFORE) if marked else 0
    end = min(len(text), start + _WIDTH)
    cut = pieces(text, marked, start, end)
    before = (Piece("…"),) if start else ()
    after = (Piece("…"),) if end < len(text) else ()
    return (*before, *cut, *after)


def mark(text: str, terms: Iterable[Sequence[str]], folding: Folding) -> list[tuple[int, int]]:
    """Return the stretches of a text in which the terms stand."""
    return marks(folding.placed(text), terms)


def _places(folded: Folded, placed: Sequence[tuple[int, int]], term: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Yield where a term stands that begins in the first of these runs and ends in the last."""
    last = len(term) - 1
    for number, ((start, end), wanted) in enumerate(zip(placed, term, strict=True)):
        run = folded.text[start:end]
        if not is_japanese(wanted[0]):
            if is_japanese(run[0]) or stem(run) != stem(wanted):
                return
        elif number == 0 == last:
            at = run.find(wanted)
            while at >= 0:
                yield _original(folded, start + at, start + at + len(wanted))
                at = run.find(wanted, at + len(wanted))
            return
        elif not (run.endswith(wanted) if number == 0 else run.startswith(wanted) if number == last else run == wanted):
            return
    first = placed[0][1] - len(term[0])
    stop = placed[-1][0] + (len(term[-1]) if is_japanese(term[-1][0]) else placed[-1][1] - placed[-1][0])
    if not is_japanese(term[0][0]):
        first = placed[0][0]
    yield _original(folded, first, stop)


def _original(folded: Folded, start: int, end: int) -> tuple[int, int]:
    return folded.starts[start], folded.ends[end - 1]


def _joined(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


Rows = Callable[..., list[Any]]  # a statement, its values and the deadline

_NAMES, _WORDS = "names", "words"  # the tables of the names, and of everything
_WEIGHTS = {_NAMES: "10.0, 8.0, 8.0", _WORDS: "10.0, 8.0, 8.0, 1.0, 0.3"}  # of the roles, in their order
_MOST_VALUES = 100  # of a facet


@dataclass(frozen=True)
class Search:
    """A search in an index under filters: for each facet the numbers of its values, of which a hit must have one."""

    rows: Rows
    folding: Folding
    properties: Mapping[str, str]
    chosen: Mapping[str, Sequence[int]]
    deadline: float

    def found(self, text: str, limit: int, offset: int, lang: str) -> Found:
        """Return the answer: in the spelling that was typed, else with all kana of the other kind."""
        asked = Words.of(text, self.folding)
        if text.strip() and not asked.terms:
            return Found(0, (), {}, {})
        for words in (asked, *asked.respelled()):
            total = self._total(words)
            if total:
                break
        else:
            return Found(0, (), {}, {})
        hits = self._hits(words, limit, offset)
        shown = tuple(self._hit(thing, score, words, lang) for thing, score in hits)
        return Found(total, shown, self._facets(words), self.properties, "" if words is asked else words.spelled)

    def all(self, text: str) -> list[str]:
        """Return the IRIs of all hits, as `found` finds them, in order: for who counts and sorts them elsewhere."""
        asked = Words.of(text, self.folding)
        if text.strip() and not asked.terms:
            return []
        for words in (asked, *asked.respelled()):
            if self._total(words):
                where, values = self._where(words, self.chosen)
                rowid = f"{_WORDS}.rowid" if words.terms else "thing.id"
                sql = f"SELECT iri FROM thing WHERE id IN (SELECT {rowid} FROM {where}) ORDER BY iri"
                return [served_iri(iri) for (iri,) in self.rows(sql, values, self.deadline)]
        return []

    def _total(self, words: Words, table: str = _WORDS) -> int:
        where, values = self._where(words, self.chosen, table)
        count: int = self.rows(f"SELECT COUNT(*) FROM {where}", values, self.deadline)[0][0]
        return count

    def _hits(self, words: Words, limit: int, offset: int) -> list[tuple[int, float]]:
        """Return the numbers and scores of the hits of a page."""
        if not words.terms:
            where, values = self._where(words, self.chosen)
            sql = f"SELECT thing.id, 0.0 FROM {where} ORDER BY thing.age, thing.id LIMIT ? OFFSET ?"
            return [(thing, score) for thing, score in self.rows(sql, [*values, limit, offset], self.deadline)]
        named = self._total(words, _NAMES)
        hits = self._ranked(words, _NAMES, (limit, offset)) if offset < named else []
        if len(hits) < limit:
            hits += self._ranked(words, _WORDS, (limit - len(hits), max(0, offset - named)))
        return hits

    def _ranked(self, words: Words, table: str, window: tuple[int, int]) -> list[tuple[int, float]]:
        """Return hits in the names, what is called just so first; or those that are in the texts only.

        What is in the newest edition, or in none, goes before what is in earlier ones.
        """
        where, values = self._where(words, self.chosen, table)
        exact = "0"
        if table == _NAMES:
            exact = "found.id IN (SELECT thing FROM name WHERE key = ?)"
            values.insert(0, key("".join(map("".join, words.terms))))
        else:
            where += f" AND {table}.rowid NOT IN (SELECT rowid FROM {_NAMES} WHERE {_NAMES} MATCH ?)"
            values.append(words.expression())
        sql = (
            f"SELECT found.id, found.score * thing.weight AS score, {exact} AS exact FROM (SELECT {table}.rowid AS id,"
            f" -bm25({table}, {_WEIGHTS[table]}) AS score FROM {where}) AS found JOIN thing USING (id)"
            " ORDER BY exact DESC, thing.age, score DESC, found.id LIMIT ? OFFSET ?"
        )
        rows = self.rows(sql, [*values, *window], self.deadline)
        return [(thing, _score(score, table == _NAMES, bool(exact))) for thing, score, exact in rows]

    def _facets(self, words: Words) -> dict[str, tuple[Facet, ...]]:
        """Return the values of each facet with the number of hits under the filters of the other facets."""
        counted = {facet: rows for facet, rows in self._counted(words, self.chosen).items() if facet not in self.chosen}
        for facet in self.chosen:
            others = {other: numbers for other, numbers in self.chosen.items() if other != facet}
            counted[facet] = self._counted(words, others, facet).get(facet, [])
        return dict(sorted((facet, tuple(values[:_MOST_VALUES])) for facet, values in counted.items()))

    def _counted(self, words: Words, chosen: Mapping[str, Sequence[int]], facet: str = "") -> dict[str, list[Facet]]:
        where, values = self._where(words, chosen)
        rowid = f"{_WORDS}.rowid" if words.terms else "thing.id"
        sql = (
            "SELECT facet, value.id, value.value, label_ja, label_en, number FROM"
            f" (SELECT has.value, COUNT(*) AS number FROM (SELECT {rowid} AS thing FROM {where}) AS found"
            " JOIN has ON has.thing = found.thing GROUP BY has.value) AS counted"
            f" JOIN value ON value.id = counted.value {'WHERE facet = ?' if facet else ''}"
            " ORDER BY facet, number DESC, value.value"
        )
        counted: dict[str, list[Facet]] = {}
        for name, number, value, ja, en, count in self.rows(sql, [*values, *([facet] if facet else [])], self.deadline):
            found = Facet(served_iri(value), ja or "", en or "", count, number in self.chosen.get(name, ()))
            counted.setdefault(name, []).append(found)
        return counted

    def _where(
        self, words: Words, chosen: Mapping[str, Sequence[int]], table: str = _WORDS
    ) -> tuple[str, list[object]]:
        """Return the part of a statement that says which things are meant, and its values."""
        rowid, table = (f"{table}.rowid", table) if words.terms else ("thing.id", "thing")
        conditions: list[str] = [f"{table} MATCH ?"] if words.terms else []
        values: list[object] = [words.expression()] if words.terms else []
        for numbers in chosen.values():
            marks = ", ".join("?" * len(numbers))
            conditions.append(f"{rowid} IN (SELECT thing FROM has WHERE value IN ({marks}))")
            values += numbers
        return f"{table} WHERE {' AND '.join(conditions) or '1'}", values

    def _hit(self, thing: int, score: float, words: Words, lang: str) -> Hit:
        iri, ja, en = self.rows("SELECT iri, label_ja, label_en FROM thing WHERE id = ?", (thing,))[0]
        title = (en or ja) if lang == "en" else (ja or en)
        marked = mark(title, words.terms, self.folding)
        shown, prop, language = self._shown(thing, words, title)
        types = types_of(self.rows, thing)
        edition = self._edition(thing)
        title_marked = pieces(title, marked)
        return Hit(served_iri(iri), ja, en, types, score, title_marked, shown, served_iri(prop), language, edition)

    def _edition(self, thing: int) -> str:
        """Return the edition of a thing, the newest that it is in; empty where there is one alone, or none."""
        sql = (
            "SELECT value.value FROM has JOIN value ON value.id = has.value JOIN meta ON meta.key = 'editions'"
            " WHERE has.thing = ? AND facet = ? AND meta.value LIKE '%' || char(10) || '%'"
            " ORDER BY INSTR(meta.value, value.value) LIMIT 1"
        )
        return next((served_iri(iri) for (iri,) in self.rows(sql, (thing, EDITION))), "")

    def _shown(self, thing: int, words: Words, title: str) -> tuple[tuple[Piece, ...], str, str]:
        """Return the part of a text of a thing, or of another of its names, that holds most of the words.

        With it come its property, empty where it is a name, and its language.
        """
        best: tuple[int, tuple[Piece, ...], str, str] = (0, (), "", "")
        if not words.terms:
            return best[1:]
        sql = (
            "SELECT 0, id, '', lang, text FROM name WHERE thing = ? AND text <> ?"
            " UNION ALL SELECT 1, place, property, lang, text FROM text WHERE thing = ? ORDER BY 1 DESC, 2"
        )
        for _, _, prop, lang, text in self.rows(sql, (thing, title, thing)):
            held = [term for term in words.terms if stem(term[0]) in self.folding.text(text)]
            if len(held) > best[0]:
                marked = mark(text, held, self.folding)
                if marked:
                    best = (len(held), snippet(text, marked), prop, lang)
            if best[0] == len(words.terms):
                break
        return best[1:]


def _score(rank: float, named: bool, exact: bool) -> float:
    """Return a score from 0 to 100: what is called so has 100, a hit in a name 50 to 99, one in a text less."""
    if exact:
        return 100.0
    part = rank / (rank + 10) if rank > 0 else 0.0
    return 50 + 49 * part if named else 50 * part


def types_of(rows: Rows, thing: int) -> tuple[str, ...]:
    """Return the classes of a thing, and its scheme where it is a concept."""
    sql = "SELECT value.value FROM has JOIN value ON value.id = has.value WHERE has.thing = ? AND facet = ? ORDER BY 1"
    return tuple(served_iri(value) for (value,) in rows(sql, (thing, TYPE)))
