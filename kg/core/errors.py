"""What can go wrong, one class for each kind of situation.

KgError
├── RecipeError    a declarative file is wrong: the curator mends it
├── SourceError    a source document is not what the recipe says it is
├── ReleaseError   a release cannot be written, found or understood
├── QueryError     a question cannot be answered as it was asked
└── StoreError     a store elsewhere cannot be reached, or does not do what it is asked

Every error reads `file:line: fact` and then, indented, the remedy.

Problems in the language of their reader.

The code says them in English; `kg/core/messages.ja.toml` has each fact and remedy in Japanese, by its English with
gaps.
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


GAP = "…"
CATALOGUE = Path(__file__).with_name("messages.ja.toml")
_WITHIN = "within"
_LANGUAGES = ("ja", "en")
_PLACE = re.compile(r"\{([1-9])\}")


def language() -> str:
    """Return ja or en: KG_LANG, else the language of the locale by POSIX (LC_ALL, LC_MESSAGES, LANG)."""
    if (wanted := os.environ.get("KG_LANG")) in _LANGUAGES:
        return wanted
    locale = next((found for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (found := os.environ.get(name))), "")
    return "ja" if re.match(r"ja(_|\.|$)", locale) else "en"


def told(problem: Problem, lang: str) -> str:
    """Return a problem as it is read: its place and its fact, and indented the remedy."""
    if lang != "ja":
        return str(problem)
    fact, remedy = _japanese(problem.fact, "facts"), _japanese(problem.remedy, "remedies")
    return str(Problem(fact, remedy, problem.file, problem.line))


def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return the Japanese of each message by its English, by facts, remedies and what may stand within them."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


@cache
def _templates(part: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the messages of a part as patterns; what says most comes first, since it may also fit what says less."""
    known = sorted(catalogue()[part].items(), key=lambda pair: (-len(pair[0].replace(GAP, "")), pair[0]))
    return tuple(
        (re.compile("(.*?)".join(map(re.escape, english.split(GAP))), re.DOTALL), japanese)
        for english, japanese in known
    )


def _japanese(text: str, part: str) -> str:
    """Return a text in Japanese; what no message of the part has made stays as it is, such as a name."""
    for pattern, japanese in _templates(part):
        if match := pattern.fullmatch(text):
            return _filled(japanese, [_japanese(gap, _WITHIN) for gap in match.groups()])
    return text


def _filled(text: str, gaps: Sequence[str]) -> str:
    return _PLACE.sub(lambda place: gaps[int(place[1]) - 1], text)
