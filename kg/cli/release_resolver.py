"""Making a release and saying so; finding the one that a command works with."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from kg.core.errors import language
from kg.core.paths import Places

if TYPE_CHECKING:
    from kg.builder.document_reader import DocumentReader
    from kg.builder.pipeline import BuildResult
    from kg.core.release import Release


def make(
    folders: Places,
    timings: bool = False,
    echo: Callable[[str], None] = click.echo,
    drafting: bool = False,
    engine: str | None = None,
    processes: int = 0,
    reader: "DocumentReader | None" = None,
) -> None:
    """Build and say what was done."""
    from kg.builder.progress import format_summary

    start = time.perf_counter()
    built = _made(folders, drafting, engine or "", processes, reader)
    _progress("")
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


def _made(
    folders: Places, drafting: bool, engine: str, processes: int, reader: "DocumentReader | None"
) -> "BuildResult":
    from kg.builder.pipeline import build, draft

    return draft(folders, _progress, processes) if drafting else build(folders, _progress, engine, processes, reader)


def _progress(stage: str) -> None:
    """Show the stage at work, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{stage} …" if stage else "\r\x1b[K", nl=False, err=True)


def release_at(folders: Places, version: str | None = None) -> "Release":
    """Return the release that is asked for, or the current one, made from the files at hand.

    In a checkout the files are there to be edited, so a release that is older than them is made again; an installed
    program only says so.
    """
    from kg.core.release import current_release, release_of

    if version:
        return release_of(folders.out, version)
    from kg.builder.fingerprint import is_current

    release = current_release(folders.out)
    if release and is_current(folders):
        return release
    if release and not folders.checkout:
        note(f"kg: release {release.version} was made from other files; `kg build` makes a new one")
        return release
    make(folders, echo=note)
    made = current_release(folders.out)
    assert made is not None  # the build has just switched to it
    return made


def release_to_read(folders: Places, version: str | None = None) -> "Release":
    """Return the release that is asked for, or the current one, and say which it is: nothing is built or switched.

    Raises ReleaseError where there is none, with what to type.
    """
    from kg.builder.fingerprint import is_current
    from kg.core.errors import Problem, ReleaseError
    from kg.core.release import current_release, release_of

    if not folders.out.is_dir():
        remedy = "name the folder of the releases (--out or --releases, KG_OUT), or make one there with `kg build`"
        raise ReleaseError(Problem("there is no such folder, so no release is read", remedy, folders.out))
    release = release_of(folders.out, version) if version else current_release(folders.out)
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


def note(text: str) -> None:
    """Say something beside the result."""
    click.echo(text, err=True)
