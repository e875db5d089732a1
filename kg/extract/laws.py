"""Laws cited with a number: 電気事業法(昭和39年法律第170号). The number is the identity, the title precedes it."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from kg.core.spans import Text
from kg.recipe.code_lists import Code, CodeList
from kg.recipe.eras import Era

_TITLE = re.compile(r"[^\s、。,;:()「」『』<>・]+(?:・[^\s、。,;:()「」『』<>・]+)*$")


@dataclass(frozen=True)
class Citation:
    """A law as cited: its number, the title the words before it give, and the entry of the code list that knows it."""

    text: Text
    number: str
    title: str
    code: Code | None


def citations_of(text: Text, laws: CodeList, eras: Iterable[Era]) -> list[Citation]:
    """Return the laws that a text cites with a number, in printed order, each once."""
    normal = text.normal()
    by_number = {code.row["law_number"]: code for code in laws}
    found: list[Citation] = []
    for match in _number(tuple(era.label_ja for era in eras)).finditer(normal.chars):
        number = match["number"]
        if any(other.number == number for other in found):
            continue
        code = by_number.get(number)
        before = normal.chars[: match.start()]
        start = _start_of_title(before, code)
        title = code.label_ja if code else before[start:]
        stop = match.end() + (normal.chars[match.end() : match.end() + 1] == ")")
        found.append(Citation(normal[start:stop], number, title, code))
    return found


@functools.cache
def _number(eras: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a law number in parentheses, which counts years by these eras."""
    act = r"(?:法律|政令|勅令|(?:[一-龯]{1,8})?(?:府|省)令)"
    return re.compile(rf"\(\s*(?P<number>(?:{'|'.join(map(re.escape, eras))})(?:元|\d{{1,3}})年{act}第\d{{1,4}}号)")


def _start_of_title(before: str, code: Code | None) -> int:
    """Return where the title begins: the known title where it stands there, else the last break in the words."""
    if code and before.endswith(code.label_ja):
        return len(before) - len(code.label_ja)
    words = _TITLE.search(before)
    return words.start() if words else len(before)
