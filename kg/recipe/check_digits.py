"""Check digits and other forms that no pattern tells: whether an identifier can be right at all.

A mistyped one is told before it becomes a wrong link.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from pyoxigraph import NamedNode

_ISNI = re.compile(r"[0-9]{15}[0-9X]")


def is_corporate_number(text: str) -> bool:
    """Whether this is a corporate number (法人番号): 13 digits, of which the first checks the others.

    Order of the Ministry of Finance No. 70 of 2014, Article 2: 9 less the remainder by 9 of the sum of the digits, from
    the last one on by turns once and twice.
    """
    if not (len(text) == 13 and text.isascii() and text.isdigit()):
        return False
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(text[1:])))
    return int(text[0]) == 9 - total % 9


def is_local_government_code(text: str) -> bool:
    """Whether this is a local-government code (全国地方公共団体コード): 6 digits, of which the last checks the others.

    By the ministry's rule (JIS X 0402): the last digit of 11 less the remainder by 11 of the sum of the digits,
    weighted 6, 5, 4, 3, 2.
    """
    if not (len(text) == 6 and text.isascii() and text.isdigit()):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, (6, 5, 4, 3, 2), strict=False))
    return int(text[5]) == (11 - total % 11) % 10


def is_isni(text: str) -> bool:
    """Whether this is an ISNI: 16 characters, the last one by ISO 7064 MOD 11-2."""
    if not _ISNI.fullmatch(text):
        return False
    total = 0
    for digit in text[:15]:
        total = (total + int(digit)) * 2
    return text[15] == "0123456789X"[(12 - total % 11) % 11]


def is_address(text: str) -> bool:
    """Whether this is an address of the web, with a host, in ASCII, that can be an IRI of the graph."""
    try:
        NamedNode(text)
        return text.isascii() and text.startswith(("http://", "https://")) and bool(urlsplit(text).hostname)
    except ValueError:
        return False


def is_expression(text: str) -> bool:
    """Whether this is a regular expression."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


# By the word of `tables.toml`: the check, and what it is asked about.
CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "corporate-number": (is_corporate_number, "a corporate number of 13 digits with the right check digit"),
    "local-government-code": (
        is_local_government_code,
        "a local-government code of 6 digits with the right check digit",
    ),
    "isni": (is_isni, "an ISNI of 16 characters with the right check character"),
    "address": (is_address, "an address in ASCII such as https://example.org/page"),
    "regular-expression": (is_expression, "a regular expression"),
}
