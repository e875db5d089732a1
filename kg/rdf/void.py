"""What the graph holds, counted: a VoID description with class and property partitions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, Triple

from kg.jsonld import Row, Value, rows_of
from kg.names import ID, PREFIXES
from kg.rdf.graph import Graph, Subject

_TYPE = PREFIXES["rdf"] + "type"


@dataclass
class _Use:
    """How a property is used: its triples, how many subjects have it, its values and the kinds of them."""

    triples: int = 0
    subjects: int = 0
    objects: set[Value] = field(default_factory=set)
    classes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    datatypes: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def describe_contents(graph: Graph, dataset: str, statements: Sequence[Triple]) -> None:
    """State what the sorted statements hold, as a description of the dataset; its parts are named beside it."""
    rows = rows_of(statements)
    types = _types(rows)
    whole, by_class = _count(rows, types)
    members: Counter[str] = Counter(name for names in types.values() for name in names)
    subjects = [subject for subject, _ in groupby(rows, key=itemgetter(0))]
    subject = graph.about(dataset).a("void:Dataset").number("void:triples", len(statements))
    subject.number("void:entities", sum(1 for name in subjects if name.startswith(ID)))
    subject.number("void:classes", len(members)).number("void:properties", len(whole))
    subject.to("void:vocabulary", *_vocabularies(whole, members)).text("void:uriSpace", ID)
    subject.number("void:distinctSubjects", len(subjects))
    subject.number("void:distinctObjects", len(set().union(*(use.objects for use in whole.values()))))
    base = dataset.partition("#")[0]
    _properties(graph, subject, f"{base}#", whole)
    for name, entities in sorted(members.items()):
        part, uses = f"{base}#{_short(name)}", by_class[name]
        subject.to("void:classPartition", part)
        about = graph.about(part).a("void:Dataset").to("void:class", name).number("void:entities", entities)
        about.number("void:triples", sum(use.triples for use in uses.values()))
        _properties(graph, about, f"{part}.", uses)


def _types(rows: Iterable[Row]) -> dict[str, list[str]]:
    types: dict[str, list[str]] = defaultdict(list)
    for subject, predicate, value in rows:
        if predicate == _TYPE and isinstance(value, NamedNode):
            types[subject].append(value.value)
    return types


def _count(rows: Iterable[Row], types: Mapping[str, list[str]]) -> tuple[dict[str, _Use], dict[str, dict[str, _Use]]]:
    """Return the use of each property, in the whole and by the class of the subject."""
    whole: dict[str, _Use] = defaultdict(_Use)
    by_class: dict[str, dict[str, _Use]] = defaultdict(lambda: defaultdict(_Use))
    for subject, about in groupby(rows, key=itemgetter(0)):
        kinds = types.get(subject, ())
        for name, stated in groupby(about, key=itemgetter(1)):
            values = [value for _, _, value in stated]
            for use in (whole[name], *(by_class[kind][name] for kind in kinds)):
                use.triples += len(values)
                use.subjects += 1
                use.objects.update(values)
                for value in values:
                    if isinstance(value, Literal):
                        use.datatypes[value.datatype.value] += 1
                    else:
                        for kind in types.get(value.value, ()):
                            use.classes[kind] += 1
    return whole, by_class


def _properties(graph: Graph, subject: Subject, start: str, uses: Mapping[str, _Use]) -> None:
    for name, use in sorted(uses.items()):
        part = start + _short(name)
        subject.to("void:propertyPartition", part)
        about = graph.about(part).a("void:Dataset").to("void:property", name).number("void:triples", use.triples)
        about.number("void:distinctSubjects", use.subjects).number("void:distinctObjects", len(use.objects))
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
