"""A name means the thing of the newest edition: earlier ones are told beside it and disturb no match."""

import csv
import io
import json
from pathlib import Path

import httpx
import pytest

from kg.core.paths import project_folders
from kg.core.release import find_release
from kg.server.app import app

from ...support.commands import kg
from ...support.pairs import AFTER, BEFORE
from ...web.editions.test_newest import Start

ID = "https://w3id.org/shisaku/id/"
SAME = "図書館の電子貸出の推進"
MERGED, INTO = "農地台帳の電子化", "森林台帳及び農地台帳の電子化"
GONE, SPLIT = "河川水位の遠隔監視", "公共施設予約及び図書検索の広域化"


def linked(out: Path, text: str, *options: str | Path) -> dict[str, str]:
    """What `kg link` adds to a row with a text."""
    arguments = ("link", "-", "--column", "1", "--prefix", "", "--releases", out, *options)
    result = kg(*arguments, input=f"name\n{text}\n".encode())
    assert result.exit_code == 0, result.output
    return next(csv.DictReader(io.StringIO(result.stdout)))


@pytest.fixture(scope="module")
def measures(pair: Path) -> dict[tuple[str, str], str]:
    """The measures of both editions, by edition and title."""
    with (pair / "measures.csv").open(encoding="utf-8", newline="") as file:
        return {(row["edition"], row["title_ja"]): row["iri"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(("lang", "also"), [("ja", f"{BEFORE}にもある"), ("en", f"also in {BEFORE}")])
def test_a_title_of_both_editions_means_the_newest(
    out: Path, measures: dict[tuple[str, str], str], lang: str, also: str
) -> None:
    """It is as sure a match as with one edition, and the reason says where else it is."""
    row = linked(out, SAME, "--lang", lang)
    assert (row["iri"], row["score"], row["match"]) == (measures[AFTER, SAME], "100.0", "true")
    assert row["reason"].endswith(also)


def test_an_edition_that_is_asked_for_is_answered(out: Path, measures: dict[tuple[str, str], str]) -> None:
    """--edition looks in that one alone."""
    row = linked(out, SAME, "--edition", BEFORE)
    assert (row["iri"], row["match"]) == (measures[BEFORE, SAME], "true") and AFTER not in row["reason"]


def test_a_measure_is_known_by_its_former_name(out: Path, measures: dict[tuple[str, str], str]) -> None:
    """The name of an earlier edition leads to the measure that has taken its place."""
    row = linked(out, "遠隔診療の普及", "--lang", "en")
    assert row["iri"] == measures[AFTER, "遠隔診療の普及"] and row["match"] == "true"
    row = linked(out, MERGED, "--lang", "en")
    assert row["iri"] == measures[AFTER, INTO] and row["match"] == "true"
    assert f"called “{MERGED}” in an earlier edition" in row["reason"] and row["reason"].endswith(f"in {BEFORE}")


@pytest.mark.parametrize("title", [GONE, SPLIT])
def test_what_no_measure_alone_continues_is_still_found(
    out: Path, measures: dict[tuple[str, str], str], title: str
) -> None:
    """It is told to be of an earlier edition."""
    row = linked(out, title, "--lang", "en")
    assert (row["iri"], row["match"]) == (measures[BEFORE, title], "true")
    assert row["reason"].endswith(f"in {BEFORE}, not in the newest edition")


def test_a_number_is_that_of_the_newest_edition(out: Path, pair: Path) -> None:
    """Numbers move from edition to edition: the newest that has one is meant, and not said to be in another."""
    with (pair / "measures.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["number"]]
    newest = {row["number"]: row["iri"] for row in rows if row["edition"] == AFTER}
    both = [row["number"] for row in rows if row["edition"] == BEFORE and row["number"] in newest]
    for number in both[:3]:
        row = linked(out, number)
        assert (row["iri"], row["match"]) == (newest[number], "true"), number


def test_a_paragraph_resembles_each_measure_once(out: Path) -> None:
    """Of the proposals for a paragraph, none is there for two editions."""
    row = linked(out, f"{SAME}と{GONE}を進める", "--type", "text", "--candidates", "5", "--min-score", "0")
    labels = [value for name, value in row.items() if name.startswith("label") and value]
    assert len(labels) == len(set(labels)) > 1


@pytest.mark.parametrize(
    ("lang", "also"), [("ja", f"{AFTER}({BEFORE}にもある)"), ("en", f"{AFTER} (also in {BEFORE})")]
)
def test_reconciliation_means_the_newest(
    out: Path, pair: Path, start: Start, measures: dict[tuple[str, str], str], lang: str, also: str
) -> None:
    """A match with the whole score, whose description says the editions; the service of an edition knows its own."""
    with start(app(find_release(out, pair.name), project_folders().queries, out)) as site:
        found = _reconciled(site, f"/reconcile?lang={lang}")
        best = found[0]
        assert (ID + str(best["id"]), best["score"], best["match"]) == (measures[AFTER, SAME], 100, True)
        assert str(best["description"]).endswith(also)
        assert measures[BEFORE, SAME] not in [ID + str(one["id"]) for one in found]
        only = _reconciled(site, f"/reconcile/{BEFORE}?lang={lang}")[0]
        assert (ID + str(only["id"]), only["match"]) == (measures[BEFORE, SAME], True)


def _reconciled(site: httpx.Client, address: str) -> list[dict[str, object]]:
    """The candidates for a title."""
    batch = {"q": {"query": SAME, "type": "Measure"}}
    result: list[dict[str, object]] = site.post(address, data={"queries": json.dumps(batch)}).json()["q"]["result"]
    return result


def test_properties_alone_find_the_newest(out: Path, pair: Path, start: Start) -> None:
    """What is looked for without a name is found once: what another measure has taken the place of is left out."""
    clue = {"pid": "shisaku:leadOrganization", "v": "総務省"}
    batch = {"q": {"query": "", "type": "Measure", "properties": [clue], "limit": 50}}
    with start(app(find_release(out, pair.name), project_folders().queries, out)) as site:
        found = site.post("/reconcile", data={"queries": json.dumps(batch)}).json()["q"]["result"]
    ids = {one["id"] for one in found}
    assert f"{AFTER}/measure/01-01" in ids and f"{BEFORE}/measure/01-01" not in ids
