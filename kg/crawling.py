"""What search engines are told: robots.txt (RFC 9309), and the sitemap of the pages about things (sitemaps.org 0.9).

A sitemap needs whole addresses. The server knows its own only by `--base`, since it believes no client about the name
of this host; without a base there is no sitemap, and the pages are found by their links.
"""

from collections.abc import Iterable
from urllib.parse import quote
from xml.sax.saxutils import escape

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from kg.asking import Ask
from kg.endpoint import Refusal
from kg.names import BASE, ID
from kg.pages import LANGUAGES
from kg.places import places
from kg.queries import stored_query
from kg.rebasing import REBASED
from kg.representations import SAFE
from kg.things import Things

QUERY = "pages-for-search-engines"
SIZE = 10_000  # things in one sitemap; a page in each language, where 50,000 addresses are allowed
_WINDOW = f"LIMIT {SIZE} OFFSET "
_TOP = ("", "about", "browse", "pictures", "quality", "queries", "sparql")
# What would be another page for each question.
_ENDLESS = ("/sparql?", "/lookup?", "/search?", "/reconcile")
_NAMESPACES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'


def router(ask: Ask) -> APIRouter:
    """Return the routes of what search engines are told."""
    routes = APIRouter()
    things, pages = Things(ask), dict[int, list[str]]()

    async def page(number: int) -> list[str]:
        """Return the things of one sitemap, from 1; asked once, since a release never changes."""
        if number not in pages:
            text = stored_query(places().queries, QUERY).text
            pages[number] = await things.values(text.replace(f"{_WINDOW}0", f"{_WINDOW}{(number - 1) * SIZE}"))
        return pages[number]

    @routes.get("/robots.txt", include_in_schema=False)
    async def robots() -> Response:
        rules = ["User-agent: *", *(f"Disallow: {path}" for path in _ENDLESS)]
        return PlainTextResponse("\n".join([*rules, *([f"Sitemap: {BASE}sitemap.xml"] if REBASED else []), ""]))

    @routes.get("/sitemap.xml", include_in_schema=False)
    async def sitemap() -> Response:
        _refuse_without_address()
        count = 1
        while len(await page(count)) == SIZE:
            count += 1
        parts = (f"<sitemap><loc>{BASE}sitemap-{number}.xml</loc></sitemap>" for number in range(1, count + 1))
        return _xml("sitemapindex", parts)

    @routes.get("/sitemap-{number}.xml", include_in_schema=False)
    async def part(number: int) -> Response:
        _refuse_without_address()
        # a page beyond the last one is never asked for: each number would be another question
        found = await page(number) if number == 1 or pages.get(number - 1) else []
        if not found:
            raise Refusal(404, "there is no such part; /sitemap.xml lists them all")
        paths = [f"doc/{quote(iri.removeprefix(ID), safe=SAFE)}" for iri in found if iri.startswith(ID)]
        return _xml("urlset", map(_entry, [*(_TOP if number == 1 else ()), *paths]))

    return routes


def _refuse_without_address() -> None:
    if not REBASED:
        raise Refusal(404, "a sitemap needs the address of this site: start the server with --base")


def _entry(path: str) -> str:
    """Return the entries of one page: each language, and which are the others."""
    address = escape(BASE + path)
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{lang}" href="{address}?lang={lang}"/>' for lang in LANGUAGES
    )
    return "".join(f"<url><loc>{address}?lang={lang}</loc>{others}</url>" for lang in LANGUAGES)


def _xml(root: str, parts: Iterable[str]) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {_NAMESPACES}>\n' + "\n".join(parts) + f"\n</{root}>\n"
    return Response(body, media_type="application/xml")
