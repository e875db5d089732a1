"""Classifier for cells that identify themselves by their content: numbers, pillars, listing times, ministries.

Such cells are the anchors by which a row with shifted cells is read. A doubtful reading is not guessed: it becomes a
`Note`, which the build reports as an issue.
"""

import difflib
import re
import unicodedata
from dataclasses import dataclass, field

from kg.core.spans import Cell, plain, visible
from kg.extract.periods import Calendar
from kg.extract.target_clauses import parentheses_of
from kg.recipe.code_lists import Code, CodeList

_HYPHENS = re.compile("[‐‑‒–—―−ー]")
_RUNNING = re.compile(r"(?:No\.?)?(\d{1,4})\.?", re.IGNORECASE)
# Words next to a number that mark it as new, repeated or changed.
_ADJOINING_WORD = r"(?:新規?|再掲?|追加?|変更|改訂?|継続)"
_FOOTNOTE = r"[*※★☆†‡#+']{1,3}\d?"
_ROW = re.compile(
    rf"(?:No\.?|第)?\(?{_ADJOINING_WORD}?\)?\(?(?P<number>\d{{1,4}})(?P<part>(?:[-の.]\d{{1,2}}|[a-z])?)\)?"
    rf"(?:{_FOOTNOTE})?(?:\(?{_ADJOINING_WORD}\)?)?(?:{_FOOTNOTE})?",
)
_NATIONAL = re.compile(
    rf"(?:No\.?|施策番号|番号)?:?(?P<before>(?:\(?{_ADJOINING_WORD}\)?)?(?:{_FOOTNOTE})?)(?P<number>\d{{1,2}}-\d{{1,3}})"
    rf"(?P<after>(?:{_FOOTNOTE})?(?:\([^()\d]{{1,12}}\)|{_ADJOINING_WORD})?(?:{_FOOTNOTE})?)",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"\d{1,2}-\d{1,3}(?:[、,・/-]\d{1,3}(?:-\d{1,3})?)*")
_ADJUSTING = re.compile(r"\(?(?:掲載)?時期(?:は)?(?:調整中|未定)\)?|調整中|未定")
# Words after the year of a listing time: から, 以降, から順次, から(時期調整中) …; they contain no number.
_LISTED = re.compile(r"[^\d。]{0,16}")
LEAD = "◎"
CIRCLES = "◎○◯〇⚪"
_MARKED = re.compile(rf"^[(\[【]?[{CIRCLES}][)\]】]?:?|[(\[【]?[{CIRCLES}][)\]】]?$")
_BODY = r"(?:省|庁|府|官房|委員会|院|局|本部|室|機構|協会|裁判所|銀行|公社|会議|センター)(?:\([^()]*\))?"
_ORGANIZATION = re.compile(rf"[{CIRCLES}]?[^。「」()]*{_BODY}(?:等)?")
_COLLECTIVE = re.compile(
    rf"[{CIRCLES}]?(?:その他の?)?(?:関係|全て|すべて|全|各|その他)(?:の|する)?(?:各|全)?(?:府省庁|府省|省庁|省|府|庁|行政機関|機関)(?:等)?"
)
_SEPARATOR = re.compile(r"[、,，;；／/]|\s*[\n]\s*")
_MARKS = frozenset("○〇◯⚪●◎✓✔☑レ")
_FOOTED = re.compile(rf"[○〇◯⚪●◎✓✔☑レ](?:{_FOOTNOTE}|\(?注\d?\)?)")
# Signs in the place of a mark whose meaning is unclear: a mark, a partial one, or none.
_LIKE_MARK = re.compile(
    r"[(\[]?[○〇◯⚪●◎✓✔☑レ△▲▽▼□■◇◆☆★×✕✗✖☓*※+?xXOoQ0ОоΟο口ロ丸有無可否済]{1,2}[)\]]?(?:[*※†+?]|注)?\d?"
)
_NOTHING = frozenset({"-", "なし", "無し", "特になし", "該当なし", "予算措置なし", "(なし)"})
_CLOSE = 0.8
_LONGEST_NAME = 30
OFFICE = re.compile(r"\s*\((?:[^()]|\([^()]*\))*\)\s*$")  # an office named after its body: 内閣官房(IT総合戦略室)


def _hyphenated(text: str) -> str:
    """Return the compared form of a text with similar dashes replaced by a hyphen."""
    return _HYPHENS.sub("-", plain(text))


def national_number(text: str) -> str:
    """Return the national measure number `dd-dd` if it is the whole cell, else an empty string.

    A label (No.) may precede it, and a mark or word such as (再掲) may adjoin it.
    """
    match = _NATIONAL.fullmatch(_hyphenated(text))
    return match["number"] if match else ""


def text_with_national_number(text: str) -> str:
    """Return the mark or word that adjoins a national number, or an empty string."""
    match = _NATIONAL.fullmatch(_hyphenated(text))
    return match["before"] + match["after"] if match else ""


def running_number(text: str) -> str | None:
    """Return the running number (No) that is the whole cell, without leading zeros, or None."""
    match = _RUNNING.fullmatch(plain(text))
    return str(int(match[1])) if match else None


def row_number(text: str) -> str | None:
    """Return the running number of a cell with other text (61 of 新61), or None if there is none.

    The number of a part (60-1) is not a running number: it is empty.
    """
    if (number := running_number(text)) is not None:
        return number
    match = _ROW.fullmatch(_hyphenated(text))
    return None if match is None else "" if match["part"] else str(int(match["number"]))


def is_mark(text: str) -> bool:
    """Return whether the cell is the mark ○ of an effect column, possibly with a footnote."""
    return visible(text).strip() in _MARKS or is_footed(text)


def is_footed(text: str) -> bool:
    """Return whether the cell is a mark of an effect column with the sign of a footnote."""
    return bool(_FOOTED.fullmatch(plain(text)))


def is_like_mark(text: str) -> bool:
    """Return whether the cell resembles a mark but is not one: △, (○), the letter O."""
    return bool(_LIKE_MARK.fullmatch(plain(text))) and not is_mark(text)


def is_nothing(text: str) -> bool:
    """Return whether the cell states that there is nothing, by a hyphen or a word."""
    return _hyphenated(text) in _NOTHING


def organization_items(text: str) -> list[str]:
    """Return the items of a list of organizations, separated by commas outside parentheses."""
    words = unicodedata.normalize("NFKC", visible(text))
    groups = parentheses_of(words) if "(" in words else []
    cuts = [m for m in _SEPARATOR.finditer(words) if not any(start < m.start() < stop for start, stop in groups)]
    starts, stops = [0, *(cut.end() for cut in cuts)], [*(cut.start() for cut in cuts), len(words)]
    return [part for start, stop in zip(starts, stops, strict=True) if (part := words[start:stop].strip())]


def unmarked(name: str) -> tuple[str, str]:
    """Return the name of a body in NFKC form without the circle at its start or end, and that circle."""
    if match := _MARKED.search(name):
        return (name[: match.start()] + name[match.end() :]).strip(), match.group().strip("()[]【】:")
    return name, ""


def is_collective(name: str) -> bool:
    """Return whether a name is a collective without a single body (関係府省庁, 全府省庁 …)."""
    return bool(_COLLECTIVE.fullmatch(plain(name)))


@dataclass(frozen=True)
class Anchors:
    """Classifier for the cells that anchor a row: numbers, pillar, listing time, ministries."""

    pillars: CodeList
    organizations: CodeList
    calendar: Calendar
    _ends: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def pillar(self, text: str) -> tuple[Code, bool] | None:
        """Return the pillar that is the whole cell, and whether it was matched approximately."""
        word = plain(text)
        if not word:
            return None
        if code := self.pillars.printed(word):
            return code, False
        forms = self.pillars.forms()
        # words of very different length cannot be similar, and short ones resemble too many
        alike = [form for form in forms if len(form) > 4 and _CLOSE < len(form) / len(word) < 1 / _CLOSE]
        shared = set(word).__contains__  # upper bound of the number of matching characters
        alike = [form for form in alike if 2 * sum(map(shared, form)) >= _CLOSE * (len(form) + len(word))]
        near = difflib.get_close_matches(word, alike, n=1, cutoff=_CLOSE) if alike else []
        return (forms[near[0]], True) if near else None

    def is_listing(self, text: str) -> bool:
        """Return whether the cell is a listing time.

        It begins with a year and has few other words, or is 時期調整中.
        """
        word = plain(text)
        periods = self.calendar.periods(word)
        dated = bool(periods) and periods[0].start == 0 and bool(_LISTED.fullmatch(word, periods[-1].stop))
        return dated or bool(_ADJUSTING.fullmatch(word))

    def marked_organizations(self, text: str) -> bool:
        """Return whether the cell certainly lists organizations: one is marked ◎ or all are registered."""
        if not text.strip() or "。" in text.strip()[:-1]:
            return False
        items = organization_items(text)
        return self._list_of(items) and (
            any(self._marked(*unmarked(item)) for item in items)
            or all(self._known(unmarked(item)[0]) for item in items)
        )

    def ends_row(self, text: str) -> bool:
        """Return whether the cell is one that only ends a row: the national number or the ministries."""
        if text not in self._ends:  # each line is classified twice: by kind, and by the end of its row
            self._ends[text] = bool(national_number(text)) or self.marked_organizations(text)
        return self._ends[text]

    def is_anchor(self, text: str) -> bool:
        """Return whether the cell is a list of ministries or of national numbers."""
        return self.marked_organizations(text) or bool(_NUMBERS.fullmatch(_hyphenated(text)))

    def are_organizations(self, text: str) -> bool:
        """Return whether the cell resembles a list of organizations, registered or not."""
        return self._list_of(organization_items(text))

    def _list_of(self, items: list[str]) -> bool:
        """Return whether most items are registered or end like a body's name, and none is a sentence."""
        if not items or any(len(OFFICE.sub("", item)) > _LONGEST_NAME for item in items):
            return False
        alike = sum(
            1
            for name, circle in map(unmarked, items)
            if self._known(name)
            or is_collective(name)
            or self._marked(name, circle)
            or _ORGANIZATION.fullmatch(plain(name))
        )
        return alike * 2 > len(items)

    def _marked(self, name: str, circle: str) -> bool:
        """Return whether a circle marks a lead.

        ◎ always does; others, which are also bullets, only before the name of a body.
        """
        return circle == LEAD or bool(circle and name and (self._known(name) or _ORGANIZATION.fullmatch(plain(name))))

    def _known(self, name: str) -> bool:
        return bool(self.organizations.printed(name) or self.organizations.printed(OFFICE.sub("", name)))


@dataclass(frozen=True, slots=True)
class Note:
    """A doubtful reading to report: a key of `issue-types.csv`, the cell it concerns, and the words."""

    key: str
    cell: Cell
    words: str = ""
