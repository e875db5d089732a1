"""`python -m kg.search INDEX FILE…`: makes the search index of RDF files, for a server that has none of them yet.

It takes what the server leaves of the processors, holds the graph on the disk and not in memory, and ends with the
server: that is when its standard input ends.
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
    os.read(sys.stdin.fileno(), 1)  # not by way of a buffer, whose lock would be missed at the end
    os._exit(1)


def main() -> int:
    """Make the index that the arguments name; return the exit code."""
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
