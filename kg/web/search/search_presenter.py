"""How the answer to a search is told: as JSON, and on a page."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from kg.core.iris import BASE, ID
from kg.core.labels import Labels, is_web_address
from kg.core.negotiation import Format
from kg.http import pages
from kg.http.pages import View
from kg.http.representations import SAFE, link
from kg.search import Candidate, Facet, Found, Hit, Piece, local
from kg.web.search.search_request import LAST_PAGE, Wish


@dataclass(frozen=True)
class Choice:
    """A value of a facet on a page: its name, the number of hits, and where it leads."""

    name: str
    count: int
    chosen: bool
    href: str


@dataclass(frozen=True)
class Telling:
    """The answer to a wish; `similar` is what is called like the words where nothing holds them."""

    wish: Wish
    found: Found
    similar: Sequence[Candidate]
    labels: Labels

    @property
    def pages(self) -> int:
        """The number of pages that can be asked for."""
        return min(LAST_PAGE, max(1, -(-self.found.total // self.wish.limit)))

    def json(self) -> bytes:
        """Return the answer as JSON. Addresses are relative to that of the search."""
        wish, found = self.wish, self.found
        told = {
            "q": wish.words,
            "relaxed": found.relaxed or None,
            "total": found.total,
            "page": wish.page,
            "pages": self.pages,
            "limit": wish.limit,
            "lang": wish.lang,
            "hits": [self._hit(hit) for hit in found.hits],
            "facets": {
                facet: {
                    "property": found.properties.get(facet),
                    "label": self._property(facet),
                    "values": [_value(value) for value in values],
                }
                for facet, values in found.facets.items()
            },
            "similar": [_similar(candidate) for candidate in self.similar],
            "next": wish.address(page=wish.page + 1) if wish.page < self.pages else None,
        }
        return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()

    def page(self, view: View) -> bytes:
        """Return the answer as a page."""

        def shown(iri: str) -> str:
            own, path = document(iri).startswith("./"), document(iri).removeprefix("./")
            return view.link(path) if own else path

        text = pages.fill(
            "search.html",
            view,
            wish=self.wish,
            found=self.found,
            hits=[(hit, shown(hit.iri), self._kinds(hit), hit.edition.rpartition("/")[2]) for hit in self.found.hits],
            facets=[(self._property(facet), self._choices(facet)) for facet in self.found.facets],
            similar=[
                (one.label_ja or one.label_en, shown(one.iri), one.edition.rpartition("/")[2]) for one in self.similar
            ],
            pages=self.pages,
            label=self._named,
        )
        return text.encode()

    def links(self, format: Format) -> list[str]:
        """Return the values of `Link`: the address that names this search, and the pages before and after."""
        near = [("prev", self.wish.page - 1), ("next", self.wish.page + 1)]
        there = [(relation, page) for relation, page in near if 1 <= page <= self.pages]
        return [
            link(f"./search{self.wish.address()}", "canonical"),
            *(link(f"./search{self.wish.address(page=page)}", word, format.media_type) for word, page in there),
        ]

    def _hit(self, hit: Hit) -> dict[str, object]:
        return {
            "iri": hit.iri,
            "document": document(hit.iri),
            "label": _labels(hit.label_ja, hit.label_en),
            "types": list(hit.types),
            "kind": self._kinds(hit),
            "title": _pieces(hit.title),
            "snippet": _pieces(hit.snippet),
            "property": hit.property or None,
            "lang": hit.lang or None,
            "score": round(hit.score, 3),
            **({"edition": hit.edition} if hit.edition else {}),
        }

    def _property(self, facet: str) -> str:
        """Return what a facet is called: as the property is that it comes from."""
        iri = self.found.properties.get(facet, "")
        return self._named(iri) if iri else facet

    def _named(self, iri: str) -> str:
        return self.labels.of(iri, self.wish.lang)

    def _kinds(self, hit: Hit) -> str:
        """Return what a hit is, in words: its scheme where it is a concept, else its class."""
        schemes = {value.value: value for value in self.found.facets.get("type", ()) if value.label_ja}
        named = [self._name(schemes[iri]) if iri in schemes else self._named(iri) for iri in hit.types]
        return next((self._name(schemes[iri]) for iri in hit.types if iri in schemes), ", ".join(named))

    def _name(self, value: Facet) -> str:
        names = (value.label_en, value.label_ja) if self.wish.lang == "en" else (value.label_ja, value.label_en)
        return next(filter(None, names), "") or self._named(value.value)

    def _choices(self, facet: str) -> list[Choice]:
        values = self.found.facets[facet]
        short = Counter(local(value.value) for value in values)
        return [
            Choice(self._name(value), value.count, value.chosen, self.wish.toggled(facet, *_spellings(value, short)))
            for value in values
        ]


def document(iri: str) -> str:
    """Return the address of the document about a thing, from the top of the site; a foreign one is its own address."""
    if iri.startswith(ID):
        return "./doc/" + quote(iri.removeprefix(ID), safe=SAFE)
    if iri.startswith(BASE):
        return "./" + quote(iri.removeprefix(BASE), safe=SAFE + "#")
    return iri if is_web_address(iri) else "./lookup?iri=" + quote(iri, safe="")


def _spellings(value: Facet, short: Counter[str]) -> tuple[str, ...]:
    """Return how a value may stand in an address: by the last part of its IRI where that is clear."""
    name = local(value.value)
    return (name, value.value) if short[name] == 1 else (value.value, name)


def _labels(ja: str, en: str) -> dict[str, str]:
    return {lang: label for lang, label in (("ja", ja), ("en", en)) if label}


def _pieces(pieces: Iterable[Piece]) -> list[dict[str, object]]:
    return [{"text": piece.text, "marked": piece.marked} for piece in pieces]


def _value(value: Facet) -> dict[str, object]:
    label = _labels(value.label_ja, value.label_en)
    return {"value": value.value, "label": label, "count": value.count, "chosen": value.chosen}


def _similar(candidate: Candidate) -> dict[str, object]:
    label = _labels(candidate.label_ja, candidate.label_en)
    return {"iri": candidate.iri, "document": document(candidate.iri), "label": label, "score": candidate.score}
