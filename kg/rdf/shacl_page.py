"""HTML report of a validation, one file in Japanese and English, with the printed places of each result."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pyoxigraph import Literal, Triple

from kg.core import iris
from kg.rdf.shacl_report import SEVERITIES, SHAPE, Report, Result

TEMPLATE = "validation.html"
_PAGE, _LINE = iris.term("page"), iris.term("line")
# Properties that lead from a thing towards its printed line, forwards and backwards.
_FORWARD = {
    iris.PREFIXES["prov"] + "wasDerivedFrom",
    iris.PREFIXES["dcterms"] + "isPartOf",
    iris.PREFIXES["oa"] + "hasTarget",
    iris.PREFIXES["oa"] + "hasSource",
}
_BACKWARD = {iris.PREFIXES["oa"] + "hasBody", iris.term("correction")}
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


PrintedPlaces = Mapping[str, list[tuple[int, int]]]  # page and line of each printing, by the IRI of the thing


def printed_places(results: Iterable[Result], triples: Iterable[Triple]) -> dict[str, list[tuple[int, int]]]:
    """Return page and line of each printing of the things that results are about.

    `triples` are the validated data.
    """
    places = _Places(triples)
    return {iri: places.of(iri) for iri in map(iri_of, results)}


def render_report(report: Report, places: PrintedPlaces, title: str) -> bytes:
    """Return the report as HTML."""
    shapes = [
        (severity, shape.removeprefix(SHAPE), [(result, places.get(iri_of(result), [])) for result in results])
        for (severity, shape), results in _by_shape(report)
    ]
    return _templates.get_template(TEMPLATE).render(report=report, title=title, shapes=shapes, short=_short).encode()


def _by_shape(report: Report) -> list[tuple[tuple[str, str], list[Result]]]:
    """Return the results by severity and shape, most severe first."""
    groups = groupby(report.results, key=lambda one: (one.severity.rpartition("#")[2], one.shape))
    grouped = [(key, list(results)) for key, results in groups]
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    return sorted(grouped, key=lambda one: rank.get(one[0][0], len(rank)))


def iri_of(result: Result) -> str:
    """Return the IRI of the focus node of a result."""
    return result.focus.strip("<>")


def _short(term: str) -> str:
    """Return a term or path without the base of our own IRIs, for display."""
    for namespace, prefix in ((iris.ID, "<"), (iris.ONTOLOGY, "<shisaku:")):
        term = term.replace(f"<{namespace}", prefix)
    return term.replace("<", "").replace(">", "") if not term.startswith('"') else term


class _Places:
    """Index of the printed places of things, by the links that lead from a thing to its lines."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self._adjacent: dict[str, list[str]] = defaultdict(list)
        self._numbers: dict[str, dict[str, int]] = defaultdict(dict)
        for subject, predicate, value in triples:
            if isinstance(value, Literal):
                if predicate.value in (_PAGE, _LINE):
                    self._numbers[subject.value][predicate.value] = int(value.value)
            elif predicate.value in _FORWARD:
                self._adjacent[subject.value].append(value.value)
            elif predicate.value in _BACKWARD:
                self._adjacent[value.value].append(subject.value)

    def of(self, iri: str) -> list[tuple[int, int]]:
        """Return page and line of each printing, in the order of the document."""
        places, seen, pending = set(), {iri}, [iri]
        while pending:
            step = pending.pop()
            if numbers := self._numbers.get(step):
                places.add((numbers.get(_PAGE, 0), numbers.get(_LINE, 0)))
            else:
                new = set(self._adjacent.get(step, ())) - seen
                seen |= new
                pending.extend(new)
        return sorted(places)
