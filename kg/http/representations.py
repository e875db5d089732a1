"""One resource, several forms: which one a client gets, and how it is written and sent (RFC 9110, 8.8, 12 and 15.4)."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import PurePosixPath
from urllib.parse import quote

from pyoxigraph import Triple

from kg.core import negotiation
from kg.core.iris import BASE, ID, PREFIXES
from kg.core.jsonld_serializer import compact, is_compactable
from kg.core.negotiation import HTML, JSON_LD, N_TRIPLES, RDF_XML, TURTLE, Format
from kg.core.release import Release
from kg.core.result_serializers import write_triples
from kg.http.conditional_requests import Validators

RDF_FORMATS = (TURTLE, N_TRIPLES, JSON_LD, RDF_XML)
SUFFIXES = {".html": HTML, ".ttl": TURTLE, ".nt": N_TRIPLES, ".jsonld": JSON_LD, ".rdf": RDF_XML}
_SUFFIX_OF = {format: suffix for suffix, format in SUFFIXES.items()}

VARY = {"Vary": "Accept, Accept-Language"}
_LIVE = "public, max-age=3600"
_UNPUBLISHED = "public, no-cache"  # a development build, or data files: the next start may bring other bytes


@dataclass(frozen=True)
class Representation:
    """One form of a resource, as it is sent. `links` are values of `Link` (RFC 8288).

    `scripts` are source expressions for what stands in script elements of a page (Content Security Policy 3).
    """

    format: Format
    body: bytes
    location: str
    links: Sequence[str] = ()
    scripts: Sequence[str] = ()

    def sent(self, release: Release | None) -> dict[str, str]:
        """Return the headers to send: `ETag` and `Last-Modified` change with the release that it was made from."""
        headers = {"Content-Type": self.format.content_type, "Content-Location": uri(self.location), **VARY}
        if self.links:
            headers["Link"] = ", ".join(self.links)
        headers["Cache-Control"] = _UNPUBLISHED if release is None or release.development else _LIVE
        return {**headers, **validators(release, self.body).headers()}


def validators(release: Release | None, body: bytes) -> Validators:
    """Return what caches go by. The entity tag is strong: other bytes never have the same one."""
    digest = hashlib.sha256(body).hexdigest()[:32]
    if release is None or release.development:
        return Validators(f'"{digest}"')
    issued = datetime.combine(datetime.fromisoformat(release.issued), time(), UTC)
    return Validators(f'"{release.inputs[:12]}-{digest}"', issued)


def choose(accept: str | None, named: str | None, html: bool = True) -> Format:
    """Return the format that a client wants; raise NotAcceptable where there is none.

    A page wins a tie, since who names text/html wants to read; who names nothing gets Turtle.
    """
    return negotiation.choose((HTML, *RDF_FORMATS) if html else RDF_FORMATS, accept or "*/*", named)


def split(path: str) -> tuple[str, Format | None]:
    """Return a path without its suffix, and the format that the suffix means."""
    suffix = PurePosixPath(path).suffix
    return (path.removesuffix(suffix), SUFFIXES[suffix]) if suffix in SUFFIXES else (path, None)


def suffixed(path: str, format: Format, query: str = "") -> str:
    """Return the address of one form, relative to the address of the resource."""
    return f"./{quote(path.rpartition('/')[2], safe=SAFE)}{_SUFFIX_OF[format]}{query}"


def alternates(path: str, query: str = "", html: bool = True) -> list[str]:
    """Return a link to each form of a resource."""
    formats = (HTML, *RDF_FORMATS) if html else RDF_FORMATS
    return [link(suffixed(path, format, query), "alternate", format.media_type) for format in formats]


def link(target: str, relation: str, media_type: str = "") -> str:
    """Return one value of a `Link` header; an IRI is written as the URI that it maps to (RFC 3987, 3.1)."""
    return f'<{uri(target)}>; rel="{relation}"' + (f'; type="{media_type}"' if media_type else "")


# What stands in an address as it is: what an IRI may hold, escapes included. The rest is escaped: `?`, `#`, letters
# that are not ASCII.
SAFE = "/:@!$&'()*+,;=~%-._"


def uri(iri: str) -> str:
    """Return an IRI, or a relative reference, as a URI, which is all that a header can hold; escapes stay."""
    return quote(iri, safe=SAFE + "?#[]")


def path_of(iri: str) -> str:
    """Return where a thing of ours is shown, below the top of the site; empty for a thing of others."""
    if iri.startswith(ID):
        return f"doc/{quote(iri.removeprefix(ID), safe=SAFE)}"
    return quote(iri.removeprefix(BASE), safe=SAFE + "#") if iri.startswith(BASE) else ""


def ascents(path: str) -> str:
    """Return what leads from a path to the place where the site is mounted: `../` for each folder."""
    return "../" * path.count("/") or "./"


def write(triples: Iterable[Triple], format: Format) -> bytes:
    """Return triples in an RDF format, sorted: the same triples give the same bytes.

    JSON-LD is compact; where there are blank nodes, or what came with RDF 1.2, it is as the engine writes it.
    """
    ordered = sorted(set(triples), key=str)
    if format is JSON_LD and all(map(is_compactable, ordered)):
        return compact(ordered, {**PREFIXES, "id": ID})
    return write_triples(ordered, format)
