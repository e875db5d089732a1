"""The dumps of a release: the same statements in six formats, sorted, the same bytes from build to build.

Turtle, N-Triples, JSON-LD and RDF/XML hold the default graph; TriG and N-Quads hold the named graphs, too. Each edition
has a Turtle file of its own.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.parsers import expat

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, Triple, parse, serialize

from kg.jsonld import compact
from kg.names import ID, PREFIXES
from kg.rdf.graph import Graph
from kg.releases import GRAPH, edition_dump

_NAME = Path(GRAPH).stem
WRITTEN_PREFIXES = {**PREFIXES, "id": ID}
_FORMATS = {".ttl": RdfFormat.TURTLE, ".nt": RdfFormat.N_TRIPLES, ".rdf": RdfFormat.RDF_XML}
_QUAD_FORMATS = {".trig": RdfFormat.TRIG, ".nq": RdfFormat.N_QUADS}
# No file name, no time, unknown system (RFC 1952). gzip.compress() writes another head in other Pythons.
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_GZIP_LEVEL = 7  # level 9 saves 5% and takes more than twice the time

LEFT_OUT = "left out, because XML cannot express a character in the source; every other format holds it"


def dump_names(named: bool = False) -> list[str]:
    """Return the names of the dumps of the default graph, or of those that hold the named graphs, too."""
    plain = [_NAME + suffix for suffix in (_QUAD_FORMATS if named else (*_FORMATS, ".jsonld"))]
    return [*plain, *(f"{name}.gz" for name in plain)]


def turtle(graph: Graph) -> bytes:
    """Return a graph as Turtle."""
    return _written(graph.statements(), RdfFormat.TURTLE)


def graph_dumps(statements: Sequence[Triple]) -> dict[str, bytes]:
    """Return the dumps of the default graph by name, each also compressed.

    RDF/XML is left out where XML cannot express the graph (a control character in a printed text): better none than
    one that no parser reads, or that says something else.
    """
    files = {_NAME + suffix: _written(statements, format) for suffix, format in _FORMATS.items()}
    files[_NAME + ".jsonld"] = compact(statements, WRITTEN_PREFIXES)
    if not _is_xml(files[_NAME + ".rdf"]):
        del files[_NAME + ".rdf"]
    return with_gzip(files)


def edition_dumps(editions: Mapping[str, Sequence[Triple]]) -> dict[str, bytes]:
    """Return the dump of each edition (its statements by its key) by name, each also compressed."""
    return with_gzip({edition_dump(key): _written(said, RdfFormat.TURTLE) for key, said in editions.items()})


def quads_of(statements: bytes, named: Mapping[str, Sequence[Triple]]) -> list[Quad]:
    """Return the whole dataset: the default graph (sorted N-Triples), then each named graph in the order of the names.

    The engine makes quads of text three times as fast as of triples.
    """
    quads = list(parse(statements, format=RdfFormat.N_TRIPLES))
    for name, triples in sorted(named.items()):
        node = NamedNode(name)
        quads += [Quad(triple.subject, triple.predicate, triple.object, node) for triple in triples]
    return quads


def dataset_dumps(quads: Sequence[Quad]) -> dict[str, bytes]:
    """Return the dumps of the whole dataset by name, each also compressed."""
    return with_gzip({_NAME + suffix: _written(quads, format) for suffix, format in _QUAD_FORMATS.items()})


def write_store(folder: Path, quads: Sequence[Quad]) -> None:
    """Make a store directory that can be opened read-only. Its bytes differ from build to build."""
    store = Store(str(folder))
    store.bulk_extend(quads)
    store.optimize()
    store.flush()
    (folder / "LOG").unlink(missing_ok=True)  # what the engine did and on which machine: nobody needs it


def with_gzip(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files, each with its compressed form beside it."""
    return {**files, **{f"{name}.gz": _gzip(content) for name, content in files.items()}}


def _gzip(content: bytes) -> bytes:
    deflate = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    return _GZIP_HEAD + body + struct.pack("<LL", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def _written(statements: Sequence[Triple] | Sequence[Quad], format: RdfFormat) -> bytes:
    data = serialize(statements, format=format, prefixes=WRITTEN_PREFIXES)
    assert data is not None  # bytes are returned where no output is given
    return data


def _is_xml(content: bytes) -> bool:
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(content, True)
    except expat.ExpatError:
        return False
    return True
