"""The pages that people read, in Japanese and English: server-rendered, nothing from other sites, everything escaped.

`view` is where a page stands, `filling` fills templates, `assets` are the files that pages load; the rest makes pages.
No page needs a script. Links are relative, so that the site works under any address and behind any prefix.

Fills templates: every page gets its text here, and the policy that says what it may load.

Where a page stands and for whom it is made: its language, its address, and what all pages of the site know.

How texts, numbers and dates are written for people.

The files that pages load, each at an address that holds a digest of its content: kept for ever, never out of date.

`static/style.css` is also there under its own name, for those who link to it by hand; that one is asked for again.
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
from kg.core.release import Release

LANGUAGES = ("ja", "en")


@dataclass(frozen=True)
class Site:
    """What all pages of an application share: the release, and the ways into it: the first parts of its paths."""

    release: Release | None = None
    ways: frozenset[str] = frozenset()

    @cached_property
    def files(self) -> frozenset[str]:
        """The names of the files of the release."""
        return frozenset(file.name for file in self.release.files) if self.release else frozenset()


@dataclass(frozen=True)
class View:
    """A page as somebody asked for it.

    `path` is its address below the top of the site, `root` leads from it to the top, `parameters` are those of its
    address but the language. Links hand the language on, so that a choice lasts without a cookie, and a page is the
    same whether its language was asked for or negotiated.
    """

    lang: str
    root: str
    path: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    site: Site = Site()
    unknown: tuple[str, ...] = ()  # parameters of the address that the page does not read, to be named on it

    @property
    def other(self) -> str:
        """The language that this page is not in."""
        return LANGUAGES[1 - LANGUAGES.index(self.lang)]

    def t(self, japanese: str, english: str) -> str:
        """Return the words of the interface in the language of the page."""
        return japanese if self.lang == "ja" else english

    def link(self, path: str) -> str:
        """Return the address of a page of this site, from its path below the top, which may have a query."""
        address, mark, fragment = path.partition("#")
        return f"{self.root}{address}{'&' if '?' in address else '?'}lang={self.lang}{mark}{fragment}"

    def here(self, **changes: object) -> str:
        """Return the address of this page with some of its parameters changed; None takes one away."""
        kept = [(key, value) for key, value in self.parameters if key not in changes]
        new = {"lang": self.lang, **changes}
        return f"?{urlencode([*kept, *((key, value) for key, value in new.items() if value is not None)])}"

    @property
    def _plain(self) -> str:
        return f"./{self.path.rpartition('/')[2]}"

    def address(self, lang: str = "") -> str:
        """Return the address of this page for search engines: whole, where the server knows its own by `--base`."""
        query = urlencode([*self.parameters, *([("lang", lang)] if lang else [])])
        start = BASE + self.path if REBASED else self._plain
        return f"{start}?{query}" if query else start

    @property
    def absolute(self) -> bool:
        """Whether `address` is an absolute one."""
        return REBASED


def named_language(tag: str) -> str | None:
    """Return the language that a tag such as `en` or `ja-JP` names, or None (RFC 5646, 2.1.1: case is no matter)."""
    primary = tag.strip().lower().partition("-")[0]
    return primary if primary in LANGUAGES else None


def language(asked: str | None, accepted: str | None) -> str:
    """Return the language of a page: the one asked for, else the better one of Accept-Language, else Japanese."""
    if asked and (named := named_language(asked)):
        return named
    weights = dict.fromkeys(LANGUAGES, 0.0)
    for part in (accepted or "").lower().split(","):
        tag, _, parameter = part.partition(";")
        key, text = tag.strip().split("-")[0], parameter.strip().removeprefix("q=") or "1"
        if key in weights and text.replace(".", "", 1).isdecimal():
            weights[key] = max(weights[key], float(text))
    return max(LANGUAGES, key=lambda key: weights[key])


# The first day of each era since the calendar is the Gregorian one, the last first.
_ERAS = (
    (Date(2019, 5, 1), "令和", "Reiwa"),
    (Date(1989, 1, 8), "平成", "Heisei"),
    (Date(1926, 12, 25), "昭和", "Showa"),
    (Date(1912, 7, 30), "大正", "Taisho"),
    (Date(1873, 1, 1), "明治", "Meiji"),
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_LONGEST = 1000  # digits of a number that is grouped; Python reads no more than some thousands
# What turns the direction of a text, and control characters: where no element can isolate them, they are left out.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_ITEM = re.compile(r"^\s*(?:-|・|※)\s*(?=\S)")


def plain(text: str) -> str:
    """Return a text for a place without markup, such as a title: in one line and one direction."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def date(text: str, lang: str) -> str:
    """Return a date (XSD 1.1, 3.3.9) in both eras: `2019年5月1日(令和元年)`; other texts as they are."""
    try:
        day = Date.fromisoformat(text)
    except ValueError:
        return text
    era = next(((ja, en, day.year - first.year + 1) for first, ja, en in _ERAS if day >= first), None)
    if lang == "ja":
        written = f"{day.year}年{day.month}月{day.day}日"
        return f"{written}({era[0]}{'元' if era[2] == 1 else era[2]}年)" if era else written
    written = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{written} ({era[1]} {era[2]})" if era else written


def number(text: object) -> str:
    """Return a decimal number with its thousands marked; other texts as they are."""
    whole, point, rest = str(text).partition(".")
    sign, digits = whole[: len(whole) - len(whole.lstrip("+-"))], whole.lstrip("+-")
    if not (digits.isascii() and digits.isdecimal()) or (point and not rest.isdecimal()) or len(digits) > _LONGEST:
        return str(text)
    rest = rest.rstrip("0")
    return f"{sign}{int(digits):,}" + (f".{rest}" if rest else "")


def size(count: int) -> str:
    """Return a size in bytes as people read it."""
    for unit, step in (("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def part(text: str) -> str:
    """Return a text as one part of an address."""
    return quote(text, safe="")


def prose(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the blocks of a printed text: `("list", items)` or `("text", paragraphs)`, as its lines begin."""
    lines = [line for line in text.splitlines() if line.strip()]
    for item, group in groupby(lines, key=lambda line: bool(_ITEM.match(line))):
        block = [_ITEM.sub("", line) if item else line for line in group]
        yield ("list" if item else "text"), block


FOLDER = "static"
FOREVER = "public, max-age=31536000, immutable"
AGAIN = "public, no-cache"
_STATIC = Path(__file__).parents[1] / FOLDER
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}  # the same on every machine


@dataclass(frozen=True)
class Asset:
    """A file under `static/`: its name there, its content and the digest of it."""

    name: str
    content: bytes
    digest: str

    @property
    def fingerprinted(self) -> str:
        """Its name with the digest in it: `style.0123456789ab.css`."""
        path = PurePosixPath(self.name)
        return str(path.with_name(f"{path.stem}.{self.digest}{path.suffix}"))

    @property
    def content_type(self) -> str:
        """The value of `Content-Type`."""
        suffix = PurePosixPath(self.name).suffix
        kind = _TYPES.get(suffix) or mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _read() -> dict[str, Asset]:
    found = {}
    for file in sorted(_STATIC.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            name, content = file.relative_to(_STATIC).as_posix(), file.read_bytes()
            found[name] = Asset(name, content, hashlib.sha256(content).hexdigest()[:12])
    return found


_ASSETS = _read()
_BY_ADDRESS = {asset.fingerprinted: asset for asset in _ASSETS.values()}


def there(name: str) -> bool:
    """Whether there is such an asset: what is bundled from packages may be missing."""
    return name in _ASSETS


def address(name: str) -> str:
    """Return where an asset is, below the top of the site; raise KeyError for what is none."""
    return f"{FOLDER}/{_ASSETS[name].fingerprinted}"


def found(path: str) -> tuple[Asset, str] | None:
    """Return the asset at a path below `static/`, and what its Cache-Control says; None where there is none."""
    if asset := _BY_ADDRESS.get(path):
        return asset, FOREVER
    return (_ASSETS[path], AGAIN) if path in _ASSETS else None


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"plain": plain, "prose": prose, "part": part}


def headers(scripts: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers of a page.

    It may load our own style and pictures, and nothing else; `scripts` are source expressions for what runs on it, such
    as `'self'` (Content Security Policy 3). A page may ask this site: auditors read robots.txt from within it.
    """
    script = f"; script-src {' '.join(scripts)}" if scripts else ""
    policy = f"default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'{script}"
    return {
        "Content-Security-Policy": f"{policy}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "Vary": "Accept, Accept-Language",
    }


def fill(template: str, view: View, **context: object) -> str:
    """Fill a template for one view; `t` chooses between Japanese and English, `link` leads to a path of this site."""
    shared = {
        "view": view,
        "lang": view.lang,
        "root": view.root,
        "t": view.t,
        "link": view.link,
        "release": view.site.release,
        "ways": view.site.ways,
        "asset": lambda name: view.root + address(name),
        "size": size,
        "date": lambda text: date(text, view.lang),
        "number": number,
    }
    return _templates.get_template(template).render({**shared, **context})
