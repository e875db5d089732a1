"""Makes rdf-tests.tar.xz from a checkout of github.com/w3c/rdf-tests: what query syntax and evaluation need, unchanged.

    python tests/w3c/pack.py CHECKOUT/sparql

The same files give the same bytes: names in order, no dates, no owners.
"""

import io
import lzma
import sys
import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).with_name("rdf-tests.tar.xz")
SUITES = ("sparql10", "sparql11")
# No tests of queries: updates, other protocols, and entailment, which the engine does not do.
LEFT_OUT = {
    *("add", "basic-update", "clear", "copy", "delete", "delete-data", "delete-insert", "delete-where", "drop", "move"),
    *("update-silent", "graph-store-protocol", "http-rdf-update", "protocol", "service-description", "entailment"),
}
KEPT = {".rq", ".ru", ".ttl", ".nt", ".rdf", ".srx", ".srj", ".csv", ".tsv"}
LICENCES = {"LICENSE", "LICENSE.md"}


def pack(sparql: Path) -> bytes:
    """Return the archive of a folder that holds `sparql10` and `sparql11`."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for file in sorted(file for suite in SUITES for file in (sparql / suite).rglob("*") if file.is_file()):
            name = file.relative_to(sparql)
            if file.name in LICENCES or (
                len(name.parts) == 3 and name.parts[1] not in LEFT_OUT and file.suffix in KEPT
            ):
                entry = tarfile.TarInfo(name.as_posix())
                entry.size = file.stat().st_size
                tar.addfile(entry, io.BytesIO(file.read_bytes()))
    return lzma.compress(archive.getvalue(), preset=9 | lzma.PRESET_EXTREME)


if __name__ == "__main__":
    ARCHIVE.write_bytes(pack(Path(sys.argv[1])))
