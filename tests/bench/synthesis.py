"""Makes a large graph in our own model from a release: many editions, each the real one with other names and numbers.

    .venv/bin/python tests/bench/synthesis.py 40 > /tmp/medium.nt      about a million triples

Edition k has its own measures, KPIs, targets, rows and mentions; organizations, pillars, periods and documents are
shared, as they would be. Titles name the edition and values differ, so that a filter has something to find. The same
arguments give the same bytes.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from kg.places import places

EDITION = "municipal-2019"
_OWN = re.compile(rf"(https://w3id\.org/shisaku/id/(?:source/|edition/)?){EDITION}(?=[/>])")
_VALUE = re.compile(r'(<https://w3id\.org/shisaku/def#value> ")(\d+)(")')
_TITLE = re.compile(r'(<http://purl\.org/dc/terms/title> ".*)("@(?:ja|en) \.\n)$')


def editions(lines: list[str], copies: int) -> Iterator[str]:
    """Yield the lines of the real edition, then those of its copies: only the lines that are about something new."""
    yield from lines
    own = [line for line in lines if _OWN.match(line, 1)]
    for copy in range(1, copies):
        key = f"synthetic-{copy:04}"
        for line in own:
            line = _OWN.sub(rf"\g<1>{key}", line)
            if value := _VALUE.search(line):
                line = line.replace(value[0], f"{value[1]}{int(value[2]) + copy}{value[3]}")
            yield _TITLE.sub(rf"\g<1> ({key})\g<2>", line)


def main() -> None:
    """Write the graph as N-Triples to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("editions", type=int)
    parser.add_argument("--graph", type=Path, default=places().out / "current" / "graph.nt")
    arguments = parser.parse_args()
    lines = arguments.graph.read_text(encoding="utf-8").splitlines(keepends=True)
    sys.stdout.writelines(editions(lines, arguments.editions))


if __name__ == "__main__":
    main()
