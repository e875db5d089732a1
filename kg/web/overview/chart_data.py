"""What the pictures of an edition are made of, asked once."""

import asyncio
from dataclasses import dataclass

from kg.http.query_client import Ask
from kg.http.stored_query_client import Names, names
from kg.web.overview.edition_selector import Edition
from kg.web.overview.network import Layout, layout
from kg.web.overview.overview_queries import Answered, answered
from kg.web.overview.timeline import years


@dataclass(frozen=True)
class Pictures:
    """The answers that are drawn (None without their query), where the network stands, and what things are called."""

    heat: Answered | None
    timeline: Answered | None
    network: Answered | None
    layout: Layout
    names: Names


async def pictures(ask: Ask, edition: Edition) -> Pictures:
    """Ask for all of it, one after the other: visitors of other pages wait for the same workers."""
    fields = await answered(ask, "measures-by-pillar-and-lead", edition)
    targets = await answered(ask, "targets-on-a-time-line", edition)
    pairs = await answered(ask, "pairs-of-ministries", edition)
    ministries = {row[end] for row in (pairs.rows if pairs else ()) for end in ("one", "other")}
    named = await names(ask, [*ministries, *years(targets.rows if targets else ())])
    laid = await asyncio.to_thread(layout, pairs.rows if pairs else ())  # beside the event loop: it calculates
    return Pictures(fields, targets, pairs, laid, named)
