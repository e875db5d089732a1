"""Build pipeline: from the recipe to a published release, a draft, or tables in memory.

Documents are read one by one, and later stages work on sorted files on disk: memory does not grow with the number of
documents, and the bytes do not depend on the number of processes.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kg.builder.document_reader import DocumentReader, Tables, pool_reader, read_documents, tables_of
from kg.builder.edition_validator import ShapeSet, validate_graph
from kg.builder.fingerprint import choose_version, compute_fingerprint, find_release
from kg.builder.process_pool import ProcessPool
from kg.builder.progress import Progress, StageTimer
from kg.builder.release_publisher import publish, switch_to, work_folder
from kg.builder.release_writer import BuildContext, ReleaseWriter, count_contents, make_release
from kg.core.errors import KgError, Problem, ReleaseError
from kg.core.iris import BASE, REBASED, SERVED_BASE
from kg.core.paths import LEDGER, Folders, processor_count
from kg.core.release import DRAFT, GRAPH, N_TRIPLES, RELEASES, Release
from kg.model.assembler import check_corrections, read_document, read_revisions_and_plans
from kg.model.edition_matcher import features_of
from kg.model.identifier_ledger import Identity, check_identities, ledger_rows, list_identities
from kg.model.records import MeasureFeatures, Records
from kg.model.reference_data import references_of, shared_things
from kg.rdf.document_parts import PartSummary, gather_graph, gather_identities, gather_tables
from kg.rdf.dump_serializers import OMITTED, dump_names, write_turtle
from kg.rdf.release_files import release_description
from kg.rdf.shacl_validator import Report, fastest_engine
from kg.recipe import Recipe, read_recipe
from kg.recipe.corrections import recurring_corrections
from kg.recipe.loader import read_catalogue


@dataclass(frozen=True)
class BuildResult:
    """Result of a build: the release, whether it was made now, and the summary of each part if so.

    `remarks` are messages for the user; `new` is the number of identities that the ledger of published identifiers
    lacks.
    """

    release: Release
    made: bool
    summaries: tuple[PartSummary, ...]
    seconds: dict[str, float]
    remarks: tuple[str, ...] = ()
    new: int = 0
    report: Report | None = None


def build(
    places: Folders,
    progress: Progress = lambda stage: None,
    engine: str = "",
    processes: int = 0,
    reader: DocumentReader | None = None,
) -> BuildResult:
    """Make the release that the recipe describes, and point `out/current` to it; reuse it if it exists.

    `engine` is the SHACL engine, by default the fastest installed; `processes` is the number of processes, by default
    one for each processor; `reader` reads the documents, by default in these processes. Raises ReleaseError if the
    graph violates a shape.
    """
    return _Builder(places, StageTimer(progress), engine or fastest_engine()).run(
        processes or processor_count(), reader
    )


@dataclass
class _Builder:
    """State of one build: folders, stage timer and SHACL engine."""

    places: Folders
    stages: StageTimer
    engine: str

    def run(self, processes: int, reader: DocumentReader | None) -> BuildResult:
        """Return the release, made now or reused."""
        places, stages = self.places, self.stages
        with stages.stage("read the recipe"):
            recipe, catalogue = read_recipe(places.recipe), read_catalogue(places.recipe)
            inputs = compute_fingerprint(places)
        version, remarks = choose_version(places.out, recipe.version, inputs)
        remarks += tuple(f"{remark.file}:{remark.line}: {remark.fact}" for remark in recipe.remarks)
        existing = find_release(places.out / RELEASES / version, inputs)
        if existing:
            switch_to(existing, places.out)
            return BuildResult(existing, False, (), stages.seconds, remarks)
        _check_base()
        described = release_description(recipe, catalogue, version)
        with work_folder(places.out, inputs) as work, ProcessPool(processes, recipe) as pool:
            with stages.stage("read the documents"):
                parts = read_documents(recipe, work / "parts", reader or pool_reader(pool), stages.progress)
                new = sum(1 for _ in check_identities(gather_identities(parts, work), recipe))
            shape_set = ShapeSet(places.shapes, self.engine)
            writer = ReleaseWriter(places, shape_set, described, parts, BuildContext(recipe, work, pool, stages))
            release = publish(version, places.out, lambda staging: replace(writer.write(staging), inputs=inputs))
        written = {file.name for file in release.files}
        remarks += _recurring_remarks(recipe)
        remarks += tuple(f"{name}: {OMITTED}" for name in dump_names() if name not in written)
        return BuildResult(release, True, writer.summaries, stages.seconds, remarks, new, writer.results.report())


def _recurring_remarks(recipe: Recipe) -> tuple[str, ...]:
    """Return for each document the number of misreadings that an earlier edition's correction matches."""
    counts = Counter(offer.file for offer in recurring_corrections(recipe.sources, recipe.corrections))
    return tuple(
        f"{file}: {count} corrections of earlier editions fit here, too; `kg check` gives the rows to add"
        for file, count in counts.items()
    )


def draft(places: Folders, progress: Progress = lambda stage: None, processes: int = 0) -> BuildResult:
    """Write only the tables and the graph into `out/draft`, for review while the recipe is edited."""
    stages, folder = StageTimer(progress), places.out / DRAFT
    with stages.stage("read the recipe"):
        recipe = read_recipe(places.recipe)
        _check_base()
    with work_folder(places.out, DRAFT) as work, ProcessPool(processes or processor_count(), recipe) as pool:
        with stages.stage("read the documents"):
            parts = read_documents(recipe, work / "parts", pool_reader(pool), progress)
        with stages.stage("write the draft"):
            folder.mkdir(parents=True, exist_ok=True)
            tables = gather_tables(parts, folder, work)
            gather_graph(parts, work / N_TRIPLES, work)
            triples = write_turtle(work / N_TRIPLES, folder / GRAPH)
        summaries = tuple(part.summary() for part in parts)
    release = make_release(folder, "draft", recipe, count_contents(summaries, tables, triples))
    return BuildResult(release, True, summaries, stages.seconds)


def read(document: bytes, recipe: Recipe, key: str = "") -> Tables:
    """Return the tables that a document gives with the rules, code lists and corrections of a recipe, in memory.

    `document` is the table as UTF-8 text, in any state: its SHA-256 is not checked. `key` is the edition of the recipe
    as which it is read; it may be omitted if there is only one. Returns the tables as rows, with their graph:

        from pathlib import Path
        from kg.builder.pipeline import read
        from kg.recipe import read_recipe

        tables = read(Path("measures.txt").read_bytes(), read_recipe(Path("build")))
        print([row["title_ja"] for row in tables["measures"]])

    Raises SourceError if the document is empty, not UTF-8 or without a measure, RecipeError if there is no such edition
    or a correction does not fit: `dataclasses.replace(recipe, corrections=())` reads the document as printed.
    """
    _check_base()
    return tables_of(document, recipe, key)


def validate_release(release: Release, shapes: Path, engine: str = "", processes: int = 0) -> Report:
    """Return the validation report of a release; a large graph is validated edition by edition, to save memory."""
    graph = release.path(N_TRIPLES)
    shape_set = ShapeSet(shapes, engine or fastest_engine())
    keys = [edition["key"] for edition in release.editions]
    with TemporaryDirectory() as work, ProcessPool(processes or processor_count(), None) as pool:
        return validate_graph(graph, keys, shape_set, Path(work), pool, lambda stage: None).report()


def _check_base() -> None:
    """Raise ReleaseError if this process uses another base IRI: builds have canonical IRIs only."""
    if REBASED:
        fact = f"what is built has its canonical names, and this process names things under {BASE}"
        raise ReleaseError(Problem(fact, f"unset {SERVED_BASE}; `kg serve --base` renames a release when it is loaded"))


def check_documents(recipe: Recipe, whole: bool = True) -> None:
    """Read every document as a build would, and check the identifiers; raise all problems together.

    If the recipe is not `whole`, identifiers are not checked, since they would seem to be lost.
    """
    _check_base()
    if not whole:
        _read_all(recipe)
        return
    for _ in check_identities(_read_identities(recipe), recipe):
        pass


def _read_identities(recipe: Recipe) -> list[Identity]:
    """Return the identities of all IRIs of a recipe's records; raise the problems of all documents together."""
    check_corrections(recipe)
    identities, features, used = _read_all(recipe)
    for records in (Records((), references_of(recipe, used)), *read_revisions_and_plans(recipe, features.__getitem__)):
        identities = list_identities(records) | identities
    return list(identities.values())


def _read_all(recipe: Recipe) -> tuple[dict[str, Identity], dict[str, list[MeasureFeatures]], set[str]]:
    """Read every document; return its identities, the features of its measures, and the shared things it names."""
    identities: dict[str, Identity] = {}
    features: dict[str, list[MeasureFeatures]] = {}
    used, wrong = set[str](), list[KgError]()
    for source in recipe.sources:
        try:
            records = read_document(source, recipe)
        except KgError as error:
            wrong.append(error)
            continue
        identities = list_identities(records) | identities
        features[source.key] = [features_of(measure) for measure in records.measures]
        used |= {iri for edition in records.editions for iri in shared_things(edition)}
    if wrong:
        raise type(wrong[0])(*(problem for error in wrong for problem in error.problems))
    return identities, features, used


def mint(places: Folders) -> int:
    """Add the identifiers that the ledger lacks, for review as a diff; return their number."""
    recipe = read_recipe(places.recipe)
    _check_base()
    new = list(check_identities(_read_identities(recipe), recipe))
    file = places.recipe / LEDGER
    with file.open(encoding="utf-8-sig", newline="") as ledger:
        header, *rows = csv.reader(ledger)
    text = io.StringIO(newline="")
    rows += ledger_rows(new, recipe.version)
    csv.writer(text, lineterminator="\n").writerows([header, *sorted(rows)])
    file.write_text(text.getvalue(), encoding="utf-8")
    return len(new)
