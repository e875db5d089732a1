"""Command-line interface: one module per verb, named like it; `options` holds the group and the shared options.

Results go to standard output, everything else to standard error. Exit codes: 0, 1 (the answer is no, or the work
cannot be done), 2 (wrong usage). Heavy modules are imported inside the commands, so that `kg --help` starts fast.
"""

from kg.cli import build, check, cite, diff, explain, link, publish, query, serve, validate
from kg.cli.options import main

__all__ = [
    "build",
    "check",
    "cite",
    "diff",
    "explain",
    "link",
    "main",
    "publish",
    "query",
    "serve",
    "validate",
]
