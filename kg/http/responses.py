"""Requests for documents and what they are answered: a form of the document, a redirect, or a word about why not.

Redirects and links are relative, so that they hold under any prefix and never repeat what a client calls this host.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from pyoxigraph import Triple

from kg.core import negotiation
from kg.core.negotiation import HTML, PLAIN_JSON, Format, NotAcceptable
from kg.core.release import Release
from kg.http import pages
from kg.http.openapi import OWN_PARAMETERS
from kg.http.pages import View
from kg.http.representations import SAFE, VARY, Representation, ascents, choose, uri, validators, write
from kg.http.sparql_endpoint import Refusal, accept_of, not_acceptable, unless_known

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
        lang=pages.language(asked.get("lang"), request.headers.get("accept-language")),
        root=ascents(path),
        path=path,
        parameters=tuple((key, value) for key, value in asked.multi_items() if key not in _NEGOTIATING),
        unknown=getattr(request.state, "unknown", ()),
        site=getattr(request.app.state, "site", None) or pages.Site(),
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
    named = [pages.named_language(value) for value in given]
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
    return HTMLResponse(html, status, {**pages.headers(scripts), "Content-Language": view.lang})


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
        headers = {**pages.headers(representation.scripts), "Content-Language": asked.lang, **headers}
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
        t = pages.LANGUAGES.index(asked.lang)
        text = pages.fill("notice.html", asked.view, title=notice.title[t], text=notice.text[t], links=links)
        return page(text, asked.view, notice.status)
    status = HTTPStatus(notice.status)
    content: dict[str, object] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    content |= {"detail": notice.text[1], "near": list(notice.near)}
    return JSONResponse(content, status, VARY, media_type="application/problem+json")
