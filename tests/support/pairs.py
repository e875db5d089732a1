"""Two made-up editions of one made-up table, side by side in a recipe: the second revises the first.

Between them measures are renamed, renumbered, split, merged, dropped and new; targets are raised and lowered, deadlines
and leads move. None of it is real, and none of it is published.
"""

import hashlib
import shutil
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parents[1] / "build"
BEFORE, AFTER = "sample-2030", "sample-2031"
_FILES = {BEFORE: "before", AFTER: "after"}
_EMPTIED = ("corrections.csv", "translations.csv", "revisions.csv", "identifiers.csv", "redirects.csv")


def recipe_of(folder: Path, *keys: str, version: str = "2031.1.0", previous: str = "") -> Path:
    """Make a recipe with these editions in a folder, and return it."""
    recipe = Path(shutil.copytree(RECIPE, folder, ignore=shutil.ignore_patterns("sources")))
    for key in keys:
        _source(recipe / "sources" / key, key, AFTER if key == AFTER and BEFORE in keys else "")
    for name in _EMPTIED:  # what they say is about the rows of the real table
        head = (RECIPE / name).read_text(encoding="utf-8").splitlines()[0]
        (recipe / name).write_text(head + "\n", encoding="utf-8")
    named = recipe / "recipe.toml"
    lines = named.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("version", "previous"))]
    more = [f'version = "{version}"', *([f'previous = "{previous}"'] if previous else [])]
    named.write_text("\n".join([*kept, *more, ""]), encoding="utf-8")
    return recipe


def _source(folder: Path, key: str, revising: str) -> None:
    folder.mkdir(parents=True)
    document = (HERE / "pair" / f"{_FILES[key]}.txt").read_bytes()
    (folder / "document.txt").write_bytes(document)
    settings = {
        "key": key,
        "document": "document.txt",
        "sha256": hashlib.sha256(document).hexdigest(),
        "title_ja": f"架空の施策一覧({key})",
        "title_en": f"A made-up list of measures ({key})",
        "plan": key.rpartition("-")[2],
        "plan_ja": f"架空の計画{key}",
        "plan_en": f"A made-up plan {key}",
        **({"revises": BEFORE} if revising else {}),
    }
    text = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    (folder / "source.toml").write_text(text, encoding="utf-8")
