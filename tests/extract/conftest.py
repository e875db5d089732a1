"""`read(document)`: a document read in memory by the real recipe; `draft(document)`: built through the command line."""

import csv
import dataclasses
import functools
import hashlib
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from kg.builder.document_reader import Tables
from kg.builder.pipeline import read as read_in_memory
from kg.rdf.shacl_validator import FAST, Validator, make_report
from kg.recipe import Recipe, read_recipe
from kg.recipe.corrections import Correction

from ..support.commands import CHECKOUT, kg

sys.path.insert(0, str(Path(__file__).resolve().parent))  # documents, mutations, phrases, reading, words

SOURCE = Path("sources") / "municipal-2019"
REAL = (CHECKOUT / "build" / SOURCE / "measures-2019.txt").read_bytes()
NO_MEASURES = {"Edition-lists"}  # a document without any measure is no table: its release is rightly refused

Corrections = list[dict[str, str]]


@functools.cache
def recipe() -> Recipe:
    """Return the recipe of this checkout without its corrections, which are about the real document."""
    return dataclasses.replace(read_recipe(CHECKOUT / "build"), corrections=())


@functools.cache
def validator() -> Validator:
    """Return the validator of all shapes, kept: to read shapes takes longer than to validate a document."""
    return Validator(CHECKOUT / "shapes", FAST)


def correction(row: dict[str, str], line: int) -> Correction:
    """Return a row of corrections.csv as the recipe has it."""
    empty = {field.name: "" for field in dataclasses.fields(Correction)}
    return Correction(**{**empty, **row, "file": Path("corrections.csv"), "file_line": line})


@pytest.fixture(scope="session")
def read() -> Callable[..., Tables]:
    """Reads a document and gives its tables; raises the errors of `kg.builder.pipeline.read`.

    Whatever the document, its graph keeps every promise of the shapes: no build may stop for what a source prints.
    """

    def run(document: str | bytes, *, corrections: Corrections | None = None) -> Tables:
        raw = document.encode() if isinstance(document, str) else document
        made = tuple(correction(row, line) for line, row in enumerate(corrections or [], 2))
        tables = read_in_memory(raw, dataclasses.replace(recipe(), corrections=made))
        report = make_report(validator().results(tables.n_triples()))
        broken = {result.shape.partition("#")[2] for result in report.results if result.severity.endswith("#Violation")}
        assert not broken - NO_MEASURES, report.text("en")
        return tables

    return run


def changed_recipe(folder: Path, document: bytes | None, corrections: Corrections, sha256: str | None) -> None:
    """Write a copy of /build with another document in it, and with these corrections instead of the real ones."""
    shutil.copytree(CHECKOUT / "build", folder)
    source = folder / SOURCE
    settings = (source / "source.toml").read_text(encoding="utf-8")
    name = re.search(r'^document = "(.*)"$', settings, re.MULTILINE)
    assert name, "source.toml names no document"
    if document is None:
        (source / name[1]).unlink()
    else:
        (source / name[1]).write_bytes(document)
        digest = sha256 or hashlib.sha256(document).hexdigest()
        settings = re.sub(r'^sha256 = ".*"$', f'sha256 = "{digest}"', settings, flags=re.MULTILINE)
        (source / "source.toml").write_text(settings, encoding="utf-8")
    path = folder / "corrections.csv"
    columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(corrections)


@pytest.fixture
def draft(tmp_path: Path) -> Callable[..., Result]:
    """Runs `kg build --draft` on a copy of the recipe with another document in it; the draft is in `out/draft`."""

    def run(
        document: str | bytes | None, *, corrections: Corrections | None = None, sha256: str | None = None
    ) -> Result:
        raw = document.encode() if isinstance(document, str) else document
        changed_recipe(tmp_path / "build", raw, corrections or [], sha256)
        return kg("build", "--draft", "--recipe", tmp_path / "build", "--out", tmp_path / "out")

    return run


@pytest.fixture(scope="session")
def real() -> str:
    """The real document."""
    return REAL.decode()
