"""Conditional requests, ranges and the headers of every response (RFC 9110, 13 and 14; RFC 9111, 5.2).

Functions evaluate preconditions against the validators of a representation, and parse `Range`. A middleware adds the
headers common to all responses. The constants at the end are the values of `Cache-Control`, chosen by how long a
response stays valid.
"""

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.core.release import Release

NOT_MODIFIED = 304
PRECONDITION_FAILED = 412

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RANGE = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")
# Requests for more ranges get the whole document, which costs less than many small parts.
_MOST_PARTS = 100


@dataclass(frozen=True)
class Validators:
    """Validators of one representation: its entity tag, in quotes, and its modification date."""

    etag: str
    modified: datetime | None = None

    def headers(self) -> dict[str, str]:
        """Return the validator headers. A future date is omitted: it must not be sent (RFC 9110, 8.8.2.1)."""
        if self.modified is None or self.modified > datetime.now(UTC):
            return {"ETag": self.etag}
        return {"ETag": self.etag, "Last-Modified": format_datetime(self.modified, usegmt=True)}


def evaluate_preconditions(request: Headers, validators: Validators) -> int | None:
    """Evaluate the preconditions of a GET or HEAD: 304, 412, or None if the request is to be answered normally.

    The order is that of RFC 9110, 13.2.2: entity tags take precedence over dates; unparsable conditions are ignored.
    """
    if "if-match" in request:
        if not _matches(request, "if-match", validators.etag, weak=False):
            return PRECONDITION_FAILED
    elif _modified_after(validators, _date(request, "if-unmodified-since")):
        return PRECONDITION_FAILED
    if "if-none-match" in request:
        return NOT_MODIFIED if _matches(request, "if-none-match", validators.etag, weak=True) else None
    since = _date(request, "if-modified-since")
    comparable = since is not None and validators.modified is not None
    return NOT_MODIFIED if comparable and not _modified_after(validators, since) else None


def range_applies(request: Headers, validators: Validators) -> bool:
    """Return whether a `Range` applies to this representation: `If-Range` matches or is absent (RFC 9110, 13.1.5)."""
    condition = request.get("if-range", "").strip()
    return not condition or condition in (validators.etag, validators.headers().get("Last-Modified"))


def parse_range(header: str, size: int) -> list[tuple[int, int]] | None:
    """Parse a `Range` header for a document of `size` bytes: first and last byte of each satisfiable range.

    None means that the header is to be ignored and the whole document sent; an empty list, that no range is satisfiable
    (416).
    """
    unit, _, text = header.partition("=")
    spans = [span.strip() for span in text.split(",") if span.strip()]
    if unit.strip().lower() != "bytes" or not 0 < len(spans) <= _MOST_PARTS:
        return None
    ranges = []
    for span in spans:
        match = _RANGE.fullmatch(span)
        if match is None or span == "-" or (match[1] and match[2] and int(match[2]) < int(match[1])):
            return None
        first = int(match[1]) if match[1] else max(size - int(match[2]), 0)
        last = min(int(match[2]), size - 1) if match[1] and match[2] else size - 1
        if first <= last:
            ranges.append((first, last))
    return ranges


def _matches(request: Headers, header: str, etag: str, weak: bool) -> bool:
    """Return whether a list of entity tags matches this one; weak comparison ignores the `W/` prefix (8.8.3.2)."""
    values = request.getlist(header)
    if any(value.strip() == "*" for value in values):
        return True
    tags = [tag for value in values for tag in _TAG.findall(value)]
    return etag.removeprefix("W/") in [tag.removeprefix("W/") if weak else tag for tag in tags]


def _date(request: Headers, header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(request.get(header, ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _modified_after(validators: Validators, date: datetime | None) -> bool:
    return date is not None and validators.modified is not None and validators.modified > date


# Policy of responses without one of their own: a browser may only display them. An RDF/XML result can contain markup in
# its literals, and a problem document repeats parts of the request.
_STRICT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_POLICY = "Content-Security-Policy"

COMMON_HEADERS = {
    # Pages of every site may read everything; no credentials are involved anywhere.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Location, Content-Range, ETag, Link, Retry-After"
    ),
    "X-Content-Type-Options": "nosniff",
    # The URL of a result contains its query, which is not for linked sites.
    "Referrer-Policy": "same-origin",
    _POLICY: _STRICT_POLICY,
}


def encode_headers(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Encode headers for the server (ASGI)."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


class CommonHeadersMiddleware:
    """Middleware that adds the common headers to every response; a response keeps a policy of its own."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._policy = _POLICY.lower().encode()
        self._all = encode_headers(COMMON_HEADERS)
        self._others = [(name, value) for name, value in self._all if name != self._policy]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                own = any(name.lower() == self._policy for name, _ in headers)
                message["headers"] = [*headers, *(self._others if own else self._all)]
            return send(message)

        await self._application(scope, receive, send_with_headers)


# The content of the URL never changes: a file of a release, or an asset with a digest in its name.
IMMUTABLE = "public, max-age=31536000, immutable"
# The content changes with the release or with the version of this program.
HOURLY = "public, max-age=3600"
# The content may change with the next start of the server, so the response cache of this process may replay it.
REVALIDATED = "public, no-cache"
# The content may change at any time, for example with the next build.
NO_CACHE = "no-cache"
# The content depends on the client.
PRIVATE = "private, no-cache"
# The content depends on the moment of the request.
NO_STORE = "no-store"


def of_document(release: Release | None) -> str:
    """Return the value for documents made from a release; a development build and data files have no release."""
    return REVALIDATED if release is None or release.development else HOURLY


def of_file(release: Release) -> str:
    """Return the value for files and query results of a release at a URL with its version."""
    return NO_CACHE if release.development else IMMUTABLE


def of_description(release: Release) -> str:
    """Return the value for pages about a release at a URL with its version."""
    return NO_CACHE if release.development else HOURLY
