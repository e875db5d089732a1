"""Measures that continue earlier ones: the statement, and a record of each pair with its evidence and its grade.

A pair that is stated has `prov:wasRevisionOf` (PROV-O) and `dcterms:replaces` on the later measure. A candidate, and
one that a curator has rejected, has a record only, so that the plain properties are always safe to count.
"""

from collections.abc import Iterable
from decimal import Decimal

from kg.core import iris
from kg.model.linked_records import Revision
from kg.rdf.graph_builder import Graph
from kg.rdf.vocabulary_graph import describe_row, describe_source
from kg.recipe.revision_judgements import TABLE

_STATED = ("prov:wasRevisionOf", "dcterms:replaces")
_BY_RULE = "semapv:CompositeMatching"


def describe_revisions(graph: Graph, revisions: Iterable[Revision]) -> None:
    """State which measures continue which, and the record of every pair."""
    for found in revisions:
        if found.stated:
            for predicate in _STATED:
                graph.about(found.later).to(predicate, found.earlier)
        record = graph.about(found.iri).a("shisaku:Revision")
        record.to("rdf:subject", found.later).to("rdf:object", found.earlier)
        record.to("rdf:predicate", graph.term(_STATED[0]).value)
        record.to("shisaku:revisionStatus", iris.shared("revision-status", found.status))
        record.to("shisaku:revisionGrade", iris.shared("revision-grade", found.grade))
        record.typed("shisaku:sameNumber", str(found.same_number).lower(), "xsd:boolean")
        record.number("shisaku:titleSimilarity", Decimal(str(found.similarity)))
        record.to("shisaku:sharedKpi", *found.kpis)
        _origin(graph, found)


def _origin(graph: Graph, found: Revision) -> None:
    """State whose judgement it is: a curator's row, or the rule, which `revises` of the source asks for."""
    record, row = graph.about(found.iri), found.row
    justification = row["mapping_justification"] if row else _BY_RULE
    record.to("sssom:mapping_justification", graph.term(justification).value)
    if row is None:
        record.to("prov:wasDerivedFrom", describe_source(graph, found.edition))
        return
    record.number("sssom:confidence", Decimal(row["confidence"])).text("rdfs:comment", row["comment"], "en")
    record.text("dc:creator", row["author_label"]).typed("dcterms:created", row["mapping_date"], "xsd:date")
    key = iris.slug(f"{found.later} {found.earlier}")
    record.to("prov:wasDerivedFrom", describe_row(graph, TABLE, key, row.line))
