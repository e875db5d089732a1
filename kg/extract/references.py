"""Parser for budget cells and for references: programme names with grants and former names, and addresses.

Addresses are read from links and text with their titles, and are rejoined if a line wrap broke them.
"""

import re
from dataclasses import dataclass, field

from kg.core.spans import EMPTY, Text, plain
from kg.extract.cell_classifier import is_nothing
from kg.extract.markup import Block, Link, read_markup
from kg.extract.target_clauses import parentheses_of

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_URL_CHARS = r"A-Za-z0-9\-._~:/?#@!$&*+,;=%"
# an address ends where another begins
_CHAR = rf"(?:(?!https?://)[{_URL_CHARS}])"
_URL = re.compile(rf"https?://{_CHAR}*(?:\({_CHAR}*\){_CHAR}*)*", re.IGNORECASE)
_FRAGMENT = re.compile(rf"[ \t\u3000\xa0]+([{_URL_CHARS}]+)(?![{_URL_CHARS}])")
_COMPLETE = re.compile(
    r"\.(?:html?|pdf|xlsx?|docx?|pptx?|csv|zip|php|aspx?|jsp|jp|com|org|net|cgi)/?(?:[?#].*)?$|/$", re.IGNORECASE
)
_PATHLIKE = re.compile(
    r"[/?#=%]|\.(?:html?|pdf|xlsx?|docx?|pptx?|csv|zip|php|aspx?)$|[a-z0-9]_|_[a-z0-9]", re.IGNORECASE
)
_LOWER = re.compile(r"[a-z0-9._\-]+")
_NUMBERED = re.compile(r"[A-Za-z0-9]*\d[A-Za-z0-9]*")
# .htm|l, .xls|x: the line wrap is inside a file extension
_SPLIT_SUFFIX = re.compile(r"\.(?:htm l|(?:xls|doc|ppt) x)(?:[#?]\S*)?$", re.IGNORECASE)
# Further characters after the usual ones of an address, up to a character that ends any address. A parenthesis belongs
# to it if more of it follows, an apostrophe if a letter follows.
_END = r"\s<>()（）「」『』【】\[\]〔〕《》〈〉、。，．；：,;:・…※■●○◆→⇒'’”"
_RUN = re.compile(
    rf"(?:(?!https?://)(?:[^{_END}]|[.,;:'．](?=[A-Za-z0-9ａ-ｚＡ-Ｚ０-９])|[(（][^\s()（）]{{1,20}}[)）](?!https?:)(?=[\w./?#\-])|\[\w*\]))*",
    re.IGNORECASE,
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_LETTER = re.compile(r"[^\W\d_a-zA-Z]")
# A word of a sentence after an address; a file extension, or a character that only an address has
_SENTENCE = re.compile(r"[ぁ-ん]|等|他|参照|より|など")
_ADDRESSED = re.compile(r"[/?#=&%]|\.[a-z0-9]{2,5}$", re.IGNORECASE)
# Letters at the end that may be part of the address or a word after it; a separate path segment is part of it
_AMBIGUOUS = re.compile(r"[/=#?&][A-Za-z0-9_.~%()\-]+[^\x00-\x7f]+$")
_TRAILING = ".,;:!'"
_SIGNS = r"\s'・、。,.;:|/\-‐–○■●◆※"  # signs around addresses, without meaning
_BULLET = re.compile(r"^[\s'・○●■◆※\-‐–]+")
_PROGRAMME = re.compile(r"^\s*[<【]?\s*予算事業名|(?:事業|経費|交付金|補助金)\s*$")
_BULLETED = re.compile(r"(?:^|(?<=\s))[■●○◆・](?=\S)")
_LIKE_ADDRESS = re.compile(r"(?:https?|ftp)(?:\s*:\s*/{0,2}|\s?//)\S*|(?<![A-Za-z0-9])www\.\S+", re.IGNORECASE)
_HOST = re.compile(r"https?://[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+(?::\d+)?(?:[/?#]|$)", re.IGNORECASE)
_ILLEGAL = re.compile(r'[\s<>"{}|\\^`\[\]\x00-\x1f\x7f-\x9f\ue000-\uf8ff\ufff0-\uffff]|%(?![0-9A-Fa-f]{2})')


@dataclass(frozen=True)
class Reference:
    """An address as printed and as repaired, and the title before it (empty if there is none)."""

    printed: Text
    url: str
    title: Text
    differs: bool = False

    @property
    def joined(self) -> bool:
        """True if a line wrap had broken the address."""
        return any(char.isspace() for char in self.printed.chars)

    @property
    def valid(self) -> bool:
        """True if the repaired address has a host name, valid characters (RFC 3987) and a definite end."""
        return bool(_HOST.match(self.url)) and not _ILLEGAL.search(self.url) and not _AMBIGUOUS.search(self.url)


@dataclass(frozen=True)
class _Address:
    """An address in a block, as printed and repaired; `label` is a link text that is not an address."""

    start: int
    stop: int
    printed: Text
    url: str
    label: Text = EMPTY
    differs: bool = False
    attached: bool = False  # in parentheses after its title: ガイドライン(https://…)


def references_of(blocks: list[Block]) -> list[Reference]:
    """Return every reference of a cell in order; one without a title has that of the preceding one."""
    references: list[Reference] = []
    waiting = title = EMPTY  # a title may be a separate paragraph before that of its address
    for block in _rejoined(blocks):
        last = 0
        for address in _addresses(block):
            before = block.text[last : address.start].strip()
            before = before if before.chars else waiting
            own = address.label if address.label.chars else _title(before, address)
            title = own if own.chars else title
            references.append(Reference(address.printed, address.url, title, address.differs))
            waiting, last = EMPTY, address.stop
        remaining = block.text[last:].strip()
        if remaining.chars:
            waiting, title = remaining, EMPTY
    return references


def without_references(blocks: list[Block]) -> list[Block]:
    """Return the blocks without addresses and their titles."""
    remaining: list[Block] = []
    blocks = _rejoined(blocks)
    for index, block in enumerate(blocks):
        following = _addresses(blocks[index + 1]) if index + 1 < len(blocks) else []
        if following and not blocks[index + 1].text[: following[0].start].chars.strip() and not _addresses(block):
            text = block.text[: _title_start(block.text, following[0])]  # title of the address in the next paragraph
        else:
            text, last = EMPTY, 0
            for address in _addresses(block):
                before = block.text[last : address.start]
                text, last = text + before[: _title_start(before, address)], address.stop
            text = text + block.text[last:]
        if text.chars.strip():
            remaining.append(Block(text, block.item))
    return remaining


def unread_address(blocks: list[Block]) -> str:
    """Return words that resemble an address but could not be read as one, or an empty string."""
    for block in without_references(blocks):
        if match := _LIKE_ADDRESS.search(block.text.normal().chars):
            return match.group()
    return ""


def unread_references(blocks: list[Block]) -> list[str]:
    """Return the words of a references cell that are neither an address nor the title of one."""
    texts = (re.sub(rf"^[{_SIGNS}]+|[{_SIGNS}]+$", "", block.text.chars) for block in without_references(blocks))
    return [" ".join(words.split()) for words in texts if re.search(r"[\w△▲◯☆★◎×]", words) and not is_nothing(words)]


def _rejoined(blocks: list[Block]) -> list[Block]:
    """Return the blocks with addresses joined across line breaks, and full-width ones converted."""
    joined: list[Block] = []
    for block in blocks:
        if not _SCHEME.search(block.text.chars) and _SCHEME.search(block.text.normal().chars):
            block = Block(block.text.normal(), block.item, after_break=block.after_break)
        previous = joined[-1] if joined else None
        url = re.search(rf"https?://[{_URL_CHARS}]*$", previous.text.chars, re.IGNORECASE) if previous else None
        word = re.match(rf"[{_URL_CHARS}]+", block.text.chars)
        if (
            previous
            and block.after_break
            and not previous.links
            and url
            and word
            and _belongs(url.group(), word.group())
        ):
            joined[-1] = Block(previous.text + block.text, previous.item, after_break=previous.after_break)
        else:
            joined.append(block)
    return joined


def _addresses(block: Block) -> list[_Address]:
    """Return the addresses of a block in order."""
    addresses = [address for link in block.links if (address := _linked(block.text, link))]
    for start, stop in _plain(block.text.chars):
        if not any(other.start < stop and start < other.stop for other in addresses):
            printed = block.text[start:stop]
            attached = block.text.chars[start - 1 : start] in ("(", "（") and block.text.chars[stop : stop + 1] in (
                ")",
                "）",
            )
            wide = int(attached)
            addresses.append(
                _Address(
                    start - wide, stop + wide, printed, printed.unspaced().chars.translate(_WIDE), attached=attached
                )
            )
    return sorted(addresses, key=lambda address: address.start)


def _linked(text: Text, link: Link) -> _Address | None:
    """Read an `<a href>`: its text repeats the address, or is the title, or is another address."""
    shown = text[link.start : link.stop].strip()
    target, repeated = link.href.unspaced().chars, shown.unspaced().chars
    if not _SCHEME.match(target):
        target = repeated if _SCHEME.match(repeated) else ""
    if not target:
        return None
    if not _SCHEME.match(repeated):
        return _Address(link.start, link.stop, link.href, target, label=shown)
    return _Address(link.start, link.stop, shown, target, differs=repeated != target)


def _plain(text: str) -> list[tuple[int, int]]:
    """Return the places of addresses in plain text, with fragments that a line wrap separated."""
    spans = []
    at = 0
    while match := _URL.search(text, at):
        stop = _whole(text, match.start(), match.end())
        while (more := _FRAGMENT.match(text, stop)) and _belongs(text[match.start() : stop], more[1]):
            stop = _whole(text, match.start(), more.end())
        spans.append((match.start(), match.start() + len(text[match.start() : stop].rstrip(_TRAILING))))
        at = stop
    return spans


def _whole(text: str, start: int, stop: int) -> int:
    """Return the end of an address whose usual characters end at `stop`.

    It may have others (RFC 3987): letters of any script continue it, unless they are words of a sentence or follow a
    file extension. An invalid character continues it, too, and makes it invalid as a whole.
    """
    run = _RUN.match(text, stop)
    words = run.group().translate(_WIDE) if run else ""
    if not run or not re.search(r"\w", words):
        return stop
    if _LETTER.match(words):
        complete = _COMPLETE.search(text[start:stop]) and text[stop - 1] not in "/=#?&%_-"
        if complete or (_SENTENCE.match(words) and not _ADDRESSED.search(words)):
            return stop
    return run.end()


def _belongs(url: str, fragment: str) -> bool:
    """Return whether a word after white space continues the address before it."""
    if _SCHEME.match(fragment) or not fragment.strip("-"):
        return False
    if fragment.startswith("/") or url[-1] in "#?=&%_-" or _SPLIT_SUFFIX.search(f"{url} {fragment}"):
        return True
    if _COMPLETE.search(url):
        return (
            url.endswith("/")
            and bool(_PATHLIKE.search(fragment))
            and (not fragment.startswith("-") or _is_file(fragment))
        )
    return bool(_PATHLIKE.search(fragment) or _LOWER.fullmatch(fragment) or _NUMBERED.fullmatch(fragment))


def _is_file(fragment: str) -> bool:
    """Return whether a fragment ends like a file name, unlike an item of a list."""
    return bool(_COMPLETE.search(fragment)) and not fragment.endswith("/")


def _title_start(before: Text, address: _Address) -> int:
    """Return the start of the title in the text before an address; its length if there is none.

    The title is the last parenthesis that begins a word, with the text after it; or the text after the last bullet; or
    all of the text, unless that names a budget programme.
    """
    if address.label.chars:
        return len(before)  # the text of the link is its title
    if address.attached:
        words = before.chars.split()
        return before.chars.rindex(words[-1]) if words else len(before)
    text = before.normal().chars
    opening, depth = -1, 0
    for index, char in enumerate(text):
        if char == "(":
            if not depth and (index == 0 or text[index - 1].isspace() or text[index - 1] in "'>"):
                opening = index - 1 if text[:index].endswith("'") else index
            depth += 1
        elif char == ")" and depth:
            depth -= 1
    if opening < 0 and (bullets := list(_BULLETED.finditer(text))):
        opening = bullets[-1].start()
    if opening < 0:
        return len(before) if _PROGRAMME.search(text) else 0
    at = before.normal().starts[opening]
    return next(index for index, start in enumerate(before.starts) if start >= at)


def _title(before: Text, address: _Address) -> Text:
    """Return the title before an address, from its parenthesis on, without bullets."""
    text = before[_title_start(before, address) :].normal()
    text = text[_bullet(text.chars) :].strip()
    if not text.chars.startswith("("):
        return text.spaced()
    start, close = parentheses_of(text.chars)[0]
    remaining = text[close + 1 :].strip()
    remaining = remaining[_bullet(remaining.chars) :]
    inside, gap = text[start + 1 : close], text[close + 1 : close + 2]
    gap = gap if gap.chars.isspace() else EMPTY
    return (inside + gap + remaining if remaining.chars else inside).spaced()


def _bullet(text: str) -> int:
    match = _BULLET.match(text)
    return match.end() if match else 0


_HEADING = re.compile(r"[<【]\s*(?:予算)?事業名[^<>【】]{0,12}[>】]\s*:?|^\s*予算事業名\s*:?\s*")
_BULLETS = "・○●■◆①②③④⑤⑥⑦⑧⑨"
_NAME_ENDS = re.compile(r"(?:事業|事業費|経費|費用|費|交付金|補助金|負担金|委託費|施策|内数|等|[)\]】])$")
_GRANT = re.compile(r"[\[【]([^\[\]【】]+)[\]】]")
# An amount, with its year: (令和2年度当初予算 1,234百万円), 令和2年度:12億円の内数
_SUM = r"[\d.,]*\d\s*(?:百|千|万|億|兆)*円(?:の?内数|程度|\s*\([^()]*\))?"
_KIND = r"当初|補正|本|概算|要求|予定|政府|予算|決算|案|額|要望|総額|国費|事業費|[:\s・]"
_YEAR = rf"(?:(?:[^\W\d_]{{2}}|[A-Z])?\s*(?:\d{{1,4}}|元)\s*年度?\s*)?(?:{_KIND})*"
_SUM_IN_BRACKETS = re.compile(
    rf"\s*[(\[【][^()\[\]【】]*{_SUM}[^()\[\]【】]*[)\]】](?:の?内数)?"
    rf"|(?:^|\s+|(?<=[業費金策等)\]】])){_YEAR}(?<![\d.,]){_SUM}(?=\s|$|[、,;(])"
    r"|^\s*(?:[^\W\d_]{2}|[A-Z])?\s*(?:\d{1,2}|元)\s*年度\s*(?:当初|第?[\d一二三]次|補正|概算|要求|予算|案|額)+\s*(?::|\s)\s*(?=\S)"
    r"|(?<=\S)\s*\((?:予算)?(?:調整中|未定|検討中|要求中)\)"
)
_FORMER = re.compile(r"\(旧(?:名称|事業名|事業)?\s*:?\s*")
_LABEL = re.compile(r"[(\[【]?(?:新規|再掲|拡充|継続|追加|変更|一部|案|仮称|予定)[)\]】]?")
_SENTENCE_END = re.compile(r"。|^※")
_LIST = re.compile(r"[、,;]")
_CJK = r"[\u3040-\u30ff\u3400-\u9fff々ー・()「」]"
_WRAP = re.compile(rf"(?<={_CJK})\s+(?={_CJK})")


_STATUS = re.compile(
    r"(?:予算|金額|事業名|内容)?(?:は)?(?:調整中|未定|検討中|要求中|未確定|未計上)(?:である|です)?(?:\([^()]*\)|。)?"
    r"|\((?:調整中|未定|検討中|要求中)\)"
)


def budget_status(words: str) -> bool:
    """Return whether words state that a programme is not settled: 調整中, 未定(令和3年度要求)."""
    return bool(_STATUS.fullmatch(plain(words)))


@dataclass(frozen=True)
class Programme:
    """A budget programme as printed; `grant` is its bracketed grant, `former` its former names."""

    name: Text
    grant: str
    former: tuple[str, ...]


@dataclass(frozen=True)
class Budget:
    """Content of a budget cell other than its references."""

    programmes: tuple[Programme, ...]
    notes: tuple[Text, ...]


def budget_of(cell: Text) -> Budget:
    """Return the programmes and notes of a budget cell."""
    if is_nothing(cell.chars):
        return Budget((), ())
    state = _Found()
    headings: list[Text] = []
    blocks, _ = read_markup(cell)
    for block in without_references(blocks):
        sections = _sections(block.text.normal().spaced())
        if not sections and block.text.chars.strip():
            headings.append(block.text.normal().spaced().strip())
        for text, headed in sections:
            state.headed = state.headed or headed
            if _SENTENCE_END.search(text.chars) and not headed:
                state.notes.append(text)
            else:
                _read(text, state)
        # a heading may be a paragraph of its own
        state.headed = state.headed or bool(_HEADING.search(block.text.normal().spaced().chars))
    if not state.programmes and not state.notes:
        state.notes.extend(headings)  # a heading with nothing below it
    return Budget(tuple(state.programmes), tuple(state.notes))


@dataclass
class _Found:
    """State of reading a cell; `headed` is True after a heading."""

    programmes: list[Programme] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    headed: bool = False


def _read(text: Text, state: _Found) -> None:
    """Read the names of a section; a sum or status is a note on the preceding programme, with its name."""
    sums = [text[match.start() : match.end()] for match in _SUM_IN_BRACKETS.finditer(text.chars)]
    whole = text
    for match in reversed(list(_SUM_IN_BRACKETS.finditer(text.chars))):
        text = text.replace(match.start(), match.end(), " ")
    for part in _names(text):
        programme = _programme(part)
        named = not budget_status(part.chars) and not _LABEL.fullmatch(part.chars)
        if not programme or not named or not (state.headed or _NAME_ENDS.search(part.chars)):
            state.notes.append(part)
        else:
            label = part.chars[0] in "[【" and part.chars.strip("[]【】 ") != programme.name.chars
            if label or plain(programme.name.chars) not in plain(part.chars):
                state.notes.append(part)  # a label before the name, or words after a sum
            if all(programme.name.chars != other.name.chars for other in state.programmes):
                state.programmes.append(programme)
    for words in sums:
        before = [one.name for one in state.programmes if one.name.span.start < words.span.start]
        start, end = (before[-1] if before else words.strip()).span.start, words.span.end
        places = [i for i, (a, b) in enumerate(zip(whole.starts, whole.ends, strict=True)) if start <= a and b <= end]
        opened = places[0] - (places[0] > 0 and whole.chars[places[0] - 1] in "[【")
        state.notes.append(whole[opened : places[-1] + 1].strip())


def _sections(text: Text) -> list[tuple[Text, bool]]:
    """Return the text after each heading `<予算事業名>`, and before the first, and whether it has a heading."""
    headings = list(_HEADING.finditer(text.chars))
    starts = [0, *(heading.end() for heading in headings)]
    stops = [*(heading.start() for heading in headings), len(text)]
    sections = [(text[a:b].strip(), index > 0) for index, (a, b) in enumerate(zip(starts, stops, strict=True))]
    return [(section, headed) for section, headed in sections if section.chars]


def _names(text: Text) -> list[Text]:
    """Return the names, split at bullets and after endings of names; other spaces are line wraps."""
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
    names = [_unmarked(part) for part in [*parts, text[last:]]]
    return [part for part in names if part.chars and not is_nothing(part.chars)]


def _unmarked(text: Text) -> Text:
    """Return a name without list markers; a doubled marker is a placeholder for a name: ○○事業."""
    text = text.strip(" 、,;")
    return text if text.chars[:2] in {mark * 2 for mark in _BULLETS} else text.strip(_BULLETS + " 、,;")


def _programme(text: Text) -> Programme | None:
    """Return a programme with its grant and former names separated from its name."""
    former: tuple[str, ...] = ()
    if match := _FORMER.search(text.chars):
        close = next((stop for start, stop in parentheses_of(text.chars) if start == match.start()), len(text))
        inside = text[match.end() : close]
        former = tuple(part.spaced().chars for part in _split_outside(inside))
        text = text[: match.start()] + text[close + 1 :]
    grant = ""
    if bracket := _GRANT.search(text.chars):
        inside, remaining = text[bracket.start(1) : bracket.end(1)], text[: bracket.start()] + text[bracket.end() :]
        first = not text.chars[: bracket.start()].strip()
        if first and (not remaining.chars.strip() or _NAME_ENDS.search(inside.chars.strip())):
            text = inside  # 【…】 is the name itself if none precedes it
        else:
            text, grant = remaining, "" if first else inside.chars.strip()
    name = _unwrapped(text.strip())
    return Programme(name, grant, former) if name.chars else None


def _split_outside(text: Text) -> list[Text]:
    """Return the items of a list, split at commas outside parentheses."""
    groups = parentheses_of(text.chars)
    parts, last = [], 0
    for match in _LIST.finditer(text.chars):
        if not any(start < match.start() < stop for start, stop in groups):
            parts.append(text[last : match.start()].strip())
            last = match.end()
    return [part for part in [*parts, text[last:].strip()] if part.chars]


def _unwrapped(text: Text) -> Text:
    """Return a name without spaces between Japanese characters, which come from line wraps."""
    for match in reversed(list(_WRAP.finditer(text.chars))):
        text = text[: match.start()] + text[match.end() :]
    return text
