"""What is written in a query as another language has it: SQL, Turtle, JavaScript, or an address as such.

Each function returns the mistake that it finds, with its place and, where there is one way only, the query mended. They
get the query and the same with its texts, comments and IRIs blanked, in which nothing is a mistake.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kg.core import sparql_scanner

# Strings, comments and IRIs: what stands in them is no mistake.
OPAQUE = re.compile(
    r'"""(?:"{0,2}(?:[^"\\]|\\.))*+"""'
    r"|'''(?:'{0,2}(?:[^'\\]|\\.))*+'''"
    r'|"(?:[^"\\\n\r]|\\.)*+"'
    r"|'(?:[^'\\\n\r]|\\.)*+'"
    rf"|#[^\n\r]*+|{sparql_scanner.IRI.pattern}",
    re.DOTALL,
)
# What SELECT returns; what stands after ORDER BY and GROUP BY.
PROJECTION = re.compile(r"(?<![\w?$:])SELECT\b([^{}]*?)(?=\bWHERE\b|\bFROM\b|\{)", re.IGNORECASE)
_ORDERED = re.compile(
    r"(?<![\w?$:])(?:ORDER|GROUP)\s+BY\b([^{}]*?)(?=\b(?:HAVING|ORDER|LIMIT|OFFSET|VALUES)\b|\}|\Z)", re.IGNORECASE
)
_WITHIN = r"(?<![\w?$:])(?P<sign>{})(?![\w:])"
_OPERATORS = (
    (re.compile(r"(?P<sign>==)"), "="),
    (re.compile(r"[?$]\w+\s*(?P<sign>__)(?!_)(?=\s*[\w?$(])"), "!="),  # <> reads as an empty IRI, which is blanked
    (re.compile(_WITHIN.format("AND"), re.IGNORECASE), "&&"),
    (re.compile(_WITHIN.format("OR"), re.IGNORECASE), "||"),
    (re.compile(r"\}\s*(?P<sign>;)\s*\Z"), ""),
)
_BARE = re.compile(r"https?://[^\s<>\"{}|^`\\]*")
_NO_COLON = re.compile(r"(?<![\w?$:])PREFIX\s+(?P<prefix>[A-Za-z][\w.-]*)(?P<at>)\s*(?=_)", re.IGNORECASE)
_OF_TURTLE = re.compile(r"@(?:prefix|base)\b", re.IGNORECASE)
_COMMENT = re.compile(r"(?:(?<=\s)|\A)(?P<sign>--|//|/\*)(?=[\s\w]|\Z)")
_NO_VARIABLE = re.compile(r"\bAS\s+(?P<name>[^\W\d]\w*)(?![\w:])", re.IGNORECASE)
_DIRECTION = re.compile(
    r"(?P<after>[?$]\w+)\s+(?P<way>ASC|DESC)\b(?!\s*\()|(?<![\w?$:])(?P<first>ASC|DESC)\s*(?P<before>[?$]\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mistake:
    """What is wrong: in both languages, with line and column (from 1) where they are known, and the query mended.

    `expected` are words or marks that could stand there.
    """

    text: tuple[str, str]
    line: int = 0
    column: int = 0
    expected: tuple[str, ...] = ()
    mended: str = ""


def bare_iri(query: str, plain: str) -> Mistake | None:
    """Return that an address stands without its brackets, or with a space before the last one."""
    for found in _BARE.finditer(query):
        start, end = found.span()
        if plain[start] == "_" and plain[start - 1 : start] in ("_", ""):
            continue  # within an IRI, a text or a comment
        if query[start - 1 : start] == "<":
            text = ("IRIの中に空白は書けません。", "No space may stand in an IRI, between < and >.")
            spaced = re.compile(r"[ \t]+>").match(query, end)
            mended = query[:end] + query[spaced.end() - 1 :] if spaced else ""
            return Mistake(text, *place(query, end), mended=mended)
        iri = found[0].rstrip(".,;)")
        text = (f"IRIは < と > で囲みます: <{iri}>", f"An IRI stands between < and >: <{iri}>")
        mended = f"{query[:start]}<{iri}>{query[start + len(iri) :]}"
        return Mistake(text, *place(query, start), mended=mended)
    return None


def prologue(query: str, plain: str) -> Mistake | None:
    """Return that a prefix is declared as Turtle does it, without its colon, or with a mark behind it."""
    if found := _OF_TURTLE.search(plain):
        text = (
            "SPARQL では @ も末尾の点も付けず、PREFIX skos: <…> と書きます。",
            "SPARQL writes PREFIX skos: <…>, without @ and without a dot behind it.",
        )
        return Mistake(text, *place(query, found.start()))
    if found := _NO_COLON.search(plain):
        text = (
            f"接頭辞の後にはコロンを書きます: PREFIX {found['prefix']}: <…>",
            f"Behind the prefix stands a colon: PREFIX {found['prefix']}: <…>",
        )
        at = found.start("at")
        return Mistake(text, *place(query, at), mended=f"{query[:at]}:{query[at:]}")
    start = sparql_scanner.body_of(query)
    if start and query[start : start + 1] in (";", ".", ","):
        sign = query[start]
        text = (f"PREFIX の行の後に {sign} は書きません。", f"Behind a line of PREFIX stands no {sign}")
        return Mistake(text, *place(query, start), mended=query[:start] + query[start + 1 :])
    return None


def comment(query: str, plain: str) -> Mistake | None:
    """Return that a comment of another language stands in a query."""
    found = _COMMENT.search(plain)
    if not found:
        return None
    text = (f"注釈は {found['sign']} ではなく # で始めます。", f"A comment begins with #, not with {found['sign']}.")
    start, end = found.span("sign")
    mended = "" if found["sign"] == "/*" else f"{query[:start]}#{query[end:]}"
    return Mistake(text, *place(query, start), mended=mended)


def unmarked(query: str, plain: str) -> Mistake | None:
    """Return that what AS names is no variable."""
    found = _NO_VARIABLE.search(plain)
    if not found:
        return None
    name, start = found["name"], found.start("name")
    text = (f"AS の後には変数を書きます: AS ?{name}", f"Behind AS stands a variable: AS ?{name}")
    return Mistake(text, *place(query, start), mended=f"{query[:start]}?{query[start:]}")


def order(query: str, plain: str) -> Mistake | None:
    """Return that the direction of an order stands behind its variable, or without parentheses."""
    for start, end in (found.span(1) for found in _ORDERED.finditer(plain)):
        if found := _DIRECTION.search(plain, start, end):
            meant = f"{(found['way'] or found['first']).upper()}({found['after'] or found['before']})"
            text = (f"並べる向きは {meant} と書きます。", f"The direction of an order is written {meant}.")
            mended = query[: found.start()] + meant + query[found.end() :]
            return Mistake(text, *place(query, found.start()), mended=mended)
    return None


def comma(query: str, plain: str) -> Mistake | None:
    """Return that commas stand between variables, as in SQL."""
    clauses = [found.span(1) for pattern in (PROJECTION, _ORDERED) for found in pattern.finditer(plain)]
    commas = [place for start, end in clauses for place in outside(plain, start, end) if plain[place] == ","]
    if not commas:
        return None
    text = ("変数の間にコンマは書きません。空白で区切ります。", "Between variables stands a space, not a comma.")
    mended = "".join("" if place in commas else char for place, char in enumerate(query))
    return Mistake(text, *place(query, commas[0]), mended=mended)


def operator(query: str, plain: str) -> Mistake | None:
    """Return that an operator of another language stands in an expression."""
    for pattern, instead in _OPERATORS:
        for found in pattern.finditer(plain):
            start, end = found.span("sign")
            sign = query[start:end]
            if plain[start:end] != sign and sign != "<>":
                continue  # a text or an IRI
            text = (f"{sign} ではなく {instead} と書きます。", f"SPARQL writes {instead}, not {sign}.")
            if not instead:
                text = (f"質問の最後に {sign} は書きません。", f"A query does not end in {sign}")
            return Mistake(text, *place(query, start), mended=f"{query[:start]}{instead}{query[end:]}")
    return None


def outside(plain: str, start: int, end: int) -> Iterator[int]:
    """Yield the places of a stretch that stand in no parentheses."""
    depth = 0
    for place in range(start, end):
        depth -= plain[place] == ")"
        if depth == 0:
            yield place
        depth += plain[place] == "("


def place(query: str, start: int) -> tuple[int, int]:
    """Return line and column of a place, each from 1."""
    return query.count("\n", 0, start) + 1, start - query.rfind("\n", 0, start)
