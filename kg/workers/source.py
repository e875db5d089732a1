"""What a zygote loads: a release or any RDF files, into memory or from the disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from kg.releases import Release, read_release
from kg.store import open_files, open_release


@dataclass(frozen=True)
class Source:
    """A release by its folder, or RDF files. Only a release can stay on the disk."""

    release: Path | None = None
    files: tuple[Path, ...] = ()
    on_disk: bool = False

    @classmethod
    def of(cls, data: Release | Sequence[Path], on_disk: bool = False) -> "Source":
        """Return the source that a release or a list of files is."""
        return cls(release=data.folder, on_disk=on_disk) if isinstance(data, Release) else cls(files=tuple(data))

    def open(self) -> Store:
        """Return the store; raise ReleaseError where it cannot be had."""
        if self.release is None:
            return open_files(self.files)
        release = read_release(self.release)
        return Store.read_only(str(release.store_folder())) if self.on_disk else open_release(release)

    def as_message(self) -> dict[str, Any]:
        """Return the source as JSON holds it."""
        release = None if self.release is None else str(self.release)
        return {"release": release, "files": [str(file) for file in self.files], "on_disk": self.on_disk}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "Source":
        """Return the source that `as_message` has described."""
        release = None if message["release"] is None else Path(message["release"])
        return cls(release, tuple(Path(file) for file in message["files"]), message["on_disk"])
