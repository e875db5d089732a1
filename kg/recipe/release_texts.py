"""Texts of a release: descriptions, terms, and the names of its files, tables and columns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.core.errors import Problem, RecipeError
from kg.core.paths import read_text
from kg.recipe.schema import read_toml

FILE = "catalogue.toml"
PROBLEMS = "known-problems.md"
_PAIRS = ("description", "rights", "publisher")


@dataclass(frozen=True)
class Text:
    """The same text in Japanese and English."""

    ja: str
    en: str


@dataclass(frozen=True)
class TableTexts:
    """The title of a table, and those of its columns by name."""

    title: Text
    columns: dict[str, Text]


@dataclass(frozen=True)
class Catalogue:
    """The texts of the catalogue; `files` and `tables` are by name, `problems` is Markdown."""

    description: Text
    rights: Text
    publisher: Text
    keywords_ja: tuple[str, ...]
    keywords_en: tuple[str, ...]
    licence: str
    series_title: Text
    series_description: Text
    files: dict[str, Text]
    tables: dict[str, TableTexts]
    problems: str


def read_catalogue(folder: Path) -> Catalogue:
    """Read `catalogue.toml`; raise RecipeError if a text is missing or is not a pair of texts."""
    file = folder / FILE
    data = read_toml(file)
    try:
        return Catalogue(
            **{name: _text(data, name) for name in _PAIRS},
            keywords_ja=tuple(data["keywords_ja"]),
            keywords_en=tuple(data["keywords_en"]),
            licence=data["licence"],
            series_title=_text(data["series"], "title"),
            series_description=_text(data["series"], "description"),
            files={name: _text(data["files"], name) for name in data["files"]},
            tables={name: _table(table) for name, table in data["tables"].items()},
            problems=_problems(folder / PROBLEMS),
        )
    except (KeyError, TypeError, ValueError) as error:
        fact = f"{error.args[0]} is missing, or no pair of texts" if error.args else "is incomplete"
        remedy = 'give each text as a pair: name = ["日本語", "English"]'
        raise RecipeError(Problem(fact, remedy, file)) from error


def _problems(file: Path) -> str:
    remedy = "write what users should know of the data, in Japanese and English, as Markdown in UTF-8"
    try:
        return read_text(file, RecipeError, remedy)
    except OSError as error:
        raise RecipeError(Problem(f"cannot be read: {error}", remedy, file)) from error


def _table(data: dict[str, Any]) -> TableTexts:
    return TableTexts(_text(data, "title"), {name: _text(data["columns"], name) for name in data["columns"]})


def _text(data: dict[str, Any], name: str) -> Text:
    value = data[name]
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) and part for part in value)):
        raise ValueError(name)
    return Text(*value)
