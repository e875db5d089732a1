"""Route `/search`: parser of its parameters, presenter for JSON and HTML, and the executor of searches.

Searches run in a bounded number of threads, each with a time limit. A search beyond the limit, or beyond the queue, is
refused, so that a response is always complete. Responses change with the release only, so they are publicly cacheable.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response

from kg.core.errors import Problem
from kg.core.iris import BASE, ID
from kg.core.labels import Labels, is_web_address
from kg.core.negotiation import HTML, PLAIN_JSON, Format
from kg.core.release import Release
from kg.http import templates
from kg.http.openapi import response_docs
from kg.http.responses import (
    SAFE,
    DocumentRequest,
    Representation,
    link,
    negotiate,
    number_parameter,
    representation_response,
    unknown_languages,
    view_of,
)
from kg.http.sparql_endpoint import Refusal
from kg.http.templates import View
from kg.search import Candidate, FacetValue, Hit, Index, Matcher, SearchResult, SearchTimeout, TextPiece, local

Returned = TypeVar("Returned")


@dataclass
class SearchExecutor:
    """Executor that runs tasks with the matcher of an index, in threads.

    `index` returns the index, or raises Refusal while there is none. `seconds` is the time limit of a task; beyond
    `waiting` pending tasks, new ones are rejected. `what` (the tasks, in the plural) and `remedy` (advice for a faster
    task) are used in the messages.
    """

    index: Callable[[], Index]
    what: str
    remedy: str
    threads: int
    waiting: int
    seconds: float
    _matcher: Matcher | None = field(default=None, init=False)
    _pending: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Create the thread pool; its threads start on demand."""
        self._threads, self._making = ThreadPoolExecutor(self.threads, self.what), Lock()

    async def submit(self, work: Callable[[Matcher, float], Returned]) -> Returned:
        """Run a task with the matcher and its deadline (of `time.monotonic`), and return its result.

        Raises Refusal: 429 if the queue is full, 503 if the task has exceeded its time limit.
        """
        if self._pending >= self.waiting:
            raise Refusal(429, f"too many {self.what} are waiting; try again in a moment", {"Retry-After": "2"})
        index, deadline = self.index(), time.monotonic() + self.seconds

        def run() -> Returned:
            return work(self._matcher_of(index), deadline)  # creating the matcher of a large index takes a while

        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run)
        except SearchTimeout as error:
            fact = f"this has taken longer than {self.seconds:g} seconds; {self.remedy}"
            raise Refusal(503, fact, {"Retry-After": "5"}) from error
        finally:
            self._pending -= 1

    def _matcher_of(self, index: Index) -> Matcher:
        """Return the matcher of the index; shared, since it caches frequent lookups."""
        with self._making:
            if self._matcher is None or self._matcher.index is not index:
                self._matcher = Matcher(index)
            return self._matcher


def remaining_seconds(deadline: float) -> float:
    """Return the seconds until a deadline; raise SearchTimeout if it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise SearchTimeout(Problem("the time limit has passed", "request less at once"))
    return seconds


LONGEST = 1000  # characters of the words
PAGE_SIZE, LARGEST_PAGE = 20, 100
MOST_VALUES = 100  # facet values in one request
LAST_PAGE = 1000
_OWN_PARAMETERS = ("q", "lang", "page", "limit", "format")


@dataclass(frozen=True)
class SearchRequest:
    """Parsed parameters of a search request: words, facet values, page, page size, language."""

    words: str
    filters: Mapping[str, Sequence[str]]
    page: int
    limit: int
    lang: str

    @property
    def offset(self) -> int:
        """The number of hits on the previous pages."""
        return (self.page - 1) * self.limit

    def address(self, **changed: object) -> str:
        """Return the query string of this search, with some parameters changed."""
        parameters: dict[str, object] = {
            "q": self.words,
            **{facet: self.filters[facet] for facet in sorted(self.filters)},
        }
        parameters |= {"lang": self.lang, "limit": self.limit, "page": self.page, **changed}
        usual = {"limit": PAGE_SIZE, "page": 1}
        given = {name: value for name, value in parameters.items() if value and value != usual.get(name)}
        return "?" + urlencode(given, doseq=True)

    def toggled(self, facet: str, *spellings: str) -> str:
        """Return the URL of the first page with a facet value removed, or else added in its first spelling."""
        values = self.filters.get(facet, ())
        others = [value for value in values if value not in spellings]
        return self.address(**{facet: others if len(others) < len(values) else [*values, spellings[0]], "page": 1})


def parse_request(request: Request, facets: Sequence[str]) -> SearchRequest:
    """Parse a search request; raise Refusal (400) for invalid parameters."""
    params, accepted = request.query_params, (*_OWN_PARAMETERS, *facets)
    if unknown := sorted({name[:50] for name in params} - set(accepted)):
        raise Refusal(400, f"unknown parameters: {', '.join(unknown[:5])}; parameters are {', '.join(accepted)}")
    if languages := unknown_languages(request):
        raise Refusal(400, f"unknown language: {', '.join(languages)}; languages are lang=ja and lang=en")
    words = params.get("q", "").strip()
    if len(words) > LONGEST:
        raise Refusal(400, f"q has {len(words):,} characters; {LONGEST:,} are read")
    filters = {facet: values for facet in facets if (values := [one for one in params.getlist(facet) if one])}
    if sum(map(len, filters.values())) > MOST_VALUES:
        raise Refusal(400, f"more than {MOST_VALUES} values of facets")
    page, limit = (
        number_parameter(request, "page", LAST_PAGE),
        number_parameter(request, "limit", LARGEST_PAGE, PAGE_SIZE),
    )
    return SearchRequest(words, filters, page, limit, view_of(request).lang)


@dataclass(frozen=True)
class FacetOption:
    """A facet value on a page: name, number of hits and link."""

    name: str
    count: int
    chosen: bool
    href: str


@dataclass(frozen=True)
class SearchResponse:
    """Response to a search; `similar` are resources with similar names if there are no hits."""

    request: SearchRequest
    found: SearchResult
    similar: Sequence[Candidate]
    labels: Labels

    @property
    def pages(self) -> int:
        """The number of pages that can be requested."""
        return min(LAST_PAGE, max(1, -(-self.found.total // self.request.limit)))

    def json(self) -> bytes:
        """Return the response as JSON, with URLs relative to that of the search."""
        request, found = self.request, self.found
        content = {
            "q": request.words,
            "relaxed": found.relaxed or None,
            "total": found.total,
            "page": request.page,
            "pages": self.pages,
            "limit": request.limit,
            "lang": request.lang,
            "hits": [self._hit(hit) for hit in found.hits],
            "facets": {
                facet: {
                    "property": found.properties.get(facet),
                    "label": self._property(facet),
                    "values": [_value(value) for value in values],
                }
                for facet, values in found.facets.items()
            },
            "similar": [_similar_json(candidate) for candidate in self.similar],
            "next": request.address(page=request.page + 1) if request.page < self.pages else None,
        }
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()

    def page(self, view: View) -> bytes:
        """Return the response as a page."""

        def shown(iri: str) -> str:
            own, path = document_url(iri).startswith("./"), document_url(iri).removeprefix("./")
            return view.link(path) if own else path

        text = templates.render(
            "search.html",
            view,
            request=self.request,
            found=self.found,
            hits=[(hit, shown(hit.iri), self._kinds(hit), hit.edition.rpartition("/")[2]) for hit in self.found.hits],
            facets=[(self._property(facet), self._choices(facet)) for facet in self.found.facets],
            similar=[
                (one.label_ja or one.label_en, shown(one.iri), one.edition.rpartition("/")[2]) for one in self.similar
            ],
            pages=self.pages,
            label=self._label,
        )
        return text.encode()

    def links(self, format: Format) -> list[str]:
        """Return the values of `Link`: the canonical URL, and the previous and next page."""
        near = [("prev", self.request.page - 1), ("next", self.request.page + 1)]
        existing = [(relation, page) for relation, page in near if 1 <= page <= self.pages]
        return [
            link(f"./search{self.request.address()}", "canonical"),
            *(link(f"./search{self.request.address(page=page)}", word, format.media_type) for word, page in existing),
        ]

    def _hit(self, hit: Hit) -> dict[str, object]:
        return {
            "iri": hit.iri,
            "document": document_url(hit.iri),
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
        """Return the label of a facet: that of its property."""
        iri = self.found.properties.get(facet, "")
        return self._label(iri) if iri else facet

    def _label(self, iri: str) -> str:
        return self.labels.of(iri, self.request.lang)

    def _kinds(self, hit: Hit) -> str:
        """Return the label of the type of a hit: the scheme of a concept, else the class."""
        schemes = {value.value: value for value in self.found.facets.get("type", ()) if value.label_ja}
        named = [self._name(schemes[iri]) if iri in schemes else self._label(iri) for iri in hit.types]
        return next((self._name(schemes[iri]) for iri in hit.types if iri in schemes), ", ".join(named))

    def _name(self, value: FacetValue) -> str:
        names = (value.label_en, value.label_ja) if self.request.lang == "en" else (value.label_ja, value.label_en)
        return next(filter(None, names), "") or self._label(value.value)

    def _choices(self, facet: str) -> list[FacetOption]:
        values = self.found.facets[facet]
        short = Counter(local(value.value) for value in values)
        return [
            FacetOption(
                self._name(value), value.count, value.chosen, self.request.toggled(facet, *_spellings(value, short))
            )
            for value in values
        ]


def document_url(iri: str) -> str:
    """Return the URL of the document of a resource, from the site root; an external IRI is its own URL."""
    if iri.startswith(ID):
        return "./doc/" + quote(iri.removeprefix(ID), safe=SAFE)
    if iri.startswith(BASE):
        return "./" + quote(iri.removeprefix(BASE), safe=SAFE + "#")
    return iri if is_web_address(iri) else "./lookup?iri=" + quote(iri, safe="")


def _spellings(value: FacetValue, short: Counter[str]) -> tuple[str, ...]:
    """Return the spellings of a facet value in a URL; the last segment of its IRI first if that is unique."""
    name = local(value.value)
    return (name, value.value) if short[name] == 1 else (value.value, name)


def _labels(ja: str, en: str) -> dict[str, str]:
    return {lang: label for lang, label in (("ja", ja), ("en", en)) if label}


def _pieces(pieces: Iterable[TextPiece]) -> list[dict[str, object]]:
    return [{"text": piece.text, "marked": piece.marked} for piece in pieces]


def _value(value: FacetValue) -> dict[str, object]:
    label = _labels(value.label_ja, value.label_en)
    return {"value": value.value, "label": label, "count": value.count, "chosen": value.chosen}


def _similar_json(candidate: Candidate) -> dict[str, object]:
    label = _labels(candidate.label_ja, candidate.label_en)
    return {"iri": candidate.iri, "document": document_url(candidate.iri), "label": label, "score": candidate.score}


_SIMILAR = 3  # similar names suggested if there are no hits


def search_executor(index: Callable[[], Index]) -> SearchExecutor:
    """Return the executor of searches; `index` returns the index, or raises Refusal while there is none."""
    return SearchExecutor(index, "searches", "look for longer words", threads=2, waiting=64, seconds=5.0)


def router(executor: SearchExecutor, release: Release | None, labels: Labels) -> APIRouter:
    """Return the route of the search."""
    routes = APIRouter(tags=["things"])

    async def search(request: Request) -> Response:
        format = negotiate(request, (PLAIN_JSON, HTML))
        parsed = parse_request(request, executor.index().facets)
        found, similar, unknown = await executor.submit(partial(_search, parsed))
        if unknown and format is not HTML:
            raise Refusal(400, f"{', '.join(unknown)}: nothing in these data has this value")
        answer = SearchResponse(parsed, found, similar, labels)
        if parsed.page > answer.pages:
            raise Refusal(404, f"the result has {answer.pages} pages")
        body = answer.page(view_of(request)) if format is HTML else answer.json()
        location = f"./search{parsed.address(format=format.names[0])}"
        return representation_response(
            DocumentRequest(request, "search"), Representation(format, body, location, answer.links(format)), release
        )

    described = {"parameters": _parameters()}
    responses = response_docs(PLAIN_JSON, HTML)
    routes.get("/search", summary="Find things by words", responses=responses, openapi_extra=described)(search)
    return routes


def _search(
    request: SearchRequest, matcher: Matcher, deadline: float
) -> tuple[SearchResult, list[Candidate], list[str]]:
    """Run a search; without hits, also return similar names, and facet values that do not occur."""
    index = matcher.index
    result = index.find(
        request.words,
        filters=request.filters,
        limit=request.limit,
        offset=request.offset,
        lang=request.lang,
        seconds=remaining_seconds(deadline),
    )
    if result.total:
        return result, [], []
    if request.filters:
        pairs = [(facet, value) for facet, values in sorted(request.filters.items()) for value in values]
        return (
            result,
            [],
            [f"{facet}={value[:80]}" for facet, value in pairs if not _occurs(index, facet, value, deadline)],
        )
    return result, matcher.candidates(request.words, limit=_SIMILAR) if request.words else [], []


def _occurs(index: Index, facet: str, value: str, deadline: float) -> bool:
    """Return whether a facet value occurs."""
    return index.find("", filters={facet: [value]}, limit=0, seconds=remaining_seconds(deadline)).total > 0


def _parameters() -> list[dict[str, Any]]:
    """Return the OpenAPI description of the parameters."""

    def number(most: int, usual: int) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": most, "default": usual}

    words = 'Words that must all be there, with spaces between them; text in "double quotes" is one word'
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
