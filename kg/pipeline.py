"""From the recipe to a release: this file reads like a table of contents."""

import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pyoxigraph import Store

from kg import __version__, search
from kg.errors import Problem, ReleaseError
from kg.model.assemble import assemble, print_of
from kg.model.identities import LEDGER, Identity, check_identities, identities_of, ledger_rows
from kg.model.records import Records
from kg.names import BASE, SERVED_BASE
from kg.places import Places
from kg.publish import publish, write_files
from kg.queries import read_queries
from kg.rdf.dumps import LEFT_OUT, dump_names, turtle, write_store
from kg.rdf.files import declared_files, described_as, graph_files, table_files
from kg.rdf.graph import Graph
from kg.rdf.problems import known_problems
from kg.rdf.questions import questions
from kg.rdf.tables import tables
from kg.rdf.triples import triples
from kg.rebasing import REBASED
from kg.recipe import Recipe, read_recipe
from kg.recipe.catalogue import read_catalogue
from kg.recipe.corrections import correct
from kg.releases import (
    DRAFT,
    ENGINE,
    GRAPH,
    KNOWN_PROBLEMS,
    QUERIES,
    RELEASES,
    SEARCH,
    SEARCH_FORMAT,
    STORE,
    VALIDATION,
    VALIDATION_PAGE,
    Release,
    current_release,
    read_release,
)
from kg.search.characters import Characters
from kg.validate import Report, fastest, validate_triples
from kg.validate.page import page

Progress = Callable[[str], None]


@dataclass
class Stages:
    """How long each stage of a build took, in seconds, and who is told when one begins."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage."""
        self.progress(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class Built:
    """A release, whether it was made now, and the records where it was; `remarks` are for the person who built it.

    `new` are the identities that the ledger of published identifiers does not know yet.
    """

    release: Release
    made: bool
    records: Records | None
    seconds: dict[str, float]
    remarks: tuple[str, ...] = ()
    new: tuple[Identity, ...] = ()
    report: Report | None = None


def build(places: Places, progress: Progress = lambda stage: None, engine: str = "") -> Built:
    """Make the release that the recipe describes and switch `out/current` to it; do nothing if it is there already.

    `engine` is the SHACL engine, by default the fastest at hand. Raises ReleaseError where the graph breaks a promise.
    """
    stages = Stages(progress)
    with stages.stage("read the recipe"):
        recipe, catalogue = read_recipe(places.recipe), read_catalogue(places.recipe)
        inputs = inputs_of(places)
    version, remarks = _version(places.out, recipe.version, inputs)
    present = _present(places.out / RELEASES / version, inputs)
    if present:
        publish(present, {}, places.out)
        return Built(present, False, None, stages.seconds, remarks)
    records = read(recipe, stages)
    new = check_identities(identities_of(records), recipe)
    with stages.stage("build the graph"):
        graph = triples(records, recipe)
        statements = graph.statements()
    with stages.stage("validate the graph"):
        report = _conforming(validate_triples(statements, places.shapes, engine or fastest()))
    described = described_as(recipe, catalogue, version)
    with stages.stage("make the tables"):
        files = {
            **table_files(records, described),
            **declared_files(places.ontology, places.shapes),
            QUERIES: stored_questions(places.queries),
            VALIDATION: report.turtle(),
            VALIDATION_PAGE: page(report, statements, f"{recipe.title_ja} {recipe.title_en} {version}"),
            KNOWN_PROBLEMS: known_problems(records, described),
        }
    with stages.stage("make the dumps and descriptions"):
        content = graph_files(statements, records, described, files, report.triples())
    with stages.stage("write the release"):
        draft = _draft(places.out, version, inputs, recipe, records, graph)
        made = {STORE: partial(write_store, quads=content.quads), SEARCH: partial(_index, places=places)}
        release = publish(draft, content.files, places.out, made)
    remarks += tuple(f"{name}: {LEFT_OUT}" for name in dump_names() if name not in content.files)
    return Built(release, True, records, stages.seconds, remarks, tuple(new), report)


def _index(file: Path, places: Places) -> None:
    """Make the search index beside the store, from what the store holds."""
    search.build(Store.read_only(str(file.with_name(STORE))), file, Characters.read(places.recipe))


def draft(places: Places, progress: Progress = lambda stage: None) -> Built:
    """Write only the tables and the graph into `out/draft`, for a look while the recipe is edited; no release."""
    stages = Stages(progress)
    with stages.stage("read the recipe"):
        recipe = read_recipe(places.recipe)
    records = read(recipe, stages)
    with stages.stage("build the graph"):
        graph = triples(records, recipe)
    with stages.stage("write the draft"):
        described = _draft(places.out, recipe.version, "", recipe, records, graph)
        folder = places.out / DRAFT
        write_files(folder, {**{table.file: table.csv() for table in tables(records)}, GRAPH: turtle(graph)})
    return Built(replace(described, folder=folder, version="draft"), True, records, stages.seconds)


def read(recipe: Recipe, stages: Stages) -> Records:
    """Read the documents: their printed cells, the corrections, the records; raise ReleaseError under another base."""
    if REBASED:
        fact = f"what is built has its canonical names, and this process names things under {BASE}"
        raise ReleaseError(Problem(fact, f"unset {SERVED_BASE}; `kg serve --base` renames a release when it is loaded"))
    with stages.stage("read the table"):
        documents = [print_of(source, recipe) for source in recipe.sources]
        printed = [cell for document in documents for line in document.lines for cell in line.cells]
    with stages.stage("correct what is printed"):
        corrected = correct(printed, recipe.corrections)
    with stages.stage("assemble the records"):
        return assemble(documents, corrected, recipe)


def _conforming(report: Report) -> Report:
    """Return the report of what may be published; raise ReleaseError with every violation of another."""
    if not report.conforms:
        remedy = "correct the recipe; `kg build --draft`, then `kg validate out/draft/graph.ttl` shows it in its graph"
        broken = [result for result in report.results if result.severity.endswith("#Violation")]
        raise ReleaseError(*(Problem(f"not published: {result}", remedy) for result in broken))
    return report


def stored_questions(folder: Path) -> bytes:
    """Return the stored queries as Turtle."""
    graph = Graph()
    questions(graph, read_queries(folder))
    return turtle(graph)


def mint(places: Places) -> int:
    """Add the identifiers of the recipe's records that the ledger lacks, to be reviewed as a diff; return how many."""
    recipe = read_recipe(places.recipe)
    new = check_identities(identities_of(read(recipe, Stages(lambda stage: None))), recipe)
    file = places.recipe / LEDGER
    with file.open(encoding="utf-8-sig", newline="") as ledger:
        header, *rows = csv.reader(ledger)
    text = io.StringIO(newline="")
    rows += ledger_rows(new, recipe.version)
    csv.writer(text, lineterminator="\n").writerows([header, *sorted(rows)])
    file.write_text(text.getvalue(), encoding="utf-8")
    return len(new)


def inputs_of(places: Places) -> str:
    """Return the SHA-256 of everything a release is made from: the declarative files, and the program itself."""
    digest = hashlib.sha256(__version__.encode())
    program = Path(__file__).parent
    for name, folder, pattern in (
        ("build", places.recipe, "*"),
        ("ontology", places.ontology, "*.ttl"),
        ("shapes", places.shapes, "*.ttl"),
        ("queries", places.queries, "*.rq"),
        ("kg", program, "*.py"),
    ):
        for file in _files(folder, pattern):
            digest.update(f"{name}/{file.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Path, pattern: str) -> Iterable[Path]:
    # the ledger only records what releases hold: writing to it makes no other release
    found = (file for file in folder.rglob(pattern) if file.is_file() and file.name != LEDGER)
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts))


def is_current(places: Places) -> bool:
    """Whether the release that is served now was made from the files at hand."""
    release = current_release(places.out)
    return release is not None and release.inputs == inputs_of(places)


def _version(out: Path, version: str, inputs: str) -> tuple[str, tuple[str, ...]]:
    """A version is never overwritten: other inputs under a version that exists give a development version.

    So does a release of that version that this program cannot read; a remark tells why.
    """
    folder, remarks = out / RELEASES / version, tuple[str, ...]()
    if not folder.exists():
        return version, ()
    try:
        if read_release(folder).inputs == inputs:
            return version, ()
    except ReleaseError as error:
        remarks = tuple(f"{problem.file}: {problem.fact}; it is left as it is" for problem in error.problems)
    return f"{version}+dev.{inputs[:8]}", remarks


def _present(folder: Path, inputs: str) -> Release | None:
    """Return the release that was made from these inputs before, or None; raise ReleaseError where it is damaged."""
    if not folder.is_dir():
        return None
    remedy = f"remove this folder and run `kg build` again, or choose another with --out: {folder}"
    try:
        release = read_release(folder)
    except ReleaseError as error:
        raise ReleaseError(*(replace(problem, remedy=remedy) for problem in error.problems)) from error
    damage = [replace(problem, remedy=remedy) for problem in release.damage()]
    if damage:
        raise ReleaseError(*damage)
    return release if release.inputs == inputs else None


def _draft(out: Path, version: str, inputs: str, recipe: Recipe, records: Records, graph: Graph) -> Release:
    editions = tuple(
        {"key": edition.source.key, **{k: edition.source.described[k] for k in ("title_ja", "title_en")}}
        for edition in records.editions
    )
    measures = records.measures
    counts = {
        "triples": len(graph),
        "measures": len(measures),
        "kpis": sum(len(measure.kpis) for measure in measures),
        "targets": sum(len(kpi.targets) for measure in measures for kpi in measure.kpis),
        "organizations": len({b.iri for m in measures for b in m.lead + m.participating}),
        "documents": len({document.iri for measure in measures for document in measure.documents}),
        "issues": len(records.issues),
    }
    folder = out / RELEASES / version
    redirects = tuple(dict(row.values) for row in recipe.tables["redirects"].rows)
    return Release(
        folder, version, recipe.issued, inputs, __version__, editions, counts, (), ENGINE, redirects, SEARCH_FORMAT
    )
