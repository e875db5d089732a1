"""Reading stored queries: the real ones, and what is said about wrong ones."""

from pathlib import Path

import pytest

from kg.core.errors import QueryError, RecipeError
from kg.core.paths import project_folders
from kg.core.stored_queries import read_queries, read_query, stored_query

QUERIES = project_folders().queries
GOOD = """\
#+ summary: All
#+ summary_ja: 全部
#+ description: "Everything: all of it #1"
#+ description_ja: すべて
#+ tags: [a, b]

SELECT * { ?s ?p ?o }
"""


def test_each_stored_query_says_what_it_is_in_two_languages() -> None:
    """Summaries and descriptions differ between the queries and between the languages."""
    queries = read_queries(QUERIES)

    assert len({query.summary for query in queries} | {query.summary_ja for query in queries}) == 2 * len(queries)
    assert all(query.tags for query in queries)


def test_quotes_are_taken_off(tmp_path: Path) -> None:
    """A value that YAML would read otherwise stands in quotes, which are no part of it."""
    (tmp_path / "all.rq").write_text(GOOD, encoding="utf-8")
    query = stored_query(tmp_path, "all")

    assert (query.description, query.tags, query.text) == ("Everything: all of it #1", ("a", "b"), GOOD)


@pytest.mark.parametrize(
    ("file", "change", "line", "fact"),
    [
        ("all.rq", ("#+ tags: [a, b]\n", ""), 1, "tags is missing"),
        ("all.rq", ("#+ tags:", "#+ labels:"), 5, "no front matter"),
        ("all.rq", ("#+ tags:", "#+tags:"), 5, "no front matter"),
        ("all.rq", ("#+ summary_ja: 全部", "#+ summary: twice"), 2, "is repeated"),
        ("all.rq", ("すべて", "種別: すべて"), 4, "YAML"),
        ("all.rq", ("?o }\n", "?o"), 7, "invalid SPARQL"),
        ("All of it.rq", ("", ""), None, "the name"),
    ],
)
def test_a_problem_names_file_and_line(
    tmp_path: Path, file: str, change: tuple[str, str], line: int | None, fact: str
) -> None:
    """What is wrong with a stored query is said with its place and a remedy."""
    (tmp_path / file).write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        read_query(tmp_path / file)

    found = [problem for problem in raised.value.problems if fact in problem.fact]
    assert [(problem.file, problem.line) for problem in found] == [(tmp_path / file, line)]
    assert found[0].remedy


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    """A curator sees everything that is wrong in one run, a file that is not UTF-8 included."""
    (tmp_path / "a.rq").write_text("SELECT", encoding="utf-8")
    (tmp_path / "b.rq").write_bytes(b"\xff")
    with pytest.raises(RecipeError) as raised:
        read_queries(tmp_path)

    assert {problem.file.name for problem in raised.value.problems} == {"a.rq", "b.rq"}


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    """A slip in a name shows the name that was meant; a name never becomes a path."""
    with pytest.raises(QueryError, match="measures-by-lead-organization"):
        stored_query(QUERIES, "measures-by-lead-organisation")
    with pytest.raises(QueryError):
        stored_query(QUERIES, "../queries/measures-citing-laws")
