"""One search in an index: ranked hits, facet counts, and highlighted snippets.

A hit in a name ranks before a hit in a text. So names are searched first, and hits in texts are only ranked for the
pages that show them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kg.core.iris import served_iri
from kg.search.index_builder import EDITION, TYPE
from kg.search.normalizer import NormalizedText, Normalizer, SearchTerms, is_japanese, key, spans, stem
from kg.search.results import FacetValue, Hit, SearchResult, TextPiece

_WIDTH = 120  # characters of a snippet
_LEAD = 30  # characters before the first hit


def marked_spans(normalized: NormalizedText, terms: Iterable[Sequence[str]]) -> list[tuple[int, int]]:
    """Return the spans of the terms in the original text, sorted and without overlap."""
    runs = list(spans(normalized.text))
    found: list[tuple[int, int]] = []
    for term in terms:
        for place in range(len(runs) - len(term) + 1):
            found += _places(normalized, runs[place : place + len(term)], term)
    return _merged(sorted(found))


def cut_pieces(
    text: str, marked: Sequence[tuple[int, int]], start: int = 0, end: int | None = None
) -> tuple[TextPiece, ...]:
    """Return a part of a text, cut into marked and unmarked pieces."""
    found: list[TextPiece] = []
    last = start
    end = len(text) if end is None else end
    for first, stop in marked:
        first, stop = max(first, start), min(stop, end)
        if first >= stop:
            continue
        if first > last:
            found.append(TextPiece(text[last:first]))
        found.append(TextPiece(text[first:stop], True))
        last = stop
    if last < end:
        found.append(TextPiece(text[last:end]))
    return tuple(found)


def snippet(text: str, marked: Sequence[tuple[int, int]]) -> tuple[TextPiece, ...]:
    """Return the part of a text around its first mark, with an ellipsis where it is cut."""
    start = max(0, marked[0][0] - _LEAD) if marked else 0
    end = min(len(text), start + _WIDTH)
    cut = cut_pieces(text, marked, start, end)
    before = (TextPiece("…"),) if start else ()
    after = (TextPiece("…"),) if end < len(text) else ()
    return (*before, *cut, *after)


def find_marks(text: str, terms: Iterable[Sequence[str]], normalizer: Normalizer) -> list[tuple[int, int]]:
    """Return the spans of the terms in a text."""
    return marked_spans(normalizer.normalize_with_offsets(text), terms)


def _places(
    normalized: NormalizedText, runs: Sequence[tuple[int, int]], term: Sequence[str]
) -> Iterable[tuple[int, int]]:
    """Yield the spans of a term that begins in the first of these runs and ends in the last."""
    last = len(term) - 1
    for number, ((start, end), wanted) in enumerate(zip(runs, term, strict=True)):
        run = normalized.text[start:end]
        if not is_japanese(wanted[0]):
            if is_japanese(run[0]) or stem(run) != stem(wanted):
                return
        elif number == 0 == last:
            at = run.find(wanted)
            while at >= 0:
                yield _original(normalized, start + at, start + at + len(wanted))
                at = run.find(wanted, at + len(wanted))
            return
        elif not (run.endswith(wanted) if number == 0 else run.startswith(wanted) if number == last else run == wanted):
            return
    first = runs[0][1] - len(term[0])
    stop = runs[-1][0] + (len(term[-1]) if is_japanese(term[-1][0]) else runs[-1][1] - runs[-1][0])
    if not is_japanese(term[0][0]):
        first = runs[0][0]
    yield _original(normalized, first, stop)


def _original(normalized: NormalizedText, start: int, end: int) -> tuple[int, int]:
    return normalized.starts[start], normalized.ends[end - 1]


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
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
class IndexSearch:
    """Search in an index with filters: for each facet the IDs of its values, of which a hit must have one."""

    rows: Rows
    normalizer: Normalizer
    properties: Mapping[str, str]
    chosen: Mapping[str, Sequence[int]]
    deadline: float

    def run(self, text: str, limit: int, offset: int, lang: str) -> SearchResult:
        """Return the result for the given spelling, or else for its spelling in katakana or hiragana."""
        terms = SearchTerms.of(text, self.normalizer)
        if text.strip() and not terms.terms:
            return SearchResult(0, (), {}, {})
        for words in (terms, *terms.other_spellings()):
            total = self._total(words)
            if total:
                break
        else:
            return SearchResult(0, (), {}, {})
        hits = self._ranked_hits(words, limit, offset)
        shown = tuple(self._hit(thing, score, words, lang) for thing, score in hits)
        return SearchResult(total, shown, self._facets(words), self.properties, "" if words is terms else words.spelled)

    def all(self, text: str) -> list[str]:
        """Return the IRIs of all hits of `run`, sorted by IRI, for callers that count and sort themselves."""
        terms = SearchTerms.of(text, self.normalizer)
        if text.strip() and not terms.terms:
            return []
        for words in (terms, *terms.other_spellings()):
            if self._total(words):
                where, values = self._where(words, self.chosen)
                rowid = f"{_WORDS}.rowid" if words.terms else "thing.id"
                sql = f"SELECT iri FROM thing WHERE id IN (SELECT {rowid} FROM {where}) ORDER BY iri"
                return [served_iri(iri) for (iri,) in self.rows(sql, values, self.deadline)]
        return []

    def _total(self, words: SearchTerms, table: str = _WORDS) -> int:
        where, values = self._where(words, self.chosen, table)
        count: int = self.rows(f"SELECT COUNT(*) FROM {where}", values, self.deadline)[0][0]
        return count

    def _ranked_hits(self, words: SearchTerms, limit: int, offset: int) -> list[tuple[int, float]]:
        """Return the IDs and scores of the hits of a page."""
        if not words.terms:
            where, values = self._where(words, self.chosen)
            sql = f"SELECT thing.id, 0.0 FROM {where} ORDER BY thing.age, thing.id LIMIT ? OFFSET ?"
            return [(thing, score) for thing, score in self.rows(sql, [*values, limit, offset], self.deadline)]
        named = self._total(words, _NAMES)
        hits = self._ranked(words, _NAMES, (limit, offset)) if offset < named else []
        if len(hits) < limit:
            hits += self._ranked(words, _WORDS, (limit - len(hits), max(0, offset - named)))
        return hits

    def _ranked(self, words: SearchTerms, table: str, window: tuple[int, int]) -> list[tuple[int, float]]:
        """Return the hits in names, exact ones first; or the hits in texts only, depending on the table.

        Entities of the newest edition, or of none, come before those of earlier editions.
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

    def _facets(self, words: SearchTerms) -> dict[str, tuple[FacetValue, ...]]:
        """Return the values of each facet with the number of hits under the filters of the other facets."""
        counted = {
            facet: rows for facet, rows in self._facet_counts(words, self.chosen).items() if facet not in self.chosen
        }
        for facet in self.chosen:
            others = {other: numbers for other, numbers in self.chosen.items() if other != facet}
            counted[facet] = self._facet_counts(words, others, facet).get(facet, [])
        return dict(sorted((facet, tuple(values[:_MOST_VALUES])) for facet, values in counted.items()))

    def _facet_counts(
        self, words: SearchTerms, chosen: Mapping[str, Sequence[int]], facet: str = ""
    ) -> dict[str, list[FacetValue]]:
        where, values = self._where(words, chosen)
        rowid = f"{_WORDS}.rowid" if words.terms else "thing.id"
        sql = (
            "SELECT facet, value.id, value.value, label_ja, label_en, number FROM"
            f" (SELECT has.value, COUNT(*) AS number FROM (SELECT {rowid} AS thing FROM {where}) AS found"
            " JOIN has ON has.thing = found.thing GROUP BY has.value) AS counted"
            f" JOIN value ON value.id = counted.value {'WHERE facet = ?' if facet else ''}"
            " ORDER BY facet, number DESC, value.value"
        )
        counted: dict[str, list[FacetValue]] = {}
        for name, number, value, ja, en, count in self.rows(sql, [*values, *([facet] if facet else [])], self.deadline):
            found = FacetValue(served_iri(value), ja or "", en or "", count, number in self.chosen.get(name, ()))
            counted.setdefault(name, []).append(found)
        return counted

    def _where(
        self, words: SearchTerms, chosen: Mapping[str, Sequence[int]], table: str = _WORDS
    ) -> tuple[str, list[object]]:
        """Return the FROM and WHERE parts of the statement, and its values."""
        rowid, table = (f"{table}.rowid", table) if words.terms else ("thing.id", "thing")
        conditions: list[str] = [f"{table} MATCH ?"] if words.terms else []
        values: list[object] = [words.expression()] if words.terms else []
        for numbers in chosen.values():
            marked_spans = ", ".join("?" * len(numbers))
            conditions.append(f"{rowid} IN (SELECT thing FROM has WHERE value IN ({marked_spans}))")
            values += numbers
        return f"{table} WHERE {' AND '.join(conditions) or '1'}", values

    def _hit(self, thing: int, score: float, words: SearchTerms, lang: str) -> Hit:
        iri, ja, en = self.rows("SELECT iri, label_ja, label_en FROM thing WHERE id = ?", (thing,))[0]
        title = (en or ja) if lang == "en" else (ja or en)
        marked = find_marks(title, words.terms, self.normalizer)
        shown, prop, language = self._best_text(thing, words, title)
        types = types_of(self.rows, thing)
        edition = self._edition(thing)
        title_marked = cut_pieces(title, marked)
        return Hit(served_iri(iri), ja, en, types, score, title_marked, shown, served_iri(prop), language, edition)

    def _edition(self, thing: int) -> str:
        """Return the newest edition of an entity; empty if the index has one edition or the entity has none."""
        sql = (
            "SELECT value.value FROM has JOIN value ON value.id = has.value JOIN meta ON meta.key = 'editions'"
            " WHERE has.thing = ? AND facet = ? AND meta.value LIKE '%' || char(10) || '%'"
            " ORDER BY INSTR(meta.value, value.value) LIMIT 1"
        )
        return next((served_iri(iri) for (iri,) in self.rows(sql, (thing, EDITION))), "")

    def _best_text(self, thing: int, words: SearchTerms, title: str) -> tuple[tuple[TextPiece, ...], str, str]:
        """Return the snippet of the text or other name with the most terms, its property and its language.

        The property is empty for a name.
        """
        best: tuple[int, tuple[TextPiece, ...], str, str] = (0, (), "", "")
        if not words.terms:
            return best[1:]
        sql = (
            "SELECT 0, id, '', lang, text FROM name WHERE thing = ? AND text <> ?"
            " UNION ALL SELECT 1, place, property, lang, text FROM text WHERE thing = ? ORDER BY 1 DESC, 2"
        )
        for _, _, prop, lang, text in self.rows(sql, (thing, title, thing)):
            matching = [term for term in words.terms if stem(term[0]) in self.normalizer.text(text)]
            if len(matching) > best[0]:
                marked = find_marks(text, matching, self.normalizer)
                if marked:
                    best = (len(matching), snippet(text, marked), prop, lang)
            if best[0] == len(words.terms):
                break
        return best[1:]


def _score(rank: float, named: bool, exact: bool) -> float:
    """Return a score from 0 to 100: 100 for an exact name, 50 to 99 for a hit in a name, less for one in a text."""
    if exact:
        return 100.0
    part = rank / (rank + 10) if rank > 0 else 0.0
    return 50 + 49 * part if named else 50 * part


def types_of(rows: Rows, thing: int) -> tuple[str, ...]:
    """Return the classes of an entity, and the scheme of a concept."""
    sql = "SELECT value.value FROM has JOIN value ON value.id = has.value WHERE has.thing = ? AND facet = ? ORDER BY 1"
    return tuple(served_iri(value) for (value,) in rows(sql, (thing, TYPE)))
