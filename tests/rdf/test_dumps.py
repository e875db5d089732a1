"""The dumps: six formats of the same statements, the same bytes on any day, and a store that agrees with them."""

import gzip
import hashlib
import json
import shutil
import struct
from pathlib import Path

import pyoxigraph
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, RdfFormat, Store, Triple

from kg.builder.pipeline import build
from kg.core.errors import ReleaseError
from kg.core.jsonld_serializer import compact
from kg.core.paths import project_folders
from kg.core.release import CATALOGUE_GRAPH, VALIDATION_GRAPH, VOID_GRAPH, read_release
from kg.rdf.dump_serializers import WRITTEN_PREFIXES

from ..support.small_releases import kg

PLAIN = {
    "graph.ttl": RdfFormat.TURTLE,
    "graph.nt": RdfFormat.N_TRIPLES,
    "graph.jsonld": RdfFormat.JSON_LD,
    "graph.rdf": RdfFormat.RDF_XML,
}
NAMED = {"graph.trig": RdfFormat.TRIG, "graph.nq": RdfFormat.N_QUADS}
XSD = "http://www.w3.org/2001/XMLSchema#"


def statements(file: Path, format: RdfFormat) -> set[pyoxigraph.Quad]:
    """Return the statements of a dump."""
    return set(pyoxigraph.parse(path=str(file), format=format))


@pytest.fixture(scope="session")
def lines(release: Path) -> list[str]:
    """The lines of the N-Triples dump."""
    return (release / "graph.nt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="session")
def store(release: Path) -> Store:
    """The store of the release, opened read-only."""
    return Store.read_only(str(read_release(release).store_folder()))


@pytest.mark.parametrize("name", PLAIN)
def test_each_format_holds_the_same_statements(release: Path, name: str) -> None:
    """Turtle, N-Triples, JSON-LD and RDF/XML hold exactly the default graph, without blank nodes."""
    expected = statements(release / "graph.nt", RdfFormat.N_TRIPLES)
    found = statements(release / name, PLAIN[name])

    assert found == expected
    assert "_:" not in {str(quad.subject)[:2] for quad in found} | {str(quad.object)[:2] for quad in found}


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # inside rdflib
@pytest.mark.parametrize(("name", "format"), [("graph.jsonld", "json-ld"), ("graph.rdf", "xml")])
def test_another_library_reads_what_people_read(small_release: Path, name: str, format: str) -> None:
    """rdflib, an independent parser, finds every statement of the JSON-LD and the RDF/XML."""
    found = rdflib.Graph().parse(small_release / name, format=format)

    assert len(found) == len((small_release / "graph.nt").read_text(encoding="utf-8").splitlines())
    assert not [node for node in found.all_nodes() if isinstance(node, rdflib.BNode)]


@pytest.mark.parametrize("name", NAMED)
def test_the_datasets_hold_the_graph_and_its_descriptions(release: Path, name: str) -> None:
    """TriG and N-Quads hold the default graph, the catalogue and VoID; no statement stands in two graphs."""
    expected = statements(release / "graph.nt", RdfFormat.N_TRIPLES)
    quads = statements(release / name, NAMED[name])
    default = {quad for quad in quads if quad.graph_name == pyoxigraph.DefaultGraph()}

    assert default == expected
    assert {quad.graph_name.value for quad in quads - default} == {CATALOGUE_GRAPH, VOID_GRAPH, VALIDATION_GRAPH}
    assert len({(quad.subject, quad.predicate, quad.object) for quad in quads}) == len(quads)


def test_the_lines_are_sorted(release: Path, lines: list[str]) -> None:
    """N-Triples lines are sorted by byte, each once; N-Quads begin with the same lines: diffs and greps are easy."""
    quads = (release / "graph.nq").read_text(encoding="utf-8").splitlines()

    assert lines == sorted(set(lines), key=str.encode)
    assert quads[: len(lines)] == lines
    assert len(quads) == len(set(quads))


def test_the_store_the_dumps_and_void_agree(release: Path, store: Store, lines: list[str]) -> None:
    """COUNT(*), the number of N-Triples lines and void:triples are one number; the dump is CONSTRUCT of the graph."""
    counted = next(store.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"))["n"].value
    void = (
        "PREFIX void: <http://rdfs.org/ns/void#> SELECT ?n { GRAPH ?g { DATASET void:dataDump ?f ; void:triples ?n } }"
    )
    whole = f"<https://w3id.org/shisaku/release/{release.name}/dataset.ttl#dataset>"
    stated = [row["n"].value for row in store.query(void.replace("DATASET", whole))]
    constructed = store.query("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }").serialize(format=RdfFormat.N_TRIPLES)

    assert {counted, *stated} == {str(len(lines))}
    assert sorted(constructed.decode().splitlines(), key=str.encode) == lines


def test_the_store_holds_the_named_graphs(release: Path, store: Store) -> None:
    """What is asked about the release at the endpoint comes from the same catalogue and VoID as in the N-Quads."""
    quads = statements(release / "graph.nq", RdfFormat.N_QUADS)

    assert {name.value for name in store.named_graphs()} == {CATALOGUE_GRAPH, VOID_GRAPH, VALIDATION_GRAPH}
    assert len(store) == len(quads)


def test_the_store_is_not_changed_by_reading(release: Path) -> None:
    """Two readers at once are served, and the directory is afterwards what it was: it may stand on a read-only disk."""
    folder = read_release(release).store_folder()
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    both = [Store.read_only(str(folder)) for _ in range(2)]

    assert len(both[0]) == len(both[1])
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_store_of_another_engine_is_told(release: Path, tmp_path: Path) -> None:
    """The manifest names the engine that wrote the store; with another version the remedy is told, not a crash."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "store").mkdir()
    for engine, fact in (("pyoxigraph 0.1", "was written by pyoxigraph 0.1"), ("", "has no store")):
        (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "store": engine}), encoding="utf-8")
        with pytest.raises(ReleaseError, match=fact):
            read_release(tmp_path).store_folder()


def test_the_store_promises_no_bytes(release: Path) -> None:
    """SHA256SUMS and the manifest list every file but those of the store and the search index."""
    sums = {line.split("  ")[1] for line in (release / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    files = {path.name for path in release.iterdir() if path.is_file() and path.suffix != ".sqlite"}

    assert sums == files - {"SHA256SUMS", "manifest.json"}
    assert {file.name for file in read_release(release).files} == files - {"manifest.json"}


@pytest.mark.parametrize("name", [*PLAIN, *NAMED])
def test_each_dump_stands_compressed_beside_itself(release: Path, name: str) -> None:
    """The .gz holds the same bytes, and neither a time nor a file name, so that its own bytes never change."""
    packed = (release / f"{name}.gz").read_bytes()
    magic, method, flags, time, _, system = struct.unpack("<HBBLBB", packed[:10])

    assert gzip.decompress(packed) == (release / name).read_bytes()
    assert (magic, method, flags, time, system) == (0x8B1F, 8, 0, 0, 255)


def test_another_day_makes_no_difference(release: Path, tmp_path: Path) -> None:
    """With a clock that is seventy years ahead every file has the same bytes; dates come from the recipe."""
    ahead = """
import time, datetime
time.time = lambda: 4_000_000_000.5
class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None): return cls(2096, 10, 2, tzinfo=tz)
    utcnow = today = now
datetime.datetime = Later
"""
    result = kg("build", "--out", tmp_path, before=ahead)
    assert result.returncode == 0, result.stderr

    for entry in read_release(release).files:
        content = (tmp_path / "current" / entry.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.sha256, entry.name


NODES = st.sampled_from(
    ["https://w3id.org/shisaku/id/a/b", "http://e/x#y", "http://www.w3.org/2004/02/skos/core#"]
).map(NamedNode)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8)
LITERALS = st.one_of(
    WORDS.map(Literal),
    st.builds(lambda text, tag: Literal(text, language=tag), WORDS, st.sampled_from(["ja", "en", "en-us"])),
    st.builds(
        lambda text, name: Literal(text, datatype=NamedNode(XSD + name)),
        st.sampled_from(["1", "01", "-0", "true", "1.50", "99999999999999999999", "x"]),
        st.sampled_from(["integer", "boolean", "decimal", "date", "string"]),
    ).filter(lambda value: value.datatype.value != XSD + "integer" or value.value.lstrip("-").isdigit()),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.builds(Triple, NODES, NODES, st.one_of(NODES, LITERALS)), max_size=12))
def test_json_ld_says_what_it_was_told(triples: list[Triple]) -> None:
    """Whatever the literals are, the JSON-LD is read back as the same statements, and equal graphs give equal bytes."""
    expected = sorted(set(triples), key=str)
    content = compact(expected, WRITTEN_PREFIXES)
    found = pyoxigraph.parse(content, format=RdfFormat.JSON_LD)

    assert {Triple(q.subject, q.predicate, q.object) for q in found} == set(expected)
    assert compact(sorted(set(triples), key=str), WRITTEN_PREFIXES) == content


def test_a_control_character_in_the_source_is_no_obstacle(small: Path, tmp_path: Path) -> None:
    """The release has every other file, does not describe the missing one, and the build says what is left out."""
    recipe = Path(shutil.copytree(small, tmp_path / "build"))
    source = recipe / "sources" / "municipal-2019"
    document, settings = source / "measures-2019.txt", source / "source.toml"
    before = document.read_bytes()
    document.write_bytes(before.replace("電子委任状".encode(), "電子\x0b委任状".encode()))
    digests = [hashlib.sha256(content).hexdigest() for content in (before, document.read_bytes())]
    settings.write_text(settings.read_text(encoding="utf-8").replace(*digests), encoding="utf-8")
    built = build(project_folders(recipe, tmp_path / "out"))
    there = {file.name for file in built.release.files}

    assert [remark.partition(":")[0] for remark in built.remarks] == ["graph.rdf", "graph.rdf.gz"]
    assert {"graph.ttl", "graph.jsonld", "graph.nq", "shisaku.xlsx", "measures.csv"} <= there
    assert "graph.rdf" not in (built.release.folder / "dataset.ttl").read_text(encoding="utf-8")


def test_each_file_has_a_media_type(release: Path) -> None:
    """No file of a release is served as unknown bytes."""
    types = {file.name: file.media_type for file in read_release(release).files}

    assert "application/octet-stream" not in types.values()
    assert types["csv-metadata.json"] == "application/csvm+json"
    assert types["graph.jsonld"] == "application/ld+json"
    assert types["graph.nt.gz"] == "application/gzip"
