"""`kg check`: every problem of every declarative file at once, each with file, line, fact and remedy."""

import re
from collections.abc import Iterator
from pathlib import Path

from rdflib import RDFS, SKOS, Graph, Namespace, URIRef
from rdflib.exceptions import ParserError

from kg.errors import KgError, Problem
from kg.names import ONTOLOGY
from kg.pipeline import Stages, read
from kg.places import Places
from kg.queries import read_queries
from kg.recipe import read_recipe

_SHISAKU = Namespace(ONTOLOGY)
_TERM = re.compile(r"\bshisaku:([A-Za-z][A-Za-z0-9]*)")


def problems_of(places: Places) -> list[Problem]:
    """Return what is wrong with the recipe, the ontology and the stored queries; an empty list if nothing is."""
    problems: list[Problem] = []
    try:
        recipe = read_recipe(places.recipe)
        read(recipe, Stages(lambda stage: None))
    except KgError as error:
        problems.extend(error.problems)
    terms, found = _ontology(places.ontology)
    problems.extend(found)
    problems.extend(_queries(places.queries, terms))
    return problems


def _ontology(folder: Path) -> tuple[set[str], list[Problem]]:
    """Return the terms the ontology defines, and what is wrong with it."""
    terms: set[str] = set()
    problems: list[Problem] = []
    for file in sorted(folder.glob("*.ttl")):
        graph = Graph()
        try:
            graph.parse(file, format="turtle")
        except (SyntaxError, ParserError, ValueError) as error:
            line = getattr(error, "lines", None)
            problems.append(Problem(f"is no Turtle: {error}", "mend the syntax at that place", file, line))
            continue
        for subject in sorted(set(graph.subjects()), key=str):
            if isinstance(subject, URIRef) and subject in _SHISAKU:
                terms.add(str(subject).removeprefix(ONTOLOGY))
                problems.extend(_undescribed(graph, subject, file))
    return terms, problems


def _undescribed(graph: Graph, term: URIRef, file: Path) -> Iterator[Problem]:
    for predicate, name in ((RDFS.label, "rdfs:label"), (SKOS.definition, "skos:definition")):
        languages = {getattr(value, "language", None) for value in graph.objects(term, predicate)}
        for language in sorted({"ja", "en"} - languages):
            local = str(term).removeprefix(ONTOLOGY)
            fact = f"shisaku:{local} has no {name} in {language}"
            yield Problem(fact, "every term needs a label and a definition in ja and en", file, _line(file, local))


def _line(file: Path, local: str) -> int | None:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith(f"shisaku:{local} ")), None)


def _queries(folder: Path, terms: set[str]) -> Iterator[Problem]:
    """Yield what is wrong with the stored queries: front matter, syntax, terms that the ontology does not define."""
    try:
        read_queries(folder)
    except KgError as error:
        yield from error.problems
    for file in sorted(folder.glob("*.rq")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for match in _TERM.finditer("" if line.lstrip().startswith("#") else line):
                if match[1] not in terms:
                    remedy = "define it in ontology/shisaku.ttl, or correct the name"
                    yield Problem(f"shisaku:{match[1]} is not defined", remedy, file, number)
