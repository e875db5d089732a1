"""Order of the editions, and curators' judgements on measures that continue earlier ones.

`revises` in `source.toml` names the edition that a table replaces. `build/revisions.csv` has the columns of SSSOM
(https://w3id.org/sssom/): a row confirms that one measure continues another or, with `Not`, that it does not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kg.core import iris
from kg.core.errors import Problem
from kg.recipe.sources import DESCRIPTION, Source
from kg.recipe.table_loader import Row, Table

TABLE = "revisions"


@dataclass(frozen=True)
class Judgement:
    """A curator's judgement on one pair of measures, both by their IRIs."""

    later: str
    earlier: str
    rejected: bool
    row: Row


def revised_edition(source: Source) -> str:
    """Return the key of the edition that a source revises; empty if it names none."""
    return str(source.described.get("revises", ""))


def earlier_editions(source: Source, sources: Sequence[Source]) -> set[str]:
    """Return the keys of the editions that a source revises, and of the editions of earlier plans."""
    earlier = {one.key: revised_edition(one) for one in sources}
    plan = str(source.described.get("plan", ""))
    older = {one.key for one in sources if str(one.described.get("plan", "")) < plan}
    later = {one.key for one in sources if source.key in _revision_chain(one.key, earlier)}
    return (_revision_chain(source.key, earlier) | older) - later - {source.key}


def newest_edition(sources: Sequence[Source]) -> str:
    """Return the key of the newest edition, by its plan and then by the number of editions it revises."""
    earlier = {source.key: revised_edition(source) for source in sources}
    plans: dict[str, list[str]] = {}
    for source in sources:
        plans.setdefault(str(source.described.get("plan", "")), []).append(source.key)
    return min(plans[max(plans)], key=lambda key: (-len(_revision_chain(key, earlier)), key))


def read_judgements(table: Table, sources: Sequence[Source]) -> tuple[tuple[Judgement, ...], list[Problem]]:
    """Return the judgements of curators, and the problems of these and of the order of editions."""
    problems = [*_problems_of_order(sources), *_problems_of_rows(table, sources)]
    return tuple(_judgement(row) for row in table.rows), problems


def _judgement(row: Row) -> Judgement:
    later, earlier = (iris.ID + row[end].removeprefix("id:") for end in ("subject_id", "object_id"))
    return Judgement(later, earlier, row["predicate_modifier"] == "Not", row)


def _problems_of_order(sources: Sequence[Source]) -> Iterator[Problem]:
    earlier = {source.key: revised_edition(source) for source in sources}
    for source in sources:
        file = source.file.parent / DESCRIPTION
        key = earlier[source.key]
        if key and key not in earlier:
            fact = f"revises names {key!r}, which is not a source of this recipe"
            yield Problem(fact, f"name one of {', '.join(sorted(earlier))}, or leave it out", file)
        elif key and source.key in _revision_chain(key, earlier):
            yield Problem(f"{source.key} would revise itself", "let `revises` name the older edition only", file)


def _revision_chain(key: str, earlier: Mapping[str, str]) -> set[str]:
    """Return an edition and all that it revises, directly or indirectly."""
    chain: set[str] = set()
    while key and key not in chain:
        chain.add(key)
        key = earlier.get(key, "")
    return chain


def _problems_of_rows(table: Table, sources: Sequence[Source]) -> Iterator[Problem]:
    earlier = {source.key: revised_edition(source) for source in sources}
    first: dict[tuple[str, str], int] = {}
    for row in table.rows:
        ends = tuple(row[end].removeprefix("id:").partition("/")[0] for end in ("subject_id", "object_id"))
        if earlier.get(ends[0]) != ends[1]:
            fact = f"{ends[0]} does not revise {ends[1]}"
            remedy = f"put the later measure first, and revises = {ends[1]!r} into its {DESCRIPTION}"
            yield Problem(fact, remedy, table.file, row.line)
        at = first.setdefault((row["subject_id"], row["object_id"]), row.line)
        if at != row.line:
            fact = f"the same pair is in line {at}"
            yield Problem(fact, "keep one row: a pair is confirmed or rejected", table.file, row.line)
