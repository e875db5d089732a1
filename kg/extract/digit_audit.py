"""The account of a KPI: every digit of it stands in a value, in a period or in a name, or it is reported as unread.

A number that no rule knows is never passed over: who reads the tables has no other way to see it. Works on NFKC text.
"""

import re
from collections.abc import Iterator, Sequence

from kg.extract.lexicon import Lexicon
from kg.extract.number_context import ATTRIBUTE
from kg.extract.numerals import AFTER_OTHER, DURATIONS
from kg.extract.target_clauses import hide_unread, mask, parentheses_of

_DIGIT = re.compile(r"\d+")
_ADDRESS = re.compile(r"https?://\S+")
# A day, a month or a year that stands in no period: its era was misread, or its year is not printed.
_DATED = re.compile(r"\d*\s?(?:年度?(?![間目後経以])|月(?!間)|日(?![間以目]))")
# What a number in the name of a KPI goes on with, up to the noun that counts: 24時間365日対応の窓口数,
# 1,741団体における導入率, 1人1台端末の配備数.
_IN_A_NAME = re.compile(
    r"(?:以上|以下|以内|未満|超|程度)?(?:の(?!達成|実現|確保|減|増)|にお(?:ける|いて)|のうち|での|への|による|に(?:係|関)"
    r"|[一-龯ァ-ヴー\d](?<![増減以程未超約]))"
    r"[^、。()\[\]【】〔〕\s]*(?:数|率|割合|額|量|度|時間|日数|比|シェア|状況)(?:の(?:増加|減少|向上|拡大|推移))?(?=$|[\s()【〔])"
)
_ORDINAL = re.compile(r"(?:第|[Nn]o\.?|[A-Za-z]|分の)[-\s]?$")
# What leads to a number: a period with a colon
_LED_TO = re.compile(r"\0[^\0\d:]{0,6}:\s*(?:約|およそ)?$")
_OUT_OF = re.compile(r"[\d,]+(?:段階|点満点|[^\d、。()]{0,8}?(?:中|のうち|につき|当たり|あたり))")
# Words that say how many without a digit, or that it is said elsewhere
_PART = re.compile(
    r"過?半数|大半|大部分|ほとんど|(?<![\d.半数何一二三四五六七八九十])倍(?![率数増])"
    r"|(?:(?<=[:\s、(\0])|^)(?:半分(?!期)|全(?:数|(?:ての|国の)?(?:都道府県|市区?町村|府省庁?|団体)(?=$|[)、])))"
    r"|(?<=:)全[数て]|(?:^|(?<=[(:]))(?:同[上左右]|〃|々|上に同じ|再掲)"
)
# A year that was misread: 令和l年度, 令和O年
_MISREAD = re.compile(
    r"[A-Za-z]\s?年度?(?!間)|[〇○◯●一二三四五六七八九十]\s?年度(?!目)|(?<![A-Za-z])[HR]\d{1,2}\.\S"
    r"|(?:令和|平成|昭和)(?![\d元一二三四五六七八九十\sの時へ、。・)生])\S?\s?年?|(?:令和|平成|昭和|(?<![A-Za-z\d])[RH])\d{3,}"
    r"|(?<![\d/])(?:1[0-2]|[1-9])/[1-3]?\d(?=\s?(?:まで|時点|現在|末|に|、|$))|(?<=年)[lI|ー](?=回)"
    r"|(?<![\w)])%|\d+(?:時間|分|秒|日|週間|か月)以内に(?!限)"
    r"|(?:\d+|[一二三四五六七八九十]+)分の(?:\d+|[一二三四五六七八九十]+)"
    r"|(?<=[)\]】〕])\s?(?:以上|以下|未満|超(?!高)|を(?:上回|下回|超え))(?!の)"
)
_QUOTED = re.compile(r"[「『“]([^「」『』“”]*)[」』”]")
_EDGE = re.compile(r"[、。()\[\]【】〔〕\s]")


def unread_in(text: str, lexicon: Lexicon, numbers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where words of a KPI stand whose numbers nothing accounts for; `numbers` are those that targets say."""
    hidden = hide_unread(text)
    rest = mask(hidden, lexicon.calendar.periods(hidden))
    counted = {numeral.start: numeral.stop for numeral in lexicon.counters.numerals(rest)}
    groups, said = parentheses_of(text), [*numbers, *lexicon.counters.rates(rest)]
    left = [
        (start, stop)
        for start, stop in sorted(set(_places(rest, counted)))
        if not any(first < stop and start < last for first, last in said)
        and (
            (start not in counted and _counts(rest, start, stop, lexicon))
            or not _is_name(rest, start, stop, start in counted, any(a < start < b for a, b in groups))
        )
    ]
    words = [_words_around(text, start, stop) for start, stop in left]
    for quoted in _QUOTED.finditer(text):
        numerals = lexicon.counters.numerals(quoted[1])
        if numerals and (numerals[0].start, numerals[0].stop) == (0, len(quoted[1])) and numerals[0].unit:
            words.append(quoted.span())
    words.sort()
    return [place for at, place in enumerate(words) if at == 0 or place[0] >= words[at - 1][1]]


def _places(rest: str, counted: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Yield where numbers stand that are no part of a period: those that count something, and other digits."""
    yield from counted.items()
    for digits in _DIGIT.finditer(rest):
        if not any(start <= digits.start() < stop for start, stop in counted.items()):
            yield digits.span()
    for pattern in (_PART, _MISREAD):
        for match in pattern.finditer(rest):
            yield match.span()


def _is_name(rest: str, start: int, stop: int, counted: bool, inside: bool) -> bool:
    """Whether a number belongs to a name, or says who is counted: 5G, 第2期, 人口10万人未満の団体."""
    if any(match.start() <= start < match.end() for match in _ADDRESS.finditer(rest)):
        return True
    if _LED_TO.search(rest[:start]) and not _OUT_OF.match(rest, start):
        return False
    if "\0" in rest[:start] and rest[stop - 1] in "%割" and ATTRIBUTE.match(rest, stop):
        return False
    if _PART.match(rest, start) or _MISREAD.match(rest, start):
        return False
    if not counted:
        return not _DATED.match(rest, start)
    return bool((ATTRIBUTE if inside else _IN_A_NAME).match(rest, stop))


def _counts(rest: str, start: int, stop: int, lexicon: Lexicon) -> bool:
    """Whether a number that no rule counted has a counter all the same, and no word that makes a name of it."""
    unit, end, known = lexicon.counters.unit_at(rest, stop)
    if not (known and unit) or unit in DURATIONS or AFTER_OTHER.match(rest, end) or rest[end : end + 1] == "化":
        return False
    return not _ORDINAL.search(rest[:start])


def _words_around(text: str, start: int, stop: int) -> tuple[int, int]:
    """Return the stretch without a mark or a space in which a number stands."""
    before = [match.end() for match in _EDGE.finditer(text, 0, start)]
    after = _EDGE.search(text, stop)
    return (before[-1] if before else 0), (after.start() if after else len(text))
