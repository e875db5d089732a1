"""Downloads of release files: `/release/<version>/…` is immutable, `/release/latest` redirects to the current one.

A file has up to two forms, plain and compressed; each has its own entity tag and supports ranges. All response headers
derive from the release, so that every replica of the server sends the same.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pyoxigraph import NamedNode, RdfFormat, parse
from starlette.types import Receive, Scope, Send

from kg.core.errors import ReleaseError
from kg.core.iris import PREFIXES
from kg.core.negotiation import HTML, PLAIN_JSON
from kg.core.release import CSV_METADATA, DATACITE, DESCRIPTION, MANIFEST, Release, ReleasedFile, find_release
from kg.http import conditional_requests, templates
from kg.http.compression import GZIP, gzip_bytes, is_compressible, prefers_gzip
from kg.http.conditional_requests import Validators
from kg.http.openapi import redirect_docs, response_docs
from kg.http.responses import html_response, negotiate, view_of
from kg.http.sparql_endpoint import Refusal, unless_not_modified

_LICENCE = NamedNode(PREFIXES["dcterms"] + "license")
# Types that browsers download instead of displaying them.
_DOWNLOADED_TYPES = {".csv", ".xlsx"}
# Policy of HTML files of a release: inline style and nothing else.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Cache of files compressed on demand, since the release has no compressed file: entries, and bytes of each.
_KEPT = 64
_LARGEST_KEPT = 1 << 20
_SMALLEST = 1024
_FILES = {**response_docs("*/*"), **response_docs("*/*", status=206)}


@dataclass(frozen=True)
class FileForm:
    """One form of a file: a file on disk or bytes in memory, with the SHA-256 of exactly these bytes."""

    sha256: str
    size: int
    path: Path
    content: bytes | None = None
    coding: str | None = None


def router(current: Release | None, out: Path) -> APIRouter:
    """Return the routes of the downloads. Redirects and links are relative, so that they work behind any prefix."""
    routes = APIRouter(prefix="/release", tags=["downloads"])

    @routes.get("/latest", summary="Go to the release that is served", status_code=307, responses=redirect_docs(307))
    async def latest() -> Response:
        return _redirect(f"{_version(current)}/")

    @routes.get("/latest/", include_in_schema=False)
    async def latest_listing() -> Response:
        return _redirect(f"../{_version(current)}/")

    @routes.get(
        "/latest/{name}",
        summary="Go to a file of the release that is served",
        status_code=307,
        responses=redirect_docs(307),
    )
    async def latest_file(name: str) -> Response:
        return _redirect(f"../{_version(current)}/{quote(name, safe='')}")

    @routes.get("/{version}", include_in_schema=False)
    async def without_slash(version: str) -> Response:
        return _redirect(f"{quote(release_at(current, out, version).version)}/")

    @routes.get("/{version}/", summary="List the files of a release", responses=response_docs(PLAIN_JSON, HTML))
    async def listing(request: Request, version: str) -> Response:
        release = release_at(current, out, version)
        return _manifest_response(request, release, current, negotiate(request, (PLAIN_JSON, HTML)) is HTML)

    # Not async, so in a thread: it reads files.
    @routes.get("/{version}/{name}", summary="Download a file of a release, whole or in parts", responses=_FILES)
    def download(request: Request, version: str, name: str) -> Response:
        release = release_at(current, out, version)
        if name == MANIFEST:  # it contains the checksums of the other files and has none itself
            return _manifest_response(request, release, current)
        return _download(request, release, name, current)

    return routes


def _manifest_response(request: Request, release: Release, current: Release | None, as_page: bool = False) -> Response:
    """Return the manifest of a release, or its page, with a link to each file (Signposting)."""
    if as_page:
        answer = html_response(templates.render("release.html", view_of(request), listed=release), view_of(request))
    else:
        answer = JSONResponse(release.manifest(), headers={"Vary": "Accept"})
    items = [_link(quote(file.name), "item", file.media_type) for file in release.files]
    links = [*items, *_links(release, "", current)]
    validators = Validators(f'"{hashlib.sha256(bytes(answer.body)).hexdigest()}"')
    answer.headers["ETag"] = validators.etag
    answer.headers["Cache-Control"] = conditional_requests.of_description(release)
    answer.headers["Link"] = ", ".join(links)
    return unless_not_modified(request, validators, answer)


def _download(request: Request, release: Release, name: str, current: Release | None) -> Response:
    """Return a file in the manifest; names that are not in it never become paths."""
    files = {file.name: file for file in release.files}
    if name not in files:
        raise Refusal(404, f"release {release.version} has no file {name}; it has {MANIFEST}, {', '.join(files)}")
    file = files[name]
    form = _form(request, release, file, files.get(f"{name}.gz"))
    validators = Validators(f'"{form.sha256}"', None if release.development else _issued(release))
    headers = {
        **validators.headers(),
        "Content-Type": file.media_type,
        "Cache-Control": conditional_requests.of_file(release),
        "Link": ", ".join(_links(release, name, current)),
    }
    if is_compressible(file.media_type):
        headers["Vary"] = "Accept-Encoding"
    if form.coding:
        headers["Content-Encoding"] = form.coding
    if Path(name).suffix == ".html":
        headers["Content-Security-Policy"] = _PAGE_POLICY
    if Path(name).suffix in _DOWNLOADED_TYPES:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return unless_not_modified(request, validators, _answer(request, form, validators, headers))


def _form(request: Request, release: Release, file: ReleasedFile, ready: ReleasedFile | None) -> FileForm:
    """Return the preferred form of a file: compressed if the client accepts gzip.

    A range request means the plain bytes, unless `If-Range` names the compressed form: libraries that accept gzip in
    every request do not expect a piece of it.
    """
    plain = FileForm(file.sha256, file.size, release.path(file.name))
    codings = ",".join(request.headers.getlist("accept-encoding"))
    if not is_compressible(file.media_type) or not prefers_gzip(codings):
        return plain
    if ready:
        compressed = FileForm(ready.sha256, ready.size, release.path(ready.name), coding=GZIP)
    elif _SMALLEST <= file.size <= _LARGEST_KEPT:
        compressed = _compressed(plain)
    else:
        return plain
    if "range" in request.headers and request.headers.get("if-range", "").strip() != f'"{compressed.sha256}"':
        return plain
    return compressed


@lru_cache(_KEPT)
def _compressed(plain: FileForm) -> FileForm:
    content = gzip_bytes(plain.path.read_bytes())
    return FileForm(hashlib.sha256(content).hexdigest(), len(content), plain.path, content, GZIP)


def _answer(request: Request, form: FileForm, validators: Validators, headers: dict[str, str]) -> Response:
    """Return a form, or the requested ranges of it (RFC 9110, 14.2: only GET has ranges)."""
    if form.content is not None:
        return Response(form.content, headers=headers)
    parts = None
    if request.method == "GET" and conditional_requests.range_applies(request.headers, validators):
        parts = conditional_requests.parse_range(request.headers.get("range", ""), form.size)
    if parts == []:
        detail = f"the requested range is outside the file, which has {form.size} bytes"
        raise Refusal(416, detail, {"Content-Range": f"bytes */{form.size}"})
    return _RangeResponse(form.path, parts, headers)


class _RangeResponse(FileResponse):
    """A file or ranges of it. The framework sends the bytes; its own handling of ranges and dates is bypassed."""

    def __init__(self, path: Path, parts: list[tuple[int, int]] | None, headers: dict[str, str]) -> None:
        super().__init__(path, headers=headers, media_type=headers["Content-Type"])
        self._parts = parts

    def set_stat_headers(self, stat_result: os.stat_result) -> None:
        """Set the size only: the modification date on this disk is meaningless."""
        self.headers["Content-Length"] = str(stat_result.st_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or its satisfiable ranges (ASGI)."""
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"range", b"if-range")]
        if self._parts:
            spans = ",".join(f"{first}-{last}" for first, last in self._parts)
            headers.append((b"range", f"bytes={spans}".encode()))
        await super().__call__({**scope, "headers": headers}, receive, send)


def _links(release: Release, name: str, current: Release | None) -> list[str]:
    """Return the links of a file, or of the release if the name is empty (RFC 8288, 5829)."""
    names = {file.name for file in release.files}
    description = CSV_METADATA if name.endswith(".csv") else DESCRIPTION  # CSVW requires this link, too
    links = [_link(licence, "license") for licence in _licences(release)]
    if description in names - {name}:
        links.append(_link(description, "describedby", ReleasedFile(description, 0, "").media_type))
    if name:
        links.append(_link("./", "collection"))
    elif DATACITE in names:
        links.append(_link(DATACITE, "describedby", ReleasedFile(DATACITE, 0, "").media_type))
    if current:
        links.append(_link(f"../latest/{quote(name)}", "latest-version"))
    return links


def _link(target: str, relation: str, media_type: str = "") -> str:
    type = media_type.partition(";")[0]
    return f'<{target}>; rel="{relation}"' + (f'; type="{type}"' if type else "")


@lru_cache(8)
def _licences_in(description: Path) -> tuple[str, ...]:
    statements = parse(path=str(description), format=RdfFormat.TURTLE, base_iri=description.as_uri())
    return tuple(sorted({quad.object.value for quad in statements if quad.predicate == _LICENCE}))


def _licences(release: Release) -> tuple[str, ...]:
    """Return the licences in the description of a release; empty if it has none."""
    if DESCRIPTION not in {file.name for file in release.files}:
        return ()
    return _licences_in(release.path(DESCRIPTION).resolve())


def _issued(release: Release) -> datetime:
    return datetime.combine(datetime.fromisoformat(release.issued), time(), UTC)


def release_at(current: Release | None, out: Path, version: str) -> Release:
    """Return the release of a version; raise Refusal if there is none. No name becomes a path outside `out`."""
    if current and version == current.version:
        return current
    try:
        return find_release(out, version)
    except (ReleaseError, OSError, ValueError) as error:  # the latter two: names that no file system accepts
        raise Refusal(404, f"there is no release {version}") from error


def _version(release: Release | None) -> str:
    if release is None:
        raise Refusal(404, "this server was started on data files; it has no release to download")
    return quote(release.version)


def _redirect(target: str) -> Response:
    return Response(status_code=307, headers={"Location": target, "Cache-Control": conditional_requests.NO_CACHE})
