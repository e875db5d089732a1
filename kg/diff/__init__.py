"""Differences between two releases, editions or dumps: as statements, and per entity as sentences."""

from kg.diff.comparer import Change, Changes, compare
from kg.diff.sorted_dump import Dump, patch

__all__ = ["Change", "Changes", "Dump", "compare", "patch"]
