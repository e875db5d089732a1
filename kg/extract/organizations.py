"""The ministries of a measure: who leads (◎), who takes part, and the collectives that name no single body."""

import re
from dataclasses import dataclass

from kg.cells import Text
from kg.extract.anchors import is_collective, is_nothing
from kg.recipe.codelists import Code, CodeList

_SEPARATOR = re.compile(r"[、,;/・\n]")
_LEAD = "◎"
_SPACES = re.compile(r"\s+|(?<=[^◎\s])(?=◎)")
_AND = re.compile(r"\s*(?:及び|並びに|ほか|他)\s*")
_OTHERS = re.compile(r"(?:等|ほか|他)$")
_BODY = re.compile(r"(?:省|庁|府|官房|委員会|院|本部)$")
_OFFICE = re.compile(r"\s*\([^()]*\)\s*$")  # an office named after its body: 内閣官房(IT総合戦略室)


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
    found: list[Named] = []
    for part in text.split(_SEPARATOR):
        for item in _spaced_apart(part, organizations):
            lead = item.chars.startswith(_LEAD) or item.chars.endswith(_LEAD)
            printed = item.strip(_LEAD + "○ \u3000")
            if not printed.chars:
                continue
            code = organizations.printed(printed.chars) or organizations.printed(_OFFICE.sub("", printed.chars))
            group = code.row["kind"] == "group" if code else is_collective(printed.chars)
            named = Named(printed, code, lead, group)
            if all(other.name != named.name for other in found):
                found.append(named)
    return found


def _spaced_apart(part: Text, organizations: CodeList) -> list[Text]:
    """Return the names that spaces, 及び or nothing at all separate; a space inside one name is a line wrap."""
    if organizations.printed(part.chars.lstrip(_LEAD)):
        return [part]
    for separator in (_SPACES, _AND):
        words = [word for word in part.split(separator) if word.chars not in ("等", "ほか", "他")]
        if words and len(words) > 1 and all(_is_body(word.chars, organizations) for word in words):
            return words
    whole = part.unspaced()
    trimmed = whole[: -len(match.group())] if (match := _OTHERS.search(whole.chars)) else whole
    return _run_together(trimmed, organizations) or ([trimmed] if trimmed.chars else [part])


def _is_body(name: str, organizations: CodeList) -> bool:
    """Whether a word is the whole name of a body: known, a collective, or ending as bodies' names do."""
    name = name.lstrip(_LEAD)
    return bool(organizations.printed(name)) or is_collective(name) or bool(_BODY.search(name))


def _run_together(part: Text, organizations: CodeList) -> list[Text]:
    """Return the known names that stand one after another without a separator, or nothing where that is not all."""
    names: list[Text] = []
    start = 0
    while start < len(part):
        mark = 1 if part.chars[start] == _LEAD else 0
        stops = range(len(part), start + mark, -1)
        stop = next((stop for stop in stops if organizations.printed(part.chars[start + mark : stop])), None)
        if stop is None:
            return []
        names.append(part[start:stop])
        start = stop
    return names
