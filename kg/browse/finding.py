"""Where the words of a view are looked for: in the search index of what is served, beside the event loop."""

from collections.abc import Awaitable, Callable, Sequence

from kg.desk import Desk, left
from kg.search import Index, Matcher

# Returns the measures (IRIs) in which words are found; raises Refusal (503) as long as there is no index.
Find = Callable[[str], Awaitable[Sequence[str]]]


def finder(index: Callable[[], Index]) -> Find:
    """Return what looks for measures in an index; `index` returns it, or raises Refusal as long as there is none.

    Raises Refusal: 429 where too many are waiting, 503 where it has taken too long.
    """
    desk = Desk(index, "searches", "look for longer words", threads=1, waiting=64, seconds=5.0)

    async def find(words: str) -> Sequence[str]:
        def errand(matcher: Matcher, deadline: float) -> Sequence[str]:
            return matcher.index.all(words, filters={"type": ["measure"]}, seconds=left(deadline))

        return await desk.errand(errand)

    return find
