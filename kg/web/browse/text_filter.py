"""Where the words of a view are looked for: in the search index of what is served, beside the event loop."""

from collections.abc import Awaitable, Callable, Sequence

from kg.http.search_executor import Desk, left
from kg.search import Matcher

# Returns the measures (IRIs) in which words are found; raises Refusal as the desk does.
Find = Callable[[str], Awaitable[Sequence[str]]]


def finder(desk: Desk) -> Find:
    """Return what looks for measures at the desk of the searches."""

    async def find(words: str) -> Sequence[str]:
        def errand(matcher: Matcher, deadline: float) -> Sequence[str]:
            return matcher.index.all(words, filters={"type": ["measure"]}, seconds=left(deadline))

        return await desk.errand(errand)

    return find
