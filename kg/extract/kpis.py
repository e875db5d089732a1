"""KPIs of one cell: entry point of the KPI reader, with the audit of numbers that no rule read.

A cell is read in steps, each in a module of its own:

- tokens: numbers with units (kg/extract/numerals.py) and periods (kg/extract/periods.py),
- clauses: the parts of a KPI that state at most one target (kg/extract/target_clauses.py),
- statements: role, number, unit and period of a clause (kg/extract/target_statements.py),
- targets: statements joined and completed by each other (kg/extract/targets.py).

This module separates the KPIs of a cell and removes line wraps and scanner artefacts inside words (`rejoin_text`). KPIs
are separated at list items; at a space only after `)` or a counter noun; at `、` only after a closing parenthesis; and
where a parenthesis with a target is followed by a new noun. A `<…>` heading is the group of the KPIs below it.

The audit (`find_unread_numbers`) accounts for every digit of a KPI: it belongs to a value, a period or a name, or it is
reported as unread. Works on NFKC text; every character keeps its place in the document.
"""

import datetime
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kg.core.spans import Text
from kg.extract.cell_classifier import is_nothing
from kg.extract.markup import Block, items_of, read_markup
from kg.extract.numerals import DURATIONS, REFERENCE_QUANTITY
from kg.extract.target_clauses import ATTRIBUTE, Lexicon, mask_periods, mask_unstated, parentheses_of
from kg.extract.target_statements import Target
from kg.extract.targets import HAS_NUMBER_WORDS, UNSET, TargetReader, targets_of

_DIGIT = re.compile(r"\d+")
_ADDRESS = re.compile(r"https?://\S+")
# A day, month or year outside any period: its era was misread, or its year is not printed.
_DATED = re.compile(r"\d*\s?(?:年度?(?![間目後経以])|月(?!間)|日(?![間以目]))")
# Words after a number in the name of a KPI, up to the counter noun: 24時間365日対応の窓口数,
# 1,741団体における導入率, 1人1台端末の配備数.
_IN_A_NAME = re.compile(
    r"(?:以上|以下|以内|未満|超|程度)?(?:の(?!達成|実現|確保|減|増)|にお(?:ける|いて)|のうち|での|への|による|に(?:係|関)"
    r"|[一-龯ァ-ヴー\d](?<![増減以程未超約]))"
    r"[^、。()\[\]【】〔〕\s]*(?:数|率|割合|額|量|度|時間|日数|比|シェア|状況)(?:の(?:増加|減少|向上|拡大|推移))?(?=$|[\s()【〔を約はが\d])"
)
_ORDINAL = re.compile(r"(?:第|[Nn]o\.?|[A-Za-z]|分の)[-\s]?$")
# A period with a colon, which introduces a number
_LED_TO = re.compile(r"\0[^\0\d:]{0,6}:\s*(?:約|およそ)?$")
_OUT_OF = re.compile(r"[\d,]+(?:段階|点満点|[^\d、。()]{0,8}?(?:中|のうち|につき|当たり|あたり))")
# Quantities without a digit, and references to one printed elsewhere
_QUANTITY_WORD = re.compile(
    r"過?半数|大半|大部分|ほとんど|(?<![\d.半数何一二三四五六七八九十])倍(?![率数増])"
    r"|(?:(?<=[:\s、(\0])|^)(?:半分(?!期)|全(?:数|(?:ての|国の)?(?:都道府県|市区?町村|府省庁?|団体)(?=$|[)、])))"
    r"|[数幾][十百千万億兆]+(?!年)|(?<=:)全[数て]|(?:^|(?<=[(:]))(?:同[上左右]|〃|々|上に同じ|再掲)"
)
# Misread years and numbers: 令和l年度, 令和O年
_MISREAD = re.compile(
    r"[A-Za-z]\s?年度?(?!間)|[〇○◯●一二三四五六七八九十]\s?年度(?!目)|(?<![A-Za-z])[HR]\d{1,2}\.\S"
    r"|(?:令和|平成|昭和)(?![\d元一二三四五六七八九十\sの時へ、。・)生])\S?\s?年?|(?:令和|平成|昭和|(?<![A-Za-z\d])[RH])\d{3,}"
    r"|(?<![\d/])(?:1[0-2]|[1-9])/[1-3]?\d(?=\s?(?:まで|時点|現在|末|に|、|$))|(?<=年)[lI|ー](?=回)"
    r"|(?<![A-Za-z])[lIO],\s?\d|第[lIO|](?![A-Za-z])|(?<=年)[lIO]月|(?<![A-Za-z\d])\d+[lIO](?![A-Za-z])"
    r"|\0[lI|](?![A-Za-z])|(?<![A-Za-z])[lIO] \d"
    r"|(?<!令和)(?<!平成)(?<!昭和)(?<![RHS])元年|(?<![A-Za-z\d])[HRS]\d?[OolI]\d?(?=[)\]:年度→]|$)"
    r"|(?<![A-Za-z\d])[HR]\d{1,2}[一-龯](?<![年末度実目現見時当中])"
    r"|(?:令和|平成|昭和)(?:元|\d{1,2})(?![年\d./(・、,~〜\s-]|及|と|から)"
    r"|(?<![\d〇一二三四五六七八九十百千万億兆数幾半約\s.分役学配])割(?=削減|程度|以上|以下|減|増|弱|強)"
    r"|(?<![A-Za-z\d.,])\d+\.\d+(?=[a-z](?![A-Za-z]))|(?:令和|平成)\s+年|\d[A-Za-z]{1,3}/[^\d\s]|(?<![\w)])%|\d+(?:時間|分|秒|日|週間|か月)以内に(?!限)"
    r"|(?:\d+|[一二三四五六七八九十]+)分の(?:\d+|[一二三四五六七八九十]+)"
    r"|(?<=[)\]】〕])\s?(?:以上|以下|未満|超(?!高)|を(?:上回|下回|超え))(?!の)"
)
_FIRST_YEAR = 2000  # an earlier year is probably misread: 平成3年度 for 平成30年度
_NAMED_AFTER = re.compile(r"\s?(?:年?度?)?(?:版|大会|事業|調査|計画|予算|法|問題|改正|豪雨|地震|台風)")
_QUOTED = re.compile(r"[「『“]([^「」『』“”]*)[」』”]")
_EDGE = re.compile(r"[、。()\[\]【】〔〕\s]")

# Invisible characters: zero-width spaces and joiners, soft hyphens, byte order marks, variation selectors.
_INVISIBLE = "\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff"
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
# A space inside a number (1 ,500; 95. 5%), a date (年 度, 3 月, R 4年度) or a comparing word
_SPACE_IN_WORD = re.compile(
    r"(?<=\d/) (?=\d)|(?<=\d) (?=[,.]\d)|(?<=\d\.) (?=\d ?%)|(?<=\d) (?=割)"
    r"|(?<=年) (?=度)|(?<=年\d) (?=月)|(?<=年\d\d) (?=月)|(?<![A-Za-z][HR])(?<=[HR]) (?=\d{1,2}年)"
    r"|(?<=以) (?=[上下内降])|(?<=未) (?=満)|(?<=程) (?=度)"
)
# Digits separated by spaces: 1 5 0
_DIGITS_APART = re.compile(r"(?:^|(?<=[:(])|(?<=[:(に約計べ] )|(?<=[に約計べ]))\d{1,2}(?: \d)+(?![\d,.])")

_COUNTER_NOUN = re.compile(r"(?:数|率|割合|比率|額|量)$")
_HEADING = re.compile(r"\s*<([^<>]+)>\s*|\s*【(?!(?:目標|実績|現状|現在|基準)(?:値|年度)?】)([^【】]+)】\s*")
_ROLE_HEADING = re.compile(r"[【〔](?:目標|実績|現状|現在|基準)(?:値|年度)?[】〕]")
_BEFORE_HEADING = re.compile(r"\s(?=[<＜][^<>＜＞]{1,60}[>＞])")
# Line beginnings that continue a KPI: 数( and 率( end a broken word; a number follows 年間, 目標 …
_CONTINUES = re.compile(
    r"(?:数|率|額|量)(?:[(\s]|$)|対?前年|年間|年\d|毎年|(?:最終|中間|数値|達成)?目標|現状|実績[値:(】]|直近|(?:基準|当初|中間)値|約|およそ|[\s(<、。,.:;・)\]」』ぁ-ん※/]|等|以[上下外内降]|及び|又は|並び|未満|程度"
)
_SOFT_END = re.compile(r"[ぁ-ん、・(「]$")


def find_unread_numbers(text: str, lexicon: Lexicon, numbers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans of words with numbers that no rule accounts for.

    `numbers` are the spans of the numbers that targets are read from.
    """
    hidden = mask_unstated(text)
    masked = mask_periods(hidden, lexicon.calendar.periods(hidden))
    counted = {numeral.start: numeral.stop for numeral in lexicon.counters.numerals(masked)}
    rated = any("/" in numeral.unit for numeral in lexicon.counters.numerals(masked))
    groups, accounted = parentheses_of(text), [*numbers, *(lexicon.counters.rates(masked) if rated else ())]
    unread = [
        (start, stop)
        for start, stop in sorted(set(_number_spans(masked, counted)))
        if not any(first < stop and start < last for first, last in accounted)
        and (
            (start not in counted and _has_counter(masked, start, stop, lexicon))
            or not _is_name(masked, start, stop, start in counted, any(a < start < b for a, b in groups))
        )
    ]
    words = [_surrounding_words(text, start, stop) for start, stop in unread]
    for quoted in _QUOTED.finditer(text):
        numerals = lexicon.counters.numerals(quoted[1])
        if numerals and (numerals[0].start, numerals[0].stop) == (0, len(quoted[1])) and numerals[0].unit:
            words.append(quoted.span())
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(words):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def find_unread_periods(text: str, lexicon: Lexicon, targets: Sequence[Target]) -> list[tuple[int, int]]:
    """Return the spans of words with a period that no target uses, though the KPI states a value.

    Periods with an impossible date are included. A period that begins a name (令和2年度予算) is not a date of the KPI.
    """
    if not any(target.value is not None for target in targets):
        return []
    hidden = mask_unstated(text)
    return [
        _surrounding_words(text, period.start, period.stop)
        for period in lexicon.calendar.periods(hidden)
        if period.is_implausible(hidden)
        or any(target.period == period.code and period.year < _FIRST_YEAR for target in targets)
        or not (
            any(target.start <= period.start < target.stop for target in targets)
            or _NAMED_AFTER.match(text, period.stop)
        )
    ]


def _number_spans(masked: str, counted: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the spans of numbers outside periods: those that count something, and other digits."""
    yield from counted.items()
    for digits in _DIGIT.finditer(masked):
        if not any(start <= digits.start() < stop for start, stop in counted.items()):
            yield digits.span()
    for pattern in (_QUANTITY_WORD, _MISREAD):
        for match in pattern.finditer(masked):
            yield match.span()


def _is_name(masked: str, start: int, stop: int, counted: bool, inside: bool) -> bool:
    """Return whether a number belongs to a name, or limits who is counted: 5G, 第2期, 人口10万人未満の団体."""
    if any(match.start() <= start < match.end() for match in _ADDRESS.finditer(masked)):
        return True
    if _LED_TO.search(masked[:start]) and not _OUT_OF.match(masked, start):
        return False
    if "\0" in masked[:start] and masked[stop - 1] in "%割" and ATTRIBUTE.match(masked, stop):
        return False
    if _QUANTITY_WORD.match(masked, start) or _MISREAD.match(masked, start):
        return False
    if not counted:
        return not _DATED.match(masked, start)
    return bool((ATTRIBUTE if inside else _IN_A_NAME).match(masked, stop))


def _has_counter(masked: str, start: int, stop: int, lexicon: Lexicon) -> bool:
    """Return whether a number that no rule counted has a counter, and no word that makes it a name."""
    unit, end, registered = lexicon.counters.unit_at(masked, stop)
    if (
        not (registered and unit)
        or unit in DURATIONS
        or REFERENCE_QUANTITY.match(masked, end)
        or masked[end : end + 1] == "化"
    ):
        return False
    return not _ORDINAL.search(masked[:start])


def _surrounding_words(text: str, start: int, stop: int) -> tuple[int, int]:
    """Return the span around a number up to the next punctuation or space."""
    before = [match.end() for match in _EDGE.finditer(text, 0, start)]
    after = _EDGE.search(text, stop)
    return (before[-1] if before else 0), (after.start() if after else len(text))


@functools.lru_cache(maxsize=4)
def _torn_units(forms: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a unit with spaces inside it, directly after its number."""
    long = sorted((form for form in forms if len(form) > 1), key=len, reverse=True)
    return re.compile(r"(?<=\d) ?(?:" + "|".join(" ?".join(map(re.escape, form)) for form in long) + ")")


def rejoin_text(text: Text, units: tuple[str, ...]) -> Text:
    """Return the text without invisible characters, and without spaces inside a number, a date or a unit."""
    if not text.chars.isascii() and _UNSEEN.search(text.chars):
        text = _remove_characters(text, {match.start() for match in _UNSEEN.finditer(text.chars)})
    if " " not in text.chars:
        return text
    dropped = {match.start() for match in _SPACE_IN_WORD.finditer(text.chars)}
    for pattern in (_torn_units(units), _DIGITS_APART):
        for match in pattern.finditer(text.chars):
            dropped |= {at for at in range(match.start(), match.end()) if text.chars[at] == " "}
    return _remove_characters(text, dropped)


def _remove_characters(text: Text, dropped: set[int]) -> Text:
    positions = [at for at in range(len(text)) if at not in dropped]
    return Text(
        "".join(text.chars[at] for at in positions),
        tuple(text.starts[at] for at in positions),
        tuple(text.ends[at] for at in positions),
    )


@dataclass(frozen=True)
class Kpi:
    """One KPI: its printed words, its group and its targets.

    `status` is set, unset or none; `set_by` is the period by which an unset one will be set. `unread` are words with a
    number that no rule accounts for.
    """

    text: Text
    group: str
    status: str
    set_by: str
    targets: tuple[Target, ...]
    normal: Text
    unread: tuple[Text, ...] = ()


def read_kpis(cell: Text, lexicon: Lexicon, written: datetime.date | None = None) -> list[Kpi]:
    """Return the KPIs of a cell in printed order; none for an empty one. `written` is the document's day."""
    if is_nothing(cell.chars):
        return []
    blocks, _ = read_markup(cell)
    kpis: list[Kpi] = []
    group = ""
    for item in _join_role_headings(items_of(_join_wrapped(blocks))):
        for text in item.text.split(_BEFORE_HEADING):
            while heading := _heading(text.normal().chars, lexicon):
                group = heading[1] or heading[2]
                text = _after(text, heading.end())
            kpis.extend(_read_kpi(part, group, lexicon, written) for part in _split_kpis(text, lexicon))
    return kpis


def _heading(text: str, lexicon: Lexicon) -> re.Match[str] | None:
    """Return the heading that begins a text; words with a count or a period belong to a KPI instead."""
    heading = _HEADING.match(text)
    words = (heading[1] or heading[2]) if heading else ""
    counts = any(numeral.unit for numeral in lexicon.counters.numerals(words)) or lexicon.calendar.periods(words)
    return None if counts else heading


def _after(text: Text, end: int) -> Text:
    """Return the text after the first `end` characters of its NFKC form."""
    remaining = text.normal()[end:]
    return text[
        next((i for i, at in enumerate(text.starts) if remaining.chars and at >= remaining.starts[0]), len(text)) :
    ]


def _join_wrapped(blocks: list[Block]) -> list[Block]:
    """Return the blocks with paragraphs rejoined that a line wrap has separated.

    The left one cannot end a KPI, or the right one cannot begin one.
    """
    joined: list[Block] = []
    for block in blocks:
        text = block.text.spaced()
        previous = joined[-1] if joined else None
        if (
            previous
            and not block.item
            and not previous.item
            and _is_wrapped(previous.text.normal().chars, text.normal().chars)
        ):
            joined[-1] = Block(previous.text + text, False)
        else:
            joined.append(Block(text, block.item, block.links))
    return joined


def _join_role_headings(items: list[Block]) -> list[Block]:
    """Return the items with those rejoined that a role heading separates: 【目標】300団体 【実績】120団体."""
    joined: list[Block] = []
    for item in items:
        previous = joined[-1] if joined else None
        if previous and not item.item and _ROLE_HEADING.match(item.text.normal().chars):
            space = Text(" ", previous.text.ends[-1:], previous.text.ends[-1:])
            joined[-1] = Block(previous.text + space + item.text, previous.item, previous.links)
        else:
            joined.append(item)
    return joined


def _is_wrapped(left: str, right: str) -> bool:
    open_parenthesis = left.count("(") > left.count(")")
    return open_parenthesis or bool(_SOFT_END.search(left)) or bool(re.match(r"[(ぁ-ん]", right))


def _split_kpis(text: Text, lexicon: Lexicon) -> Iterator[Text]:
    """Yield the KPIs of one paragraph or list item."""
    normal = rejoin_text(text.normal(), lexicon.counters.forms)
    groups = parentheses_of(normal.chars)
    last = 0
    for index in range(len(normal)):
        # only a separator or the end of a parenthesis can end a KPI
        if normal.chars[index] not in " 、/" and not (index and normal.chars[index - 1] in ")]】〕"):
            continue
        if any(start <= index <= stop for start, stop in groups) or index < last:
            continue
        if _kpi_ends_before(normal.chars, last, index, groups, lexicon):
            yield _printed_text(text, normal[last:index])
            last = index + (normal.chars[index] in " 、/")
    if normal.chars[last:].strip():
        yield _printed_text(text, normal[last:])


def _kpi_ends_before(text: str, start: int, index: int, groups: list[tuple[int, int]], lexicon: Lexicon) -> bool:
    """Return whether a KPI from `start` ends before the character at `index`, outside any parenthesis."""
    left, right = text[start:index].strip(), text[index + 1 :].strip()
    group = next(((a, b) for a, b in groups if b == index - 1), None)
    if text[index] == " ":
        complete = left.endswith(")") or bool(_COUNTER_NOUN.search(left))
        return complete and bool(right) and not _continues_kpi(right, lexicon)
    if group is None:
        return False
    says_target = _says_target(text[group[0] + 1 : group[1]], lexicon)
    counted = bool(_COUNTER_NOUN.search(text[start : group[0]].strip()))
    if text[index] in "、/":
        return bool(right) and (says_target or counted) and not _continues_kpi(right, lexicon)
    return says_target and counted and not _continues_kpi(text[index:], lexicon)


def _continues_kpi(text: str, lexicon: Lexicon) -> bool:
    """Return whether words continue the KPI before them: a particle, a sign, a period, or a count."""
    if _CONTINUES.match(text) or any(period.start == 0 for period in lexicon.calendar.periods(text)):
        return True
    return any(numeral.start == 0 for numeral in lexicon.counters.numerals(text))


def _says_target(inside: str, lexicon: Lexicon) -> bool:
    return bool(UNSET.search(inside) or targets_of(f"({inside})", lexicon))


def _printed_text(text: Text, part: Text) -> Text:
    """Return the printed words of a part of the NFKC form."""
    part = part.strip()
    span = part.span
    chosen = [
        i for i, (a, b) in enumerate(zip(text.starts, text.ends, strict=True)) if a >= span.start and b <= span.end
    ]
    return text[chosen[0] : chosen[-1] + 1]


def _read_kpi(text: Text, group: str, lexicon: Lexicon, written: datetime.date | None) -> Kpi:
    normal = rejoin_text(text.normal(), lexicon.counters.forms)
    unset = UNSET.search(normal.chars)
    if unset:
        periods = lexicon.calendar.periods(normal.chars)
        unread_words = tuple(
            normal[start:stop].strip() for start, stop in find_unread_numbers(normal.chars, lexicon, ())
        )
        return Kpi(text, group, "unset", periods[-1].code if periods else "", (), normal, unread_words)
    reading = TargetReader(normal.chars, lexicon, written)
    aims = any(target.role != "baseline" for target in reading.targets)
    unread: list[tuple[int, int]] = []
    if HAS_NUMBER_WORDS.search(normal.chars):
        unread = find_unread_numbers(normal.chars, lexicon, reading.number_spans)
        unread += [span for span in find_unread_periods(normal.chars, lexicon, reading.targets) if span not in unread]
    unread_words = tuple(normal[start:stop].strip() for start, stop in sorted(unread))
    return Kpi(text, group, "set" if aims else "none", "", tuple(reading.targets), normal, unread_words)
