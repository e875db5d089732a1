"""The characters that count as one: old and variant forms of kanji, and those that a scanner takes for each other."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kg.core.paths import places

FILE = "characters.csv"
VARIANT, LOOK_ALIKE = "variant", "look-alike"


@dataclass(frozen=True)
class Characters:
    """`usual` leads from an old or variant form to the usual one; `alike` holds pairs that look alike, both ways."""

    usual: Mapping[str, str] = field(default_factory=dict)
    alike: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str]]) -> "Characters":
        """Return the characters that rows tell: one, other, kind."""
        rows = list(rows)
        pairs = [(one, other) for one, other, kind in rows if kind == LOOK_ALIKE]
        usual = {one: other for one, other, kind in rows if kind == VARIANT}
        return cls(usual, frozenset([*pairs, *((other, one) for one, other in pairs)]))

    @classmethod
    def read(cls, recipe: Path | None = None) -> "Characters":
        """Return the characters of a recipe, by default of the one at hand; none where it has no such table."""
        file = (recipe or places().recipe) / FILE
        if not file.exists():
            return cls()
        with file.open(encoding="utf-8-sig", newline="") as text:
            return cls.of((row["character"], row["same_as"], row["kind"]) for row in csv.DictReader(text))

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield the rows that `of` reads."""
        yield from ((one, other, VARIANT) for one, other in sorted(self.usual.items()))
        yield from ((one, other, LOOK_ALIKE) for one, other in sorted(self.alike) if one < other)
