"""What we promise about ontology/shisaku.ttl: two languages, closed in itself, silent about other vocabularies."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pyoxigraph
import pytest
from rdflib import OWL, RDF, RDFS, SKOS, XSD, BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, VANN

FILE = Path(__file__).parents[2] / "ontology" / "shisaku.ttl"
ONTOLOGY = URIRef("https://w3id.org/shisaku/def")
NAMESPACE = "https://w3id.org/shisaku/def#"
SHISAKU = Namespace(NAMESPACE)
LANGUAGES = ["en", "ja"]

# What the data use, by subject. A published name never changes; a new one is added here.
CLASSES = """
    Measure Edition OrganizationGroup EffectMark Kpi Target BudgetProgramme ReferenceDocument Law
    SourceRow SourceCell Correction Issue Plan PlanMeasure Translation RecipeRow
    NamedEntity Link LinkCandidate Revision LocalPlan LocalMeasure
"""
OBJECT_PROPERTIES = """
    edition lists pillar leadOrganization participatingOrganization organizationGroup
    expectedEffect uncertainEffect listedFrom listingStatus
    kpi kpiKind target targetStatus setBy
    targetRole comparator unit period baselinePeriod direction
    budgetProgramme referenceDocument citesLaw cell correction columnReadAs issueType
    plan planMeasure inMeasure asProperty titleTranslation
    mentionsEntity mentionsOrganization mentionsPlace entityKind linkStatus
    revisionStatus revisionGrade sharedKpi localPlan citesMeasure
"""
DATATYPE_PROPERTIES = """
    measureNumber rowNumber overview municipalSupport groupLabel value printedText
    budgetNote grantName formerName printedUrl lawNumber lawId
    line page position start end printed corrected reason evidence message
    sourceText translatedText remark file fileLine actArticle sameNumber titleSimilarity
    citedAs department schedule areaCode
"""
SHARED_BY_CLASSES = "measureNumber printedText start end plan inMeasure asProperty actArticle"


@pytest.fixture(scope="module")
def ontology() -> Graph:
    """Return the ontology as rdflib reads it."""
    return Graph().parse(FILE, format="turtle")


@pytest.fixture(scope="module")
def terms(ontology: Graph) -> list[URIRef]:
    """Return every term of our namespace that the file says anything about."""
    return sorted({s for s in ontology.subjects() if str(s).startswith(NAMESPACE)})


def languages(ontology: Graph, subject: URIRef, predicate: URIRef) -> list[str | None]:
    """Return the language of each value, sorted; twice the same language occurs twice."""
    return sorted(value.language or "" for value in ontology.objects(subject, predicate))


def name(term: URIRef) -> str:
    """Return the local name of a term of ours."""
    return str(term).removeprefix(NAMESPACE)


def test_both_parsers_read_the_same_number_of_triples(ontology: Graph) -> None:
    """Two independent parsers read the file and agree on its size; no triple is written twice."""
    read_by_oxigraph = list(pyoxigraph.parse(path=str(FILE), format=pyoxigraph.RdfFormat.TURTLE))

    assert len(ontology) == len(read_by_oxigraph)


def test_there_are_no_blank_nodes(ontology: Graph) -> None:
    """Everything has an IRI, so that dumps and diffs are stable."""
    assert [node for triple in ontology for node in triple if isinstance(node, BNode)] == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (OWL.Class, CLASSES),
        (OWL.ObjectProperty, OBJECT_PROPERTIES),
        (OWL.DatatypeProperty, DATATYPE_PROPERTIES),
    ],
    ids=["classes", "object-properties", "datatype-properties"],
)
def test_every_term_that_the_data_use_is_there(ontology: Graph, kind: URIRef, expected: str) -> None:
    """The names that the data use are defined, each as the kind of term it is, and no name has slipped in unnoticed."""
    assert sorted(expected.split()) == sorted(name(term) for term in ontology.subjects(RDF.type, kind))


def test_every_term_has_one_type(ontology: Graph, terms: list[URIRef]) -> None:
    """A term is a class, an object property or a datatype property: exactly one of them."""
    assert [name(term) for term in terms if len(list(ontology.objects(term, RDF.type))) != 1] == []


@pytest.mark.parametrize("predicate", [RDFS.label, SKOS.definition], ids=["label", "definition"])
def test_every_term_speaks_both_languages(ontology: Graph, terms: list[URIRef], predicate: URIRef) -> None:
    """Each term has exactly one label and one definition in Japanese and in English."""
    assert [name(term) for term in terms if languages(ontology, term, predicate) != LANGUAGES] == []


def test_scope_notes_speak_both_languages(ontology: Graph) -> None:
    """Whoever reads only one language is not told less about when to use a term."""
    noted = set(ontology.subjects(SKOS.scopeNote))

    assert [name(term) for term in noted if languages(ontology, term, SKOS.scopeNote) != LANGUAGES] == []


@pytest.mark.parametrize("predicate", [SKOS.definition, SKOS.scopeNote], ids=["definition", "scope-note"])
def test_texts_are_in_the_language_they_claim(ontology: Graph, predicate: URIRef) -> None:
    """A Japanese sentence ends in 。 and an English one in a full stop; swapped tags or torn texts show."""
    ends = {"ja": "。", "en": "."}

    assert [text for text in ontology.objects(None, predicate) if not text.endswith(ends[text.language])] == []


def test_no_text_is_ragged(ontology: Graph) -> None:
    """No text is empty, has spaces at its ends, double spaces or line breaks."""
    texts = [value for value in ontology.objects() if isinstance(value, Literal)]

    assert [text for text in texts if not text or str(text) != " ".join(text.split())] == []


def test_every_term_says_where_it_is_defined(ontology: Graph, terms: list[URIRef]) -> None:
    """Each term leads to the ontology that defines it."""
    assert [name(term) for term in terms if list(ontology.objects(term, RDFS.isDefinedBy)) != [ONTOLOGY]] == []


def test_every_term_says_why_no_standard_one_fits(ontology: Graph, terms: list[URIRef]) -> None:
    """Our own term is the exception, and each gives its reason."""
    assert [name(term) for term in terms if languages(ontology, term, SKOS.editorialNote) != ["en"]] == []


@pytest.mark.parametrize("predicate", [RDFS.label, SKOS.definition], ids=["label", "definition"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_terms_look_the_same(ontology: Graph, predicate: URIRef, language: str) -> None:
    """Within a language no label and no definition stands for two terms, whatever its case."""
    texts = [text for text in ontology.objects(None, predicate) if text.language == language]
    counts = Counter(text.casefold() for text in texts)

    assert [text for text, count in counts.items() if count > 1] == []


def test_header_is_complete(ontology: Graph) -> None:
    """The header names the ontology in both languages, its prefix, namespace, licence and creator."""
    assert list(ontology.subjects(RDF.type, OWL.Ontology)) == [ONTOLOGY]
    assert languages(ontology, ONTOLOGY, DCTERMS.title) == LANGUAGES
    assert ontology.value(ONTOLOGY, VANN.preferredNamespacePrefix) == Literal("shisaku")
    assert ontology.value(ONTOLOGY, VANN.preferredNamespaceUri) == Literal(NAMESPACE)
    assert ontology.value(ONTOLOGY, DCTERMS.license) == URIRef("https://creativecommons.org/licenses/by/4.0/")
    assert ontology.value(ONTOLOGY, URIRef("http://purl.org/dc/elements/1.1/creator"))


def test_header_dates_agree(ontology: Graph) -> None:
    """Created and modified are each one date in order; version and version IRI say the same."""
    created, modified, version, version_iri = (
        list(ontology.objects(ONTOLOGY, predicate))
        for predicate in (DCTERMS.created, DCTERMS.modified, OWL.versionInfo, OWL.versionIRI)
    )

    assert [len(values) for values in (created, modified, version, version_iri)] == [1, 1, 1, 1]
    assert XSD.date == created[0].datatype == modified[0].datatype
    assert created[0].toPython() <= modified[0].toPython()
    assert URIRef(f"{ONTOLOGY}/{version[0]}") == version_iri[0]


def test_every_term_of_ours_that_is_named_is_defined(ontology: Graph, terms: list[URIRef]) -> None:
    """Domains, ranges and other links inside our namespace lead to terms that exist."""
    nodes = {node for triple in ontology for node in triple if isinstance(node, URIRef)}
    named = {node for node in nodes if str(node).startswith(NAMESPACE)}

    assert set() == named - set(terms)


def test_terms_named_in_texts_are_defined(ontology: Graph, terms: list[URIRef]) -> None:
    """A note that sends the reader to `shisaku:…` sends them to a term that exists."""
    texts = [value for value in ontology.objects() if isinstance(value, Literal)]
    words = {word for text in texts for word in re.findall(r"shisaku:([A-Za-z]+)", text)}

    assert words
    assert set() == words - {name(term) for term in terms}


def test_domains_are_classes_and_ranges_fit_the_kind_of_property(ontology: Graph) -> None:
    """A domain is one of our classes; a datatype property has a datatype as its range, an object property has none."""
    classes = set(ontology.subjects(RDF.type, OWL.Class))
    datatypes = (str(XSD), str(RDF.langString), str(RDFS.Literal))
    properties = {
        term: kind for kind in (OWL.ObjectProperty, OWL.DatatypeProperty) for term in ontology.subjects(RDF.type, kind)
    }

    for term, kind in properties.items():
        domains, ranges = list(ontology.objects(term, RDFS.domain)), list(ontology.objects(term, RDFS.range))
        assert set(domains) <= classes, name(term)
        assert len(ranges) == 1, name(term)
        assert str(ranges[0]).startswith(datatypes) == (kind == OWL.DatatypeProperty), name(term)


def test_a_property_without_a_domain_says_why(ontology: Graph) -> None:
    """Only the properties that several classes share have no domain, and their scope notes say so."""
    kinds = (OWL.ObjectProperty, OWL.DatatypeProperty)
    properties = [term for kind in kinds for term in ontology.subjects(RDF.type, kind)]
    without = [term for term in properties if (term, RDFS.domain, None) not in ontology]

    assert sorted(SHARED_BY_CLASSES.split()) == sorted(name(term) for term in without)
    for term in without:
        notes = {note.language: note for note in ontology.objects(term, SKOS.scopeNote)}
        assert "no domain" in notes["en"] and "定義域を定めない" in notes["ja"], name(term)


def test_nothing_is_said_about_foreign_terms(ontology: Graph, terms: list[URIRef]) -> None:
    """Every statement is about the ontology or a term of ours: what others define is theirs to say."""
    assert {ONTOLOGY, *terms} == set(ontology.subjects())


def test_edition_and_lists_are_inverse(ontology: Graph) -> None:
    """`shisaku:lists` runs from where `shisaku:edition` ends to where it begins."""
    assert (SHISAKU.edition, OWL.inverseOf, SHISAKU.lists) in ontology
    assert ontology.value(SHISAKU.edition, RDFS.domain) == ontology.value(SHISAKU.lists, RDFS.range)
    assert ontology.value(SHISAKU.edition, RDFS.range) == ontology.value(SHISAKU.lists, RDFS.domain)


def test_uncertain_marks_and_collectives_cannot_be_counted_as_the_real_thing(ontology: Graph) -> None:
    """No inference turns a mark of unknown column into an effect, or a collective into an organization."""
    for term in (SHISAKU.uncertainEffect, SHISAKU.organizationGroup):
        assert (term, RDFS.subPropertyOf, None) not in ontology
    for term in (SHISAKU.EffectMark, SHISAKU.OrganizationGroup):
        assert (term, RDFS.subClassOf, None) not in ontology


def test_prefixes_are_sorted_and_used() -> None:
    """The prefixes stand in alphabetical order, each once, and none is there for nothing."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    prefixes = [line.split()[1] for line in lines if line.startswith("@prefix")]
    body = "\n".join(line for line in lines if not line.startswith(("@prefix", "#")))

    assert all(first < second for first, second in pairwise(prefixes))
    assert [prefix for prefix in prefixes if f" {prefix}" not in body and f"^^{prefix}" not in body] == []
