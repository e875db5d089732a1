"""SPARQL scanner: properties of a query's text before an engine parses it, and rewriting of valid queries.

The scanner detects updates, SERVICE calls, nesting and volatile functions in any text. The rewriting functions
(`without_dataset`, `with_equations` …) expect a valid query, and return one with the same meaning.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

_UPDATES = {"ADD", "CLEAR", "COPY", "CREATE", "DELETE", "DROP", "INSERT", "LOAD", "MOVE", "WITH"}
GAP = r"(?:[\s\uFEFF]|#[^\n\r]*+)"
_PROLOGUE = re.compile(rf"{GAP}*+(?:(?:BASE|PREFIX\s*+[^\s:<>]*:){GAP}*+<[^>]*>{GAP}*+)*", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+")
CODEPOINT = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")

# `SERVICE [SILENT] <iri> | ?variable | prefixed:name {`. The engine requires no space between these words.
# Possessive quantifiers (`*+`) prevent excessive backtracking on hostile text.
_CALL = re.compile(
    rf"SERVICE{GAP}*+(?:SILENT{GAP}*+)?(?P<target><[^<>]*>|(?:[^\s<>\"{{}}#\\]|\\.)++){GAP}*+(?P<group>\{{)?",
    re.IGNORECASE | re.DOTALL,
)
_VOLATILE = ("NOW", "RAND", "UUID", "BNODE", "SERVICE")
_VOLATILE_CALL = re.compile(rf"(?:NOW|RAND|UUID|BNODE){GAP}*+\(|SERVICE", re.IGNORECASE)
IRI = re.compile(r"<(?:[^<>\"{}|^`\\\x00-\x20]|\\[uU])*>")
_ABSOLUTE = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*://")
# Text that cannot contain a keyword: strings, comments, variables, language tags, the part of a prefixed name after
# its colon, an escaped character of it, and the name of a graph (`GRAPH service:x {` is not a call).
PIECE = re.compile(
    r'"""(?:"{0,2}(?:[^"\\]|\\.))*+"""'
    r"|'''(?:'{0,2}(?:[^'\\]|\\.))*+'''"
    r'|"(?:[^"\\\n\r]|\\.)*+"'
    r"|'(?:[^'\\\n\r]|\\.)*+'"
    r"|#[^\n\r]*+"
    r"|[?$]\w+"
    r"|@[A-Za-z0-9-]+"
    r"|:(?:[\w:-]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%])++"
    r"|\\."
    rf"|(?<!\w)GRAPH{GAP}++[\w.-]*+(?=:)",
    re.IGNORECASE | re.DOTALL,
)

# IRIs in angle brackets; the alternatives skip text in which the same characters have another meaning.
_TOKEN = re.compile(rf"(?P<iri>{IRI.pattern})|{PIECE.pattern}", re.IGNORECASE | re.DOTALL)

# Names and the declarations of their prefixes. A dot belongs to a name only if more of the name follows.
LOCAL = r"(?:[\w:-]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%])"
ESCAPED = re.compile(r"\\(.)")
_NAMED = re.compile(
    rf"(?<!\w)PREFIX{GAP}*+(?P<prefix>[^\s:<>]*):{GAP}*+<(?P<namespace>[^>]*)(?P<declared>>)"
    rf"|(?P<base>(?<!\w)BASE{GAP}*+<[^>]*>)|(?P<iri>{IRI.pattern})"
    rf"|(?P<name>(?<![\w.-])(?:[^\W\d_](?:[\w.-]*[\w-])?)?:(?:{LOCAL}|\.++(?={LOCAL}))*+)|{PIECE.pattern}",
    re.IGNORECASE | re.DOTALL,
)

# Brackets and prefix operators, which nest; the alternatives skip text in which these have another meaning.
_MARK = re.compile(
    rf"(?P<open>[{{(\[])|(?P<close>[}})\]])|(?P<signs>(?:[!^+-]{GAP}*+)++)|(?P<union>(?<!\w)UNION(?!\w))"
    rf"|{IRI.pattern}|{PIECE.pattern}",
    re.IGNORECASE | re.DOTALL,
)

# Syntax that creates blank nodes in a template, reifiers of triple terms included, and the brackets around it.
_TEMPLATE = re.compile(
    rf"(?P<blank>_:|\[|\(|<<|\{{\|)|(?P<open>\{{)|(?P<close>\}})|{IRI.pattern}|{PIECE.pattern}",
    re.IGNORECASE | re.DOTALL,
)


def prologue_end(query: str) -> int:
    """Return the offset of the query after its prologue: comments, BASE and PREFIX (SPARQL 1.1, section 4.1)."""
    prologue = _PROLOGUE.match(query)
    return prologue.end() if prologue else 0


def operation(query: str) -> str:
    """Return the first word after the prologue in capitals: `SELECT`, `ASK`, `INSERT` …; empty if there is none."""
    word = _WORD.match(query, prologue_end(query))
    return word[0].upper() if word else ""


def is_update(query: str) -> bool:
    """True if the text is an update request."""
    return operation(query) in _UPDATES


def is_volatile(query: str) -> bool:
    """True if two answers to the same query can differ: by time, by random values, or by another endpoint.

    The blank nodes of a template differ each time, too (SPARQL 1.1, 16.2.1). A query with such a word in a string only
    may be reported as well, which merely costs time.
    """
    capitals = query.upper()
    if "\\U" in capitals or _makes_blank_nodes(query):
        return True
    # fast path: most queries contain none of the words
    return any(word in capitals for word in _VOLATILE) and bool(_VOLATILE_CALL.search(query))


def _makes_blank_nodes(query: str) -> bool:
    """True if a CONSTRUCT has blank nodes in its template, which are new ones in each answer.

    In the short form, without a template of its own, the pattern is the template (SPARQL 1.1, 16.2.4).
    """
    if operation(query) != "CONSTRUCT" or not any(mark in query for mark in ("[", "_:", "(", "<<", "{|")):
        return False
    level = 0
    for mark in _TEMPLATE.finditer(query, prologue_end(query)):
        if mark["open"]:
            level += 1
        elif mark["close"]:
            level -= 1
            if level == 0:
                return False
        elif mark["blank"] and level:
            return True
    return False


def calls_service(query: str) -> bool:
    """True if the text calls SERVICE in any of its possible readings."""
    return bool(services(query))


def services(query: str) -> set[str]:
    """Return the targets of SERVICE calls as written: `<iri>`, `?variable` or `prefixed:name`.

    The engine cannot be configured to refuse SERVICE, so this must never miss a call. The text is scanned twice, as
    written and with codepoint escapes resolved, because engines differ in where they allow these.
    """
    if "service" not in query.lower() and "\\" not in query:
        return set()
    return {target for text in {query, CODEPOINT.sub(character, query)} for target, _ in _calls(text)}


def with_services(query: str, replacements: Mapping[str, str]) -> str:
    """Return a query with the IRIs of SERVICE calls replaced according to `replacements`; other calls are unchanged."""
    if "service" not in query.lower():
        return query
    places = {place for _, place in _calls(query)}
    for start, end in sorted(places, reverse=True):
        iri = query[start + 1 : end - 1]
        if query[start:end] == f"<{iri}>" and iri in replacements:
            query = f"{query[:start]}<{replacements[iri]}>{query[end:]}"
    return query


def with_iris(query: str, named: Callable[[str], str]) -> str:
    """Return a query in which each IRI in angle brackets is replaced by the result of `named`."""
    return _TOKEN.sub(lambda token: f"<{named(token[0][1:-1])}>" if token["iri"] else token[0], query)


def nests_deeper(query: str, levels: int) -> bool:
    """True if the brackets and prefix operators of a query are nested deeper than `levels`.

    Engines parse nesting by recursion and crash on a stack overflow, so this is checked before parsing.
    """
    if sum(map(query.count, "{([!^+-")) <= levels:
        return False
    level = 0
    for mark in _MARK.finditer(query):
        kind = mark.lastgroup
        if kind == "open":
            level += 1
        elif kind == "close":
            level -= 1
        signs = sum(map(mark[0].count, "!^+-")) if kind == "signs" else 0
        if level + signs > levels:
            return True
    return False


def has_more_unions(query: str, number: int) -> bool:
    """True if a query has more than `number` UNIONs; engines parse a chain of them by recursion, too."""
    if query.upper().count("UNION") <= number:
        return False
    return sum(mark.lastgroup == "union" for mark in _MARK.finditer(query)) > number


def character(escape: re.Match[str]) -> str:
    """Return the character of a codepoint escape; the escape itself if it is invalid (section 19.2)."""
    number = int(escape[1] or escape[2], 16)
    return chr(number) if number <= 0x10FFFF else escape[0]


def _calls(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the targets of calls with their spans, in every reading of the text.

    Each position is visited once; text that exceeds the work limit is reported as a call of an unknown target.
    """
    ahead, seen, patience = [0], set[int](), 20 * len(text)
    while ahead:
        position = ahead.pop()
        if position in seen or position >= len(text):
            continue
        seen.add(position)
        call = _CALL.match(text, position)
        if call:
            patience -= call.end() - position
            if call["group"]:
                yield call["target"], call.span("target")
            if patience < 0:
                yield "", (0, 0)
                return
        ahead.extend(_steps(text, position))


def _steps(text: str, position: int) -> Iterator[int]:
    """Yield the offsets at which the next token can begin.

    After `<` there can be two readings: in `?a<'x>y'` the engine sees "less than" and a string where another reader
    sees an IRI `<'x>`. An IRI with `://` has one reading only, since no expression holds two slashes in a row.
    """
    if text[position] == "<":
        iri = IRI.match(text, position)
        if iri:
            yield iri.end()
        if not (iri and _ABSOLUTE.match(text, position)):
            yield position + 1
    else:
        piece = PIECE.match(text, position)
        yield piece.end() if piece else position + 1


@dataclass(frozen=True)
class Name:
    """Name in a query: as written (`skos:prefLabel` or `<…>`), its IRI, and its offset.

    The IRI is empty if the prefix is not declared.
    """

    written: str
    iri: str
    start: int


def names(query: str) -> Iterator[Name]:
    """Yield the prefixed names and the IRIs of a query in order, without those of the prologue."""
    declared = dict[str, str]()
    for token in _NAMED.finditer(query):
        kind = token.lastgroup
        if kind == "declared":
            declared[token["prefix"]] = token["namespace"]
        elif kind == "iri":
            yield Name(token[0], token[0][1:-1], token.start())
        elif kind == "name":
            prefix, _, local = token["name"].partition(":")
            namespace = declared.get(prefix)
            iri = "" if namespace is None else namespace + ESCAPED.sub(r"\1", local)
            yield Name(token["name"], iri, token.start())


def resolved(iri: str, base: str) -> str:
    """Return an IRI resolved against a base (RFC 3986, 5.2)."""
    try:
        return urljoin(base, iri)
    except ValueError:  # an absolute IRI with an ambiguous host, which is harmless here
        return iri


def unclosed_bracket(query: str) -> int | None:
    """Return the offset of the innermost bracket that is never closed, or None."""
    opened = []
    for mark in _MARK.finditer(query):
        if mark.lastgroup == "open":
            opened.append(mark.start())
        elif mark.lastgroup == "close" and opened:
            opened.pop()
    return opened[-1] if opened else None


# A dataset clause (section 13.2); the alternatives skip text in which its words have another meaning. A prefixed name
# needs a gap before it: `from:x` is a name itself.
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

# A variable with its values, and a variable at the start of a path of any length (section 9.1). The alternatives skip
# text in which such words have another meaning.
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
    """Dataset of a query (section 13.2): its default graphs and its named graphs."""

    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def without_dataset(query: str, base: str) -> tuple[str, Dataset]:
    """Return a valid query without its FROM clauses, and their graphs as absolute IRIs.

    A relative IRI is resolved against `base`, or the base that the query declares.
    """
    body, prefixes = prologue_end(query), dict[str, str]()
    for declared in _DECLARATION.finditer(query, 0, body):
        if declared["prefix"] is not None:
            prefixes[declared["prefix"]] = declared["iri"]
        elif declared["iri"] is not None:
            base = resolved(declared["iri"], base)
    default, named, parts, end = list[str](), list[str](), list[str](), 0
    for clause in _CLAUSE.finditer(query, body):
        if clause["iri"] is not None:
            iri = CODEPOINT.sub(character, clause["iri"])
        elif clause["local"] is not None:
            iri = prefixes.get(clause["prefix"], "") + ESCAPED.sub(r"\1", clause["local"])
        else:
            continue
        (named if clause["named"] else default).append(resolved(iri, base))
        parts.append(query[end : clause.start()])
        end = clause.end()
    return "".join((*parts, query[end:])), Dataset(tuple(default), tuple(named))


def has_path_from_several_values(query: str) -> bool:
    """True if a path of any length starts with a variable that VALUES binds to several values."""
    paths = _beginning_paths(query)
    return any(found["more"] and found["variable"] in paths for found in _VALUES.finditer(query))


def with_equations(query: str) -> str:
    """Return a query with `FILTER(?x = <iri>)` after each `VALUES ?x { <iri> }` of a variable that starts a long path.

    A VALUES clause after the WHERE clause cannot be followed by a FILTER: for such a query the result is invalid.
    """
    paths, parts, end = _beginning_paths(query), list[str](), 0
    for found in _VALUES.finditer(query):
        if found["variable"] in paths and not found["more"]:
            close = query.index("}", found.end()) + 1
            parts += query[end:close], f" FILTER({found['variable']} = {found['value']})"
            end = close
    return "".join((*parts, query[end:]))


def _beginning_paths(query: str) -> set[str]:
    return {found["variable"] for found in _LONG_PATH.finditer(query) if found["variable"]}
