"""Eras are the curator's table: they read the years of documents, name the periods, and are things themselves."""

import csv
import datetime
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import rdflib
from rdflib import RDFS, SDO, SKOS, TIME, Literal

from ..support.cases import sampled
from ..support.curation import CHECKOUT, kg, table
from ..support.recipes import DOCUMENT, seal, short_recipe

Edit = Callable[[str, str, str], None]
THINGS = rdflib.Namespace("https://w3id.org/shisaku/id/")
LAW_NUMBER = rdflib.URIRef("https://w3id.org/shisaku/def#lawNumber")
SCHEMA = rdflib.Namespace(str(SDO).replace("https:", "http:"))
# The first days of the Japanese calendar in Unicode CLDR 48.2.0 (calendarData), from which nothing here is made.
CLDR = {
    "meiji": "1868-10-23",
    "taisho": "1912-07-30",
    "showa": "1926-12-25",
    "heisei": "1989-01-08",
    "reiwa": "2019-05-01",
}


@pytest.fixture(scope="module")
def graph(release: Path) -> rdflib.Graph:
    """The graph of the release."""
    return rdflib.Graph().parse(release / "graph.ttl")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A copy of the recipe with a short document, and the lines whose words are changed here."""
    return short_recipe(tmp_path / "build", "令和10年度末までに5割", "平成24年度比で3倍", "電気事業法(昭和39年")


@pytest.fixture
def draft(recipe: Path, edit: Edit) -> Callable[[dict[str, str]], Path]:
    """Builds the changed recipe, where the document has other words, and gives the folder of tables and graph."""

    def make(words: dict[str, str]) -> Path:
        for old, new in words.items():
            edit(str(DOCUMENT), old, new)
        seal(recipe)
        result = kg("build", "--draft", "--recipe", recipe, "--out", recipe.parent / "out")
        assert result.exit_code == 0, result.output
        return recipe.parent / "out" / "draft"

    return make


def rows() -> list[dict[str, str]]:
    """The rows of the curator's table."""
    with (CHECKOUT / "build" / "eras.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def eras_of(graph: rdflib.Graph, period: str) -> dict[str, str]:
    """How a period lies to eras: the key of the era by the local name of the property."""
    eras = str(THINGS["era/"])
    said = ((str(p), str(era)) for p, era in graph.predicate_objects(THINGS[period]) if str(era).startswith(eras))
    return {relation.removeprefix(str(TIME)): era.removeprefix(eras) for relation, era in said}


def days(graph: rdflib.Graph, interval: rdflib.term.Node) -> set[datetime.date]:
    """Every day of an interval; one that has not ended goes on for longer than any period of the release."""
    first, last = (graph.value(interval, SCHEMA[name]) for name in ("startDate", "endDate"))
    ends = last.toPython() if last else datetime.date(2100, 1, 1)
    return {first.toPython() + datetime.timedelta(days=n) for n in range((ends - first.toPython()).days + 1)}


def names(graph: rdflib.Graph, period: str) -> set[str]:
    """The Japanese names of a period, the first one in front of the others."""
    labels = (*graph.objects(THINGS[period], RDFS.label), *graph.objects(THINGS[period], SKOS.altLabel))
    return {str(label) for label in labels if label.language == "ja"}


def test_the_days_are_those_of_another_source() -> None:
    """Each era begins on the day, or in the year, that CLDR has; the one before ends on that day or the one before."""
    eras = rows()

    assert [row["key"] for row in eras] == list(CLDR)
    assert all(row["first_day"] == CLDR[row["key"]][: len(row["first_day"])] for row in eras)
    for era, later in pairwise(eras):
        last, next_first = map(datetime.date.fromisoformat, (era["last_day"], later["first_day"]))
        assert next_first - last in (datetime.timedelta(0), datetime.timedelta(days=1))
    assert eras[-1]["last_day"] == ""


def test_an_era_is_a_thing_with_its_days(graph: rdflib.Graph) -> None:
    """Heisei has both days and two names; Reiwa has not ended; eras that no period touches are left out."""
    heisei, reiwa = THINGS["era/heisei"], THINGS["era/reiwa"]

    assert {era for era in graph.subjects(RDFS.label) if "/era/" in era} == {heisei, reiwa}
    assert set(graph.objects(heisei, RDFS.label)) == {Literal("平成", "ja"), Literal("Heisei", "en")}
    assert str(graph.value(heisei, SCHEMA.endDate)) == "2019-04-30"
    assert graph.value(heisei, TIME.hasEnd) == THINGS["instant/2019-04-30"]
    assert graph.value(reiwa, TIME.hasBeginning) == THINGS["instant/2019-05-01"]
    assert (reiwa, SCHEMA.endDate, None) not in graph
    assert (reiwa, TIME.hasEnd, None) not in graph


def test_a_fiscal_year_in_which_the_era_changed_lies_in_neither(graph: rdflib.Graph) -> None:
    """FY2019 reaches from Heisei into Reiwa; the year after lies in Reiwa, the year before in Heisei."""
    assert eras_of(graph, "fiscal-year/2019") == {"intervalOverlappedBy": "heisei", "intervalOverlaps": "reiwa"}
    assert eras_of(graph, "fiscal-year/2020") == {"intervalDuring": "reiwa"}
    assert eras_of(graph, "fiscal-year/2018") == {"intervalDuring": "heisei"}


def test_every_period_says_how_it_lies_to_every_era_that_it_touches(graph: rdflib.Graph) -> None:
    """Counted day by day: the relation of a period to an era is what the days they share make it, for each pair."""
    intervals = {str(thing).removeprefix(str(THINGS)): days(graph, thing) for thing in graph.subjects(SCHEMA.startDate)}
    eras = {name.removeprefix("era/"): covered for name, covered in intervals.items() if name.startswith("era/")}
    # how a period without an end lies to an era that lasts, nobody knows
    periods = {name: days for name, days in intervals.items() if not name.startswith("era/") and name[-3:] != "-on"}

    assert len(periods) > 10
    for period, covered in periods.items():
        expected = {}
        for era, reign in eras.items():
            if covered < reign and not {min(reign), max(reign)} & covered:
                expected["intervalDuring"] = era
            elif covered & reign and min(covered) < min(reign) and max(covered) < max(reign):
                expected["intervalOverlaps"] = era
            elif covered & reign and min(covered) > min(reign) and max(covered) > max(reign):
                expected["intervalOverlappedBy"] = era
        assert expected
        assert eras_of(graph, period) == expected, period


def test_a_new_era_is_a_row_of_the_table(edit: Edit, draft: Callable[[dict[str, str]], Path]) -> None:
    """Once the curator has entered it, its years are read, periods are named by it, and the era before has ended."""
    edit("eras.csv", "2019-05-01,\n", "2019-05-01,2026-12-31\nmirai,未来,Mirai,X,2027-01-01,\n")
    folder = draft({"令和10年度末までに5割": "未来2年度末までに5割"})
    graph = rdflib.Graph().parse(folder / "graph.ttl")
    target = next(row for row in table(folder, "targets") if "未来" in row["text"])

    assert (target["value"], target["period"]) == ("50", "FY2028")
    assert eras_of(graph, "fiscal-year/2028") == {"intervalDuring": "mirai"}
    assert names(graph, "fiscal-year/2028") == {"未来2年度", "2028年度"}
    assert str(graph.value(THINGS["era/reiwa"], SCHEMA.endDate)) == "2026-12-31"


def test_an_era_that_begins_or_ends_with_a_fiscal_year(edit: Edit, draft: Callable[[dict[str, str]], Path]) -> None:
    """A year that begins on the first day of an era starts it, one that ends on the last day finishes it."""
    edit("eras.csv", "2019-04-30", "2019-03-31")
    edit("eras.csv", "2019-05-01", "2019-04-01")
    graph = rdflib.Graph().parse(draft({}) / "graph.ttl")

    assert eras_of(graph, "fiscal-year/2018") == {"intervalFinishes": "heisei"}
    assert eras_of(graph, "fiscal-year/2019") == {"intervalStarts": "reiwa"}
    assert names(graph, "fiscal-year/2019") == {"令和元年度", "2019年度"}


def test_an_era_whose_first_day_is_disputed_is_read_and_not_published(draft: Callable[[dict[str, str]], Path]) -> None:
    """明治45年度 is FY1912, which reaches into Taisho; of Meiji, with its unsettled day, the graph says nothing."""
    folder = draft({"平成24年度比で3倍": "明治45年度比で3倍"})
    graph = rdflib.Graph().parse(folder / "graph.ttl")

    assert "FY1912" in {row["baseline_period"] for row in table(folder, "targets")}
    assert eras_of(graph, "fiscal-year/1912") == {"intervalOverlaps": "taisho"}
    assert names(graph, "fiscal-year/1912") == {"大正元年度", "1912年度"}
    assert (THINGS["era/meiji"], None, None) not in graph


def test_a_calendar_year_in_which_the_era_changed_has_both_names(draft: Callable[[dict[str, str]], Path]) -> None:
    """昭和64年 is CY1989, which is 平成元年, too: one period that reaches from Showa, for seven days, into Heisei."""
    graph = rdflib.Graph().parse(draft({"平成24年度比で3倍": "昭和64年比で3倍"}) / "graph.ttl")

    assert names(graph, "calendar-year/1989") == {"平成元年", "昭和64年", "1989年"}
    assert eras_of(graph, "calendar-year/1989") == {"intervalOverlappedBy": "showa", "intervalOverlaps": "heisei"}


def test_the_letter_of_an_era_and_a_law_of_its_years_are_read(draft: Callable[[dict[str, str]], Path]) -> None:
    """H24年度 is 平成24年度, and a law of Meiji is known by its number."""
    folder = draft({"平成24年度比で3倍": "H24年度比で3倍", "電気事業法(昭和39年": "民法(明治29年"})
    graph = rdflib.Graph().parse(folder / "graph.ttl")

    assert "FY2012" in {row["baseline_period"] for row in table(folder, "targets")}
    assert Literal("明治29年法律第170号", "ja") in set(graph.objects(None, LAW_NUMBER))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    sampled([
        ("1989-01-08", "1989-02-30", "eras.csv:5: first_day is '1989-02-30'; it must be a day"),
        ("1989-01-07", "1989-01-09", "eras.csv:4: showa has not ended when heisei begins"),
        ("2019-04-30", "", "eras.csv:5: heisei has not ended when reiwa begins"),
        ("2019-04-30", "1988-04-30", "eras.csv:5: heisei ends before it begins"),
        ("S,1926", "H,1926", "eras.csv:5: letter 'H' stands already in line 4"),
    ], 3),
)  # fmt: skip
def test_days_that_cannot_be_are_told(recipe: Path, edit: Edit, old: str, new: str, message: str) -> None:
    """A day that is none, eras that cross, and a letter of two eras are told with file, line and remedy."""
    edit("eras.csv", old, new)
    result = kg("check", "--recipe", recipe)

    assert result.exit_code == 1
    assert message in result.stderr
    assert "1 problem(s) found" in result.stderr


def test_a_table_without_eras_is_told(recipe: Path) -> None:
    """No document could be read without any era; the table says so itself."""
    header = (recipe / "eras.csv").read_text(encoding="utf-8").splitlines()[0]
    (recipe / "eras.csv").write_text(header + "\n", encoding="utf-8")
    result = kg("check", "--recipe", recipe)

    assert result.exit_code == 1
    assert "eras.csv: holds no era" in result.stderr
