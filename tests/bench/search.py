"""Measures the search: engines side by side, and the latency of what we serve, on the real release and many times it.

    .venv/bin/python tests/bench/search.py                        latency on the current release
    .venv/bin/python tests/bench/search.py --times 1000           on an index of a thousand times as many things
    .venv/bin/python tests/bench/search.py --times 1000 --engines four engines on the same texts, in one run

Copies of the things have the same names with a number, and texts put together anew from the sentences of all, so that
words are as frequent as in the original. `--engines` compares FTS5 with our pairs of characters, FTS5 with single
characters, FTS5's own trigrams, and tantivy with our pairs (it must be installed beside: `pip install tantivy`), each
with the twenty best by BM25 and the number of all hits. Times are medians, in milliseconds.
"""

import argparse
import random
import re
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store, parse

from kg.core.paths import project_folders
from kg.core.release import CURRENT, N_TRIPLES
from kg.search import Index, Matcher, build
from kg.search.index_builder import texts
from kg.search.normalizer import BREAK, CharacterTable, Normalizer, SearchTerms, tokens

WORDS = (
    "県",
    "防災",
    "農業",
    "情報",
    "推進",
    "データ",
    "オープンデータ",
    "マイナンバーカード",
    "の推進",
    "防災 整備",
    "雪害",
)
NAMES = ("農業関係情報のオープンデータ化推進", "経産省", "防災拠点におけるWi-Fi環境の整備", "公衆無線LANの整備事業")
_OWN = re.compile(r"https://w3id\.org/shisaku/id/municipal-2019/")
_SENTENCE = re.compile(r"[^。\n]+[。\n]?")


def many(file: Path, times: int) -> Iterator[Quad]:
    """Yield the statements of a graph, and of as many copies of its own things."""
    quads = [*parse(path=str(file), format=RdfFormat.N_TRIPLES)]
    yield from quads
    own = [q for q in quads if _OWN.match(q.subject.value) and "/source/" not in q.subject.value]
    said = (q.object.value for q in own if isinstance(q.object, Literal) and len(q.object.value) > 100)
    sentences = [*chain.from_iterable(map(_SENTENCE.findall, said))]
    chance = random.Random(1)
    for copy in range(1, times):
        for quad in own:
            yield Quad(*(_copied(term, copy, sentences, chance) for term in quad.triple))


def _copied(term: object, copy: int, sentences: list[str], chance: random.Random) -> object:
    if isinstance(term, NamedNode):
        return NamedNode(_OWN.sub(f"https://w3id.org/shisaku/id/municipal-{3000 + copy}/", term.value))
    if not isinstance(term, Literal) or not term.language:
        return term
    if len(term.value) > 100:
        return Literal("".join(chance.choices(sentences, k=1 + len(term.value) // 60)), language=term.language)
    return Literal(f"{term.value}({copy})", language=term.language)


def median(call: Callable[[], object], times: int = 9) -> float:
    """Return the median of some calls in milliseconds; fewer where one takes long."""
    took: list[float] = []
    while len(took) < times and sum(took) < 4000:
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def latency(index: Index) -> None:
    """Print how long searches and matches take, as they are served: hits, snippets, facets."""
    print(f"{'search':24}{'hits':>9}{'ms':>9}   of 20 hits with snippets and facets")
    for words in WORDS:
        total = index.find(words).total
        print(f"{words:24}{total:9,}{median(lambda words=words: index.find(words, seconds=60)):9.1f}")  # type: ignore[misc]
    start = time.perf_counter()
    matcher = Matcher(index)
    print(f"matcher made in {(time.perf_counter() - start) * 1000:.0f} ms")
    for name in NAMES:
        print(f"{name:32}{median(lambda name=name: matcher.candidates(name)):9.1f}")  # type: ignore[misc]


def _fts(file: Path, tokenizer: str, prepared: Iterable[tuple[str, str]]) -> sqlite3.Connection:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute(f"CREATE VIRTUAL TABLE w USING fts5(name, text, content='', {tokenizer})")
    database.execute("BEGIN")
    database.executemany("INSERT INTO w (name, text) VALUES (?, ?)", prepared)
    database.execute("COMMIT")
    database.execute("INSERT INTO w(w) VALUES ('optimize')")
    return database


def _tantivy(folder: Path, pairs: Iterable[tuple[str, str]], folded: Iterable[tuple[str, str]]) -> Callable[[str], int]:
    import tantivy  # type: ignore[import-not-found]

    builder = tantivy.SchemaBuilder()
    for field in ("name", "text", "name1", "text1"):
        builder.add_text_field(field, tokenizer_name="whitespace", index_option="position")
    schema = builder.build()
    folder.mkdir()
    index = tantivy.Index(schema, path=str(folder))
    writer = index.writer(200_000_000, 1)
    for (name, text), (plain_name, plain) in zip(pairs, folded, strict=True):
        single = {"name1": " ".join(plain_name), "text1": " ".join(plain)}
        writer.add_document(tantivy.Document(name=name, text=text, **single))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher, query = index.searcher(), tantivy.Query

    def search(word: str) -> int:
        grams = [word[at : at + 2] for at in range(len(word) - 1)] or [word]
        fields = ("name", "text") if len(word) > 1 else ("name1", "text1")
        parts = [
            query.phrase_query(schema, field, grams) if len(grams) > 1 else query.term_query(schema, field, grams[0])
            for field in fields
        ]
        boosted = [(tantivy.Occur.Should, query.boost_query(parts[0], 10.0)), (tantivy.Occur.Should, parts[1])]
        count: int = searcher.search(query.boolean_query(boosted), 20, True).count
        return count

    return search


def engines(store: Store, folder: Path) -> None:
    """Print how long four engines take to index the same texts, how large they are, and how long they search."""
    folding = Normalizer(CharacterTable.read().usual)
    said: dict[str, list[list[str]]] = {}
    for one in texts(store):
        if one.lang != "en":
            said.setdefault(one.thing, [[], []])[one.role != "name"].append(folding.text(one.text))
    folded = [(f" {BREAK} ".join(names), f" {BREAK} ".join(rest)) for names, rest in said.values() if names]
    pairs = [(" ".join(tokens(name)), " ".join(tokens(text))) for name, text in folded]
    single = ((" ".join(name), " ".join(text)) for name, text in folded)
    made: dict[str, Callable[[str], int]] = {}

    def fts(name: str, tokenizer: str, prepared: Iterable[tuple[str, str]], asked: Callable[[str], str]) -> None:
        database = _fts(folder / name, tokenizer, prepared)

        def search(word: str) -> int:
            database.execute(
                "SELECT rowid FROM w WHERE w MATCH ? ORDER BY bm25(w, 10, 1) LIMIT 20", [asked(word)]
            ).fetchall()
            return int(database.execute("SELECT COUNT(*) FROM w WHERE w MATCH ?", [asked(word)]).fetchone()[0])

        made[name] = search

    makers: dict[str, Callable[[], object]] = {
        "pairs": lambda: fts(
            "pairs", "tokenize='ascii', prefix='1'", pairs, lambda w: SearchTerms.of(w, folding).expression()
        ),
        "characters": lambda: fts("characters", "tokenize='ascii'", single, lambda w: f'"{" ".join(w)}"'),
        "trigrams": lambda: fts("trigrams", "tokenize='trigram'", folded, lambda w: f'"{w}"'),
        "tantivy": lambda: made.update(tantivy=_tantivy(folder / "tantivy", pairs, folded)),
    }
    for name, make in makers.items():
        start = time.perf_counter()
        try:
            make()
        except ImportError:
            print("tantivy is not installed; left out")
            continue
        files = [folder / name] if (folder / name).is_file() else [*(folder / name).iterdir()]
        size = sum(file.stat().st_size for file in files) / 1e6
        print(f"{name:12} indexed {len(folded):,} things in {time.perf_counter() - start:6.1f} s, {size:6.1f} MB")
    print(f"{'':20}" + "".join(f"{name + ' ms':>15}{'hits':>9}" for name in made))
    for word in (word for word in WORDS if " " not in word):
        cells = (f"{median(lambda s=search: s(word), 7):15.1f}{search(word):9,}" for search in made.values())  # type: ignore[misc]  # noqa: B023
        print(f"{word:20}" + "".join(cells))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, default=project_folders().out / CURRENT)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--engines", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(str(folder / "store"))
        store.bulk_extend(many(asked.release / N_TRIPLES, asked.times))
        if asked.engines:
            engines(store, folder)
            return
        start = time.perf_counter()
        build(store, folder / "index.sqlite")
        took, size = time.perf_counter() - start, (folder / "index.sqlite").stat().st_size / 1e6
        del store
        print(f"index made in {took:.1f} s, {size:.1f} MB")
        latency(Index.open(folder / "index.sqlite"))
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB", file=sys.stderr)


if __name__ == "__main__":
    main()
