"""The search index: what is found, in which order, where it is marked, and by what it can be narrowed."""

import random
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, Store

from kg.core.release import Release
from kg.search import Index, SearchResult, SearchTimeout, build

ALL = 100_000
ID = "https://w3id.org/shisaku/id/"


@pytest.fixture(scope="module")
def index(real: Release) -> Iterator[Index]:
    """The index of the real release."""
    index = Index.open(real.search_index())
    yield index
    index.close()


@pytest.fixture(scope="module")
def texts(real: Release) -> dict[str, list[str]]:
    """All names and texts of each thing that has a name, as the graph has them, in NFKC and small letters."""
    query = (Path(__file__).parents[2] / "queries" / "search-texts.rq").read_text(encoding="utf-8")
    store = Store()
    store.load(path=str(real.path("graph.nt")), format=RdfFormat.N_TRIPLES)
    said: dict[str, list[str]] = {}
    named = set()
    for row in store.query(query):
        thing = row["thing"].value
        said.setdefault(thing, []).append(unicodedata.normalize("NFKC", row["text"].value).lower())
        named |= {thing} if row["role"].value == "name" else set()
    return {thing: words for thing, words in said.items() if thing in named}


def iris(found: SearchResult) -> list[str]:
    """The things of an answer."""
    return [hit.iri for hit in found.hits]


def test_words_of_one_and_two_characters_are_found_wherever_they_stand(
    index: Index, texts: dict[str, list[str]]
) -> None:
    """For 60 stretches of one to four kanji or katakana the hits are just the things whose texts hold them."""
    stretches = re.findall("[\u4e00-\u9fff]{4,}|[\u30a1-\u30fa]{4,}", " ".join(chain(*texts.values())))
    joined = {thing: [re.sub(r"[\s・「」『』]", "", text) for text in said] for thing, said in texts.items()}
    chance = random.Random(2019)
    words = ["県", "防災", "農業", "雇用"]
    for stretch in chance.sample(sorted(set(stretches)), 60):
        at = chance.randrange(len(stretch) - 3)
        words.append(stretch[at : at + chance.randint(1, 4)])

    for word in words:
        holding = {thing for thing, said in joined.items() if any(word in text for text in said)}
        found = index.find(word, limit=ALL)
        assert {*iris(found)} == holding, word
        assert (found.total, found.relaxed) == (len(holding), "")


def test_what_is_called_so_comes_first_then_names_then_texts(index: Index) -> None:
    """総務省 is the ministry itself; then things with it in their names; then those whose texts hold it."""
    found = index.find("総務省", limit=ALL)
    named = ["総務省" in hit.label_ja for hit in found.hits]
    scores = [hit.score for hit in found.hits]

    assert (found.hits[0].iri, found.hits[0].score) == (f"{ID}organization/mic", 100)
    assert 1 < sum(named) < len(named)
    assert named == sorted(named, reverse=True)
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < 50 < scores[1] < 100


@pytest.mark.parametrize(
    ("word", "others"),
    [
        ("Wi-Fi", ["ｗｉ－ｆｉ", "WI-FI", '"Wi Fi"']),
        ("経済産業省", ["經濟產業省", '"経済 産業省"', "「経済産業省」"]),
        ("デジタル・ガバメント", ["デジタルガバメント", "ﾃﾞｼﾞﾀﾙ･ｶﾞﾊﾞﾒﾝﾄ"]),
        ("クラウド", ["クラウドー", "ｸﾗｳﾄﾞ"]),
        ("plans", ["plan", "PLAN"]),
        ("01-05", ["０１－０５", '"01 05"']),
    ],
)
def test_spellings_of_one_word_find_the_same(index: Index, word: str, others: list[str]) -> None:
    """Width, case, old forms, spaces, middle dots, brackets, a last long vowel, a plural make no difference."""
    found = {*iris(index.find(word, limit=ALL))}

    assert found
    for other in others:
        assert {*iris(index.find(other, limit=ALL))} == found, other


def test_kana_of_the_other_kind_are_tried_where_nothing_holds_the_word(index: Index) -> None:
    """おーぷんでーた is found as オープンデータ, and the answer says so; とする stays what it is."""
    found = index.find("おーぷんでーた", limit=ALL)

    assert found.relaxed == "オープンデータ"
    assert iris(found) == iris(index.find("オープンデータ", limit=ALL))
    assert index.find("とする").relaxed == ""


def test_all_words_must_be_there_and_quotes_hold_one_together(index: Index) -> None:
    """Two words find what has both, however far apart; in quotes they are one."""
    both = {*iris(index.find("防災 整備", limit=ALL))}

    assert both == {*iris(index.find("防災", limit=ALL))} & {*iris(index.find("整備", limit=ALL))}
    assert {*iris(index.find("整備　防災", limit=ALL))} == both
    assert index.find('"防災 整備"').total < len(both)


SYNTAX = (
    "防災*",
    "-防災",
    "^防災",
    "防災 OR",
    "NEAR(防災 農業)",
    "name:防災",
    "{name}: 防災",
    "(防災",
    '"防災',
    "\0防災",
    "防災;--",
)


@pytest.mark.parametrize("words", SYNTAX)
def test_the_syntax_of_the_engine_is_never_reached(index: Index, words: str) -> None:
    """What stands beside a word is another word or nothing: no error, and no hit that does not hold the word."""
    assert {*iris(index.find(words, limit=ALL))} <= {*iris(index.find("防災", limit=ALL))}
    assert index.find('"').total == index.find('""').total == index.find("(").total == index.find("*").total == 0


def test_marks_stand_where_the_words_are(index: Index) -> None:
    """Every hit shows all words, marked in its title or in the snippet; without the marks the title is as it was."""
    for words in ("防災", "オープン データ", "県", "digital government", "ｵｰﾌﾟﾝﾃﾞｰﾀ"):
        found = index.find(words, limit=50)
        assert found.hits
        for hit in found.hits:
            title = "".join(piece.text for piece in hit.title)
            marked = "".join(piece.text for piece in (*hit.title, *hit.snippet) if piece.marked)
            marked = unicodedata.normalize("NFKC", marked).replace("・", "").lower()
            assert title in (hit.label_ja, hit.label_en)
            assert any(part in marked for part in unicodedata.normalize("NFKC", words).split()), (words, hit)


def test_a_page_after_the_other_gives_all_hits_once(index: Index) -> None:
    """Pages of seven, across the border between names and texts, are the whole list in its order."""
    whole = index.find("情報", limit=ALL)
    pages = [index.find("情報", limit=7, offset=start) for start in range(0, whole.total, 7)]

    assert [iri for page in pages for iri in iris(page)] == iris(whole)
    assert {page.total for page in pages} == {whole.total}


def test_each_facet_counts_what_choosing_it_finds(index: Index) -> None:
    """A value's count is the total under it; the counts of its own facet stay when it is chosen."""
    whole = index.find("データ")
    for facet, values in whole.facets.items():
        for value in values:
            narrowed = index.find("データ", filters={facet: [value.value]})
            assert narrowed.total == value.count > 0
            assert [one.count for one in narrowed.facets[facet]] == [one.count for one in values]
            assert [one.value for one in narrowed.facets[facet] if one.chosen] == [value.value]
    assert {*whole.facets} == {"edition", "effect", "lead", "listed", "pillar", "type"}
    two = index.find("データ", filters={"lead": ["mic", f"{ID}organization/meti"], "type": ["measure"]})
    assert 0 < two.total < index.find("データ", filters={"type": ["measure"]}).total
    assert index.find("データ", filters={"lead": ["nobody"]}).total == 0


def test_without_words_everything_is_listed(index: Index, texts: dict[str, list[str]]) -> None:
    """No words are no condition; words without a letter or a digit are one that nothing meets."""
    assert {*iris(index.find(" ", limit=ALL))} == {*texts}
    assert index.find("!?").total == 0


def test_a_search_ends_at_its_deadline(index: Index) -> None:
    """Where there is no time, there is no answer, and no part of one; the next search is answered."""
    with pytest.raises(SearchTimeout):
        index.find("防災", seconds=-1)

    assert index.find("防災").total


def test_threads_do_not_disturb_each_other(index: Index) -> None:
    """Eight threads that ask at once get what one gets."""
    words = ["防災", "農業", "県", "オープンデータ", "digital", "総務省", "おーぷんでーた", "01-05"] * 8
    alone = [index.find(word) for word in words]

    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(index.find, words)] == alone


@pytest.mark.exhaustive
def test_an_index_has_the_same_content_each_time(real: Release, tmp_path: Path) -> None:
    """Whatever order the statements come in, every table has the same rows; the manifest names the format."""
    lines = real.path("graph.nt").read_text(encoding="utf-8").splitlines()
    random.Random(1).shuffle(lines)
    store = Store()
    store.load("\n".join(lines).encode(), format=RdfFormat.N_TRIPLES)
    build(store, tmp_path / "again.sqlite")

    def content(file: Path) -> dict[str, list[tuple[object, ...]]]:
        tables = ("thing", "name", "text", "facet", "value", "has", "word_count", "gram_count", "character", "meta")
        connection = sqlite3.connect(file)
        rows = {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}
        connection.close()
        return rows

    assert content(tmp_path / "again.sqlite") == content(real.search_index())
    assert real.search == "2"
