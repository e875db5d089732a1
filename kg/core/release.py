"""Layout of a finished release on disk, the only interface between the builder and the server.

out/
  current -> releases/2019.1.0        switched in one rename
  releases/2019.1.0/
    manifest.json                     version, inputs, counts, files; written last
    graph.ttl .nt .jsonld .rdf        the triples of the default graph
    graph.trig .nq                    the same, and the descriptions as named graphs
    graph.….gz                        each of them compressed
    ontology.ttl alignments.ttl       the ontology, and its alignments with other vocabularies
    standard-terms.ttl                labels of terms of standard vocabularies
    shapes.ttl                        the SHACL shapes, in one file
    queries.ttl                       the stored queries
    dataset.ttl                       description of the release: DCAT and VoID
    datacite.json                     the same as DataCite metadata (the release has no DOI)
    edition-municipal-2019.ttl …      the triples of one edition
    validation.ttl validation.html    the SHACL report
    known-problems.md                 known problems
    measures.csv kpis.csv …           the tables, described in csv-metadata.json
    shisaku.xlsx                      the tables in one file
    SHA256SUMS
    store/                            graph.nq as a store that can be opened read-only; its format may change
    search.sqlite                     search index of the names and texts; its format may change

The manifest also has `redirects`: published IRIs that are no longer in use, each with its HTTP answer (301
and its target, or 410), the reason in both languages and the day of the decision, as in `build/redirects.csv`.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph

from kg import __version__
from kg.core.errors import Problem, ReleaseError
from kg.core.iris import BASE, served_iri

# Version of the layout in manifest.json. It is raised when older programs would misread a release, not when a file or a
# figure is added: parts that an older release lacks are optional. OLDEST is the oldest format that is still read.
FORMAT = 1
OLDEST = 1
CURRENT = "current"
RELEASES = "releases"
DRAFT = "draft"  # tables and graph for a preview; not a release
MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
GRAPH = "graph.ttl"
N_TRIPLES = "graph.nt"
ONTOLOGY = "ontology.ttl"
ALIGNMENTS = "alignments.ttl"
STANDARD_TERMS = "standard-terms.ttl"
SHAPES = "shapes.ttl"
QUERIES = "queries.ttl"
N_QUADS = "graph.nq"
DESCRIPTION = "dataset.ttl"
CSV_METADATA = "csv-metadata.json"
DATACITE = "datacite.json"
WORKBOOK = "shisaku.xlsx"
VALIDATION = "validation.ttl"
VALIDATION_PAGE = "validation.html"
KNOWN_PROBLEMS = "known-problems.md"
STORE = "store"
SEARCH = "search.sqlite"

# The named graphs of graph.trig, graph.nq and the store: descriptions that are not part of the data.
CATALOGUE_GRAPH = BASE + "catalog"
VOID_GRAPH = BASE + "void"  # VoID and the service description
VALIDATION_GRAPH = BASE + "validation"
ENDPOINT = BASE + "sparql"

# Engine of the store directory. Another version may use another format.
ENGINE = f"pyoxigraph {pyoxigraph.__version__}"

# Format of the search index. It is raised with every change that makes older ones unusable.
SEARCH_FORMAT = "2"

MEDIA_TYPES = {
    ".ttl": "text/turtle; charset=utf-8",
    ".nt": "application/n-triples; charset=utf-8",
    ".jsonld": "application/ld+json",
    ".rdf": "application/rdf+xml",
    ".trig": "application/trig; charset=utf-8",
    ".nq": "application/n-quads; charset=utf-8",
    ".gz": "application/gzip",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
_UNKNOWN = "application/octet-stream"
_OWN_TYPES = {CSV_METADATA: "application/csvm+json", DATACITE: "application/vnd.datacite.datacite+json"}


@dataclass(frozen=True)
class ReleasedFile:
    """File of a release: its name, its size in bytes and its SHA-256 in hex."""

    name: str
    size: int
    sha256: str

    @property
    def media_type(self) -> str:
        """Media type for HTTP."""
        return _OWN_TYPES.get(self.name) or MEDIA_TYPES.get(Path(self.name).suffix, _UNKNOWN)

    @classmethod
    def of(cls, file: Path) -> "ReleasedFile":
        """Return size and checksum of a file, which may be larger than the memory."""
        with file.open("rb") as content:
            return cls(file.name, file.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())


@dataclass(frozen=True)
class Release:
    """Finished release. `inputs` is the SHA-256 of all its inputs; `counts` are figures of its content.

    `store` names the engine that wrote the store directory; another engine or version may be unable to read it.
    `search` is the format of the search index, empty in a release that has none.
    `redirects` are rows of `build/redirects.csv`: iri, code, target, reason_ja, reason_en, decided_on.
    """

    folder: Path
    version: str
    issued: str
    inputs: str
    program: str
    editions: tuple[dict[str, str], ...]
    counts: dict[str, int]
    files: tuple[ReleasedFile, ...]
    store: str = ""
    redirects: tuple[dict[str, str], ...] = ()
    search: str = ""

    @property
    def redirects_by_iri(self) -> dict[str, dict[str, str]]:
        """Redirects by retired IRI, with the IRIs of this process."""
        rows = [{**row, "target": served_iri(row.get("target", ""))} for row in self.redirects]
        return {served_iri(row["iri"]): row for row in rows}

    @property
    def development(self) -> bool:
        """True for a build between two versions, which is replaced without notice."""
        return "+dev" in self.version

    def path(self, name: str) -> Path:
        """Return the path of a file of the release."""
        return self.folder / name

    def manifest(self) -> dict[str, Any]:
        """Return the content of manifest.json."""
        return {
            "format": FORMAT,
            "version": self.version,
            "issued": self.issued,
            "inputs": self.inputs,
            "program": self.program,
            "editions": list(self.editions),
            "counts": self.counts,
            "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in self.files],
            "store": self.store,
            "redirects": list(self.redirects),
            "search": self.search,
        }

    def has_store(self) -> bool:
        """True if there is a store directory that this engine can open."""
        return self.path(STORE).is_dir() and self.store == ENGINE

    def store_folder(self) -> Path:
        """Return the store directory; raise ReleaseError if there is none that this engine can open."""
        folder = self.path(STORE)
        if not self.has_store():
            fact = f"its store was written by {self.store}, this is {ENGINE}" if self.store else "it has no store"
            remedy = "`kg build` makes one with the next release; until then `kg serve` loads the graph into memory"
            raise ReleaseError(Problem(fact, remedy, folder))
        return folder

    def has_search(self) -> bool:
        """True if there is a search index that this program can open."""
        return self.path(SEARCH).is_file() and self.search == SEARCH_FORMAT

    def search_index(self) -> Path:
        """Return the search index; raise ReleaseError if there is none that this program can open."""
        file = self.path(SEARCH)
        if not self.has_search():
            fact = (
                f"its search index has format {self.search}; this program reads {SEARCH_FORMAT}"
                if self.search
                else "it has no search index"
            )
            remedy = "`kg build` makes one with the next release; until then `kg serve` makes its own at its start"
            raise ReleaseError(Problem(fact, remedy, file))
        return file

    def incompatible_parts(self) -> Iterator[Problem]:
        """Yield a problem for the store or the index if an incompatible version of the program wrote it."""
        for needed, found in ((self.store_folder, self.store), (self.search_index, self.search)):
            try:
                needed()
            except ReleaseError as error:
                yield from error.problems if found else ()

    def damaged_files(self) -> Iterator[Problem]:
        """Yield a problem for each file that is missing or differs from its checksum."""
        remedy = "take the file from a copy of the release"
        for file in self.files:
            try:
                found = ReleasedFile.of(self.path(file.name))
            except OSError as error:
                yield Problem(f"cannot be read: {error.strerror}", remedy, self.path(file.name))
                continue
            if found != file:
                yield Problem("is not the file that was released: its SHA-256 differs", remedy, self.path(file.name))


def dataset_iri(version: str) -> str:
    """Return the IRI of the dataset of a release."""
    return f"{BASE}release/{version}/{DESCRIPTION}#dataset"


def edition_dump(key: str) -> str:
    """Return the name of the dump of one edition."""
    return f"edition-{key}.ttl"


def read_release(folder: Path) -> Release:
    """Read the release in a folder; raise ReleaseError if there is none that this program can read."""
    file = folder / MANIFEST
    remedy = "run `kg build`: it makes a release that this program reads, and leaves this one as it is"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        found = data.get("format")
    except (OSError, ValueError, AttributeError) as error:
        raise ReleaseError(Problem(f"no readable manifest: {error}", remedy, file)) from error
    if not isinstance(found, int):
        raise ReleaseError(Problem("the manifest names no format", remedy, file))
    if not OLDEST <= found <= FORMAT:
        fact = f"release format {found}, made by kg {data.get('program')}; this is kg {__version__}, format {FORMAT}"
        newer = f"install a newer kg (pip install --upgrade shisaku-graph), or {remedy}"
        raise ReleaseError(Problem(fact, newer if found > FORMAT else remedy, file))
    try:
        return _release(folder, data)
    except (KeyError, TypeError) as error:
        raise ReleaseError(Problem(f"incomplete manifest: {error}", remedy, file)) from error


def _release(folder: Path, data: dict[str, Any]) -> Release:
    return Release(
        folder=folder,
        version=data["version"],
        issued=data["issued"],
        inputs=data["inputs"],
        program=data["program"],
        editions=tuple(data["editions"]),
        counts=data["counts"],
        files=tuple(ReleasedFile(**entry) for entry in data["files"]),
        store=data.get("store", ""),
        redirects=tuple(data.get("redirects", ())),
        search=data.get("search", ""),
    )


def current_release(out: Path) -> Release | None:
    """Return the release that `out/current` points to, or None."""
    link = out / CURRENT
    if not link.exists():
        return None
    return read_release(link.resolve())


def list_releases(out: Path) -> list[Release]:
    """Return all readable releases, sorted by folder name."""
    found = []
    for folder in sorted((out / RELEASES).glob("[!.]*")):
        with suppress(ReleaseError):
            found.append(read_release(folder))
    return found


def find_release(out: Path, version: str) -> Release:
    """Return the release of a version; raise ReleaseError, with the existing versions, if it is missing."""
    folder = out / RELEASES / version
    if "/" in version or version.startswith(".") or not folder.is_dir():
        available = sorted(path.name for path in (out / RELEASES).glob("*") if not path.name.startswith("."))
        remedy = f"versions at hand: {', '.join(available)}" if available else "run `kg build` first"
        raise ReleaseError(Problem(f"there is no release {version}", remedy, out / RELEASES))
    return read_release(folder)
