"""Differences between two releases, editions or dumps: as statements, and per entity as sentences."""

from kg.diff.comparer import Change, Changes, compare
from kg.diff.merge_join import patch
from kg.diff.sorted_dump import Dump

__all__ = ["Change", "Changes", "Dump", "compare", "patch"]
