"""`/changes`: what changed between two releases that stand here, as a page, as JSON or as an Atom feed.

Releases never change, so an answer is made once and kept. It is made in a thread, one at a time.
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
from kg.http.conditional_requests import Validators
from kg.http.openapi import answered, takes
from kg.http.responses import chosen, page, path_of, view_of
from kg.http.sparql_endpoint import Refusal, unless_known
from kg.http.templates import View
from kg.web.change_page import filled
from kg.web.release_routes import release_at

ATOM = Format("Atom", "application/atom+xml", ("atom",))
_FORMATS = (HTML, PLAIN_JSON, ATOM)
_KEPT = 8
_LARGEST = 64 << 20  # bytes of two graphs in Turtle that are compared while somebody waits; about a million statements
_WAITING = 16
_LASTING, _PASSING = "public, max-age=3600", "no-cache"


class History:
    """The releases beside the one that is served, and what was found to have changed between them."""

    def __init__(self, release: Release | None, out: Path, labels: Labels) -> None:
        self._release, self._out, self._labels = release, out, labels
        self._kept: OrderedDict[tuple[str, str], Changes] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0

    def versions(self) -> list[Release]:
        """Return the releases at hand, the last one first; those of development builds are left out."""
        found = [release for release in list_releases(self._out) if not release.development]
        return sorted(found, key=lambda release: (release.issued, _parts(release.version)), reverse=True)

    async def changes(self, before: Release, after: Release) -> Changes:
        """Return what changed; raise Refusal where that would take too long, or too many wait."""
        key = before.inputs + before.version, after.inputs + after.version
        if key not in self._kept:
            _refuse_large(before, after)
            if self._waiting >= _WAITING:
                raise Refusal(503, "too many comparisons are waiting; ask again later", {"Retry-After": "10"})
            self._waiting += 1
            try:
                async with self._turn:
                    if key not in self._kept:
                        self._kept[key] = await asyncio.to_thread(self._compared, before, after)
            finally:
                self._waiting -= 1
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _compared(self, before: Release, after: Release) -> Changes:
        with tempfile.TemporaryDirectory(prefix="kg-diff-") as work:
            try:
                old, new = (Dump.of_release(release, Path(work)) for release in (before, after))
                return compare(old, new, self._labels)
            except (KgError, OSError) as error:
                raise Refusal(503, f"one of these releases cannot be read: {error}") from error

    def release(self, version: str) -> Release:
        """Return a release at hand; raise Refusal where there is none of that version."""
        return release_at(self._release, self._out, version)

    def address(self, view: View, change: Change, after: Release) -> str:
        """Return where a thing is shown: on this site, where it is in the release that is served."""
        here = self._release is not None and after.version == self._release.version and change.kind != "removed"
        path = path_of(served_iri(change.iri))
        return view.link(path) if here and path else ""


def router(release: Release | None, out: Path, labels: Labels) -> APIRouter:
    """Return the route of the changes; `out` is the folder of the releases."""
    routes = APIRouter(tags=["releases"])
    history = History(release, out, labels)

    @routes.get(
        "/changes",
        summary="See what changed between two releases",
        responses=answered(*_FORMATS),
        openapi_extra=takes(from_="the version before; without it the one before `to`", to="the version after"),
    )
    async def changes(request: Request) -> Response:
        format = chosen(request, _FORMATS)
        asked = request.query_params
        versions = await asyncio.to_thread(history.versions)
        before, after = _ends(asked.get("from", ""), asked.get("to", ""), versions)
        if not (before and after):
            if format is HTML:
                return _page(request, history, versions)
            listed = ", ".join(release.version for release in versions)
            raise Refusal(404, f"there are no two releases to compare; at hand: {listed}")
        old, new = history.release(before), history.release(after)
        found = await history.changes(old, new)
        if format is HTML:
            return _page(request, history, versions, found, new)
        body = as_json(found) if format is PLAIN_JSON else as_atom(found, view_of(request).lang)
        named = bool(asked.get("from") and asked.get("to"))  # else the next build adds the release that is meant
        return _sent(request, body, format, _LASTING if named else _PASSING)

    return routes


def _ends(before: str, after: str, versions: Sequence[Release]) -> tuple[str, str]:
    """Return the versions to compare: the last one where none is named, and the one before that."""
    listed = [release.version for release in versions]
    after = after or next(iter(listed), "")
    older = listed[listed.index(after) + 1 :] if after in listed else []
    return before or next(iter(older), ""), after


def _page(
    request: Request,
    history: History,
    versions: Sequence[Release],
    found: Changes | None = None,
    after: Release | None = None,
) -> Response:
    view = view_of(request)

    def href(change: Change) -> str:
        return history.address(view, change, after) if after else ""

    text = filled("changes.html", view, found, href, versions=[release.version for release in versions])
    answer = page(text, view)
    answer.headers["Cache-Control"] = _PASSING  # the next build adds a release
    return answer


def _sent(request: Request, body: bytes, format: Format, lasting: str) -> Response:
    """Return a form for programs, or 304 where the client has it already."""
    validators = Validators(f'"{sha256(body).hexdigest()}"')
    headers = {**validators.headers(), "Content-Type": format.content_type, "Vary": "Accept, Accept-Language"}
    return unless_known(request, validators, Response(body, headers={**headers, "Cache-Control": lasting}))


def _refuse_large(*releases: Release) -> None:
    """Raise Refusal where the graphs are too large to be compared while somebody waits."""
    graphs = ({file.name: file.size for file in release.files}.get(GRAPH, 0) for release in releases)
    if sum(graphs) > _LARGEST:
        versions = " ".join(release.version for release in releases)
        raise Refusal(503, f"these releases are too large to be compared here; run `kg diff {versions}`")


def _parts(version: str) -> list[tuple[int, str]]:
    """Return what to sort a version by: 2019.10.0 comes after 2019.9.0."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in version.split(".")]
