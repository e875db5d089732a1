"""`/search`: parsed parameters, presenter, route and its limits.

The route of `/search` and its limits.

A search runs in a thread beside the event loop and within a time; what takes longer is refused, so that an answer is
always complete. Answers change with the release only, so anybody may keep them.

How the answer to a search is told: as JSON, and on a page.

What a request for `/search` looks for.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response

from kg.core.iris import BASE, ID
from kg.core.labels import Labels, is_web_address
from kg.core.negotiation import HTML, PLAIN_JSON, Format
from kg.core.release import Release
from kg.http import templates
from kg.http.openapi import answered
from kg.http.responses import SAFE, Asked, Representation, chosen, link, number_in, sent, unknown_languages, view_of
from kg.http.search_executor import Desk, left
from kg.http.sparql_endpoint import Refusal
from kg.http.templates import View
from kg.search import Candidate, FacetValue, Hit, Index, Matcher, SearchResult, TextPiece, local

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


@dataclass(frozen=True)
class Choice:
    """A value of a facet on a page: its name, the number of hits, and where it leads."""

    name: str
    count: int
    chosen: bool
    href: str


@dataclass(frozen=True)
class Telling:
    """The answer to a wish; `similar` is what is called like the words where nothing holds them."""

    wish: Wish
    found: SearchResult
    similar: Sequence[Candidate]
    labels: Labels

    @property
    def pages(self) -> int:
        """The number of pages that can be asked for."""
        return min(LAST_PAGE, max(1, -(-self.found.total // self.wish.limit)))

    def json(self) -> bytes:
        """Return the answer as JSON. Addresses are relative to that of the search."""
        wish, found = self.wish, self.found
        told = {
            "q": wish.words,
            "relaxed": found.relaxed or None,
            "total": found.total,
            "page": wish.page,
            "pages": self.pages,
            "limit": wish.limit,
            "lang": wish.lang,
            "hits": [self._hit(hit) for hit in found.hits],
            "facets": {
                facet: {
                    "property": found.properties.get(facet),
                    "label": self._property(facet),
                    "values": [_value(value) for value in values],
                }
                for facet, values in found.facets.items()
            },
            "similar": [_similar(candidate) for candidate in self.similar],
            "next": wish.address(page=wish.page + 1) if wish.page < self.pages else None,
        }
        return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()

    def page(self, view: View) -> bytes:
        """Return the answer as a page."""

        def shown(iri: str) -> str:
            own, path = document(iri).startswith("./"), document(iri).removeprefix("./")
            return view.link(path) if own else path

        text = templates.fill(
            "search.html",
            view,
            wish=self.wish,
            found=self.found,
            hits=[(hit, shown(hit.iri), self._kinds(hit), hit.edition.rpartition("/")[2]) for hit in self.found.hits],
            facets=[(self._property(facet), self._choices(facet)) for facet in self.found.facets],
            similar=[
                (one.label_ja or one.label_en, shown(one.iri), one.edition.rpartition("/")[2]) for one in self.similar
            ],
            pages=self.pages,
            label=self._named,
        )
        return text.encode()

    def links(self, format: Format) -> list[str]:
        """Return the values of `Link`: the address that names this search, and the pages before and after."""
        near = [("prev", self.wish.page - 1), ("next", self.wish.page + 1)]
        there = [(relation, page) for relation, page in near if 1 <= page <= self.pages]
        return [
            link(f"./search{self.wish.address()}", "canonical"),
            *(link(f"./search{self.wish.address(page=page)}", word, format.media_type) for word, page in there),
        ]

    def _hit(self, hit: Hit) -> dict[str, object]:
        return {
            "iri": hit.iri,
            "document": document(hit.iri),
            "label": _labels(hit.label_ja, hit.label_en),
            "types": list(hit.types),
            "kind": self._kinds(hit),
            "title": _pieces(hit.title),
            "snippet": _pieces(hit.snippet),
            "property": hit.property or None,
            "lang": hit.lang or None,
            "score": round(hit.score, 3),
            **({"edition": hit.edition} if hit.edition else {}),
        }

    def _property(self, facet: str) -> str:
        """Return what a facet is called: as the property is that it comes from."""
        iri = self.found.properties.get(facet, "")
        return self._named(iri) if iri else facet

    def _named(self, iri: str) -> str:
        return self.labels.of(iri, self.wish.lang)

    def _kinds(self, hit: Hit) -> str:
        """Return what a hit is, in words: its scheme where it is a concept, else its class."""
        schemes = {value.value: value for value in self.found.facets.get("type", ()) if value.label_ja}
        named = [self._name(schemes[iri]) if iri in schemes else self._named(iri) for iri in hit.types]
        return next((self._name(schemes[iri]) for iri in hit.types if iri in schemes), ", ".join(named))

    def _name(self, value: FacetValue) -> str:
        names = (value.label_en, value.label_ja) if self.wish.lang == "en" else (value.label_ja, value.label_en)
        return next(filter(None, names), "") or self._named(value.value)

    def _choices(self, facet: str) -> list[Choice]:
        values = self.found.facets[facet]
        short = Counter(local(value.value) for value in values)
        return [
            Choice(self._name(value), value.count, value.chosen, self.wish.toggled(facet, *_spellings(value, short)))
            for value in values
        ]


def document(iri: str) -> str:
    """Return the address of the document about a thing, from the top of the site; a foreign one is its own address."""
    if iri.startswith(ID):
        return "./doc/" + quote(iri.removeprefix(ID), safe=SAFE)
    if iri.startswith(BASE):
        return "./" + quote(iri.removeprefix(BASE), safe=SAFE + "#")
    return iri if is_web_address(iri) else "./lookup?iri=" + quote(iri, safe="")


def _spellings(value: FacetValue, short: Counter[str]) -> tuple[str, ...]:
    """Return how a value may stand in an address: by the last part of its IRI where that is clear."""
    name = local(value.value)
    return (name, value.value) if short[name] == 1 else (value.value, name)


def _labels(ja: str, en: str) -> dict[str, str]:
    return {lang: label for lang, label in (("ja", ja), ("en", en)) if label}


def _pieces(pieces: Iterable[TextPiece]) -> list[dict[str, object]]:
    return [{"text": piece.text, "marked": piece.marked} for piece in pieces]


def _value(value: FacetValue) -> dict[str, object]:
    label = _labels(value.label_ja, value.label_en)
    return {"value": value.value, "label": label, "count": value.count, "chosen": value.chosen}


def _similar(candidate: Candidate) -> dict[str, object]:
    label = _labels(candidate.label_ja, candidate.label_en)
    return {"iri": candidate.iri, "document": document(candidate.iri), "label": label, "score": candidate.score}


_SIMILAR = 3  # names that are offered where nothing was found


def desk_of(index: Callable[[], Index]) -> Desk:
    """Return where searches are made; `index` returns the index, or raises Refusal as long as there is none."""
    return Desk(index, "searches", "look for longer words", threads=2, waiting=64, seconds=5.0)


def router(desk: Desk, release: Release | None, labels: Labels) -> APIRouter:
    """Return the route of the search."""
    routes = APIRouter(tags=["things"])

    async def search(request: Request) -> Response:
        format = chosen(request, (PLAIN_JSON, HTML))
        wish = wished(request, desk.index().facets)
        found, similar, unknown = await desk.errand(partial(_search, wish))
        if unknown and format is not HTML:
            raise Refusal(400, f"{', '.join(unknown)}: nothing in these data has this value")
        telling = Telling(wish, found, similar, labels)
        if wish.page > telling.pages:
            raise Refusal(404, f"what was found fills {telling.pages} pages")
        body = telling.page(view_of(request)) if format is HTML else telling.json()
        location = f"./search{wish.address(format=format.names[0])}"
        return sent(Asked(request, "search"), Representation(format, body, location, telling.links(format)), release)

    described = {"parameters": _parameters()}
    responses = answered(PLAIN_JSON, HTML)
    routes.get("/search", summary="Find things by words", responses=responses, openapi_extra=described)(search)
    return routes


def _search(wish: Wish, matcher: Matcher, deadline: float) -> tuple[SearchResult, list[Candidate], list[str]]:
    """Return what is found; where that is nothing, what is called like it, and values that nothing has."""
    index = matcher.index
    found = index.find(
        wish.words, filters=wish.filters, limit=wish.limit, offset=wish.offset, lang=wish.lang, seconds=left(deadline)
    )
    if found.total:
        return found, [], []
    if wish.filters:
        pairs = [(facet, value) for facet, values in sorted(wish.filters.items()) for value in values]
        return found, [], [f"{facet}={value[:80]}" for facet, value in pairs if not _has(index, facet, value, deadline)]
    return found, matcher.candidates(wish.words, limit=_SIMILAR) if wish.words else [], []


def _has(index: Index, facet: str, value: str, deadline: float) -> bool:
    """Whether anything has a value of a facet."""
    return index.find("", filters={facet: [value]}, limit=0, seconds=left(deadline)).total > 0


def _parameters() -> list[dict[str, Any]]:
    """Return what /openapi.json says of the parameters."""

    def number(most: int, usual: int) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": most, "default": usual}

    words = 'Words that must all be there, with spaces between them; what stands in "double quotes" is one word'
    facets = "pillar, lead, effect, listed, edition: values of facets, as `type`; the answer lists them"
    described = {
        "q": ({"type": "string", "maxLength": LONGEST}, f"{words}; without it, everything"),
        "type": (
            {"type": "string"},
            f"Class, or scheme of a concept, by its IRI or the last part of it. Also: {facets}",
        ),
        "lang": ({"type": "string", "enum": ["ja", "en"]}, "Language of the titles and of the page"),
        "page": (number(LAST_PAGE, 1), "Page"),
        "limit": (number(LARGEST_PAGE, PAGE_SIZE), "Hits on a page"),
        "format": ({"type": "string", "enum": ["json", "html"]}, "Instead of the header Accept"),
    }
    return [
        {"name": name, "in": "query", "schema": schema, "description": text}
        for name, (schema, text) in described.items()
    ]
