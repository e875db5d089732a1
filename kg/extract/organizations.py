"""The ministries of a measure: who leads (◎), who takes part, and the collectives that name no single body."""

import re
from dataclasses import dataclass

from kg.core.spans import Text
from kg.extract.cell_classifier import CIRCLES, LEAD, OFFICE, is_collective, is_nothing
from kg.extract.target_clauses import parentheses_of
from kg.recipe.code_lists import Code, CodeList

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
    """A body named in the cell. `code` is None where the code list does not know it; then it keeps its printed name."""

    printed: Text
    code: Code | None
    lead: bool
    group: bool

    @property
    def name(self) -> str:
        """The canonical name, or the printed one; a collective is always named as printed."""
        return self.code.label_ja if self.code and not self.group else self.printed.unspaced().normal().chars


def organizations_of(cell: Text, organizations: CodeList) -> list[Named]:
    """Return the bodies of a cell (without markup) in printed order, each once."""
    text = cell.normal()
    if is_nothing(text.chars):
        return []
    items = _items(text, organizations)
    doubled = any(LEAD in mark for _, mark in map(_unmarked, items))
    found: list[Named] = []
    for item in items:
        printed, mark = _unmarked(item)
        if printed.chars:
            # the plain circle is that of others where the double one marks the lead, else a lead's itself
            lead = LEAD in mark or bool(mark and not doubled)
            code = organizations.printed(printed.chars) or organizations.printed(OFFICE.sub("", printed.chars))
            group = code.row["kind"] == "group" if code else is_collective(printed.chars)
            named = Named(printed, code, lead, group)
            if all(other.name != named.name for other in found):
                found.append(named)
    return found


def beside_organizations(cell: Text, organizations: CodeList) -> list[str]:
    """Return the words of a cell that name no body and join none: 等, ほか."""
    text = cell.normal()
    named = [item.span for item in _items(text, organizations)] if not is_nothing(text.chars) else [text.span]
    places = zip(text.chars, text.starts, strict=True)
    rest = "".join("\n" if any(a.start <= at < a.end for a in named) else char for char, at in places)
    return _JOINING.sub(" ", rest).split()


def _items(text: Text, organizations: CodeList) -> list[Text]:
    return [item for part in _parts(text) for item in _spaced_apart(part, organizations)]


def _parts(text: Text) -> list[Text]:
    """Return what separators outside parentheses part; the offices of a body stand inside its own."""
    groups = parentheses_of(text.chars)
    parts, last = [], 0
    for match in _SEPARATOR.finditer(text.chars):
        if not any(start < match.start() < stop for start, stop in groups):
            parts.append(text[last : match.start()].strip())
            last = match.end()
    return [part for part in [*parts, text[last:].strip()] if part.chars]


def _unmarked(item: Text) -> tuple[Text, str]:
    """Return a name without the circles before and behind it, and those circles."""
    marks = ""
    while match := _MARK.search(item.chars):
        marks += match[1] or match[2]
        item = (item[match.end() :] if match[1] else item[: match.start()]).strip()
    return item, marks


def _spaced_apart(part: Text, organizations: CodeList) -> list[Text]:
    """Return the names that spaces, 及び or nothing at all separate; a space inside one name is a line wrap."""
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
    """Whether a word is the whole name of a body: known, a collective, or ending as bodies' names do."""
    name = name.strip(CIRCLES)
    return bool(organizations.printed(name)) or is_collective(name) or bool(_BODY.search(name))


def _run_together(part: Text, organizations: CodeList) -> list[Text]:
    """Return the known names that stand one after another without a separator, or nothing where that is not all."""
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
