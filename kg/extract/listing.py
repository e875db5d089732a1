"""When a measure is to be listed in a municipal plan: 平成30年度から, 平成31年度以降, 時期調整中, or both."""

import re
from dataclasses import dataclass

from kg.cells import Text
from kg.extract.periods import Calendar

_FROM = re.compile(r"から|以降|より|[~〜]$")
_ADJUSTING = re.compile(r"調整中|未定")


@dataclass(frozen=True)
class Listing:
    """`period` is a code such as FY2019 or empty; `status` is `from`, `adjusting`, `from+adjusting` or empty."""

    period: str
    status: str


def listing_of(cell: Text, calendar: Calendar) -> Listing:
    """Return what a listing-time cell says."""
    text = cell.normal().unspaced().chars
    periods = calendar.periods(text)
    parts = ["from"] if periods and _FROM.search(text) else []
    if _ADJUSTING.search(text):
        parts.append("adjusting")
    return Listing(periods[0].code if periods else "", "+".join(parts))
