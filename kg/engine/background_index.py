"""The search index of what is served: that of the release, or one that is made while the server is already answering.

RDF files have no index, nor has a release that an older program made. Theirs is made by a process of its own, with a
limit of time; until it is there, a search is refused for the moment.
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

# What answers queries starts first; then the index is made.
_START_DELAY = 1.0
_TIME_LIMIT = 3600.0  # seconds that making an index may take
_log = logging.getLogger(__name__)


class BackgroundIndex:
    """The index of a release, of RDF files, or of the release that a store holds, where that is here, too."""

    def __init__(self, data: Release | Sequence[Path] | RemoteRelease) -> None:
        self._index: Index | None = None
        self._failure = ""
        self.is_possible = (
            not isinstance(data, RemoteRelease) or data.release is not None
        )  # else there never will be one
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
                _log.error("the search index cannot be opened, it is made again: %s", error)

    def index(self) -> Index:
        """Return the index; raise Refusal (503) as long as there is none."""
        if self._index:
            return self._index
        if self._failure:
            raise Refusal(503, f"there is no search index: {self._failure}")
        fact = "the search index of these data is being made; ask again in a moment"
        raise Refusal(503, fact, {"Retry-After": "2"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Make the index where there is none yet; throw away at the end what was made."""
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
            self._failure = "it could not be made of these data; the server's log says why"
            _log.error("the search index could not be made: %s", error or f"it took more than {_TIME_LIMIT:g} s")
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _indexed_files(release: Release) -> tuple[Path, ...]:
    """Return the file that holds what is to be indexed of a release."""
    names = {file.name for file in release.files}
    return (release.path(N_QUADS if N_QUADS in names else GRAPH),)
