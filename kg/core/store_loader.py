"""Loader of a finished release, or of any RDF files, into a store.

The default graph is that of the files (`graph.ttl` of a release). The engine's union default graph is never used,
because it counts a triple twice that is in two graphs.
"""

from collections.abc import Sequence
from pathlib import Path

from pyoxigraph import QuerySolutions, RdfFormat, Store, parse

from kg.core.errors import KgError, Problem, ReleaseError
from kg.core.iris import REBASED, served_quad
from kg.core.paths import bom_encoding, read_text
from kg.core.release import GRAPH, N_QUADS, Release

SUFFIXES = {
    ".ttl": RdfFormat.TURTLE,
    ".nt": RdfFormat.N_TRIPLES,
    ".nq": RdfFormat.N_QUADS,
    ".trig": RdfFormat.TRIG,
    ".rdf": RdfFormat.RDF_XML,
    ".xml": RdfFormat.RDF_XML,
    ".jsonld": RdfFormat.JSON_LD,
}


def open_release(release: Release) -> Store:
    """Return a store with a release: its graph as the default graph, its descriptions as named graphs."""
    names = {file.name for file in release.files}
    return _open([release.path(N_QUADS if N_QUADS in names else GRAPH)], "run `kg build` to make the release again")


def open_files(files: Sequence[Path], folder: Path | None = None) -> Store:
    """Return a store with the content of RDF files; raise ReleaseError with every unreadable one.

    It is in memory, or on disk if a folder is given.
    """
    return _open(files, "correct the file, or leave it out of --data", Store(str(folder)) if folder else None)


def count_triples(store: Store) -> int:
    """Return the number of triples in the default graph."""
    results = store.query("SELECT (COUNT(*) AS ?size) { ?s ?p ?o }")
    assert isinstance(results, QuerySolutions)
    return int(next(results)["size"].value)


def _open(files: Sequence[Path], remedy: str, store: Store | None = None) -> Store:
    store = Store() if store is None else store
    problems = [problem for file in files if (problem := _load(store, file, remedy))]
    if problems:
        raise ReleaseError(*problems)
    return store


def _load(store: Store, file: Path, remedy: str) -> Problem | None:
    """Load one file; return the problem if that fails."""
    format = SUFFIXES.get(file.suffix.lower())
    if format is None:
        return Problem(f"unknown file extension “{file.suffix}”", f"name it with one of {', '.join(SUFFIXES)}", file)
    try:
        content = _without_bom(file, format)
        # Relative IRIs are resolved against the file itself (RFC 3986).
        base = file.resolve().as_uri()
        given = {"path": str(file)} if content is None else {"input": content}
        if REBASED:
            statements = parse(**given, format=format, base_iri=base, rename_blank_nodes=True)
            store.bulk_extend(map(served_quad, statements))
        else:
            store.bulk_load(**given, format=format, base_iri=base)
    except SyntaxError as error:
        if problem := _encoding_problem(file, format):
            return problem
        return Problem(f"invalid {format.name}: {error.msg}", remedy, file, error.lineno)
    except KgError as error:
        return error.problems[0]
    except (OSError, ValueError) as error:
        return Problem(f"cannot be read: {error}", remedy, file)
    return None


def _without_bom(file: Path, format: RdfFormat) -> bytes | None:
    """Return the content, as UTF-8, of a file with a byte order mark, else None; XML declares its encoding itself."""
    with file.open("rb") as content:
        encoding = bom_encoding(content.read(4))
    if not encoding or (format == RdfFormat.RDF_XML and encoding != "utf-8-sig"):
        return None
    return read_text(file, ReleaseError).encode()


def _encoding_problem(file: Path, format: RdfFormat) -> Problem | None:
    """Return the problem that a file is not in UTF-8, if that made the parser fail."""
    if format != RdfFormat.RDF_XML:
        try:
            read_text(file, ReleaseError)
        except KgError as error:
            return error.problems[0]
    return None
