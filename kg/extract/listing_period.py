"""When a measure is to be listed in a municipal plan: 平成30年度から, 平成31年度以降, 時期調整中, or both."""

import re
from dataclasses import dataclass

from kg.core.spans import Text
from kg.extract.periods import Calendar

_FROM = re.compile(r"から|以降|より|[~〜]$")
_ADJUSTING = re.compile(r"調整中|未定")
_UNTIL = re.compile(r"[(]?(?:年度)?末?(?:まで|以前|限り)")
_SAID = re.compile(r"から|以降|より|[~〜]|調整中|未定|(?:計画)?(?:掲載)?時期[はを]?|掲載|順次|[()、。・/\-]")


@dataclass(frozen=True)
class Listing:
    """`period` is a code such as FY2019 or empty; `status` is `from`, `adjusting`, `from+adjusting` or empty.

    `rest` are the words that say neither: an end (令和2年度末まで), a second year.
    """

    period: str
    status: str
    rest: str = ""


def listing_of(cell: Text, calendar: Calendar) -> Listing:
    """Return what a listing-time cell says."""
    text = cell.normal().unspaced().chars
    periods = calendar.periods(text)
    if any(period.is_impossible(text) for period in periods):
        return Listing("", "", text)  # a day that does not exist
    until = bool(periods) and bool(_UNTIL.match(text, periods[0].stop))
    first = None if until or not periods else periods[0]
    parts = ["from"] if first and _FROM.search(text) else []
    if _ADJUSTING.search(text):
        parts.append("adjusting")
    rest = _SAID.sub("", text[: first.start] + text[first.stop :] if first else text)
    return Listing(first.code if first else "", "+".join(parts), rest)
