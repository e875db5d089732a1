"""Publisher of releases: writes a release into a staging folder and switches `current` to it in one rename.

A build that dies leaves the previous release in place. Its process holds a lock on the staging folder until it ends, so
that the next build can recognize and remove abandoned folders.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from kg.core.errors import KgError, Problem, ReleaseError
from kg.core.release import CHECKSUMS, CURRENT, MANIFEST, RELEASES, Release, ReleasedFile, read_release

_STAGING = ".staging-"
_WORK = ".bench-"
_LINK = f".{CURRENT}-new"

WriteFiles = Callable[[Path], Release]


@contextlib.contextmanager
def _report_os_errors(remedy: str) -> Iterator[None]:
    """Convert an OSError to a ReleaseError with a remedy."""
    try:
        yield
    except OSError as error:
        fact = f"the release cannot be written: {error.strerror or error}"
        raise ReleaseError(Problem(fact, remedy, error.filename)) from error


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, without checksums; no release is published."""
    with _report_os_errors("free space or choose another folder with --out"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            folder.joinpath(name).write_bytes(content)


@contextlib.contextmanager
def work_folder(out: Path, inputs: str) -> Iterator[Path]:
    """Provide a folder for intermediate files, including those of a killed build of the same inputs.

    It is removed at the end, also after an error of the recipe or the system. Raises ReleaseError on a system error.
    """
    releases = out / RELEASES
    with _report_os_errors("free space or choose another folder with --out; the release before is untouched"):
        releases.mkdir(parents=True, exist_ok=True)
        with _publication_lock(releases):
            folder = releases / f"{_WORK}{inputs[:16]}"
            _remove_abandoned(releases, own=folder)
            folder.mkdir(exist_ok=True)
            lock = _try_lock(folder)
            if lock is None:  # another build uses it
                folder = Path(tempfile.mkdtemp(prefix=_WORK, dir=releases))
                lock = _try_lock(folder)
        try:
            yield folder
        except Exception as error:
            if isinstance(error, KgError | OSError):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            if lock is not None:
                os.close(lock)
            with contextlib.suppress(OSError):  # not empty if there is a release
                releases.rmdir()


def publish(version: str, out: Path, write: WriteFiles) -> Release:
    """Write a release into a staging folder, rename it to its version, and point `out/current` to it.

    `write` writes the files into the folder and returns the release. Raises ReleaseError if something cannot be
    written.
    """
    with _report_os_errors("free space or choose another folder with --out; the release before is untouched"):
        release = _write_release(out / RELEASES / version, out, write)
        _switch_current(out, release.folder)
    return release


def switch_to(release: Release, out: Path) -> None:
    """Point `out/current` to an existing release; raise ReleaseError if that fails."""
    with _report_os_errors("free space or choose another folder with --out; the release before is untouched"):
        _switch_current(out, release.folder)


def _write_release(folder: Path, out: Path, write: WriteFiles) -> Release:
    """Write everything into a staging folder, the manifest last, and rename it to the version."""
    with _staging_folder(out / RELEASES) as staging:
        release = replace(write(staging), folder=folder)
        sums = "".join(f"{entry.sha256}  {entry.name}\n" for entry in release.files)
        staging.joinpath(CHECKSUMS).write_text(sums, encoding="utf-8")
        release = replace(release, files=(*release.files, ReleasedFile.of(staging / CHECKSUMS)))
        manifest = json.dumps(release.manifest(), ensure_ascii=False, indent=1, sort_keys=True)
        staging.joinpath(MANIFEST).write_text(manifest + "\n", encoding="utf-8")
        for path in (*sorted(staging.rglob("*")), staging):
            _sync_to_disk(path)
        staging.chmod(0o755)  # mkdtemp makes it private
        release = _move_into_place(staging, release)
    _sync_to_disk(out / RELEASES)
    return release


def _sync_to_disk(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk (fsync)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _staging_folder(releases: Path) -> Iterator[Path]:
    """Provide a locked staging folder, and remove it at the end unless it was renamed."""
    with _publication_lock(releases):
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=releases))
        lock = _try_lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _remove_abandoned(releases: Path, own: Path) -> None:
    """Remove the folders of builds that have died, except the own one."""
    for folder in (*releases.glob(f"{_STAGING}*"), *releases.glob(f"{_WORK}*")):
        lock = _try_lock(folder) if folder != own else None
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _try_lock(folder: Path) -> int | None:
    """Lock a folder; return None if another process holds it, or the file system has no locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


@contextlib.contextmanager
def _publication_lock(releases: Path) -> Iterator[None]:
    """Hold the lock under which folders are made, removed and switched."""
    handle = os.open(releases, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: two builds at once are rare
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _move_into_place(staging: Path, release: Release) -> Release:
    """Rename the staging folder to its version; if another build was first with the same inputs, use that."""
    try:
        staging.rename(release.folder)
    except OSError:
        if not release.folder.is_dir():
            raise
        other = read_release(release.folder)
        if other.inputs != release.inputs:
            fact = f"another build has written {release.version} meanwhile from other files"
            raise ReleaseError(Problem(fact, "run `kg build` again", release.folder)) from None
        return other
    return release


def _switch_current(out: Path, folder: Path) -> None:
    """Point `current` to the release by renaming a new link over the old one."""
    target = Path(RELEASES) / folder.name
    link = out / CURRENT
    with _publication_lock(out / RELEASES):
        if link.is_symlink() and link.readlink() == target:
            return
        new_link = out / _LINK
        new_link.unlink(missing_ok=True)
        new_link.symlink_to(target)
        new_link.replace(link)
    _sync_to_disk(out)
