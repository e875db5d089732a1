"""Data source of the workers (release, RDF files or external store) and the limits of the endpoint."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from kg.core.iris import REBASED
from kg.core.paths import available_memory, processor_count
from kg.core.release import N_QUADS, Release, read_release
from kg.core.store_loader import count_triples, open_files, open_release
from kg.engine.remote_release import RemoteRelease

MB = 1 << 20
KB = 1 << 10
SLOW_PER_FAST = 2


@dataclass(frozen=True)
class Limits:
    """Limits of the endpoint; sizes in bytes, times in seconds.

    `fast_seconds` is how long a query may run at full priority. A longer one moves to a slow slot, at the lowest
    priority.
    """

    workers: int = field(default_factory=processor_count)
    slow_slots: int = field(default_factory=lambda: SLOW_PER_FAST * processor_count())
    seconds: float = 30.0
    fast_seconds: float = 0.25
    memory: int = 512 * MB
    answer: int = 64 * MB
    # A larger answer is written to a file, so that the server process does not hold it in memory.
    in_memory: int = 1 * MB
    # Total size of the answers in files that are being sent at one time.
    sending: int = 1024 * MB
    query: int = 256 * KB
    # A longer query starts in a slow slot: parsing alone takes a while.
    short: int = 64 * KB
    nesting: int = 250
    unions: int = 1000
    waiting: int = 256
    queued_per_client: int = 64
    queue_seconds: float = 15.0
    # The only endpoints that SERVICE may call, by their IRIs.
    services: tuple[str, ...] = ()

    @classmethod
    def of(cls, workers: int, **others: Any) -> "Limits":
        """Return limits with this many fast slots and twice as many slow ones."""
        return cls(workers=workers, slow_slots=SLOW_PER_FAST * workers, **others)

    @property
    def slow_slots_per_client(self) -> int:
        """Number of slow slots one client may hold: half of them, so that others find a free one."""
        return max(1, self.slow_slots // 2)

    def as_message(self) -> dict[str, Any]:
        """Return the limits as a JSON object; `Limits(**message)` restores them."""
        return asdict(self)


def format_size(size: int) -> str:
    """Format a size in bytes as MB or KB."""
    return f"{size / MB:g} MB" if size >= MB else f"{size / KB:g} KB"


# Measured on a million triples: size of a store in memory relative to its N-Quads, and the share of it that a worker
# copies when it scans all of it.
_MEMORY_FACTOR = 3.2
_COPIED_SHARE = 0.7
# N-Quads of this many bytes are loaded within about a second.
QUICKLY_LOADED = 32 << 20


@dataclass(frozen=True)
class Source:
    """Data source of a worker: a release folder, RDF files, or a release in an external store.

    Only a release can be read from disk, and only with the canonical base: its store has the IRIs of the build.
    """

    release: Path | None = None
    files: tuple[Path, ...] = ()
    on_disk: bool = False
    remote: RemoteRelease | None = None

    @classmethod
    def of(
        cls, data: Release | Sequence[Path] | RemoteRelease, limits: Limits, available: int | None = None
    ) -> "Source":
        """Return the source for a release, a list of files or a remote release.

        A release is read from disk if memory is short. `available` is the available memory in bytes; by default it is
        determined from the system.
        """
        if isinstance(data, RemoteRelease):
            return cls(remote=data)
        if not isinstance(data, Release):
            return cls(files=tuple(data))
        if REBASED:
            return cls(release=data.folder)
        processes = 1 + _COPIED_SHARE * (limits.workers + limits.slow_slots)
        graph = data.path(N_QUADS)
        needed = graph.stat().st_size * _MEMORY_FACTOR * processes if graph.exists() else 0
        room = available_memory() if available is None else available
        return cls(release=data.folder, on_disk=needed > room and data.has_store())

    @property
    def place(self) -> str:
        """Location of the data: `memory`, `disk`, or the engine of the external store."""
        return self.remote.address.engine if self.remote else "disk" if self.on_disk else "memory"

    def quickly_opened(self) -> "Source":
        """Return a source that opens without delay: this one, or its store on disk if loading it takes long."""
        if self.on_disk or self.release is None or REBASED:
            return self
        release = read_release(self.release)
        large = release.path(N_QUADS).exists() and release.path(N_QUADS).stat().st_size > QUICKLY_LOADED
        return replace(self, on_disk=True) if large and release.has_store() else self

    def open(self) -> Store:
        """Open the store of a release or of files; raise ReleaseError if it cannot be opened."""
        if self.release is None:
            return open_files(self.files)
        release = read_release(self.release)
        return Store.read_only(str(release.store_folder())) if self.on_disk else open_release(release)

    def open_counted(self) -> tuple[Store, int]:
        """Open the store and return it with the number of triples in its default graph.

        For a release on disk the number comes from the manifest, since counting scans all triples.
        """
        store = self.open()
        counted = read_release(self.release).counts.get("triples") if self.release and self.on_disk else None
        return store, count_triples(store) if counted is None else counted

    def as_message(self) -> dict[str, Any]:
        """Return the source as a JSON object."""
        release = None if self.release is None else str(self.release)
        remote = self.remote and self.remote.as_message()
        return {
            "release": release,
            "files": [str(file) for file in self.files],
            "on_disk": self.on_disk,
            "remote": remote,
        }

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "Source":
        """Return the source from the JSON object of `as_message`."""
        release = None if message["release"] is None else Path(message["release"])
        remote = RemoteRelease.from_message(message["remote"]) if message["remote"] else None
        return cls(release, tuple(Path(file) for file in message["files"]), message["on_disk"], remote)
