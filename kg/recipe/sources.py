"""Source documents: frozen bytes that are verified before they are read."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.errors import Problem, SourceError
from kg.recipe.tables import read_toml

DESCRIPTION = "source.toml"
REQUIRED = ("key", "document", "sha256", "title_ja", "title_en")


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
        return _decoded(_received(self.file, self.sha256), self.file) if self.carried is None else self.carried


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


def _received(file: Path, sha256: str) -> bytes:
    try:
        received = file.read_bytes()
    except OSError as error:
        remedy = f"put the document there, or name another in {DESCRIPTION}"
        raise SourceError(Problem(f"cannot be read: {error.strerror}", remedy, file)) from error
    found = hashlib.sha256(received).hexdigest()
    if found != sha256:
        fact = f"its SHA-256 is {found}, not {sha256} as in {DESCRIPTION}"
        remedy = f'restore the document; if the change is meant, put sha256 = "{found}" into {DESCRIPTION}'
        raise SourceError(Problem(fact, remedy, file))
    return received


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
    problems: list[Problem] = []
    sources: dict[str, Source] = {}
    for description in sorted(folder.glob(f"*/{DESCRIPTION}")):
        try:
            source = read_source(description.parent)
        except SourceError as error:
            problems.extend(error.problems)
            continue
        if source.key in sources:
            fact = f"key {source.key!r} is also the key of {sources[source.key].file.parent.name}"
            problems.append(Problem(fact, "give each edition a key of its own", description))
        sources[source.key] = source
    if not sources and not problems:
        problems.append(Problem("no source", f"add a folder with a {DESCRIPTION} and its document", folder))
    if problems:
        raise SourceError(*problems)
    return tuple(sources[key] for key in sorted(sources))
