"""Dumps of a release: the same statements in six RDF formats, sorted, byte-identical from build to build.

Turtle, N-Triples, JSON-LD and RDF/XML hold the default graph; TriG and N-Quads hold the named graphs, too. Any process
serializes and compresses a chunk, and the pieces are concatenated in order.

A compressed file is a single gzip member (RFC 1952, RFC 1951), since some clients do not read several. Its bytes depend
only on the pieces.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from xml.parsers import expat

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, Triple, parse, serialize

from kg.core import jsonld_serializer
from kg.core.iris import ID, PREFIXES
from kg.core.release import GRAPH
from kg.rdf.edition_dumps import Chunk, chunks_of
from kg.rdf.graph_builder import Graph
from kg.rdf.void_profiler import ChunkCounts, count_chunk

# No file name, no time, unknown system (RFC 1952). The header of gzip.compress() depends on the Python version.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"  # an empty last block
_LEVEL = 7  # level 9 saves 5% and takes more than twice the time
_COPY_SIZE = 1 << 20


def deflate(piece: bytes) -> bytes:
    """Return a piece as complete deflate blocks that end at a byte boundary, none of them the last."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(piece) + deflate.flush(zlib.Z_SYNC_FLUSH)


def gzip_bytes(content: bytes) -> bytes:
    """Return some content as a gzip file."""
    return _GZIP_HEADER + deflate(content) + _gzip_trailer(zlib.crc32(content), len(content))


def _gzip_trailer(crc: int, size: int) -> bytes:
    return _LAST_BLOCK + struct.pack("<LL", crc, size & 0xFFFFFFFF)


class GzipFile:
    """Writer of an optional plain file and its compressed form."""

    def __init__(self, plain: Path | None, compressed: Path) -> None:
        self._files = [file for file in (plain, compressed) if file]
        self._plain: BinaryIO | None = plain.open("wb") if plain else None
        self._compressed = compressed.open("wb")
        self._compressed.write(_GZIP_HEADER)
        self._crc, self._size, self._closed = 0, 0, False

    def __enter__(self) -> "GzipFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def write(self, content: bytes) -> None:
        """Write some bytes."""
        if content:
            self._write_plain(content)
            self._compressed.write(deflate(content))

    def append(self, piece: Path, compressed: Path) -> None:
        """Append the content of a file, and of another file with its deflated form."""
        with piece.open("rb") as content, compressed.open("rb") as blocks:
            while part := content.read(_COPY_SIZE):
                self._write_plain(part)
            while part := blocks.read(_COPY_SIZE):
                self._compressed.write(part)

    def _write_plain(self, content: bytes) -> None:
        self._crc, self._size = zlib.crc32(content, self._crc), self._size + len(content)
        if self._plain:
            self._plain.write(content)

    def close(self) -> None:
        """Finish both files."""
        if not self._closed:
            self._closed = True
            self._compressed.write(_gzip_trailer(self._crc, self._size))
            self._compressed.close()
            if self._plain:
                self._plain.close()

    def remove(self) -> None:
        """Close and remove both files."""
        self.close()
        for file in self._files:
            file.unlink()


_NAME = Path(GRAPH).stem
WRITTEN_PREFIXES = {**PREFIXES, "id": ID}
_FORMATS = (".ttl", ".nt", ".rdf", ".jsonld")
_QUAD_FORMATS = {".trig": RdfFormat.TRIG, ".nq": RdfFormat.N_QUADS}
# TriG and N-Quads begin with the default graph in these formats.
_BASE_FORMATS = {".trig": ".ttl", ".nq": ".nt"}
_END_OF_XML = b"\n</rdf:RDF>"
# Bytes of a batch: to load 480 MB in batches takes 220 MB of memory and 25% more time, at once 1,470 MB.
_LOAD_SIZE = 32 << 20
# Functions that return the statements of a named graph, by its IRI.
NamedGraphs = Mapping[str, Callable[[], Iterable[Triple]]]

OMITTED = "left out, because XML cannot express a character in the source; every other format holds it"


def dump_names(named: bool = False) -> list[str]:
    """Return the names of the dumps of the default graph, or of those that hold the named graphs, too."""
    plain = [_NAME + suffix for suffix in (_QUAD_FORMATS if named else _FORMATS)]
    return [*plain, *(f"{name}.gz" for name in plain)]


def turtle(graph: Graph) -> bytes:
    """Return a graph as Turtle."""
    return serialize_statements(graph.statements(), RdfFormat.TURTLE)


def serialize_statements(statements: Iterable[Triple] | Iterable[Quad], format: RdfFormat) -> bytes:
    """Return statements in a format, with the prefixes of every dump."""
    data = serialize(statements, format=format, prefixes=WRITTEN_PREFIXES)
    assert data is not None  # bytes are returned where no output is given
    return data


@dataclass(frozen=True)
class ChunkPieces:
    """Pieces of one chunk for each dump, by suffix: the header, and files with the body, plain and compressed.

    There is no piece for `.rdf` if XML cannot express the chunk.
    """

    heads: dict[str, bytes]
    files: dict[str, Path]
    counted: ChunkCounts

    def remove(self) -> None:
        """Remove the files of the pieces, but not those of the counted records."""
        for file in self.files.values():
            file.unlink()
            _compressed_path(file).unlink()


def write_pieces(chunk: Chunk, kinds: Mapping[str, str], folder: Path) -> ChunkPieces:
    """Write the pieces of a chunk into a folder; `kinds` are the kinds of values of the whole graph."""
    lines = chunk.read()
    statements = parse_triples(lines)
    name = f"{chunk.start:015}"
    heads, content = (
        {},
        {".nt": lines, ".jsonld": jsonld_serializer.serialize_nodes(statements, kinds, WRITTEN_PREFIXES)},
    )
    heads[".ttl"], content[".ttl"] = _split_prefixes(serialize_statements(statements, RdfFormat.TURTLE))
    xml = serialize_statements(statements, RdfFormat.RDF_XML).replace(
        b"\r", b"&#13;"
    )  # unescaped, XML readers replace it by a line end
    if _is_xml(xml):
        end = xml.index(b">", xml.index(b"<rdf:RDF")) + 1
        heads[".rdf"], content[".rdf"] = xml[:end], xml[end:].removesuffix(_END_OF_XML)
    files = {}
    for suffix, piece in content.items():
        files[suffix] = folder / f"{name}{suffix}"
        files[suffix].write_bytes(piece)
        _compressed_path(files[suffix]).write_bytes(deflate(piece))
    return ChunkPieces(heads, files, count_chunk(chunk, folder / f"{name}.counted"))


def _split_prefixes(turtle: bytes) -> tuple[bytes, bytes]:
    """Return the prefixes of a Turtle file, and the rest of it."""
    end = 0
    while turtle.startswith(b"@prefix ", end):
        end = turtle.index(b"\n", end) + 1
    return turtle[:end], turtle[end:]


def _compressed_path(file: Path) -> Path:
    return file.with_name(f"{file.name}.deflate")


class DumpWriter:
    """Writer of all dumps: takes the pieces of the chunks in order, then the named graphs."""

    def __init__(self, folder: Path, kinds: Mapping[str, str]) -> None:
        self._stack = ExitStack()
        self._kinds = kinds
        self._open: dict[str, GzipFile] = {}
        self._first = True
        for suffix in (*_FORMATS, *_QUAD_FORMATS):
            plain = None if suffix == ".nt" else folder / (_NAME + suffix)  # the chunks are those of the N-Triples
            opened = GzipFile(plain, folder / f"{_NAME}{suffix}.gz")
            self._open[suffix] = self._stack.enter_context(opened)

    def add(self, pieces: ChunkPieces) -> None:
        """Append the pieces of a chunk to each dump."""
        if ".rdf" not in pieces.files and ".rdf" in self._open:
            self._open.pop(".rdf").remove()
        for suffix, dump in self._open.items():
            source = _BASE_FORMATS.get(suffix, suffix)
            if self._first:
                dump.write(self._head(suffix, pieces))
            elif suffix == ".jsonld":
                dump.write(jsonld_serializer.SEPARATOR)
            dump.append(pieces.files[source], _compressed_path(pieces.files[source]))
        self._first = False

    def _head(self, suffix: str, pieces: ChunkPieces) -> bytes:
        if suffix == ".jsonld":
            return jsonld_serializer.document_head(self._kinds, WRITTEN_PREFIXES)
        return pieces.heads.get(_BASE_FORMATS.get(suffix, suffix), b"")

    def finish(self) -> None:
        """Finish the dumps of the default graph."""
        self._open[".jsonld"].write(jsonld_serializer.END)
        if ".rdf" in self._open:
            self._open[".rdf"].write(_END_OF_XML)
        for suffix in [suffix for suffix in _FORMATS if suffix in self._open]:
            self._open.pop(suffix).close()

    def add_named_graphs(self, named: NamedGraphs) -> None:
        """Append the named graphs, sorted by name, to the dumps that hold them, and finish these."""
        for suffix, format in _QUAD_FORMATS.items():
            self._open[suffix].write(_split_prefixes(serialize_statements(_quads(named), format))[1])
            self._open.pop(suffix).close()

    def close(self) -> None:
        """Close all open files."""
        self._stack.close()


def write_turtle(graph: Path, into: Path) -> int:
    """Write a sorted N-Triples file as Turtle; return the number of statements."""
    count = 0
    with into.open("wb") as output:
        for chunk in chunks_of(graph):
            statements = parse_triples(chunk.read())
            prefixes, body = _split_prefixes(serialize_statements(statements, RdfFormat.TURTLE))
            output.write(body if count else prefixes + body)
            count += len(statements)
    return count


def parse_triples(lines: bytes) -> list[Triple]:
    """Return the triples of N-Triples."""
    return [Triple(s, p, o) for s, p, o, _ in parse(lines, format=RdfFormat.N_TRIPLES)]


def _quads(named: NamedGraphs) -> Iterator[Quad]:
    for name, statements in sorted(named.items()):
        for triple in statements():
            yield Quad(triple.subject, triple.predicate, triple.object, NamedNode(name))


def write_store(folder: Path, graph: Path) -> None:
    """Make a store directory from N-Triples or N-Quads; its bytes differ from build to build."""
    store = Store(str(folder))
    with graph.open("rb") as lines:
        while batch := lines.read(_LOAD_SIZE):
            store.bulk_load(input=batch + lines.readline(), format=RdfFormat.N_QUADS)
    store.flush()


def end_store(folder: Path, named: NamedGraphs) -> None:
    """Add the named graphs to a store directory, and optimize it for read-only use."""
    store = Store(str(folder))
    store.bulk_extend(_quads(named))
    store.optimize()
    store.flush()
    (folder / "LOG").unlink(missing_ok=True)  # log of the engine with the name of the machine: not part of a release


def _is_xml(content: bytes) -> bool:
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(content, True)
    except expat.ExpatError:
        return False
    return True
