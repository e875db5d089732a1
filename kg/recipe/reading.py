"""Reading the whole recipe, and every problem in it at once."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from kg.cells import plain
from kg.errors import KgError, Problem, RecipeError
from kg.recipe.codelists import CodeList
from kg.recipe.corrections import Correction, corrections_of
from kg.recipe.eras import Era, eras_of
from kg.recipe.links import Links, links_of
from kg.recipe.plans import LocalPlan, read_plans
from kg.recipe.revisions import TABLE as REVISIONS
from kg.recipe.revisions import Judgement, judgements_of
from kg.recipe.sources import Source, read_sources
from kg.recipe.tables import DESCRIPTIONS, Row, Table, dangling, read_descriptions, read_table, read_toml, tables_of
from kg.recipe.things import Change, changes_of, problems_of_things

FORMAT = 1
FILE = "recipe.toml"
_NEWER = "install a newer kg: pip install --upgrade shisaku-graph"


@dataclass(frozen=True)
class Recipe:
    """Everything that a curator decided: what the release is called, the sources, the code lists, the corrections."""

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


CODE_LISTS = ("columns", "effects", "pillars", "organizations", "units", "laws", "entities", "bodies", "places")


def read_recipe(folder: Path) -> Recipe:
    """Read the recipe in `folder`; raise RecipeError with every problem of every file."""
    problems: list[Problem] = []
    tables: dict[str, Table] = {}
    broken: set[str] = set()
    sources: tuple[Source, ...] = ()
    head: dict[str, str] = {}
    try:
        head = _head(folder / FILE)
    except KgError as error:
        problems.extend(error.problems)
    descriptions = tables_of(folder, read_descriptions(folder))
    for name, fields in descriptions.items():
        tables[name], found = read_table(folder, name, fields)
        broken |= {name} if found else set()
        problems.extend(found)
    problems.extend(dangling(tables, descriptions, broken))
    for file in sorted(folder.glob("*.csv")):
        if file.stem not in descriptions:
            problems.append(Problem("is not described", f"describe its columns in {DESCRIPTIONS}", file))
    try:
        sources = read_sources(folder / "sources")
    except KgError as error:
        problems.extend(error.problems)
    if problems:
        raise RecipeError(*problems)
    return _recipe(folder, head, tables, sources)


def _head(file: Path) -> dict[str, str]:
    """Read recipe.toml: format, version, issued, titles, and the version before, where one is named."""
    data = read_toml(file)
    if (found := data.get("format")) != FORMAT:
        fact = f"format is {found!r}; this program reads format {FORMAT}"
        newer = isinstance(found, int) and found > FORMAT
        older = f"write format = {FORMAT} when the recipe has that form; CHANGELOG.md tells what is new in it"
        raise RecipeError(Problem(fact, _NEWER if newer else older, file))
    if not isinstance(data.get("issued"), datetime.date):
        raise RecipeError(Problem("issued is no date", "write it as issued = 2026-11-23", file))
    texts = {name: data.get(name) for name in ("version", "title_ja", "title_en")}
    for name, value in texts.items():
        if not isinstance(value, str) or not value:
            raise RecipeError(Problem(f"{name} missing", "give it as a text", file))
    previous = data.get("previous", "")
    if not isinstance(previous, str) or previous == texts["version"]:
        raise RecipeError(
            Problem(f"previous is {previous!r}", "name the version before this one, or leave it out", file)
        )
    known = {name: str(value) for name, value in texts.items()}
    return {**known, "issued": data["issued"].isoformat(), "previous": previous}


def _recipe(folder: Path, head: dict[str, str], tables: dict[str, Table], sources: tuple[Source, ...]) -> Recipe:
    codes = {name: CodeList(tables[name]) for name in CODE_LISTS}
    problems = list(problems_of_things(codes))
    changes, found = changes_of(tables["organization-changes"], codes)
    links, wrong = links_of(tables, codes, sources)
    judgements, doubtful = judgements_of(tables[REVISIONS], sources)
    try:
        plans = read_plans(folder, sources)
    except RecipeError as error:
        problems.extend(error.problems)
    if problems := [*problems, *found, *wrong, *doubtful]:
        raise RecipeError(*problems)
    return Recipe(
        folder=folder,
        version=head["version"],
        issued=head["issued"],
        title_ja=head["title_ja"],
        title_en=head["title_en"],
        sources=sources,
        codes=codes,
        eras=eras_of(tables["eras"]),
        tables=tables,
        issue_types={row["key"]: row for row in tables["issue-types"].rows},
        corrections=corrections_of(tables["corrections"]),
        translations={plain(row["text_ja"]): row for row in tables["translations"].rows},
        changes=changes,
        links=links,
        judgements=judgements,
        plans=plans,
        previous=head["previous"],
    )
