"""Writing a release beside the others, and switching to it in one rename: a build that dies leaves the old serving.

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

from kg.errors import Problem, ReleaseError
from kg.releases import CHECKSUMS, CURRENT, MANIFEST, RELEASES, Release, ReleasedFile, read_release

_STAGING = ".staging-"
_LINK = f".{CURRENT}-new"

Fill = Callable[[Path], None]


@contextlib.contextmanager
def _told(remedy: str) -> Iterator[None]:
    """Turn what the system refuses into a ReleaseError."""
    try:
        yield
    except OSError as error:
        fact = f"the release cannot be written: {error.strerror or error}"
        raise ReleaseError(Problem(fact, remedy, error.filename)) from error


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder as they are: no release, no checksums, nothing switched."""
    with _told("free space or choose another folder with --out"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _put(folder, name, content)


def publish(draft: Release, files: dict[str, bytes], out: Path, made: Mapping[str, Fill] | None = None) -> Release:
    """Write the files of a release and point `out/current` to it; without files, point to the one that is there.

    `made` has for the name of what is made in its place, such as the store, what makes it there; they are asked in
    their order. Raises ReleaseError where something cannot be written.
    """
    with _told("free space or choose another folder with --out; the release before is untouched"):
        (out / RELEASES).mkdir(parents=True, exist_ok=True)
        _sweep(out / RELEASES)
        release = _write(draft, files, out, made or {}) if files else draft
        _switch(out, release.folder)
    return release


def _write(draft: Release, files: dict[str, bytes], out: Path, made: Mapping[str, Fill]) -> Release:
    """Write everything into a folder of its own, the manifest last, and rename it to the version."""
    with _staging(out / RELEASES) as staging:
        for name, fill in made.items():
            fill(staging / name)
        entries = [_put(staging, name, content) for name, content in sorted(files.items())]
        sums = "".join(f"{entry.sha256}  {entry.name}\n" for entry in entries)
        entries.append(_put(staging, CHECKSUMS, sums.encode()))
        release = replace(draft, files=tuple(entries))
        manifest = json.dumps(release.manifest(), ensure_ascii=False, indent=1, sort_keys=True)
        _put(staging, MANIFEST, (manifest + "\n").encode())
        for path in (*sorted(staging.rglob("*")), staging):
            _keep(path)
        staging.chmod(0o755)  # mkdtemp makes it private
        release = _rename(staging, release)
    _keep(out / RELEASES)
    return release


def _put(folder: Path, name: str, content: bytes) -> ReleasedFile:
    (folder / name).write_bytes(content)
    return ReleasedFile.of(name, content)


def _keep(path: Path) -> None:
    """Return once a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _staging(releases: Path) -> Iterator[Path]:
    """Make a folder that is ours until the end, and remove it then, unless it has been renamed."""
    with _turn(releases):
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=releases))
        lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _sweep(releases: Path) -> None:
    """Remove the staging folders of builds that have died."""
    with _turn(releases):
        for folder in releases.glob(f"{_STAGING}*"):
            lock = _lock(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder; return None where another process has it, or where the file system knows no locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


@contextlib.contextmanager
def _turn(releases: Path) -> Iterator[None]:
    """Wait for the moment in which no other build makes, sweeps or switches."""
    handle = os.open(releases, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: two builds at once are rare
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _rename(staging: Path, release: Release) -> Release:
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


def _switch(out: Path, folder: Path) -> None:
    """Point `current` to the release: a new link beside the old one, then one rename."""
    target = Path(RELEASES) / folder.name
    link = out / CURRENT
    with _turn(out / RELEASES):
        if link.is_symlink() and link.readlink() == target:
            return
        beside = out / _LINK
        beside.unlink(missing_ok=True)
        beside.symlink_to(target)
        beside.replace(link)
    _keep(out)
