"""Links to other data sets: the statements, a record of each, and their description by VoID linksets.

A published link is stated, and its record says on what it rests. A candidate has a record only: its triple is stated
nowhere, so that no query meets it by chance. Records use SSSOM's terms where the RDF of SSSOM has them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b

from kg.core import iris
from kg.model.records import Link
from kg.model.reference_data import SOURCE
from kg.rdf.csv_tables import Table
from kg.rdf.graph_builder import Graph
from kg.rdf.vocabulary_graph import describe_row, describe_source
from kg.recipe.links import LinkTarget

PUBLISHED = "published"


def describe_links(graph: Graph, links: Iterable[Link]) -> None:
    """State the published links, and a record of every link and candidate."""
    for link in links:
        said = link.said
        published = link.status == PUBLISHED
        if published:
            graph.about(link.subject).to(said.predicate, link.object)
        record = graph.about(link.iri).a("shisaku:Link" if published else "shisaku:LinkCandidate")
        record.to("rdf:subject", link.subject).to("rdf:predicate", graph.term(said.predicate).value)
        record.to("rdf:object", link.object)
        record.to("shisaku:linkStatus", "" if published else iris.shared("link-status", link.status))
        record.to("sssom:object_source", iris.shared("link-target", said.target.key))
        record.to("sssom:mapping_justification", graph.term(said.justification).value)
        record.number("sssom:confidence", Decimal(said.confidence)).text("rdfs:comment", said.comment, "en")
        record.text("dc:creator", said.author).typed("dcterms:created", said.date, "xsd:date")
        for table, key, line in link.sources:
            row = describe_source(graph, key) if table == SOURCE else describe_row(graph, table, key, line)
            record.to("prov:wasDerivedFrom", row)


@dataclass
class _Linkset:
    """What is counted of the links to one target."""

    triples: int = 0
    subjects: int = 0
    predicates: set[str] = field(default_factory=set)
    objects: set[int] = field(default_factory=set)  # by their hashes: there may be many
    before: str = ""

    def add(self, subject: str, predicate: str, thing: str) -> None:
        self.triples += 1
        self.subjects += subject != self.before
        self.before = subject
        self.predicates.add(predicate)
        self.objects.add(int.from_bytes(blake2b(thing.encode(), digest_size=8).digest()))


def describe_linksets(graph: Graph, dataset: str, links: Table, targets: Iterable[LinkTarget]) -> None:
    """State a VoID linkset for each target of published links: predicates, counts and how the links were made.

    VoID, section 5: https://www.w3.org/TR/void/#linkset. A target of which nothing is published has no linkset. The
    rows of the table are in the order of their subjects, and each link stands once.
    """
    known, found = {target.key: target for target in targets}, dict[str, _Linkset]()
    for row in (dict(zip(links.columns, values, strict=True)) for values in links.rows):
        if row["status"] == PUBLISHED:
            linkset = found.setdefault(row["target"], _Linkset())
            linkset.add(row["subject_id"], row["predicate_id"], row["object_id"])
    for key, counted in sorted(found.items()):
        target = known[key]
        linkset_iri = f"{dataset.partition('#')[0]}#links-{key}"
        graph.about(dataset).to("void:subset", linkset_iri)
        about = graph.about(linkset_iri).a("void:Linkset").to("void:subjectsTarget", dataset)
        about.to("void:objectsTarget", _target(graph, target))
        about.to("void:linkPredicate", *sorted(graph.term(name).value for name in counted.predicates))
        about.number("void:triples", counted.triples).number("void:distinctSubjects", counted.subjects)
        about.number("void:distinctObjects", len(counted.objects))
        about.text("dcterms:title", target.label_ja, "ja").text("dcterms:title", target.label_en, "en")
        about.text("dcterms:description", target.method_ja, "ja").text("dcterms:description", target.method_en, "en")


def _target(graph: Graph, target: LinkTarget) -> str:
    """State the data set that links lead to, and return its IRI."""
    iri = iris.shared("link-target", target.key)
    about = graph.about(iri).a("void:Dataset").text("dcterms:title", target.label_ja, "ja")
    about.text("dcterms:title", target.label_en, "en").text("void:uriSpace", target.space)
    about.to("foaf:homepage", target.homepage)
    return iri
