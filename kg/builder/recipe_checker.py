"""`kg check`: all problems of all declarative files, each with file, line, fact and remedy."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyoxigraph
from rdflib import RDF, RDFS, SH, SKOS, Graph, Namespace, URIRef

from kg.builder.pipeline import check_documents
from kg.core.errors import KgError, Problem, QueryError, ReleaseError
from kg.core.iris import ONTOLOGY
from kg.core.paths import Folders, read_text
from kg.core.stored_queries import read_queries
from kg.recipe import inspect_recipe
from kg.recipe.corrections import recurring_corrections
from kg.recipe.loader import read_catalogue

_SHISAKU = Namespace(ONTOLOGY)
_SHACL: Any = SH  # a closed namespace, which its type does not express
_TERM = re.compile(r"\bshisaku:([A-Za-z][A-Za-z0-9]*)")


def check_declared_files(places: Folders) -> tuple[list[Problem], list[Problem]]:
    """Return the problems, and the remarks, of the recipe, the ontology, the shapes and the queries."""
    problems, remarks = _check_recipe(places)
    terms, ontology_problems = _check_ontology(places.ontology)
    problems.extend(ontology_problems)
    problems.extend(_check_shapes(places.shapes, terms))
    problems.extend(_check_queries(places.queries, terms))
    return problems, remarks


def _check_recipe(places: Folders) -> tuple[list[Problem], list[Problem]]:
    """Return the problems and remarks of the recipe; parts after a broken one are checked, too."""
    report = inspect_recipe(places.recipe)
    problems = [*report.problems]
    try:
        read_catalogue(places.recipe)
    except KgError as error:
        reported = {problem.file for problem in problems}
        problems.extend(problem for problem in error.problems if problem.file not in reported)
    try:
        if report.recipe:
            check_documents(report.recipe, whole=not problems)
    except KgError as error:
        problems.extend(error.problems)
    offered = recurring_corrections(report.recipe.sources, report.recipe.corrections) if report.recipe else ()
    return problems, [*report.remarks, *offered]


def _check_ontology(folder: Path) -> tuple[set[str], list[Problem]]:
    """Return the terms that the ontology defines, and its problems."""
    terms: set[str] = set()
    problems: list[Problem] = []
    for file in sorted(folder.glob("*.ttl")):
        graph = _parse_turtle(file, problems)
        for subject in sorted(set(graph.subjects(RDF.type)), key=str):
            if isinstance(subject, URIRef) and subject in _SHISAKU:
                terms.add(str(subject).removeprefix(ONTOLOGY))
                problems.extend(_check_description(graph, subject, file))
    return terms, problems


def _parse_turtle(file: Path, problems: list[Problem]) -> Graph:
    """Parse a Turtle file; report a syntax error as a problem and return an empty graph."""
    try:
        text = read_text(file, ReleaseError)
        # by the engine first: its syntax errors have the line
        list(pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.TURTLE))
    except KgError as error:
        problems.extend(error.problems)
        return Graph()
    except (SyntaxError, OSError) as error:
        line = getattr(error, "lineno", None)
        problems.append(Problem(f"is not valid Turtle: {error}", "correct the syntax at that place", file, line))
        return Graph()
    return Graph().parse(data=text, format="turtle", publicID=file.as_uri())


def _check_shapes(folder: Path, terms: set[str]) -> list[Problem]:
    """Return the problems of the shapes; a misspelt SHACL term would otherwise be ignored silently."""
    problems: list[Problem] = []
    for file in sorted(folder.glob("*.ttl")):
        graph = _parse_turtle(file, problems)
        words = {str(predicate) for predicate in graph.predicates() if predicate not in _SHACL}
        for word in sorted(word for word in words if word.startswith(str(SH))):
            remedy = "correct the word; see https://www.w3.org/TR/shacl/"
            problems.append(Problem(f"sh:{word.removeprefix(str(SH))} is not a SHACL term", remedy, file))
        pointed = {str(value) for path in (SH.path, SH.targetClass, SH["class"]) for value in graph.objects(None, path)}
        for iri in sorted(pointed):
            if iri.startswith(ONTOLOGY) and iri.removeprefix(ONTOLOGY) not in terms:
                problems.append(_undefined_term(iri.removeprefix(ONTOLOGY), file, None))
    return problems


def _undefined_term(term: str, file: Path, line: int | None) -> Problem:
    remedy = "define it in ontology/shisaku.ttl, or correct the name"
    return Problem(f"shisaku:{term} is not defined", remedy, file, line)


def _check_description(graph: Graph, term: URIRef, file: Path) -> Iterator[Problem]:
    for predicate, name in ((RDFS.label, "rdfs:label"), (SKOS.definition, "skos:definition")):
        languages = {getattr(value, "language", None) for value in graph.objects(term, predicate)}
        for language in sorted({"ja", "en"} - languages):
            local = str(term).removeprefix(ONTOLOGY)
            fact = f"shisaku:{local} has no {name} in {language}"
            yield Problem(
                fact, "every term needs a label and a definition in ja and en", file, _line_of_term(file, local)
            )


def _line_of_term(file: Path, local: str) -> int | None:
    lines = read_text(file, ReleaseError).splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith(f"shisaku:{local} ")), None)


def _check_queries(folder: Path, terms: set[str]) -> Iterator[Problem]:
    """Yield the problems of the stored queries: front matter, syntax, and terms that are not defined."""
    try:
        read_queries(folder)
    except KgError as error:
        yield from error.problems
    for file in sorted(folder.glob("*.rq")):
        with suppress(QueryError):  # already reported above
            yield from _check_terms(file, read_text(file, QueryError), terms)


def _check_terms(file: Path, text: str, terms: set[str]) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), 1):
        for match in _TERM.finditer("" if line.lstrip().startswith("#") else line):
            if match[1] not in terms:
                yield _undefined_term(match[1], file, number)
