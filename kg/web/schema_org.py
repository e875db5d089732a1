"""What pages tell search engines, in the words of schema.org: the dataset on the first page, each measure on its own.

A measure is told as a GovernmentService: what government bodies offer or do for others. Only what the graph states is
said of it; for what schema.org has no words, such as KPIs and who takes part, nothing is.
"""

import base64
import hashlib
import json
from collections.abc import Iterable

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from kg.core.iris import BASE, ONTOLOGY, PREFIXES
from kg.core.negotiation import N_TRIPLES
from kg.core.release import CATALOGUE_GRAPH
from kg.http.query_client import Ask
from kg.web.presenter import TYPE, Facts

_DCAT, _DCTERMS, _FOAF = PREFIXES["dcat"], PREFIXES["dcterms"], PREFIXES["foaf"]
_TITLE = _DCTERMS + "title"
_LONGEST = 500  # characters of a text
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"


class DatasetCard:
    """The description of a released dataset as JSON-LD in a page, in the language of the page."""

    def __init__(self, ask: Ask, dataset: str) -> None:
        self._ask, self._dataset = ask, dataset
        self._texts: dict[str, str] = {}

    async def text(self, lang: str) -> str:
        """Return the content of the script element, safe as it is; nothing where the release has no catalogue."""
        if lang not in self._texts:
            query = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{CATALOGUE_GRAPH}> {{ ?s ?p ?o }} }}"
            body = await self._ask(query, N_TRIPLES)
            about = _Catalogue(quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES))
            said = _dataset(about, self._dataset, lang) if about.knows(self._dataset) else None
            self._texts[lang] = _content(said) if said else ""
        return self._texts[lang]


def measure(facts: Facts, iri: str, dataset: str = "") -> str:
    """Return a measure as the content of a script element, safe as it is; nothing for what is no measure."""
    title = facts.told(iri, _TITLE)
    if f"{ONTOLOGY}Measure" not in facts.iris(iri, TYPE) or title is None:
        return ""
    overview = facts.told(iri, ONTOLOGY + "overview")
    said = {
        "@context": "https://schema.org/",
        "@type": "GovernmentService",
        "@id": iri,
        "name": title.text[:_LONGEST],
        "alternateName": [
            other.text[:_LONGEST]
            for lang in ("ja", "en")
            if lang != title.lang and (other := facts.in_language(iri, _TITLE, lang))
        ],
        "identifier": facts.text(iri, ONTOLOGY + "measureNumber"),
        "description": " ".join(overview.text.split())[:_LONGEST] if overview else "",
        "category": [facts.thing(pillar).text for pillar in facts.iris(iri, ONTOLOGY + "pillar")],
        "provider": [
            {"@type": "GovernmentOrganization", "@id": lead, "name": facts.thing(lead).text}
            for lead in facts.iris(iri, ONTOLOGY + "leadOrganization")
        ],
        "sameAs": facts.iris(iri, ONTOLOGY + "planMeasure"),
        "subjectOf": {"@type": "Dataset", "@id": dataset} if dataset else None,
    }
    return _content({key: value for key, value in said.items() if value})


def _content(said: object) -> str:
    """Return JSON for a script element: `<` would end that, or begin a comment in it."""
    return json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")


def allowed(text: str) -> str:
    """Return the source expression by which a Content-Security-Policy allows just this script (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class _Catalogue:
    """The statements of the catalogue, by subject."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self._about: dict[str, list[Triple]] = {}
        for triple in triples:
            if isinstance(triple.subject, NamedNode):
                self._about.setdefault(triple.subject.value, []).append(triple)

    def knows(self, iri: str) -> bool:
        return iri in self._about

    def iris(self, iri: str, predicate: str) -> list[str]:
        return sorted(term.value for term in self._objects(iri, predicate) if isinstance(term, NamedNode))

    def texts(self, iri: str, predicate: str, lang: str) -> list[str]:
        found = [term for term in self._objects(iri, predicate) if isinstance(term, Literal)]
        return sorted(term.value for term in found if term.language in (None, lang))

    def _objects(self, iri: str, predicate: str) -> list[object]:
        return [triple.object for triple in self._about.get(iri, ()) if triple.predicate.value == predicate]


def _dataset(about: _Catalogue, dataset: str, lang: str) -> dict[str, object]:
    def text(predicate: str, iri: str = dataset) -> str:
        return next(iter(about.texts(iri, predicate, lang)), "")

    publishers = [text(_FOAF + "name", iri) for iri in about.iris(dataset, _DCTERMS + "publisher")]
    organization = [{"@type": "Organization", "name": name} for name in publishers]
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": dataset,
        "name": text(_DCTERMS + "title"),
        "description": text(_DCTERMS + "description"),
        "license": about.iris(dataset, _DCTERMS + "license"),
        "creator": organization,
        "publisher": organization,
        "version": text(_DCAT + "version"),
        "datePublished": text(_DCTERMS + "issued"),
        "dateModified": text(_DCTERMS + "issued"),
        "keywords": about.texts(dataset, _DCAT + "keyword", lang),
        "inLanguage": ["ja", "en"],
        "isAccessibleForFree": True,
        "identifier": dataset,
        "isBasedOn": about.iris(dataset, PREFIXES["prov"] + "wasDerivedFrom"),
        "distribution": [_download(about, iri) for iri in about.iris(dataset, _DCAT + "distribution")],
    }


def _download(about: _Catalogue, iri: str) -> dict[str, object]:
    """Return one file, at its address on this site: relative to the first page."""
    address = next(iter(about.iris(iri, _DCAT + "downloadURL")), "")
    kind = next(iter(about.iris(iri, _DCAT + "compressFormat") or about.iris(iri, _DCAT + "mediaType")), "")
    return {
        "@type": "DataDownload",
        "contentUrl": f"./{address.removeprefix(BASE)}",
        "encodingFormat": kind.removeprefix(_MEDIA_TYPES),
    }
