"""The stored queries as RDF: SHACL's SPARQL executables, the form in which query editors and indexes look for examples.

Made from the files of `queries/`, never by hand. The front matter becomes label, comment and keywords; the rest is the
text, which keeps its own PREFIX lines so that it survives copy and paste.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from kg.core import iris, sparql_scanner
from kg.core.errors import Problem, RecipeError
from kg.rdf.graph_builder import Graph

# The set of the prefixes that the queries declare; each prefix is `…/query-prefix/<prefix>`.
PREFIX_SET = f"{iris.ID}query-prefix"

_FORMS = {
    "SELECT": ("sh:SPARQLSelectExecutable", "sh:select"),
    "ASK": ("sh:SPARQLAskExecutable", "sh:ask"),
    "CONSTRUCT": ("sh:SPARQLConstructExecutable", "sh:construct"),
}
_PREFIX = re.compile(r"^PREFIX\s+(?P<prefix>[\w.-]*):\s*<(?P<namespace>[^<>]*)>", re.IGNORECASE | re.MULTILINE)


class Question(Protocol):
    """What is asked of a stored query; `kg.core.stored_queries.StoredQuery` is one."""

    @property
    def name(self) -> str:
        """The question in words, as in the name of its file."""

    @property
    def text(self) -> str:
        """The whole file."""

    @property
    def question(self) -> str:
        """The same without its front matter."""

    @property
    def summary(self) -> str:
        """One line in English."""

    @property
    def summary_ja(self) -> str:
        """One line in Japanese."""

    @property
    def description(self) -> str:
        """What the answer holds and leaves out, in English."""

    @property
    def description_ja(self) -> str:
        """What the answer holds and leaves out, in Japanese."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Keywords."""


def questions(graph: Graph, stored: Iterable[Question]) -> None:
    """State each stored query and the prefixes that they declare; raise RecipeError with every problem."""
    namespaces: dict[str, str] = {}
    problems: list[Problem] = []
    for question in stored:
        problems.extend(_prefix_problems(question, namespaces))
        word = sparql_scanner.operation(question.text)
        if word in _FORMS:
            _question(graph, question, *_FORMS[word])
        else:
            fact = f"{question.name}: SHACL has no executable for {word or 'a query without a form'}"
            problems.append(Problem(fact, f"ask by {', '.join(_FORMS)}"))
    if problems:
        raise RecipeError(*problems)
    _prefixes(graph, namespaces)


def _question(graph: Graph, question: Question, executable: str, predicate: str) -> None:
    subject = graph.about(iris.shared("query", question.name)).a("sh:SPARQLExecutable", executable)
    subject.text("dcterms:identifier", question.name)
    subject.text("rdfs:label", question.summary_ja, "ja").text("rdfs:label", question.summary, "en")
    subject.text("rdfs:comment", question.description_ja, "ja").text("rdfs:comment", question.description, "en")
    for tag in question.tags:
        subject.text("schema:keywords", tag)
    subject.to("sh:prefixes", PREFIX_SET).text(predicate, question.question)


def _prefix_problems(question: Question, namespaces: dict[str, str]) -> Iterator[Problem]:
    """Add the prefixes of a query to `namespaces`; yield one that another query uses for something else."""
    for match in _PREFIX.finditer(question.text, 0, sparql_scanner.body_of(question.text)):
        prefix, namespace = match["prefix"], match["namespace"]
        if namespaces.setdefault(prefix, namespace) != namespace:
            fact = f"{question.name}: {prefix}: is <{namespace}> here and <{namespaces[prefix]}> in another query"
            yield Problem(fact, "use one prefix for one namespace in all queries")


def _prefixes(graph: Graph, namespaces: dict[str, str]) -> None:
    subject = graph.about(PREFIX_SET)
    subject.text("rdfs:label", "質問集の接頭辞", "ja").text("rdfs:label", "Prefixes of the stored queries", "en")
    for prefix, namespace in namespaces.items():
        iri = iris.shared("query-prefix", prefix)
        subject.to("sh:declare", iri)
        declaration = graph.about(iri).a("sh:PrefixDeclaration").text("sh:prefix", prefix)
        declaration.typed("sh:namespace", namespace, "xsd:anyURI")
