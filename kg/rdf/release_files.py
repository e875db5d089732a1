"""Files of a release other than dumps and tables: curated files, metadata, known problems and stored queries.

Known problems are a text with the curator's description of the document and the counts of the build. Stored queries are
published in RDF as SPARQL executables (SHACL), which query editors and indexes read. Label, comment and keywords are
from the front matter of the files in `queries/`; the query text includes its PREFIX lines, so that it can be copied.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kg.core import iris, sparql_scanner
from kg.core.errors import Problem, RecipeError, ReleaseError
from kg.core.iris import service_description
from kg.core.paths import read_text
from kg.core.release import (
    ALIGNMENTS,
    CATALOGUE_GRAPH,
    CSV_METADATA,
    ENDPOINT,
    ONTOLOGY,
    SHAPES,
    STANDARD_TERMS,
    VALIDATION_GRAPH,
    VOID_GRAPH,
    WORKBOOK,
    ReleasedFile,
)
from kg.rdf.csv_tables import Table, csv_metadata, write_workbook
from kg.rdf.dcat import (
    ReleaseDescription,
    describe_bytes,
    describe_dumps,
    describe_editions,
    describe_files,
    describe_release,
)
from kg.rdf.document_parts import PartSummary
from kg.rdf.dump_serializers import dump_names
from kg.rdf.graph_builder import Graph
from kg.rdf.vocabulary_graph import describe_linksets
from kg.rdf.void_profiler import GraphContents, describe_contents
from kg.recipe import Recipe
from kg.recipe.loader import Catalogue, Text

_DECLARED = {ONTOLOGY: "shisaku.ttl", ALIGNMENTS: "alignments.ttl", STANDARD_TERMS: "standard-terms.ttl"}


def write_about_tables(tables: Sequence[Table], described: ReleaseDescription, folder: Path) -> None:
    """Write the metadata of the tables, and the workbook with all of them."""
    texts, title = described.catalogue, described.title
    folder.joinpath(CSV_METADATA).write_bytes(csv_metadata(tables, texts, title, described.issued))
    write_workbook(folder / WORKBOOK, tables, texts, title, described.version, described.issued)


def declared_files(ontology: Path, shapes: Path) -> dict[str, bytes]:
    """Return the curated files that are published unchanged: ontology, alignments, standard terms and shapes.

    The shapes are concatenated into one file, in the order of their names.
    """
    parts = [read_text(file, ReleaseError).encode() for file in sorted(shapes.glob("*.ttl"))]
    files = {name: read_text(ontology / source, ReleaseError).encode() for name, source in _DECLARED.items()}
    return {**files, SHAPES: b"\n\n".join(parts)}


def release_description(recipe: Recipe, catalogue: Catalogue, version: str) -> ReleaseDescription:
    """Return the metadata of a release from the recipe and the catalogue texts."""
    return ReleaseDescription(
        version, recipe.issued, Text(recipe.title_ja, recipe.title_en), catalogue, recipe.previous
    )


@dataclass(frozen=True)
class GraphProfile:
    """Profile of the default graph: its statistics, the triples of each edition, an example and the links."""

    contents: GraphContents
    editions: Mapping[str, int]
    example: str
    links: Table


def descriptions(
    profile: GraphProfile, described: ReleaseDescription, recipe: Recipe, files: Sequence[ReleasedFile]
) -> tuple[Graph, Graph]:
    """Return the catalogue and the VoID description of a release, for the files that do not include them.

    The dumps that include them are listed without size and checksum, which only `dataset.ttl` can state.
    """
    contents, catalogue = Graph(), Graph()
    names = {file.name for file in files}
    dumps = [*(name for name in dump_names() if name in names), *dump_names(named=True)]
    describe_contents(contents, described.dataset, profile.contents)
    describe_dumps(contents, described, dumps, profile.example)
    describe_linksets(contents, described.dataset, profile.links, recipe.links.targets)
    describe_editions(contents, described, profile.editions)
    graphs = (CATALOGUE_GRAPH, VOID_GRAPH, VALIDATION_GRAPH)
    contents.extend(service_description(ENDPOINT, profile.contents.triples, graphs, described.dataset))
    describe_release(catalogue, described, recipe.sources)
    describe_files(catalogue, described, {*names, *dumps}, recipe.sources)
    describe_bytes(catalogue, described, files)
    return catalogue, contents


_HEADINGS = {
    "warning": ("要注意", "To be minded"),
    "info": ("参考", "For reference"),
}


def known_problems(summaries: Iterable[PartSummary], described: ReleaseDescription) -> bytes:
    """Return the known problems as Markdown in Japanese and English; `issues.csv` has each case."""
    title = described.title
    lines = [f"# {title.ja} {described.version}: 既知の問題 / Known problems", "", described.catalogue.problems.strip()]
    lines += ["", "## この版で数えたもの / Counted in this release", ""]
    lines.append("各件の位置は `issues.csv` にある。 / Each case with its place: `issues.csv`.")
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for severity, kind, ja, en, count in (issue for summary in summaries for issue in summary.issues):
        counted[severity, kind, ja, en] += count
    for severity, heads in _HEADINGS.items():
        ordered = sorted((kind, n, ja, en) for (grade, kind, ja, en), n in counted.items() if grade == severity)
        lines += ["", f"### {heads[0]} / {heads[1]}: {sum(n for _, n, _, _ in ordered)}"]
        lines += ["", *(f"- {n} × `{kind}`: {ja} / {en}" for kind, n, ja, en in ordered)] if ordered else []
    return ("\n".join(lines) + "\n").encode()


# The set of the prefixes that the queries declare; each prefix is `…/query-prefix/<prefix>`.
PREFIX_SET = f"{iris.ID}query-prefix"

_FORMS = {
    "SELECT": ("sh:SPARQLSelectExecutable", "sh:select"),
    "ASK": ("sh:SPARQLAskExecutable", "sh:ask"),
    "CONSTRUCT": ("sh:SPARQLConstructExecutable", "sh:construct"),
}
_PREFIX = re.compile(r"^PREFIX\s+(?P<prefix>[\w.-]*):\s*<(?P<namespace>[^<>]*)>", re.IGNORECASE | re.MULTILINE)


class StoredQuery(Protocol):
    """Interface of a stored query; `kg.core.stored_queries.StoredQuery` implements it."""

    @property
    def name(self) -> str:
        """The question in words, as in the name of its file."""

    @property
    def text(self) -> str:
        """The whole file."""

    @property
    def question(self) -> str:
        """The text without its front matter."""

    @property
    def summary(self) -> str:
        """The summary in English, one line."""

    @property
    def summary_ja(self) -> str:
        """The summary in Japanese, one line."""

    @property
    def description(self) -> str:
        """The content and limits of the answer, in English."""

    @property
    def description_ja(self) -> str:
        """The content and limits of the answer, in Japanese."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Keywords."""


def describe_queries(graph: Graph, stored: Iterable[StoredQuery]) -> None:
    """State each stored query, and the prefixes they declare; raise RecipeError with all problems."""
    namespaces: dict[str, str] = {}
    problems: list[Problem] = []
    for question in stored:
        problems.extend(_prefix_problems(question, namespaces))
        word = sparql_scanner.operation(question.text)
        if word in _FORMS:
            _describe_query(graph, question, *_FORMS[word])
        else:
            fact = f"{question.name}: SHACL has no executable for {word or 'a query without a form'}"
            problems.append(Problem(fact, f"ask by {', '.join(_FORMS)}"))
    if problems:
        raise RecipeError(*problems)
    _describe_prefixes(graph, namespaces)


def _describe_query(graph: Graph, question: StoredQuery, executable: str, predicate: str) -> None:
    subject = graph.about(iris.shared("query", question.name)).a("sh:SPARQLExecutable", executable)
    subject.text("dcterms:identifier", question.name)
    subject.text("rdfs:label", question.summary_ja, "ja").text("rdfs:label", question.summary, "en")
    subject.text("rdfs:comment", question.description_ja, "ja").text("rdfs:comment", question.description, "en")
    for tag in question.tags:
        subject.text("schema:keywords", tag)
    subject.to("sh:prefixes", PREFIX_SET).text(predicate, question.question)


def _prefix_problems(question: StoredQuery, namespaces: dict[str, str]) -> Iterator[Problem]:
    """Add the prefixes of a query to `namespaces`; yield those that another query uses for another one."""
    for match in _PREFIX.finditer(question.text, 0, sparql_scanner.prologue_end(question.text)):
        prefix, namespace = match["prefix"], match["namespace"]
        if namespaces.setdefault(prefix, namespace) != namespace:
            fact = f"{question.name}: {prefix}: is <{namespace}> here and <{namespaces[prefix]}> in another query"
            yield Problem(fact, "use one prefix for one namespace in all queries")


def _describe_prefixes(graph: Graph, namespaces: dict[str, str]) -> None:
    subject = graph.about(PREFIX_SET)
    subject.text("rdfs:label", "質問集の接頭辞", "ja").text("rdfs:label", "Prefixes of the stored queries", "en")
    for prefix, namespace in namespaces.items():
        iri = iris.shared("query-prefix", prefix)
        subject.to("sh:declare", iri)
        declaration = graph.about(iri).a("sh:PrefixDeclaration").text("sh:prefix", prefix)
        declaration.typed("sh:namespace", namespace, "xsd:anyURI")
