"""Discovery by crawlers: robots.txt (RFC 9309), llms.txt (llmstxt.org), sitemaps (sitemaps.org 0.9), schema.org data.

A sitemap requires absolute URLs. The server knows its own only by `--base`, since it trusts no client about the name of
this host; without a base there is no sitemap, and crawlers follow links.

The first page describes the dataset in schema.org terms, the page of a measure the measure, as a GovernmentService.
Only statements of the graph are used; KPIs and participants have no equivalent in schema.org and are omitted.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from xml.sax.saxutils import escape

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from kg.core.iris import BASE, ID, ONTOLOGY, PREFIXES, REBASED
from kg.core.negotiation import N_TRIPLES
from kg.core.paths import project_folders
from kg.core.release import CATALOGUE_GRAPH
from kg.core.stored_queries import stored_query
from kg.http.query_client import RunQuery
from kg.http.responses import path_of
from kg.http.sparql_endpoint import Refusal
from kg.http.templates import LANGUAGES
from kg.web.presenter import TYPE, GraphPresenter
from kg.web.resource_queries import ResourceClient

QUERY = "pages-for-search-engines"
SIZE = 10_000  # resources in one sitemap, each with a page per language; 50,000 URLs are allowed
_WINDOW = f"LIMIT {SIZE} OFFSET "
_TOP = ("", "about", "browse", "docs", "pictures", "quality", "queries", "sparql")
# Unbounded sets of pages, one for each query; and the page of the endpoint itself, in each language.
_UNBOUNDED = ("/sparql?", "/lookup?", "/search?", "/reconcile")
_ALLOWED = ("/sparql?lang=",)
# Paths are relative to the site root.
_LLMS_TXT = """# Shisaku Graph (施策グラフ)

> Japan's national digital-policy measures (施策) that concern municipalities, as linked data: measures, KPIs, targets,
> ministries, pillars, budget programmes and documents, each value traceable to the characters on the printed page.

Ask the SPARQL endpoint instead of reading pages: a GET of sparql?query=… with `Accept: application/sparql-results+json`
or text/csv. Names of things begin with https://w3id.org/shisaku/id/, terms with https://w3id.org/shisaku/def#.
Texts are in Japanese; titles and labels are in English, too (unofficial translations). Numbers are `shisaku:value`
(xsd:decimal); what is not printed is not stated. Cite the release and the source.

## Data

- [SPARQL endpoint](sparql): SPARQL 1.1 queries; its description comes as Turtle with `Accept: text/turtle`
- [Stored queries](queries): JSON with `Accept: application/json`; each is at queries/<name>
- [Ontology](def.ttl) and [constraints](shapes.ttl) in Turtle
- [Terms in use](terms.json): with how often, and what they are called
- [Catalogue](catalog.ttl) (DCAT) and [statistics](void.ttl) (VoID)
- [Files of the latest release](release/latest/): graph.ttl, measures.csv, kpis.csv, targets.csv and more

## Finding things

- [Search](search): search?q=防災&format=json
- [Reconciliation](reconcile): names to identifiers, for OpenRefine and programs
- [OpenAPI](openapi.json): all paths
- [Guide](docs): how to query, download, link and cite; each page as Markdown at docs/<name>.md

## Optional

- [All measures](browse): as JSON with browse.json, as CSV with browse.csv
- [The printed source](source): cell by cell, with the values read from it
"""
_NAMESPACES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'


def router(run_query: RunQuery) -> APIRouter:
    """Return the routes for crawlers."""
    routes = APIRouter()
    things, pages = ResourceClient(run_query), dict[int, list[str]]()

    async def page(number: int) -> list[str]:
        """Return the resources of one sitemap, from 1; cached, since a release is immutable."""
        if number not in pages:
            text = stored_query(project_folders().queries, QUERY).text
            pages[number] = await things.values(text.replace(f"{_WINDOW}0", f"{_WINDOW}{(number - 1) * SIZE}"))
        return pages[number]

    @routes.get("/robots.txt", include_in_schema=False)
    async def robots() -> Response:
        # the longest rule that fits decides (RFC 9309, 2.2.2)
        rules = ["User-agent: *", *(f"Disallow: {path}" for path in _UNBOUNDED)]
        rules += [f"Allow: {path}" for path in _ALLOWED]
        return PlainTextResponse("\n".join([*rules, *([f"Sitemap: {BASE}sitemap.xml"] if REBASED else []), ""]))

    @routes.get("/sitemap.xml", include_in_schema=False)
    async def sitemap() -> Response:
        _refuse_without_address()
        count = 1
        while len(await page(count)) == SIZE:
            count += 1
        parts = (f"<sitemap><loc>{BASE}sitemap-{number}.xml</loc></sitemap>" for number in range(1, count + 1))
        return _xml("sitemapindex", parts)

    @routes.get("/sitemap-{number}.xml", include_in_schema=False)
    async def part(number: int) -> Response:
        _refuse_without_address()
        # a page beyond the last one is not queried, since each number would cost a query
        resources = await page(number) if number == 1 or pages.get(number - 1) else []
        if not resources:
            raise Refusal(404, "there is no such part; /sitemap.xml lists them all")
        paths = [path_of(iri) for iri in resources if iri.startswith(ID)]
        return _xml("urlset", map(_entry, [*(_TOP if number == 1 else ()), *paths]))

    routes.add_api_route("/llms.txt", _llms_txt, include_in_schema=False)
    return routes


async def _llms_txt() -> Response:
    return PlainTextResponse(_LLMS_TXT)


def _refuse_without_address() -> None:
    if not REBASED:
        raise Refusal(404, "a sitemap needs the address of this site: start the server with --base")


def _entry(path: str) -> str:
    """Return the sitemap entries of one page: one per language, with its alternates."""
    address = escape(BASE + path)
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{lang}" href="{address}?lang={lang}"/>' for lang in LANGUAGES
    )
    return "".join(f"<url><loc>{address}?lang={lang}</loc>{others}</url>" for lang in LANGUAGES)


def _xml(root: str, parts: Iterable[str]) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {_NAMESPACES}>\n' + "\n".join(parts) + f"\n</{root}>\n"
    return Response(body, media_type="application/xml")


_DCAT, _DCTERMS, _FOAF = PREFIXES["dcat"], PREFIXES["dcterms"], PREFIXES["foaf"]
_TITLE = _DCTERMS + "title"
_LONGEST = 500  # characters of a text
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"


class DatasetCard:
    """The schema.org description of a released dataset, as JSON-LD in the language of the page."""

    def __init__(self, run_query: RunQuery, dataset: str) -> None:
        self._run_query, self._dataset = run_query, dataset
        self._texts: dict[str, str] = {}

    async def text(self, lang: str) -> str:
        """Return the content of the script element, escaped; empty if the release has no catalogue."""
        if lang not in self._texts:
            query = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{CATALOGUE_GRAPH}> {{ ?s ?p ?o }} }}"
            body = await self._run_query(query, N_TRIPLES)
            about = _Catalogue(quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES))
            json_ld = _dataset_json_ld(about, self._dataset, lang) if about.contains(self._dataset) else None
            self._texts[lang] = _script_json(json_ld) if json_ld else ""
        return self._texts[lang]


def measure_json_ld(facts: GraphPresenter, iri: str, dataset: str = "") -> str:
    """Return the JSON-LD of a measure for a script element, escaped; empty for other resources."""
    title = facts.localized(iri, _TITLE)
    if f"{ONTOLOGY}Measure" not in facts.iris(iri, TYPE) or title is None:
        return ""
    overview = facts.localized(iri, ONTOLOGY + "overview")
    json_ld = {
        "@context": "https://schema.org/",
        "@type": "GovernmentService",
        "@id": iri,
        "name": title.text[:_LONGEST],
        "alternateName": [
            other.text[:_LONGEST]
            for lang in ("ja", "en")
            if lang != title.lang and (other := facts.in_language(iri, _TITLE, lang))
        ],
        "identifier": facts.text(iri, ONTOLOGY + "measureNumber"),
        "description": " ".join(overview.text.split())[:_LONGEST] if overview else "",
        "category": [facts.thing(pillar).text for pillar in facts.iris(iri, ONTOLOGY + "pillar")],
        "provider": [
            {"@type": "GovernmentOrganization", "@id": lead, "name": facts.thing(lead).text}
            for lead in facts.iris(iri, ONTOLOGY + "leadOrganization")
        ],
        "sameAs": facts.iris(iri, ONTOLOGY + "planMeasure"),
        "subjectOf": {"@type": "Dataset", "@id": dataset} if dataset else None,
    }
    return _script_json({key: value for key, value in json_ld.items() if value})


def _script_json(content: object) -> str:
    """Serialize JSON for a script element, with `<` escaped, which would end it or begin a comment."""
    return json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")


def script_hash(text: str) -> str:
    """Return the hash source of an inline script for a Content-Security-Policy (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class _Catalogue:
    """The statements of the catalogue, indexed by subject."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self._about: dict[str, list[Triple]] = {}
        for triple in triples:
            if isinstance(triple.subject, NamedNode):
                self._about.setdefault(triple.subject.value, []).append(triple)

    def contains(self, iri: str) -> bool:
        return iri in self._about

    def iris(self, iri: str, predicate: str) -> list[str]:
        return sorted(term.value for term in self._objects(iri, predicate) if isinstance(term, NamedNode))

    def texts(self, iri: str, predicate: str, lang: str) -> list[str]:
        literals = [term for term in self._objects(iri, predicate) if isinstance(term, Literal)]
        return sorted(term.value for term in literals if term.language in (None, lang))

    def _objects(self, iri: str, predicate: str) -> list[object]:
        return [triple.object for triple in self._about.get(iri, ()) if triple.predicate.value == predicate]


def _dataset_json_ld(about: _Catalogue, dataset: str, lang: str) -> dict[str, object]:
    def text(predicate: str, iri: str = dataset) -> str:
        return next(iter(about.texts(iri, predicate, lang)), "")

    publishers = [text(_FOAF + "name", iri) for iri in about.iris(dataset, _DCTERMS + "publisher")]
    organization = [{"@type": "Organization", "name": name} for name in publishers]
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": dataset,
        "name": text(_DCTERMS + "title"),
        "description": text(_DCTERMS + "description"),
        "license": about.iris(dataset, _DCTERMS + "license"),
        "creator": organization,
        "publisher": organization,
        "version": text(_DCAT + "version"),
        "datePublished": text(_DCTERMS + "issued"),
        "dateModified": text(_DCTERMS + "issued"),
        "keywords": about.texts(dataset, _DCAT + "keyword", lang),
        "inLanguage": ["ja", "en"],
        "isAccessibleForFree": True,
        "identifier": dataset,
        "isBasedOn": about.iris(dataset, PREFIXES["prov"] + "wasDerivedFrom"),
        "distribution": [_download(about, iri) for iri in about.iris(dataset, _DCAT + "distribution")],
    }


def _download(about: _Catalogue, iri: str) -> dict[str, object]:
    """Return the schema.org description of one file, with its URL relative to the first page."""
    address = next(iter(about.iris(iri, _DCAT + "downloadURL")), "")
    kind = next(iter(about.iris(iri, _DCAT + "compressFormat") or about.iris(iri, _DCAT + "mediaType")), "")
    return {
        "@type": "DataDownload",
        "contentUrl": f"./{address.removeprefix(BASE)}",
        "encodingFormat": kind.removeprefix(_MEDIA_TYPES),
    }
