"""Search index of the served data: that of the release, or one that is built in the background.

RDF files have no index, nor has a release of an older program. A separate process builds it while the server answers
already, within a time limit; until then searches are refused (503).
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from kg.core.errors import KgError
from kg.core.iris import SERVED_BASE
from kg.core.release import GRAPH, N_QUADS, SEARCH, Release
from kg.engine.remote_release import RemoteRelease
from kg.engine.wire import Refusal
from kg.engine.zygote_client import environment
from kg.search import Index

# Seconds before the build of the index starts, so that the query workers start first.
_START_DELAY = 1.0
_TIME_LIMIT = 3600.0  # time limit of the build, in seconds
_log = logging.getLogger(__name__)


class BackgroundIndex:
    """Search index of a release, of RDF files, or of the local copy of a remote release."""

    def __init__(self, data: Release | Sequence[Path] | RemoteRelease) -> None:
        self._index: Index | None = None
        self._failure = ""
        # Without a copy of a remote release there never will be an index.
        self.is_possible = not isinstance(data, RemoteRelease) or data.release is not None
        if isinstance(data, RemoteRelease):
            if not self.is_possible:
                self._failure = (
                    "this server has no copy of the release that the store holds, and the index is a part of it"
                )
            data = data.release or ()
        self._files = tuple(data) if not isinstance(data, Release) else _indexed_files(data)
        if isinstance(data, Release) and data.has_search():
            try:
                self._index = Index.open(data.search_index())
            except KgError as error:  # the release is served all the same
                _log.error("the search index cannot be opened, so it is built again: %s", error)

    def index(self) -> Index:
        """Return the index; raise Refusal (503) if there is none, or none yet."""
        if self._index:
            return self._index
        if self._failure:
            raise Refusal(503, f"there is no search index: {self._failure}")
        fact = "the search index of these data is being built; try again in a moment"
        raise Refusal(503, fact, {"Retry-After": "2"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Build the index if there is none; delete what was built at the end."""
        if self._index or self._failure:
            yield
            if self._index:
                self._index.close()
            return
        with tempfile.TemporaryDirectory(prefix="kg-search-") as folder:
            build = asyncio.create_task(self._build(Path(folder) / SEARCH))
            try:
                yield
            finally:
                build.cancel()
                await asyncio.gather(build, return_exceptions=True)
                if self._index:
                    self._index.close()

    async def _build(self, file: Path) -> None:
        await asyncio.sleep(_START_DELAY)
        canonical = {name: value for name, value in environment().items() if name != SERVED_BASE}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kg.search", str(file), *map(str, self._files)),
            env=canonical,
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_TIME_LIMIT):
                assert process.stderr is not None
                output = await process.stderr.read()
                code = await process.wait()
            if code:
                raise OSError(output.decode(errors="replace").strip() or f"the process ended with {code}")
            self._index = Index.open(file)
        except (OSError, TimeoutError, KgError) as error:
            self._failure = "it could not be built from these data; the server's log says why"
            _log.error("the search index could not be built: %s", error or f"it took more than {_TIME_LIMIT:g} s")
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _indexed_files(release: Release) -> tuple[Path, ...]:
    """Return the file of a release to build the index from."""
    names = {file.name for file in release.files}
    return (release.path(N_QUADS if N_QUADS in names else GRAPH),)
