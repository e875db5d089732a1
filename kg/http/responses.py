"""One resource, several forms: which one a client gets, and how it is written and sent (RFC 9110, 8.8, 12 and 15.4).

Requests for documents and what they are answered: a form of the document, a redirect, or a word about why not.

Redirects and links are relative, so that they hold under any prefix and never repeat what a client calls this host.
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
from kg.http import templates
from kg.http.conditional_requests import Validators
from kg.http.openapi import OWN_PARAMETERS
from kg.http.sparql_endpoint import Refusal, accept_of, not_acceptable, unless_known
from kg.http.templates import View

RDF_FORMATS = (TURTLE, N_TRIPLES, JSON_LD, RDF_XML)
SUFFIXES = {".html": HTML, ".ttl": TURTLE, ".nt": N_TRIPLES, ".jsonld": JSON_LD, ".rdf": RDF_XML}
_SUFFIX_OF = {format: suffix for suffix, format in SUFFIXES.items()}

VARY = {"Vary": "Accept, Accept-Language"}
_LIVE = "public, max-age=3600"
_UNPUBLISHED = "public, no-cache"  # a development build, or data files: the next start may bring other bytes


@dataclass(frozen=True)
class Representation:
    """One form of a resource, as it is sent. `links` are values of `Link` (RFC 8288).

    `scripts` are source expressions for what stands in script elements of a page (Content Security Policy 3).
    """

    format: Format
    body: bytes
    location: str
    links: Sequence[str] = ()
    scripts: Sequence[str] = ()

    def sent(self, release: Release | None) -> dict[str, str]:
        """Return the headers to send: `ETag` and `Last-Modified` change with the release that it was made from."""
        headers = {"Content-Type": self.format.content_type, "Content-Location": uri(self.location), **VARY}
        if self.links:
            headers["Link"] = ", ".join(self.links)
        headers["Cache-Control"] = _UNPUBLISHED if release is None or release.development else _LIVE
        return {**headers, **validators(release, self.body).headers()}


def validators(release: Release | None, body: bytes) -> Validators:
    """Return what caches go by. The entity tag is strong: other bytes never have the same one."""
    digest = hashlib.sha256(body).hexdigest()[:32]
    if release is None or release.development:
        return Validators(f'"{digest}"')
    issued = datetime.combine(datetime.fromisoformat(release.issued), time(), UTC)
    return Validators(f'"{release.inputs[:12]}-{digest}"', issued)


def choose(accept: str | None, named: str | None, html: bool = True) -> Format:
    """Return the format that a client wants; raise NotAcceptable where there is none.

    A page wins a tie, since who names text/html wants to read; who names nothing gets Turtle.
    """
    return negotiation.choose((HTML, *RDF_FORMATS) if html else RDF_FORMATS, accept or "*/*", named)


def split(path: str) -> tuple[str, Format | None]:
    """Return a path without its suffix, and the format that the suffix means."""
    suffix = PurePosixPath(path).suffix
    return (path.removesuffix(suffix), SUFFIXES[suffix]) if suffix in SUFFIXES else (path, None)


def suffixed(path: str, format: Format, query: str = "") -> str:
    """Return the address of one form, relative to the address of the resource."""
    return f"./{quote(path.rpartition('/')[2], safe=SAFE)}{_SUFFIX_OF[format]}{query}"


def alternates(path: str, query: str = "", html: bool = True) -> list[str]:
    """Return a link to each form of a resource."""
    formats = (HTML, *RDF_FORMATS) if html else RDF_FORMATS
    return [link(suffixed(path, format, query), "alternate", format.media_type) for format in formats]


def link(target: str, relation: str, media_type: str = "") -> str:
    """Return one value of a `Link` header; an IRI is written as the URI that it maps to (RFC 3987, 3.1)."""
    return f'<{uri(target)}>; rel="{relation}"' + (f'; type="{media_type}"' if media_type else "")


# What stands in an address as it is: what an IRI may hold, escapes included. The rest is escaped: `?`, `#`, letters
# that are not ASCII.
SAFE = "/:@!$&'()*+,;=~%-._"


def uri(iri: str) -> str:
    """Return an IRI, or a relative reference, as a URI, which is all that a header can hold; escapes stay."""
    return quote(iri, safe=SAFE + "?#[]")


def path_of(iri: str) -> str:
    """Return where a thing of ours is shown, below the top of the site; empty for a thing of others."""
    if iri.startswith(ID):
        return f"doc/{quote(iri.removeprefix(ID), safe=SAFE)}"
    return quote(iri.removeprefix(BASE), safe=SAFE + "#") if iri.startswith(BASE) else ""


def ascents(path: str) -> str:
    """Return what leads from a path to the place where the site is mounted: `../` for each folder."""
    return "../" * path.count("/") or "./"


def write(triples: Iterable[Triple], format: Format) -> bytes:
    """Return triples in an RDF format, sorted: the same triples give the same bytes.

    JSON-LD is compact; where there are blank nodes, or what came with RDF 1.2, it is as the engine writes it.
    """
    ordered = sorted(set(triples), key=str)
    if format is JSON_LD and all(map(is_compactable, ordered)):
        return compact(ordered, {**PREFIXES, "id": ID})
    return write_triples(ordered, format)


_NEGOTIATING = ("lang", "format")  # which form of a page it is, not which page
_LONGEST_NAME = 60  # of a parameter, as a message repeats it


@dataclass(frozen=True)
class Asked:
    """A request for the document at a path, which begins below the top of the site; a suffix names its format."""

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
        """Where the page of the document stands."""
        view = view_of(self.request)
        paged = tuple(pair for pair in view.parameters if pair[0] == "page")
        return replace(view, path=self.path, root=self.root, parameters=paged)

    @property
    def root(self) -> str:
        """What leads from the address to the top of the site."""
        return ascents(self.path)

    def format(self) -> Format:
        """Return the format to answer in; raise Refusal where none can be had."""
        if self.suffix:
            return self.suffix
        try:
            return choose(accept_of(self.request), self.request.query_params.get("format"), self.html)
        except NotAcceptable as error:
            raise not_acceptable(error) from error

    def wants_page(self) -> bool:
        """Whether a person asks, so that what went wrong is told on a page."""
        try:
            return self.format() is HTML
        except Refusal:
            return False


@dataclass(frozen=True)
class Notice:
    """Something to tell instead of a document, in both languages, with the IRIs that may help."""

    status: int
    title: tuple[str, str]
    text: tuple[str, str]
    near: Sequence[str] = ()


def view_of(request: Request) -> View:
    """Return where the page stands that a request asks for, and for whom it is made."""
    path, asked = raw_path(request), request.query_params
    return View(
        lang=templates.language(asked.get("lang"), request.headers.get("accept-language")),
        root=ascents(path),
        path=path,
        parameters=tuple((key, value) for key, value in asked.multi_items() if key not in _NEGOTIATING),
        unknown=getattr(request.state, "unknown", ()),
        site=getattr(request.app.state, "site", None) or templates.Site(),
    )


async def understood(request: Request) -> None:
    """Refuse a request with parameters that its route does not read; a person gets the page, which names them.

    An address that somebody shares may have grown a parameter on its way, which is no reason to withhold a page.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = _parameters_of(route)
    others = () if OWN_PARAMETERS in (route.openapi_extra or {}) else request.query_params.keys() - known
    unknown = [*unknown_languages(request), *sorted(name[:_LONGEST_NAME] for name in others)]
    if not unknown:
        return
    if not prefers_page(request):
        listed = ", ".join(sorted(known - set(_NEGOTIATING)))
        here = f"known here are {listed}" if listed else "this address takes no parameters"
        endpoint = "; queries are answered at /sparql" if "query" in unknown else ""
        raise Refusal(400, f"{', '.join(unknown[:5])} is unknown here; {here} (and lang=ja or lang=en){endpoint}")
    request.state.unknown = tuple(dict.fromkeys(unknown))[:5]


def unknown_languages(request: Request) -> list[str]:
    """Return the languages that an address names and that are none of ours, and those that contradict the first one."""
    given = [value for value in request.query_params.getlist("lang") if value]
    named = [templates.named_language(value) for value in given]
    return [
        f"lang={value[:_LONGEST_NAME]}"
        for value, language in zip(given, named, strict=True)
        if language is None or language != named[0]
    ]


def _parameters_of(route: APIRoute) -> frozenset[str]:
    """Return the names of the parameters that a route reads: those that the framework reads, and those it declares."""
    declared = (route.openapi_extra or {}).get("parameters", ())
    return frozenset(
        (
            *_NEGOTIATING,
            *(field.alias for field in route.dependant.query_params),
            *(each["name"] for each in declared if each["in"] == "query"),
        )
    )


def prefers_page(request: Request) -> bool:
    """Whether a request comes from a person: it names HTML and wants nothing more than that."""
    try:
        return "html" in (accept_of(request) or "") and chosen(request, (HTML, PLAIN_JSON)) is HTML
    except Refusal:  # it wants neither: what is not there is told all the same
        return False


def chosen(request: Request, offered: tuple[Format, ...]) -> Format:
    """Return which of these formats a request asks for; raise Refusal where it can have none."""
    try:
        return negotiation.choose(offered, accept_of(request), request.query_params.get("format"))
    except NotAcceptable as error:
        raise not_acceptable(error) from error


def whole_number(text: str, most: int) -> int | None:
    """Return a number from 1 to `most` that stands in an address; None for any other text, however long that is."""
    return int(text) if is_whole(text) and 1 <= int(text) <= most else None


def number_in(request: Request, name: str, most: int, usual: int = 1) -> int:
    """Return the number that a parameter gives, or the usual one; raise Refusal (400) for any other text."""
    number = whole_number(request.query_params.get(name, "").strip() or str(usual), most)
    if number is None:
        raise Refusal(400, f"{name} is a number from 1 to {most}")
    return number


def is_whole(text: str) -> bool:
    """Whether a text is a whole number of at most nine digits, and nothing else that Python reads as one."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def page(html: str, view: View, status: int = 200, scripts: Sequence[str] = ()) -> Response:
    """Return a page, with the policy for what may run on it."""
    return HTMLResponse(html, status, {**templates.headers(scripts), "Content-Language": view.lang})


def raw_path(request: Request) -> str:
    """Return the path as it was sent, below the place where the site is mounted, without its first slash.

    Escapes are kept: `%E6%96%BD` and `施` are two IRIs.
    """
    scope = request.scope
    raw = scope.get("raw_path") or quote(scope["path"], safe=SAFE).encode()
    path = raw.decode("latin-1").removeprefix(quote(scope.get("root_path", ""), safe=SAFE))
    return quote(path.removeprefix("/"), safe=SAFE)


def sent(asked: Asked, representation: Representation, release: Release | None) -> Response:
    """Return a form of a document, or 304 where the client has it already (RFC 9110, 13.1.2)."""
    headers = representation.sent(release)
    if representation.format is HTML:
        headers = {**templates.headers(representation.scripts), "Content-Language": asked.lang, **headers}
    answer = Response(representation.body, headers=headers)
    return unless_known(asked.request, validators(release, representation.body), answer)


def written(triples: Iterable[Triple], format: Format) -> bytes:
    """Return triples in an RDF format; raise Refusal where that format cannot express them."""
    try:
        return write(triples, format)
    except NotAcceptable as error:
        raise not_acceptable(error) from error


def redirect(status: int, target: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a redirect to a relative reference."""
    return Response(status_code=status, headers={"Location": uri(target), **VARY, **(headers or {})})


def told(asked: Asked, notice: Notice, links: Sequence[tuple[str, str]]) -> Response:
    """Return a notice, on a page or as a problem document (RFC 9457) with `near`; `links` are href and name."""
    if asked.wants_page():
        t = templates.LANGUAGES.index(asked.lang)
        text = templates.fill("notice.html", asked.view, title=notice.title[t], text=notice.text[t], links=links)
        return page(text, asked.view, notice.status)
    status = HTTPStatus(notice.status)
    content: dict[str, object] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    content |= {"detail": notice.text[1], "near": list(notice.near)}
    return JSONResponse(content, status, VARY, media_type="application/problem+json")
