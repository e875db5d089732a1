"""Where the words of a view are looked for: in the search index of what is served, beside the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

# Returns the measures (IRIs) in which words are found; raises Refusal (503) as long as there is no index.
Find = Callable[[str], Awaitable[Sequence[str]]]


class Index(Protocol):
    """What is asked of an index."""

    def all(self, words: str, *, filters: Mapping[str, Sequence[str]] | None = None) -> Sequence[str]:
        """Return the IRIs of the things under these filters that hold all these words."""


def finder(index: Callable[[], Index]) -> Find:
    """Return what looks for measures in an index; `index` returns it, or raises Refusal as long as there is none."""

    async def find(words: str) -> Sequence[str]:
        return await asyncio.to_thread(index().all, words, filters={"type": ["measure"]})

    return find
