"""Reference documents: addresses with their titles, from links and text, whole again where a line wrap broke them."""

import re
from dataclasses import dataclass

from kg.core.spans import EMPTY, Text
from kg.extract.cell_classifier import is_nothing
from kg.extract.markup import Block, Link
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
# .htm|l, .xls|x: the wrap stands inside the suffix of a file
_SPLIT_SUFFIX = re.compile(r"\.(?:htm l|(?:xls|doc|ppt) x)(?:[#?]\S*)?$", re.IGNORECASE)
# What follows the usual characters of an address, up to a sign that ends every one. A parenthesis goes on with it where
# more of it follows, an apostrophe before a letter.
_END = r"\s<>()（）「」『』【】\[\]〔〕《》〈〉、。，．；：,;:・…※■●○◆→⇒'’”"
_RUN = re.compile(
    rf"(?:(?!https?://)(?:[^{_END}]|[.,;:'．](?=[A-Za-z0-9ａ-ｚＡ-Ｚ０-９])|[(（][^\s()（）]{{1,20}}[)）](?!https?:)(?=[\w./?#\-])|\[\w*\]))*",
    re.IGNORECASE,
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_LETTER = re.compile(r"[^\W\d_a-zA-Z]")
# A word of a sentence after an address, or the suffix of a file and what else only an address has
_SENTENCE = re.compile(r"[ぁ-ん]|等|他|参照|より|など")
_ADDRESSED = re.compile(r"[/?#=&%]|\.[a-z0-9]{2,5}$", re.IGNORECASE)
# Letters at the end that may be a part of the address or a word behind it: a path of their own is one
_AMBIGUOUS = re.compile(r"[/=#?&][A-Za-z0-9_.~%()\-]+[^\x00-\x7f]+$")
_TRAILING = ".,;:!'"
_SIGNS = r"\s'・、。,.;:|/\-‐–○■●◆※"  # around addresses, of no meaning
_BULLET = re.compile(r"^[\s'・○●■◆※\-‐–]+")
_PROGRAMME = re.compile(r"^\s*[<【]?\s*予算事業名|(?:事業|経費|交付金|補助金)\s*$")
_BULLETED = re.compile(r"(?:^|(?<=\s))[■●○◆・](?=\S)")
_LIKE_ADDRESS = re.compile(r"(?:https?|ftp)(?:\s*:\s*/{0,2}|\s?//)\S*|(?<![A-Za-z0-9])www\.\S+", re.IGNORECASE)
_HOST = re.compile(r"https?://[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+(?::\d+)?(?:[/?#]|$)", re.IGNORECASE)
_ILLEGAL = re.compile(r'[\s<>"{}|\\^`\[\]\x00-\x1f\x7f-\x9f\ue000-\uf8ff\ufff0-\uffff]|%(?![0-9A-Fa-f]{2})')


@dataclass(frozen=True)
class Reference:
    """An address as printed, the same repaired, and the title before it (empty where there is none)."""

    printed: Text
    url: str
    title: Text
    differs: bool = False

    @property
    def joined(self) -> bool:
        """Whether a line wrap had broken the address."""
        return any(char.isspace() for char in self.printed.chars)

    @property
    def valid(self) -> bool:
        """Whether the repaired address has a host name, holds what an address can (RFC 3987), and has a clear end."""
        return bool(_HOST.match(self.url)) and not _ILLEGAL.search(self.url) and not _AMBIGUOUS.search(self.url)


@dataclass(frozen=True)
class _Address:
    """An address in a block: where it stands, as printed and repaired; `label` is a link text that is no address."""

    start: int
    stop: int
    printed: Text
    url: str
    label: Text = EMPTY
    differs: bool = False
    attached: bool = False  # in parentheses after its title: ガイドライン(https://…)


def references_of(blocks: list[Block]) -> list[Reference]:
    """Return every reference of a cell in printed order; an address without a title shares the one before it."""
    found: list[Reference] = []
    waiting = title = EMPTY  # a title may stand in a paragraph of its own, before that of its address
    for block in _rejoined(blocks):
        last = 0
        for address in _addresses(block):
            before = block.text[last : address.start].strip()
            before = before if before.chars else waiting
            own = address.label if address.label.chars else _title(before, address)
            title = own if own.chars else title
            found.append(Reference(address.printed, address.url, title, address.differs))
            waiting, last = EMPTY, address.stop
        rest = block.text[last:].strip()
        if rest.chars:
            waiting, title = rest, EMPTY
    return found


def without_references(blocks: list[Block]) -> list[Block]:
    """Return the blocks without the addresses and their titles: what is left is the cell's own text."""
    rest: list[Block] = []
    blocks = _rejoined(blocks)
    for index, block in enumerate(blocks):
        following = _addresses(blocks[index + 1]) if index + 1 < len(blocks) else []
        if following and not blocks[index + 1].text[: following[0].start].chars.strip() and not _addresses(block):
            text = block.text[: _title_start(block.text, following[0])]  # the title of the next paragraph's address
        else:
            text, last = EMPTY, 0
            for address in _addresses(block):
                before = block.text[last : address.start]
                text, last = text + before[: _title_start(before, address)], address.stop
            text = text + block.text[last:]
        if text.chars.strip():
            rest.append(Block(text, block.item))
    return rest


def unread_address(blocks: list[Block]) -> str:
    """Return the words of a cell that look like an address and are none that could be read, or an empty string."""
    for block in without_references(blocks):
        if match := _LIKE_ADDRESS.search(block.text.normal().chars):
            return match.group()
    return ""


def beside_references(blocks: list[Block]) -> list[str]:
    """Return the words of a cell of references that are neither an address nor the title of one."""
    found = (re.sub(rf"^[{_SIGNS}]+|[{_SIGNS}]+$", "", block.text.chars) for block in without_references(blocks))
    return [" ".join(words.split()) for words in found if re.search(r"\w", words) and not is_nothing(words)]


def _rejoined(blocks: list[Block]) -> list[Block]:
    """Join an address that a line break in the markup has parted; read one that is printed in full-width letters."""
    joined: list[Block] = []
    for block in blocks:
        if not _SCHEME.search(block.text.chars) and _SCHEME.search(block.text.normal().chars):
            block = Block(block.text.normal(), block.item, after_break=block.after_break)
        left = joined[-1] if joined else None
        url = re.search(rf"https?://[{_URL_CHARS}]*$", left.text.chars, re.IGNORECASE) if left else None
        word = re.match(rf"[{_URL_CHARS}]+", block.text.chars)
        if left and block.after_break and not left.links and url and word and _belongs(url.group(), word.group()):
            joined[-1] = Block(left.text + block.text, left.item, after_break=left.after_break)
        else:
            joined.append(block)
    return joined


def _addresses(block: Block) -> list[_Address]:
    """Return the addresses of a block in order."""
    found = [address for link in block.links if (address := _linked(block.text, link))]
    for start, stop in _plain(block.text.chars):
        if not any(other.start < stop and start < other.stop for other in found):
            printed = block.text[start:stop]
            attached = block.text.chars[start - 1 : start] in ("(", "（") and block.text.chars[stop : stop + 1] in (
                ")",
                "）",
            )
            wide = int(attached)
            found.append(
                _Address(
                    start - wide, stop + wide, printed, printed.unspaced().chars.translate(_WIDE), attached=attached
                )
            )
    return sorted(found, key=lambda address: address.start)


def _linked(text: Text, link: Link) -> _Address | None:
    """Read an `<a href>`: its target is the address; its text repeats it, or is the title, or is another address."""
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
    """Return where the addresses of plain text are, with the fragments that a line wrap parted from them."""
    found = []
    at = 0
    while match := _URL.search(text, at):
        stop = _whole(text, match.start(), match.end())
        while (more := _FRAGMENT.match(text, stop)) and _belongs(text[match.start() : stop], more[1]):
            stop = _whole(text, match.start(), more.end())
        found.append((match.start(), match.start() + len(text[match.start() : stop].rstrip(_TRAILING))))
        at = stop
    return found


def _whole(text: str, start: int, stop: int) -> int:
    """Return where an address ends whose usual characters end at `stop`.

    It may hold others (RFC 3987): letters of any script go on with it, unless they are words of a sentence or stand
    behind the suffix of a file. A sign that no address can hold goes on with it, too: then it is broken as a whole.
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
    """Whether a word after white space is the rest of the address before it."""
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
    """Whether a fragment ends like a file, which an item of a list does not."""
    return bool(_COMPLETE.search(fragment)) and not fragment.endswith("/")


def _title_start(before: Text, address: _Address) -> int:
    """Return where the title begins in the text before an address; its length where there is none.

    The title is the last parenthesis that begins a word, with what follows it; or what follows the last bullet; or all
    of the text, unless that names a budget programme.
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
    """Return the title before an address: the words of its parenthesis and what follows it, without bullets."""
    text = before[_title_start(before, address) :].normal()
    text = text[_bullet(text.chars) :].strip()
    if not text.chars.startswith("("):
        return text.spaced()
    start, close = parentheses_of(text.chars)[0]
    rest = text[close + 1 :].strip()
    rest = rest[_bullet(rest.chars) :]
    inside = text[start + 1 : close]
    return (inside + text[close + 1 : close + 2] + rest if rest.chars else inside).spaced()


def _bullet(text: str) -> int:
    match = _BULLET.match(text)
    return match.end() if match else 0
