"""Command `kg diff`: compare two releases, editions or RDF files."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.cli.options import FOLDER, OUT, main
from kg.cli.release_resolver import note
from kg.core.errors import Problem, ReleaseError
from kg.core.paths import Folders, project_folders

if TYPE_CHECKING:
    from kg.core.release import Release
    from kg.diff import Change, Changes, Dump

FORMS = ("text", "json", "nt", "atom", "html")
REMOVED, ADDED = "removed.nt", "added.nt"


def _day(context: click.Context, parameter: click.Parameter, given: str | None) -> str:
    """Return a date in ISO 8601; raise BadParameter if it is not one."""
    import datetime

    try:
        return datetime.date.fromisoformat(given).isoformat() if given else ""
    except ValueError as error:
        raise click.BadParameter(f"{error}; write it as 2026-11-23") from error


@main.command("diff")
@click.argument("before")
@click.argument("after")
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True, envvar="KG_FORMAT")
@click.option("--lang", type=click.Choice(["ja", "en"]), default="ja", show_default=True, envvar="KG_LANG")
@click.option("--patch", type=FOLDER, help=f"Folder for {REMOVED} and {ADDED}; needed for --format nt.")
@click.option("--issued", callback=_day, metavar="DAY", help="Day of the change, for a feed about files.")
@OUT
def diff_command(
    before: str, after: str, form: str, lang: str, patch: Path | None, issued: str, out: Path | None
) -> None:
    """Show what changed from BEFORE to AFTER: exit code 0 if nothing did, else 1.

    Each is the version of a release, the key of an edition of the current release, VERSION/KEY, a folder of a release,
    or any RDF file (its default graph is compared). Measures are matched by IRI and, between an edition and the one
    that it revises, by their recorded continuation.

    \b
    kg diff 2019.1.0 2020.1.0
    kg diff municipal-2019 municipal-2020 --lang en
    kg diff old/graph.nt.gz new.ttl --format json > changes.json
    kg diff 2019.1.0 2020.1.0 --format atom > changes.atom
    kg diff 2019.1.0 2020.1.0 --format nt --patch patch/

    The patch makes AFTER of BEFORE, both as sorted N-Triples, byte for byte:

    \b
    (LC_ALL=C comm -23 before.nt patch/removed.nt; cat patch/added.nt) | LC_ALL=C sort > after.nt
    """
    if form == "nt" and not patch:
        raise click.UsageError("--format nt writes two files: name their folder by --patch")
    folders = project_folders(out=out)
    with tempfile.TemporaryDirectory(prefix="kg-diff-") as work:
        one, other = (_dump(name, folders, Path(work)) for name in (before, after))
        differs = _write_patch(one, other, patch) if patch else False
        if form != "nt":
            changes = _compare(one, replace(other, issued=issued or other.issued), folders)
            differs = bool(changes.added or changes.removed)
            sys.stdout.buffer.write(_serialize(changes, form, lang))
            sys.stdout.flush()
    if differs:
        raise click.exceptions.Exit(1)


def _dump(name: str, folders: Folders, work: Path) -> "Dump":
    """Return the dump that an argument names; raise ReleaseError, with the available names, if there is none."""
    from kg.core.release import MANIFEST, RELEASES, current_release, find_release, read_release
    from kg.diff import Dump

    path = Path(name)
    if path.is_file():
        return Dump.of_file(path, work)
    if (path / MANIFEST).is_file():
        return Dump.of_release(read_release(path), work)
    if not folders.out.is_dir():
        remedy = "name an existing file, or the folder of the releases (--out, KG_OUT)"
        raise ReleaseError(
            Problem(f"{name} is not a file, and the folder of releases does not exist", remedy, folders.out)
        )
    version, _, key = name.partition("/")
    if (folders.out / RELEASES / version).is_dir():
        return _edition(find_release(folders.out, version), key, work)
    release = current_release(folders.out)
    if release is None or name not in {edition["key"] for edition in release.editions}:
        find_release(folders.out, name)  # raises, with the versions that exist
    assert release is not None
    note(f"kg: {name}: release {release.version}: {release.folder}")
    return Dump.of_release(release, work, name)


def _edition(release: "Release", key: str, work: Path) -> "Dump":
    from kg.diff import Dump

    keys = [edition["key"] for edition in release.editions]
    if key and key not in keys:
        fact = f"release {release.version} has no edition {key}"
        raise ReleaseError(Problem(fact, f"name one of {', '.join(keys)}"))
    return Dump.of_release(release, work, key)


def _write_patch(before: "Dump", after: "Dump", folder: Path) -> bool:
    """Stream the patch into its two files; return whether it has any triple."""
    from kg.diff import patch

    folder.mkdir(parents=True, exist_ok=True)
    counts = {True: 0, False: 0}
    with ExitStack() as stack:
        names = {True: ADDED, False: REMOVED}
        files = {key: stack.enter_context((folder / names[key]).open("w", encoding="utf-8")) for key in names}
        for is_added, line in patch(before, after):
            files[is_added].write(f"{line}\n")
            counts[is_added] += 1
    note(f"{folder / REMOVED}: {counts[False]:,} triples; {folder / ADDED}: {counts[True]:,} triples")
    return any(counts.values())


def _compare(before: "Dump", after: "Dump", folders: Folders) -> "Changes":
    from kg.core.labels import Labels
    from kg.diff import compare

    return compare(before, after, Labels([folders.ontology / name for name in ("shisaku.ttl", "standard-terms.ttl")]))


def _link_target(change: "Change") -> str:
    """Return the link target of an entity; empty if it is not a web address."""
    from kg.core.labels import is_web_address

    return change.iri if is_web_address(change.iri) else ""


def _serialize(changes: "Changes", form: str, lang: str) -> bytes:
    from kg.diff.diff_serializers import as_atom, as_json, as_text

    if form == "html":
        from kg.http.templates import View
        from kg.web.change_page import render_changes

        return render_changes("changes_alone.html", View(lang=lang, root=""), changes, _link_target).encode()
    forms: dict[str, Callable[[], bytes]] = {
        "text": lambda: as_text(changes, lang).encode(),
        "json": lambda: as_json(changes),
        "atom": lambda: as_atom(changes, lang),
    }
    return forms[form]()
