"""Release resolver: finds, or builds, the release or stored query that a command works with."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.core.errors import Problem, QueryError, ReleaseError, language
from kg.core.paths import Folders

if TYPE_CHECKING:
    from kg.builder.document_reader import DocumentReader
    from kg.builder.pipeline import BuildResult
    from kg.core.release import Release
    from kg.core.stored_queries import StoredQuery


def make_release(
    folders: Folders,
    timings: bool = False,
    echo: Callable[[str], None] = click.echo,
    drafting: bool = False,
    engine: str | None = None,
    processes: int = 0,
    reader: "DocumentReader | None" = None,
) -> None:
    """Build a release, or a draft, and report what was done."""
    from kg.builder.progress import format_summary

    start = time.perf_counter()
    built = _build(folders, drafting, engine or "", processes, reader)
    show_progress()
    seconds = time.perf_counter() - start
    if not built.made:
        echo(f"Release {built.release.version} is up to date: {built.release.folder}")
        return
    for remark in built.remarks:
        note(f"kg: {remark}")
    echo(format_summary(built.release, built.summaries, built.new, built.report))
    if timings:
        for stage, took in built.seconds.items():
            echo(f"  {took:7.3f} s  {took / seconds:4.0%}  {stage}")
        echo(f"  {seconds:7.3f} s  100%  all")


def _build(
    folders: Folders, drafting: bool, engine: str, processes: int, reader: "DocumentReader | None"
) -> "BuildResult":
    from kg.builder.pipeline import build, draft

    return (
        draft(folders, _show_stage, processes) if drafting else build(folders, _show_stage, engine, processes, reader)
    )


def _show_stage(stage: str) -> None:
    show_progress(f"{stage} …")


def show_progress(text: str = "") -> None:
    """Replace the progress line on standard error, if that is a terminal; without a text, clear it."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def release_at(folders: Folders, version: str | None = None) -> "Release":
    """Return the requested or current release; build it if there is none or its inputs changed.

    In a checkout the declarative files are meant to be edited, so an outdated release is rebuilt; an installed program
    only warns.
    """
    from kg.core.release import current_release, find_release

    if version:
        return find_release(folders.out, version)
    from kg.builder.fingerprint import is_current

    release = current_release(folders.out)
    if release and is_current(folders):
        return release
    if release and not folders.checkout:
        note(f"kg: release {release.version} was made from other files; `kg build` makes a new one")
        return release
    make_release(folders, echo=note)
    made = current_release(folders.out)
    assert made is not None  # the build has just switched to it
    return made


def release_to_read(folders: Folders, version: str | None = None) -> "Release":
    """Return the requested or current release without building one, and name it on standard error.

    Raises ReleaseError if there is none; the remedy is the command to run.
    """
    from kg.builder.fingerprint import is_current
    from kg.core.release import current_release, find_release

    if not folders.out.is_dir():
        remedy = "name the folder of the releases (--out or --releases, KG_OUT), or make one there with `kg build`"
        raise ReleaseError(Problem("there is no such folder, so no release is read", remedy, folders.out))
    release = find_release(folders.out, version) if version else current_release(folders.out)
    if release is None:
        remedy = f"make one: kg build --out {folders.out}"
        raise ReleaseError(Problem("there is no current release", remedy, folders.out))
    ja = language() == "ja"
    note(
        f"kg: 版 {release.version} を読みます: {release.folder}"
        if ja
        else f"kg: release {release.version}: {release.folder}"
    )
    if not version and not is_current(folders):
        note(
            "kg: レシピかプログラムが、その後変わりました。`kg build` で新しい版を作れます"
            if ja
            else "kg: it was made from other files than those at hand; `kg build` makes a new one"
        )
    return release


def read_query(question: str, folders: Folders) -> "str | StoredQuery":
    """Return the stored query of a name, or the query text of standard input (-) or of a file.

    Raises QueryError if there is no such query or the file cannot be read.
    """
    from kg.core.paths import decode, read_text
    from kg.core.stored_queries import stored_query

    if question == "-":
        return decode(sys.stdin.buffer.read(), question, QueryError)
    file = Path(question)
    if file.suffix == ".rq" or file.is_file():
        try:
            return read_text(file, QueryError)
        except OSError as error:
            fact = f"cannot be read: {error.strerror}"
            raise QueryError(Problem(fact, "name a file with a query in UTF-8", file)) from error
    return stored_query(folders.queries, question)


def note(text: str) -> None:
    """Write a note to standard error, which keeps standard output for the result."""
    click.echo(text, err=True)
