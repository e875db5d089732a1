"""What is wrong with a query, in words and with its place: the engine's own message names what its grammar expects.

Where a query is at fault in one of the usual ways, the way is told and, where there is one way only, the query mended.

What is written in a query as another language has it: SQL, Turtle, JavaScript, or an address as such.

Each function returns the mistake that it finds, with its place and, where there is one way only, the query mended. They
get the query and the same with its texts, comments and IRIs blanked, in which nothing is a mistake.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from kg.core import sparql_scanner
from kg.core.iris import PREFIXES

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
            return Mistake(text, *place_in(query, end), mended=mended)
        iri = found[0].rstrip(".,;)")
        text = (f"IRIは < と > で囲みます: <{iri}>", f"An IRI stands between < and >: <{iri}>")
        mended = f"{query[:start]}<{iri}>{query[start + len(iri) :]}"
        return Mistake(text, *place_in(query, start), mended=mended)
    return None


def prologue(query: str, plain: str) -> Mistake | None:
    """Return that a prefix is declared as Turtle does it, without its colon, or with a mark behind it."""
    if found := _OF_TURTLE.search(plain):
        text = (
            "SPARQL では @ も末尾の点も付けず、PREFIX skos: <…> と書きます。",
            "SPARQL writes PREFIX skos: <…>, without @ and without a dot behind it.",
        )
        return Mistake(text, *place_in(query, found.start()))
    if found := _NO_COLON.search(plain):
        text = (
            f"接頭辞の後にはコロンを書きます: PREFIX {found['prefix']}: <…>",
            f"Behind the prefix stands a colon: PREFIX {found['prefix']}: <…>",
        )
        at = found.start("at")
        return Mistake(text, *place_in(query, at), mended=f"{query[:at]}:{query[at:]}")
    start = sparql_scanner.body_of(query)
    if start and query[start : start + 1] in (";", ".", ","):
        sign = query[start]
        text = (f"PREFIX の行の後に {sign} は書きません。", f"Behind a line of PREFIX stands no {sign}")
        return Mistake(text, *place_in(query, start), mended=query[:start] + query[start + 1 :])
    return None


def comment(query: str, plain: str) -> Mistake | None:
    """Return that a comment of another language stands in a query."""
    found = _COMMENT.search(plain)
    if not found:
        return None
    text = (f"注釈は {found['sign']} ではなく # で始めます。", f"A comment begins with #, not with {found['sign']}.")
    start, end = found.span("sign")
    mended = "" if found["sign"] == "/*" else f"{query[:start]}#{query[end:]}"
    return Mistake(text, *place_in(query, start), mended=mended)


def unmarked(query: str, plain: str) -> Mistake | None:
    """Return that what AS names is no variable."""
    found = _NO_VARIABLE.search(plain)
    if not found:
        return None
    name, start = found["name"], found.start("name")
    text = (f"AS の後には変数を書きます: AS ?{name}", f"Behind AS stands a variable: AS ?{name}")
    return Mistake(text, *place_in(query, start), mended=f"{query[:start]}?{query[start:]}")


def order(query: str, plain: str) -> Mistake | None:
    """Return that the direction of an order stands behind its variable, or without parentheses."""
    for start, end in (found.span(1) for found in _ORDERED.finditer(plain)):
        if found := _DIRECTION.search(plain, start, end):
            meant = f"{(found['way'] or found['first']).upper()}({found['after'] or found['before']})"
            text = (f"並べる向きは {meant} と書きます。", f"The direction of an order is written {meant}.")
            mended = query[: found.start()] + meant + query[found.end() :]
            return Mistake(text, *place_in(query, found.start()), mended=mended)
    return None


def comma(query: str, plain: str) -> Mistake | None:
    """Return that commas stand between variables, as in SQL."""
    clauses = [found.span(1) for pattern in (PROJECTION, _ORDERED) for found in pattern.finditer(plain)]
    commas = [place for start, end in clauses for place in outside(plain, start, end) if plain[place] == ","]
    if not commas:
        return None
    text = ("変数の間にコンマは書きません。空白で区切ります。", "Between variables stands a space, not a comma.")
    mended = "".join("" if place in commas else char for place, char in enumerate(query))
    return Mistake(text, *place_in(query, commas[0]), mended=mended)


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
            return Mistake(text, *place_in(query, start), mended=f"{query[:start]}{instead}{query[end:]}")
    return None


def outside(plain: str, start: int, end: int) -> Iterator[int]:
    """Yield the places of a stretch that stand in no parentheses."""
    depth = 0
    for place in range(start, end):
        depth -= plain[place] == ")"
        if depth == 0:
            yield place
        depth += plain[place] == "("


def place_in(query: str, start: int) -> tuple[int, int]:
    """Return line and column of a place, each from 1."""
    return query.count("\n", 0, start) + 1, start - query.rfind("\n", 0, start)


_PLACE = re.compile(r"error at (\d+):(\d+): (?:expected )?(?:one of )?(.*)", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"')
_FORMS = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
# What the engine says in words of its own, and what that means.
_SAID = {
    "variable that is unbound": (
        "SELECT が返す変数に、グループごとの値がありません。GROUP BY に加えるか、集約関数に入れてください。",
        "SELECT returns a variable that has no value for each group. Add it to GROUP BY, or put it into an aggregate.",
    ),
    "IRI parsing failed": ("IRIの書き方が正しくありません。", "An IRI is not written as one."),
}
_TYPOGRAPHIC = {
    **dict.fromkeys("“”„‟〝〞〟「」｢｣", '"'),
    **dict.fromkeys("‘’‚‛", "'"),
    **dict.fromkeys("\u200b\u2060\u00ad\ufeff\u200e\u200f\u2028\u2029\u0085", " "),
    **dict.fromkeys(map(chr, (*range(9), 11, 12, *range(14, 32), 127)), " "),
    **{"−": "-", "–": "-", "—": "-", "、": ",", "。": ".", "≠": "!=", "≤": "<=", "≥": ">=", "≦": "<=", "≧": ">="},
}
_ODD = re.compile(
    "[“”„‟〝〞〟「」｢｣‘’‚‛−–—、。≠≤≥≦≧\u0085\u00a0\u00ad\u2000-\u200b\u200e\u200f\u2028\u2029"
    "\0-\x08\x0b\x0c\x0e-\x1f\x7f\u202f\u205f\u2060\u3000\ufeff！-／：-＠［-｀｛-～]"
    r"|(?<![\w:?$@.-])[０-９Ａ-Ｚａ-ｚ]+(?![\w:-])"
)
_AGGREGATE = re.compile(r"(?<![\w?$:])(COUNT|SUM|MIN|MAX|AVG|SAMPLE|GROUP_CONCAT)\s*\(", re.IGNORECASE)
_AS = re.compile(r"\s*AS\s*[?$]\w+", re.IGNORECASE)
_PLAIN = ("ここで読めなくなりました。", "It cannot be read from here on.")


def mistake_in(query: str, detail: str) -> Mistake | None:
    """Return what is wrong with a query that the engine has refused with this message; None where it names no place."""
    place = _PLACE.search(detail)
    if not place:
        return None
    plain = OPAQUE.sub(lambda piece: "_" * len(piece[0]), query)
    return (
        bare_iri(query, plain)
        or prologue(query, plain)
        or _undeclared(query)
        or _odd_character(query, plain)
        or comment(query, plain)
        or _unknown_form(query)
        or comma(query, plain)
        or _unnamed(query, plain)
        or unmarked(query, plain)
        or order(query, plain)
        or operator(query, plain)
        or _open_text(query, plain)
        or _open_bracket(query, place)
        or _as_said(place)
    )


def explain_syntax_error(query: str, detail: str) -> str:
    """Return what an engine says of a query that it refuses, after the mistake in words where it is a usual one."""
    mistake = mistake_in(query, detail)
    if mistake is None or mistake.text == _PLAIN:
        return detail
    if mistake.text in _SAID.values():  # of the whole query: the place is where it ends
        return f"{mistake.text[1]} ({detail})"
    return f"line {mistake.line}, column {mistake.column}: {mistake.text[1]} ({detail})"


def _odd_character(query: str, plain: str) -> Mistake | None:
    """Return that a character stands where only its ASCII counterpart has a meaning: of another width, or typographic.

    They come with a query that was copied from a document, or from an input method that was on.
    """
    found = _ODD.search(plain)
    if not found:
        return None
    first, line_and_column = found[0][0], place_in(query, found.start())
    code, instead = f"U+{ord(first):04X}", _ascii(first)
    shown = ("空白", "a space") if instead == " " else (instead, instead)
    named = f"{first} ({code})" if first.isprintable() and first.strip() else code
    text = (
        f"{named} は、ここでは使えません。半角の {shown[0]} にしてください。",
        f"{named} has no meaning here; write {shown[1]} instead.",
    )
    pieces, end = list[str](), 0
    for odd in _ODD.finditer(plain):
        pieces += [query[end : odd.start()], *map(_ascii, odd[0])]
        end = odd.end()
    return Mistake(text, *line_and_column, mended="".join(pieces) + query[end:])


def _ascii(odd: str) -> str:
    return _TYPOGRAPHIC.get(odd) or unicodedata.normalize("NFKC", odd)


def _unnamed(query: str, plain: str) -> Mistake | None:
    """Return that an aggregate of SELECT has no parentheses around it, or no name."""
    for start, end in (found.span(1) for found in PROJECTION.finditer(plain)):
        free = set(outside(plain, start, end))
        for call in _AGGREGATE.finditer(plain, start, end):
            last, bare = _closing(plain, call.end() - 1), call.start() in free
            named = _AS.match(plain, last + 1) if last else None
            if last is None or (not bare and not _alone(plain, call.start(), last)):
                continue
            words = query[call.start() : named.end() if named else last + 1]
            name = "" if named else f" AS ?{call[1].lower()}"
            text = (
                f"SELECT で計算した値は、括弧で囲み、AS で名前を付けます:({words}{name})",
                f"What SELECT computes stands in parentheses and has a name: ({words}{name})",
            )
            whole = f"({words}{name})" if bare else f"{words}{name}"
            mended = query[: call.start()] + whole + query[call.start() + len(words) :]
            return Mistake(text, *place_in(query, call.start()), mended=mended)
    return None


def _alone(plain: str, start: int, last: int) -> bool:
    """Whether a call stands in parentheses with nothing else, not even a name."""
    return plain[:start].rstrip().endswith("(") and plain[last + 1 :].lstrip().startswith(")")


def _open_text(query: str, plain: str) -> Mistake | None:
    """Return that a text is never closed: of texts that are, nothing is left here."""
    found = re.search(r"[\"']", plain)
    if not found:
        return None
    text = (
        f"ここで始まる文字列( {found[0]} )が閉じられていません。",
        f"The text that begins with this {found[0]} is never closed.",
    )
    return Mistake(text, *place_in(query, found.start()))


def _closing(plain: str, opening: int) -> int | None:
    """Return where a parenthesis is closed."""
    depth = 0
    for place in range(opening, len(plain)):
        depth += (plain[place] == "(") - (plain[place] == ")")
        if depth == 0:
            return place
    return None


def _undeclared(query: str) -> Mistake | None:
    """Return that a prefix has not been declared."""
    missing = {
        name.written.partition(":")[0]: name.start for name in reversed([*sparql_scanner.names(query)]) if not name.iri
    }
    missing = {prefix: start for prefix, start in missing.items() if (prefix or start) and not prefix.startswith("<")}
    if not missing:
        return None
    first = min(missing, key=lambda prefix: missing[prefix])
    line, column = place_in(query, missing[first])
    known = [prefix for prefix in missing if prefix in PREFIXES]
    lines = "".join(f"PREFIX {prefix}: <{PREFIXES[prefix]}>\n" for prefix in sorted(known))
    named = ", ".join(f"{prefix}:" for prefix in sorted(missing))
    text = (f"接頭辞 {named} が宣言されていません。", f"No PREFIX declares {named}")
    return Mistake(text, line, column, mended=lines + query if len(known) == len(missing) else "")


def _unknown_form(query: str) -> Mistake | None:
    """Return that the first word after the prologue begins no query."""
    word, start = sparql_scanner.operation(query), sparql_scanner.body_of(query)
    if word in _FORMS or sparql_scanner.is_update(query):
        return None
    line, column = place_in(query, start)
    if not word:
        return Mistake(("これは質問になっていません。", "This is no query."), line, column, _FORMS)
    near = difflib.get_close_matches(word, _FORMS, 1)
    written = query[start : start + len(word)]
    text = (f"{written} で始まる質問はありません。", f"No query begins with {written}.")
    mended = query[:start] + near[0] + query[start + len(word) :] if near else ""
    return Mistake(text, line, column, tuple(near or _FORMS), mended)


def _open_bracket(query: str, place: re.Match[str]) -> Mistake | None:
    """Return that the query ends before a bracket is closed."""
    start = sparql_scanner.unclosed(query)
    if start is None or int(place[1]) < query.rstrip().count("\n") + 1:
        return None
    line, column = place_in(query, start)
    text = (f"ここで開いた「{query[start]}」が閉じられていません。", f"This {query[start]} is never closed.")
    return Mistake(text, line, column)


def _as_said(place: re.Match[str]) -> Mistake:
    """Return what the engine says, without what only its grammar knows."""
    text = next((words for said, words in _SAID.items() if said in place[3]), _PLAIN)
    expected = tuple(dict.fromkeys(word for word in _QUOTED.findall(place[3]) if "\\" not in word))
    return Mistake(text, int(place[1]), int(place[2]), () if text is not _PLAIN else expected[:8])
