"""What is wrong with a query, in words and with its place: the engine's own message names what its grammar expects.

Where a query is at fault in one of the usual ways, the way is told and, where there is one way only, the query mended.
"""

import difflib
import re
import unicodedata

from kg.core import sparql_scanner
from kg.core.iris import PREFIXES
from kg.engine import foreign_syntax
from kg.engine.foreign_syntax import Mistake

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
    plain = foreign_syntax.OPAQUE.sub(lambda piece: "_" * len(piece[0]), query)
    return (
        foreign_syntax.bare_iri(query, plain)
        or foreign_syntax.prologue(query, plain)
        or _undeclared(query)
        or _odd_character(query, plain)
        or foreign_syntax.comment(query, plain)
        or _unknown_form(query)
        or foreign_syntax.comma(query, plain)
        or _unnamed(query, plain)
        or foreign_syntax.unmarked(query, plain)
        or foreign_syntax.order(query, plain)
        or foreign_syntax.operator(query, plain)
        or _open_text(query, plain)
        or _open_bracket(query, place)
        or _as_said(place)
    )


def explained(query: str, detail: str) -> str:
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
    first, line_and_column = found[0][0], foreign_syntax.place(query, found.start())
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
    for start, end in (found.span(1) for found in foreign_syntax.PROJECTION.finditer(plain)):
        free = set(foreign_syntax.outside(plain, start, end))
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
            return Mistake(text, *foreign_syntax.place(query, call.start()), mended=mended)
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
    return Mistake(text, *foreign_syntax.place(query, found.start()))


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
    line, column = foreign_syntax.place(query, missing[first])
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
    line, column = foreign_syntax.place(query, start)
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
    line, column = foreign_syntax.place(query, start)
    text = (f"ここで開いた「{query[start]}」が閉じられていません。", f"This {query[start]} is never closed.")
    return Mistake(text, line, column)


def _as_said(place: re.Match[str]) -> Mistake:
    """Return what the engine says, without what only its grammar knows."""
    text = next((words for said, words in _SAID.items() if said in place[3]), _PLAIN)
    expected = tuple(dict.fromkeys(word for word in _QUOTED.findall(place[3]) if "\\" not in word))
    return Mistake(text, int(place[1]), int(place[2]), () if text is not _PLAIN else expected[:8])
