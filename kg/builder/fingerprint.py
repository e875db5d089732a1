"""Fingerprint of a build's inputs, and the lookup of the release that was made from them.

The fingerprint is a SHA-256 over exactly the files that shape the bytes of a release. A published version is never
overwritten: changed inputs under an existing version number make a development version.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, meta

from kg import __version__
from kg.core.errors import ReleaseError
from kg.core.paths import LEDGER, Folders
from kg.core.release import RELEASES, Release, current_release, read_release
from kg.rdf.shacl_page import TEMPLATE

# Packages that a build imports; a test compares them with the import graph.
PACKAGES = ("builder", "core", "extract", "model", "rdf", "recipe", "search")


def compute_fingerprint(places: Folders) -> str:
    """Return the SHA-256 of everything that shapes the bytes of a release.

    That is the program's version, the recipe, the ontology, the shapes and the stored queries, the modules of the
    packages that a build imports, and the templates of the files of a release. Routes and their pages are left out.
    """
    digest = hashlib.sha256(__version__.encode())
    for name, file in _input_files(places, Path(__file__).parents[1]):
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _input_files(places: Folders, program: Path) -> Iterator[tuple[str, Path]]:
    """Yield the input files of a build, each with a name that does not depend on the location of the checkout."""
    for name, folder, pattern in (
        ("build", places.recipe, "*"),
        ("ontology", places.ontology, "*.ttl"),
        ("shapes", places.shapes, "*.ttl"),
        ("queries", places.queries, "*.rq"),
        *((f"kg/{package}", program / package, "*.py") for package in PACKAGES),
    ):
        for file in _files_in(folder, pattern):
            yield f"{name}/{file.relative_to(folder).as_posix()}", file
    for template in _template_closure(program / "templates", TEMPLATE):
        yield f"kg/templates/{template}", program / "templates" / template


def _files_in(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder in their order, without hidden ones and the ledger.

    The ledger only records the identifiers of releases: a change of it does not change the release.
    """
    files = (file for file in folder.rglob(pattern) if file.is_file() and file.name != LEDGER)
    return sorted(file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts))


def _template_closure(folder: Path, name: str) -> list[str]:
    """Return the names of a template and of every template that it includes, imports or extends, sorted."""
    closure, pending = set[str](), [name]
    while pending:
        template = pending.pop()
        if template not in closure:
            closure.add(template)
            tree = Environment(autoescape=True).parse((folder / template).read_text(encoding="utf-8"))
            pending += [referenced for referenced in meta.find_referenced_templates(tree) if referenced]
    return sorted(closure)


def is_current(places: Folders) -> bool:
    """Return whether the current release was made from the present inputs."""
    release = current_release(places.out)
    return release is not None and release.inputs == compute_fingerprint(places)


def choose_version(out: Path, version: str, inputs: str) -> tuple[str, tuple[str, ...]]:
    """Return the version to publish under, and remarks for the user.

    It is a development version if the folder of this version was made from other inputs, or has a release that this
    program cannot read; a remark reports the latter.
    """
    folder, remarks = out / RELEASES / version, tuple[str, ...]()
    if not folder.exists():
        return version, ()
    try:
        if read_release(folder).inputs == inputs:
            return version, ()
    except ReleaseError as error:
        remarks = tuple(f"{problem.file}: {problem.fact}; it is unchanged" for problem in error.problems)
    return f"{version}+dev.{inputs[:8]}", remarks


def find_release(folder: Path, inputs: str) -> Release | None:
    """Return the release in a folder if it was made from these inputs, else None.

    Raises ReleaseError if the release is damaged.
    """
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
