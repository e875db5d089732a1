"""`python -m kg.search INDEX FILE…`: builds the search index of RDF files for a running server without one.

It runs at the lowest priority, keeps the graph on disk instead of in memory, and ends with the server, which closes its
standard input.
"""

import os
import sys
import tempfile
import threading
from pathlib import Path

from kg.core.errors import KgError
from kg.core.store_loader import open_files
from kg.search.index_builder import build


def _end_with_the_server() -> None:
    os.read(sys.stdin.fileno(), 1)  # unbuffered: the lock of a buffer would be held at exit
    os._exit(1)


def main() -> int:
    """Build the index that the arguments name; return the exit code."""
    os.nice(19)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    index, *files = map(Path, sys.argv[1:])
    try:
        with tempfile.TemporaryDirectory(dir=index.parent) as folder:
            unfinished = Path(folder) / index.name
            build(open_files(files, Path(folder) / "store"), unfinished)
            unfinished.rename(index)
    except KgError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
