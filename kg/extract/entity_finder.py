"""Finder of registered names in texts: entities, bodies, places, cited laws, and the ministries of a measure.

Names are compared in NFKC form without white space, so that width and line wraps do not matter. At each place the
longest name is taken, and a name that begins or ends with a Latin letter or digit is not part of a longer Latin word.

A cited law is identified by its number, which follows its title: 電気事業法(昭和39年法律第170号). Ministries are leads
(◎), participants, or collectives without a single body.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kg.core.spans import Text
from kg.extract.cell_classifier import CIRCLES, LEAD, OFFICE, is_collective, is_nothing
from kg.extract.target_clauses import parentheses_of
from kg.recipe.code_lists import Code, CodeList
from kg.recipe.eras import Era

_WORD = re.compile("[A-Za-z0-9]")


@dataclass(frozen=True)
class Found:
    """A name in a text: its words with their places, its code list and its entry."""

    words: Text
    list: str
    code: Code


class Finder:
    """Finder of the names of some lists; `names` gives list and entry of each compared form."""

    def __init__(self, names: Mapping[str, tuple[str, Code]]) -> None:
        self._names = names
        self._by_first: dict[str, list[str]] = {}
        for name in sorted(names, key=len, reverse=True):
            self._by_first.setdefault(name[0], []).append(name)
        self._first = re.compile("[" + re.escape("".join(self._by_first)) + "]" if names else "(?!)")

    def names_in(self, text: Text) -> Iterator[Found]:
        """Yield the names in the order of the text, once for each occurrence."""
        spaced = text.normal()
        chars: Sequence[int] = range(len(spaced))
        whole = "".join(spaced.chars.split())
        if len(whole) < len(spaced):
            chars = [place for place, char in enumerate(spaced.chars) if not char.isspace()]
        at = 0
        while first := self._first.search(whole, at):
            at = first.start()
            name = self._longest(whole, at, spaced.chars, chars)
            if name:
                yield Found(spaced[chars[at] : chars[at + len(name) - 1] + 1], *self._names[name])
            at += len(name) or 1

    def _longest(self, whole: str, start: int, spaced: str, chars: Sequence[int]) -> str:
        """Return the longest name that begins at `start` and is a separate word, or an empty string."""
        for name in self._by_first.get(whole[start], ()):
            if whole.startswith(name, start):
                first, last = chars[start], chars[start + len(name) - 1]
                if not (_joined(spaced, first - 1, first) or _joined(spaced, last, last + 1)):
                    return name
        return ""


def _joined(text: str, left: int, right: int) -> bool:
    """Return whether two adjacent characters belong to one Latin word."""
    return left >= 0 and right < len(text) and bool(_WORD.match(text[left]) and _WORD.match(text[right]))


_TITLE = re.compile(r"[^\s、。,;:()「」『』<>・]+(?:・[^\s、。,;:()「」『』<>・]+)*$")


@dataclass(frozen=True)
class Citation:
    """A cited law: its number, the title in the words before that, and its code list entry."""

    text: Text
    number: str
    title: str
    code: Code | None


def citations_of(text: Text, laws: CodeList, eras: Iterable[Era]) -> list[Citation]:
    """Return the distinct laws that a text cites with a number, in printed order."""
    normal = text.normal()
    by_number = {code.row["law_number"]: code for code in laws}
    citations: list[Citation] = []
    for match in _number(tuple(era.label_ja for era in eras)).finditer(normal.chars):
        number = match["number"]
        if any(other.number == number for other in citations):
            continue
        code = by_number.get(number)
        before = normal.chars[: match.start()]
        start = _start_of_title(before, code)
        title = code.label_ja if code else before[start:]
        stop = match.end() + (normal.chars[match.end() : match.end() + 1] == ")")
        citations.append(Citation(normal[start:stop], number, title, code))
    return citations


@functools.cache
def _number(eras: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a law number in parentheses, with years of these eras."""
    act = r"(?:法律|政令|勅令|(?:[一-龯]{1,8})?(?:府|省)令)"
    return re.compile(rf"\(\s*(?P<number>(?:{'|'.join(map(re.escape, eras))})(?:元|\d{{1,3}})年{act}第\d{{1,4}}号)")


def _start_of_title(before: str, code: Code | None) -> int:
    """Return the start of the title: of the known title if it is there, else after the last separator."""
    if code and before.endswith(code.label_ja):
        return len(before) - len(code.label_ja)
    words = _TITLE.search(before)
    return words.start() if words else len(before)


_SEPARATOR = re.compile(r"[、,;/・\n]")
_SPACES = re.compile(rf"\s+|(?<=[^{CIRCLES}\s(\[【])(?=[{CIRCLES}](?![)\]】]|\s*$))")
_AND = re.compile(r"\s*(?:及び|並びに|ほか|(?<!その)他)\s*|(?<=.)(?=その他)")
_MARK = re.compile(rf"^[(\[【]?([{CIRCLES}])[)\]】]?:?|[(\[【]?([{CIRCLES}])[)\]】]?$")
_JOINING = re.compile(rf"及び|並びに|[{CIRCLES}、,;/・\s]")
_LEADING_OTHERS = re.compile(r"ほか|他")
_OTHERS = re.compile(r"(?:等|ほか|他)$")
_BODY = re.compile(r"(?:省|庁|府|官房|委員会|院|本部)$")


@dataclass(frozen=True)
class Named:
    """A body named in the cell; `code` is None if the code list lacks it, and its printed name is used."""

    printed: Text
    code: Code | None
    lead: bool
    group: bool

    @property
    def name(self) -> str:
        """The canonical name, or the printed one; a collective always has its printed name."""
        return self.code.label_ja if self.code and not self.group else self.printed.unspaced().normal().chars


def organizations_of(cell: Text, organizations: CodeList) -> list[Named]:
    """Return the distinct bodies of a cell (without markup) in printed order."""
    text = cell.normal()
    if is_nothing(text.chars):
        return []
    items = _items(text, organizations)
    doubled = any(LEAD in mark for _, mark in map(_unmarked, items))
    bodies: list[Named] = []
    for item in items:
        printed, mark = _unmarked(item)
        if printed.chars:
            # a plain circle marks the others if a double one marks the lead; else it marks a lead
            lead = LEAD in mark or bool(mark and not doubled)
            code = organizations.printed(printed.chars) or organizations.printed(OFFICE.sub("", printed.chars))
            group = code.row["kind"] == "group" if code else is_collective(printed.chars)
            named = Named(printed, code, lead, group)
            if all(other.name != named.name for other in bodies):
                bodies.append(named)
    return bodies


def unread_organizations(cell: Text, organizations: CodeList) -> list[str]:
    """Return the words of a cell that neither name a body nor join names, such as 等 and ほか."""
    text = cell.normal()
    named = [item.span for item in _items(text, organizations)] if not is_nothing(text.chars) else [text.span]
    places = zip(text.chars, text.starts, strict=True)
    unread = "".join("\n" if any(a.start <= at < a.end for a in named) else char for char, at in places)
    return _JOINING.sub(" ", unread).split()


def _items(text: Text, organizations: CodeList) -> list[Text]:
    return [item for part in _parts(text) for item in _spaced_apart(part, organizations)]


def _parts(text: Text) -> list[Text]:
    """Return the parts between separators outside parentheses; parentheses have the offices of a body."""
    groups = parentheses_of(text.chars)
    parts, last = [], 0
    for match in _SEPARATOR.finditer(text.chars):
        if not any(start < match.start() < stop for start, stop in groups):
            parts.append(text[last : match.start()].strip())
            last = match.end()
    return [part for part in [*parts, text[last:].strip()] if part.chars]


def _unmarked(item: Text) -> tuple[Text, str]:
    """Return a name without the circles at its start and end, and those circles."""
    marks = ""
    while match := _MARK.search(item.chars):
        marks += match[1] or match[2]
        item = (item[match.end() :] if match[1] else item[: match.start()]).strip()
    return item, marks


def _spaced_apart(part: Text, organizations: CodeList) -> list[Text]:
    """Return the names separated by spaces, 及び or nothing; a space inside one name is a line wrap."""
    name = _unmarked(part)[0].chars
    if organizations.printed(name) or organizations.printed(OFFICE.sub("", name)):
        return [part]
    for separator in (_SPACES, _AND):
        words = [_without_others(word) for word in part.split(separator)]
        words = [word for word in words if word.chars not in ("", "等")]
        if words and len(words) > 1 and all(_is_body(word.chars, organizations) for word in words):
            return words
    whole = part.unspaced()
    trimmed = whole[: -len(match.group())] if (match := _OTHERS.search(whole.chars)) else whole
    return _run_together(trimmed, organizations) or ([trimmed] if trimmed.chars else [part])


def _without_others(word: Text) -> Text:
    match = _LEADING_OTHERS.match(word.chars)
    return word[match.end() :] if match else word


def _is_body(name: str, organizations: CodeList) -> bool:
    """Return whether a word is the whole name of a body: registered, a collective, or with a usual ending."""
    name = name.strip(CIRCLES)
    return bool(organizations.printed(name)) or is_collective(name) or bool(_BODY.search(name))


def _run_together(part: Text, organizations: CodeList) -> list[Text]:
    """Return the registered names that make up a text without separators; empty if they do not."""
    names: list[Text] = []
    start = 0
    while start < len(part):
        mark = 1 if part.chars[start] in CIRCLES else 0
        stops = range(len(part), start + mark, -1)
        stop = next((stop for stop in stops if organizations.printed(part.chars[start + mark : stop])), None)
        if stop is None:
            return []
        names.append(part[start:stop])
        start = stop
    return names
