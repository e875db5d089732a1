"""HTML page rendering: templates, page context (language, URL), formatting of dates and numbers, static assets.

Pages are rendered on the server, in Japanese and English, load nothing from other sites, escape all values, and need no
script. Links are relative, so that the site works under any host and prefix.

Assets have URLs with a digest of their content and are cached without end. `static/style.css` is also available under
its plain name, for hand-written links; that URL is revalidated.
"""

import hashlib
import mimetypes
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date as Date
from functools import cached_property
from itertools import groupby
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kg.core.iris import BASE, REBASED
from kg.core.labels import MONTHS, era_year
from kg.core.release import Release
from kg.http import conditional_requests

LANGUAGES = ("ja", "en")


@dataclass(frozen=True)
class Site:
    """Context shared by all pages of an application: the release, and the first segments of its paths."""

    release: Release | None = None
    sections: frozenset[str] = frozenset()

    @cached_property
    def files(self) -> frozenset[str]:
        """The names of the files of the release."""
        return frozenset(file.name for file in self.release.files) if self.release else frozenset()


@dataclass(frozen=True)
class View:
    """Context of a page: its language and its URL.

    `path` is its path below the site root, `root` the relative path to the site root, `parameters` those of its URL
    without the language. Links carry the language, so that a choice persists without a cookie, and a page is the same
    whether its language was requested or negotiated.
    """

    lang: str
    root: str
    path: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    site: Site = Site()
    unknown: tuple[str, ...] = ()  # parameters that the page does not read, for a warning

    @property
    def other(self) -> str:
        """The other language."""
        return LANGUAGES[1 - LANGUAGES.index(self.lang)]

    def t(self, japanese: str, english: str) -> str:
        """Return the text of the interface in the language of the page."""
        return japanese if self.lang == "ja" else english

    def link(self, path: str) -> str:
        """Return the URL of a page of this site, from its path below the site root, which may have a query."""
        address, mark, fragment = path.partition("#")
        return f"{self.root}{address}{'&' if '?' in address else '?'}lang={self.lang}{mark}{fragment}"

    def here(self, **changes: object) -> str:
        """Return the URL of this page with some parameters changed; None removes one."""
        others = [(key, value) for key, value in self.parameters if key not in changes]
        new = {"lang": self.lang, **changes}
        return f"?{urlencode([*others, *((key, value) for key, value in new.items() if value is not None)])}"

    @property
    def _plain(self) -> str:
        return f"./{self.path.rpartition('/')[2]}"

    def address(self, lang: str = "") -> str:
        """Return the canonical URL of this page: absolute if the server has a base IRI (`--base`)."""
        query = urlencode([*self.parameters, *([("lang", lang)] if lang else [])])
        start = BASE + self.path if REBASED else self._plain
        return f"{start}?{query}" if query else start

    @property
    def absolute(self) -> bool:
        """True if `address` returns an absolute URL."""
        return REBASED


def parse_language_tag(tag: str) -> str | None:
    """Return the supported language of a tag such as `en` or `ja-JP`, or None (RFC 5646, 2.1.1: case-insensitive)."""
    primary = tag.strip().lower().partition("-")[0]
    return primary if primary in LANGUAGES else None


def negotiate_language(requested: str | None, accepted: str | None) -> str:
    """Negotiate the language of a page: the requested one, else by Accept-Language, else Japanese."""
    if requested and (named := parse_language_tag(requested)):
        return named
    weights = dict.fromkeys(LANGUAGES, 0.0)
    for part in (accepted or "").lower().split(","):
        tag, _, parameter = part.partition(";")
        key, text = tag.strip().split("-")[0], parameter.strip().removeprefix("q=") or "1"
        if key in weights and text.replace(".", "", 1).isdecimal():
            weights[key] = max(weights[key], float(text))
    return max(LANGUAGES, key=lambda key: weights[key])


_LONGEST = 1000  # digits of a number that is grouped; Python refuses to parse some thousands
# Bidirectional and other control characters, removed from texts that no element isolates.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_ITEM = re.compile(r"^\s*(?:-|・|※)\s*(?=\S)")


def plain(text: str) -> str:
    """Return a text for a context without markup, such as a title: one line, without control characters."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def date(text: str, lang: str) -> str:
    """Format a date (XSD 1.1, 3.3.9) with its era: `2019年5月1日(令和元年)`; return other texts unchanged."""
    try:
        day = Date.fromisoformat(text)
    except ValueError:
        return text
    era = era_year(day)
    if lang == "ja":
        written = f"{day.year}年{day.month}月{day.day}日"
        return f"{written}({era.ja}{'元' if era.number == 1 else era.number}年)" if era else written
    written = f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    return f"{written} ({era.en} {era.number})" if era else written


def number(text: object) -> str:
    """Format a decimal number with thousands separators; return other texts unchanged."""
    whole, point, fraction = str(text).partition(".")
    sign, digits = whole[: len(whole) - len(whole.lstrip("+-"))], whole.lstrip("+-")
    if not (digits.isascii() and digits.isdecimal()) or (point and not fraction.isdecimal()) or len(digits) > _LONGEST:
        return str(text)
    fraction = fraction.rstrip("0")
    return f"{sign}{int(digits):,}" + (f".{fraction}" if fraction else "")


def size(count: int) -> str:
    """Format a size in bytes."""
    for unit, step in (("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def part(text: str) -> str:
    """Escape a text as one segment of a URL path."""
    return quote(text, safe="")


def prose(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the blocks of a printed text, `("list", items)` or `("text", paragraphs)`, by the markers of its lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    for item, group in groupby(lines, key=lambda line: bool(_ITEM.match(line))):
        block = [_ITEM.sub("", line) if item else line for line in group]
        yield ("list" if item else "text"), block


FOLDER = "static"
_STATIC = Path(__file__).parents[1] / FOLDER
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}  # deterministic


@dataclass(frozen=True)
class Asset:
    """A static file: its name, its content and a digest of the content."""

    name: str
    content: bytes
    digest: str

    @property
    def fingerprinted(self) -> str:
        """The name with the digest in it: `style.0123456789ab.css`."""
        path = PurePosixPath(self.name)
        return str(path.with_name(f"{path.stem}.{self.digest}{path.suffix}"))

    @property
    def content_type(self) -> str:
        """The value of `Content-Type`."""
        suffix = PurePosixPath(self.name).suffix
        kind = _TYPES.get(suffix) or mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _read_assets() -> dict[str, Asset]:
    assets = {}
    for file in sorted(_STATIC.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            name, content = file.relative_to(_STATIC).as_posix(), file.read_bytes()
            assets[name] = Asset(name, content, hashlib.sha256(content).hexdigest()[:12])
    return assets


_ASSETS = _read_assets()
_BY_ADDRESS = {asset.fingerprinted: asset for asset in _ASSETS.values()}


def asset_exists(name: str) -> bool:
    """Return whether an asset exists; bundles of npm packages may be missing."""
    return name in _ASSETS


def asset_path(name: str) -> str:
    """Return the path of an asset below the site root; raise KeyError for an unknown one."""
    return f"{FOLDER}/{_ASSETS[name].fingerprinted}"


def find_asset(path: str) -> tuple[Asset, str] | None:
    """Return the asset at a path below `static/` with its Cache-Control, or None."""
    if asset := _BY_ADDRESS.get(path):
        return asset, conditional_requests.IMMUTABLE
    return (_ASSETS[path], conditional_requests.REVALIDATED) if path in _ASSETS else None


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"plain": plain, "prose": prose, "part": part}


def page_headers(scripts: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers of a page.

    It may load our own styles and images and nothing else; `scripts` are source expressions for its scripts, such as
    `'self'` (Content Security Policy 3). `connect-src` allows this site: auditing tools read robots.txt from within a
    page.
    """
    script = f"; script-src {' '.join(scripts)}" if scripts else ""
    policy = f"default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'{script}"
    return {
        "Content-Security-Policy": f"{policy}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "Vary": "Accept, Accept-Language",
    }


def render(template: str, view: View, **context: object) -> str:
    """Render a template for one page context; `t` selects Japanese or English, `link` makes URLs of this site."""
    shared = {
        "view": view,
        "lang": view.lang,
        "root": view.root,
        "t": view.t,
        "link": view.link,
        "release": view.site.release,
        "site_sections": view.site.sections,
        "asset": lambda name: view.root + asset_path(name),
        "size": size,
        "date": lambda text: date(text, view.lang),
        "number": number,
    }
    return _templates.get_template(template).render({**shared, **context})
