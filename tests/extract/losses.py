"""What is kept of a document, by its graph alone: every printed character and its place."""

from collections import defaultdict

from pyoxigraph import RdfFormat, parse

from kg.builder.document_reader import Tables

DEF = "https://w3id.org/shisaku/def#"


def cells(graph: bytes) -> list[tuple[int, int, str]]:
    """Start, end and printed text of every source cell that has a text."""
    words = (f"{DEF}start", f"{DEF}end", f"{DEF}printedText")
    said: dict[str, dict[str, str]] = defaultdict(dict)
    kinds = set()
    for quad in parse(graph, format=RdfFormat.N_TRIPLES):
        if quad.predicate.value in words:
            said[quad.subject.value][quad.predicate.value] = quad.object.value
        elif quad.object.value == f"{DEF}SourceCell":
            kinds.add(quad.subject.value)
    found = [[about[word] for word in words] for iri, about in said.items() if iri in kinds and words[2] in about]
    return [(int(start), int(end), text) for start, end, text in found]


def losses(document: str, tables: Tables) -> list[str]:
    """Cells that are not verbatim, and characters (other than white space) that no cell keeps."""
    problems = []
    kept = bytearray(len(document))
    for start, end, text in cells(tables.n_triples()):
        if document[start:end] != text:
            problems.append(f"[{start}:{end}] is printed {document[start:end]!r}, kept {text!r}")
        kept[start:end] = b"\1" * (end - start)
    lost = [
        at
        for at, character in enumerate(document)
        if not kept[at] and not character.isspace() and character != "\ufeff"
    ]
    if lost:
        line = document.count("\n", 0, lost[0]) + 1
        problems.append(f"{len(lost)} characters lost, first in line {line}: {document[lost[0] : lost[0] + 60]!r}")
    return problems


def printed_support(tables: Tables) -> list[str]:
    """The texts of support, in the order of their measures."""
    quads = parse(tables.n_triples(), format=RdfFormat.N_TRIPLES)
    said = {quad.subject.value: quad.object.value for quad in quads if quad.predicate.value == f"{DEF}municipalSupport"}
    return [said[row["iri"]] for row in tables["measures"] if row["iri"] in said]


def noted(tables: Tables, row: dict[str, str]) -> list[str]:
    """The notes on the budget of a measure, sorted."""
    quads = parse(tables.n_triples(), format=RdfFormat.N_TRIPLES)
    return sorted(
        quad.object.value
        for quad in quads
        if quad.predicate.value == f"{DEF}budgetNote" and quad.subject.value == row["iri"]
    )
