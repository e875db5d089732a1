"""What changed between two releases, editions or dumps: as statements, and per thing in words.

dumps      a dump as sorted lines of N-Triples, whatever it was
merging    two such dumps side by side: the things that differ, and the statements
sides      what one dump says of the things that count
pairing    which measure and which KPI of the one is which of the other
telling    a difference in the words of both languages
comparing  all of it: the changes of each thing
writing    as text, JSON, an Atom feed or a page
"""

from kg.changes.comparing import Change, Changes, compare
from kg.changes.dumps import Dump
from kg.changes.merging import patch

__all__ = ["Change", "Changes", "Dump", "compare", "patch"]
