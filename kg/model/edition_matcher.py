"""Matcher of measures between editions: finds by a general rule which measures continue earlier ones.

The evidence is the national number, the similarity of the titles, and KPIs with the same name. Titles are compared by
pairs of characters, weighted by rarity, so that two titles that share only 推進 are hardly similar. A split measure
continues in several, a merged one continues several. Curators confirm or reject pairs.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, log

from kg.core import iris as names
from kg.core.errors import Problem, RecipeError
from kg.core.spans import plain, without_targets
from kg.model.records import Kpi, Measure, MeasureFeatures, Revision
from kg.recipe import Recipe
from kg.recipe.revision_judgements import Judgement, revised_edition

_SAME_TITLE = 0.9
_ALIKE = 0.5
_SLIGHTLY_ALIKE = 0.3
_SHORTEST_KPI = 4  # characters of a name that identifies a KPI

Bigrams = frozenset[str]  # pairs of neighbouring characters
Pair = tuple[str, str]  # the IRIs of the later measure and of the earlier one


@dataclass(frozen=True)
class _Evidence:
    """Evidence for one pair: same number, similarity of the titles (0 to 1), and common KPIs of the later one."""

    same_number: bool
    similarity: float
    kpis: tuple[str, ...]

    @property
    def grade(self) -> str:
        """The grade of the evidence by itself: strong, fair or weak."""
        supported = self.same_number or bool(self.kpis)
        if self.similarity >= _SAME_TITLE or (self.similarity >= _ALIKE and supported):
            return "strong"
        if self.similarity >= _ALIKE or self.kpis or (self.similarity >= _SLIGHTLY_ALIKE and self.same_number):
            return "fair"
        return "weak"


def features_of(measure: Measure) -> MeasureFeatures:
    """Return the features of a measure that matching uses."""
    named = tuple((kpi.iri, name) for kpi in measure.kpis if (name := _name(kpi)))
    return MeasureFeatures(measure.iri, measure.number, measure.title, named)


def revisions_of(recipe: Recipe, features: Callable[[str], Sequence[MeasureFeatures]]) -> tuple[Revision, ...]:
    """Return the pairs of measures that continue each other, or may; `features` are by the key of an edition.

    Raises RecipeError for a curator's row about an unknown measure.
    """
    keys = {source.key for source in recipe.sources}
    revisions: list[Revision] = []
    problems: list[Problem] = []
    judged: dict[str, dict[Pair, Judgement]] = defaultdict(dict)
    for judgement in recipe.judgements:
        key = judgement.later.removeprefix(names.ID).partition("/")[0]
        judged[key][judgement.later, judgement.earlier] = judgement
    for source in recipe.sources:
        if revised_edition(source) in keys:
            later, earlier, of_edition = features(source.key), features(revised_edition(source)), judged[source.key]
            problems += _check_judgements(of_edition.values(), (*later, *earlier), recipe)
            revisions += _revisions_between(source.key, later, earlier, of_edition)
    if problems:
        raise RecipeError(*problems)
    return tuple(sorted(revisions, key=lambda revision: (revision.later, revision.earlier)))


def _check_judgements(
    judgements: Iterable[Judgement], measures: Iterable[MeasureFeatures], recipe: Recipe
) -> Iterator[Problem]:
    """Yield the rows that name an unknown measure, or the title of another one."""
    titles = {measure.iri: plain(measure.title) for measure in measures}
    file = recipe.tables["revisions"].file
    for judgement in judgements:
        for iri, end in ((judgement.later, "subject"), (judgement.earlier, "object")):
            label, line = judgement.row[f"{end}_label"], judgement.row.line
            if iri not in titles:
                yield Problem(f"{iri} is not a measure of its table", "correct the row, or drop it", file, line)
            elif label and plain(label) != titles[iri]:
                fact = f"{end}_label is {label!r}, which is not a name of {judgement.row[f'{end}_id']}"
                yield Problem(fact, "correct the one that is wrong", file, line)


def _revisions_between(
    key: str, later: Sequence[MeasureFeatures], earlier: Sequence[MeasureFeatures], judged: Mapping[Pair, Judgement]
) -> Iterator[Revision]:
    """Yield the pairs of an edition and an earlier one that are judged, or have more than weak evidence."""
    evidence = _evidence(later, earlier, judged)
    superseded = _superseded_pairs(evidence)
    for pair, found in evidence.items():
        judgement = judged.get(pair)
        grade = "fair" if found.grade == "strong" and pair in superseded else found.grade
        if judgement is None and grade == "weak":
            continue
        by_rule = "computed" if grade == "strong" else "candidate"
        yield Revision(
            iri=names.revision(key, names.slug(" ".join(pair))),
            later=pair[0],
            earlier=pair[1],
            status=by_rule if judgement is None else "rejected" if judgement.rejected else "confirmed",
            grade=grade,
            same_number=found.same_number,
            similarity=found.similarity,
            kpis=found.kpis,
            edition=key,
            row=judgement.row if judgement else None,
        )


def _superseded_pairs(evidence: Mapping[Pair, _Evidence]) -> set[Pair]:
    """Return the pairs without a common KPI for which another pair of one of their measures is better.

    Numbers are assigned anew with each plan, and titles of one field resemble each other.
    """
    best: dict[str, float] = {}
    occurrences: Counter[tuple[str, float]] = Counter()
    for pair, found in evidence.items():
        for iri in pair:
            best[iri] = max(best.get(iri, 0.0), found.similarity)
            occurrences[iri, found.similarity] += 1
    return {
        pair
        for pair, found in evidence.items()
        for iri in pair
        if not found.kpis
        and (
            found.similarity < best[iri] >= _SAME_TITLE
            or (not found.same_number and occurrences[iri, found.similarity] > 1)
        )
    }


def _evidence(
    later: Sequence[MeasureFeatures], earlier: Sequence[MeasureFeatures], judged: Iterable[Pair]
) -> dict[Pair, _Evidence]:
    """Return the evidence of every pair that has some, or that is judged."""
    bigrams = {measure.iri: _bigrams(measure.title) for measure in (*later, *earlier)}
    weights, kpis, wanted = _weights(bigrams.values()), _kpis(earlier), set(judged)
    whole = {iri: fsum(weights[pair] for pair in title) for iri, title in bigrams.items()}  # independent of the order
    evidence: dict[Pair, _Evidence] = {}
    for new in later:
        shared: dict[str, list[str]] = defaultdict(list)
        for iri, name in new.kpis:
            shared[kpis.get(name, "")].append(iri)
        for old in earlier:
            shared_weight = fsum(weights[pair] for pair in bigrams[new.iri] & bigrams[old.iri])
            similarity = _similarity(shared_weight, whole[new.iri] + whole[old.iri])
            same_number = bool(new.number) and new.number == old.number
            going_on = tuple(shared.get(old.iri, ()))
            if similarity or same_number or going_on or (new.iri, old.iri) in wanted:
                evidence[new.iri, old.iri] = _Evidence(same_number, similarity, going_on)
    return evidence


def _bigrams(title: str) -> Bigrams:
    text = f"^{plain(title)}$"
    return frozenset(one + other for one, other in pairwise(text)) if title else frozenset()


def _weights(titles: Collection[Bigrams]) -> dict[str, float]:
    """Return the weight of each pair of characters: its inverse document frequency over the titles."""
    counts = Counter(pair for title in titles for pair in title)
    return {pair: log(1 + len(titles) / count) for pair, count in counts.items()}


def _similarity(shared: float, both: float) -> float:
    """Return the weighted Dice similarity of two titles: from 0 to 1, in hundredths."""
    return round(2 * shared / both, 2) if both else 0.0


def _kpis(measures: Iterable[MeasureFeatures]) -> dict[str, str]:
    """Return the measure of each KPI name that only one measure has."""
    holders: dict[str, set[str]] = defaultdict(set)
    for measure in measures:
        for _, name in measure.kpis:
            holders[name].add(measure.iri)
    return {name: next(iter(iris)) for name, iris in holders.items() if len(iris) == 1}


def _name(kpi: Kpi) -> str:
    """Return the name of a KPI without targets and numbers; empty if it is unset or too short."""
    name = without_targets(kpi.text)
    return name if kpi.status == "set" and len(name) >= _SHORTEST_KPI else ""
