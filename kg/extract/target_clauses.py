"""Clause splitter of the KPI reader: splits a KPI into clauses, and classifies the words around a number.

A clause is the part of a KPI that states at most one target. Parentheses, punctuation, arrows, names of roles and
periods delimit clauses (`clauses_of`). The words around a number give its comparator (`comparator_of`), its role and
the direction of a change (`role_of`), and whether a number outside any parenthesis is a target at all
(`is_announced_goal`, `is_goal_outside`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kg.extract.numerals import Counters, Numeral
from kg.extract.periods import Calendar, Period

COMPARED = re.compile(
    r"\s*(?:末|当初|実績|実績値)?\s*(?:比(?![率較])|対比|に比べ|と比べ|に比較|と比較|に対し|を基準|を100"
    r"|から(?=.{0,3}(?:倍増|半減|[\d.,]+(?:倍|割|%)))|の(?=約?[\d.,]+(?:倍|(?:割|%)(?:以上|程度)?(?:減|増|削減|増加))))"
)

_QUOTED = re.compile(r"「[^「」]*」|『[^『』]*』|“[^“”]*”")
# A footnote mark after a number or a word, with its number: 3件※1, 100団体(注2)
_FOOTNOTE = re.compile(r"(?<=[^\s\d:(])(?:[※*]\d{0,2}|注\d{1,2})(?=$|[\s、。()\]】・/→⇒])|\((?:※|\*|注)\s?\d{0,2}\)")
_ARROW = r"[→⇒⇨➡]|[-=]>"
# A comma between digits belongs to a number; `から` between two numbers is a transition.
_PUNCTUATION = re.compile(
    rf"[;。]|{_ARROW}|"
    r"(?<!\d)、|、(?!\d{3}(?!\d|年))|(?<!\d)(?<![^A-Za-z][OoQlI])(?<!^[OoQlI]),|,(?!\d|\s[\dOoQlI]{3}(?!\d)|[\dOoQlI]{3})|(?<=[^の、,(\s])(?=うち)"
    r"|(?<!月\d日)(?<!月\d\d日)(?<=\d日)から(?=約?\d+日(?:以内|程度)?(?:に|へ))"
    r"|(?<=[^年度月日\s])から(?=約?\d+[^\d年月日])"
)
_OPENING, _CLOSING = "([【〔", ")]】〕"
_OPENING_BRACKET, _BRACKET = re.compile(r"[(\[【〔]"), re.compile(r"[(\[【〔)\]】〕]")
TRANSITIONS = ("→", "⇒", "⇨", "➡", "->", "=>", "から")
# Words after a parenthesis that gives the present number, not a goal.
_DESCRIPTIVE_AFTER = re.compile(r"[をにがはでともへ]|の(?!達成|実現|確保|増加|減少|整備|実施)")
_MASK = "\0"
_PERIOD_COMMA = re.compile(r"末?、\s?")
# 5、6件, 六、七割: approximately
_APPROXIMATE_PAIR = re.compile(r"(?:[1-9]、[1-9]|[一二三四五六七八九]、[一二三四五六七八九])(?![\d、.,年月])")
# The name of a role before its value: 現状値:40団体(R1) 目標値:100団体(R3)
_ROLE_NAME = re.compile(
    r"(?:[\[【〔]|(?<![ぁ-ん一-龯\[【〔]))"
    r"(?:(?:最終|中間|数値|達成)?目標|実績|現状|現在|基準|直近|参考|(?:当初|従来|中間)(?=値))(?:(?:値|数値|年度|年)?[:\]】〕]|(?:値|数値)(?:\(|$))"
    r"|\((?:目標|実績|現状)(?:値)?\)(?=\s?[^\s、。・/,)\]】〕→⇒からに])"
)

_ABOUT_BEFORE = re.compile(r"(?:約|およそ|おおよそ|おおむね|概ね|ほぼ)\s*(?:延べ|のべ)?\s*$")
_SIGNS = (("≧", ">="), ("≥", ">="), (">=", ">="), ("≦", "<="), ("≤", "<="), ("<=", "<="), (">", ">"), ("<", "<"))
_BOUND_BEFORE = (
    (re.compile(r"(?:少なくとも|最低(?:でも|限)?|下限)\s*:?\s*$"), ">="),
    (re.compile(r"(?:最大(?:でも|限)?|上限|多くとも|高々)\s*:?\s*$"), "<="),
)
_COMPARATORS = (
    # a negated comparison has the opposite meaning
    (re.compile(r"を(?:下回ら|割(?:り込)?[らま]|切ら)(?:な|ず|ぬ)"), ">="),
    (re.compile(r"を(?:切る|割る|割り込)"), "<"),
    (re.compile(r"を(?:上回ら|超え|越え)(?:な|ず|ぬ)"), "<="),
    (re.compile(r"より(?:多|大|高|上)|超え"), ">"),
    (re.compile(r"より(?:少|小|低|短|下)"), "<"),
    (re.compile(r"以\s?上"), ">="),
    (re.compile(r"以\s?[下内]"), "<="),
    (re.compile(r"未\s?満|を下回"), "<"),
    (re.compile(r"超(?!高)|を超え|を上回"), ">"),
    (
        re.compile(
            r"程\s?度|前\s?後|ほど|くらい|ぐらい|余り?(?=$|[、)のを])|足らず|規模|を目[途処安]|[弱強](?=$|[、()の増減\s])"
        ),
        "~",
    ),
)
# Verbal nouns after a number, at the end of a statement: 100件公表
DONE_WORDS = (
    r"(?:達成|実施|開催|導入|整備|設置|策定|公開|利用|参加|登録|作成|提供|完了|維持|確保|実現|支援|配置|選定|創出|獲得|育成|認定|養成|採択|普及|連携|対応"
    r"|到達|突破|構築|展開|移行|稼働|取得|設定|掲載|配備|発行|交付|締結|加入|受講|修了|派遣|輩出|更新|公表|報告|点検|開発|改定|改正|検証|調査|実証|試行|推進"
    r"|促進|創設|新設|追加|発信|配信|発表|募集|採用|雇用|来訪|訪問|利活用|活用|受入れ?|受け入れ|申請|処理|解消|廃止|移転|統合|集約|共有|収集|保有|所有|加盟"
    r"|参画|協力|提出|承認|許可|認証|表彰|受賞|出展|出荷|輸出|販売|購入|調達|供用|供給|生産|着手|着工|改修|整理|分析|受診|相談|運用|運営|見直し|目指す)"
)
# Words that may follow a goal: none, a comparator, or a verbal noun.
_AFTER_GOAL = re.compile(
    r"\s*(?:$|[()、。→⇒%]|余|足らず|より[多大高少小低]|以\s?[上下内]|未\s?満|超|程\s?度|前\s?後|ほど|弱|強|増|減|に|を|が|へ|と(?!し|も)|で(?!の|は|も)|から|まで|達成|実施|開催)"
)
COLON = re.compile(r":\s*(?:約|およそ|延べ|のべ|累計|合計|計|平均)?\s*$")
_MAX_DISTANCE = 3  # a comparator or a verb follows its number within this many characters (10回程度以上)
_BASELINE = re.compile(
    r"^(?:これまで|既に|すでに|従来)|時点|現在|実績(?![のをが報])|現状(?!の)|基準値|実測|(?:" + _ARROW + "|から)$"
)
_RECURRING = re.compile(
    r"毎年|各年(?![齢代])|(?<![\d元])年間|年平均|1年(?:間)?(?:当たり|あたり|に)|年度?当たり|年度?あたり|(?<![\d元\0])年に?(?:約|およそ|延べ|のべ)?\s*$"
)
_PER_YEAR = re.compile(r"(?:以上|以下|程度|未満)?\s?(?:/\s?年度?|\((?:毎年|各年|年間)度?\))")
_DONE_TO = re.compile(r"の[^、。\d]+を?(?:削減|縮減|低減|短縮|増加|拡大)(?:する)?\s*。?$")
_EACH_YEAR = re.compile(r"\((?:毎|各)年度?\)\s*$")
_INCREASE = re.compile(r"増|拡大|向上|上昇|引き?上げ|伸ば|アップ|改善")
_DECREASE = re.compile(r"減|縮小|縮減|短縮|抑制|圧縮|引き?下げ|低下|ダウン|カット")
# a verb, or the end: not the first half of a noun (50件の削減計画)
_CHANGES = r"(?=$|[)、。,;\s(]|とする|と[しな]|する|る(?=$|[、。)])|し|させ|を|に|率|達成|見込|分|幅|目標)"
_CHANGED_BY = re.compile(r"\s*(?:程度|以上|以下|超)?\s*(?:の|を|分)?(?:コスト|経費)?")
_COMPARATOR_WORDS = r"(?:程度|以上|以下|以内|未満|超|前後|規模|ほど|くらい|余り?|足らず|[弱強])?"
_REACHED_LEVEL = re.compile(rf"\s*{_COMPARATOR_WORDS}(?:に|へ|まで)")
_DONE_AFTER = re.compile(rf"\s*{_COMPARATOR_WORDS}[をでに]?{DONE_WORDS}(?:する)?\s*。?$")
STATEMENT_END = re.compile(rf"\s*{_COMPARATOR_WORDS}(?:と|に|を(?:目途|目処|目安)(?:に|と)?)?(?:する)?\s*。?$")
# A KPI that is only a number: 約100件, 少なくとも5地域, ≧100件, 新規採択10件程度
_BARE_NUMBER_BEFORE = re.compile(
    r"[\s約≧≥≦≤<>=]*(?:およそ|おおむね|概ね|少なくとも|最低(?:でも|限)?|最大|上限|下限|延べ|のべ|累計|合計|総?計|新規|全国|年間|平均|全|各)*[\s約]*(?:新規)?(?:採択)?[約\s]*"
)
_COMPARATOR_AFTER = re.compile(
    r"\s*(?:以上|以下|以内|未満|超|を超|を上回|を下回).{0,4}$|\s*(?:以上|以下|以内|未満|超)を?(?:達成|維持|確保|実現|実施|開催|目指)"
)
_VALUE_OF = re.compile(r"(?:数|率|割合|額|量)\s*[:は]?\s*(?:約|およそ)?$")  # サービス数 100件
# A criterion of the counted things, not a goal: 人口10万人未満の団体
ATTRIBUTE = re.compile(r"\s*(?:以上|以下|以内|未満|超)の(?!達成|実現|確保|実施|開催)")

# Names of roles; each holds until the next one.
_ROLE_LABELS = (
    (
        re.compile(
            r"(?:^|[\s(\[【〔「])(?:(?:最終|中間|当面の|数値|達成|到達)?目標(?:値|数値|年度|年)?|中間値|KGI)\s*(?:[:\]】〕は]|(?<=値)\(|$)|時点(?:の|における)目標|の目標(?:値)?\s*[:は]"
        ),
        "target",
    ),
    (
        re.compile(
            r"(?:^|[\s(\[【〔])(?:(?:直近|現在)?の?(?:実績|現状|現在|基準|直近|参考)(?:値)?|(?:当初|従来|初期)値)\s*(?:[:\]】〕は]|(?<=値)\(|$)"
        ),
        "baseline",
    ),
)
_AT_THE_TIME = re.compile(r"時点(?!.*現在)|[年度月日末\d]現在")
_AT_THE_BEGINNING = re.compile(r"(?:年度?|月)(?:の)?当初|初頭に?(?=約?\d)")
# Words between a period and its number: particles, and the counted things.
_BETWEEN = re.compile(
    r"\s*(?:末|中|内|当初|度)?(?:時点)?(?:頃)?(?:で|まで|までに|末までに|に|には|において|を目途に?|以降|以後|は)?\s*[:,、]?\s*(?:約|およそ|延べ|のべ|累計|合計|各|全|計|平均)*"
    r"[^、。()]{0,14}?(?:の|が|は|を|で)?\s*(?:約|およそ|延べ|のべ|累計|合計|各|全|計|平均|ゼロ)*\s*"
)

_REACHED = re.compile(r"\s*(?:に|とする|を目指|を?(?:達成|実現|維持))")
# A period and a colon introduce a number, whatever precedes them: 利用件数 令和4年度末:6割強
_LABELLED = re.compile(
    r"(?:末|中|内|当初)?(?:まで)?(?:に)?(?:時点)?\s*[:;→⇒]\s*"
    r"(?:(?:1|一|各)?[^\s\d:、。]{1,6}(?:当たり|あたり|につき)|\d+(?:段階(?:評価)?|点満点)(?:で|中)?|\d+[^\s\d:、。]{1,6}(?:中|のうち))?"
    r"(?:約|およそ|おおむね|概ね|延べ|のべ|累計|合計|各|全|計|平均|最低|最大|上限|少なくとも|年間|毎年度?)*\s*"
)

# The name of a KPI that ends in a counter noun, before its deadline: 利用件数 令和2年度以降、毎年10件
NAME_BEFORE = re.compile(r".*(?:数|率|割合|額|量)\s?[\s:]\s?")
_ROLE_ALONE = re.compile(r"\s*(?:最終|中間)?(目標|実績|現状|現在|基準)(?:値)?\s*")
_ROLE_BEHIND = re.compile(r"(目標|実績|現状)(?:値)?[)\]】〕\s]*$")


@dataclass(frozen=True)
class Lexicon:
    """The two tokenizers of the KPI reader: numbers with their units, and periods."""

    counters: Counters
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Clause:
    """The part [start:stop] of a KPI.

    `group` is the end of its parenthesis, or -1 outside any parenthesis; `periods` are its periods, placed relative to
    its start.
    """

    start: int
    stop: int
    group: int
    periods: tuple[Period, ...]

    @property
    def outside(self) -> bool:
        """True if the clause is outside any parenthesis."""
        return self.group < 0


def mask_unstated(text: str) -> str:
    """Return the text, of the same length, with quoted titles and footnote marks masked."""
    if "※" in text or "*" in text or "注" in text:
        text = _FOOTNOTE.sub(lambda match: " " * len(match.group()), text)
    return _QUOTED.sub(lambda match: "「" + _MASK * (len(match.group()) - 2) + "」", text)


def parentheses_of(text: str) -> list[tuple[int, int]]:
    """Return the outermost parentheses as (opening index, closing index); an unclosed one ends with the text."""
    groups: list[tuple[int, int]] = []
    depth = start = 0
    for bracket in _BRACKET.finditer(text):
        if bracket.group() in _OPENING:
            start = start if depth else bracket.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                groups.append((start, bracket.start()))
    return [*groups, (start, len(text))] if depth else groups


def clauses_of(text: str, lexicon: Lexicon) -> Iterator[Clause]:
    """Yield the clauses of a KPI in order.

    A clause ends at punctuation, and before a period that follows a number (A年度10件B年度20件).
    """
    last = 0
    periods, counters = lexicon.calendar.periods(text), lexicon.counters
    groups = [(a, b) for a, b in parentheses_of(text) if not any(p.start < a < p.stop for p in periods)]
    for start, stop in [*groups, (len(text), len(text))]:
        for left, right in _split_at_punctuation(text, last, start, periods):
            for first, end in _split_before_periods(text[left:right], _periods_within(periods, left, right), counters):
                yield Clause(left + first, left + end, -1, _periods_within(periods, left + first, left + end))
        described = _DESCRIPTIVE_AFTER.match(text, stop + 1) and not _periods_within(periods, start, stop)
        for left, right in () if described else _split_at_punctuation(text, start + 1, stop, periods):
            for inner, outer, group in _split_nested(text, left, right, stop, periods, counters):
                for first, end in _split_before_periods(
                    text[inner:outer], _periods_within(periods, inner, outer), counters
                ):
                    yield Clause(
                        inner + first, inner + end, group, _periods_within(periods, inner + first, inner + end)
                    )
        last = stop + 1


def _split_nested(
    text: str, start: int, stop: int, group: int, periods: Sequence[Period], counters: Counters
) -> Iterator[tuple[int, int, int]]:
    """Yield the segments of a part inside a parenthesis, each with the end of its own parenthesis.

    An inner parenthesis is a segment of its own if it has a second number (80%(現状60.5%)), or if it dates a number
    that others follow (実績値40団体(平成30年度) 目標値100団体).
    """

    def counts(left: int, right: int, bare: bool = False) -> bool:
        numerals = counters.numerals(mask_periods(text[left:right], _periods_within(periods, left, right)))
        return any(numeral.unit or bare for numeral in numerals)

    last = start
    groups = parentheses_of(text[start:stop]) if _OPENING_BRACKET.search(text, start, stop) else ()
    for left, right in ((start + opening, start + closing) for opening, closing in groups):
        dates = bool(_periods_within(periods, left, right)) and counts(right, stop, bare=True)
        if not (left > last and counts(last, left) and (dates or counts(left + 1, right))):
            continue
        yield last, left, group
        yield left + 1, right, right
        last = right + 1
    if text[last:stop].strip():
        yield last, stop, group


def describes_current_level(text: str, group: int) -> bool:
    """Return whether a parenthesis gives the present level of a quantity that is to change.

    Words such as の減少 follow it: …世帯数(約98万世帯)の減少.
    """
    return group >= 0 and bool(re.match(r"[)\]】〕]の?(?:減少|増加|削減|縮減|解消|拡大)", text[group:]))


def _periods_within(periods: Sequence[Period], start: int, stop: int) -> tuple[Period, ...]:
    """Return the periods inside [start:stop], placed relative to its start."""
    inside = (period for period in periods if start <= period.start and period.stop <= stop)
    return tuple(period.shifted(-start) for period in inside)


def _split_at_punctuation(text: str, start: int, stop: int, periods: Sequence[Period]) -> Iterator[tuple[int, int]]:
    """Yield the segments of [start:stop] between punctuation; an arrow stays with the words before it."""
    last = start
    cuts = [
        (match.start(), match.end())
        for match in _PUNCTUATION.finditer(text, start, stop)
        if _parentheses_closed(text[start : match.start()])
        and not any(period.start < match.start() < period.stop for period in periods)
        and not _is_listed(text, match, periods)
    ]
    for left, right in [*cuts, (stop, stop)]:
        # an arrow stays with the words before it
        end = right if text[left:right] in TRANSITIONS else left
        if text[last:end].strip():
            yield last, end
        last = right


def _is_listed(text: str, comma: re.Match[str], periods: Sequence[Period]) -> bool:
    """Return whether a punctuation mark joins parts of one statement.

    It joins two periods (令和4年度、令和5年度:各100件), two numbers (5、6件), or a period and its number
    (令和4年度→100件).
    """
    at = comma.start()
    if comma.group() in ";→⇒" and any(
        text[period.stop : at].strip("末 ") == "" for period in periods if period.stop <= at
    ):
        return not any(
            period.start >= comma.end() and not text[comma.end() : period.start].strip() for period in periods
        )
    if _APPROXIMATE_PAIR.match(text, at - 1) and not re.match(r"[\d.,、]", text[max(at - 2, 0) : at - 1]):
        return True
    ends = {period.start for period in periods}
    return any(
        period.stop <= at and (gap := _PERIOD_COMMA.match(text, period.stop)) and gap.end() in ends
        for period in periods
    )


def _parentheses_closed(before: str) -> bool:
    """Return whether every parenthesis of a text is closed."""
    return sum(before.count(char) for char in _OPENING) <= sum(before.count(char) for char in _CLOSING)


def _split_before_periods(words: str, periods: Sequence[Period], counters: Counters) -> Iterator[tuple[int, int]]:
    """Yield the segments of a clause, split before each period that follows a number.

    A period in an inner parenthesis does not split.
    """
    numerals = counters.numerals(mask_periods(words, periods))
    last = 0
    for stop, start in _split_points(words, numerals):
        if words[last:stop].strip():
            yield from _split_at_periods(words, periods, numerals, last, stop)
            last = start
    yield from _split_at_periods(words, periods, numerals, last, len(words))


def _split_at_periods(
    words: str, periods: Sequence[Period], numerals: Sequence[Numeral], last: int, stop: int
) -> Iterator[tuple[int, int]]:
    """Yield the segments of [last:stop], split before its periods."""
    for period in periods:
        if not last <= period.start < stop:
            continue
        if COMPARED.match(words, period.stop) or not _parentheses_closed(words[: period.start]):
            continue
        if any(last <= numeral.start < period.start for numeral in numerals):
            yield last, period.start
            last = period.start
    yield last, stop


def _split_points(words: str, numerals: Sequence[Numeral]) -> list[tuple[int, int]]:
    """Return the (end, start) pairs at which a clause is split: role names, and a dot or slash between counts."""
    places = [(match.start(), match.start()) for match in _ROLE_NAME.finditer(words)]
    for before, after in pairwise(numerals):
        between = words[before.stop : after.start]
        dot = re.match(r"(?:以上|以下|程度|未満|超)?\s?[・/](?!年|月|日|週|回)", between)
        # 8団体/10団体 may be a part of a whole
        if dot and (before.unit or after.unit) and (before.unit != after.unit or dot.end() < len(between)):
            stop = before.stop + dot.end()
            places.append((stop - 1, stop))
    return sorted(places)


def mask_periods(text: str, periods: Sequence[Period]) -> str:
    """Return the text, of the same length, with its periods masked, so that their digits are not counted."""
    for period in periods:
        text = text[: period.start] + _MASK * (period.stop - period.start) + text[period.stop :]
    return text


def named_role(words: str) -> str:
    """Return the role that words give to what follows, such as 目標値: or 【実績】; empty if none."""
    return next((role for pattern, role in _ROLE_LABELS if pattern.search(words)), "")


def role_label(words: str, behind: bool = False) -> str:
    """Return the role that words name; if they are `behind` a date, the role at their end; empty if none."""
    match = _ROLE_BEHIND.search(words) if behind else _ROLE_ALONE.fullmatch(words)
    return "" if not match else "target" if match[1].startswith("目標") else "baseline"


def point_in_time(words: str) -> str:
    """Return whether words refer to the `beginning` or the `end` of a period; empty if to neither."""
    if _AT_THE_BEGINNING.search(words):
        return "beginning"
    return "end" if _AT_THE_TIME.search(words) else ""


def is_announced_goal(words: str, numeral: Numeral, own: Sequence[Period], named: bool, due: bool) -> bool:
    """Return whether the words before a number outside any parenthesis make it a goal.

    Such words are a period, the name of a role (`named`), or a deadline before the clause (`due`).
    """
    if words[numeral.start] in "ゼロ零" and _REACHED.match(words[numeral.stop :]):
        return True
    if (ATTRIBUTE.match(words[numeral.stop :]) and not numeral.unit_detached) or not _AFTER_GOAL.match(
        words, numeral.stop
    ):
        return False
    if named and re.search(r"[:】〕は]\s*(?:約|およそ)?$", words[: numeral.start].rstrip() or ":"):
        return True
    if due and numeral.unit and (STATEMENT_END.match(words, numeral.stop) or _REACHED_LEVEL.match(words, numeral.stop)):
        return True
    before = [period for period in own if period.stop <= numeral.start]
    if before and _LABELLED.fullmatch(words, before[-1].stop, numeral.start):
        return True
    return (
        bool(before)
        and (not words[: before[0].start].strip() or bool(NAME_BEFORE.fullmatch(words, 0, before[0].start)))
        and bool(_BETWEEN.fullmatch(words, before[-1].stop, numeral.start))
    )


def role_of(words: str, numeral: Numeral, periods: Sequence[Period], compared: Period | None) -> tuple[str, str]:
    """Return the role of a number, and for a change its direction."""
    after = words[numeral.stop :]
    if numeral.is_rate or _RECURRING.search(mask_periods(words, periods)[: numeral.start]) or _PER_YEAR.match(after):
        by, done = _CHANGED_BY.match(after), _DONE_TO.search(after)
        direction = _direction_of_verb(after[by.end() if by else 0 :]) or (_direction(done.group()) if done else "")
        return "recurring", "" if _REACHED_LEVEL.match(after) else direction
    if numeral.unit == "倍":
        return "change", "multiple"
    if re.search(r"(?:\+|プラス)\s?$", words[: numeral.start]):
        return "change", "increase"
    if not _REACHED_LEVEL.match(after):
        by = _CHANGED_BY.match(after)
        if direction := _direction_of_verb(after[by.end() if by else 0 :]):
            return ("recurring" if _EACH_YEAR.search(after) else "change"), direction
    if compared:
        return "change", "decrease" if numeral.value is not None and numeral.value < 0 else _direction(words)
    return ("baseline" if _BASELINE.search(words.strip()) else "target"), ""


def _direction_of_verb(words: str) -> str:
    """Return the direction that the first verb after a number gives to it; empty if none."""
    for pattern, direction in ((_DECREASE, "decrease"), (_INCREASE, "increase")):
        match = pattern.search(words[: _MAX_DISTANCE + 3])
        if match and match.start() <= _MAX_DISTANCE and re.match(r"[加少]?" + _CHANGES, words[match.end() :]):
            return direction
    return ""


def _direction(words: str) -> str:
    if _DECREASE.search(words):
        return "decrease"
    return "increase" if _INCREASE.search(words) else ""


def is_goal_outside(words: str, numeral: Numeral, own: Sequence[Period], role: str, first: bool) -> bool:
    """Return whether a number outside any parenthesis is a target by its role or the words after it.

    `first` is True for the clause that begins the KPI.
    """
    if role in ("recurring", "change", "baseline"):
        return True
    if not numeral.unit_known or not numeral.unit:
        return False
    after = words[numeral.stop :]
    if (
        first
        and _BARE_NUMBER_BEFORE.fullmatch(words, 0, numeral.start)
        and (STATEMENT_END.match(after) or _DONE_AFTER.match(after))
    ):
        return True
    if ATTRIBUTE.match(after) and not numeral.unit_detached:
        return False
    to = _REACHED_LEVEL.match(after)
    due = any(period.stop <= numeral.start for period in own) or bool(_VALUE_OF.search(words[: numeral.start]))
    compared = comparator_of(words, numeral) not in ("=", "~") and (due or bool(_COMPARATOR_AFTER.match(after)))
    if (to and _direction(after[to.end() :][:_MAX_DISTANCE])) or _DONE_AFTER.match(after) or compared:
        return True
    return bool(to or STATEMENT_END.match(after)) and (due or numeral.unit == "%")


def comparator_of(words: str, numeral: Numeral) -> str:
    """Return the comparator of a number, by the word after it or a sign or word before it; `=` by default."""
    after = words[numeral.stop : numeral.stop + _MAX_DISTANCE + 5]
    for pattern, comparator in _COMPARATORS:
        if (match := pattern.search(after)) and match.start() <= _MAX_DISTANCE:
            return comparator
    before = words[: numeral.start].rstrip()
    for sign, comparator in _SIGNS:
        if before.endswith(sign):
            return comparator
    if bound := next((sign for pattern, sign in _BOUND_BEFORE if pattern.search(before)), ""):
        return bound
    return "~" if _ABOUT_BEFORE.search(before) else "="
