"""What one question may use, and how many are answered at once.

What a zygote loads: a release or any RDF files, into memory or from the disk.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from kg.core.iris import REBASED
from kg.core.release import N_QUADS, Release, read_release
from kg.core.store_loader import open_files, open_release, size
from kg.engine.remote_release import Held

MB = 1 << 20
KB = 1 << 10
SLOW_FOR_EACH_FAST = 2


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Limits:
    """The limits of the endpoint; sizes in bytes, times in seconds.

    `fast_seconds` is how long a question may run at full priority. Who needs longer goes on in one of the slow places,
    where all that the fast ones leave of the processors is shared.
    """

    workers: int = field(default_factory=cores)
    slow_places: int = field(default_factory=lambda: SLOW_FOR_EACH_FAST * cores())
    seconds: float = 30.0
    fast_seconds: float = 0.25
    memory: int = 512 * MB
    answer: int = 64 * MB
    # An answer above this is written to a file, so that the front does not hold it.
    held: int = 1 * MB
    # All answers in files that are being sent at one time.
    sending: int = 1024 * MB
    query: int = 256 * KB
    # A longer query starts in a slow place: to read it alone takes a while.
    short: int = 64 * KB
    nesting: int = 250
    unions: int = 1000
    waiting: int = 256
    waiting_of_one_client: int = 64
    waiting_seconds: float = 15.0
    # The only endpoints that SERVICE may call, by their IRIs.
    services: tuple[str, ...] = ()

    @classmethod
    def of(cls, workers: int, **others: Any) -> "Limits":
        """Return limits with this many fast places and a number of slow ones that suits it."""
        return cls(workers=workers, slow_places=SLOW_FOR_EACH_FAST * workers, **others)

    @property
    def slow_places_of_one_client(self) -> int:
        """How many slow places one client may hold: half of them, so that another's question finds one."""
        return max(1, self.slow_places // 2)

    def as_message(self) -> dict[str, Any]:
        """Return the limits as JSON holds them; `Limits(**message)` is the way back."""
        return asdict(self)


def megabytes(size: int) -> str:
    """Return a size as it is named to people."""
    return f"{size / MB:g} MB" if size >= MB else f"{size / KB:g} KB"


# Measured on a million triples: how many times larger than its N-Quads a store in memory is, and which part of it a
# worker makes its own when it looks through all of it.
_LOADED = 3.2
_COPIED = 0.7
# N-Quads of this many bytes are in memory within about a second.
LOADED_AT_ONCE = 32 << 20


@dataclass(frozen=True)
class Source:
    """A release by its folder, RDF files, or what a store elsewhere holds.

    Only a release can stay on the disk, and only under its canonical base: the names in its store are those of the
    build.
    """

    release: Path | None = None
    files: tuple[Path, ...] = ()
    on_disk: bool = False
    held: Held | None = None

    @classmethod
    def of(cls, data: Release | Sequence[Path] | Held, limits: Limits, available: int | None = None) -> "Source":
        """Return the source that a release, a list of files or a store is.

        A release stays on the disk where memory is short.
        `available` is how many bytes of memory there are; without it that is looked up.
        """
        if isinstance(data, Held):
            return cls(held=data)
        if not isinstance(data, Release):
            return cls(files=tuple(data))
        if REBASED:
            return cls(release=data.folder)
        processes = 1 + _COPIED * (limits.workers + limits.slow_places)
        graph = data.path(N_QUADS)
        needed = graph.stat().st_size * _LOADED * processes if graph.exists() else 0
        room = available_memory() if available is None else available
        return cls(release=data.folder, on_disk=needed > room and data.has_store())

    @property
    def place(self) -> str:
        """Where the data are: `memory`, `disk`, or the name of the engine of another store."""
        return self.held.address.engine if self.held else "disk" if self.on_disk else "memory"

    def at_once(self) -> "Source":
        """Return what can be opened without delay: the same, or its store on the disk where it takes long to load."""
        if self.on_disk or self.release is None or REBASED:
            return self
        release = read_release(self.release)
        large = release.path(N_QUADS).exists() and release.path(N_QUADS).stat().st_size > LOADED_AT_ONCE
        return replace(self, on_disk=True) if large and release.has_store() else self

    def open(self) -> Store:
        """Return the store of a release or of files; raise ReleaseError where it cannot be had."""
        if self.release is None:
            return open_files(self.files)
        release = read_release(self.release)
        return Store.read_only(str(release.store_folder())) if self.on_disk else open_release(release)

    def counted(self) -> tuple[Store, int]:
        """Return the store, and the number of triples that a plain query counts in it.

        Counting looks through all of them, so of a release on the disk it is the manifest that says it.
        """
        store = self.open()
        told = read_release(self.release).counts.get("triples") if self.release and self.on_disk else None
        return store, size(store) if told is None else told

    def as_message(self) -> dict[str, Any]:
        """Return the source as JSON holds it."""
        release = None if self.release is None else str(self.release)
        held = self.held and self.held.as_message()
        return {"release": release, "files": [str(file) for file in self.files], "on_disk": self.on_disk, "held": held}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "Source":
        """Return the source that `as_message` has described."""
        release = None if message["release"] is None else Path(message["release"])
        held = Held.from_message(message["held"]) if message["held"] else None
        return cls(release, tuple(Path(file) for file in message["files"]), message["on_disk"], held)


def available_memory() -> int:
    """Return how many bytes this process and those it starts can have: of the machine, and of its control group."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text(encoding="ascii").strip() if limit.exists() else ""
    machine = int(fields["MemAvailable"].split()[0]) * 1024
    return min(machine, int(allowed)) if allowed.isdecimal() else machine
