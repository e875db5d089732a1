"""What a release is made from, and which release was made from it: a version is never overwritten."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from kg import __version__
from kg.core.errors import ReleaseError
from kg.core.paths import LEDGER, Folders
from kg.core.release import RELEASES, Release, current_release, read_release


def inputs_of(places: Folders) -> str:
    """Return the SHA-256 of everything a release is made from: the declarative files, and the program itself.

    Its templates belong to it: the report of a release is a page.
    """
    digest = hashlib.sha256(__version__.encode())
    program = Path(__file__).parents[1]
    for name, folder, pattern in (
        ("build", places.recipe, "*"),
        ("ontology", places.ontology, "*.ttl"),
        ("shapes", places.shapes, "*.ttl"),
        ("queries", places.queries, "*.rq"),
        ("kg", program, "*.py"),
        ("kg", program, "templates/*"),
    ):
        for file in _files(folder, pattern):
            digest.update(f"{name}/{file.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Path, pattern: str) -> Iterable[Path]:
    # the ledger only records what releases hold: writing to it makes no other release
    found = (file for file in folder.rglob(pattern) if file.is_file() and file.name != LEDGER)
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts))


def is_current(places: Folders) -> bool:
    """Whether the release that is served now was made from the files at hand."""
    release = current_release(places.out)
    return release is not None and release.inputs == inputs_of(places)


def version_of(out: Path, version: str, inputs: str) -> tuple[str, tuple[str, ...]]:
    """A version is never overwritten: other inputs under a version that exists give a development version.

    So does a release of that version that this program cannot read; a remark tells why.
    """
    folder, remarks = out / RELEASES / version, tuple[str, ...]()
    if not folder.exists():
        return version, ()
    try:
        if read_release(folder).inputs == inputs:
            return version, ()
    except ReleaseError as error:
        remarks = tuple(f"{problem.file}: {problem.fact}; it is left as it is" for problem in error.problems)
    return f"{version}+dev.{inputs[:8]}", remarks


def present(folder: Path, inputs: str) -> Release | None:
    """Return the release that was made from these inputs before, or None; raise ReleaseError where it is damaged."""
    if not folder.is_dir():
        return None
    remedy = f"remove this folder and run `kg build` again, or choose another with --out: {folder}"
    try:
        release = read_release(folder)
    except ReleaseError as error:
        raise ReleaseError(*(replace(problem, remedy=remedy) for problem in error.problems)) from error
    damage = [replace(problem, remedy=remedy) for problem in release.damaged_files()]
    if damage:
        raise ReleaseError(*damage)
    return release if release.inputs == inputs else None
