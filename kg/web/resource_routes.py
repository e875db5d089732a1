"""Routes of resources: `/id/…` identifies one and redirects to its document at `/doc/…`."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pyoxigraph import NamedNode, Triple

from kg.core.iris import BASE, ID, PREFIXES
from kg.core.labels import Labels
from kg.core.negotiation import HTML, JSON_LD, Format
from kg.core.release import CATALOGUE_GRAPH, ONTOLOGY, STANDARD_TERMS, Release, dataset_iri
from kg.http.openapi import parameter_docs, redirect_docs, response_docs
from kg.http.query_client import RunQuery, is_iri
from kg.http.responses import (
    RDF_FORMATS,
    SAFE,
    DocumentRequest,
    Notice,
    Representation,
    alternate_links,
    link,
    notice_response,
    number_parameter,
    raw_path,
    redirect_response,
    representation_response,
    representation_url,
    serialize,
    split_suffix,
)
from kg.http.sparql_endpoint import Refusal
from kg.web import discovery, resource_page
from kg.web.presenter import TYPE, GraphPresenter
from kg.web.resource_queries import Description, RelatedDataClient, ResourceClient, candidate_iris

_QUERIES = "query/"  # stored queries have pages of their own
_LAST_PAGE = 1_000_000
_ABOUT_PAGE = "https://schema.org/AboutPage"
_LICENCE = f"""SELECT ?licence {{ GRAPH <{CATALOGUE_GRAPH}> {{
  ?catalogue a <{PREFIXES["dcat"]}Catalog> ; <{PREFIXES["dcterms"]}license> ?licence }} }}"""


def labels_of(release: Release | None) -> Labels:
    """Return the labels of terms in a release."""
    return Labels(vocabulary_of(release))


def vocabulary_of(release: Release | None) -> list[Path]:
    """Return the files of a release that define or label terms."""
    names = {file.name for file in release.files} if release else set()
    return [release.path(name) for name in (ONTOLOGY, STANDARD_TERMS) if release and name in names]


def router(run_query: RunQuery, release: Release | None) -> APIRouter:
    """Return the routes of the resources of a graph and of their documents."""
    routes = APIRouter(tags=["things"])
    documents = ResourceDocuments(run_query, release)

    paged = parameter_docs(page="the page of what points to the thing, from 1")

    @routes.get(
        "/id/{path:path}",
        summary="Go to the document about a thing",
        status_code=303,
        responses=redirect_docs(303),
        openapi_extra=paged,
    )
    async def thing(request: Request, path: str) -> Response:
        return await documents.name(request, raw_path(request).removeprefix("id/"))

    @routes.get(
        "/doc/{path:path}",
        summary="Get the document about a thing: as a page, or in an RDF format",
        responses={**response_docs(HTML, *RDF_FORMATS), **redirect_docs(303)},
        openapi_extra=paged,
    )
    async def document(request: Request, path: str) -> Response:
        return await documents.document(request, raw_path(request).removeprefix("doc/"))

    return routes


class ResourceDocuments:
    """Request handlers for the resources of one graph: of a release, or of data files."""

    def __init__(self, run_query: RunQuery, release: Release | None) -> None:
        self._run_query, self._release = run_query, release
        self._things, self._labels = ResourceClient(run_query), labels_of(release)
        self._surroundings = RelatedDataClient(run_query)
        self._moved = release.redirects_by_iri if release else {}
        self._licence: str | None = None

    async def name(self, request: Request, path: str) -> Response:
        """Respond to the IRI of a resource: 303 to its document, 301 or 410 if it was retired, or 404."""
        plain, suffix = split_suffix(path)
        document = DocumentRequest(request, f"id/{path}", suffix)
        if path.startswith(_QUERIES):
            return redirect_response(303, f"{document.root}queries/{path.removeprefix(_QUERIES)}")
        document.format()  # an unacceptable format is refused before the redirect
        if await self._things.first_existing(_candidates(path, plain)):
            return redirect_response(303, f"{document.root}doc/{quote(path, safe=SAFE)}{_query_of(request)}")
        return await self._missing(document, "id/", plain)

    async def document(self, request: Request, path: str) -> Response:
        """Return the document about a resource in the negotiated format."""
        plain, suffix = split_suffix(path)
        candidates = _candidates(path, plain)
        # most paths have one candidate, and describing it shows whether it exists
        thing = candidates[0] if len(candidates) == 1 else await self._things.first_existing(candidates)
        # a resource whose IRI ends like a format suffix
        whole = thing is not None and suffix is not None and thing in candidate_iris(ID, path)
        document = DocumentRequest(request, f"doc/{path if whole else plain}", None if whole else suffix)
        format = document.format()
        description = (
            await self._things.describe(thing, number_parameter(request, "page", _LAST_PAGE))
            if thing and is_iri(thing)
            else None
        )
        if description is None:
            return await self._missing(document, "doc/", plain)
        if description.page > description.pages:
            raise Refusal(404, f"the links to {thing} fill {description.pages} pages of this document")
        written_out, spelled = quote(description.thing.removeprefix(ID), safe=SAFE), document.path.removeprefix("doc/")
        if spelled != written_out:  # such as %2F for a slash: relative links would have another base
            return redirect_response(
                303, f"{document.root}doc/{written_out}{path.removeprefix(spelled)}{_query_of(request)}"
            )
        return representation_response(document, await self._represented(document, description, format), self._release)

    async def _represented(self, document: DocumentRequest, description: Description, format: Format) -> Representation:
        licence = await self._licence_of()
        query = f"?page={description.page}" if description.page > 1 else ""
        scripts = list[str]()
        if format is HTML:
            html, described = await self._html(document, description)
            body, scripts = html.encode(), [discovery.script_hash(described)] if described else []
            location = representation_url(document.path, HTML, f"{query}{'&' if query else '?'}lang={document.lang}")
        else:
            body = serialize([*description.triples, *self._about_document(description, licence)], format)
            location = representation_url(document.path, format, query)
        links = [link(description.thing, "cite-as"), *alternate_links(document.path, query)]
        links += [link(representation_url(document.path, JSON_LD, query), "describedby", JSON_LD.media_type)]
        links += [link(_ABOUT_PAGE, "type"), *([link(licence, "license")] if licence else [])]
        links += [link(f"{document.root}catalog", "collection")] if self._release else []
        for relation, page in (("prev", description.page - 1), ("next", description.page + 1)):
            if 1 <= page <= description.pages:
                links.append(
                    link(f"{representation_url(document.path, format)}?page={page}", relation, format.media_type)
                )
        return Representation(format, body, location, links, scripts)

    async def _html(self, document: DocumentRequest, description: Description) -> tuple[str, str]:
        """Return the page of a resource, and its JSON-LD for search engines, which is in a script element."""
        facts = GraphPresenter(description.triples, self._labels, document.lang, document.view.link)
        kind = resource_page.layout_in(facts, description.thing)
        described = discovery.measure_json_ld(
            facts, description.thing, dataset_iri(self._release.version) if self._release else ""
        )
        around = await self._surroundings.of(description, kind)
        forms = [(format.label, representation_url(document.path, format)) for format in RDF_FORMATS]
        return resource_page.render_page(
            document.view, self._labels, description, kind, around, forms, described
        ), described

    def _about_document(self, description: Description, licence: str) -> list[Triple]:
        """Return the statements about the document itself: topic, dataset and licence."""
        if not description.thing.startswith(ID):
            return []
        document = NamedNode(f"{BASE}doc/{description.thing.removeprefix(ID)}")
        properties = {PREFIXES["foaf"] + "primaryTopic": description.thing, TYPE: PREFIXES["foaf"] + "Document"}
        if self._release:
            properties[PREFIXES["void"] + "inDataset"] = dataset_iri(self._release.version)
        if licence:
            properties[PREFIXES["dcterms"] + "license"] = licence
        return [Triple(document, NamedNode(word), NamedNode(value)) for word, value in properties.items()]

    async def _missing(self, document: DocumentRequest, prefix: str, path: str) -> Response:
        """Respond for an unknown resource: redirect if moved, 410 if retired, or 404 with similar IRIs."""
        iris = candidate_iris(ID, path)
        row = next((self._moved[iri] for iri in iris if iri in self._moved), None)
        if row and row["code"] == "301":
            return redirect_response(301, f"{document.root}{prefix}{quote(row['target'].removeprefix(ID), safe=SAFE)}")
        if row:
            reasons = (f"{row['reason_ja']}({row['decided_on']})", f"{row['reason_en']} ({row['decided_on']})")
            return notice_response(document, Notice(410, ("なくなりました", "Gone"), reasons), ())
        shorter = path.rstrip("/")
        if shorter != path and await self._things.first_existing(candidate_iris(ID, shorter)):
            whole = quote(shorter, safe=SAFE)
            return redirect_response(308, f"{document.root}{prefix}{whole}{_query_of(document.request)}")
        near = await self._things.similar_iris(iris[0])
        text = (
            f"このグラフに {iris[0]} という事物はありません。近い名前の事物を示します。",
            f"there is no {iris[0]} in this graph; `near` lists what is called like it; /lookup knows other IRIs",
        )
        links = [(f"{document.root}doc/{quote(iri.removeprefix(ID), safe=SAFE)}", iri.removeprefix(ID)) for iri in near]
        return notice_response(document, Notice(404, ("見つかりません", "Not found"), text, near), links)

    async def _licence_of(self) -> str:
        """Return the licence in the catalogue of the release; cached."""
        if self._licence is None:
            self._licence = next(iter(await self._things.values(_LICENCE, "licence")), "") if self._release else ""
        return self._licence


def _candidates(path: str, plain: str) -> Sequence[str]:
    """Return the IRIs that a path can mean, with and without the suffix, which can be part of a name."""
    return list(dict.fromkeys([*candidate_iris(ID, path), *candidate_iris(ID, plain)]))


def _query_of(request: Request) -> str:
    query = quote(request.scope["query_string"].decode("latin-1"), safe=SAFE + "?")
    return f"?{query}" if query else ""
