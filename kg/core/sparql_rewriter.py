"""A query written in another way that means the same, for engines that would answer it otherwise.

The texts are valid queries: an engine has read them before.
"""

import re
from dataclasses import dataclass

from kg.core.sparql_scanner import CODEPOINT, ESCAPED, GAP, IRI, LOCAL, PIECE, body_of, character, resolved

# A clause of the dataset (section 13.2), between all that can hold its words without meaning them. A name needs a gap
# before it: `from:x` is a name itself.
_APART = rf"(?:{GAP}++|(?=<))"
_CLAUSE = re.compile(
    rf"(?<![\w.-])FROM{_APART}(?P<named>NAMED{_APART})?"
    rf"(?:<(?P<iri>[^>]*)>|(?P<prefix>[^\s:<>{{}}()]*):(?P<local>(?:{LOCAL}|\.++(?={LOCAL}))*+))"
    rf"|{IRI.pattern}|{PIECE.pattern}",
    re.IGNORECASE | re.DOTALL,
)
_DECLARATION = re.compile(
    rf"(?:PREFIX\s*+(?P<prefix>[^\s:<>]*):|BASE){GAP}*+<(?P<iri>[^>]*)>|#[^\n\r]*+", re.IGNORECASE
)

# A variable with its values; and one that a path of any length begins with (section 9.1). Both between all that can
# hold such words without meaning them.
_NAME = rf"<[^<>]*>|[\w.-]*:(?:{LOCAL}|\.++(?={LOCAL}))*+"
_VALUES = re.compile(
    rf"VALUES{GAP}*+(?P<variable>[?$]\w+){GAP}*+\{{{GAP}*+(?P<value>{_NAME}){GAP}*+(?P<more>[^}}])?"
    rf"|{IRI.pattern}|{PIECE.pattern}",
    re.IGNORECASE | re.DOTALL,
)
_LONG_PATH = re.compile(
    rf"(?P<variable>[?$]\w+)(?:{GAP}|[()^!|/?]|(?:{_NAME})|a(?!\w))++[*+]|{IRI.pattern}|{PIECE.pattern}",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Dataset:
    """The graphs that a query is about (section 13.2): those that its patterns see, and those that GRAPH can name."""

    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def without_dataset(query: str, base: str) -> tuple[str, Dataset]:
    """Return a valid query without its FROM clauses, and the graphs that stood in them, in full.

    A relative IRI is read against `base`, or the base that the query declares.
    """
    body, prefixes = body_of(query), dict[str, str]()
    for declared in _DECLARATION.finditer(query, 0, body):
        if declared["prefix"] is not None:
            prefixes[declared["prefix"]] = declared["iri"]
        elif declared["iri"] is not None:
            base = resolved(declared["iri"], base)
    default, named, kept, end = list[str](), list[str](), list[str](), 0
    for clause in _CLAUSE.finditer(query, body):
        if clause["iri"] is not None:
            iri = CODEPOINT.sub(character, clause["iri"])
        elif clause["local"] is not None:
            iri = prefixes.get(clause["prefix"], "") + ESCAPED.sub(r"\1", clause["local"])
        else:
            continue
        (named if clause["named"] else default).append(resolved(iri, base))
        kept.append(query[end : clause.start()])
        end = clause.end()
    return "".join((*kept, query[end:])), Dataset(tuple(default), tuple(named))


def begins_paths_with_several(query: str) -> bool:
    """Whether a path of any length begins with a variable that has several values by VALUES."""
    paths = _beginning_paths(query)
    return any(found["more"] and found["variable"] in paths for found in _VALUES.finditer(query))


def with_equations(query: str) -> str:
    """Return a query with `FILTER(?x = <iri>)` behind each `VALUES ?x { <iri> }` of a variable that begins a long path.

    No query can have a FILTER behind the VALUES that stand after its WHERE clause: of such a query this makes none.
    """
    paths, kept, end = _beginning_paths(query), list[str](), 0
    for found in _VALUES.finditer(query):
        if found["variable"] in paths and not found["more"]:
            close = query.index("}", found.end()) + 1
            kept += query[end:close], f" FILTER({found['variable']} = {found['value']})"
            end = close
    return "".join((*kept, query[end:]))


def _beginning_paths(query: str) -> set[str]:
    return {found["variable"] for found in _LONG_PATH.finditer(query) if found["variable"]}
