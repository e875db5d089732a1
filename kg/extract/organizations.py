"""The ministries of a measure: who leads (◎), who takes part, and the collectives that name no single body."""

import re
from dataclasses import dataclass

from kg.cells import Text
from kg.extract.anchors import is_collective, is_nothing
from kg.recipe.codelists import Code, CodeList

_SEPARATOR = re.compile(r"[、,;/・\n]")
_LEAD = "◎"
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
            lead = item.chars.startswith(_LEAD)
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
    """Return the names that only spaces separate; a space inside one name is a line wrap."""
    words = part.split(re.compile(r"\s+|(?<=[^◎\s])(?=◎)"))
    known = [organizations.printed(word.chars.lstrip(_LEAD)) for word in words]
    if len(words) == 1 and not known[0]:
        words = part.split(re.compile(r"及び|並びに"))
        return words if all(organizations.printed(word.chars.lstrip(_LEAD)) for word in words) else [part]
    if len(words) > 1 and (all(known) or sum(word.chars.startswith(_LEAD) for word in words) > 1):
        return words
    return [part]
