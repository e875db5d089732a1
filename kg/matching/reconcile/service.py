"""What the reconciliation service answers, under all of its paths (Reconciliation Service API 0.2)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from kg.core import iris
from kg.core.labels import Labels
from kg.core.release import Release
from kg.http.pages import LANGUAGES
from kg.http.public_url import site_address
from kg.http.query_client import Ask
from kg.http.responses import view_of
from kg.http.search_executor import Desk
from kg.http.sparql_endpoint import Refusal, body_of
from kg.http.sparql_protocol import FORM, parameters
from kg.http.stored_query_client import is_iri
from kg.matching.reconcile import suggest
from kg.matching.reconcile.batch_matcher import Matching
from kg.matching.reconcile.data_extension import extend, proposals
from kg.matching.reconcile.manifest import manifest
from kg.matching.reconcile.preview import PREVIEW, preview
from kg.matching.reconcile.request_parser import read_batch, read_extension
from kg.matching.reconcile.store_lookup import Known
from kg.matching.reconcile.suggest import Typed
from kg.matching.reconcile.type_registry import Vocabulary, iri_of_thing, vocabulary_of
from kg.search import Index, Matcher
from kg.search.normalizer import is_japanese
from kg.web.resource_queries import Things

BODY = 512 << 10  # bytes of a batch
_CHANGES = "private, no-cache"  # the manifest names the address that the client came to
_FARTHEST = 10_000  # suggestions that can be passed over
_LONGEST = 200  # characters that somebody has typed
_JSONP = "JSONP is not offered: every site may read every answer (CORS)"


@dataclass(frozen=True)
class Setting:
    """What the service is set up with: the release, what answers say of caching, and the address of the site.

    `address` is empty where the operator has given none.
    """

    release: Release | None
    lasting: str
    address: str = ""


class Service:
    """The reconciliation service of a graph; `index` raises Refusal where there is none (yet)."""

    def __init__(self, ask: Ask, index: Callable[[], Index], labels: Labels, setting: Setting) -> None:
        self._ask, self._labels, self._setting = ask, labels, setting
        # One thread: Python runs one at a time, and a second would only take turns from the event loop.
        self._desk = Desk(index, "batches", "send fewer queries at once", threads=1, waiting=32, seconds=10.0)
        self._known, self._things = Known(ask), Things(ask)
        self._matching = Matching(self._desk, self._known)
        self._vocabulary: Vocabulary | None = None
        self._editions = [edition["key"] for edition in setting.release.editions] if setting.release else []

    async def get(self, request: Request) -> Response:
        """Answer with the manifest (section 3.1), or with what the address asks."""
        asked = _Parameters.of(request)
        if asked.has("queries") or asked.has("extend"):
            return await self._answer(request, asked)
        if asked.has("query"):
            raise Refusal(400, "send queries={…}, a batch of queries by their keys; a single query is of version 0.1")
        edition = self._edition(request)
        about = {"lang": view_of(request).lang, "edition": edition}
        if self._setting.release:
            about["version"] = self._setting.release.version
        site = site_address(request.scope.get("server"), self._setting.address)
        query = f"?lang={asked.lang}" if asked.lang else ""
        path = f"reconcile/{edition}" if edition else "reconcile"
        content = manifest(site, path, query, await self._learned(), about)
        return JSONResponse(content, headers={"Cache-Control": _CHANGES, "Vary": "Accept-Language"})

    async def post(self, request: Request) -> Response:
        """Answer what a form asks."""
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != FORM:
            fact = f"queries come as {FORM}, not as {media_type or 'nothing'}"
            raise Refusal(415, fact, {"Accept-Post": FORM})
        return await self._answer(request, _Parameters.of(request, await body_of(request, BODY, "a batch")))

    async def suggest_things(self, request: Request) -> Response:
        """Suggest things (section 6)."""
        typed = self._typed(request, await self._learned())
        return self._json(await suggest.things(self._desk, self._known, await self._learned(), typed))

    async def suggest_types(self, request: Request) -> Response:
        """Suggest types."""
        vocabulary = await self._learned()
        return self._json(suggest.terms(vocabulary.found.values(), self._typed(request, vocabulary)))

    async def suggest_properties(self, request: Request) -> Response:
        """Suggest properties; of things of a type where one is given."""
        vocabulary = await self._learned()
        typed = self._typed(request, vocabulary)
        return self._json(suggest.terms((use.property for use in vocabulary.uses(typed.type)), typed))

    async def propose(self, request: Request) -> Response:
        """Propose properties for a data extension (section 7.2)."""
        asked = _Parameters.of(request)
        limit = asked.number("limit", 0)
        return self._json(proposals(await self._learned(), asked.text("type"), limit or None, view_of(request).lang))

    async def preview(self, request: Request) -> Response:
        """Answer with a small page about a thing (section 5)."""
        asked = _Parameters.of(request)
        if not asked.text("id"):
            raise Refusal(400, "say which thing the page is about: ?id=municipal-2019/measure/01-05")
        iri = iri_of_thing(asked.text("id"))
        page = await preview(self._things, self._labels, iri, view_of(request)) if is_iri(iri) else None
        if page is None:
            raise Refusal(404, f"this graph has no {asked.text('id')}")
        return HTMLResponse(page, headers={**PREVIEW, "Cache-Control": self._setting.lasting})

    async def _answer(self, request: Request, asked: "_Parameters") -> Response:
        """Answer a batch of queries (section 4) or a data extension (section 7)."""
        edition, vocabulary = self._edition(request), await self._learned()
        if asked.has("queries") == asked.has("extend"):
            raise Refusal(400, "send either queries or extend")
        if asked.has("extend"):
            lang = asked.lang or "ja"
            extension = read_extension(asked.text("extend"), vocabulary, lang)
            return self._json(await extend(self._known, vocabulary, extension, lang))
        queries, failed = read_batch(asked.text("queries"), vocabulary)
        found = await self._matching.batch(queries, iris.edition(edition) if edition else None, vocabulary)
        said: dict[str, object] = {key: {"result": [], "error": reason} for key, reason in failed.items()}
        for key, query in queries.items():
            lang = asked.lang or _language_of(query.text)
            said[key] = {"result": [one.said(lang, vocabulary) for one in found[key]]}
        return self._json(said)

    async def _learned(self) -> Vocabulary:
        """Return the vocabulary of the graph, asked once."""
        if self._vocabulary is None:
            found = await self._desk.errand(lambda matcher, _: _types(matcher))
            self._vocabulary = await vocabulary_of(self._ask, self._labels, found)
        return self._vocabulary

    def _edition(self, request: Request) -> str:
        """Return the key of the edition that the path names, or nothing; raise Refusal where there is none."""
        key, editions = str(request.path_params.get("edition", "")), self._editions
        if key and key not in editions:
            there = f"; there are {', '.join(editions)}" if editions else ""
            raise Refusal(404, f"there is no edition {key}{there}")
        return key

    def _typed(self, request: Request, vocabulary: Vocabulary) -> Typed:
        asked, edition = _Parameters.of(request), self._edition(request)
        type = vocabulary.type_of(asked.text("type")) if asked.text("type") else ""
        prefix = asked.text("prefix")[:_LONGEST]
        lang = asked.lang or (_language_of(prefix) if prefix else view_of(request).lang)
        others = tuple(f"{iris.ID}{key}/" for key in self._editions if edition and key != edition)
        return Typed(prefix, asked.number("cursor", 0), type, lang, others)

    def _json(self, content: Mapping[str, object]) -> Response:
        headers = {"Cache-Control": self._setting.lasting, "Vary": "Accept-Language"}
        return JSONResponse(content, headers=headers)


@dataclass(frozen=True)
class _Parameters:
    """The parameters of a request, each given once."""

    pairs: Mapping[str, str]

    @classmethod
    def of(cls, request: Request, form: bytes = b"") -> "_Parameters":
        """Return those of the address and of a form; raise Refusal where one stands there twice, and for JSONP."""
        pairs = [*parameters(request.scope["query_string"]), *parameters(form)]
        if any(key == "callback" for key, _ in pairs):
            raise Refusal(400, _JSONP)
        for name in ("queries", "extend"):
            if sum(key == name for key, _ in pairs) > 1:
                raise Refusal(400, f"the request holds {name} more than once")
        return cls(dict(pairs))

    @property
    def lang(self) -> str:
        """The language that is asked for, or nothing."""
        return self.pairs["lang"] if self.pairs.get("lang") in LANGUAGES else ""

    def has(self, name: str) -> bool:
        """Whether a parameter is given."""
        return name in self.pairs

    def text(self, name: str) -> str:
        """Return a parameter, or nothing."""
        return self.pairs.get(name, "")

    def number(self, name: str, otherwise: int) -> int:
        """Return a parameter that is a whole number; raise Refusal where it is none, or too large."""
        text = self.pairs.get(name, "") or str(otherwise)
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= _FARTHEST):
            raise Refusal(400, f"{name} is a whole number up to {_FARTHEST}")
        return int(text)


def _types(matcher: Matcher) -> Sequence[tuple[str, str, str]]:
    """Return the types of what can be matched, the most frequent first, with their names where the index has some."""
    facets = matcher.index.find("", limit=0).facets.get("type", ())
    return [(facet.value, facet.label_ja, facet.label_en) for facet in facets]


def _language_of(text: str) -> str:
    """Return the language to answer a name in: that of its script, where the client names none.

    A number or an identifier is in no language; Japanese is what the names are printed in.
    """
    english = any(map(str.isalpha, text)) and "/" not in text and not any(map(is_japanese, text))
    return "en" if english else "ja"
