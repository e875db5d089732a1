"""Measures the store of a large release on the disk: loading, compaction, opening, and each stored query, asked twice.

    .venv/bin/python tests/bench/store.py /tmp/scale/out-300/current/graph.nq /tmp/store

Loads the N-Quads as a build does, in a process of its own; then opens the store anew, read-only, and asks. To compare
servers, serve it (`kg serve`, `oxigraph serve-read-only -l /tmp/store`) and run endpoint.py against them.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from pyoxigraph import Store

from kg.core.paths import project_folders
from kg.core.stored_queries import read_queries
from kg.rdf.dump_serializers import end_store, write_store

_ASK = """
import sys, time
from pyoxigraph import Store
store, query = Store.read_only(sys.argv[1]), sys.stdin.read()
for _ in range(2):
    start = time.perf_counter()
    found = store.query(query)
    rows = sum(1 for _ in found) if hasattr(found, "__iter__") else 1
    print(f"{(time.perf_counter() - start) * 1000:9.1f} ms", end=" ")
print(f"{rows:9,} rows")
"""
PATIENCE = 30  # seconds after which a query would be refused by the server


def load(quads: Path, folder: Path) -> None:
    """Load the store in a child, and say what that took."""
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        write_store(folder, quads)
        end_store(folder, {})
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit("the store could not be loaded")
    size = sum(file.stat().st_size for file in folder.iterdir())
    work = usage.ru_utime + usage.ru_stime
    print(f"loaded and compacted: {time.perf_counter() - start:.0f} s, processors {work:.0f} s", end=", ")
    print(f"{usage.ru_maxrss / 2**10:,.0f} MiB at most, {size / 2**20:,.0f} MiB on the disk", flush=True)


def ask(folder: Path) -> None:
    """Open the store and ask every stored query that needs no value; each in a process that can be ended."""
    start = time.perf_counter()
    store = Store.read_only(str(folder))
    opened = time.perf_counter() - start
    print(f"opened: {opened * 1000:.0f} ms; {len(store):,} quads", flush=True)
    for query in read_queries(project_folders().queries):
        try:
            command = [sys.executable, "-c", _ASK, str(folder)]
            result = subprocess.run(command, input=query.text, capture_output=True, text=True, timeout=2 * PATIENCE)
            told = result.stdout.strip() or result.stderr.strip().splitlines()[-1]
        except subprocess.TimeoutExpired:
            told = f"longer than {PATIENCE} s"
        print(f"  {told}  {query.name}", flush=True)


def main() -> None:
    """Load, unless the folder is there, and ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quads", type=Path)
    parser.add_argument("store", type=Path)
    arguments = parser.parse_args()
    if not arguments.store.exists():
        load(arguments.quads, arguments.store)
    ask(arguments.store)


if __name__ == "__main__":
    main()
