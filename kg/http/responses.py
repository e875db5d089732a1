"""Document requests and their responses: negotiated representations, redirects, notices (RFC 9110, 8.8, 12 and 15.4).

Redirects and links are relative, so that they work under any prefix and never repeat the host name that a client sends.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from functools import cached_property
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from pyoxigraph import Triple

from kg.core import negotiation
from kg.core.iris import BASE, ID, PREFIXES
from kg.core.jsonld_serializer import compact, is_compactable
from kg.core.negotiation import HTML, JSON_LD, N_TRIPLES, PLAIN_JSON, RDF_XML, TURTLE, Format, NotAcceptable
from kg.core.release import Release
from kg.core.result_serializers import write_triples
from kg.http import conditional_requests, templates
from kg.http.conditional_requests import Validators
from kg.http.openapi import OWN_PARAMETERS
from kg.http.sparql_endpoint import Refusal, accept_header, not_acceptable, unless_not_modified
from kg.http.templates import View

RDF_FORMATS = (TURTLE, N_TRIPLES, JSON_LD, RDF_XML)
SUFFIXES = {".html": HTML, ".ttl": TURTLE, ".nt": N_TRIPLES, ".jsonld": JSON_LD, ".rdf": RDF_XML}
_SUFFIX_OF = {format: suffix for suffix, format in SUFFIXES.items()}

VARY = {"Vary": "Accept, Accept-Language"}


@dataclass(frozen=True)
class Representation:
    """One representation of a resource. `links` are values of `Link` (RFC 8288).

    `scripts` are source expressions for the script elements of a page (Content Security Policy 3).
    """

    format: Format
    body: bytes
    location: str
    links: Sequence[str] = ()
    scripts: Sequence[str] = ()

    def headers(self, release: Release | None) -> dict[str, str]:
        """Return the response headers; `ETag` and `Last-Modified` depend on the release."""
        headers = {"Content-Type": self.format.content_type, "Content-Location": uri(self.location), **VARY}
        if self.links:
            headers["Link"] = ", ".join(self.links)
        headers["Cache-Control"] = conditional_requests.of_document(release)
        return {**headers, **validators(release, self.body).headers()}


def validators(release: Release | None, body: bytes) -> Validators:
    """Return the validators of a representation. The entity tag is strong: it identifies these bytes."""
    digest = hashlib.sha256(body).hexdigest()[:32]
    if release is None or release.development:
        return Validators(f'"{digest}"')
    issued = datetime.combine(datetime.fromisoformat(release.issued), time(), UTC)
    return Validators(f'"{release.inputs[:12]}-{digest}"', issued)


def negotiate_document(accept: str | None, named: str | None, html: bool = True) -> Format:
    """Negotiate the format of a document; raise NotAcceptable if there is none.

    HTML wins a tie, since a client that names text/html displays pages; a client without preference gets Turtle.
    """
    return negotiation.choose((HTML, *RDF_FORMATS) if html else RDF_FORMATS, accept or "*/*", named)


def split_suffix(path: str) -> tuple[str, Format | None]:
    """Split the suffix of a format off a path; the format is None without one."""
    suffix = PurePosixPath(path).suffix
    return (path.removesuffix(suffix), SUFFIXES[suffix]) if suffix in SUFFIXES else (path, None)


def representation_url(path: str, format: Format, query: str = "") -> str:
    """Return the URL of one representation, relative to that of the resource."""
    return f"./{quote(path.rpartition('/')[2], safe=SAFE)}{_SUFFIX_OF[format]}{query}"


def alternate_links(path: str, query: str = "", html: bool = True) -> list[str]:
    """Return `alternate` links to all representations of a resource."""
    formats = (HTML, *RDF_FORMATS) if html else RDF_FORMATS
    return [link(representation_url(path, format, query), "alternate", format.media_type) for format in formats]


def link(target: str, relation: str, media_type: str = "") -> str:
    """Return one value of a `Link` header; an IRI is mapped to a URI (RFC 3987, 3.1)."""
    return f'<{uri(target)}>; rel="{relation}"' + (f'; type="{media_type}"' if media_type else "")


# Characters that are not escaped in a URL: those of an IRI, with `%` of existing escapes. All others are escaped, such
# as `?`, `#` and letters that are not ASCII.
SAFE = "/:@!$&'()*+,;=~%-._"


def uri(iri: str) -> str:
    """Return an IRI or a relative reference as a URI, as headers require; existing escapes are kept."""
    return quote(iri, safe=SAFE + "?#[]")


def path_of(iri: str) -> str:
    """Return the path of the page of one of our resources, below the site root; empty for an external IRI."""
    if iri.startswith(ID):
        return f"doc/{quote(iri.removeprefix(ID), safe=SAFE)}"
    return quote(iri.removeprefix(BASE), safe=SAFE + "#") if iri.startswith(BASE) else ""


def path_to_root(path: str) -> str:
    """Return the relative path from a page to the site root: `../` for each folder."""
    return "../" * path.count("/") or "./"


def serialize_triples(triples: Iterable[Triple], format: Format) -> bytes:
    """Serialize triples in an RDF format, sorted, so that equal graphs give equal bytes.

    JSON-LD is compacted; with blank nodes or RDF 1.2 terms it is the engine's serialization.
    """
    ordered = sorted(set(triples), key=str)
    if format is JSON_LD and all(map(is_compactable, ordered)):
        return compact(ordered, {**PREFIXES, "id": ID})
    return write_triples(ordered, format)


_NEGOTIATING = ("lang", "format")  # select a form of a page, not the page
_LONGEST_NAME = 60  # characters of a parameter name in a message


@dataclass(frozen=True)
class DocumentRequest:
    """A request for the document at a path below the site root; a suffix fixes its format."""

    request: Request
    path: str
    suffix: Format | None = None
    html: bool = True

    @property
    def lang(self) -> str:
        """The language of a page."""
        return self.view.lang

    @cached_property
    def view(self) -> View:
        """The page context of the document."""
        view = view_of(self.request)
        paged = tuple(pair for pair in view.parameters if pair[0] == "page")
        return replace(view, path=self.path, root=self.root, parameters=paged)

    @property
    def root(self) -> str:
        """The relative path from the document to the site root."""
        return path_to_root(self.path)

    def format(self) -> Format:
        """Return the negotiated format; raise Refusal if none is acceptable."""
        if self.suffix:
            return self.suffix
        try:
            return negotiate_document(accept_header(self.request), self.request.query_params.get("format"), self.html)
        except NotAcceptable as error:
            raise not_acceptable(error) from error

    def wants_html(self) -> bool:
        """Return whether the client prefers HTML, also for error messages."""
        try:
            return self.format() is HTML
        except Refusal:
            return False


@dataclass(frozen=True)
class Notice:
    """A message instead of a document, in both languages, with IRIs of similar resources."""

    status: int
    title: tuple[str, str]
    text: tuple[str, str]
    near: Sequence[str] = ()


def view_of(request: Request) -> View:
    """Return the page context of a request: language, path and parameters."""
    path, params = raw_path(request), request.query_params
    return View(
        lang=templates.negotiate_language(params.get("lang"), request.headers.get("accept-language")),
        root=path_to_root(path),
        path=path,
        parameters=tuple((key, value) for key, value in params.multi_items() if key not in _NEGOTIATING),
        unknown=getattr(request.state, "unknown", ()),
        site=getattr(request.app.state, "site", None) or templates.Site(),
    )


async def check_parameters(request: Request) -> None:
    """Reject a request with parameters that its route does not read; a browser gets the page with a warning instead.

    A parameter may have been added to a shared URL on its way, which is no reason to withhold a page.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    accepted = _parameters_of(route)
    unread = () if OWN_PARAMETERS in (route.openapi_extra or {}) else request.query_params.keys() - accepted
    unknown = [*unknown_languages(request), *sorted(name[:_LONGEST_NAME] for name in unread)]
    if not unknown:
        return
    if not prefers_html(request):
        listed = ", ".join(sorted(accepted - set(_NEGOTIATING)))
        here = f"this URL takes {listed}" if listed else "this URL takes no parameters"
        endpoint = "; queries are answered at /sparql" if "query" in unknown else ""
        raise Refusal(400, f"unknown parameters: {', '.join(unknown[:5])}; {here} (and lang=ja or lang=en){endpoint}")
    request.state.unknown = tuple(dict.fromkeys(unknown))[:5]


def unknown_languages(request: Request) -> list[str]:
    """Return the `lang` parameters that are not supported, and those that contradict the first one."""
    given = [value for value in request.query_params.getlist("lang") if value]
    named = [templates.parse_language_tag(value) for value in given]
    return [
        f"lang={value[:_LONGEST_NAME]}"
        for value, language in zip(given, named, strict=True)
        if language is None or language != named[0]
    ]


def _parameters_of(route: APIRoute) -> frozenset[str]:
    """Return the names of the parameters that a route reads, from its signature and its OpenAPI declaration."""
    declared = (route.openapi_extra or {}).get("parameters", ())
    return frozenset(
        (
            *_NEGOTIATING,
            *(field.alias for field in route.dependant.query_params),
            *(each["name"] for each in declared if each["in"] == "query"),
        )
    )


def prefers_html(request: Request) -> bool:
    """Return whether a request comes from a browser: HTML is named and preferred."""
    try:
        return "html" in (accept_header(request) or "") and negotiate(request, (HTML, PLAIN_JSON)) is HTML
    except Refusal:  # nothing is acceptable: the error is sent anyway
        return False


def negotiate(request: Request, offered: tuple[Format, ...]) -> Format:
    """Negotiate one of these formats; raise Refusal if none is acceptable."""
    try:
        return negotiation.choose(offered, accept_header(request), request.query_params.get("format"))
    except NotAcceptable as error:
        raise not_acceptable(error) from error


def parse_whole_number(text: str, most: int) -> int | None:
    """Parse a number from 1 to `most` in a URL; None for any other text, however long."""
    return int(text) if is_whole_number(text) and 1 <= int(text) <= most else None


def number_parameter(request: Request, name: str, most: int, usual: int = 1) -> int:
    """Return the number of a query parameter, or the default; raise Refusal (400) for any other text."""
    number = parse_whole_number(request.query_params.get(name, "").strip() or str(usual), most)
    if number is None:
        raise Refusal(400, f"{name} is a number from 1 to {most}")
    return number


def is_whole_number(text: str) -> bool:
    """Return whether a text is a whole number of at most nine ASCII digits."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def html_response(html: str, view: View, status: int = 200, scripts: Sequence[str] = ()) -> Response:
    """Return an HTML response with its Content-Security-Policy."""
    return HTMLResponse(html, status, {**templates.page_headers(scripts), "Content-Language": view.lang})


def raw_path(request: Request) -> str:
    """Return the path as sent, below the mount point, without its leading slash.

    Escapes are kept: `%E6%96%BD` and `施` are two IRIs.
    """
    scope = request.scope
    raw = scope.get("raw_path") or quote(scope["path"], safe=SAFE).encode()
    path = raw.decode("latin-1").removeprefix(quote(scope.get("root_path", ""), safe=SAFE))
    return quote(path.removeprefix("/"), safe=SAFE)


def representation_response(
    document: DocumentRequest, representation: Representation, release: Release | None
) -> Response:
    """Return a representation of a document, or 304 if the client's copy is current (RFC 9110, 13.1.2)."""
    headers = representation.headers(release)
    if representation.format is HTML:
        headers = {**templates.page_headers(representation.scripts), "Content-Language": document.lang, **headers}
    answer = Response(representation.body, headers=headers)
    return unless_not_modified(document.request, validators(release, representation.body), answer)


def serialize(triples: Iterable[Triple], format: Format) -> bytes:
    """Serialize triples in an RDF format; raise Refusal if the format cannot express them."""
    try:
        return serialize_triples(triples, format)
    except NotAcceptable as error:
        raise not_acceptable(error) from error


def redirect_response(status: int, target: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a redirect to a relative reference."""
    return Response(status_code=status, headers={"Location": uri(target), **VARY, **(headers or {})})


def notice_response(document: DocumentRequest, notice: Notice, links: Sequence[tuple[str, str]]) -> Response:
    """Return a notice, as a page or as a problem document (RFC 9457) with `near`; `links` are (href, name) pairs."""
    if document.wants_html():
        t = templates.LANGUAGES.index(document.lang)
        text = templates.render("notice.html", document.view, title=notice.title[t], text=notice.text[t], links=links)
        return html_response(text, document.view, notice.status)
    status = HTTPStatus(notice.status)
    content: dict[str, object] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    content |= {"detail": notice.text[1], "near": list(notice.near)}
    return JSONResponse(content, status, VARY, media_type="application/problem+json")
