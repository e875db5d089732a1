"""The measures of local plans, and which listed measures each of them cites: by number, by title or by IRI.

What is printed is kept. A word that names no measure of the edition cites nothing: nothing is guessed, and the report
of the validation tells it.
"""

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from kg.core import iris
from kg.core.spans import plain
from kg.extract.cell_classifier import national_number
from kg.model.linked_records import Listed, LocalMeasure
from kg.model.records import Records
from kg.recipe.local_plans import CITES, NUMBER, TITLE, LocalPlan, PlanRow

_BETWEEN = re.compile(r"[、,，;；|｜\n]+")
_EDITIONS = 64  # whose measures are known at a time, each by a few hundred words
# What can stand in an IRI as it is; `line-N` names the rows that have no such number.
_NUMBER = re.compile(r"(?!line-[0-9]+$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


def local_measures(plans: Sequence[LocalPlan], listed: Callable[[str], Sequence[Listed]]) -> Iterator[Records]:
    """Yield the records of each plan: its measures in the order of its table. `listed` tells those of an edition."""
    known = functools.lru_cache(_EDITIONS)(lambda key: _known(listed(key)))
    for plan in plans:
        measures = tuple(_measure(plan, row, known(plan.edition)) for row in plan.rows)
        yield Records((), local=measures, plans=(plan,))


def _known(measures: Sequence[Listed]) -> dict[str, str]:
    """Return the listed measures by what may name them: number, title and IRI, each where it names one only."""
    named: list[tuple[str, str]] = []
    for measure in measures:
        words = {measure.number, plain(measure.title), measure.iri} - {""}
        named += [(word, measure.iri) for word in words]
    how_often = Counter(word for word, _ in named)
    return {word: iri for word, iri in named if how_often[word] == 1}


def _measure(plan: LocalPlan, row: PlanRow, known: Mapping[str, str]) -> LocalMeasure:
    number = row[NUMBER]
    key = plain(number)
    cited = tuple(dict.fromkeys(_cited(row[CITES], known)))
    return LocalMeasure(
        iri=iris.local_measure(plan.key, key if _NUMBER.fullmatch(key) else f"line-{row.line}"),
        plan=plan.key,
        number=number,
        title=row[TITLE],
        description=row["description"],
        department=row["department"],
        schedule=row["schedule"],
        cited_as=row[CITES],
        cites=tuple(iri for iri in cited if iri),
        unknown="" in cited,
        line=row.line,
    )


def _cited(words: str, known: Mapping[str, str]) -> Iterator[str]:
    """Yield the measure of each word of a cell; empty for one that names none."""
    whole = plain(words)
    if whole in known:  # a title may hold what else stands between two words
        yield known[whole]
        return
    for word in filter(None, map(plain, _BETWEEN.split(words))):
        yield known.get(word) or known.get(national_number(word), "")
