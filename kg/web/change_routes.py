"""Route `/changes`: the differences between two available releases as a page, as JSON or as an Atom feed.

Releases are immutable, so each comparison is computed once and cached. It runs in a thread, one at a time.
"""

import asyncio
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request, Response

from kg.core.errors import KgError
from kg.core.iris import served_iri
from kg.core.labels import Labels
from kg.core.negotiation import HTML, PLAIN_JSON, Format
from kg.core.release import GRAPH, Release, list_releases
from kg.diff import Change, Changes, Dump, compare
from kg.diff.diff_serializers import as_atom, as_json
from kg.http import conditional_requests
from kg.http.conditional_requests import Validators
from kg.http.openapi import parameter_docs, response_docs
from kg.http.responses import html_response, negotiate, path_of, view_of
from kg.http.sparql_endpoint import Refusal, unless_not_modified
from kg.http.templates import View
from kg.web.change_page import render_changes
from kg.web.release_routes import release_at

ATOM = Format("Atom", "application/atom+xml", ("atom",))
_FORMATS = (HTML, PLAIN_JSON, ATOM)
_CACHED_COMPARISONS = 8
_LARGEST = 64 << 20  # bytes of two graphs in Turtle, about a million statements, that are compared within a request
_WAITING = 16


class ReleaseComparisons:
    """The available releases and the cached comparisons between them."""

    def __init__(self, release: Release | None, out: Path, labels: Labels) -> None:
        self._release, self._out, self._labels = release, out, labels
        self._cached: OrderedDict[tuple[str, str], Changes] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0

    def versions(self) -> list[Release]:
        """Return the available releases, newest first, without development builds."""
        releases = [release for release in list_releases(self._out) if not release.development]
        return sorted(releases, key=lambda release: (release.issued, _parts(release.version)), reverse=True)

    async def changes(self, before: Release, after: Release) -> Changes:
        """Return the differences; raise Refusal if the graphs are too large or too many requests wait."""
        key = before.inputs + before.version, after.inputs + after.version
        if key not in self._cached:
            _refuse_large(before, after)
            if self._waiting >= _WAITING:
                raise Refusal(503, "too many comparisons are waiting; try again later", {"Retry-After": "10"})
            self._waiting += 1
            try:
                async with self._turn:
                    if key not in self._cached:
                        self._cached[key] = await asyncio.to_thread(self._compared, before, after)
            finally:
                self._waiting -= 1
        self._cached.move_to_end(key)
        while len(self._cached) > _CACHED_COMPARISONS:
            self._cached.popitem(last=False)
        return self._cached[key]

    def _compared(self, before: Release, after: Release) -> Changes:
        with tempfile.TemporaryDirectory(prefix="kg-diff-") as work:
            try:
                old, new = (Dump.of_release(release, Path(work)) for release in (before, after))
                return compare(old, new, self._labels)
            except (KgError, OSError) as error:
                raise Refusal(503, f"one of these releases cannot be read: {error}") from error

    def release(self, version: str) -> Release:
        """Return the release of a version; raise Refusal if it is not available."""
        return release_at(self._release, self._out, version)

    def address(self, view: View, change: Change, after: Release) -> str:
        """Return the URL of a changed resource on this site; empty if the served release does not have it."""
        here = self._release is not None and after.version == self._release.version and change.kind != "removed"
        path = path_of(served_iri(change.iri))
        return view.link(path) if here and path else ""


def router(release: Release | None, out: Path, labels: Labels) -> APIRouter:
    """Return the route of the differences; `out` is the folder of the releases."""
    routes = APIRouter(tags=["releases"])
    history = ReleaseComparisons(release, out, labels)

    @routes.get(
        "/changes",
        summary="See what changed between two releases",
        responses=response_docs(*_FORMATS),
        openapi_extra=parameter_docs(
            from_="the version before; without it the one before `to`", to="the version after"
        ),
    )
    async def changes(request: Request) -> Response:
        format = negotiate(request, _FORMATS)
        params = request.query_params
        versions = await asyncio.to_thread(history.versions)
        before, after = _ends(params.get("from", ""), params.get("to", ""), versions)
        if not (before and after):
            if format is HTML:
                return _page(request, history, versions)
            listed = ", ".join(release.version for release in versions)
            raise Refusal(404, f"there are no two releases to compare; available: {listed}")
        old, new = history.release(before), history.release(after)
        differences = await history.changes(old, new)
        if format is HTML:
            return _page(request, history, versions, differences, new)
        body = as_json(differences) if format is PLAIN_JSON else as_atom(differences, view_of(request).lang)
        named = bool(params.get("from") and params.get("to"))  # else the result changes with the next build
        return _sent(request, body, format, conditional_requests.HOURLY if named else conditional_requests.NO_CACHE)

    return routes


def _ends(before: str, after: str, versions: Sequence[Release]) -> tuple[str, str]:
    """Return the versions to compare; by default the newest and its predecessor."""
    listed = [release.version for release in versions]
    after = after or next(iter(listed), "")
    older = listed[listed.index(after) + 1 :] if after in listed else []
    return before or next(iter(older), ""), after


def _page(
    request: Request,
    history: ReleaseComparisons,
    versions: Sequence[Release],
    differences: Changes | None = None,
    after: Release | None = None,
) -> Response:
    view = view_of(request)

    def href(change: Change) -> str:
        return history.address(view, change, after) if after else ""

    text = render_changes("changes.html", view, differences, href, versions=[release.version for release in versions])
    answer = html_response(text, view)
    answer.headers["Cache-Control"] = conditional_requests.NO_CACHE  # the next build adds a release
    return answer


def _sent(request: Request, body: bytes, format: Format, lasting: str) -> Response:
    """Return a serialization, or 304 if the client's copy is current."""
    validators = Validators(f'"{sha256(body).hexdigest()}"')
    headers = {**validators.headers(), "Content-Type": format.content_type, "Vary": "Accept, Accept-Language"}
    return unless_not_modified(request, validators, Response(body, headers={**headers, "Cache-Control": lasting}))


def _refuse_large(*releases: Release) -> None:
    """Raise Refusal if the graphs are too large to be compared within a request."""
    graphs = ({file.name: file.size for file in release.files}.get(GRAPH, 0) for release in releases)
    if sum(graphs) > _LARGEST:
        versions = " ".join(release.version for release in releases)
        raise Refusal(503, f"these releases are too large to be compared here; run `kg diff {versions}`")


def _parts(version: str) -> list[tuple[int, str]]:
    """Return the sort key of a version: 2019.10.0 comes after 2019.9.0."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in version.split(".")]
