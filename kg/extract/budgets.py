"""The budget cell: programme names, the bracketed grants and former names beside them, and notes that are no names."""

import re
from dataclasses import dataclass, field

from kg.core.spans import Text, plain
from kg.extract.cell_classifier import is_nothing
from kg.extract.markup import read_markup
from kg.extract.references import without_references
from kg.extract.target_clauses import parentheses_of

_HEADING = re.compile(r"[<【]\s*(?:予算)?事業名[^<>【】]{0,12}[>】]\s*:?|^\s*予算事業名\s*:?\s*")
_BULLETS = "・○●■◆①②③④⑤⑥⑦⑧⑨"
_NAME_ENDS = re.compile(r"(?:事業|事業費|経費|費用|費|交付金|補助金|負担金|委託費|施策|内数|等|[)\]】])$")
_GRANT = re.compile(r"[\[【]([^\[\]【】]+)[\]】]")
# How much, and in which year: (令和2年度当初予算 1,234百万円), 令和2年度:12億円の内数
_SUM = r"[\d.,]*\d\s*(?:百|千|万|億|兆)*円(?:の?内数|程度|\s*\([^()]*\))?"
_KIND = r"当初|補正|本|概算|要求|予定|政府|予算|決算|案|額|要望|総額|国費|事業費|[:\s・]"
_YEAR = rf"(?:(?:[^\W\d_]{{2}}|[A-Z])?\s*(?:\d{{1,4}}|元)\s*年度?\s*)?(?:{_KIND})*"
_BESIDE = re.compile(
    rf"\s*[(\[【][^()\[\]【】]*{_SUM}[^()\[\]【】]*[)\]】](?:の?内数)?"
    rf"|(?:^|\s+|(?<=[業費金策等)\]】])){_YEAR}(?<![\d.,]){_SUM}(?=\s|$|[、,;(])"
    r"|^\s*(?:[^\W\d_]{2}|[A-Z])?\s*(?:\d{1,2}|元)\s*年度\s*(?:当初|第?[\d一二三]次|補正|概算|要求|予算|案|額)+\s*(?::|\s)\s*(?=\S)"
    r"|(?<=\S)\s*\((?:予算)?(?:調整中|未定|検討中|要求中)\)"
)
_FORMER = re.compile(r"\(旧(?:名称|事業名|事業)?\s*:?\s*")
_LABEL = re.compile(r"[(\[【]?(?:新規|再掲|拡充|継続|追加|変更|一部|案|仮称|予定)[)\]】]?")
_SENTENCE = re.compile(r"。|^※")
_LIST = re.compile(r"[、,;]")
_CJK = r"[\u3040-\u30ff\u3400-\u9fff々ー・()「」]"
_WRAP = re.compile(rf"(?<={_CJK})\s+(?={_CJK})")


_STATUS = re.compile(
    r"(?:予算|金額|事業名|内容)?(?:は)?(?:調整中|未定|検討中|要求中|未確定|未計上)(?:である|です)?(?:\([^()]*\)|。)?"
    r"|\((?:調整中|未定|検討中|要求中)\)"
)


def budget_status(words: str) -> bool:
    """Whether the words say that the programme is not settled: 調整中, 未定(令和3年度要求)."""
    return bool(_STATUS.fullmatch(plain(words)))


@dataclass(frozen=True)
class Programme:
    """A budget programme as printed; `grant` is the bracketed name of its grant, `former` its former names."""

    name: Text
    grant: str
    former: tuple[str, ...]


@dataclass(frozen=True)
class Budget:
    """What a budget cell says apart from its references."""

    programmes: tuple[Programme, ...]
    notes: tuple[Text, ...]


def budget_of(cell: Text) -> Budget:
    """Return the programmes and notes of a budget cell."""
    if is_nothing(cell.chars):
        return Budget((), ())
    found = _Found()
    blocks, _ = read_markup(cell)
    for block in without_references(blocks):
        for text, headed in _sections(block.text.normal().spaced()):
            found.headed = found.headed or headed
            if _SENTENCE.search(text.chars) and not headed:
                found.notes.append(text)
            else:
                _read(text, found)
        # a heading may be a paragraph of its own
        found.headed = found.headed or bool(_HEADING.search(block.text.normal().spaced().chars))
    return Budget(tuple(found.programmes), tuple(found.notes))


@dataclass
class _Found:
    """What was read of a cell so far; `headed` says that a heading stood before."""

    programmes: list[Programme] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    headed: bool = False


def _read(text: Text, found: _Found) -> None:
    """Read the names of a section; a sum or a status is a note on the programme before it, with its name."""
    beside = [text[match.start() : match.end()] for match in _BESIDE.finditer(text.chars)]
    whole = text
    for match in reversed(list(_BESIDE.finditer(text.chars))):
        text = text.replace(match.start(), match.end(), " ")
    for part in _names(text):
        programme = _programme(part)
        named = not budget_status(part.chars) and not _LABEL.fullmatch(part.chars)
        if not programme or not named or not (found.headed or _NAME_ENDS.search(part.chars)):
            found.notes.append(part)
        else:
            label = part.chars[0] in "[【" and part.chars.strip("[]【】 ") != programme.name.chars
            if label or plain(programme.name.chars) not in plain(part.chars):
                found.notes.append(part)  # a label before the name, or words behind what stands beside it
            if all(programme.name.chars != other.name.chars for other in found.programmes):
                found.programmes.append(programme)
    for words in beside:
        before = [one.name for one in found.programmes if one.name.span.start < words.span.start]
        start, end = (before[-1] if before else words.strip()).span.start, words.span.end
        places = [i for i, (a, b) in enumerate(zip(whole.starts, whole.ends, strict=True)) if start <= a and b <= end]
        opened = places[0] - (places[0] > 0 and whole.chars[places[0] - 1] in "[【")
        found.notes.append(whole[opened : places[-1] + 1].strip())


def _sections(text: Text) -> list[tuple[Text, bool]]:
    """Return what follows each heading `<予算事業名>`, and what precedes the first; with whether it has a heading."""
    headings = list(_HEADING.finditer(text.chars))
    starts = [0, *(heading.end() for heading in headings)]
    stops = [*(heading.start() for heading in headings), len(text)]
    sections = [(text[a:b].strip(), index > 0) for index, (a, b) in enumerate(zip(starts, stops, strict=True))]
    return [(section, headed) for section, headed in sections if section.chars]


def _names(text: Text) -> list[Text]:
    """Separate names at bullets, and at a space or comma after what can end a name; other spaces are line wraps."""
    groups = parentheses_of(text.chars)
    parts: list[Text] = []
    last = 0
    for match in re.finditer(
        r"\s+|\s*[、;]\s*|(?<=】)(?=【)|(?<=[業費金][\]】])(?=[^\s(\[の、;])|(?<=\))(?=[^\s(\[【の、;)])", text.chars
    ):
        if any(start < match.start() < stop for start, stop in groups):
            continue
        if text.chars[match.start() - 1] == ")" and not match.group():
            former = any(text.chars.startswith("(旧", start) for start, stop in groups if stop == match.start() - 1)
            if not former:
                continue
        left, right = text.chars[last : match.start()], text.chars[match.end() :]
        ends = bool(_NAME_ENDS.search(left)) and right[:1] not in ("(", "[")
        if right and (ends or right[0] in _BULLETS):
            parts.append(text[last : match.start()])
            last = match.end()
    found = [_unmarked(part) for part in [*parts, text[last:]]]
    return [part for part in found if part.chars and not is_nothing(part.chars)]


def _unmarked(text: Text) -> Text:
    """Return a name without the marks of a list; doubled ones hold the place of a name: ○○事業."""
    text = text.strip(" 、,;")
    return text if text.chars[:2] in {mark * 2 for mark in _BULLETS} else text.strip(_BULLETS + " 、,;")


def _programme(text: Text) -> Programme | None:
    """Take the grant and the former names apart from the name."""
    former: tuple[str, ...] = ()
    if match := _FORMER.search(text.chars):
        close = next((stop for start, stop in parentheses_of(text.chars) if start == match.start()), len(text))
        inside = text[match.end() : close]
        former = tuple(part.spaced().chars for part in _split_outside(inside))
        text = text[: match.start()] + text[close + 1 :]
    grant = ""
    if bracket := _GRANT.search(text.chars):
        inside, rest = text[bracket.start(1) : bracket.end(1)], text[: bracket.start()] + text[bracket.end() :]
        first = not text.chars[: bracket.start()].strip()
        if first and (not rest.chars.strip() or _NAME_ENDS.search(inside.chars.strip())):
            text = inside  # 【…】 is a name, where none stands before it
        else:
            text, grant = rest, "" if first else inside.chars.strip()
    name = _unwrapped(text.strip())
    return Programme(name, grant, former) if name.chars else None


def _split_outside(text: Text) -> list[Text]:
    """Split a list at the commas that stand outside its parentheses."""
    groups = parentheses_of(text.chars)
    parts, last = [], 0
    for match in _LIST.finditer(text.chars):
        if not any(start < match.start() < stop for start, stop in groups):
            parts.append(text[last : match.start()].strip())
            last = match.end()
    return [part for part in [*parts, text[last:].strip()] if part.chars]


def _unwrapped(text: Text) -> Text:
    """Join a name that a line wrap has broken: there is no space between Japanese characters."""
    for match in reversed(list(_WRAP.finditer(text.chars))):
        text = text[: match.start()] + text[match.end() :]
    return text
