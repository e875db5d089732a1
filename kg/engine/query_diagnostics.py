"""Diagnostics for invalid queries: the common mistakes, explained with line and column, and corrected if possible.

The engine's own message only lists the tokens that its grammar expects. The functions here recognize common mistakes:
syntax of SQL, Turtle or JavaScript, IRIs without brackets, unclosed strings, undeclared prefixes. Each returns the
mistake that it finds, with a corrected query if there is one correction only. They get the query, and a copy of it in
which strings, comments and IRIs are blanked, since nothing in these is a mistake.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from kg.core import sparql_scanner
from kg.core.iris import PREFIXES

# Strings, comments and IRIs, whose content is never a mistake.
OPAQUE = re.compile(
    r'"""(?:"{0,2}(?:[^"\\]|\\.))*+"""'
    r"|'''(?:'{0,2}(?:[^'\\]|\\.))*+'''"
    r'|"(?:[^"\\\n\r]|\\.)*+"'
    r"|'(?:[^'\\\n\r]|\\.)*+'"
    rf"|#[^\n\r]*+|{sparql_scanner.IRI.pattern}",
    re.DOTALL,
)
# The projection of SELECT; the conditions of ORDER BY and GROUP BY.
PROJECTION = re.compile(r"(?<![\w?$:])SELECT\b([^{}]*?)(?=\bWHERE\b|\bFROM\b|\{)", re.IGNORECASE)
_ORDER_BY = re.compile(
    r"(?<![\w?$:])(?:ORDER|GROUP)\s+BY\b([^{}]*?)(?=\b(?:HAVING|ORDER|LIMIT|OFFSET|VALUES)\b|\}|\Z)", re.IGNORECASE
)
_OPERATOR_WORD = r"(?<![\w?$:])(?P<sign>{})(?![\w:])"
_OPERATORS = (
    (re.compile(r"(?P<sign>==)"), "="),
    (re.compile(r"[?$]\w+\s*(?P<sign>__)(?!_)(?=\s*[\w?$(])"), "!="),  # <> reads as an empty IRI, which is blanked
    (re.compile(_OPERATOR_WORD.format("AND"), re.IGNORECASE), "&&"),
    (re.compile(_OPERATOR_WORD.format("OR"), re.IGNORECASE), "||"),
    (re.compile(r"\}\s*(?P<sign>;)\s*\Z"), ""),
)
_BARE = re.compile(r"https?://[^\s<>\"{}|^`\\]*")
_NO_COLON = re.compile(r"(?<![\w?$:])PREFIX\s+(?P<prefix>[A-Za-z][\w.-]*)(?P<at>)\s*(?=_)", re.IGNORECASE)
_TURTLE_DECLARATION = re.compile(r"@(?:prefix|base)\b", re.IGNORECASE)
_COMMENT = re.compile(r"(?:(?<=\s)|\A)(?P<sign>--|//|/\*)(?=[\s\w]|\Z)")
_NO_VARIABLE = re.compile(r"\bAS\s+(?P<name>[^\W\d]\w*)(?![\w:])", re.IGNORECASE)
_DIRECTION = re.compile(
    r"(?P<after>[?$]\w+)\s+(?P<way>ASC|DESC)\b(?!\s*\()|(?<![\w?$:])(?P<first>ASC|DESC)\s*(?P<before>[?$]\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mistake:
    """Mistake in a query: its explanation in Japanese and English, line and column (from 1), and the corrected query.

    Line and column are 0 if unknown; `corrected` is empty if there is no single correction. `expected` lists tokens
    that are valid at this position.
    """

    text: tuple[str, str]
    line: int = 0
    column: int = 0
    expected: tuple[str, ...] = ()
    corrected: str = ""


def bare_iri(query: str, plain: str) -> Mistake | None:
    """Find an IRI without angle brackets, or with a space before the closing one."""
    for found in _BARE.finditer(query):
        start, end = found.span()
        if plain[start] == "_" and plain[start - 1 : start] in ("_", ""):
            continue  # within an IRI, a text or a comment
        if query[start - 1 : start] == "<":
            text = ("IRIの中に空白は書けません。", "An IRI between < and > cannot contain a space.")
            spaced = re.compile(r"[ \t]+>").match(query, end)
            corrected = query[:end] + query[spaced.end() - 1 :] if spaced else ""
            return Mistake(text, *line_and_column(query, end), corrected=corrected)
        iri = found[0].rstrip(".,;)")
        text = (f"IRIは < と > で囲みます: <{iri}>", f"An IRI is written between < and >: <{iri}>")
        corrected = f"{query[:start]}<{iri}>{query[start + len(iri) :]}"
        return Mistake(text, *line_and_column(query, start), corrected=corrected)
    return None


def prefix_syntax(query: str, plain: str) -> Mistake | None:
    """Find a PREFIX declaration in Turtle syntax, without a colon, or followed by punctuation."""
    if found := _TURTLE_DECLARATION.search(plain):
        text = (
            "SPARQL では @ も末尾の点も付けず、PREFIX skos: <…> と書きます。",
            "SPARQL writes PREFIX skos: <…>, without @ and without a dot at the end.",
        )
        return Mistake(text, *line_and_column(query, found.start()))
    if found := _NO_COLON.search(plain):
        text = (
            f"接頭辞の後にはコロンを書きます: PREFIX {found['prefix']}: <…>",
            f"A prefix is followed by a colon: PREFIX {found['prefix']}: <…>",
        )
        at = found.start("at")
        return Mistake(text, *line_and_column(query, at), corrected=f"{query[:at]}:{query[at:]}")
    start = sparql_scanner.prologue_end(query)
    if start and query[start : start + 1] in (";", ".", ","):
        sign = query[start]
        text = (f"PREFIX の行の後に {sign} は書きません。", f"A PREFIX declaration is not followed by {sign}")
        return Mistake(text, *line_and_column(query, start), corrected=query[:start] + query[start + 1 :])
    return None


def foreign_comment(query: str, plain: str) -> Mistake | None:
    """Find a comment in the syntax of another language."""
    found = _COMMENT.search(plain)
    if not found:
        return None
    text = (f"注釈は {found['sign']} ではなく # で始めます。", f"A comment starts with #, not with {found['sign']}.")
    start, end = found.span("sign")
    corrected = "" if found["sign"] == "/*" else f"{query[:start]}#{query[end:]}"
    return Mistake(text, *line_and_column(query, start), corrected=corrected)


def missing_variable(query: str, plain: str) -> Mistake | None:
    """Find an AS that is not followed by a variable."""
    found = _NO_VARIABLE.search(plain)
    if not found:
        return None
    name, start = found["name"], found.start("name")
    text = (f"AS の後には変数を書きます: AS ?{name}", f"AS is followed by a variable: AS ?{name}")
    return Mistake(text, *line_and_column(query, start), corrected=f"{query[:start]}?{query[start:]}")


def sort_direction(query: str, plain: str) -> Mistake | None:
    """Find an ASC or DESC after its variable, or without parentheses."""
    for start, end in (found.span(1) for found in _ORDER_BY.finditer(plain)):
        if found := _DIRECTION.search(plain, start, end):
            clause = f"{(found['way'] or found['first']).upper()}({found['after'] or found['before']})"
            text = (f"並べる向きは {clause} と書きます。", f"The sort direction is written {clause}.")
            corrected = query[: found.start()] + clause + query[found.end() :]
            return Mistake(text, *line_and_column(query, found.start()), corrected=corrected)
    return None


def misplaced_comma(query: str, plain: str) -> Mistake | None:
    """Find commas between variables, as in SQL."""
    clauses = [found.span(1) for pattern in (PROJECTION, _ORDER_BY) for found in pattern.finditer(plain)]
    commas = [place for start, end in clauses for place in outside(plain, start, end) if plain[place] == ","]
    if not commas:
        return None
    text = ("変数の間にコンマは書きません。空白で区切ります。", "Variables are separated by spaces, not commas.")
    corrected = "".join("" if place in commas else char for place, char in enumerate(query))
    return Mistake(text, *line_and_column(query, commas[0]), corrected=corrected)


def foreign_operator(query: str, plain: str) -> Mistake | None:
    """Find an operator of another language."""
    for pattern, instead in _OPERATORS:
        for found in pattern.finditer(plain):
            start, end = found.span("sign")
            sign = query[start:end]
            if plain[start:end] != sign and sign != "<>":
                continue  # a text or an IRI
            text = (f"{sign} ではなく {instead} と書きます。", f"SPARQL writes {instead}, not {sign}.")
            if not instead:
                text = (f"質問の最後に {sign} は書きません。", f"A query does not end with {sign}")
            return Mistake(text, *line_and_column(query, start), corrected=f"{query[:start]}{instead}{query[end:]}")
    return None


def outside(plain: str, start: int, end: int) -> Iterator[int]:
    """Yield the positions of a range that are outside of parentheses."""
    depth = 0
    for place in range(start, end):
        depth -= plain[place] == ")"
        if depth == 0:
            yield place
        depth += plain[place] == "("


def line_and_column(query: str, start: int) -> tuple[int, int]:
    """Return line and column of a position, both from 1."""
    return query.count("\n", 0, start) + 1, start - query.rfind("\n", 0, start)


_PLACE = re.compile(r"error at (\d+):(\d+): (?:expected )?(?:one of )?(.*)", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"')
_FORMS = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
# Messages of the engine that are not about syntax, with their explanations.
_ENGINE_MESSAGES = {
    "variable that is unbound": (
        "SELECT が返す変数に、グループごとの値がありません。GROUP BY に加えるか、集約関数に入れてください。",
        "SELECT returns a variable that has no value for each group. Add it to GROUP BY, or put it into an aggregate.",
    ),
    "IRI parsing failed": ("IRIの書き方が正しくありません。", "An IRI is invalid."),
}
_TYPOGRAPHIC = {
    **dict.fromkeys("“”„‟〝〞〟「」｢｣", '"'),
    **dict.fromkeys("‘’‚‛", "'"),
    **dict.fromkeys("\u200b\u2060\u00ad\ufeff\u200e\u200f\u2028\u2029\u0085", " "),
    **dict.fromkeys(map(chr, (*range(9), 11, 12, *range(14, 32), 127)), " "),
    **{"−": "-", "–": "-", "—": "-", "、": ",", "。": ".", "≠": "!=", "≤": "<=", "≥": ">=", "≦": "<=", "≧": ">="},
}
_CONFUSABLE = re.compile(
    "[“”„‟〝〞〟「」｢｣‘’‚‛−–—、。≠≤≥≦≧\u0085\u00a0\u00ad\u2000-\u200b\u200e\u200f\u2028\u2029"
    "\0-\x08\x0b\x0c\x0e-\x1f\x7f\u202f\u205f\u2060\u3000\ufeff！-／：-＠［-｀｛-～]"
    r"|(?<![\w:?$@.-])[０-９Ａ-Ｚａ-ｚ]+(?![\w:-])"
)
_AGGREGATE = re.compile(r"(?<![\w?$:])(COUNT|SUM|MIN|MAX|AVG|SAMPLE|GROUP_CONCAT)\s*\(", re.IGNORECASE)
_AS = re.compile(r"\s*AS\s*[?$]\w+", re.IGNORECASE)
_UNKNOWN = ("ここで読めなくなりました。", "The query is invalid from here on.")


def diagnose_query(query: str, detail: str) -> Mistake | None:
    """Return the mistake in a query that the engine rejected with a message; None if the message has no position."""
    place = _PLACE.search(detail)
    if not place:
        return None
    plain = OPAQUE.sub(lambda piece: "_" * len(piece[0]), query)
    return (
        bare_iri(query, plain)
        or prefix_syntax(query, plain)
        or _undeclared_prefix(query)
        or _confusable_character(query, plain)
        or foreign_comment(query, plain)
        or _unknown_form(query)
        or misplaced_comma(query, plain)
        or _unnamed_aggregate(query, plain)
        or missing_variable(query, plain)
        or sort_direction(query, plain)
        or foreign_operator(query, plain)
        or _unclosed_string(query, plain)
        or _unclosed_bracket(query, place)
        or _engine_error(place)
    )


def explain_syntax_error(query: str, detail: str) -> str:
    """Return the message of the engine for a rejected query, after an explanation if the mistake is a common one."""
    mistake = diagnose_query(query, detail)
    if mistake is None or mistake.text == _UNKNOWN:
        return detail
    if mistake.text in _ENGINE_MESSAGES.values():  # about the whole query, so the position is of no use
        return f"{mistake.text[1]} ({detail})"
    return f"line {mistake.line}, column {mistake.column}: {mistake.text[1]} ({detail})"


def _confusable_character(query: str, plain: str) -> Mistake | None:
    """Find a full-width or typographic character where only its ASCII counterpart is valid.

    Such characters come from queries that were copied from a document, or from an active input method.
    """
    found = _CONFUSABLE.search(plain)
    if not found:
        return None
    first, position = found[0][0], line_and_column(query, found.start())
    code, instead = f"U+{ord(first):04X}", _ascii(first)
    shown = ("空白", "a space") if instead == " " else (instead, instead)
    named = f"{first} ({code})" if first.isprintable() and first.strip() else code
    text = (
        f"{named} は、ここでは使えません。半角の {shown[0]} にしてください。",
        f"{named} has no meaning here; write {shown[1]} instead.",
    )
    pieces, end = list[str](), 0
    for character in _CONFUSABLE.finditer(plain):
        pieces += [query[end : character.start()], *map(_ascii, character[0])]
        end = character.end()
    return Mistake(text, *position, corrected="".join(pieces) + query[end:])


def _ascii(character: str) -> str:
    return _TYPOGRAPHIC.get(character) or unicodedata.normalize("NFKC", character)


def _unnamed_aggregate(query: str, plain: str) -> Mistake | None:
    """Find an aggregate in SELECT without parentheses or without a name."""
    for start, end in (found.span(1) for found in PROJECTION.finditer(plain)):
        free = set(outside(plain, start, end))
        for call in _AGGREGATE.finditer(plain, start, end):
            last, bare = _closing_parenthesis(plain, call.end() - 1), call.start() in free
            named = _AS.match(plain, last + 1) if last else None
            if last is None or (not bare and not _parenthesized(plain, call.start(), last)):
                continue
            words = query[call.start() : named.end() if named else last + 1]
            name = "" if named else f" AS ?{call[1].lower()}"
            text = (
                f"SELECT で計算した値は、括弧で囲み、AS で名前を付けます:({words}{name})",
                f"An expression in SELECT is in parentheses and has a name: ({words}{name})",
            )
            whole = f"({words}{name})" if bare else f"{words}{name}"
            corrected = query[: call.start()] + whole + query[call.start() + len(words) :]
            return Mistake(text, *line_and_column(query, call.start()), corrected=corrected)
    return None


def _parenthesized(plain: str, start: int, last: int) -> bool:
    """True if a call is the only content of its parentheses."""
    return plain[:start].rstrip().endswith("(") and plain[last + 1 :].lstrip().startswith(")")


def _unclosed_string(query: str, plain: str) -> Mistake | None:
    """Find an unclosed string; closed ones are blanked in `plain`."""
    found = re.search(r"[\"']", plain)
    if not found:
        return None
    text = (
        f"ここで始まる文字列( {found[0]} )が閉じられていません。",
        f"The text that begins with this {found[0]} is never closed.",
    )
    return Mistake(text, *line_and_column(query, found.start()))


def _closing_parenthesis(plain: str, opening: int) -> int | None:
    """Return the position of the matching closing parenthesis."""
    depth = 0
    for place in range(opening, len(plain)):
        depth += (plain[place] == "(") - (plain[place] == ")")
        if depth == 0:
            return place
    return None


def _undeclared_prefix(query: str) -> Mistake | None:
    """Find an undeclared prefix."""
    missing = {
        name.written.partition(":")[0]: name.start for name in reversed([*sparql_scanner.names(query)]) if not name.iri
    }
    missing = {prefix: start for prefix, start in missing.items() if (prefix or start) and not prefix.startswith("<")}
    if not missing:
        return None
    first = min(missing, key=lambda prefix: missing[prefix])
    line, column = line_and_column(query, missing[first])
    common = [prefix for prefix in missing if prefix in PREFIXES]
    lines = "".join(f"PREFIX {prefix}: <{PREFIXES[prefix]}>\n" for prefix in sorted(common))
    named = ", ".join(f"{prefix}:" for prefix in sorted(missing))
    text = (f"接頭辞 {named} が宣言されていません。", f"No PREFIX declares {named}")
    return Mistake(text, line, column, corrected=lines + query if len(common) == len(missing) else "")


def _unknown_form(query: str) -> Mistake | None:
    """Find an unknown query form after the prologue."""
    word, start = sparql_scanner.operation(query), sparql_scanner.prologue_end(query)
    if word in _FORMS or sparql_scanner.is_update(query):
        return None
    line, column = line_and_column(query, start)
    if not word:
        return Mistake(("これは質問になっていません。", "This is not a query."), line, column, _FORMS)
    near = difflib.get_close_matches(word, _FORMS, 1)
    written = query[start : start + len(word)]
    text = (f"{written} で始まる質問はありません。", f"Unknown query form {written}.")
    corrected = query[:start] + near[0] + query[start + len(word) :] if near else ""
    return Mistake(text, line, column, tuple(near or _FORMS), corrected)


def _unclosed_bracket(query: str, place: re.Match[str]) -> Mistake | None:
    """Find a bracket that is not closed before the end of the query."""
    start = sparql_scanner.unclosed_bracket(query)
    if start is None or int(place[1]) < query.rstrip().count("\n") + 1:
        return None
    line, column = line_and_column(query, start)
    text = (f"ここで開いた「{query[start]}」が閉じられていません。", f"This {query[start]} is never closed.")
    return Mistake(text, line, column)


def _engine_error(place: re.Match[str]) -> Mistake:
    """Return the mistake as the engine reports it, without the internal tokens of its grammar."""
    text = next((words for engine_message, words in _ENGINE_MESSAGES.items() if engine_message in place[3]), _UNKNOWN)
    expected = tuple(dict.fromkeys(word for word in _QUOTED.findall(place[3]) if "\\" not in word))
    return Mistake(text, int(place[1]), int(place[2]), () if text is not _UNKNOWN else expected[:8])
