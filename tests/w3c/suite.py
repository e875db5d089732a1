"""The W3C's tests of SPARQL 1.0 and 1.1 queries: each query, its data, and the answer that is expected."""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from manifests import MF, QT, Manifest
from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Store, parse

ARCHIVE = Path(__file__).with_name("rdf-tests.tar.xz")
# Where the W3C publishes the files; relative names in data and queries are read against it.
BASE = "https://w3c.github.io/rdf-tests/sparql/"
FORMATS = {".ttl": RdfFormat.TURTLE, ".rdf": RdfFormat.RDF_XML, ".nt": RdfFormat.N_TRIPLES}

_FROM = re.compile(r"\bFROM\s+(?:NAMED\s+)?<", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """A test. `data` and `graphs` are files of the default and of the named graphs, `result` the expected answer."""

    name: str
    kinds: frozenset[str]
    file: str
    text: str
    data: tuple[str, ...] = ()
    graphs: tuple[str, ...] = ()
    result: str = ""
    calls_service: bool = False

    @property
    def base(self) -> str:
        """What relative IRIs in the query are read against: its own address."""
        return BASE + self.file

    @property
    def chooses(self) -> bool:
        """Whether the query names its dataset itself, by FROM."""
        return bool(_FROM.search(self.text))

    @property
    def evaluated(self) -> bool:
        """Whether the test asks the query; the others only ask whether it is one."""
        return bool(self.kinds & {"QueryEvaluationTest", "CSVResultFormatTest"})


@cache
def files() -> dict[str, bytes]:
    """Return every file of the archive by its name."""
    with tarfile.open(ARCHIVE) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}


@cache
def cases() -> dict[str, list[Case]]:
    """Return the tests by the folder they are in."""
    found: dict[str, list[Case]] = {}
    for name, content in files().items():
        folder, _, file = name.rpartition("/")
        if file == "manifest.ttl" and "/" in folder:
            found[folder] = list(_read(folder, Manifest(content, BASE + name)))
    return {folder: tests for folder, tests in found.items() if tests}


def _read(folder: str, manifest: Manifest) -> Iterator[Case]:
    for name, kinds, test in manifest.tests():
        [action] = manifest.values(test, MF + "action")
        query = manifest.text(action, QT + "query") or action.value
        file = query.removeprefix(BASE)
        yield Case(
            name=f"{folder}#{name}",
            kinds=frozenset(kinds),
            file=file,
            text=files()[file].decode(),
            data=tuple(manifest_file.value for manifest_file in manifest.values(action, QT + "data")),
            graphs=tuple(manifest_file.value for manifest_file in manifest.values(action, QT + "graphData")),
            result=(manifest.text(test, MF + "result") or "").removeprefix(BASE),
            calls_service=bool(manifest.values(action, QT + "serviceData")) or "service" in file,
        )


@cache
def graphs() -> dict[str, list[Quad]]:
    """Return the quads of each data file that a query is asked of, in a graph named by the file's address."""
    tests = [test for tests in cases().values() for test in tests if test.evaluated]
    named = {iri for test in tests for iri in (*test.data, *test.graphs)}
    # What a query names by FROM lies beside it.
    folders = {test.file.rpartition("/")[0] for test in tests if test.chooses}
    beside = {
        BASE + name
        for name in files()
        if name.rpartition("/")[0] in folders and Path(name).suffix in FORMATS and not name.endswith("manifest.ttl")
    }
    return {iri: list(_quads(iri)) for iri in sorted(named | beside)}


def _quads(iri: str) -> Iterator[Quad]:
    content = files()[iri.removeprefix(BASE)]
    # Blank nodes of two files are never the same, whatever they are called.
    for quad in parse(content, format=FORMATS[Path(iri).suffix], base_iri=iri, rename_blank_nodes=True):
        yield Quad(quad.subject, quad.predicate, quad.object, NamedNode(iri))


def everything() -> str:
    """Return all data files as N-Quads."""
    return "".join(f"{quad} .\n" for quads in graphs().values() for quad in quads)


def store_of(test: Case) -> Store:
    """Return a store with the dataset of a test alone."""
    store = Store()
    named = [iri for iri in graphs() if iri.startswith(test.base.rpartition("/")[0])] if test.chooses else test.graphs
    for iri in named:
        store.add_graph(NamedNode(iri))
        store.extend(graphs()[iri])
    for iri in test.data:
        store.extend(Quad(*quad.triple, DefaultGraph()) for quad in graphs()[iri])
    return store
