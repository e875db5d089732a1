"""Writing a release new_link the others, and switching to it in one rename: a build that dies leaves the old serving.

What is being written stands in a staging folder that its process keeps locked. The lock ends with the process, however
it ends, so the next build knows which folders nobody writes any more and removes them.
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
    """Turn what the system refuses into a ReleaseError."""
    try:
        yield
    except OSError as error:
        fact = f"the release cannot be written: {error.strerror or error}"
        raise ReleaseError(Problem(fact, remedy, error.filename)) from error


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder as they are: no release, no checksums, nothing switched."""
    with _report_os_errors("free space or choose another folder with --out"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            folder.joinpath(name).write_bytes(content)


@contextlib.contextmanager
def work_folder(out: Path, inputs: str) -> Iterator[Path]:
    """Give a folder for what a build makes on its way, with what one of the same inputs left there when it was killed.

    It is removed at the end, also when the build has failed: then its inputs, or the room, will be others. Raises
    ReleaseError where the system refuses something.
    """
    releases = out / RELEASES
    with _report_os_errors("free space or choose another folder with --out; the release before is untouched"):
        releases.mkdir(parents=True, exist_ok=True)
        with _publication_lock(releases):
            folder = releases / f"{_WORK}{inputs[:16]}"
            _remove_abandoned(releases, kept=folder)
            folder.mkdir(exist_ok=True)
            lock = _try_lock(folder)
            if lock is None:  # another build has it
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
            with contextlib.suppress(OSError):  # where there was no release, and there is none now
                releases.rmdir()


def publish(version: str, out: Path, write: WriteFiles) -> Release:
    """Have a release filled into a folder of its own and point `out/current` to it.

    `write` writes the files into the folder and returns the release with them. Raises ReleaseError where something
    cannot be written.
    """
    with _report_os_errors("free space or choose another folder with --out; the release before is untouched"):
        release = _write_release(out / RELEASES / version, out, write)
        _switch_current(out, release.folder)
    return release


def switch_to(release: Release, out: Path) -> None:
    """Point `out/current` to a release that is there; raise ReleaseError where that cannot be done."""
    with _report_os_errors("free space or choose another folder with --out; the release before is untouched"):
        _switch_current(out, release.folder)


def _write_release(folder: Path, out: Path, write: WriteFiles) -> Release:
    """Write everything into a folder of its own, the manifest last, and rename it to the version."""
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
    """Return once a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _staging_folder(releases: Path) -> Iterator[Path]:
    """Make a folder that is ours until the end, and remove it then, unless it has been renamed."""
    with _publication_lock(releases):
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=releases))
        lock = _try_lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _remove_abandoned(releases: Path, kept: Path) -> None:
    """Remove what builds have left that have died, but for one folder."""
    for folder in (*releases.glob(f"{_STAGING}*"), *releases.glob(f"{_WORK}*")):
        lock = _try_lock(folder) if folder != kept else None
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _try_lock(folder: Path) -> int | None:
    """Lock a folder; return None where another process has it, or where the file system knows no locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


@contextlib.contextmanager
def _publication_lock(releases: Path) -> Iterator[None]:
    """Wait for the moment in which no other build makes, sweeps or switches."""
    handle = os.open(releases, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: two builds at once are rare
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _move_into_place(staging: Path, release: Release) -> Release:
    """Give the finished folder its name; where another build was first with the same inputs, take that one."""
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
    """Point `current` to the release: a new link new_link the old one, then one rename."""
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
