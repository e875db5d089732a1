"""Routes `/pictures` and `/quality`: charts and data quality of an edition.

A release is immutable, so query results and the layout of the network are cached for each edition.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from kg.core.negotiation import HTML
from kg.core.release import Release
from kg.http import templates
from kg.http.openapi import parameter_docs
from kg.http.openapi import response_docs as told_as
from kg.http.query_client import Names, RunQuery, fetch_names
from kg.http.responses import DocumentRequest, Notice, Representation, notice_response, representation_response, view_of
from kg.http.templates import View
from kg.web.overview.charts import STATES, coverage, fiscal_years, heat_map, timeline
from kg.web.overview.network import Layout, layout, network
from kg.web.overview.overview_queries import (
    PARAMETER,
    Edition,
    EditionList,
    MinistryPairRow,
    PillarLeadRow,
    QueryResult,
    TimelineRow,
    fetch_edition_list,
    run_stored_query,
)
from kg.web.overview.quality import QualityResults, present_quality, query_quality


@dataclass(frozen=True)
class ChartResults:
    """Query results of the charts (None for a deleted query), the layout of the network, and names."""

    heat: QueryResult[PillarLeadRow] | None
    timeline: QueryResult[TimelineRow] | None
    network: QueryResult[MinistryPairRow] | None
    layout: Layout
    names: Names


async def query_charts(run_query: RunQuery, edition: Edition) -> ChartResults:
    """Run all queries sequentially, so that they do not occupy all workers."""
    fields = await run_stored_query(run_query, PillarLeadRow, edition)
    targets = await run_stored_query(run_query, TimelineRow, edition)
    pairs = await run_stored_query(run_query, MinistryPairRow, edition)
    ministries = {end for row in (pairs.rows if pairs else ()) for end in (row.one, row.other)}
    named = await fetch_names(run_query, [*ministries, *fiscal_years(targets.rows if targets else ())])
    laid = await asyncio.to_thread(layout, pairs.rows if pairs else ())  # in a thread: it is CPU-bound
    return ChartResults(fields, targets, pairs, laid, named)


Made = TypeVar("Made")
_CACHED_EDITIONS = 20  # editions in the cache
_TAKES = parameter_docs(**{PARAMETER: "the key of an edition, such as municipal-2019; without it the newest"})


def router(run_query: RunQuery, release: Release | None) -> APIRouter:
    """Return these routes."""
    routes = APIRouter(tags=["overviews"])
    overviews = OverviewPages(run_query, release)

    @routes.get(
        "/pictures", summary="See pictures of all measures of an edition", responses=told_as(HTML), openapi_extra=_TAKES
    )
    async def see_pictures(request: Request) -> Response:
        return await overviews.pictures(request)

    @routes.get(
        "/quality", summary="See how complete and how sure the data are", responses=told_as(HTML), openapi_extra=_TAKES
    )
    async def see_quality(request: Request) -> Response:
        return await overviews.quality(request)

    return routes


class _EditionCache(Generic[Made]):
    """Cache of results for recent editions; failures are not cached."""

    def __init__(self, make: Callable[[Edition], Awaitable[Made]]) -> None:
        self._make = make
        self._making: dict[str, asyncio.Future[Made]] = {}

    async def of(self, edition: Edition) -> Made:
        """Return the result for an edition."""
        making = self._making.get(edition.iri)
        if making is None:
            if len(self._making) >= _CACHED_EDITIONS:
                self._making.pop(next(iter(self._making)))
            making = self._making[edition.iri] = asyncio.ensure_future(self._make(edition))
        try:
            return await asyncio.shield(making)
        except Exception:
            self._making.pop(edition.iri, None)
            raise


class OverviewPages:
    """Request handlers for the overview pages of one graph."""

    def __init__(self, run_query: RunQuery, release: Release | None) -> None:
        self._run_query, self._release = run_query, release
        self._editions: EditionList | None = None
        self._pictures = _EditionCache[ChartResults](lambda edition: query_charts(run_query, edition))
        self._quality = _EditionCache[QualityResults](lambda edition: query_quality(run_query, edition))

    async def pictures(self, request: Request) -> Response:
        """Return the charts of an edition."""
        return await self._page(request, "pictures.html", self._charts_content)

    async def quality(self, request: Request) -> Response:
        """Return the data quality page of an edition."""
        return await self._page(request, "quality.html", self._quality_content)

    async def _charts_content(self, edition: Edition, view: View) -> Mapping[str, object]:
        made = await self._pictures.of(edition)
        drawn = {
            "heat": made.heat and heat_map(made.heat.rows, edition, view),
            "timeline": made.timeline and timeline(made.timeline.rows, made.names, view),
            "network": made.network and network(made.network.rows, made.layout, made.names, view),
        }
        return {**drawn, "made": made, "some": bool(made.heat and made.heat.rows)}

    async def _quality_content(self, edition: Edition, view: View) -> Mapping[str, object]:
        made = await self._quality.of(edition)
        rows = made.completeness.rows if made.completeness else ()
        some = any(getattr(row, state) for row in rows for state in STATES)
        return {
            "made": made,
            "some": some,
            "quality": present_quality(made, edition, view),
            "coverage": coverage(rows, view) if some else None,
            "states": STATES,
        }

    async def _page(
        self, request: Request, template: str, shown: Callable[[Edition, View], Awaitable[Mapping[str, object]]]
    ) -> Response:
        """Return a page about the edition in the URL, or the newest."""
        key = request.query_params.get(PARAMETER, "")
        view = view_of(request)
        view = replace(view, parameters=((PARAMETER, key),) if key else ())
        document = DocumentRequest(request, view.path)
        self._editions = self._editions or await fetch_edition_list(self._run_query)
        edition = self._editions.chosen(key)
        if edition is None and key:
            return self._missing(document, view)
        content = await shown(edition, view) if edition else {"some": False}
        names = [(each, self._editions.name_of(each, view.lang)) for each in self._editions.every]
        html = templates.render(template, view, edition=edition, editions=names, **content)
        location = f"./{view.path}?{f'{PARAMETER}={quote(key)}&' if key else ''}lang={view.lang}"
        return representation_response(document, Representation(HTML, html.encode(), location), self._release)

    def _missing(self, document: DocumentRequest, view: View) -> Response:
        assert self._editions is not None
        every = self._editions.every[:50]
        links = [(view.here(edition=each.key), self._editions.name_of(each, view.lang)) for each in every]
        text = ("このデータにはその版がありません。", "these data have no such edition; `near` lists those there are")
        return notice_response(
            document, Notice(404, ("見つかりません", "Not found"), text, [each.key for each in every]), links
        )
