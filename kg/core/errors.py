"""What can go wrong, one class for each kind of situation.

KgError
├── RecipeError    a declarative file is wrong: the curator mends it
├── SourceError    a source document is not what the recipe says it is
├── ReleaseError   a release cannot be written, found or understood
├── QueryError     a question cannot be answered as it was asked
└── StoreError     a store elsewhere cannot be reached, or does not do what it is asked

Every error reads `file:line: fact` and then, indented, the remedy.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One fact that stops the work: where it is, what it is, and what to do about it."""

    fact: str
    remedy: str
    file: Path | str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = "" if self.file is None else f"{self.file}:" if self.line is None else f"{self.file}:{self.line}:"
        return f"{where} {self.fact}\n  {self.remedy}".lstrip()


class KgError(Exception):
    """One or more problems; its text lists all of them."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type["KgError"], tuple[Problem, ...]]:
        return type(self), self.problems  # so that it reaches another process as it is


class RecipeError(KgError):
    """A declarative file is wrong."""


class SourceError(KgError):
    """A source document is not what the recipe says it is."""


class ReleaseError(KgError):
    """A release cannot be written, found or understood."""


class QueryError(KgError):
    """A question cannot be answered as it was asked."""


class StoreError(KgError):
    """A store elsewhere cannot be reached, or does not do what it is asked.

    `status` is what HTTP calls that where somebody asks through us: 502, 504 (too late), 503 (busy), 400 (the query).
    """

    def __init__(self, *problems: Problem, status: int = 502) -> None:
        super().__init__(*problems)
        self.status = status
