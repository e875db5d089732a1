"""Routes of the Reconciliation Service API 0.2: `/reconcile` for all data, `/reconcile/<edition>` for one edition.

Here are the handlers of all paths, the manifest (section 3.1), and the preview, a small page about an entity for a
frame in other sites (section 5). Answers are JSON and readable for every site (CORS). JSONP, an option of the
specification, is not offered, since clients would execute what a server sends.
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
from kg.matching.reconcile.type_registry import Term, TypeRegistry, iri_of_thing, load_type_registry
from kg.search import Index, Matcher
from kg.search.normalizer import is_japanese
from kg.web.presenter import NAMES, GraphPresenter
from kg.web.resource_queries import ResourceClient
from kg.web.search_routes import SearchExecutor

WIDTH, HEIGHT = 430, 300  # of a preview, in pixels
# The most requested types; a service without any of these offers its most frequent types.
_USUAL = (
    *(PREFIXES["shisaku"] + "Measure", PREFIXES["org"] + "FormalOrganization", PREFIXES["shisaku"] + "Law"),
    *(PREFIXES["shisaku"] + "BudgetProgramme", PREFIXES["schema"] + "AdministrativeArea"),
    *(PREFIXES["shisaku"] + name for name in ("NamedEntity", "ReferenceDocument", "Kpi", "PlanMeasure")),
)
_MOST = 10


def manifest(site: str, path: str, query: str, registry: TypeRegistry, about: Mapping[str, str]) -> dict[str, object]:
    """Return the manifest of the service at a path of the site.

    `query` is appended to the URLs of the service, such as `?lang=en`, except for property proposals, where OpenRefine
    adds its own question mark. `about` has `lang` and, if they exist, the `version` of the release and the `edition`.
    """
    lang, here = about["lang"], site + path
    more_parameters = query.replace("?", "&", 1)

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
        "defaultTypes": [term.as_json(lang) for term in _default_types(registry)],
        "view": {"url": f"{site}id/{{{{id}}}}"},
        "preview": {"url": f"{here}/preview?id={{{{id}}}}{more_parameters}", "width": WIDTH, "height": HEIGHT},
        "suggest": {name: service(f"suggest/{name}") for name in ("entity", "property", "type")},
        "extend": {"propose_properties": service("properties", ""), "property_settings": _settings(lang)},
    }


def _name(lang: str, edition: str) -> str:
    name = "施策グラフ" if lang == "ja" else "Shisaku Graph: Japan's digital-policy measures"
    return f"{name} – {edition}" if edition else name


def _default_types(registry: TypeRegistry) -> list[Term]:
    """Return the types to offer first."""
    types = registry.found
    return [types[iri] for iri in _USUAL if iri in types] or list(types.values())[:_MOST]


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


# Every site may frame the preview: it has neither forms nor scripts.
PREVIEW = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
    ),
    "Vary": "Accept-Language",
}
_MOST_FACTS = 7  # number of facts that fit into the frame
# Distinguishing properties, which come first; the others follow in the order of the ontology.
_FIRST = tuple(
    f"shisaku:{name}" for name in ("measureNumber", "lawNumber", "overview", "pillar", "leadOrganization", "listedFrom")
)
_TITLES = {to_curie(name) for name in NAMES}


async def preview(things: ResourceClient, labels: Labels, iri: str, view: templates.View) -> str | None:
    """Return the preview page of an entity, or None if it is not in the graph."""
    found = await things.describe(iri)
    if found is None:
        return None
    facts = GraphPresenter(found.triples, labels, view.lang, view.link)
    section = facts.section(iri)
    shown = [fact for fact in section.facts if fact.term not in _TITLES]
    shown.sort(key=lambda fact: _FIRST.index(fact.term) if fact.term in _FIRST else len(_FIRST))
    return templates.render("preview.html", view, section=section, facts=shown[:_MOST_FACTS])


BODY = 512 << 10  # bytes of a batch
_CHANGES = conditional_requests.PRIVATE  # the manifest has the URL by which the client reached it
_FARTHEST = 10_000  # maximum offset of suggestions
_LONGEST = 200  # characters of a typed prefix that are used
_JSONP = "JSONP is not supported; every site can read the answers (CORS)"


@dataclass(frozen=True)
class ServiceSettings:
    """Settings of the service: the release, the Cache-Control of answers, and the public URL of the site.

    `address` is empty if the operator has not set it.
    """

    release: Release | None
    lasting: str
    address: str = ""


class ReconciliationService:
    """Reconciliation service of a graph; `index` raises Refusal if there is no search index (yet)."""

    def __init__(
        self, run_query: RunQuery, index: Callable[[], Index], labels: Labels, settings: ServiceSettings
    ) -> None:
        self._run_query, self._labels, self._settings = run_query, labels, settings
        # One thread: a second one would not be faster (GIL), and would delay the event loop.
        self._executor = SearchExecutor(
            index, "batches", "send fewer queries at once", threads=1, waiting=32, seconds=10.0
        )
        self._lookup, self._resources = StoreLookup(run_query), ResourceClient(run_query)
        self._matching = QueryService(self._executor, self._lookup)
        self._registry: TypeRegistry | None = None
        self._editions = [edition["key"] for edition in settings.release.editions] if settings.release else []

    async def get(self, request: Request) -> Response:
        """Return the manifest (section 3.1), or answer the queries in the URL."""
        parameters = _Parameters.of(request)
        if parameters.has("queries") or parameters.has("extend"):
            return await self._answer(request, parameters)
        if parameters.has("query"):
            raise Refusal(
                400, "send queries={…}, a batch of queries by their keys; single queries belong to version 0.1"
            )
        edition = self._edition(request)
        about = {"lang": view_of(request).lang, "edition": edition}
        if self._settings.release:
            about["version"] = self._settings.release.version
        site = site_url(request.scope.get("server"), self._settings.address)
        query = f"?lang={parameters.lang}" if parameters.lang else ""
        path = f"reconcile/{edition}" if edition else "reconcile"
        content = manifest(site, path, query, await self._type_registry(), about)
        return JSONResponse(content, headers={"Cache-Control": _CHANGES, "Vary": "Accept-Language"})

    async def post(self, request: Request) -> Response:
        """Answer a batch or a data extension sent as a form."""
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != FORM:
            fact = f"send the queries as {FORM}, not as {media_type or 'nothing'}"
            raise Refusal(415, fact, {"Accept-Post": FORM})
        return await self._answer(request, _Parameters.of(request, await read_body(request, BODY, "a batch")))

    async def suggest_things(self, request: Request) -> Response:
        """Suggest entities (section 6)."""
        suggest = self._suggest_request(request, await self._type_registry())
        return self._json(
            await data_extension.things(self._executor, self._lookup, await self._type_registry(), suggest)
        )

    async def suggest_types(self, request: Request) -> Response:
        """Suggest types."""
        registry = await self._type_registry()
        return self._json(data_extension.terms(registry.found.values(), self._suggest_request(request, registry)))

    async def suggest_properties(self, request: Request) -> Response:
        """Suggest properties, of one type if it is given."""
        registry = await self._type_registry()
        suggest = self._suggest_request(request, registry)
        return self._json(data_extension.terms((use.property for use in registry.uses(suggest.type)), suggest))

    async def propose(self, request: Request) -> Response:
        """Propose properties for a data extension (section 7.2)."""
        parameters = _Parameters.of(request)
        limit = parameters.number("limit", 0)
        registry = await self._type_registry()
        return self._json(proposals(registry, parameters.text("type"), limit or None, view_of(request).lang))

    async def preview(self, request: Request) -> Response:
        """Return the preview page of an entity (section 5)."""
        parameters = _Parameters.of(request)
        if not parameters.text("id"):
            raise Refusal(400, "give the identifier of an entity: ?id=municipal-2019/measure/01-05")
        iri = iri_of_thing(parameters.text("id"))
        page = await preview(self._resources, self._labels, iri, view_of(request)) if is_iri(iri) else None
        if page is None:
            raise Refusal(404, f"this graph has no {parameters.text('id')}")
        return HTMLResponse(page, headers={**PREVIEW, "Cache-Control": self._settings.lasting})

    async def _answer(self, request: Request, parameters: "_Parameters") -> Response:
        """Answer a batch of queries (section 4) or a data extension (section 7)."""
        edition, registry = self._edition(request), await self._type_registry()
        if parameters.has("queries") == parameters.has("extend"):
            raise Refusal(400, "send either queries or extend")
        if parameters.has("extend"):
            lang = parameters.lang or "ja"
            extension = read_extension(parameters.text("extend"), registry, lang)
            return self._json(await extend(self._lookup, registry, extension, lang))
        queries, failed = read_batch(parameters.text("queries"), registry)
        found = await self._matching.batch(queries, iris.edition(edition) if edition else None, registry)
        content: dict[str, object] = {key: {"result": [], "error": reason} for key, reason in failed.items()}
        for key, query in queries.items():
            lang = parameters.lang or _language_of(query.text)
            content[key] = {"result": [one.as_json(lang, registry) for one in found[key]]}
        return self._json(content)

    async def _type_registry(self) -> TypeRegistry:
        """Return the types and properties of the graph, which are loaded once."""
        if self._registry is None:
            found = await self._executor.submit(lambda matcher, _: _types(matcher))
            self._registry = await load_type_registry(self._run_query, self._labels, found)
        return self._registry

    def _edition(self, request: Request) -> str:
        """Return the key of the edition in the path, or an empty text; raise Refusal if it does not exist."""
        key, editions = str(request.path_params.get("edition", "")), self._editions
        if key and key not in editions:
            available = f"; available are {', '.join(editions)}" if editions else ""
            raise Refusal(404, f"there is no edition {key}{available}")
        return key

    def _suggest_request(self, request: Request, registry: TypeRegistry) -> SuggestRequest:
        parameters, edition = _Parameters.of(request), self._edition(request)
        type = registry.type_of(parameters.text("type")) if parameters.text("type") else ""
        prefix = parameters.text("prefix")[:_LONGEST]
        lang = parameters.lang or (_language_of(prefix) if prefix else view_of(request).lang)
        others = tuple(f"{iris.ID}{key}/" for key in self._editions if edition and key != edition)
        return SuggestRequest(prefix, parameters.number("cursor", 0), type, lang, others)

    def _json(self, content: Mapping[str, object]) -> Response:
        headers = {"Cache-Control": self._settings.lasting, "Vary": "Accept-Language"}
        return JSONResponse(content, headers=headers)


@dataclass(frozen=True)
class _Parameters:
    """Parameters of a request."""

    pairs: Mapping[str, str]

    @classmethod
    def of(cls, request: Request, form: bytes = b"") -> "_Parameters":
        """Parse those of the URL and of a form; raise Refusal for repeated queries, and for JSONP."""
        pairs = [*decode_parameters(request.scope["query_string"]), *decode_parameters(form)]
        if any(key == "callback" for key, _ in pairs):
            raise Refusal(400, _JSONP)
        for name in ("queries", "extend"):
            if sum(key == name for key, _ in pairs) > 1:
                raise Refusal(400, f"the request has {name} more than once")
        return cls(dict(pairs))

    @property
    def lang(self) -> str:
        """Requested language, or an empty text."""
        return self.pairs["lang"] if self.pairs.get("lang") in LANGUAGES else ""

    def has(self, name: str) -> bool:
        """True if a parameter is given."""
        return name in self.pairs

    def text(self, name: str) -> str:
        """Return a parameter, or an empty text."""
        return self.pairs.get(name, "")

    def number(self, name: str, default: int) -> int:
        """Return a parameter as a whole number; raise Refusal if it is not one, or too large."""
        text = self.pairs.get(name, "") or str(default)
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= _FARTHEST):
            raise Refusal(400, f"{name} must be a whole number up to {_FARTHEST}")
        return int(text)


def _types(matcher: Matcher) -> Sequence[tuple[str, str, str]]:
    """Return the types of the indexed entities, most frequent first, with their names in the index."""
    facets = matcher.index.find("", limit=0).facets.get("type", ())
    return [(facet.value, facet.label_ja, facet.label_en) for facet in facets]


def _language_of(text: str) -> str:
    """Return the language of the answer to a name, by its script.

    For numbers and identifiers, which have no language, it is Japanese, the language of the documents.
    """
    english = any(map(str.isalpha, text)) and "/" not in text and not any(map(is_japanese, text))
    return "en" if english else "ja"


PATH = "/reconcile"
METHODS = "GET, HEAD, POST, OPTIONS"
READING = "GET, HEAD, OPTIONS"
_READ_ONLY = ("preview", "properties")  # paths at the position of the key of an edition
_TEXT = {"type": "string", "contentMediaType": "application/json"}
_FORM = {"schema": {"type": "object", "properties": {"queries": _TEXT, "extend": _TEXT}}}
_REQUEST_BODY = {"requestBody": {"required": True, "content": {FORM: _FORM}}}


def _documented(*named: str) -> dict[str, object]:
    """Return the query parameters of a path for /openapi.json."""
    return {"parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in named]}


def router(run_query: RunQuery, index: Callable[[], Index], labels: Labels, settings: ServiceSettings) -> APIRouter:
    """Return the routes of the service; `index` raises Refusal if there is no search index (yet)."""
    routes = APIRouter(tags=["reconciliation"])
    service = ReconciliationService(run_query, index, labels, settings)
    for path in (PATH, PATH + "/{edition}"):
        _add(routes, path, service)
    return routes


def _add(routes: APIRouter, path: str, service: ReconciliationService) -> None:
    """Add the routes of the service at a path; /openapi.json has only those of the service for all data."""
    shown = path == PATH

    def get(name: str, summary: str, answer: Callable[[Request], Awaitable[Response]], *named: str) -> None:
        responses = response_docs(HTML if answer == service.preview else PLAIN_JSON)
        extra = _documented(*named)
        routes.get(path + name, summary=summary, include_in_schema=shown, responses=responses, openapi_extra=extra)(
            answer
        )

    get("/suggest/entity", "Suggest things by a part of their name", service.suggest_things, "prefix", "cursor", "type")
    get("/suggest/type", "Suggest types", service.suggest_types, "prefix", "cursor")
    get("/suggest/property", "Suggest properties", service.suggest_properties, "prefix", "cursor", "type")
    get("/properties", "Propose properties of things of a type", service.propose, "type", "limit")
    get("/preview", "Get a small page about a thing, for a frame", service.preview, "id")
    get("", "Get the manifest, or answer queries", service.get, "queries", "extend")
    # A URL may be copied with a slash at its end.
    routes.get(path + "/", include_in_schema=False)(service.get)
    summary, responses = "Answer queries, or extend data", response_docs(PLAIN_JSON)

    @routes.post(path + "/", include_in_schema=False)
    @routes.post(path, summary=summary, include_in_schema=shown, responses=responses, openapi_extra=_REQUEST_BODY)
    async def post(request: Request) -> Response:
        if request.path_params.get("edition") in _READ_ONLY:
            raise Refusal(405, "Method Not Allowed", {"Allow": READING})
        return await service.post(request)

    for way in (path, path + "/"):
        routes.options(way, include_in_schema=False)(_options)


def answers_forms(path: str) -> bool:
    """True if a path accepts queries by POST: that of the service for all data or for an edition."""
    _, _, remainder = path.partition(PATH)
    remainder = remainder.removesuffix("/")
    return path.startswith(PATH) and (not remainder or (remainder.count("/") == 1 and remainder[1:] not in _READ_ONLY))


async def _options(request: Request) -> Response:
    return options_response(READING if request.path_params.get("edition") in _READ_ONLY else METHODS, request)
