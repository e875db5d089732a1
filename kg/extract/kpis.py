"""The KPIs of one cell, and what each says about its target.

KPIs are separated at list items; at a space only where the left part ends in `)` or in a counter noun; at `、` only
after a closing parenthesis; and where a parenthesis with a target is followed by a new noun without any separator. A
`<…>` heading is the group of the KPIs below it.
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kg.core.spans import Text
from kg.extract.cell_classifier import is_nothing
from kg.extract.digit_audit import unread_in
from kg.extract.lexicon import Lexicon
from kg.extract.line_wraps import whole
from kg.extract.markup import Block, items_of, read_markup
from kg.extract.target_clauses import parentheses_of
from kg.extract.target_statements import Target
from kg.extract.targets import SAYS_SOMETHING, UNSET, Reading, targets_of

_COUNTER_NOUN = re.compile(r"(?:数|率|割合|比率|額|量)$")
_HEADING = re.compile(r"\s*<([^<>]+)>\s*|\s*【(?!(?:目標|実績|現状|現在|基準)(?:値|年度)?】)([^【】]+)】\s*")
_ROLE_HEADING = re.compile(r"[【〔](?:目標|実績|現状|現在|基準)(?:値|年度)?[】〕]")
_BEFORE_HEADING = re.compile(r"\s(?=[<＜][^<>＜＞]{1,60}[>＞])")
# ... 数( and 率( are the end of a word that a line wrap has broken; 年間, 目標 … go on with a number
_CONTINUES = re.compile(
    r"(?:数|率|額|量)(?:[(\s]|$)|対?前年|年間|年\d|毎年|(?:最終|中間|数値|達成)?目標|現状|実績[値:(】]|直近|(?:基準|当初|中間)値|約|およそ|[\s(<、。,.:;・)\]」』ぁ-ん※/]|等|以[上下外内降]|及び|又は|並び|未満|程度"
)
_SOFT_END = re.compile(r"[ぁ-ん、・(「]$")


@dataclass(frozen=True)
class Kpi:
    """One KPI: its printed words, its group, its targets, and where it is not yet set, by when it will be.

    `unread` are words with a number that nothing accounts for.
    """

    text: Text
    group: str
    status: str
    set_by: str
    targets: tuple[Target, ...]
    normal: Text
    unread: tuple[Text, ...] = ()


def kpis_of(cell: Text, lexicon: Lexicon, written: datetime.date | None = None) -> list[Kpi]:
    """Return the KPIs of a cell in printed order; none for an empty one. `written` is the day of the document."""
    if is_nothing(cell.chars):
        return []
    blocks, _ = read_markup(cell)
    kpis: list[Kpi] = []
    group = ""
    for item in _rejoined(items_of(_unwrapped(blocks))):
        for text in item.text.split(_BEFORE_HEADING):
            while heading := _heading(text.normal().chars, lexicon):
                group = heading[1] or heading[2]
                text = _after(text, heading.end())
            kpis.extend(_kpi(part, group, lexicon, written) for part in _separated(text, lexicon))
    return kpis


def _heading(text: str, lexicon: Lexicon) -> re.Match[str] | None:
    """Return the heading with which a text begins; what has a number or a period in it belongs to a KPI."""
    heading = _HEADING.match(text)
    words = (heading[1] or heading[2]) if heading else ""
    counts = any(numeral.unit for numeral in lexicon.counters.numerals(words)) or lexicon.calendar.periods(words)
    return None if counts else heading


def _after(text: Text, end: int) -> Text:
    """Return what follows the first `end` characters of the NFKC form."""
    rest = text.normal()[end:]
    return text[next((i for i, at in enumerate(text.starts) if rest.chars and at >= rest.starts[0]), len(text)) :]


def _unwrapped(blocks: list[Block]) -> list[Block]:
    """Join paragraphs that a line wrap has parted: the left one cannot end a KPI, or the right one cannot begin one."""
    joined: list[Block] = []
    for block in blocks:
        text = block.text.spaced()
        left = joined[-1] if joined else None
        if left and not block.item and not left.item and _is_wrapped(left.text.normal().chars, text.normal().chars):
            joined[-1] = Block(left.text + text, False)
        else:
            joined.append(Block(text, block.item, block.links))
    return joined


def _rejoined(items: list[Block]) -> list[Block]:
    """Join what a heading has parted that only names a role: 【目標】300団体 【実績】120団体 is one KPI."""
    joined: list[Block] = []
    for item in items:
        left = joined[-1] if joined else None
        if left and not item.item and _ROLE_HEADING.match(item.text.normal().chars):
            space = Text(" ", left.text.ends[-1:], left.text.ends[-1:])
            joined[-1] = Block(left.text + space + item.text, left.item, left.links)
        else:
            joined.append(item)
    return joined


def _is_wrapped(left: str, right: str) -> bool:
    open_parenthesis = left.count("(") > left.count(")")
    return open_parenthesis or bool(_SOFT_END.search(left)) or bool(re.match(r"[(ぁ-ん]", right))


def _separated(text: Text, lexicon: Lexicon) -> Iterator[Text]:
    """Yield the KPIs that one paragraph or list item runs together."""
    normal = whole(text.normal(), lexicon.counters.forms)
    groups = parentheses_of(normal.chars)
    last = 0
    for index in range(len(normal)):
        # only a separator or the end of a parenthesis can end a KPI
        if normal.chars[index] not in " 、/" and not (index and normal.chars[index - 1] in ")]】〕"):
            continue
        if any(start <= index <= stop for start, stop in groups) or index < last:
            continue
        if _ends_before(normal.chars, last, index, groups, lexicon):
            yield _printed(text, normal[last:index])
            last = index + (normal.chars[index] in " 、/")
    if normal.chars[last:].strip():
        yield _printed(text, normal[last:])


def _ends_before(text: str, start: int, index: int, groups: list[tuple[int, int]], lexicon: Lexicon) -> bool:
    """Whether a KPI that began at `start` ends before the character at `index` (outside any parenthesis)."""
    left, right = text[start:index].strip(), text[index + 1 :].strip()
    group = next(((a, b) for a, b in groups if b == index - 1), None)
    if text[index] == " ":
        complete = left.endswith(")") or bool(_COUNTER_NOUN.search(left))
        return complete and bool(right) and not _continues(right, lexicon)
    if group is None:
        return False
    says_target = _says_target(text[group[0] + 1 : group[1]], lexicon)
    counted = bool(_COUNTER_NOUN.search(text[start : group[0]].strip()))
    if text[index] in "、/":
        return bool(right) and (says_target or counted) and not _continues(right, lexicon)
    return says_target and counted and not _continues(text[index:], lexicon)


def _continues(text: str, lexicon: Lexicon) -> bool:
    """Whether words go on with the KPI before them: by a particle, a sign, a period, or a number that counts."""
    if _CONTINUES.match(text) or any(period.start == 0 for period in lexicon.calendar.periods(text)):
        return True
    return any(numeral.start == 0 for numeral in lexicon.counters.numerals(text))


def _says_target(inside: str, lexicon: Lexicon) -> bool:
    return bool(UNSET.search(inside) or targets_of(f"({inside})", lexicon))


def _printed(text: Text, part: Text) -> Text:
    """Return the printed words of a part of the NFKC form."""
    part = part.strip()
    span = part.span
    chosen = [
        i for i, (a, b) in enumerate(zip(text.starts, text.ends, strict=True)) if a >= span.start and b <= span.end
    ]
    return text[chosen[0] : chosen[-1] + 1]


def _kpi(text: Text, group: str, lexicon: Lexicon, written: datetime.date | None) -> Kpi:
    normal = whole(text.normal(), lexicon.counters.forms)
    unset = UNSET.search(normal.chars)
    if unset:
        periods = lexicon.calendar.periods(normal.chars)
        left = tuple(normal[start:stop].strip() for start, stop in unread_in(normal.chars, lexicon, ()))
        return Kpi(text, group, "unset", periods[-1].code if periods else "", (), normal, left)
    reading = Reading(normal.chars, lexicon, written)
    aims = any(target.role != "baseline" for target in reading.targets)
    unread = unread_in(normal.chars, lexicon, reading.numbers) if SAYS_SOMETHING.search(normal.chars) else ()
    left = tuple(normal[start:stop].strip() for start, stop in unread)
    return Kpi(text, group, "set" if aims else "none", "", tuple(reading.targets), normal, left)
