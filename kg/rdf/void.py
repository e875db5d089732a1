"""What the graph holds, counted: a VoID description with class and property partitions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from kg.core.iris import ID, PREFIXES
from kg.rdf.graph_builder import Graph, Subject
from kg.rdf.graph_profiler import Contents, Used


def describe_contents(graph: Graph, dataset: str, contents: Contents) -> None:
    """State what was counted, as a description of the dataset; its parts are named beside it."""
    by_class: dict[str, dict[str, Used]] = defaultdict(dict)
    for (kind, name), used in contents.uses.items():
        by_class[kind][name] = used
    whole, members = by_class.pop(""), contents.members
    subject = graph.about(dataset).a("void:Dataset").number("void:triples", contents.triples)
    subject.number("void:entities", contents.entities)
    subject.number("void:classes", len(members)).number("void:properties", len(whole))
    subject.to("void:vocabulary", *_vocabularies(whole, members)).text("void:uriSpace", ID)
    subject.number("void:distinctSubjects", contents.subjects).number("void:distinctObjects", contents.values)
    base = dataset.partition("#")[0]
    _properties(graph, subject, f"{base}#", whole)
    for name, entities in sorted(members.items()):
        part, uses = f"{base}#{_short(name)}", by_class[name]
        subject.to("void:classPartition", part)
        about = graph.about(part).a("void:Dataset").to("void:class", name).number("void:entities", entities)
        about.number("void:triples", sum(use.triples for use in uses.values()))
        _properties(graph, about, f"{part}.", uses)


def _properties(graph: Graph, subject: Subject, start: str, uses: Mapping[str, Used]) -> None:
    for name, use in sorted(uses.items()):
        part = start + _short(name)
        subject.to("void:propertyPartition", part)
        about = graph.about(part).a("void:Dataset").to("void:property", name).number("void:triples", use.triples)
        about.number("void:distinctSubjects", use.subjects).number("void:distinctObjects", use.values)
        for kind, triples in sorted(use.classes.items()):
            about.to("void:classPartition", f"{part}.{_short(kind)}")
            values = graph.about(f"{part}.{_short(kind)}").a("void:Dataset").to("void:class", kind)
            values.number("void:triples", triples)
        for kind, triples in sorted(use.datatypes.items()):
            about.to("void-ext:datatypePartition", f"{part}.{_short(kind)}")
            values = graph.about(f"{part}.{_short(kind)}").a("void:Dataset").to("void-ext:datatype", kind)
            values.number("void:triples", triples)


def _vocabularies(*used: Iterable[str]) -> list[str]:
    namespaces = {iri[: max(iri.rfind("#"), iri.rfind("/")) + 1] for iris in used for iri in iris}
    return sorted(namespaces)


def _short(iri: str) -> str:
    """Return a name for an IRI that can stand in a fragment: `skos.Concept`."""
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}.{quote(iri.removeprefix(namespace), safe='')}"
    return quote(iri, safe="")
