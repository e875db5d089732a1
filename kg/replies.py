"""What the paths share that are answered with pages or files: the language, the format, the headers of a page."""

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from kg import negotiate, pages
from kg.endpoint import accept_of, not_acceptable
from kg.negotiate import Format, NotAcceptable


def language_of(request: Request) -> str:
    """Return the language of a page for a request."""
    return pages.language(request.query_params.get("lang"), request.headers.get("accept-language"))


def chosen(request: Request, offered: tuple[Format, ...]) -> Format:
    """Return which of these formats a request asks for; raise Refusal where it can have none."""
    try:
        return negotiate.choose(offered, accept_of(request), request.query_params.get("format"))
    except NotAcceptable as error:
        raise not_acceptable(error) from error


def page(html: str) -> Response:
    """Return a page with the policy that all pages have."""
    return HTMLResponse(html, headers=pages.PAGE)
