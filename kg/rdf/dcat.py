"""Release metadata for catalogues and registries: DCAT 3 and DataCite.

DCAT has the size and checksum of each file, and no blank nodes. The catalogue, the series and its editions have IRIs in
the catalogue (`catalog#…`), the things of one release in its description (`release/<version>/dataset.ttl#…`), so that
each IRI leads to the document that describes the thing.

`datacite.json` (DataCite Metadata Schema 4.6) has every mandatory property except the DOI, which the registry assigns,
and no statement that the release lacks.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from kg.core import iris
from kg.core.iris import BASE
from kg.core.release import CATALOGUE_GRAPH, CSV_METADATA, DESCRIPTION, ReleasedFile, dataset_iri, edition_dump
from kg.rdf.graph_builder import Graph, Subject
from kg.recipe.loader import Catalogue, Text
from kg.recipe.revision_judgements import revised_edition
from kg.recipe.sources import Source

_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
_LANGUAGES = "http://publications.europa.eu/resource/authority/language/"
_ACCESS = "http://publications.europa.eu/resource/authority/access-right/PUBLIC"
_PROTOCOL = "https://www.w3.org/TR/sparql11-protocol/"
_FORMATS = "http://www.w3.org/ns/formats/"
_SHA256 = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
_GZIP = ".gz"
# Files of the whole dataset with its named graphs, and the key of their title in `[files]` of the catalogue's texts.
_WITH_DESCRIPTIONS = (".trig", ".nq")
_RDF_FORMATS = {
    ".ttl": "Turtle",
    ".nt": "N-Triples",
    ".jsonld": "JSON-LD",
    ".rdf": "RDF_XML",
    ".trig": "TriG",
    ".nq": "N-Quads",
}


@dataclass(frozen=True)
class ReleaseDescription:
    """Metadata of a release: version, date, title, catalogue texts, and the previous version (or an empty string)."""

    version: str
    issued: str
    title: Text
    catalogue: Catalogue
    previous: str = ""

    @property
    def folder(self) -> str:
        """The URL of the folder with its files."""
        return f"{BASE}release/{self.version}/"

    @property
    def document(self) -> str:
        """The URL of its description."""
        return self.folder + DESCRIPTION

    @property
    def dataset(self) -> str:
        """The IRI of the dataset."""
        return self.document + "#dataset"

    @property
    def before(self) -> str:
        """The IRI of the dataset of the previous version; empty if there is none."""
        return dataset_iri(self.previous) if self.previous else ""


def describe_release(graph: Graph, release: ReleaseDescription, sources: Sequence[Source]) -> None:
    """State the catalogue, the dataset over all versions, this version, and its source editions."""
    texts = release.catalogue
    publisher, rights = f"{CATALOGUE_GRAPH}#publisher", f"{CATALOGUE_GRAPH}#rights"
    graph.about(publisher).a("foaf:Organization", "foaf:Agent").text("foaf:name", texts.publisher.ja, "ja").text(
        "foaf:name", texts.publisher.en, "en"
    )
    _pair(graph.about(rights).a("dcterms:RightsStatement"), "rdfs:label", texts.rights)
    graph.about(texts.licence).a("dcterms:LicenseDocument")
    every_version, endpoint = f"{CATALOGUE_GRAPH}#dataset", f"{CATALOGUE_GRAPH}#sparql"
    catalogue = _common(graph, f"{CATALOGUE_GRAPH}#catalog", release).a("dcat:Catalog")
    series = f"{CATALOGUE_GRAPH}#series"
    catalogue.to("dcat:dataset", every_version, release.dataset, series).to("dcat:service", endpoint)
    _common(graph, every_version, release).a("dcat:Dataset").to("dcat:hasVersion", release.dataset)
    dataset = _common(graph, release.dataset, release).a("dcat:Dataset").to("dcat:isVersionOf", every_version)
    dataset.text("dcat:version", release.version).typed("dcterms:issued", release.issued, "xsd:date")
    dataset.to("dcat:previousVersion", release.before).to("prov:wasRevisionOf", release.before)
    dataset.to("dcterms:creator", publisher)
    dataset.to("dcat:landingPage", _is_a(graph, release.folder, "foaf:Document"))
    dataset.to("dcterms:accessRights", _is_a(graph, _ACCESS, "dcterms:RightsStatement"))
    dataset.texts("dcat:keyword", texts.keywords_ja, "ja").texts("dcat:keyword", texts.keywords_en, "en")
    dataset.to("dcterms:conformsTo", _is_a(graph, f"{BASE}def", "dcterms:Standard"))
    # The first endpoint queries the current release, the second always this release.
    own = f"{release.document}#sparql"
    catalogue.to("dcat:service", own)
    for service, address in ((endpoint, f"{BASE}sparql"), (own, f"{release.folder}sparql")):
        about = _pair(graph.about(service).a("dcat:DataService"), "dcterms:title", release.title)
        about.to("dcat:endpointURL", address).to("dcat:servesDataset", release.dataset)
        about.to("dcterms:conformsTo", _is_a(graph, _PROTOCOL, "dcterms:Standard"))
    _editions(graph, release, sources, series, dataset)


def _common(graph: Graph, iri: str, release: ReleaseDescription) -> Subject:
    """State the properties that all published things share: title, description, publisher, terms, languages."""
    subject = _pair(graph.about(iri), "dcterms:title", release.title)
    _pair(subject, "dcterms:description", release.catalogue.description)
    subject.to("dcterms:publisher", f"{CATALOGUE_GRAPH}#publisher").to("dcterms:license", release.catalogue.licence)
    subject.to("dcterms:rights", f"{CATALOGUE_GRAPH}#rights")
    languages = [_is_a(graph, f"{_LANGUAGES}{code}", "dcterms:LinguisticSystem") for code in ("JPN", "ENG")]
    return subject.to("dcterms:language", *languages)


def _editions(
    graph: Graph, release: ReleaseDescription, sources: Iterable[Source], series: str, dataset: Subject
) -> None:
    """State the series of tables, and each source document as a member of it."""
    about = _pair(
        graph.about(series).a("dcat:DatasetSeries", "dcat:Dataset"), "dcterms:title", release.catalogue.series_title
    )
    _pair(about, "dcterms:description", release.catalogue.series_description)
    about.to("dcterms:publisher", f"{CATALOGUE_GRAPH}#publisher")
    for source in sources:
        iri, title, edition = edition_part(source.key), _edition_title(source), iris.edition(source.key)
        member = graph.about(iri).a("dcat:Dataset").to("dcat:inSeries", series).to("dcterms:isPartOf", release.dataset)
        _pair(_pair(member, "dcterms:title", title), "dcterms:description", title)
        earlier = revised_edition(source)
        member.to("dcat:prev", edition_part(earlier) if earlier else "")
        member.to("prov:wasDerivedFrom", edition).text("dcterms:identifier", source.key)
        dataset.to("dcterms:hasPart", iri).to("prov:wasDerivedFrom", edition)


def edition_part(key: str) -> str:
    """Return the name of the part of the dataset that belongs to one edition."""
    return f"{CATALOGUE_GRAPH}#{key}"


def describe_editions(graph: Graph, release: ReleaseDescription, sizes: Mapping[str, int]) -> None:
    """State the part of each edition in VoID: its number of triples (by key) and its dump."""
    for key, size in sizes.items():
        graph.about(release.dataset).to("void:subset", edition_part(key))
        part = graph.about(edition_part(key)).a("void:Dataset").number("void:triples", size)
        part.to("void:dataDump", *(release.folder + edition_dump(key) + end for end in ("", _GZIP)))


def describe_files(graph: Graph, release: ReleaseDescription, files: Iterable[str], sources: Iterable[Source]) -> None:
    """State each file as a distribution of the dataset or its edition, without size and checksum."""
    of_editions = {edition_dump(source.key): source for source in sources}
    for name in sorted(files):
        address, distribution = release.folder + name, f"{release.document}#{name}"
        plain = name.removesuffix(_GZIP)
        source = of_editions.get(plain)
        owner, title = (edition_part(source.key), _edition_title(source)) if source else (release.dataset, None)
        graph.about(owner).to("dcat:distribution", distribution)
        about = graph.about(distribution).a("dcat:Distribution")
        _pair(about, "dcterms:title", _named(title or _title(plain, release), name))
        about.to("dcat:downloadURL", address).to("dcat:accessURL", release.folder)
        about.to("dcat:mediaType", _media_type(graph, plain))
        about.to("dcat:compressFormat", _media_type(graph, name) if name != plain else "")
        about.to("dcterms:license", release.catalogue.licence).to("dcterms:rights", f"{CATALOGUE_GRAPH}#rights")
        about.typed("dcterms:issued", release.issued, "xsd:date")
        if name.endswith(".csv"):
            about.to("dcterms:conformsTo", _is_a(graph, release.folder + CSV_METADATA, "dcterms:Standard"))


def describe_dumps(graph: Graph, release: ReleaseDescription, dumps: Iterable[str], example: str) -> None:
    """State the dumps and an example resource in VoID."""
    document = graph.about(release.document).a("void:DatasetDescription", "foaf:Document")
    _pair(document, "dcterms:title", release.title).to("foaf:primaryTopic", release.dataset)
    dataset = graph.about(release.dataset).to("void:exampleResource", example)
    dataset.to("void:sparqlEndpoint", f"{BASE}sparql")
    for name in sorted(dumps):
        dataset.to("void:dataDump", release.folder + name)
        suffix = PurePath(name.removesuffix(_GZIP)).suffix
        dataset.to("void:feature", _FORMATS + _RDF_FORMATS[suffix])


def describe_bytes(graph: Graph, release: ReleaseDescription, files: Iterable[ReleasedFile]) -> None:
    """State size and checksum of files; a file that includes the catalogue cannot state its own."""
    for file in files:
        distribution = f"{release.document}#{file.name}"
        checksum = f"{distribution}-sha256"
        about = graph.about(distribution).typed("dcat:byteSize", str(file.size), "xsd:nonNegativeInteger")
        about.to("spdx:checksum", checksum)
        digest = graph.about(checksum).a("spdx:Checksum").to("spdx:algorithm", _SHA256)
        digest.typed("spdx:checksumValue", file.sha256, "xsd:hexBinary")


def _media_type(graph: Graph, name: str) -> str:
    plain = ReleasedFile(name, 0, "").media_type.partition(";")[0]
    return _is_a(graph, _MEDIA_TYPES + plain, "dcterms:MediaType")


def _is_a(graph: Graph, iri: str, kind: str) -> str:
    """State the class of a thing of another vocabulary, so that validators need not fetch it; return its IRI."""
    graph.about(iri).a(kind)
    return iri


def _edition_title(source: Source) -> Text:
    return Text(source.described["title_ja"], source.described["title_en"])


def _title(name: str, release: ReleaseDescription) -> Text:
    """Return the title of a file: by its name, by its table, or by the stem that several files share."""
    texts, plain = release.catalogue, PurePath(name)
    stem = f"{plain.stem}-with-descriptions" if plain.suffix in _WITH_DESCRIPTIONS else plain.stem
    if plain.suffix == ".csv" and plain.stem in texts.tables:
        return texts.tables[plain.stem].title
    return texts.files.get(plain.name) or texts.files.get(stem) or Text(plain.name, plain.name)


def _named(title: Text, name: str) -> Text:
    return Text(f"{title.ja}({name})", f"{title.en} ({name})")


def _pair(subject: Subject, predicate: str, text: Text) -> Subject:
    return subject.text(predicate, text.ja, "ja").text(predicate, text.en, "en")


_SCHEMA = "http://datacite.org/schema/kernel-4"
_CC = re.compile(r"https://creativecommons\.org/licenses/([a-z-]+)/([0-9.]+)/")


def datacite(release: ReleaseDescription, sources: Iterable[Source]) -> bytes:
    """Return the DataCite record of a release, in Japanese with English translations."""
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


def _related(release: ReleaseDescription, sources: Iterable[Source]) -> Iterable[dict[str, str]]:
    """Yield the sources of the release, and the previous version."""
    related = [("IsDerivedFrom", iris.edition(source.key)) for source in sources]
    if release.before:
        related.append(("IsNewVersionOf", release.before))
    for relation, iri in related:
        yield {"relationType": relation, "relatedIdentifier": iri, "relatedIdentifierType": "URL"}


def _spdx(licence: str) -> dict[str, str]:
    """Return the SPDX identifier of a Creative Commons licence; empty for another licence."""
    match = _CC.fullmatch(licence)
    if not match:
        return {}
    return {"rightsIdentifier": f"CC-{match[1].upper()}-{match[2]}", "rightsIdentifierScheme": "SPDX"}
