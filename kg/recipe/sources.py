"""Source documents: received files whose SHA-256 is verified before they are read.

The table of one document is an edition; its key, plan and date are in `build/sources/<key>/source.toml`. Local plans
use the same verification and lookup of descriptions.
"""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from kg.core.errors import KgError, Problem, SourceError
from kg.core.paths import bom_encoding, decode, guess_encoding
from kg.recipe.schema import read_toml

FOLDER = "sources"
DESCRIPTION = "source.toml"
REQUIRED = ("key", "document", "sha256", "title_ja", "title_en")


class _Described(Protocol):
    """Interface of a received file with its description."""

    @property
    def key(self) -> str: ...

    @property
    def file(self) -> Path: ...


Keyed = TypeVar("Keyed", bound=_Described)


@dataclass(frozen=True)
class Source:
    """One edition of the table: the curator's description, and the path of its document.

    `content` is the document itself, for machines that do not have the file.
    """

    key: str
    file: Path
    sha256: str
    described: dict[str, Any]
    content: str | None = None

    @property
    def description(self) -> Path:
        """The path of the file that describes this source."""
        return self.file.parent / DESCRIPTION

    def document(self) -> str:
        """Return the decoded document with its line ends; raise SourceError if it differs from the received one.

        The file is read at each call, so that a thousand documents need not be in memory at once.
        """
        if self.content is not None:
            return self.content
        return _decode_document(read_verified(self.file, self.sha256, DESCRIPTION, SourceError), self.file)

    def with_document(self, document: bytes) -> "Source":
        """Return the edition with these bytes as its document; raise SourceError if empty or not UTF-8."""
        return replace(self, content=_decode_document(document, self.file))


def read_source(folder: Path) -> Source:
    """Read `source.toml` and the document that it names.

    Raises SourceError if the document is missing, empty, not UTF-8 or not the received one.
    """
    description = folder / DESCRIPTION
    described = read_toml(description)
    missing = [name for name in REQUIRED if not isinstance(described.get(name), str) or not described[name]]
    if missing:
        raise SourceError(Problem(f"{', '.join(missing)} missing", "give each as a text", description))
    source = Source(described["key"], folder / described["document"], described["sha256"].lower(), described)
    source.document()  # raises if the document is missing or not the received one
    return source


def read_verified(file: Path, sha256: str, description: str, error: type[KgError]) -> bytes:
    """Return the bytes of a file; raise `error` if it is missing or its SHA-256 differs.

    `description` is the name of the file that states the hash.
    """
    try:
        content = file.read_bytes()
    except OSError as reason:
        remedy = f"put the document there, or name another in {description}"
        raise error(Problem(f"cannot be read: {reason.strerror}", remedy, file)) from reason
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        fact = f"its SHA-256 is {digest}, not {sha256} as in {description}"
        remedy = f'restore the document; if the change is meant, put sha256 = "{digest}" into {description}'
        raise error(Problem(fact, remedy, file))
    return content


def _decode_document(content: bytes, file: Path) -> str:
    """Return the text without byte order mark; UTF-16 is refused, since the file is served as UTF-8."""
    remedy = "convert the document to UTF-8 and give its new sha256"
    if bom_encoding(content) not in ("", "utf-8-sig"):
        raise SourceError(Problem(f"is not UTF-8: this looks like {guess_encoding(content)}", remedy, file, 1))
    document = decode(content, file, SourceError, remedy)
    if not document.strip():
        raise SourceError(Problem("is empty", "put the document's text there and give its sha256", file))
    return document


def read_sources(folder: Path, broken: Container[str | Path] = ()) -> tuple[tuple[Source, ...], list[Problem]]:
    """Return every source below `folder`, in the order of their keys, and the problems of the others.

    A description in `broken` is reported elsewhere, and not read.
    """
    descriptions, problems = find_descriptions(folder, DESCRIPTION)
    unbroken = [description for description in descriptions if description not in broken]
    sources, unreadable = read_by_key(unbroken, lambda description: read_source(description.parent))
    problems += [*unreadable, *_conflicting_plans(sources)]
    if not descriptions and not problems:
        problems.append(Problem("no source", f"add a folder with a {DESCRIPTION} and its document", folder))
    return sources, problems


def edition_keys(folder: Path, sources: Iterable[Source]) -> set[str]:
    """Return the keys of all editions of a recipe, by folder name for those that cannot be read."""
    return {source.key for source in sources} | {part.name for part in folder.glob(f"{FOLDER}/[!.]*") if part.is_dir()}


def find_descriptions(folder: Path, description: str) -> tuple[list[Path], list[Problem]]:
    """Return the descriptions in subfolders of a folder, and a problem for each subfolder without one."""
    problems = []
    for part in sorted(folder.glob("[!.]*")) if folder.is_dir() else ():
        if part.is_dir() and not (part / description).is_file():
            remedy = f"describe what is in it in a {description}, or move it out of {folder.name}"
            problems.append(Problem(f"has no {description}", remedy, part))
    return sorted(folder.glob(f"[!.]*/{description}")), problems


def _conflicting_plans(sources: Iterable[Source]) -> Iterator[Problem]:
    """Yield the properties of one plan that differ between two editions."""
    first: dict[tuple[str, str], Source] = {}
    for source in sources:
        for name in ("plan_ja", "plan_en", "plan_decided"):
            value, plan = source.described.get(name), source.described.get("plan")
            if value is None or plan is None:
                continue
            other = first.setdefault((plan, name), source)
            if value != other.described[name]:
                fact = f"{name} of plan {plan!r} is {value}, and {other.described[name]} in {other.key}"
                yield Problem(fact, "correct the one that is wrong, or give one a plan of its own", source.description)


def read_by_key(descriptions: Iterable[Path], read: Callable[[Path], Keyed]) -> tuple[tuple[Keyed, ...], list[Problem]]:
    """Return the things that descriptions describe, sorted by key, and the problems of the unreadable ones."""
    problems: list[Problem] = []
    by_key: dict[str, Keyed] = {}
    for description in sorted(descriptions):
        try:
            one = read(description)
        except KgError as error:
            problems.extend(error.problems)
            continue
        if one.key in by_key:
            fact = f"key {one.key!r} is also the key of {by_key[one.key].file.parent.name}"
            problems.append(Problem(fact, "give each a key of its own", description))
        by_key[one.key] = one
    return tuple(by_key[key] for key in sorted(by_key)), problems
