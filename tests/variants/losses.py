"""What a release keeps of a document, by the graph alone: every printed character and its place."""

from pathlib import Path

import pyoxigraph

DEF = "https://w3id.org/shisaku/def#"


def cells(folder: Path) -> list[tuple[int, int, str]]:
    """Start, end and printed text of every source cell that has a text."""
    store = pyoxigraph.Store()
    store.bulk_load(path=folder / "graph.ttl", format=pyoxigraph.RdfFormat.TURTLE)
    query = f"""PREFIX s: <{DEF}> SELECT ?start ?end ?text {{
        ?cell a s:SourceCell ; s:start ?start ; s:end ?end ; s:printedText ?text }}"""
    rows = store.query(query)
    assert isinstance(rows, pyoxigraph.QuerySolutions)
    return [(int(row["start"].value), int(row["end"].value), row["text"].value) for row in rows]


def losses(document: str, folder: Path) -> list[str]:
    """Cells that are not verbatim, and characters (other than white space) that no cell keeps."""
    problems = []
    kept = bytearray(len(document))
    for start, end, text in cells(folder):
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
