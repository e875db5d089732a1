"""The names by which laws are called for short, and what they are in full, whether a graph has them or not."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kg.core.paths import places

FILE = "short-names.csv"


@dataclass(frozen=True)
class ShortNames:
    """`full` leads from a short name, or from a full one to itself, to the full name; laws alone are there by now."""

    full: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, recipe: Path | None = None) -> "ShortNames":
        """Return the short names of a recipe, by default of the one at hand; none where it has no such table."""
        file = (recipe or places().recipe) / FILE
        if not file.exists():
            return cls()
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = [(row["short_name"], row["full_name"]) for row in csv.DictReader(text)]
        return cls({**{full: full for _, full in rows}, **dict(rows)})
