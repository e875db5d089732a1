"""The command line. Results go to standard output, everything else to standard error.

Exit codes: 0, 1 (the answer is no, or the work cannot be done), 2 (used wrongly). Heavy modules are imported by the
command that needs them, so that `kg --help` answers at once.
"""

from kg.cli import build, diff, link, publish, query, serve
from kg.cli.options import main

__all__ = ["build", "diff", "link", "main", "publish", "query", "serve"]
