"""From the recipe to a release: this file reads like a table of contents.

Documents are read one by one, and everything after that goes by way of the disk in sorted parts: memory does not grow
with the number of documents, and any number of processes makes the same bytes.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kg.builder.document_reader import Reading, Tables, by_crew, read_documents, tables_of
from kg.builder.edition_validator import Promises, validate_graph
from kg.builder.fingerprint import inputs_of, present, version_of
from kg.builder.process_pool import Crew
from kg.builder.progress import Progress, Stages
from kg.builder.release_publisher import publish, switch_to, workbench
from kg.builder.release_writer import Filling, Tools, counts_of, release_of
from kg.core.errors import KgError, Problem, ReleaseError
from kg.core.iris import BASE, REBASED, SERVED_BASE
from kg.core.paths import LEDGER, Folders
from kg.core.release import DRAFT, GRAPH, N_TRIPLES, RELEASES, Release
from kg.core.system import processor_count
from kg.model.assembler import check_corrections, read_beside, read_document
from kg.model.edition_matcher import listed_of
from kg.model.identifier_ledger import Identity, check_identities, identities_of, ledger_rows
from kg.model.records import Listed, Records
from kg.model.reference_data import references_of, used_by
from kg.rdf.document_parts import Gist, gather_graph, gather_identities, gather_tables
from kg.rdf.dump_serializers import LEFT_OUT, dump_names, write_turtle
from kg.rdf.release_files import described_as
from kg.rdf.shacl_validator import Report, fastest
from kg.recipe import Recipe, read_recipe
from kg.recipe.corrections import returning
from kg.recipe.release_texts import read_catalogue


@dataclass(frozen=True)
class Built:
    """A release, whether it was made now, and the gist of each part where it was; `remarks` are for who built it.

    `new` is how many identities the ledger of published identifiers does not know yet.
    """

    release: Release
    made: bool
    gists: tuple[Gist, ...]
    seconds: dict[str, float]
    remarks: tuple[str, ...] = ()
    new: int = 0
    report: Report | None = None


def build(
    places: Folders,
    progress: Progress = lambda stage: None,
    engine: str = "",
    processes: int = 0,
    reading: Reading | None = None,
) -> Built:
    """Make the release that the recipe describes and switch `out/current` to it; do nothing if it is there already.

    `engine` is the SHACL engine, by default the fastest at hand; `processes` share the work, by default one for each
    processor; `reading` reads the documents in their place. Raises ReleaseError where the graph breaks a promise.
    """
    return _Build(places, Stages(progress), engine or fastest()).make(processes or processor_count(), reading)


@dataclass
class _Build:
    """One build: where, with which engine, and how long its stages took."""

    places: Folders
    stages: Stages
    engine: str

    def make(self, processes: int, reading: Reading | None) -> Built:
        """Make the release, or find it."""
        places, stages = self.places, self.stages
        with stages.stage("read the recipe"):
            recipe, catalogue = read_recipe(places.recipe), read_catalogue(places.recipe)
            inputs = inputs_of(places)
        version, remarks = version_of(places.out, recipe.version, inputs)
        remarks += tuple(f"{remark.file}:{remark.line}: {remark.fact}" for remark in recipe.remarks)
        there = present(places.out / RELEASES / version, inputs)
        if there:
            switch_to(there, places.out)
            return Built(there, False, (), stages.seconds, remarks)
        _refuse_another_base()
        described = described_as(recipe, catalogue, version)
        with workbench(places.out, inputs) as work, Crew(processes, recipe) as crew:
            with stages.stage("read the documents"):
                parts = read_documents(recipe, work / "parts", reading or by_crew(crew), stages.progress)
                new = sum(1 for _ in check_identities(gather_identities(parts, work), recipe))
            promises = Promises(places.shapes, self.engine)
            filling = Filling(places, promises, described, parts, Tools(recipe, work, crew, stages))
            release = publish(version, places.out, lambda staging: replace(filling.fill(staging), inputs=inputs))
        there_now = {file.name for file in release.files}
        remarks += _returning(recipe)
        remarks += tuple(f"{name}: {LEFT_OUT}" for name in dump_names() if name not in there_now)
        return Built(release, True, filling.gists, stages.seconds, remarks, new, filling.found.report())


def _returning(recipe: Recipe) -> tuple[str, ...]:
    """Return how many misreadings have come back, which an earlier edition's correction knows."""
    found = Counter(offer.file for offer in returning(recipe.sources, recipe.corrections))
    return tuple(
        f"{file}: {count} corrections of earlier editions fit here, too; `kg check` gives the rows to add"
        for file, count in found.items()
    )


def draft(places: Folders, progress: Progress = lambda stage: None, processes: int = 0) -> Built:
    """Write only the tables and the graph into `out/draft`, for a look while the recipe is edited; no release."""
    stages, folder = Stages(progress), places.out / DRAFT
    with stages.stage("read the recipe"):
        recipe = read_recipe(places.recipe)
        _refuse_another_base()
    with workbench(places.out, DRAFT) as work, Crew(processes or processor_count(), recipe) as crew:
        with stages.stage("read the documents"):
            parts = read_documents(recipe, work / "parts", by_crew(crew), progress)
        with stages.stage("write the draft"):
            folder.mkdir(parents=True, exist_ok=True)
            tables = gather_tables(parts, folder, work)
            gather_graph(parts, work / N_TRIPLES, work)
            triples = write_turtle(work / N_TRIPLES, folder / GRAPH)
        gists = tuple(part.gist() for part in parts)
    release = release_of(folder, "draft", recipe, counts_of(gists, tables, triples))
    return Built(release, True, gists, stages.seconds)


def read(document: bytes, recipe: Recipe, key: str = "") -> Tables:
    """Read a document with the rules, code lists and corrections of a recipe, in memory: nothing is written.

    `document` is the table as UTF-8 text, in any state: its SHA-256 is not asked for. `key` says as which edition of
    the recipe it is read, and may be left out where there is one. Returns the tables as rows, with their graph:

        from pathlib import Path
        from kg.builder.pipeline import read
        from kg.recipe import read_recipe

        tables = read(Path("measures.txt").read_bytes(), read_recipe(Path("build")))
        print([row["title_ja"] for row in tables["measures"]])

    Raises SourceError where the document is empty, no UTF-8 or prints no measure, RecipeError where there is no such
    edition or a correction does not fit: `dataclasses.replace(recipe, corrections=())` reads what is printed.
    """
    _refuse_another_base()
    return tables_of(document, recipe, key)


def validate_release(release: Release, shapes: Path, engine: str = "", processes: int = 0) -> Report:
    """Validate the graph of a release; one that is large edition by edition, which takes little memory."""
    graph = release.path(N_TRIPLES)
    promises = Promises(shapes, engine or fastest())
    keys = [edition["key"] for edition in release.editions]
    with TemporaryDirectory() as work, Crew(processes or processor_count(), None) as crew:
        return validate_graph(graph, keys, promises, Path(work), crew, lambda stage: None).report()


def _refuse_another_base() -> None:
    if REBASED:
        fact = f"what is built has its canonical names, and this process names things under {BASE}"
        raise ReleaseError(Problem(fact, f"unset {SERVED_BASE}; `kg serve --base` renames a release when it is loaded"))


def check_documents(recipe: Recipe, whole: bool = True) -> None:
    """Read every document as a build would, and check the identifiers; raise every problem at once.

    Of a recipe that is not whole only the documents are read, with what there is of it: identifiers would seem lost.
    """
    _refuse_another_base()
    if not whole:
        _read_all(recipe)
        return
    for _ in check_identities(_identities(recipe), recipe):
        pass


def _identities(recipe: Recipe) -> list[Identity]:
    """Return what every IRI of the recipe's records names; raise the problems of all documents at once."""
    check_corrections(recipe)
    found, listed, used = _read_all(recipe)
    for records in (Records((), references_of(recipe, used)), *read_beside(recipe, listed.__getitem__)):
        found = identities_of(records) | found
    return list(found.values())


def _read_all(recipe: Recipe) -> tuple[dict[str, Identity], dict[str, list[Listed]], set[str]]:
    """Read every document: what its IRIs name, the measures of each edition, and the shared things that it names."""
    found: dict[str, Identity] = {}
    listed: dict[str, list[Listed]] = {}
    used, wrong = set[str](), list[KgError]()
    for source in recipe.sources:
        try:
            records = read_document(source, recipe)
        except KgError as error:
            wrong.append(error)
            continue
        found = identities_of(records) | found
        listed[source.key] = [listed_of(measure) for measure in records.measures]
        used |= {iri for edition in records.editions for iri in used_by(edition)}
    if wrong:
        raise type(wrong[0])(*(problem for error in wrong for problem in error.problems))
    return found, listed, used


def mint(places: Folders) -> int:
    """Add the identifiers of the recipe's records that the ledger lacks, to be reviewed as a diff; return how many."""
    recipe = read_recipe(places.recipe)
    _refuse_another_base()
    new = list(check_identities(_identities(recipe), recipe))
    file = places.recipe / LEDGER
    with file.open(encoding="utf-8-sig", newline="") as ledger:
        header, *rows = csv.reader(ledger)
    text = io.StringIO(newline="")
    rows += ledger_rows(new, recipe.version)
    csv.writer(text, lineterminator="\n").writerows([header, *sorted(rows)])
    file.write_text(text.getvalue(), encoding="utf-8")
    return len(new)
