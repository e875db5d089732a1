"""The real document of 2019 against a reading by hand, and every cell against its place."""

import csv
import re
from pathlib import Path

import pyoxigraph
import pytest

from ..support.curation import CHECKOUT, table

GOLD = CHECKOUT / "tests" / "extract" / "gold" / "municipal-2019"
SHISAKU = "https://w3id.org/shisaku/def#"


def gold(name: str) -> list[dict[str, str]]:
    """The reading by hand, made without the program, of what is printed."""
    with (GOLD / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def store(release: Path) -> pyoxigraph.Store:
    """The graph of the release."""
    store = pyoxigraph.Store()
    store.load(path=str(release / "graph.ttl"), format=pyoxigraph.RdfFormat.TURTLE)
    return store


def rows(store: pyoxigraph.Store, where: str) -> list[tuple[str, ...]]:
    """The solutions of a graph pattern, as plain values, in the order of the variables ?a ?b ?c …"""
    names = sorted(set(re.findall(r"\?([a-f])\b", where)))
    prefixes = f"PREFIX shisaku: <{SHISAKU}> PREFIX schema: <http://schema.org/>"
    prefixes += " PREFIX dcterms: <http://purl.org/dc/terms/>"
    solutions = store.query(f"{prefixes} SELECT {' '.join('?' + name for name in names)} WHERE {{ {where} }}")
    return [tuple(solution[name].value for name in names) for solution in solutions]


@pytest.mark.parametrize("name", ["measures", "kpis", "targets"])
def test_every_field_is_read_as_by_hand(release: Path, name: str) -> None:
    """Each field of measures, KPIs and targets is what a person read in the document, corrections applied."""
    entries = [row for row in table(release, "corrections") if row["action"] == "replace"]
    replaced = [(row["printed"], row["corrected"]) for row in entries]
    expected = gold(name)
    for row in expected:
        for printed, corrected in replaced:
            row.update({field: value.replace(printed, corrected) for field, value in row.items()})
    found = [{field: row[field] for field in expected[0]} for row in table(release, name)]
    if name == "targets":  # the words of a target may be given with more of the sentence around them
        for row, by_hand in zip(found, expected, strict=True):
            assert by_hand["text"] in row["text"], row
            row["text"] = by_hand["text"]

    assert found == expected


def test_every_cell_is_kept_verbatim_with_its_place(store: pyoxigraph.Store, document: str) -> None:
    """For every cell of every line, `document[start:end]` is the printed text, on the line and place stated."""
    lines = document.split("\n")
    cells = rows(
        store,
        "?f shisaku:cell ?e ; shisaku:line ?d . ?e shisaku:printedText ?a ; shisaku:start ?b ; shisaku:end ?c",
    )
    positions = dict(rows(store, "?a shisaku:position ?b"))

    for printed, start, end, line, cell, _ in cells:
        assert document[int(start) : int(end)] == printed
        assert lines[int(line) - 1].split("\t")[int(positions[cell]) - 1] == printed
    assert len(cells) == sum(line.count("\t") + 1 for line in lines if line.strip())


def test_kpis_and_targets_name_the_characters_they_were_read_from(store: pyoxigraph.Store, document: str) -> None:
    """The offsets of each KPI and target delimit its printed words in the document."""
    parts = rows(store, "?f a shisaku:Target ; shisaku:printedText ?a ; shisaku:start ?b ; shisaku:end ?c")
    parts += rows(store, "?f a shisaku:Kpi ; dcterms:description ?a ; shisaku:start ?b ; shisaku:end ?c")

    assert len(parts) == len(gold("kpis")) + len(gold("targets"))
    for words, start, end, _ in parts:
        assert "".join(document[int(start) : int(end)].split()) == "".join(words.split())


def test_an_uncertain_mark_is_never_an_effect(store: pyoxigraph.Store, release: Path) -> None:
    """A mark whose column the source no longer tells is a thing of its own; such a measure has no expected effect."""
    uncertain = {row["iri"] for row in table(release, "measures") if row["effects_uncertain"] == "true"}

    assert {iri for (iri, _) in rows(store, "?a shisaku:uncertainEffect ?b")} == uncertain
    assert not uncertain & {iri for (iri, _) in rows(store, "?a shisaku:expectedEffect ?b")}
    assert len(uncertain) == 8


def test_a_deadline_is_one_hop_away(store: pyoxigraph.Store) -> None:
    """Every period of a target carries its last day, unless it goes on; a fiscal year ends on 31 March of the next."""
    ends = dict(rows(store, "?a schema:endDate ?b"))

    without = {period for (_, period) in rows(store, "?a shisaku:period ?b")} - ends.keys()
    assert {period.rpartition("/")[2] for period in without} == {"2020-on", "2021-on"}, "令和2年度以降, 令和3年度以降"
    assert ends["https://w3id.org/shisaku/id/fiscal-year/2019"] == "2020-03-31"
    assert ends["https://w3id.org/shisaku/id/month/2020-11"] == "2020-11-30"


def test_no_text_keeps_markup(store: pyoxigraph.Store) -> None:
    """Overviews, supports, titles and KPI texts hold no HTML element and no character reference."""
    for predicate in ("shisaku:overview", "shisaku:municipalSupport", "dcterms:title", "dcterms:description"):
        for _, text in rows(store, f"?a {predicate} ?b"):
            assert not re.search(r"</?(?:ul|li|p|br|div|a|span)\b|&(?:lt|gt|amp);", text), text


def test_every_title_has_an_english_translation(release: Path) -> None:
    """All 82 measures have an English title of their own, without Japanese characters."""
    titles = [row["title_en"] for row in table(release, "measures")]

    assert len(set(titles)) == 82
    assert not [title for title in titles if not title or re.search(r"[ぁ-んァ-ヴ一-龯]", title)]


def test_misreadings_are_corrected_and_doubts_are_reported(release: Path, store: pyoxigraph.Store) -> None:
    """No Cyrillic letter or foreign character is left in a text; a doubtful reading stays as printed, as an issue."""
    texts = [text for _, text in rows(store, "?a shisaku:overview|shisaku:municipalSupport ?b")]
    flagged = {row["id"] for row in table(release, "corrections") if row["action"] == "flag"}
    doubts = [row for row in table(release, "issues") if row["type"] == "text-doubtful"]

    assert not [text for text in texts if re.search("[Ѐ-ӿ发經]", text)]
    assert len(doubts) == len(flagged) > 0
    assert all(row["line"] and row["page"] and row["text"] for row in doubts)
