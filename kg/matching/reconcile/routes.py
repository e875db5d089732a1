"""`/reconcile`: the reconciliation service of everything, and `/reconcile/<edition>`, that of one edition.

The Reconciliation Service API 0.2 in JSON, for every site (CORS). JSONP, which the specification leaves open, is not
offered: it would have clients run what a server sends.

What the reconciliation service answers, under all of its paths (Reconciliation Service API 0.2).

What a reconciliation service says about itself (Reconciliation Service API 0.2, section 3.1).

A small page about a thing, for a frame on somebody else's page (Reconciliation Service API 0.2, section 5).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from kg import __version__
from kg.core import iris
from kg.core.iris import ID, ONTOLOGY, PREFIXES, to_curie
from kg.core.labels import Labels
from kg.core.negotiation import HTML, PLAIN_JSON
from kg.core.release import Release
from kg.http import conditional_requests, templates
from kg.http.client_address import site_url
from kg.http.openapi import response_docs
from kg.http.query_client import RunQuery, is_iri
from kg.http.responses import view_of
from kg.http.sparql_endpoint import FORM, Refusal, decode_parameters, options_response, read_body
from kg.http.templates import LANGUAGES
from kg.matching.reconcile import data_extension
from kg.matching.reconcile.batch_matcher import QueryService
from kg.matching.reconcile.data_extension import SETTINGS, SuggestRequest, extend, proposals
from kg.matching.reconcile.request_parser import BATCH, read_batch, read_extension
from kg.matching.reconcile.store_lookup import StoreLookup
from kg.matching.reconcile.type_registry import Term, TypeRegistry, iri_of_thing, vocabulary_of
from kg.search import Index, Matcher
from kg.search.normalizer import is_japanese
from kg.web.presenter import NAMES, GraphPresenter
from kg.web.resource_queries import ResourceClient
from kg.web.search_routes import SearchExecutor

WIDTH, HEIGHT = 430, 300  # of a preview, in pixels
# What people mostly look for; a service without any of these offers the types of most of its things.
_USUAL = (
    *(PREFIXES["shisaku"] + "Measure", PREFIXES["org"] + "FormalOrganization", PREFIXES["shisaku"] + "Law"),
    *(PREFIXES["shisaku"] + "BudgetProgramme", PREFIXES["schema"] + "AdministrativeArea"),
    *(PREFIXES["shisaku"] + name for name in ("NamedEntity", "ReferenceDocument", "Kpi", "PlanMeasure")),
)
_MOST = 10


def manifest(site: str, path: str, query: str, vocabulary: TypeRegistry, about: Mapping[str, str]) -> dict[str, object]:
    """Return the manifest of the service at a path of the site.

    `query` is what follows the addresses of the service, such as `?lang=en`; that of property proposals has nothing
    behind it, since OpenRefine adds its own question mark. `about` has `lang` and, where there are
    such, `version` of the release and the name of the `edition`.
    """
    lang, here = about["lang"], site + path
    beside = query.replace("?", "&", 1)

    def service(name: str, query: str = query) -> dict[str, str]:
        return {"service_url": here, "service_path": f"/{name}{query}"}

    released = f" (release {about['version']})" if about.get("version") else ""
    return {
        "versions": ["0.2"],
        "name": _name(lang, about.get("edition", "")),
        "identifierSpace": ID,
        "schemaSpace": ONTOLOGY,
        "documentation": site,
        "serviceVersion": f"{__version__}{released}",
        "batchSize": BATCH,
        "defaultTypes": [term.said(lang) for term in _default(vocabulary)],
        "view": {"url": f"{site}id/{{{{id}}}}"},
        "preview": {"url": f"{here}/preview?id={{{{id}}}}{beside}", "width": WIDTH, "height": HEIGHT},
        "suggest": {name: service(f"suggest/{name}") for name in ("entity", "property", "type")},
        "extend": {"propose_properties": service("properties", ""), "property_settings": _settings(lang)},
    }


def _name(lang: str, edition: str) -> str:
    name = "施策グラフ" if lang == "ja" else "Shisaku Graph: Japan's digital-policy measures"
    return f"{name} – {edition}" if edition else name


def _default(vocabulary: TypeRegistry) -> list[Term]:
    """Return the types to offer first."""
    there = vocabulary.found
    return [there[iri] for iri in _USUAL if iri in there] or list(there.values())[:_MOST]


def _settings(lang: str) -> list[dict[str, object]]:
    t = 0 if lang == "ja" else 1
    choices = [("ja", ("日本語", "Japanese")), ("en", ("英語", "English")), ("all", ("すべて", "all"))]
    settings: list[dict[str, object]] = []
    for name, type, default, labels, help in SETTINGS:
        setting: dict[str, object] = {"name": name, "type": type, "label": labels[t], "help_text": help[t]}
        setting["default"] = lang if default is None else default
        if type == "select":
            setting["choices"] = [{"value": value, "name": names[t]} for value, names in choices]
        settings.append(setting)
    return settings


# Who may frame it: everybody. It holds no form and no script.
PREVIEW = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
    ),
    "Vary": "Accept-Language",
}
_MOST_FACTS = 7  # facts that the frame has room for
# What tells a thing apart, and goes first; then comes what the ontology has first.
_FIRST = tuple(
    f"shisaku:{name}" for name in ("measureNumber", "lawNumber", "overview", "pillar", "leadOrganization", "listedFrom")
)
_TITLES = {to_curie(name) for name in NAMES}


async def preview(things: ResourceClient, labels: Labels, iri: str, view: templates.View) -> str | None:
    """Return the page about a thing, or None where nothing is known of it."""
    found = await things.describe(iri)
    if found is None:
        return None
    facts = GraphPresenter(found.triples, labels, view.lang, view.link)
    section = facts.section(iri)
    shown = [fact for fact in section.facts if fact.term not in _TITLES]
    shown.sort(key=lambda fact: _FIRST.index(fact.term) if fact.term in _FIRST else len(_FIRST))
    return templates.render("preview.html", view, section=section, facts=shown[:_MOST_FACTS])


BODY = 512 << 10  # bytes of a batch
_CHANGES = conditional_requests.PRIVATE  # the manifest names the address that the client came to
_FARTHEST = 10_000  # suggestions that can be passed over
_LONGEST = 200  # characters that somebody has typed
_JSONP = "JSONP is not offered: every site may read every answer (CORS)"


@dataclass(frozen=True)
class ServiceSettings:
    """Settings of the service: the release, the Cache-Control of answers, and the public URL of the site.

    `address` is empty where the operator has given none.
    """

    release: Release | None
    lasting: str
    address: str = ""


class ReconciliationService:
    """The reconciliation service of a graph; `index` raises Refusal where there is none (yet)."""

    def __init__(self, ask: RunQuery, index: Callable[[], Index], labels: Labels, setting: ServiceSettings) -> None:
        self._ask, self._labels, self._setting = ask, labels, setting
        # One thread: Python runs one at a time, and a second would only take turns from the event loop.
        self._desk = SearchExecutor(index, "batches", "send fewer queries at once", threads=1, waiting=32, seconds=10.0)
        self._known, self._things = StoreLookup(ask), ResourceClient(ask)
        self._matching = QueryService(self._desk, self._known)
        self._vocabulary: TypeRegistry | None = None
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
        site = site_url(request.scope.get("server"), self._setting.address)
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
        return await self._answer(request, _Parameters.of(request, await read_body(request, BODY, "a batch")))

    async def suggest_things(self, request: Request) -> Response:
        """Suggest things (section 6)."""
        typed = self._typed(request, await self._learned())
        return self._json(await data_extension.things(self._desk, self._known, await self._learned(), typed))

    async def suggest_types(self, request: Request) -> Response:
        """Suggest types."""
        vocabulary = await self._learned()
        return self._json(data_extension.terms(vocabulary.found.values(), self._typed(request, vocabulary)))

    async def suggest_properties(self, request: Request) -> Response:
        """Suggest properties; of things of a type where one is given."""
        vocabulary = await self._learned()
        typed = self._typed(request, vocabulary)
        return self._json(data_extension.terms((use.property for use in vocabulary.uses(typed.type)), typed))

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

    async def _learned(self) -> TypeRegistry:
        """Return the vocabulary of the graph, asked once."""
        if self._vocabulary is None:
            found = await self._desk.submit(lambda matcher, _: _types(matcher))
            self._vocabulary = await vocabulary_of(self._ask, self._labels, found)
        return self._vocabulary

    def _edition(self, request: Request) -> str:
        """Return the key of the edition that the path names, or nothing; raise Refusal where there is none."""
        key, editions = str(request.path_params.get("edition", "")), self._editions
        if key and key not in editions:
            there = f"; there are {', '.join(editions)}" if editions else ""
            raise Refusal(404, f"there is no edition {key}{there}")
        return key

    def _typed(self, request: Request, vocabulary: TypeRegistry) -> SuggestRequest:
        asked, edition = _Parameters.of(request), self._edition(request)
        type = vocabulary.type_of(asked.text("type")) if asked.text("type") else ""
        prefix = asked.text("prefix")[:_LONGEST]
        lang = asked.lang or (_language_of(prefix) if prefix else view_of(request).lang)
        others = tuple(f"{iris.ID}{key}/" for key in self._editions if edition and key != edition)
        return SuggestRequest(prefix, asked.number("cursor", 0), type, lang, others)

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
        pairs = [*decode_parameters(request.scope["query_string"]), *decode_parameters(form)]
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
        """True if a parameter is given."""
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


PATH = "/reconcile"
METHODS = "GET, HEAD, POST, OPTIONS"
READING = "GET, HEAD, OPTIONS"
_READ_ONLY = ("preview", "properties")  # they stand where the key of an edition does
_TEXT = {"type": "string", "contentMediaType": "application/json"}
_FORM = {"schema": {"type": "object", "properties": {"queries": _TEXT, "extend": _TEXT}}}
_ASKED = {"requestBody": {"required": True, "content": {FORM: _FORM}}}


def _documented(*named: str) -> dict[str, object]:
    """Return what /openapi.json says about the parameters of an address."""
    return {"parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in named]}


def router(ask: RunQuery, index: Callable[[], Index], labels: Labels, setting: ServiceSettings) -> APIRouter:
    """Return the routes of the service; `index` raises Refusal where there is none (yet)."""
    routes = APIRouter(tags=["reconciliation"])
    service = ReconciliationService(ask, index, labels, setting)
    for path in (PATH, PATH + "/{edition}"):
        _add(routes, path, service)
    return routes


def _add(routes: APIRouter, path: str, service: ReconciliationService) -> None:
    """Add the routes of the service at a path; /openapi.json tells of those of everything."""
    shown = path == PATH

    def get(name: str, summary: str, answer: Callable[[Request], Awaitable[Response]], *named: str) -> None:
        said = response_docs(HTML if answer == service.preview else PLAIN_JSON)
        extra = _documented(*named)
        routes.get(path + name, summary=summary, include_in_schema=shown, responses=said, openapi_extra=extra)(answer)

    get("/suggest/entity", "Suggest things by a part of their name", service.suggest_things, "prefix", "cursor", "type")
    get("/suggest/type", "Suggest types", service.suggest_types, "prefix", "cursor")
    get("/suggest/property", "Suggest properties", service.suggest_properties, "prefix", "cursor", "type")
    get("/properties", "Propose properties of things of a type", service.propose, "type", "limit")
    get("/preview", "Get a small page about a thing, for a frame", service.preview, "id")
    get("", "Get the manifest, or answer queries", service.get, "queries", "extend")
    # Who copies an address may copy a slash with it.
    routes.get(path + "/", include_in_schema=False)(service.get)
    summary, said = "Answer queries, or extend data", response_docs(PLAIN_JSON)

    @routes.post(path + "/", include_in_schema=False)
    @routes.post(path, summary=summary, include_in_schema=shown, responses=said, openapi_extra=_ASKED)
    async def post(request: Request) -> Response:
        if request.path_params.get("edition") in _READ_ONLY:
            raise Refusal(405, "Method Not Allowed", {"Allow": READING})
        return await service.post(request)

    for way in (path, path + "/"):
        routes.options(way, include_in_schema=False)(_options)


def answers_forms(path: str) -> bool:
    """True if a path accepts queries by POST: that of the service, or of the service of an edition."""
    _, _, rest = path.partition(PATH)
    rest = rest.removesuffix("/")
    return path.startswith(PATH) and (not rest or (rest.count("/") == 1 and rest[1:] not in _READ_ONLY))


async def _options(request: Request) -> Response:
    return options_response(READING if request.path_params.get("edition") in _READ_ONLY else METHODS, request)
