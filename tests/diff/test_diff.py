"""`kg diff`: what changed between editions, releases and files, in words, and as patches that are exact."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from kg.cli import main

from ..support.pairs import AFTER, BEFORE

ID = "https://w3id.org/shisaku/id/"
PACKED = gzip.compress(b"<http://e/s>" * 99, mtime=0)
ATOM = "{http://www.w3.org/2005/Atom}"
Thing = dict[str, Any]


def diff(out: Path, *arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["diff", "--out", str(out), *map(str, arguments)], catch_exceptions=False)


def things(out: Path, before: str | Path, after: str | Path) -> dict[str, Thing]:
    """The things that changed, by their IRIs below id/."""
    found = json.loads(diff(out, before, after, "--format", "json").stdout)["things"]
    return {thing["iri"].removeprefix(ID): thing for thing in found}


def told(thing: Thing, lang: str) -> list[str]:
    """The sentences about a thing."""
    return [change[lang] for change in thing["changes"]]


@pytest.fixture(scope="module")
def editions(out: Path) -> dict[str, Thing]:
    """What changed from one edition to the next."""
    return things(out, BEFORE, AFTER)


def test_an_official_reads_what_became_of_a_measure(editions: dict[str, Thing]) -> None:
    """A target raised, a deadline postponed, a lead handed over: each is a sentence of its own, and nothing else is."""
    thing = editions[f"{AFTER}/measure/01-01"]

    assert (thing["kind"], thing["number"]) == ("continued", "01-01")
    assert told(thing, "ja") == [
        "主担当府省庁を文部科学省から総務省に変更",
        "関与府省庁を総務省から文部科学省に変更",
        "「電子貸出を行う図書館数」の目標を800館から1,024館に引き上げ",
        "「電子貸出を行う図書館数」の期限を令和2年度から令和4年度に延期",
    ]
    assert told(thing, "en")[2:] == [
        "Target of “電子貸出を行う図書館数” raised from 800 館 to 1,024 館",
        "Deadline of “電子貸出を行う図書館数” postponed from fiscal year 2020 to fiscal year 2022",
    ]


def test_a_lowered_target_and_a_lost_effect(editions: dict[str, Thing]) -> None:
    """Lower is called lower, and what a measure no longer has is told."""
    sentences = told(editions[f"{AFTER}/measure/03-05"], "ja")

    assert "「遠隔診療を行う診療所数」の目標を700箇所から600箇所に引き下げ" in sentences
    assert "期待される効果から住民生活の安全・安心の確保を削除" in sentences
    assert "国の施策番号を03-02から03-05に変更" in sentences


def test_a_measure_that_was_split_and_one_that_was_merged(editions: dict[str, Thing]) -> None:
    """Each part tells of what it is a part, the merged one what it was merged of; both compare their own KPIs."""
    part, merged = editions[f"{AFTER}/measure/02-02"], editions[f"{AFTER}/measure/03-01"]

    assert told(part, "ja")[0] == "「公共施設予約及び図書検索の広域化」を2つに分けたうちの一つ"
    assert "「横断検索に参加する図書館数」の目標を500館から650館に引き上げ" in told(part, "ja")
    assert told(merged, "ja")[0] == "「森林台帳の電子化」「農地台帳の電子化」を統合"
    assert merged["earlier"] == [f"{ID}{BEFORE}/measure/02-02", f"{ID}{BEFORE}/measure/02-03"]
    assert "「電子化した農地台帳の数」の目標を1,200件から1,500件に引き上げ" in told(merged, "ja")


def test_measures_that_are_new_or_gone(editions: dict[str, Thing]) -> None:
    """They are told with lead and KPIs; a number that is given anew makes no continuation."""
    measures = {iri: thing["kind"] for iri, thing in editions.items() if "/measure/" in iri}

    assert {iri for iri, kind in measures.items() if kind == "removed"} == {
        f"{BEFORE}/measure/{number}" for number in ("01-02", "03-01", "04-01", "04-02")
    }
    assert {iri for iri, kind in measures.items() if kind == "added"} == {
        f"{AFTER}/measure/{number}" for number in ("02-04", "04-01", "04-03", "05-01")
    }
    assert told(editions[f"{AFTER}/measure/04-01"], "ja") == [
        "主担当府省庁:農林水産省",
        "KPI:「実証を行う地区数(令和3年度末:60地区)」",
    ]


def test_between_releases_a_new_edition_continues_the_old_one(out: Path) -> None:
    """The old edition stays, so nothing of it is removed, and the new one tells what it changes."""
    found = things(out, "2030.1.0", "2031.1.0")

    assert not [iri for iri in found if iri.startswith(f"{BEFORE}/")]
    assert found[f"{AFTER}/measure/01-01"]["kind"] == "continued"
    assert "「電子貸出を行う図書館数」の目標を800館から1,024館に引き上げ" in told(found[f"{AFTER}/measure/01-01"], "ja")
    assert found["organization/cao"]["kind"] == "added"


def corrected(folder: Path, release: Path) -> Path:
    """The graph of a release with a few statements of one edition changed, as Turtle in another order."""
    text = (release / "graph.nt").read_text(encoding="utf-8")
    skos, measure = "http://www.w3.org/2004/02/skos/core#", f"{ID}{AFTER}/measure/05-01"
    for statement, old, new in (
        (f"<{measure}/kpi/progress-1/target-1> <https://w3id.org/shisaku/def#value>", "5000", "5500"),
        (f"<{measure}> <http://purl.org/dc/terms/title>", "避難所の電源の確保", "避難所の電源確保"),
        (f"<{ID}organization/cao> <{skos}prefLabel>", "Cabinet Office", "The Cabinet Office"),
    ):
        assert text.count(f'{statement} "{old}"') == 1
        text = text.replace(f'{statement} "{old}"', f'{statement} "{new}"')
    file = folder / "corrected.ttl"
    file.write_text("\n".join(reversed(text.splitlines())) + "\n", encoding="utf-8")
    return file


def test_a_correction_within_an_edition(out: Path, pair: Path, tmp_path: Path) -> None:
    """The same IRIs: a title, a number and a name are told as changes, and only they are."""
    found = things(out, "2031.1.0", corrected(tmp_path, pair))

    assert {iri: told(thing, "en") for iri, thing in found.items()} == {
        f"{AFTER}/measure/05-01": [
            "Title changed from “避難所の電源の確保” to “避難所の電源確保”",
            "Target of “電源を備えた避難所数” raised from 5,000 place to 5,500 place",
        ],
        "organization/cao": ["Name (English) changed from “Cabinet Office” to “The Cabinet Office”"],
    }
    assert {thing["kind"] for thing in found.values()} == {"changed"}


def sorted_lines(file: Path) -> bytes:
    """The lines of a file of N-Triples in the order of their bytes."""
    return b"".join(sorted(file.read_bytes().splitlines(keepends=True)))


@pytest.mark.parametrize(("before", "after"), [("2030.1.0", "2031.1.0"), ("2031.1.0", "2030.1.0")])
def test_a_patch_makes_the_one_of_the_other_byte_for_byte(out: Path, tmp_path: Path, before: str, after: str) -> None:
    """By the two commands of the help text, and in both directions, `graph.nt` comes out as it was released."""
    assert diff(out, before, after, "--format", "nt", "--patch", tmp_path / "patch").exit_code == 1
    dump = out / "releases" / before / "graph.nt"
    command = f"(LC_ALL=C comm -23 {dump} patch/removed.nt; cat patch/added.nt) | LC_ALL=C sort"
    made = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True).stdout

    assert made == (out / "releases" / after / "graph.nt").read_bytes()


def test_a_patch_of_files_in_any_format(out: Path, pair: Path, tmp_path: Path) -> None:
    """Turtle in any order and compressed N-Triples are compared as what they state."""
    packed = tmp_path / "old.nt.gz"
    packed.write_bytes(gzip.compress((pair / "graph.nt").read_bytes()))
    new = corrected(tmp_path, pair)
    diff(out, packed, new, "--format", "nt", "--patch", tmp_path / "patch")
    removed, added = (tmp_path / "patch" / name for name in ("removed.nt", "added.nt"))

    assert len(removed.read_text(encoding="utf-8").splitlines()) == 3
    kept = {*(pair / "graph.nt").read_bytes().splitlines()} - {*removed.read_bytes().splitlines()}
    assert kept | {*added.read_bytes().splitlines()} == {*new.read_bytes().splitlines()}


def test_nothing_changed(out: Path, pair: Path) -> None:
    """A release and its own Turtle say the same: exit code 0, and no thing."""
    result = diff(out, "2031.1.0", pair / "graph.ttl", "--format", "json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["things"] == []
    assert json.loads(result.stdout)["triples"] == {"added": 0, "removed": 0}


def test_what_is_not_told_is_counted(out: Path) -> None:
    """Every changed statement belongs to a thing that is told or to a class that is counted; the text says so."""
    result = diff(out, BEFORE, AFTER)

    assert result.exit_code == 1
    assert f"{BEFORE} から {AFTER} への変更" in result.stdout
    assert "原典のセル: 追加177件、削除177件" in result.stdout


def test_a_measure_whose_place_alone_has_moved_is_counted(out: Path, pair: Path, tmp_path: Path) -> None:
    """Offsets are not told in words; the measure is counted, so that no changed statement goes without a trace."""
    start = f"<{ID}{AFTER}/measure/05-01/kpi/progress-1> <https://w3id.org/shisaku/def#start> "
    text = (pair / "graph.nt").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    moved = tmp_path / "moved.nt"
    moved.write_text(text.replace(line, line.replace('"', '"1', 1)), encoding="utf-8")
    found = json.loads(diff(out, "2031.1.0", moved, "--format", "json").stdout)

    assert found["triples"] == {"added": 1, "removed": 1}
    assert found["things"] == []
    assert found["others"] == [{"class": "https://w3id.org/shisaku/def#Measure", "changed": 1}]


def test_a_curators_word_between_releases_is_told(out: Path, pair: Path, tmp_path: Path) -> None:
    """A continuation that is stated later is news of a measure that was there already."""
    statement = f"<{ID}{AFTER}/measure/04-03> <http://www.w3.org/ns/prov#wasRevisionOf> <{ID}{BEFORE}/measure/04-02> ."
    confirmed = tmp_path / "confirmed.nt"
    confirmed.write_text((pair / "graph.nt").read_text(encoding="utf-8") + statement + "\n", encoding="utf-8")
    found = things(out, "2031.1.0", confirmed)

    assert told(found[f"{AFTER}/measure/04-03"], "en") == ["Revision of: 住民窓口の混雑状況の可視化 added"]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_feed_has_an_entry_for_each_thing(out: Path, editions: dict[str, Thing], lang: str) -> None:
    """Atom (RFC 4287): identifiers that stay and differ, the day of the release, a link to each thing and its words."""
    feed = ElementTree.fromstring(diff(out, BEFORE, AFTER, "--format", "atom", "--lang", lang).stdout)
    entries = feed.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]

    assert {element.tag.removeprefix(ATOM) for element in feed} >= {"id", "title", "updated", "author", "entry"}
    assert feed.findtext(f"{ATOM}updated") == "2026-11-23T00:00:00Z"
    assert len(entries) == len(editions) == len({*ids})
    links = [entry.find(f"{ATOM}link").get("href") for entry in entries]  # type: ignore[union-attr]
    assert [link.removeprefix(ID) for link in links if link] == list(editions)
    assert entries[0].findtext(f"{ATOM}content") == "\n".join(told(next(iter(editions.values())), lang))
    own = {link.get("rel"): link.get("href") or "" for link in feed.findall(f"{ATOM}link")}
    assert own["self"] == f"{feed.findtext(f'{ATOM}id')}&format=atom&lang={lang}"
    assert own["alternate"].startswith("https://w3id.org/shisaku/changes?")


def test_a_feed_about_files_needs_a_day(out: Path, pair: Path, tmp_path: Path) -> None:
    """A file tells no day: the error says which option gives it, and with it the feed is made."""
    new = corrected(tmp_path, pair)
    refused = diff(out, "2031.1.0", new, "--format", "atom")
    made = diff(out, "2031.1.0", new, "--format", "atom", "--issued", "2032-04-01")

    assert refused.exit_code == 1
    assert "--issued" in refused.stderr
    assert ElementTree.fromstring(made.stdout).findtext(f"{ATOM}updated") == "2032-04-01T00:00:00Z"


def test_a_page_shows_hostile_data_as_text(out: Path, tmp_path: Path) -> None:
    """Markup in a name is text, and an address that would run a script is no link."""
    one, other = tmp_path / "one.nt", tmp_path / "other.nt"
    one.write_text("", encoding="utf-8")
    label = "<http://www.w3.org/2004/02/skos/core#prefLabel>"
    other.write_text(f'<javascript:alert(1)> {label} "<script>alert(1)</script>"@ja .\n', encoding="utf-8")
    page = diff(out, one, other, "--format", "html").stdout

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "href" not in page


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("blank.ttl", b'[] <http://e/p> "x" .', "blank nodes"),
        ("wrong.ttl", b"<http://e/s> <http://e/p> .\n", r"wrong.ttl:1: invalid Turtle"),
        ("table.csv", b"a,b\n", "unknown file extension “.csv”"),
        ("cut.nt.gz", PACKED[:20], "cannot be read"),
        ("damaged.nt.gz", PACKED[:12] + bytes(len(PACKED) - 12), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_compared(out: Path, tmp_path: Path, name: str, content: bytes, fact: str) -> None:
    """What is wrong is told with the file, and nothing is compared."""
    file = tmp_path / name
    file.write_bytes(content)
    result = diff(out, file, "2031.1.0")

    assert result.exit_code == 1
    assert fact in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("name", ["1999.1.0", "municipal-1999", f"2030.1.0/{AFTER}"])
def test_an_argument_that_means_nothing_names_what_there_is(out: Path, name: str) -> None:
    """Neither a version, nor an edition, nor a file: the error lists what could have been meant."""
    result = diff(out, name, "2031.1.0")

    assert result.exit_code == 1
    assert (BEFORE if "/" in name else "2030.1.0, 2031.1.0") in result.stderr


def test_an_edition_of_a_release_is_named_by_both(out: Path) -> None:
    """VERSION/KEY is the part of one release that one edition speaks of."""
    assert things(out, f"2030.1.0/{BEFORE}", f"2031.1.0/{BEFORE}") == {}


@pytest.fixture
def dumps(tmp_path: Path) -> Callable[[int], tuple[Path, Path]]:
    """Make two unsorted dumps of so many statements that differ in one."""

    def make(count: int) -> tuple[Path, Path]:
        files = tmp_path / f"old-{count}.nt", tmp_path / f"new-{count}.nt"
        for file, value in zip(files, ("old", "new"), strict=True):
            with file.open("w", encoding="utf-8") as lines:
                for number in range(count):
                    lines.write(f'<http://e/{number * 7919 % count}> <http://e/p> "{"x" * 80} {number % 10}" .\n')
                lines.write(f'<http://e/0> <http://e/q> "{value}" .\n')
        return files

    return make


@pytest.mark.exhaustive
def test_the_memory_does_not_grow_with_the_dumps(dumps: Callable[[int], tuple[Path, Path]], tmp_path: Path) -> None:
    """Three times the statements, beyond what is sorted at once, take at most a fifth more memory at the peak."""
    peaks = []
    for count in (300_000, 900_000):
        old, new = dumps(count)
        program = (
            "import resource, sys; from kg.cli import main\n"
            f"main(['diff', {str(old)!r}, {str(new)!r}], standalone_mode=False)\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        )
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert "トリプル:追加1件、削除1件" in result.stdout
        peaks.append(int(result.stderr.split()[-1]))

    assert peaks[1] < 1.2 * peaks[0]
