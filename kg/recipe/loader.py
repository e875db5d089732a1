"""Loader of the recipe: reads every file and collects all problems.

Broken parts are omitted and the others are still checked, so that a curator gets every problem at once. Relations
between parts are checked only if these are not broken. The module also reads the catalogue (`catalogue.toml`): the
texts of a release, such as its description, its terms, and the titles of files, tables and columns.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kg.core.errors import Problem, RecipeError
from kg.core.paths import read_text
from kg.core.spans import plain
from kg.recipe.code_lists import Change, CodeList, check_code_lists, check_concepts, read_changes
from kg.recipe.corrections import Correction, read_corrections
from kg.recipe.eras import Era, read_eras
from kg.recipe.links import Links, read_links
from kg.recipe.local_plans import LocalPlan, read_plans
from kg.recipe.revision_judgements import TABLE as REVISIONS
from kg.recipe.revision_judgements import Judgement, read_judgements
from kg.recipe.schema import DESCRIPTIONS, Field, read_descriptions, read_toml
from kg.recipe.sources import FOLDER as SOURCES
from kg.recipe.sources import Source, edition_keys, read_sources
from kg.recipe.table_loader import (
    Row,
    Table,
    check_settings,
    dangling_references,
    future_dates,
    match_tables,
    read_table,
)

FORMAT = 1
FILE = "recipe.toml"
CODE_LISTS = ("columns", "effects", "pillars", "organizations", "units", "laws", "entities", "bodies", "places")
_NEWER = "install a newer kg: pip install --upgrade shisaku-graph"
_EASTERNMOST = datetime.timezone(datetime.timedelta(hours=14))  # the time zone in which a day begins first


@dataclass(frozen=True)
class Recipe:
    """All decisions of the curators: release metadata, sources, code lists, corrections, links and judgements."""

    folder: Path
    version: str
    issued: str
    title_ja: str
    title_en: str
    sources: tuple[Source, ...]
    codes: dict[str, CodeList]
    eras: tuple[Era, ...]
    tables: dict[str, Table]
    issue_types: dict[str, Row]
    corrections: tuple[Correction, ...]
    translations: dict[str, Row]
    changes: tuple[Change, ...]
    links: Links
    judgements: tuple[Judgement, ...]
    plans: tuple[LocalPlan, ...]
    previous: str
    remarks: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class RecipeReport:
    """A recipe with its problems and remarks; `recipe` is as much of it as could be read.

    It is None if nothing could be read, or if a document cannot be read without what is missing.
    """

    recipe: Recipe | None
    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...] = ()


def read_recipe(folder: Path) -> Recipe:
    """Return the recipe in `folder`; raise RecipeError with all problems of all files."""
    report = inspect_recipe(folder)
    if report.problems or report.recipe is None:
        raise RecipeError(*report.problems)
    return report.recipe


def inspect_recipe(folder: Path) -> RecipeReport:
    """Return the recipe in `folder` as far as it can be read, with its problems."""
    try:
        described = read_descriptions(folder)
    except RecipeError as error:
        return RecipeReport(None, error.problems)
    return _RecipeReader(folder, described).read()


@dataclass
class _RecipeReader:
    """State of reading a recipe; `broken` has the names of tables, and the files, with a problem."""

    folder: Path
    described: dict[str, tuple[Field, ...]]
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    broken: set[str | Path] = field(default_factory=set)
    unread: bool = False  # no row of the table is reliable

    def read(self) -> RecipeReport:
        """Read the files, then check their relations."""
        settings = self._read_settings()
        tables = self._read_tables(settings.get("issued", ""))
        sources = self._read_sources()
        recipe = self._assemble(settings, tables, sources)
        whole = recipe and recipe.eras and sources and not self.unread
        return RecipeReport(recipe if whole else None, tuple(self.problems), tuple(self.remarks))

    def _read_settings(self) -> dict[str, str]:
        """Check every TOML file; return the settings of recipe.toml, empty if that is broken."""
        problems_by_file = check_settings(self.folder, self.described)
        try:
            _check_format(self.folder / FILE)
        except RecipeError as error:
            problems_by_file[self.folder / FILE] = list(error.problems)
        for file, problems in problems_by_file.items():
            self.problems.extend(problems)
            self.broken |= {file} if problems else set()
        if self.folder / FILE in self.broken:
            return {}
        data = read_toml(self.folder / FILE)
        if data.get("previous") == data["version"]:
            fact = f"previous is {data['previous']!r}"
            remedy = "name the version before this one, or leave it out"
            self.problems.append(Problem(fact, remedy, self.folder / FILE))
        return {**data, "issued": data["issued"].isoformat()}

    def _read_tables(self, issued: str) -> dict[str, Table]:
        described = match_tables(self.folder, self.described)
        tables: dict[str, Table] = {}
        for name, fields in described.items():
            tables[name], report = read_table(self.folder, name, fields)
            self.problems.extend(report.problems)
            self.remarks.extend(report.remarks)
            self.broken |= {name} if report.problems else set()
            self.unread |= report.broken
        today = datetime.datetime.now(_EASTERNMOST).date().isoformat()
        wrong = [
            *dangling_references(tables, described, self.broken),
            *future_dates(tables, described, max(today, issued)),
        ]
        self.problems.extend(wrong)
        self.broken |= {problem.file.stem for problem in wrong if isinstance(problem.file, Path)}
        for file in sorted(self.folder.glob("*.csv")):
            if file.stem not in described:
                self.problems.append(Problem("is not described", f"describe its columns in {DESCRIPTIONS}", file))
        return tables

    def _read_sources(self) -> tuple[Source, ...]:
        sources, problems = read_sources(self.folder / SOURCES, self.broken)
        self.problems.extend(problems)
        if problems or any(isinstance(file, Path) and file.name != FILE for file in self.broken):
            self.broken.add(SOURCES)
        return sources

    def _assemble(
        self, settings: dict[str, str], tables: dict[str, Table], sources: tuple[Source, ...]
    ) -> Recipe | None:
        """Return the recipe; None if a table that it needs is not described."""
        if missing := [name for name in (*CODE_LISTS, *_REQUIRED_TABLES) if name not in tables]:
            self._add_problems(
                Problem(f"[{name}] is missing", "put it back", self.folder / DESCRIPTIONS) for name in missing
            )
            return None
        codes = self._read_code_lists(tables)
        changes, problems = read_changes(tables["organization-changes"], codes)
        self._add_problems(problems, "organization-changes", "organizations", "bodies")
        links, problems = read_links(tables, codes, sources)
        self._add_problems(problems, "link-rules", "link-targets", SOURCES, *CODE_LISTS)
        judgements, problems = read_judgements(tables[REVISIONS], sources)
        self._add_problems(problems, REVISIONS, SOURCES)
        eras, problems = read_eras(tables["eras"])
        self._add_problems(problems, "eras")
        corrections, problems = read_corrections(tables["corrections"], edition_keys(self.folder, sources))
        self._add_problems(problems)
        plans, problems = read_plans(self.folder, sources, self.broken)
        self._add_problems(problems)
        return Recipe(
            folder=self.folder,
            **{key: settings.get(key, "") for key in ("version", "issued", "title_ja", "title_en", "previous")},
            sources=sources,
            codes=codes,
            eras=eras,
            tables=tables,
            issue_types={row["key"]: row for row in tables["issue-types"].rows},
            corrections=corrections,
            translations={plain(row["text_ja"]): row for row in tables["translations"].rows},
            changes=changes,
            links=links,
            judgements=judgements,
            plans=plans,
            remarks=tuple(self.remarks),
        )

    def _read_code_lists(self, tables: dict[str, Table]) -> dict[str, CodeList]:
        """Return the code lists."""
        codes = {name: CodeList(tables[name]) for name in CODE_LISTS}
        for name, codelist in codes.items():
            self._add_problems(codelist.problems, name)
        self._add_problems(check_code_lists(codes), "organizations", "bodies", "places", "entities")
        self._add_problems(check_concepts(tables["concepts"]), "concepts")
        return codes

    def _add_problems(self, problems: Iterable[Problem], *parts: str) -> None:
        """Add problems of some parts, unless a part is broken: then they may only follow from that."""
        if not self.broken & {*parts}:
            self.problems.extend(problems)


_REQUIRED_TABLES = (
    "organization-changes",
    "link-rules",
    "link-targets",
    REVISIONS,
    "eras",
    "corrections",
    "issue-types",
    "translations",
)


def _check_format(file: Path) -> None:
    """Raise RecipeError if this program does not support the format of the recipe."""
    value = read_toml(file).get("format")
    if value != FORMAT:
        fact = f"format is {value!r}; this program reads format {FORMAT}"
        newer = isinstance(value, int) and value > FORMAT
        older = f"write format = {FORMAT} when the recipe has that form; CHANGELOG.md describes the changes"
        raise RecipeError(Problem(fact, _NEWER if newer else older, file))


CATALOGUE_FILE = "catalogue.toml"
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
    file = folder / CATALOGUE_FILE
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
