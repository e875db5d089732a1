"""Writing a release beside the others, and switching to it in one rename: a build that dies leaves the old serving."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from kg.errors import Problem, ReleaseError
from kg.releases import CHECKSUMS, CURRENT, MANIFEST, RELEASES, Release, ReleasedFile, read_release

_STAGING = ".staging-"


def publish(draft: Release, files: dict[str, bytes], out: Path) -> Release:
    """Write the files of a release and point `out/current` to it; without files, point to the one that is there."""
    try:
        release = _write(draft, files, out) if files else draft
        _switch(out, release.folder)
    except OSError as error:
        fact = f"the release cannot be written: {error.strerror or error}"
        remedy = "free space or choose another folder with --out; the release before is untouched"
        raise ReleaseError(Problem(fact, remedy, error.filename or out)) from error
    return release


def _write(draft: Release, files: dict[str, bytes], out: Path) -> Release:
    """Write everything into a folder of its own, the manifest last, and rename it to the version."""
    (out / RELEASES).mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=out / RELEASES))
    try:
        entries = [_put(staging, name, content) for name, content in sorted(files.items())]
        sums = "".join(f"{entry.sha256}  {entry.name}\n" for entry in entries)
        entries.append(_put(staging, CHECKSUMS, sums.encode()))
        release = replace(draft, files=tuple(entries))
        manifest = json.dumps(release.manifest(), ensure_ascii=False, indent=1, sort_keys=True)
        _put(staging, MANIFEST, (manifest + "\n").encode())
        staging.chmod(0o755)  # mkdtemp makes it private
        return _rename(staging, release)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put(folder: Path, name: str, content: bytes) -> ReleasedFile:
    with (folder / name).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return ReleasedFile(name, len(content), hashlib.sha256(content).hexdigest())


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
    with contextlib.suppress(OSError):
        if link.is_symlink() and link.readlink() == target:
            return
    beside = out / f".{CURRENT}-{os.getpid()}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
