"""What a finished release looks like on disk: the one thing that crosses from the building wing to the serving wing.

out/
  current -> releases/2019.1.0        switched in one rename
  releases/2019.1.0/
    manifest.json                     what it is made of; written last
    graph.ttl                         every triple that may be counted
    ontology.ttl                      what the words mean
    measures.csv kpis.csv …           the tables
    SHA256SUMS
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.errors import Problem, ReleaseError

FORMAT = 1
CURRENT = "current"
RELEASES = "releases"
MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
GRAPH = "graph.ttl"
ONTOLOGY = "ontology.ttl"

MEDIA_TYPES = {
    ".ttl": "text/turtle; charset=utf-8",
    ".nt": "application/n-triples; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    "": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class ReleasedFile:
    """A file of a release: its name, its size in bytes and its SHA-256 in hex."""

    name: str
    size: int
    sha256: str

    @property
    def media_type(self) -> str:
        """The media type to serve it with."""
        return MEDIA_TYPES[Path(self.name).suffix]


@dataclass(frozen=True)
class Release:
    """A finished release. `inputs` is the SHA-256 of all it was made from; `counts` are figures of its content."""

    folder: Path
    version: str
    issued: str
    inputs: str
    program: str
    editions: tuple[dict[str, str], ...]
    counts: dict[str, int]
    files: tuple[ReleasedFile, ...]

    def path(self, name: str) -> Path:
        """Return where a file of the release is."""
        return self.folder / name

    def manifest(self) -> dict[str, Any]:
        """Return what stands in manifest.json."""
        return {
            "format": FORMAT,
            "version": self.version,
            "issued": self.issued,
            "inputs": self.inputs,
            "program": self.program,
            "editions": list(self.editions),
            "counts": self.counts,
            "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in self.files],
        }


def read_release(folder: Path) -> Release:
    """Read the release in a folder; raise ReleaseError where there is none that this program understands."""
    file = folder / MANIFEST
    again = "run `kg build` to make the release again"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(Problem(f"no readable manifest: {error}", again, file)) from error
    if data.get("format") != FORMAT:
        fact = f"release format {data.get('format')!r}; this program reads format {FORMAT}"
        raise ReleaseError(Problem(fact, f"{again}, or use the version of kg that made it", file))
    return Release(
        folder=folder,
        version=data["version"],
        issued=data["issued"],
        inputs=data["inputs"],
        program=data["program"],
        editions=tuple(data["editions"]),
        counts=data["counts"],
        files=tuple(ReleasedFile(**entry) for entry in data["files"]),
    )


def current_release(out: Path) -> Release | None:
    """Return the release that `out/current` points to, or None where there is none yet."""
    link = out / CURRENT
    if not link.exists():
        return None
    return read_release(link.resolve())


def release_of(out: Path, version: str) -> Release:
    """Return the release of a version; raise ReleaseError with the versions at hand where it is missing."""
    folder = out / RELEASES / version
    if "/" in version or version.startswith(".") or not folder.is_dir():
        there = sorted(path.name for path in (out / RELEASES).glob("*") if not path.name.startswith("."))
        remedy = f"versions at hand: {', '.join(there)}" if there else "run `kg build` first"
        raise ReleaseError(Problem(f"there is no release {version}", remedy, out / RELEASES))
    return read_release(folder)
