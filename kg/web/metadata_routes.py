"""Routes of the metadata documents of a release: ontology, shapes, catalogue, VoID, examples, and service description.

Each is available as a page and in all RDF formats. They do not change while a release is served, so each form is
rendered once. The description of the endpoint (SPARQL 1.1 Service Description) is its response to programs that send no
query.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response
from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from kg.core import negotiation
from kg.core.iris import BASE, PREFIXES, REBASED, served_quad, service_description
from kg.core.labels import Labels
from kg.core.negotiation import HTML, N_TRIPLES, TURTLE, Format
from kg.core.release import (
    ALIGNMENTS,
    CATALOGUE_GRAPH,
    ONTOLOGY,
    QUERIES,
    SHAPES,
    VALIDATION_GRAPH,
    VOID_GRAPH,
    Release,
    dataset_iri,
)
from kg.core.result_serializers import write_triples
from kg.engine.data_source import Limits
from kg.http import templates
from kg.http.client_address import site_url
from kg.http.openapi import redirect_docs, response_docs
from kg.http.query_client import RunQuery
from kg.http.responses import (
    RDF_FORMATS,
    SUFFIXES,
    DocumentRequest,
    Representation,
    alternate_links,
    link,
    negotiate,
    redirect_response,
    representation_response,
    representation_url,
    serialize,
)
from kg.http.sparql_endpoint import Refusal
from kg.http.templates import View
from kg.web.ontology_page import VocabularyPages
from kg.web.presenter import TYPE, GraphPresenter
from kg.web.resource_queries import ResourceClient

_VERSION = NamedNode(PREFIXES["owl"] + "versionIRI")
_EXAMPLES = ".well-known/sparql-examples"
_ABOUT_PAGE = "https://schema.org/AboutPage"


# Datatypes that files declare and stores do not preserve: an engine stores every integer as xsd:integer.
_DECLARED = {NamedNode(PREFIXES["dcat"] + "byteSize"): NamedNode(PREFIXES["xsd"] + "nonNegativeInteger")}


@dataclass(frozen=True)
class MetadataDocument:
    """A metadata document at a path: a file of the release or a named graph; `html` if it has a page."""

    path: str
    file: str = ""
    graph: str = ""
    html: bool = False
    title: tuple[str, str] = ("", "")


DOCUMENTS = (
    MetadataDocument("def", file=ONTOLOGY, html=True, title=("オントロジー", "Ontology")),
    MetadataDocument("def/alignments", file=ALIGNMENTS),
    MetadataDocument("shapes", file=SHAPES, html=True, title=("制約(SHACL)", "Shapes (SHACL)")),
    MetadataDocument("catalog", graph=CATALOGUE_GRAPH, html=True, title=("カタログ", "Catalogue")),
    MetadataDocument(
        "void", graph=VOID_GRAPH, html=True, title=("データセットの記述(VoID)", "Dataset description (VoID)")
    ),
    MetadataDocument("validation", graph=VALIDATION_GRAPH, html=True, title=("検証の結果(SHACL)", "SHACL report")),
    MetadataDocument(_EXAMPLES, file=QUERIES),
    MetadataDocument(f"sparql/{_EXAMPLES}", file=QUERIES),
    MetadataDocument("queries", file=QUERIES),
)
_NEGOTIATED_ELSEWHERE = ("queries",)  # only the URLs with a suffix are served here


def router(run_query: RunQuery, release: Release | None, labels: Labels, explained: VocabularyPages) -> APIRouter:
    """Return the routes of these documents, each with one URL per format."""
    routes = APIRouter(tags=["descriptions"])
    documents = _MetadataDocuments(run_query, release, labels, explained)

    def add(metadata: MetadataDocument, suffix: str, format: Format | None) -> None:
        async def document(request: Request) -> Response:
            return await documents.answer(DocumentRequest(request, metadata.path, format, metadata.html), metadata)

        shown = not format and not metadata.path.startswith("sparql/")
        address = f"/{metadata.path}{suffix}"
        forms = response_docs(*RDF_FORMATS, *([HTML] if metadata.html else []))
        summary, name = f"Get {metadata.path}", metadata.path
        routes.get(address, include_in_schema=shown, summary=summary, name=name, responses=forms)(document)

    for metadata in DOCUMENTS:
        if metadata.path not in _NEGOTIATED_ELSEWHERE:
            add(metadata, "", None)
        for suffix, format in SUFFIXES.items():
            if format is not HTML or metadata.html:
                add(metadata, suffix, format)

    @routes.get("/def/{version}", include_in_schema=False)
    async def ontology_of(version: str) -> Response:
        return await documents.version(version)

    @routes.get(
        "/.well-known/void", summary="Go to the VoID description", status_code=303, responses=redirect_docs(303)
    )
    async def void() -> Response:
        return redirect_response(303, "../void")

    return routes


class _MetadataDocuments:
    """The metadata documents of one release, with a cache of their serializations."""

    def __init__(
        self, run_query: RunQuery, release: Release | None, labels: Labels, explained: VocabularyPages
    ) -> None:
        self._run_query, self._release, self._labels, self._explained = run_query, release, labels, explained
        self._files = {file.name for file in release.files} if release else set()
        self._triples: dict[str, Sequence[Triple]] = {}
        self._bodies: dict[tuple[str, Format, str], bytes] = {}

    async def answer(self, document: DocumentRequest, metadata: MetadataDocument) -> Response:
        """Return a document in the negotiated format."""
        format = document.format()
        lang = document.lang if format is HTML else ""
        key = (metadata.path, format, lang)
        if key not in self._bodies:
            self._bodies[key] = await self._made(document, metadata, format)
        query = f"?lang={lang}" if lang else ""
        links = [*alternate_links(metadata.path, html=metadata.html), link(_ABOUT_PAGE, "type")]
        location = representation_url(metadata.path, format, query)
        return representation_response(
            document, Representation(format, self._bodies[key], location, links), self._release
        )

    async def version(self, version: str) -> Response:
        """Redirect (303) the IRI of a version of the ontology to the ontology, if that version is served."""
        metadata = DOCUMENTS[0]
        self._check(metadata)
        stated = await self._statements(metadata)
        named = [t.object.value for t in stated if t.predicate == _VERSION and isinstance(t.object, NamedNode)]
        if f"{BASE}def/{version}" not in named:
            raise Refusal(404, f"the ontology of this release is {', '.join(named)}")
        return redirect_response(303, "../def")

    async def _made(self, document: DocumentRequest, metadata: MetadataDocument, format: Format) -> bytes:
        self._check(metadata)
        if format is TURTLE and metadata.file and self._release and not REBASED:
            return self._release.path(metadata.file).read_bytes()  # unchanged, with its layout by hand
        triples = await self._statements(metadata)
        return (
            (await self._html(document, metadata, triples)).encode() if format is HTML else serialize(triples, format)
        )

    async def _statements(self, metadata: MetadataDocument) -> Sequence[Triple]:
        if metadata.path not in self._triples:
            self._triples[metadata.path] = await self._read(metadata)
        return self._triples[metadata.path]

    def _check(self, metadata: MetadataDocument) -> None:
        """Raise Refusal if a document is not available."""
        if self._release is None:
            raise Refusal(404, "this server was started on data files; there is no release to describe")
        if metadata.file and metadata.file not in self._files:
            raise Refusal(404, f"release {self._release.version} has no {metadata.file}")

    async def _read(self, metadata: MetadataDocument) -> Sequence[Triple]:
        """Return the statements of a document, in the order of its file; blank nodes get canonical names."""
        if metadata.graph:
            query = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{metadata.graph}> {{ ?s ?p ?o }} }}"
            body = await self._run_query(query, N_TRIPLES)
            return sorted(
                (_with_declared_datatype(quad.triple) for quad in parse(body, format=RdfFormat.N_TRIPLES)), key=str
            )
        assert self._release is not None
        stated = parse(path=str(self._release.path(metadata.file)), format=RdfFormat.TURTLE)
        triples = [served_quad(quad).triple for quad in stated]
        if not any(isinstance(term, BlankNode) for triple in triples for term in triple):
            return triples
        dataset = Dataset([Quad(*triple) for triple in triples])
        dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
        first = {triple.subject: place for place, triple in reversed(list(enumerate(triples)))}
        stable = [quad.triple for quad in dataset]
        return sorted(stable, key=lambda triple: (first.get(triple.subject, len(triples)), str(triple)))

    async def _html(self, document: DocumentRequest, metadata: MetadataDocument, triples: Sequence[Triple]) -> str:
        """Return the page of a document; parameters are removed from its context, since the page is cached."""
        view = replace(document.view, parameters=())
        forms = [
            (format.label, representation_url(metadata.path, format))
            for format in SUFFIXES.values()
            if format is not HTML
        ]
        if metadata.file == ONTOLOGY:
            shapes = next(document for document in DOCUMENTS if document.file == SHAPES)
            shape_statements = await self._statements(shapes) if SHAPES in self._files else ()
            return await self._explained.ontology(view, triples, shape_statements, forms)
        if metadata.file == SHAPES:
            return await self._explained.shapes(view, triples, forms)
        return self._listed(view, metadata, triples, forms)

    def _listed(
        self, view: View, metadata: MetadataDocument, triples: Sequence[Triple], forms: Sequence[tuple[str, str]]
    ) -> str:
        """Return a page with the description of a document, then each resource in it under its anchor."""
        main = BASE + metadata.path
        facts = GraphPresenter(triples, self._labels, view.lang, view.link)
        subjects = [iri for iri in facts.subjects() if iri.startswith(BASE) and iri != main]
        facts.anchors = {iri: iri.removeprefix(f"{main}#").removeprefix(BASE).replace("#", "/") for iri in subjects}
        sections = [facts.section(iri, (TYPE,)) for iri in subjects]
        kinds = list(dict.fromkeys(section.kinds[0].text if section.kinds else "" for section in sections))
        return templates.render(
            "published.html",
            view,
            title=view.t(*metadata.title),
            iri=main,
            about=facts.section(main),
            sections=sections,
            contents=[(kind, [s for s in sections if (s.kinds[0].text if s.kinds else "") == kind]) for kind in kinds],
            forms=forms,
        )


def _with_declared_datatype(triple: Triple) -> Triple:
    """Return a statement of a store with the datatype that its file declares."""
    datatype = _DECLARED.get(triple.predicate)
    if datatype is None or not isinstance(triple.object, Literal):
        return triple
    return Triple(triple.subject, triple.predicate, Literal(triple.object.value, datatype=datatype))


DESCRIPTION_FORMATS = (negotiation.TURTLE, negotiation.N_TRIPLES, negotiation.JSON_LD, negotiation.RDF_XML)
NAMED_GRAPHS = "SELECT ?graph { GRAPH ?graph {} }"

# Placeholder for the URL of the endpoint, replaced in each response; the name cannot exist (RFC 2606).
_HERE = "http://endpoint.invalid/sparql"


class ServiceDescription:
    """The description of an endpoint, in all formats; `default` is its default graph if VoID describes that.

    `federated` is true if SERVICE is allowed, `address` is the configured URL of the site, `path` that of the endpoint
    below it.
    """

    def __init__(
        self,
        triples: int,
        named_graphs: Iterable[str],
        default: str = "",
        federated: bool = False,
        address: str = "",
        path: str = "sparql",
    ) -> None:
        self._address, self._path = address, path
        statements = list(service_description(_HERE, triples, named_graphs, default, federated))
        self._bodies = {format: write_triples(statements, format) for format in DESCRIPTION_FORMATS}

    def body(self, format: Format, path: str, server: tuple[str, int | None] | None) -> bytes:
        """Return the description in a format, for a request to a path.

        The endpoint is written relative to the request, because the host name that clients use is unknown here;
        N-Triples has no relative references and contains the URL of the site (`kg.http.client_address`).
        """
        absolute = f"{site_url(server, self._address)}{self._path}"
        reference = absolute if format is negotiation.N_TRIPLES else _relative(path)
        return self._bodies[format].replace(_HERE.encode(), reference.encode())


def _relative(path: str) -> str:
    return "../sparql" if path.endswith("/") else "sparql"


_SHOWN = 60  # characters of a name in a message
# Parameters allowed without a query, by the protocol or for the page.
_KNOWN = {"format", "lang", "default-graph-uri", "named-graph-uri", "stored", "edit", "page"}


def default_handler(
    run_query: RunQuery,
    release: Release | None,
    triples: int,
    blank: Callable[[Request], Awaitable[Response]],
    limits: Limits,
    address: str = "",
    path: str = "sparql",
) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of requests without a query: `blank` for browsers, the description for programs.

    `path` is that of the endpoint below the site root.
    """
    described: list[ServiceDescription] = []

    async def introduced(request: Request) -> Response:
        format = negotiate(request, (*DESCRIPTION_FORMATS, HTML))
        unknown = sorted({name[:_SHOWN] for name in request.query_params} - _KNOWN)
        if unknown and format is not HTML:
            fact = f"unknown parameters: {', '.join(unknown[:5])}, and there is no query"
            raise Refusal(400, f"{fact}; put one into the parameter “query”")
        if format is HTML:
            if "stored" not in request.query_params:  # else they can be parameters of the stored query
                request.state.unknown = tuple(unknown)[:5]
            return await blank(request)
        if not described:  # cached, since it is the same for every request
            dataset = dataset_iri(release.version) if release else ""
            named = await ResourceClient(run_query).values(NAMED_GRAPHS, "graph")
            described.append(ServiceDescription(triples, named, dataset, bool(limits.services), address, path))
        body = described[0].body(format, request.url.path, request.scope.get("server"))
        return Response(body, headers={"Content-Type": format.content_type, "Vary": "Accept"})

    return introduced
