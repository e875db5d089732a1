"""Makes a large graph in our own model from a release: many editions, each the real one with other names and numbers.

    .venv/bin/python tests/bench/synthesis.py 46 > /tmp/medium.nt          about a million triples
    .venv/bin/python tests/bench/synthesis.py 46 --release /tmp/medium     a release of them, for `kg serve --out`

Edition k has its own measures, KPIs, targets, rows and mentions; organizations, pillars, periods and documents are
shared, as they would be. Titles name the edition and values differ, so that a filter has something to find. The same
arguments give the same bytes.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pyoxigraph import RdfFormat, Store

from kg.core.paths import project_folders
from kg.core.release import (
    CURRENT,
    DESCRIPTION,
    ENGINE,
    MANIFEST,
    N_QUADS,
    N_TRIPLES,
    ONTOLOGY,
    QUERIES,
    RELEASES,
    STORE,
    Release,
    ReleasedFile,
    read_release,
)

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


def release(lines: Iterable[str], model: Release, out: Path) -> None:
    """Make a release of the lines, with the description of another, as `out/current`."""
    folder = out / RELEASES / "synthetic"
    folder.mkdir(parents=True)
    with folder.joinpath(N_TRIPLES).open("w", encoding="utf-8") as plain, folder.joinpath(N_QUADS).open("w") as quads:
        for line in lines:
            plain.write(line)
            quads.write(line)
    for name in (ONTOLOGY, DESCRIPTION, QUERIES):
        shutil.copy(model.path(name), folder)
    store = Store(str(folder / STORE))
    store.bulk_load(path=str(folder / N_QUADS), format=RdfFormat.N_QUADS)
    store.optimize()
    store.flush()
    names = (N_TRIPLES, N_QUADS, ONTOLOGY, DESCRIPTION, QUERIES)
    files = tuple(ReleasedFile(name, folder.joinpath(name).stat().st_size, "") for name in names)
    made = replace(model, folder=folder, version="synthetic", files=files, store=ENGINE)
    folder.joinpath(MANIFEST).write_text(json.dumps(made.manifest()), encoding="utf-8")
    (out / CURRENT).symlink_to(folder)


def main() -> None:
    """Write the graph as N-Triples to standard output, or as a release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("editions", type=int)
    parser.add_argument("--graph", type=Path, default=project_folders().out / "current" / "graph.nt")
    parser.add_argument("--release", type=Path, metavar="OUT", help="make a release in this folder instead")
    arguments = parser.parse_args()
    lines = arguments.graph.read_text(encoding="utf-8").splitlines(keepends=True)
    made = editions(lines, arguments.editions)
    if arguments.release:
        release(made, read_release(arguments.graph.parent), arguments.release)
    else:
        sys.stdout.writelines(made)


if __name__ == "__main__":
    main()
