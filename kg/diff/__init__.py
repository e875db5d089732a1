"""Differences between two releases, editions or dumps: as statements, and per entity as sentences.

`Dump` is one side of a comparison, `compare` returns the `Changes`, and `patch` the differing lines. The modules
`diff_serializers` and `sentences` format them for `kg diff` and the pages of changes.
"""

from kg.diff.comparer import Change, Changes, compare
from kg.diff.sorted_dump import Dump, patch

__all__ = ["Change", "Changes", "Dump", "compare", "patch"]
