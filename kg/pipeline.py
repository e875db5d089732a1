"""From the recipe to a release: this file reads like a table of contents."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kg import __version__
from kg.model.assemble import assemble, print_of
from kg.model.records import Records
from kg.places import Places
from kg.publish import publish
from kg.rdf.graph import Graph
from kg.rdf.tables import tables
from kg.rdf.triples import triples
from kg.recipe import Recipe, read_recipe
from kg.recipe.corrections import correct
from kg.releases import GRAPH, ONTOLOGY, RELEASES, Release, current_release, read_release

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
    """A release, whether it was made now, and the records where it was."""

    release: Release
    made: bool
    records: Records | None
    seconds: dict[str, float]


def build(places: Places, progress: Progress = lambda stage: None) -> Built:
    """Make the release that the recipe describes and switch `out/current` to it; do nothing if it is there already."""
    stages = Stages(progress)
    with stages.stage("read the recipe"):
        recipe = read_recipe(places.recipe)
        inputs = inputs_of(places)
    version = _version(places.out, recipe.version, inputs)
    present = _present(places.out / RELEASES / version, inputs)
    if present:
        publish(present, {}, places.out)
        return Built(present, False, None, stages.seconds)
    records = read(recipe, stages)
    with stages.stage("build the graph"):
        graph = triples(records, recipe)
    with stages.stage("write the release"):
        files = {GRAPH: graph.turtle(), **tables(records), ONTOLOGY: ontology(places.ontology)}
        draft = _draft(places.out, version, inputs, recipe, records, graph)
        release = publish(draft, files, places.out)
    return Built(release, True, records, stages.seconds)


def read(recipe: Recipe, stages: Stages) -> Records:
    """Read the documents: their printed cells, the corrections, the records."""
    with stages.stage("read the table"):
        documents = [print_of(source, recipe) for source in recipe.sources]
        printed = [cell for document in documents for line in document.lines for cell in line.cells]
    with stages.stage("correct what is printed"):
        corrected = correct(printed, recipe.corrections)
    with stages.stage("assemble the records"):
        return assemble(documents, corrected, recipe)


def ontology(folder: Path) -> bytes:
    """Return the ontology as it was laid by hand."""
    return (folder / "shisaku.ttl").read_bytes()


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
    found = (file for file in folder.rglob(pattern) if file.is_file())
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts))


def is_current(places: Places) -> bool:
    """Whether the release that is served now was made from the files at hand."""
    release = current_release(places.out)
    return release is not None and release.inputs == inputs_of(places)


def _version(out: Path, version: str, inputs: str) -> str:
    """A version is never overwritten: other inputs under a version that exists give a development version."""
    folder = out / RELEASES / version
    if not folder.exists() or _present(folder, inputs):
        return version
    return f"{version}+dev.{inputs[:8]}"


def _present(folder: Path, inputs: str) -> Release | None:
    if not folder.is_dir():
        return None
    release = read_release(folder)
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
    return Release(folder, version, recipe.issued, inputs, __version__, editions, counts, ())
