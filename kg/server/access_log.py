"""The access log: one line of JSON for each request, written only where it is asked for.

It is off unless asked for, since it tells who has asked: a proxy in front writes one of its own, and the counts are at
/metrics. Of an address only the network is written, of a query only the beginning of its SHA-256, by which the same
queries can be counted, unless its text is asked for.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from kg.core.errors import KgError, Problem
from kg.http.client_address import written

STANDARD_ERROR = Path("-")
_LONGEST_PATH = 500
_PREFIX = 16  # hex digits
_STANDARD_ERROR = 2
_INTERVAL = 1.0


@dataclass(frozen=True)
class Entry:
    """What is known of a request when it is answered; `size` is what was sent as the content, in bytes."""

    client: str
    method: str
    path: str
    status: int
    size: int
    seconds: float
    outcome: str
    query: str


class AccessLog:
    """Writes to a file, or to standard error. A file may be moved away at any time: it is begun anew a second later."""

    def __init__(self, file: Path, with_queries: bool = False) -> None:
        """Begin or continue a log; raise KgError where the file cannot be written."""
        self._file, self._with_queries = file, with_queries
        self._looked_at = 0.0
        try:
            self._descriptor = self._open()
        except OSError as error:
            problem = Problem(f"the access log cannot be written: {error}", "choose another file: --access-log FILE")
            raise KgError(problem) from error

    def write(self, entry: Entry) -> None:
        """Write a line, whole; where there is no room for it, it is lost."""
        line: dict[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": written(entry.client),
            "method": entry.method,
            "path": entry.path[:_LONGEST_PATH],
            "status": entry.status,
            "bytes": entry.size,
            "ms": round(entry.seconds * 1000, 2),
            "outcome": entry.outcome,
        }
        if entry.query:
            line["query"] = _hash(entry.query)
            if self._with_queries:
                line["text"] = entry.query
        with suppress(OSError):
            self._look()
            os.write(self._descriptor, json.dumps(line).encode() + b"\n")

    def _open(self) -> int:
        if self._file == STANDARD_ERROR:
            return _STANDARD_ERROR
        return os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def _look(self) -> None:
        """Open the file again where another one, or none, has its name now."""
        now = monotonic()
        if now - self._looked_at < _INTERVAL or self._descriptor == _STANDARD_ERROR:
            return
        self._looked_at = now
        newest = self._open()
        if os.path.sameopenfile(newest, self._descriptor):
            os.close(newest)
        else:
            os.close(self._descriptor)
            self._descriptor = newest


def _hash(query: str) -> str:
    return hashlib.sha256(query.encode(errors="surrogatepass")).hexdigest()[:_PREFIX]
