"""Other ways to write what things are known by: numbers as such, and addresses of sites that have moved.

A corporate number stands alone or in an address of the registers; an item of Wikidata by its page, its data or its
number; a law by its ID or its file name in any address that e-Gov has had, or as it is cited.
"""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

_WIKIDATA = "http://www.wikidata.org/entity/"
_ITEM = re.compile(r"(?:wd:|wikidata:)?([QPL][1-9][0-9]*)", re.IGNORECASE)
_ON_WIKIDATA = re.compile(
    r"/(?:wiki/(?:Special:Entity(?:Data|Page)/|Property:|Lexeme:)?|entity/)([QPL][1-9][0-9]*)(?:\.\w+)?/?"
)
_CORPORATE = re.compile(r"T?([0-9]{13})")  # T: as a number of the invoice system
_IN_ADDRESS = re.compile(r"(?<![0-9])[0-9]{13}(?![0-9])")
_REGISTERS = ("nta.go.jp", "gbiz.go.jp")
_EGOV = "e-gov.go.jp"
_LAW = "https://laws.e-gov.go.jp/law/"
_LAW_ID = re.compile(r"(?<![0-9A-Z])([1-5])([0-9]{2})([A-Z]{2})([0-9A-Z])([0-9A-Z]{3})([0-9]{6})(?![0-9A-Z])")
_FILE = re.compile(r"(?<![0-9A-Z])([MTSHR])([0-9]{2})(HO|SE)([0-9]{3,4})(?![0-9])")
_ERAS = {"1": "明治", "2": "大正", "3": "昭和", "4": "平成", "5": "令和"} | dict(
    zip("MTSHR", ("明治", "大正", "昭和", "平成", "令和"), strict=True)
)
_DIGITS, _TENS = "〇一二三四五六七八九", {"十": 10, "百": 100, "千": 1000}
_IN_CHARACTERS = re.compile(r"(?<=[治正和成第])[〇一二三四五六七八九十百千]{1,9}(?=[年号])")
_KINDS = {"AC": "法律", "HO": "法律", "CO": "政令", "SE": "政令"}
_CITED = re.compile(r"(明治|大正|昭和|平成|令和)\s*(元|[0-9]+)\s*年\s*(法律|政令)\s*第?\s*([0-9]+)\s*号")


def addresses_of(text: str) -> Iterator[str]:
    """Yield the addresses that things may be linked to by, of what is meant by a text or another address of it."""
    host, path = _parted(text)
    plain = unicodedata.normalize("NFKC", text).strip()
    item = _ON_WIKIDATA.fullmatch(path) if _is_of(host, "wikidata.org") else _ITEM.fullmatch(plain)
    if item:
        yield _WIKIDATA + item[1].upper()
    if _is_of(host, _EGOV) or not host:
        found = _LAW_ID.search(plain.upper())  # behind it there may stand the law that has changed it
        if found:
            yield _LAW + found[0]


def identifiers_of(text: str) -> Iterator[str]:
    """Yield the numbers that a text is, or that stand in an address of the site that gives them."""
    host, _ = _parted(text)
    plain = unquote(unicodedata.normalize("NFKC", text)).strip()
    bare = re.sub(r"[\s-]", "", plain)
    if not host and (number := _CORPORATE.fullmatch(bare)):
        yield number[1]
    if any(_is_of(host, register) for register in _REGISTERS):
        yield from _IN_ADDRESS.findall(plain)
    if _is_of(host, _EGOV) or not host:
        if found := _LAW_ID.search(plain.upper()):
            yield found[0]
            yield from _cited(_ERAS[found[1]], found[2], _KINDS.get(found[3], ""), found[6])
        if found := _FILE.search(plain.upper()):
            yield from _cited(_ERAS[found[1]], found[2], _KINDS[found[3]], found[4])
    if not host:
        for found in _CITED.finditer(_IN_CHARACTERS.sub(lambda number: str(_number(number[0])), plain)):
            yield from _cited(found[1], found[2].replace("元", "1"), found[3], found[4])


def _number(characters: str) -> int:
    """Return a number that is written in characters: 三十九, or digit by digit, 三九."""
    total = part = 0
    for character in characters:
        if character in _TENS:
            total += (part or 1) * _TENS[character]
            part = 0
        else:
            part = part * 10 + _DIGITS.index(character)
    return total + part


def _cited(era: str, year: str, kind: str, number: str) -> Iterator[str]:
    """Yield how a law is cited by its number."""
    if kind:
        yield from (
            f"{era}{said}年{kind}第{int(number)}号"
            for said in ([str(int(year)), "元"] if int(year) == 1 else [str(int(year))])
        )


def _parted(text: str) -> tuple[str, str]:
    """Return host and path of an address, with its scheme or without; nothing for what is none."""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    return (host, unquote(parts.path)) if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) else ("", "")


def _is_of(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
