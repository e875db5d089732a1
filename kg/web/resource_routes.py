"""The addresses of things: `/id/…` names one and leads to `/doc/…`, which says what the graph knows about it."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pyoxigraph import NamedNode, Triple

from kg.core.iris import BASE, ID, PREFIXES
from kg.core.labels import Labels
from kg.core.negotiation import HTML, JSON_LD, Format
from kg.core.release import CATALOGUE_GRAPH, ONTOLOGY, STANDARD_TERMS, Release, dataset_iri
from kg.http.openapi import answered, led, takes
from kg.http.query_client import Ask, is_iri
from kg.http.responses import (
    RDF_FORMATS,
    SAFE,
    Asked,
    Notice,
    Representation,
    alternates,
    link,
    number_in,
    raw_path,
    redirect,
    sent,
    split,
    suffixed,
    told,
    written,
)
from kg.http.sparql_endpoint import Refusal
from kg.web import discovery, resource_page
from kg.web.presenter import TYPE, Facts
from kg.web.resource_queries import Description, Surroundings, Things, candidates

_QUERIES = "query/"  # the stored queries have pages of their own
_LAST_PAGE = 1_000_000
_ABOUT_PAGE = "https://schema.org/AboutPage"
_LICENCE = f"""SELECT ?licence {{ GRAPH <{CATALOGUE_GRAPH}> {{
  ?catalogue a <{PREFIXES["dcat"]}Catalog> ; <{PREFIXES["dcterms"]}license> ?licence }} }}"""


def labels_of(release: Release | None) -> Labels:
    """Return the names of terms that a release holds."""
    return Labels(vocabulary_of(release))


def vocabulary_of(release: Release | None) -> list[Path]:
    """Return the files of a release that say what terms mean, or what they are called."""
    there = {file.name for file in release.files} if release else set()
    return [release.path(name) for name in (ONTOLOGY, STANDARD_TERMS) if release and name in there]


def router(ask: Ask, release: Release | None) -> APIRouter:
    """Return the routes of the things of a graph and of their documents."""
    routes = APIRouter(tags=["things"])
    documents = Documents(ask, release)

    paged = takes(page="the page of what points to the thing, from 1")

    @routes.get(
        "/id/{path:path}",
        summary="Go to the document about a thing",
        status_code=303,
        responses=led(303),
        openapi_extra=paged,
    )
    async def thing(request: Request, path: str) -> Response:
        return await documents.name(request, raw_path(request).removeprefix("id/"))

    @routes.get(
        "/doc/{path:path}",
        summary="Get the document about a thing: as a page, or in an RDF format",
        responses={**answered(HTML, *RDF_FORMATS), **led(303)},
        openapi_extra=paged,
    )
    async def document(request: Request, path: str) -> Response:
        return await documents.document(request, raw_path(request).removeprefix("doc/"))

    return routes


class Documents:
    """Answers for the things of one graph: of a release, or of data files."""

    def __init__(self, ask: Ask, release: Release | None) -> None:
        self._ask, self._release = ask, release
        self._things, self._labels = Things(ask), labels_of(release)
        self._surroundings = Surroundings(ask)
        self._moved = release.redirects_by_iri if release else {}
        self._licence: str | None = None

    async def name(self, request: Request, path: str) -> Response:
        """Answer for the name of a thing: 303 to its document, 301 or 410 where it has been given up, or 404."""
        plain, suffix = split(path)
        asked = Asked(request, f"id/{path}", suffix)
        if path.startswith(_QUERIES):
            return redirect(303, f"{asked.root}queries/{path.removeprefix(_QUERIES)}")
        asked.format()  # a document that cannot be had is refused here already
        if await self._things.known(_meant(path, plain)):
            return redirect(303, f"{asked.root}doc/{quote(path, safe=SAFE)}{_query_of(request)}")
        return await self._missing(asked, "id/", plain)

    async def document(self, request: Request, path: str) -> Response:
        """Answer with the document about a thing in the format that is wanted."""
        plain, suffix = split(path)
        meant = _meant(path, plain)
        # most paths can mean one thing only, and whether it is known shows when it is described
        thing = meant[0] if len(meant) == 1 else await self._things.known(meant)
        # a thing whose own name ends like a format
        whole = thing is not None and suffix is not None and thing in candidates(ID, path)
        asked = Asked(request, f"doc/{path if whole else plain}", None if whole else suffix)
        format = asked.format()
        found = (
            await self._things.describe(thing, number_in(request, "page", _LAST_PAGE))
            if thing and is_iri(thing)
            else None
        )
        if found is None:
            return await self._missing(asked, "doc/", plain)
        if found.page > found.pages:
            raise Refusal(404, f"what points to {thing} fills {found.pages} pages of this document")
        written_out, spelled = quote(found.thing.removeprefix(ID), safe=SAFE), asked.path.removeprefix("doc/")
        if spelled != written_out:  # such as %2F for a slash: from there, relative links would lead elsewhere
            return redirect(303, f"{asked.root}doc/{written_out}{path.removeprefix(spelled)}{_query_of(request)}")
        return sent(asked, await self._represented(asked, found, format), self._release)

    async def _represented(self, asked: Asked, found: Description, format: Format) -> Representation:
        licence = await self._licence_of()
        query = f"?page={found.page}" if found.page > 1 else ""
        scripts = list[str]()
        if format is HTML:
            html, described = await self._html(asked, found)
            body, scripts = html.encode(), [discovery.allowed(described)] if described else []
            location = suffixed(asked.path, HTML, f"{query}{'&' if query else '?'}lang={asked.lang}")
        else:
            body = written([*found.triples, *self._about_document(found, licence)], format)
            location = suffixed(asked.path, format, query)
        links = [link(found.thing, "cite-as"), *alternates(asked.path, query)]
        links += [link(suffixed(asked.path, JSON_LD, query), "describedby", JSON_LD.media_type)]
        links += [link(_ABOUT_PAGE, "type"), *([link(licence, "license")] if licence else [])]
        links += [link(f"{asked.root}catalog", "collection")] if self._release else []
        for relation, page in (("prev", found.page - 1), ("next", found.page + 1)):
            if 1 <= page <= found.pages:
                links.append(link(f"{suffixed(asked.path, format)}?page={page}", relation, format.media_type))
        return Representation(format, body, location, links, scripts)

    async def _html(self, asked: Asked, found: Description) -> tuple[str, str]:
        """Return the page about a thing, and what it tells search engines, which stands in a script element."""
        facts = Facts(found.triples, self._labels, asked.lang, asked.view.link)
        kind = resource_page.kind_in(facts, found.thing)
        described = discovery.measure(facts, found.thing, dataset_iri(self._release.version) if self._release else "")
        around = await self._surroundings.of(found, kind)
        forms = [(format.label, suffixed(asked.path, format)) for format in RDF_FORMATS]
        return resource_page.text(asked.view, self._labels, found, kind, around, forms, described), described

    def _about_document(self, found: Description, licence: str) -> list[Triple]:
        """Return what is said about the document itself: its topic, its dataset and its licence."""
        if not found.thing.startswith(ID):
            return []
        document = NamedNode(f"{BASE}doc/{found.thing.removeprefix(ID)}")
        said = {PREFIXES["foaf"] + "primaryTopic": found.thing, TYPE: PREFIXES["foaf"] + "Document"}
        if self._release:
            said[PREFIXES["void"] + "inDataset"] = dataset_iri(self._release.version)
        if licence:
            said[PREFIXES["dcterms"] + "license"] = licence
        return [Triple(document, NamedNode(word), NamedNode(value)) for word, value in said.items()]

    async def _missing(self, asked: Asked, prefix: str, path: str) -> Response:
        """Answer for a thing that the graph does not know: where it has moved to, that it is gone, or what is near."""
        iris = candidates(ID, path)
        row = next((self._moved[iri] for iri in iris if iri in self._moved), None)
        if row and row["code"] == "301":
            return redirect(301, f"{asked.root}{prefix}{quote(row['target'].removeprefix(ID), safe=SAFE)}")
        if row:
            reasons = (f"{row['reason_ja']}({row['decided_on']})", f"{row['reason_en']} ({row['decided_on']})")
            return told(asked, Notice(410, ("なくなりました", "Gone"), reasons), ())
        shorter = path.rstrip("/")
        if shorter != path and await self._things.known(candidates(ID, shorter)):
            whole = quote(shorter, safe=SAFE)
            return redirect(308, f"{asked.root}{prefix}{whole}{_query_of(asked.request)}")
        near = await self._things.near(iris[0])
        text = (
            f"このグラフに {iris[0]} という事物はありません。近い名前の事物を示します。",
            f"there is no {iris[0]} in this graph; `near` lists what is called like it; /lookup knows other IRIs",
        )
        links = [(f"{asked.root}doc/{quote(iri.removeprefix(ID), safe=SAFE)}", iri.removeprefix(ID)) for iri in near]
        return told(asked, Notice(404, ("見つかりません", "Not found"), text, near), links)

    async def _licence_of(self) -> str:
        """Return the licence that the catalogue of the release names; asked once."""
        if self._licence is None:
            self._licence = next(iter(await self._things.values(_LICENCE, "licence")), "") if self._release else ""
        return self._licence


def _meant(path: str, plain: str) -> Sequence[str]:
    """Return the IRIs that a path can mean: the suffix can be part of a name."""
    return list(dict.fromkeys([*candidates(ID, path), *candidates(ID, plain)]))


def _query_of(request: Request) -> str:
    query = quote(request.scope["query_string"].decode("latin-1"), safe=SAFE + "?")
    return f"?{query}" if query else ""
