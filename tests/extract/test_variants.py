"""Documents that nobody has seen: the tables must say what their makers meant."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from documents import Style, document, effects_by_rule
from losses import losses
from mutations import CHANGES, mutated, thinned
from mutations import real as taken_apart
from phrases import CLAUSES
from pyoxigraph import RdfFormat, parse
from reading import differences, report

from kg.builder.document_reader import Tables

from ..support.cases import sampled

Read = Callable[..., Tables]


def test_the_generators_are_right_about_the_real_document(real: str) -> None:
    """Taking the real document apart and printing it again changes nothing, and the rule of effects gives the gold."""
    whole = taken_apart(real)
    text, answers = whole.printed()
    assert text == real
    rows = [row for page in whole.pages for row in page.rows]
    assert len(rows) == 82
    for (cells, gold), answer in zip(rows, answers, strict=True):
        assert (gold["page"], gold["line"]) == (answer["page"], answer["line"])
        assert effects_by_rule(cells) == (gold["effects"], gold["effects_uncertain"]), gold["row"]


def test_a_seed_names_a_document_for_ever() -> None:
    """The same seed gives the same document and the same answers."""
    assert document(7) == document(7)
    assert document(7) != document(8)


def test_real_document_without_corrections(read: Read, real: str) -> None:
    """The general rules alone read the real document as the gold does (corrections are about its OCR only)."""
    text, answers = mutated(real, [], 0)
    tables = read(text)
    problems = differences(tables, answers) + losses(text, tables)
    assert not problems, report(problems)


@pytest.mark.parametrize("change", sampled([(change,) for change in CHANGES], 2))
def test_changed_real_document(read: Read, real: str, change: str) -> None:
    """One change of the real document changes exactly the answers that follow from it."""
    some = range(1 + list(CHANGES).index(change) % 4, 12, 4)  # of the pages, so that each change builds fast
    text, answers = mutated(thinned(real, some), [change], 11)
    problems = differences(read(text), answers)
    assert not problems, report(problems)


@pytest.mark.parametrize("seed", sampled([(1,), (2,), (3,)], 3))
def test_real_document_with_many_changes(read: Read, real: str, seed: int) -> None:
    """Changes do not disturb each other: next year's edition has them all at once."""
    many = ["years", "amounts", "ministries", "headers", "drift", "trailing", "renumber", "shuffle_rows"]
    many += [["wide", "shuffle_pages"], ["div_tags", "crlf"], ["br_tags", "upper_tags", "wide", "padding"]][seed % 3]
    text, answers = mutated(real, many, seed)
    problems = differences(read(text), answers)
    assert not problems, report(problems)


@pytest.mark.parametrize("seed", sampled([(seed,) for seed in range(100, 104)], 2))
def test_made_document(read: Read, seed: int) -> None:
    """A document that was never printed by anybody is read as it was meant, field by field."""
    text, answers = document(seed, pages=4, rows=10)
    problems = differences(read(text), answers)
    assert not problems, report(problems)


@pytest.mark.parametrize("kind", CLAUSES)
def test_target_forms(read: Read, kind: str) -> None:
    """Each form of a target in a KPI cell: values, comparators, units, periods, baselines, recurring, changes."""
    text, answers = document(sum(map(ord, kind)), Style(kpis=(kind,), drift=False), pages=1, rows=14)
    problems = differences(read(text), answers)
    assert not problems, report(problems)


@pytest.mark.parametrize("joint", Style().joints)
def test_several_kpis_in_a_cell(read: Read, joint: str) -> None:
    """KPIs that stand together in one cell are told apart, however they are joined."""
    style = Style(joints=(joint, "ul"), kpis=("value", "nested", "pair", "milestone"), drift=False)
    text, answers = document(sum(map(ord, joint)), style, pages=1, rows=12)
    problems = differences(read(text), answers)
    assert not problems, report(problems)


@pytest.mark.parametrize("kind", Style().urls)
def test_references(read: Read, kind: str) -> None:
    """URLs are read however they are printed: as links, plain, broken by a space, several in a cell."""
    text, answers = document(sum(map(ord, kind)), Style(urls=(kind,)), pages=1, rows=11)
    problems = differences(read(text), answers)
    assert not problems, report(problems)


@pytest.mark.parametrize("seed", sampled([(31,), (32,)], 2))
def test_full_width(read: Read, seed: int) -> None:
    """Full-width digits, parentheses, percent signs, commas and colons mean what their narrow forms mean."""
    text, answers = document(seed, Style(wide=True), pages=2, rows=15)
    problems = differences(read(text), answers)
    assert not problems, report(problems)


def test_drift_never_moves_a_cell(read: Read) -> None:
    """However many empty cells come and go, only what the source no longer tells is uncertain."""
    text, answers = document(77, Style(), pages=4, rows=15)
    tables = read(text)
    problems = differences(tables, answers)
    assert not problems, report(problems)
    uncertain = [answer["row"] for answer in answers if answer["effects_uncertain"] == "true"]
    assert uncertain, "this document was made to have uncertain effects"
    reported = {row["row"] for row in tables["issues"] if row["type"] == "effect-uncertain"}
    assert reported == set(uncertain)


def test_an_unknown_ministry_is_reported(read: Read, real: str) -> None:
    """A ministry that the code list does not know keeps its printed name and stands in the issues, with its place."""
    known, unknown = "◎経済産業省、国土交通省、文部科学省", "◎復興庁、国土交通省、公正取引委員会"
    assert real.count(known) == 1
    tables = read(real.replace(known, unknown))
    row = next(row for row in tables["measures"] if row["number"] == "02-22")
    assert (row["lead"], row["participating"]) == ("復興庁", "国土交通省|公正取引委員会")
    issues = [each for each in tables["issues"] if each["type"] == "organization-unknown"]
    assert {(each["page"], each["line"], each["text"]) for each in issues} == {
        (row["page"], row["line"], "復興庁"),
        (row["page"], row["line"], "公正取引委員会"),
    }


@pytest.mark.parametrize("change", ["drift", "crlf", "wide"])
def test_a_build_writes_what_is_read_in_memory(
    read: Read, draft: Callable[..., Result], tmp_path: Path, real: str, change: str
) -> None:
    """`kg build` writes the rows and the graph that reading in memory gives, of odd documents, too."""
    text, _ = mutated(thinned(real, [3, 6]), [change], 11)
    tables, result = read(text), draft(text)
    assert result.exit_code == 0, result.output
    for name, rows in tables.items():
        with (tmp_path / "out" / "draft" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert list(csv.DictReader(file)) == rows, name
    assert set(parse(path=str(tmp_path / "out" / "draft" / "graph.ttl"), format=RdfFormat.TURTLE)) == set(
        parse(tables.n_triples(), format=RdfFormat.N_TRIPLES)
    )
