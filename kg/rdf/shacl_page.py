"""The report of a validation as a page that people read: one file, in Japanese and English, with the printed places."""

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
# What leads from a thing towards the line that prints it, forth and back.
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


PrintedPlaces = Mapping[str, list[tuple[int, int]]]  # of a thing, by its IRI: page and line of each


def printed_places(results: Iterable[Result], triples: Iterable[Triple]) -> dict[str, list[tuple[int, int]]]:
    """Return where the things are printed that results are about; `triples` are what was validated."""
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
    """Return the results of each shape with their severity, the gravest first, as the report has them."""
    found = groupby(report.results, key=lambda one: (one.severity.rpartition("#")[2], one.shape))
    grouped = [(key, list(results)) for key, results in found]
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    return sorted(grouped, key=lambda one: rank.get(one[0][0], len(rank)))


def iri_of(result: Result) -> str:
    """Return the IRI of what a result is about, by which its places are kept."""
    return result.focus.strip("<>")


def _short(term: str) -> str:
    """Return a term or path as people read it: our own IRIs without their base."""
    for namespace, prefix in ((iris.ID, "<"), (iris.ONTOLOGY, "<shisaku:")):
        term = term.replace(f"<{namespace}", prefix)
    return term.replace("<", "").replace(">", "") if not term.startswith('"') else term


class _Places:
    """Where things are printed: the lines of the document that lead to them."""

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
        found, seen, pending = set(), {iri}, [iri]
        while pending:
            step = pending.pop()
            if numbers := self._numbers.get(step):
                found.add((numbers.get(_PAGE, 0), numbers.get(_LINE, 0)))
            else:
                new = set(self._adjacent.get(step, ())) - seen
                seen |= new
                pending.extend(new)
        return sorted(found)
