"""Where the declarative files are and where releases go. Nothing else in `kg` knows.

In a checkout the folders stand beside `kg/`; in an installed wheel they are carried in `kg/declared/`. Releases go to
`out/` of a checkout and to the user's data folder otherwise; a user who has no home, as in a container, has `out/` in
the current folder.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_data_path

DISTRIBUTION = "shisaku-graph"
LEDGER = "identifiers.csv"  # in the recipe: every identifier that was published
# What lies at the top of the project and is read with the guide, to which it belongs.
TOP_FILES = (
    "README.md",
    "README.ja.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE-DATA.md",
    "LICENSE",
)


@dataclass(frozen=True)
class Places:
    """The folders that the program works with; `checkout` says whether they are meant to be edited.

    TOP_FILES are beside `docs`.
    """

    recipe: Path
    ontology: Path
    shapes: Path
    queries: Path
    docs: Path
    out: Path
    checkout: bool


@cache  # it is asked for with every page
def _is_checkout(root: Path) -> bool:
    """Whether `root` holds the pyproject.toml of this very distribution."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    return bool(project.get("project", {}).get("name") == DISTRIBUTION)


def places(recipe: Path | None = None, out: Path | None = None) -> Places:
    """Return the folders in force; `recipe` and `out` replace the usual ones."""
    package = Path(__file__).parents[1]
    checkout = _is_checkout(package.parent)
    root = package.parent if checkout else package / "declared"
    return Places(
        recipe=recipe or root / "build",
        ontology=root / "ontology",
        shapes=root / "shapes",
        queries=root / "queries",
        docs=root / "docs",
        out=out or (root / "out" if checkout else _folder_of_user()),
        checkout=checkout,
    )


def _folder_of_user() -> Path:
    """Return where an installed program keeps the releases of its user."""
    try:
        return user_data_path(DISTRIBUTION, appauthor=False)
    except RuntimeError:  # neither HOME nor an entry in passwd
        return Path("out")
