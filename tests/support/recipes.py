"""Copies of the recipe of this checkout, whole or short, to be changed and built."""

import hashlib
import re
import shutil
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = Path("sources") / "municipal-2019"
DOCUMENT = SOURCE / "measures-2019.txt"
FIRST_LINES = 10  # of the document: the head of a page and four measures


def whole_recipe(folder: Path) -> Path:
    """Copy the recipe into a folder that is not there yet; return that."""
    return Path(shutil.copytree(CHECKOUT / "build", folder))


def short_recipe(folder: Path, *words: str, first: int = FIRST_LINES) -> Path:
    """Copy the recipe with the first lines of the document, and the lines that have one of some words.

    It has no corrections, no published identifiers and no redirects, which are about the whole document.
    """
    recipe = whole_recipe(folder)
    lines = (recipe / DOCUMENT).read_bytes().decode().splitlines(keepends=True)
    kept = [line for n, line in enumerate(lines) if n < first or any(word in line for word in words)]
    (recipe / DOCUMENT).write_bytes("".join(kept).encode())
    seal(recipe)
    for name in ("corrections.csv", "identifiers.csv", "redirects.csv"):
        if (recipe / name).exists():
            header = (recipe / name).read_text(encoding="utf-8").splitlines()[0]
            (recipe / name).write_text(header + "\n", encoding="utf-8")
    return recipe


def seal(recipe: Path) -> None:
    """State the checksum of the document, which has been changed."""
    settings = recipe / SOURCE / "source.toml"
    digest = hashlib.sha256((recipe / DOCUMENT).read_bytes()).hexdigest()
    text = re.sub(r'^sha256 = ".*"$', f'sha256 = "{digest}"', settings.read_text(encoding="utf-8"), flags=re.M)
    settings.write_text(text, encoding="utf-8")


def replace(recipe: Path, name: str, old: str, new: str) -> None:
    """Replace the first occurrence of a text in a file of a recipe; fail where it is not there."""
    file = recipe / name
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
