"""What is wrong with a query, in words and with its place: the engine's own message names what its grammar expects.

Where a query is at fault in one of the usual ways, the way is told and, where there is one way only, the query mended.
"""

import difflib
import re
from dataclasses import dataclass

from kg import sparql
from kg.names import PREFIXES

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
_PLAIN = ("ここで読めなくなりました。", "It cannot be read from here on.")


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


def mistake_in(query: str, detail: str) -> Mistake | None:
    """Return what is wrong with a query that the engine has refused with this message; None where it names no place."""
    place = _PLACE.search(detail)
    if not place:
        return None
    return _undeclared(query) or _unknown_form(query) or _open_bracket(query, place) or _as_said(place)


def _undeclared(query: str) -> Mistake | None:
    """Return that a prefix has not been declared."""
    missing = {name.written.partition(":")[0]: name.start for name in reversed([*sparql.names(query)]) if not name.iri}
    missing = {prefix: start for prefix, start in missing.items() if prefix or start}
    if not missing:
        return None
    first = min(missing, key=lambda prefix: missing[prefix])
    line, column = _place(query, missing[first])
    known = [prefix for prefix in missing if prefix in PREFIXES]
    lines = "".join(f"PREFIX {prefix}: <{PREFIXES[prefix]}>\n" for prefix in sorted(known))
    named = ", ".join(f"{prefix}:" for prefix in sorted(missing))
    text = (f"接頭辞 {named} が宣言されていません。", f"No PREFIX declares {named}")
    return Mistake(text, line, column, mended=lines + query if len(known) == len(missing) else "")


def _unknown_form(query: str) -> Mistake | None:
    """Return that the first word after the prologue begins no query."""
    word, start = sparql.operation(query), sparql.body_of(query)
    if word in _FORMS or sparql.is_update(query):
        return None
    line, column = _place(query, start)
    if not word:
        return Mistake(("これは質問になっていません。", "This is no query."), line, column, _FORMS)
    near = difflib.get_close_matches(word, _FORMS, 1)
    written = query[start : start + len(word)]
    text = (f"{written} で始まる質問はありません。", f"No query begins with {written}.")
    mended = query[:start] + near[0] + query[start + len(word) :] if near else ""
    return Mistake(text, line, column, tuple(near or _FORMS), mended)


def _open_bracket(query: str, place: re.Match[str]) -> Mistake | None:
    """Return that the query ends before a bracket is closed."""
    start = sparql.unclosed(query)
    if start is None or int(place[1]) < query.rstrip().count("\n") + 1:
        return None
    line, column = _place(query, start)
    text = (f"ここで開いた「{query[start]}」が閉じられていません。", f"This {query[start]} is never closed.")
    return Mistake(text, line, column)


def _as_said(place: re.Match[str]) -> Mistake:
    """Return what the engine says, without what only its grammar knows."""
    text = next((words for said, words in _SAID.items() if said in place[3]), _PLAIN)
    expected = tuple(dict.fromkeys(word for word in _QUOTED.findall(place[3]) if "\\" not in word))
    return Mistake(text, int(place[1]), int(place[2]), () if text is not _PLAIN else expected[:8])


def _place(query: str, start: int) -> tuple[int, int]:
    """Return line and column of a place, each from 1."""
    return query.count("\n", 0, start) + 1, start - query.rfind("\n", 0, start)
