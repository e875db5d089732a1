"""Which thing a name means: matched where it is sure, a candidate where it is not, with the reasons of the score."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pyoxigraph import RdfFormat, Store

from kg.core.release import Release
from kg.search import Candidate, Index, Matcher, build

ID = "https://w3id.org/shisaku/id/"
MEASURE = f"{ID}municipal-2019/measure/"
EDITION = f"{ID}edition/municipal-2019"


@pytest.fixture(scope="module")
def matcher(real: Release) -> Iterator[Matcher]:
    """A matcher of the real release."""
    index = Index.open(real.search_index())
    yield Matcher(index)
    index.close()


@pytest.fixture(scope="module")
def sample() -> ModuleType:
    """The labelled sample."""
    spec = importlib.util.spec_from_file_location("sample", Path(__file__).with_name("sample.py"))
    module = sys.modules["sample"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def matched(candidates: list[Candidate]) -> str:
    """The thing that is surely meant; empty where none is."""
    return next((candidate.iri for candidate in candidates if candidate.match), "")


@pytest.mark.parametrize(
    ("name", "type", "thing"),
    [
        ("経産省", None, "organization/meti"),
        ("METI", None, "organization/meti"),
        ("ＭＩＣ", None, "organization/mic"),
        ("總務省", None, "organization/mic"),
        ("ministry of internal affairs and communications", None, "organization/mic"),
        ("2000012020001", None, "organization/mic"),
        ("01-05", "measure", "municipal-2019/measure/01-05"),
        ("１－５", None, "municipal-2019/measure/01-05"),
        ("施策番号 01-05", None, "municipal-2019/measure/01-05"),
        ("農業關係情報のオ－プンデ－タ化の推進", "measure", "municipal-2019/measure/02-14"),
        ("農業関係情報オープンデータ化の推進", "measure", "municipal-2019/measure/02-14"),
        ("農業関係情報の\nオープン データ化の推進(再掲)", "measure", "municipal-2019/measure/02-14"),
        ("農業関係情報のオープンデ一タ化の推准", "measure", "municipal-2019/measure/02-14"),
        ("02-14 農業関係情報のオープンデータ化", "measure", "municipal-2019/measure/02-14"),
        ("官民データ活用推進基本法(平成28年法律第103号)", "law", "law/kanmin-data"),
        ("平成28年法律第103号", "law", "law/kanmin-data"),
        ("サービス設計12ヶ条", "named-entity", "entity/service-design-articles"),
        ("デジタルガバメント実行計画", "named-entity", "entity/digital-government-action-plan"),
        ("おきなわけん", None, ""),
        ("沖縄県", "administrative-area", "place/okinawa"),
    ],
)
def test_a_name_in_other_spelling_means_its_thing(matcher: Matcher, name: str, type: str | None, thing: str) -> None:
    """Abbreviations, width, old forms, particles, remarks, wraps, look-alikes, numbers and English names are known."""
    assert matched(matcher.candidates(name, type=type)).removeprefix(ID) == thing


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("林業関係情報のオープンデータ化の推進", "measure"),
        ("鹿児島県における超高速ブロードバンド環境整備促進事業", "measure"),
        ("02-15 農業関係情報のオープンデータ化", "law"),
        ("01-05 農業関係情報のオープンデータ化の推進", "measure"),
        ("復興庁", "formal-organization"),
        ("サービス設計13箇条", "named-entity"),
        ("の", None),
        ("", None),
        ("!?", None),
        ("あ" * 10_000, None),
    ],
)
def test_what_is_only_like_a_name_is_not_matched(matcher: Matcher, name: str, type: str | None) -> None:
    """Another word, another number, a number that contradicts, or nothing at all: no match is claimed."""
    assert matched(matcher.candidates(name, type=type)) == ""


def test_a_score_is_the_sum_of_its_parts(matcher: Matcher) -> None:
    """100 times value times weight over all parts; weights sum to 1; each part says why in both languages."""
    for name in (
        "農業情報のオープンデータ推進",
        "01-05",
        "防災拠点へのWi-Fi整備(新規)",
        "01-05 政府調達",
        "Digital Agency",
    ):
        candidates = matcher.candidates(name)
        assert candidates
        for one in candidates:
            assert one.score == pytest.approx(100 * sum(part.value * part.weight for part in one.parts), abs=0.051)
            assert sum(part.weight for part in one.parts) == pytest.approx(1)
            assert all(0 <= part.value <= 1 and part.reason_ja and part.reason_en for part in one.parts)
        scores = [one.score for one in candidates]
        assert scores == sorted(scores, reverse=True)
        assert 0 <= scores[-1] <= scores[0] <= 100


def test_types_and_editions_narrow(matcher: Matcher) -> None:
    """A type goes by its IRI or its last part; what is in no edition is in each; in another there is no measure."""
    whole = "https://w3id.org/shisaku/def#Measure"

    assert matcher.candidates("オープンデータ", type=whole) == matcher.candidates("オープンデータ", type="measure")
    assert {whole} == {type for one in matcher.candidates("推進", type="measure", limit=50) for type in one.types}
    assert matched(matcher.candidates("総務省", edition=EDITION)) == f"{ID}organization/mic"
    assert matched(matcher.candidates("テレワーク環境整備の推進", edition=EDITION)) == f"{MEASURE}10-11"
    assert matched(matcher.candidates("総務省", edition=f"{ID}edition/none")) == f"{ID}organization/mic"
    assert f"{MEASURE}10-11" not in [one.iri for one in matcher.candidates("テレワーク", edition=f"{ID}edition/none")]
    assert matcher.candidates("総務省", type="no-such-type") == []


def test_two_things_of_one_name_are_none(tmp_path: Path) -> None:
    """Where a name means two things, both are candidates with a full score, and neither is matched."""
    store = Store()
    store.load(
        b"""@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix ex: <http://example.org/> .
        ex:one a ex:Town ; skos:prefLabel "\xe5\xba\x9c\xe4\xb8\xad\xe5\xb8\x82"@ja .
        ex:two a ex:Town ; skos:prefLabel "\xe5\xba\x9c\xe4\xb8\xad\xe5\xb8\x82"@ja .""",
        format=RdfFormat.TURTLE,
    )
    build(store, tmp_path / "index.sqlite")
    index = Index.open(tmp_path / "index.sqlite")
    candidates = Matcher(index).candidates("府中市", type="http://example.org/Town")
    index.close()

    assert [(one.score, one.match) for one in candidates] == [(100, False), (100, False)]


def test_the_labelled_phrasings_hold(matcher: Matcher, sample: ModuleType) -> None:
    """Of the names written by hand none is matched wrongly, and three of four that mean something are matched."""
    cases = [*sample.phrasings()]
    found = [(case, matched(matcher.candidates(case.text, type=case.type))) for case in cases]
    meant = [(case, match) for case, match in found if case.means]

    assert [case.text for case, match in found if match and match != case.means] == []
    assert len(cases) > 200 and len(meant) > 100
    assert sum(match == case.means for case, match in meant) >= 0.75 * len(meant)


def test_a_paragraph_resembles_measures_by_words_that_it_holds(matcher: Matcher) -> None:
    """The measure on Wi-Fi comes first for a plan's sentence on it; the words that carried the score stand in both."""
    text = "災害時に避難所となる学校や公民館に公衆無線LAN(Wi-Fi)を整備し、観光客や住民が情報を得られるようにする。"
    found = matcher.resembles(text)

    assert found[0].iri == f"{MEASURE}06-11"
    assert found[0].score > 1.5 * found[1].score
    assert "避難所" in found[0].words
    assert all(word in text.lower().replace("-", "") or word in text.lower() for one in found for word in one.words)
    assert all(one.score == pytest.approx(100 * sum(p.value * p.weight for p in one.parts), abs=0.051) for one in found)
    assert matcher.resembles("のをにへと") == matcher.resembles("") == []
