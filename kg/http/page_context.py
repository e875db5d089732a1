"""Where a page stands and for whom it is made: its language, its address, and what all pages of the site know."""

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from kg.core.iris import BASE
from kg.core.rebase import REBASED
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
