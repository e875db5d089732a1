"""Reading TOML files of the recipe against their description in `tables.toml`: keys, types and the form of values.

A description is named like the file below the recipe, `sources/*/source.toml`. The name of a setting within a table has
dots, `columns.title`; a `*` in it stands for any key.
"""

import difflib
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kg.core.errors import Problem, RecipeError
from kg.recipe.schema import DESCRIPTIONS, TOML, Field, read_toml

Settings = dict[str, Any]


def problems_of_settings(folder: Path, described: Mapping[str, tuple[Field, ...]]) -> dict[Path, list[Problem]]:
    """Return the problems of each TOML file of the recipe in `folder`, an empty list for one that is as described."""
    files = [file for file in sorted(folder.rglob(f"*{TOML}")) if not _hidden(file.relative_to(folder))]
    return {file: [*_problems_of_file(file, folder, described)] for file in files if file != folder / DESCRIPTIONS}


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _problems_of_file(file: Path, folder: Path, described: Mapping[str, tuple[Field, ...]]) -> Iterator[Problem]:
    name = file.relative_to(folder)
    fields = next((described[one] for one in described if one.endswith(TOML) and name.match(one)), None)
    if fields is None:
        known = ", ".join(one for one in described if one.endswith(TOML))
        yield Problem(f"is not described in {DESCRIPTIONS}", f"correct its name or its place: {known}", file)
        return
    try:
        yield from _problems(read_toml(file), fields, file)
    except RecipeError as error:
        yield from error.problems


def _problems(settings: Settings, fields: Sequence[Field], file: Path) -> Iterator[Problem]:
    given = dict(_flat(settings))
    names = [field.name for field in fields]
    for name, value in given.items():
        field = next((field for field in fields if _means(field.name, name)), None)
        if field is None:
            near = difflib.get_close_matches(name, names, n=1) or names
            yield Problem(
                f"{name} is no setting of {file.name}", f"correct it, or leave it out: {', '.join(near)}", file
            )
        elif problem := field.problem_of_setting(name, value, file):
            yield problem
        elif field.needs and field.needs not in given:
            yield Problem(f"{name} is {value!r}, but {field.needs} is missing", "give both", file)
    for field in fields:
        if field.required and not any(_means(field.name, name) for name in given):
            yield field.missing(file)


def _flat(settings: Settings, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value with its name; a table is no value, unless it is empty."""
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _means(pattern: str, name: str) -> bool:
    return pattern == name or ("*" in pattern and fnmatch.fnmatchcase(name, pattern))
