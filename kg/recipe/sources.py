"""Source documents: frozen bytes that are verified before they are read."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from kg.errors import KgError, Problem, SourceError
from kg.recipe.tables import read_toml

DESCRIPTION = "source.toml"
REQUIRED = ("key", "document", "sha256", "title_ja", "title_en")


class _Described(Protocol):
    """What was received with a description of it."""

    @property
    def key(self) -> str: ...

    @property
    def file(self) -> Path: ...


Keyed = TypeVar("Keyed", bound=_Described)


@dataclass(frozen=True)
class Source:
    """One edition of the table: the curator's description, and where its document is.

    `carried` is the document itself, for who takes the source to a machine that does not have the file.
    """

    key: str
    file: Path
    sha256: str
    described: dict[str, Any]
    carried: str | None = None

    def document(self) -> str:
        """Return the decoded document, line ends as they are; raise SourceError where it is not what was received.

        It is read anew each time: a thousand documents need not be in memory at once.
        """
        if self.carried is not None:
            return self.carried
        return _decoded(received(self.file, self.sha256, DESCRIPTION, SourceError), self.file)

    def carrying(self, document: bytes) -> "Source":
        """Return the edition with these bytes as its document; raise SourceError where they are empty or no UTF-8."""
        return replace(self, carried=_decoded(document, self.file))


def read_source(folder: Path) -> Source:
    """Read `source.toml` and the document it names.

    Raises SourceError where the document is missing, empty, no UTF-8 or not the one that was received.
    """
    description = folder / DESCRIPTION
    described = read_toml(description)
    missing = [name for name in REQUIRED if not isinstance(described.get(name), str) or not described[name]]
    if missing:
        raise SourceError(Problem(f"{', '.join(missing)} missing", "give each as a text", description))
    source = Source(described["key"], folder / described["document"], described["sha256"].lower(), described)
    source.document()  # for the complaint where it is another one, or none
    return source


def received(file: Path, sha256: str, description: str, error: type[KgError]) -> bytes:
    """Return a file with just the bytes that were received, as a description says; raise the error for any other."""
    try:
        content = file.read_bytes()
    except OSError as reason:
        remedy = f"put the document there, or name another in {description}"
        raise error(Problem(f"cannot be read: {reason.strerror}", remedy, file)) from reason
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        fact = f"its SHA-256 is {found}, not {sha256} as in {description}"
        remedy = f'restore the document; if the change is meant, put sha256 = "{found}" into {description}'
        raise error(Problem(fact, remedy, file))
    return content


def _decoded(received: bytes, file: Path) -> str:
    try:
        document = received.decode("utf-8")
    except UnicodeDecodeError as error:
        line = received[: error.start].count(b"\n") + 1
        fact = f"is no UTF-8: byte 0x{received[error.start]:02x} at offset {error.start}"
        raise SourceError(Problem(fact, "convert the document to UTF-8 and give its new sha256", file, line)) from error
    if not document.strip():
        raise SourceError(Problem("is empty", "put the document's text there and give its sha256", file))
    return document


def read_sources(folder: Path) -> tuple[Source, ...]:
    """Read every source below `folder`, in the order of their keys; raise SourceError with every problem."""
    sources, problems = by_key(folder.glob(f"*/{DESCRIPTION}"), lambda description: read_source(description.parent))
    if not sources and not problems:
        problems.append(Problem("no source", f"add a folder with a {DESCRIPTION} and its document", folder))
    if problems:
        raise SourceError(*problems)
    return sources


def by_key(descriptions: Iterable[Path], read: Callable[[Path], Keyed]) -> tuple[tuple[Keyed, ...], list[Problem]]:
    """Return what some descriptions describe, in the order of their keys, and what is wrong with them."""
    problems: list[Problem] = []
    found: dict[str, Keyed] = {}
    for description in sorted(descriptions):
        try:
            one = read(description)
        except KgError as error:
            problems.extend(error.problems)
            continue
        if one.key in found:
            fact = f"key {one.key!r} is also the key of {found[one.key].file.parent.name}"
            problems.append(Problem(fact, "give each a key of its own", description))
        found[one.key] = one
    return tuple(found[key] for key in sorted(found)), problems
