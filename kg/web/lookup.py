"""`/lookup?iri=…`: finds our thing by any IRI, its own or one of another graph that it is linked to.

A corporate number, a law ID or an item of Wikidata will do as well, and addresses that the sites of these have had.
"""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pyoxigraph import Literal

from kg.core.iri_variants import addresses_of, identifiers_of
from kg.core.iris import BASE, CANONICAL, ID, PREFIXES
from kg.core.release import Release
from kg.http.openapi import answered, led
from kg.http.query_client import Ask
from kg.http.representations import SAFE, link, path_of
from kg.http.responses import Asked, Notice, redirect, told
from kg.http.sparql_endpoint import Refusal
from kg.http.stored_query_client import Term, filled
from kg.web.resource_queries import Things

_PROPERTIES = " ".join(
    f"<{PREFIXES[prefix]}{name}>"
    for prefix, name in (
        ("org", "identifier"),
        ("dcterms", "identifier"),
        ("shisaku", "lawId"),
        ("shisaku", "lawNumber"),
    )
)
_IDENTIFIED = f"""SELECT DISTINCT ?thing {{ VALUES ?value {{ }} VALUES ?property {{ {_PROPERTIES} }}
  ?thing ?property ?value }} ORDER BY ?thing LIMIT 100"""
_PREFIXES = {"id": ID, "shisaku": PREFIXES["shisaku"]}
_ANSWERS = {**led(303), **answered("application/json", "text/html", status=300)}


def router(ask: Ask, release: Release | None) -> APIRouter:
    """Return the route of the look-up."""
    routes = APIRouter(tags=["things"])
    things = Things(ask)
    given_up = release.given_up if release else {}

    @routes.get(
        "/lookup", summary="Find the thing that an IRI means or is linked to", status_code=303, responses=_ANSWERS
    )
    async def lookup(request: Request, iri: str = "") -> Response:
        asked = Asked(request, "lookup")
        iri = iri.strip()
        if not iri:
            raise Refusal(400, "say which IRI is looked for: /lookup?iri=https://…")
        if own := _own(iri):
            if own.endswith("/") and not await things.known([own]):
                own = own.rstrip("/")
            if not own.startswith(ID) or own in given_up or await things.known([own]):
                return _found(asked, own)
            found = []
        else:
            found = await things.linked_to(_spellings(iri)) or await _meant(things, iri)
        if len(found) == 1:
            return _found(asked, found[0])
        return told(asked, _several(iri, found) if found else _none(iri), [(path_of(each), each) for each in found])

    return routes


def _found(asked: Asked, iri: str) -> Response:
    return redirect(303, asked.root + path_of(iri), {"Link": link(quote(iri, safe=SAFE + "#"), "cite-as")})


async def _meant(things: Things, text: str) -> list[str]:
    """Return the things that are known by a number, or by what an address that is not in use any more leads to."""
    addresses = [spelling for address in addresses_of(text) for spelling in _spellings(address)]
    found = await things.linked_to(addresses) if addresses else []
    numbers = list(dict.fromkeys(identifiers_of(text)))
    terms: list[Term] = [*map(Literal, numbers), *(Literal(number, language="ja") for number in numbers)]
    if terms and not found:
        found = [iri for iri in await things.values(filled(_IDENTIFIED, value=terms)) if iri.startswith(BASE)]
    return found


def _own(iri: str) -> str:
    """Return the IRI of this graph that is meant, with either scheme, also by its canonical or prefixed name."""
    prefix, _, rest = iri.partition(":")
    if prefix in _PREFIXES and rest and not rest.startswith("//"):
        return _PREFIXES[prefix] + rest
    bare = iri.partition("://")[2]
    for base in sorted((BASE, CANONICAL), key=len, reverse=True):  # one may be under the other
        start = base.partition("://")[2]
        if bare.startswith(start):
            return BASE + bare.removeprefix(start)
    return ""


def _spellings(iri: str) -> list[str]:
    """Return an IRI with http and https, with and without a slash at its end: links are written in all these ways."""
    scheme, mark, rest = iri.partition("://")
    if scheme not in ("http", "https"):
        return [iri]
    rest = quote(rest, safe=SAFE + "?#")  # links are written as URIs
    bare = rest.removesuffix("/")
    return list(
        dict.fromkeys([iri, *(f"{way}{mark}{end}" for way in ("https", "http") for end in (rest, bare, f"{bare}/"))])
    )


def _several(iri: str, found: list[str]) -> Notice:
    text = (f"{iri} に結び付けられた事物は{len(found)}件あります。", f"{len(found)} things are linked to {iri}")
    return Notice(300, ("いくつかあります", "Several things"), text, found)


def _none(iri: str) -> Notice:
    text = (
        f"{iri} を指すもの、または {iri} に結び付けられた事物は、このグラフにありません。SPARQL で名称から探せます。",
        f"this graph has nothing that {iri} means or is linked to; look for it by its name with SPARQL (/sparql)",
    )
    return Notice(404, ("見つかりません", "Not found"), text)
