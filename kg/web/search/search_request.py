"""What a request for `/search` looks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from kg.http.responses import number_in, unknown_languages, view_of
from kg.http.sparql_endpoint import Refusal

LONGEST = 1000  # characters of what is looked for
PAGE_SIZE, LARGEST_PAGE = 20, 100
MOST_VALUES = 100  # of all facets together
LAST_PAGE = 1000
_OWN = ("q", "lang", "page", "limit", "format")


@dataclass(frozen=True)
class Wish:
    """Words, the values of facets, the page and its size, the language."""

    words: str
    filters: Mapping[str, Sequence[str]]
    page: int
    limit: int
    lang: str

    @property
    def offset(self) -> int:
        """How many hits stand on the pages before."""
        return (self.page - 1) * self.limit

    def address(self, **changed: object) -> str:
        """Return the query part of the address of this search, or of one that differs by what is given."""
        asked: dict[str, object] = {"q": self.words, **{facet: self.filters[facet] for facet in sorted(self.filters)}}
        asked |= {"lang": self.lang, "limit": self.limit, "page": self.page, **changed}
        usual = {"limit": PAGE_SIZE, "page": 1}
        kept = {name: value for name, value in asked.items() if value and value != usual.get(name)}
        return "?" + urlencode(kept, doseq=True)

    def toggled(self, facet: str, *spellings: str) -> str:
        """Return the address of the first page with a value of a facet taken away, or else added as first spelled."""
        values = self.filters.get(facet, ())
        others = [value for value in values if value not in spellings]
        return self.address(**{facet: others if len(others) < len(values) else [*values, spellings[0]], "page": 1})


def wished(request: Request, facets: Sequence[str]) -> Wish:
    """Return what a request looks for; raise Refusal (400) where that cannot be understood."""
    asked, known = request.query_params, (*_OWN, *facets)
    if unknown := sorted({name[:50] for name in asked} - set(known)):
        raise Refusal(400, f"{', '.join(unknown[:5])} is unknown here; known are {', '.join(known)}")
    if languages := unknown_languages(request):
        raise Refusal(400, f"{', '.join(languages)} is unknown here; known are lang=ja and lang=en")
    words = asked.get("q", "").strip()
    if len(words) > LONGEST:
        raise Refusal(400, f"q has {len(words):,} characters; {LONGEST:,} are read")
    filters = {facet: values for facet in facets if (values := [one for one in asked.getlist(facet) if one])}
    if sum(map(len, filters.values())) > MOST_VALUES:
        raise Refusal(400, f"more than {MOST_VALUES} values of facets")
    page, limit = number_in(request, "page", LAST_PAGE), number_in(request, "limit", LARGEST_PAGE, PAGE_SIZE)
    return Wish(words, filters, page, limit, view_of(request).lang)
