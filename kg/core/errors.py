"""Exceptions of the program, one class per kind of failure, and the translation of their messages.

KgError
├── RecipeError    a declarative file is wrong: the curator corrects it
├── SourceError    a source document is not what the recipe says it is
├── ReleaseError   a release cannot be written, found or read
├── QueryError     a query cannot be answered as it was given
└── StoreError     an external store cannot be reached, or does not do what it should

Every error is printed as `file:line: fact` and then, indented, the remedy. Messages are written in English;
`kg/core/messages.ja.toml` has the Japanese of each fact and remedy, keyed by the English with gaps.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """Problem that stops the work: fact, remedy, and the file and line it is in."""

    fact: str
    remedy: str
    file: Path | str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = "" if self.file is None else f"{self.file}:" if self.line is None else f"{self.file}:{self.line}:"
        return f"{where} {self.fact}\n  {self.remedy}".lstrip()


class KgError(Exception):
    """Base class: one or more problems; its text lists all of them."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type["KgError"], tuple[Problem, ...]]:
        return type(self), self.problems  # picklable, to reach another process unchanged


class RecipeError(KgError):
    """A declarative file is wrong."""


class SourceError(KgError):
    """A source document is not what the recipe says it is."""


class ReleaseError(KgError):
    """A release cannot be written, found or read."""


class QueryError(KgError):
    """A query cannot be answered as it was given."""


class StoreError(KgError):
    """An external store cannot be reached, or does not do what it should.

    `status` is the HTTP status for clients of this server: 502, 504 (timeout), 503 (busy), 400 (the query is at fault).
    """

    def __init__(self, *problems: Problem, status: int = 502) -> None:
        super().__init__(*problems)
        self.status = status


GAP = "…"
CATALOGUE = Path(__file__).with_name("messages.ja.toml")
_NESTED = "within"
_LANGUAGES = ("ja", "en")
_PLACEHOLDER = re.compile(r"\{([1-9])\}")


def language() -> str:
    """Return ja or en: KG_LANG, else the language of the locale by POSIX (LC_ALL, LC_MESSAGES, LANG)."""
    if (wanted := os.environ.get("KG_LANG")) in _LANGUAGES:
        return wanted
    locale = next((found for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (found := os.environ.get(name))), "")
    return "ja" if re.match(r"ja(_|\.|$)", locale) else "en"


def format_problem(problem: Problem, lang: str) -> str:
    """Format a problem in a language: file, line and fact, then the indented remedy."""
    if lang != "ja":
        return str(problem)
    fact, remedy = _translate(problem.fact, "facts"), _translate(problem.remedy, "remedies")
    return str(Problem(fact, remedy, problem.file, problem.line))


def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return the Japanese of each message by its English, by part: facts, remedies and nested texts."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


@cache
def _templates(part: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the messages of a part as patterns, longest first, since a long one may match a shorter pattern too."""
    ordered = sorted(catalogue()[part].items(), key=lambda pair: (-len(pair[0].replace(GAP, "")), pair[0]))
    return tuple(
        (re.compile("(.*?)".join(map(re.escape, english.split(GAP))), re.DOTALL), japanese)
        for english, japanese in ordered
    )


def _translate(text: str, part: str) -> str:
    """Translate a text; one that matches no message of the part, such as a name, is returned unchanged."""
    for pattern, japanese in _templates(part):
        if match := pattern.fullmatch(text):
            return _fill_gaps(japanese, [_translate(gap, _NESTED) for gap in match.groups()])
    return text


def _fill_gaps(text: str, gaps: Sequence[str]) -> str:
    return _PLACEHOLDER.sub(lambda place: gaps[int(place[1]) - 1], text)
