"""What a line wrap or a scanner has torn apart in a KPI, put together again; every character keeps its place.

Only where the joined words are known: inside a number, a date, a unit behind its number, or a comparing word. Works on
NFKC text.
"""

import functools
import re

from kg.core.spans import Text

# Characters without a form: zero width spaces and joiners, soft hyphens, marks of byte order, variation selectors.
_INVISIBLE = "\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff"
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
# A space inside a number (1 ,500; 95. 5%), a date (年 度, 3 月, R 4年度) or a comparing word
_IN_WORDS = re.compile(
    r"(?<=\d) (?=[,.]\d)|(?<=\d\.) (?=\d ?%)|(?<=\d) (?=割)"
    r"|(?<=年) (?=度)|(?<=年\d) (?=月)|(?<=年\d\d) (?=月)|(?<![A-Za-z][HR])(?<=[HR]) (?=\d{1,2}年)"
    r"|(?<=以) (?=[上下内降])|(?<=未) (?=満)|(?<=程) (?=度)"
)
# Digits one by one: 1 5 0
_DIGITS_APART = re.compile(r"(?:^|(?<=[:(])|(?<=[:(に約計べ] )|(?<=[に約計べ]))\d{1,2}(?: \d)+(?![\d,.])")


@functools.lru_cache(maxsize=4)
def _torn_units(forms: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds a unit with spaces inside it, directly behind its number."""
    long = sorted((form for form in forms if len(form) > 1), key=len, reverse=True)
    return re.compile(r"(?<=\d) ?(?:" + "|".join(" ?".join(map(re.escape, form)) for form in long) + ")")


def whole(text: Text, units: tuple[str, ...]) -> Text:
    """Return the text without invisible characters, and without the spaces that break a number, a date or a unit."""
    if not text.chars.isascii() and _UNSEEN.search(text.chars):
        text = _without(text, {match.start() for match in _UNSEEN.finditer(text.chars)})
    if " " not in text.chars:
        return text
    dropped = {match.start() for match in _IN_WORDS.finditer(text.chars)}
    for pattern in (_torn_units(units), _DIGITS_APART):
        for match in pattern.finditer(text.chars):
            dropped |= {at for at in range(match.start(), match.end()) if text.chars[at] == " "}
    return _without(text, dropped)


def _without(text: Text, dropped: set[int]) -> Text:
    kept = [at for at in range(len(text)) if at not in dropped]
    return Text(
        "".join(text.chars[at] for at in kept),
        tuple(text.starts[at] for at in kept),
        tuple(text.ends[at] for at in kept),
    )
