"""How well what a client says of a thing agrees with what the graph says of a candidate.

Up to half of a score is evidence: a quarter for one property, half for two or more, each property as much as another.
The rest is the name. What the graph does not know is no evidence: a value that is nothing in it, such as a section of a
town, and a property that the candidate has no value of, leave the score as it is.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kg.core.labels import prefixed
from kg.matching.reconcile.request_parser import Clue, Given
from kg.matching.reconcile.store_lookup import Meanings, Value, Values

_EACH, _MOST = 0.25, 0.5
_PART = 0.7  # one text holds the other
_SURE = 95.0  # a name that agrees so well is the same name
_AGREES = 0.5
_DAY = re.compile(r"\d{4}(-\d\d){1,2}")


@dataclass(frozen=True)
class Judged:
    """A candidate under all evidence: its score, and how well each property agrees, from 0 to 1."""

    iri: str
    score: float
    agreement: Mapping[str, float]

    def features(self) -> dict[str, float]:
        """Return how well each property agrees, by its prefixed name."""
        return {prefixed(property): value for property, value in self.agreement.items()}


def judge(iri: str, score: float | None, clues: Sequence[Clue], values: Values, compared: "Comparison") -> Judged:
    """Return the score (0 to 100) that a candidate has by that of its name and by evidence; by this alone for None."""
    compared_each = {clue.property: compared.clue(clue, values.get((iri, clue.property), ())) for clue in clues}
    agreement = {property: value for property, value in compared_each.items() if value is not None}
    if not agreement:
        return Judged(iri, score or 0.0, agreement)
    mean = sum(agreement.values()) / len(agreement)
    if score is None:
        return Judged(iri, 100 * mean, agreement)
    share = min(_MOST, _EACH * len(agreement))
    return Judged(iri, (1 - share) * score + share * 100 * mean, agreement)


def matches(judged: Sequence[Judged], named: Mapping[str, tuple[float, bool]]) -> set[str]:
    """Return the candidate, one or none, that is surely meant; `named` has the score and the match of each by its name.

    Evidence that contradicts takes a match away. It gives one where several things have the name, and it agrees fully
    with one of them alone.
    """
    agreeing = [one for one in judged if min(one.agreement.values(), default=1.0) >= _AGREES]
    by_name = {one.iri for one in agreeing if named[one.iri][1]}
    if by_name:
        return by_name
    full = [one for one in agreeing if one.agreement and min(one.agreement.values()) == 1.0]
    same = {one.iri for one in full if named[one.iri][0] >= _SURE}
    return same if len(same) == 1 else set()


class Comparison:
    """Compares values; `folded` gives the form in which two spellings of one text are the same.

    `known` holds the values, each with its property, that the graph has of anything.
    """

    def __init__(self, folded: Callable[[str], str], meanings: Meanings, known: Container[tuple[str, Given]]) -> None:
        self._folded, self._meanings, self._known = folded, meanings, known

    def clue(self, clue: Clue, values: Iterable[Value]) -> float | None:
        """Return how well the best of the values that a client gives agrees with the best of those of a thing.

        None says that nothing can be told: the thing has no value, or one that was given is not known and may be it.
        """
        there = list(values)
        best = max((self._given(given, value) for given in clue.values for value in there), default=0.0)
        if best:
            return best
        return 0.0 if there and all(self._contradicts(clue.property, given, there) for given in clue.values) else None

    def _contradicts(self, property: str, given: Given, values: Iterable[Value]) -> bool:
        """Whether a value that does not agree is one that the graph knows: of another thing, or another number."""
        if (property, given) in self._known:
            return True
        there = [value.text.rpartition("/")[2] if value.iri else value.text for value in values]
        return all(_number(text) is not None for text in (given.text, *there)) or all(
            _DAY.fullmatch(text) for text in (given.text, *there)
        )

    def _given(self, given: Given, value: Value) -> float:
        if value.iri and given.thing == value.text:
            return 1.0
        if not given.text:
            return 0.0
        if value.iri:
            meant = self._meanings.get(given.text, {}).get(value.text, 0.0)
            names = [name for names in value.names.values() for name in names]
            # Such as 2019 for …/fiscal-year/2019.
            return max([meant, *(self._texts(given.text, name) for name in [*names, value.text.rpartition("/")[2]])])
        return max(self._texts(given.text, value.text), _numbers(given.text, value.text))

    def _texts(self, one: str, other: str) -> float:
        first, second = self._folded(one), self._folded(other)
        if first == second:
            return 1.0 if first else 0.0
        shorter, longer = sorted((first, second), key=len)
        return _PART if len(shorter) > 1 and shorter in longer and not longer.isdecimal() else 0.0


def _numbers(one: str, other: str) -> float:
    number = _number(one)
    return float(number is not None and number == _number(other))


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
