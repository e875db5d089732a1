"""What a release is, for registries of DOIs: `datacite.json` (DataCite Metadata Schema 4.6), for who deposits it.

It has every mandatory property but the DOI, which the registry gives; nothing is said that the release does not state.
"""

import json
import re
from collections.abc import Iterable

from kg.core import iris
from kg.rdf.dcat import Described
from kg.recipe.sources import Source

_SCHEMA = "http://datacite.org/schema/kernel-4"
_CC = re.compile(r"https://creativecommons\.org/licenses/([a-z-]+)/([0-9.]+)/")


def datacite(release: Described, sources: Iterable[Source]) -> bytes:
    """Return the record of a release; Japanese is its language, English the translation."""
    texts = release.catalogue
    publisher = {"name": texts.publisher.ja, "lang": "ja"}
    record = {
        "schemaVersion": _SCHEMA,
        "url": release.folder,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "RDF dataset"},
        "creators": [{**publisher, "nameType": "Organizational"}],
        "titles": [
            {"title": release.title.ja, "lang": "ja"},
            {"title": release.title.en, "lang": "en", "titleType": "TranslatedTitle"},
        ],
        "publisher": publisher,
        "publicationYear": release.issued[:4],
        "dates": [{"date": release.issued, "dateType": "Issued"}],
        "language": "ja",
        "version": release.version,
        "subjects": [
            {"subject": word, "lang": lang}
            for lang, words in (("ja", texts.keywords_ja), ("en", texts.keywords_en))
            for word in words
        ],
        "descriptions": [
            {"description": text, "descriptionType": "Abstract", "lang": lang}
            for lang, text in (("ja", texts.description.ja), ("en", texts.description.en))
        ],
        "rightsList": [
            {"rights": text, "lang": lang, "rightsUri": texts.licence, **_spdx(texts.licence)}
            for lang, text in (("ja", texts.rights.ja), ("en", texts.rights.en))
        ],
        "alternateIdentifiers": [{"alternateIdentifier": release.folder, "alternateIdentifierType": "URL"}],
        "relatedIdentifiers": [*_related(release, sources)],
    }
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def _related(release: Described, sources: Iterable[Source]) -> Iterable[dict[str, str]]:
    """Yield what the release comes from, and the version before it."""
    related = [("IsDerivedFrom", iris.edition(source.key)) for source in sources]
    if release.before:
        related.append(("IsNewVersionOf", release.before))
    for relation, iri in related:
        yield {"relationType": relation, "relatedIdentifier": iri, "relatedIdentifierType": "URL"}


def _spdx(licence: str) -> dict[str, str]:
    """Return the SPDX identifier of a Creative Commons licence; nothing for another one."""
    match = _CC.fullmatch(licence)
    if not match:
        return {}
    return {"rightsIdentifier": f"CC-{match[1].upper()}-{match[2]}", "rightsIdentifierScheme": "SPDX"}
