"""Statement reader for the clauses of a KPI: a number with role, unit and period, a date alone, or a comparison.

Inside a parenthesis every clause with a period or a counted number states a target. Outside, the words must make the
number a target: a yearly rate (年1回以上), a change (3割削減, 平成24年度比で3倍), a period or role name before it
(令和4年度末:100件, 目標値:100%), a comparator after it, or the end of the KPI.

A number whose neighbours change its meaning in a way that is not read is marked `ambiguous` and reported, never
guessed: 10件/団体, 2時間30分, 1時間半, 四半期ごとに1回, 3年後に10件, ±5, 10件以土. Works on NFKC text.
"""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from kg.extract.numerals import Counters, Numeral
from kg.extract.periods import Calendar, Period, first_and_last_day
from kg.extract.target_clauses import (
    ATTRIBUTE,
    COLON,
    COMPARED,
    DONE_WORDS,
    NAME_BEFORE,
    STATEMENT_END,
    TRANSITIONS,
    Clause,
    Lexicon,
    comparator_of,
    describes_current_level,
    is_announced_goal,
    is_goal_outside,
    mask_periods,
    named_role,
    parentheses_of,
    point_in_time,
    role_of,
)

# A frequency in an interval other than a year, month, week or day
_OTHER_TIMES = re.compile(
    r"(?:(?:四半期|半年|半期|学期|隔[月週年日]|\d+\s?(?:年|[かカヶケ箇]月|日|週|時間)間?)(?:ごと|毎|おき)?(?:に|の)?"
    r"|(?:ごと|毎|おき)に)(?:約|およそ|各)?\s*$"
)
# A time relative to an unknown day: 3年後に10件, 5年以内に10件
_FROM_NOW = re.compile(r"(?:\d+|[一二三四五十])\s?(?:年|[かカヶケ箇]月|日|週間)間?(?:後|以内|先)(?:に|まで|を)")
# Unread words before a number: a relative year, the sign ±, or a denominator
_UNREAD_BEFORE = re.compile(
    r"(?:[±]|(?:^|[:(\0\s])[~〜ー]|(?:初|最終|翌|次)年度(?:末|当初)?[にはまで:]*(?:約)?"
    r"|[2-9十百千万0]\s?[^\s\d:、。]{0,4}(?:当たり|あたり|につき)(?:年間|約|およそ)*"
    r")\s?$"
)
# Unread words after a number: a ratio (10件/団体), half a unit (1時間半), or a misread comparator (10件以土, 10件末満)
_UNREAD_AFTER = re.compile(
    r"\s?/\s?(?!年|回|\d)[^\s、。)]|半(?=$|[、。)以に])|(?<=[%割])台|[↑↓↗↘+~〜]|\.|[^\s程制限密角速温高頻難年月]度(?=$|[、)])|以\s?[^上下内外降後前来遠\s]|[^未円充不肥\s]満(?![足了])"
)
_FINER_UNIT = re.compile(r".[代台半](?:/|$)")
# The beginning of a range: 令和2年度から3年間で100件; or an unknown part of a decade
_FROM = re.compile(r"末?(?:から|より)(?!\s?毎)|(?<=年代)末|[~〜](?=$|[)、])")
_BROKEN_BEFORE = re.compile(r"[.,]$")
# Words and signs that may adjoin a number; anything else may be part of it: 10件末満, :,300件.
_EDGE_BEFORE = re.compile(
    r"(?:^|[\w\0)\]】〕」』%])\s?(?:[:、。,・/;(\[【〔~〜―—]|[→⇒⇨➡]|[-=]>)?\s?(?:(?:[-+±▲△−≧≥≦≤<>=]|>=|<=)\s?)?$"
)
_EDGE_BEHIND = re.compile(
    r"\s?(?:以\s?[上下内降外]|未満|超|程\s?度|前後|ほど|くらい|ぐらい|余り?|足らず|[弱強増減]|台|規模)*"
    r"(?:$|[\s、。,()\[\]【】〔〕「」・/→⇒⇨➡;:~〜\0<>=≧≥≦≤\d-]|(?:を|に|が|は|で|と|の|へ|も|や|から|まで|より|する|など)"
    r"|増加|減少|削減|縮減|拡大|向上|短縮|上昇|低下|改善|引き?[上下]げ|抑制|圧縮|目標|見込|実績|現状|相当|予定|分|[かカヶケ]所|中|"
    + DONE_WORDS
    + ")"
)
# An era with a number that is not a year: R2100件
_ERA_BEFORE = re.compile(r"(?:令和|平成|昭和|(?<![A-Za-z])[RHS])\s?$|(?<![A-Za-z])[lIO],\s?$")
# Unclear: 100件まで at the end of a clause (a limit, or a goal?), 2.5倍増 (to, or by that factor?), 10件ずつ
_UNCLEAR_AFTER = re.compile(r"まで(?=$|[、)])|ずつ|(?<=倍)増")
# Several years and one number (R2~R4:300件): for each year, or in total? Unclear unless a word says so.
_YEARS = re.compile(r"\d\s?(?:年度?)?末?\s?(?:[~〜-]|から)\s?(?:[RHS]|令和|平成|20)?\d{1,2}(?:年|[:)]|$)")
_IN_ALL = re.compile(r"計|延べ|のべ|[各毎]|平均|まで|年間|通算|総|連続")
_OR = re.compile(r"又は|または|若しくは|もしくは")
# A number for each of several bodies: 各府省1件
_EACH_OF = re.compile(r"各(?!年|種|々)[一-龯]{1,6}(?:で|に|において|ごとに?)?(?:約|およそ)?$")
# A period that belongs to a name (2025年大阪・関西万博), or from which something is counted (平成30年度からの累計)
_NAMED_BY_TIME = re.compile(r"(?![末中内当初頃半春夏秋冬前後上下時現以目達実運開完全導整])[一-龯ァ-ヴ]|末?からの")
# A negation, condition or postponement, which changes the meaning of a number
_HEDGED = re.compile(
    r"ではな[くい]|(?<![下上]回ら)(?<!超え)(?<!越え)(?<!切ら)(?<!割ら)(?<!込ま)(?<!限ら)(?<!少)(?<!満た)(?:しない|さない|されない|れない|できない)|至らず|未達|達せず|達しな"
    r"|(?:[値績標度末]|\))\s?;\s?約?\d|基準年度?\s*:.*目標年度?\s*:|場合(?:は|に(?!お)|、)|(?:れば|たら)[、\s]|前倒し|後ろ倒し|繰り?[上下延]|延期|中止|撤回|見送"
)
_AS_HUNDRED = re.compile(r"\s*(?:を|=)\s?100\s?(?:と|$|[、)])")
# A misread month, part of a year or fiscal year: 令和4年庭末
_AFTER_YEAR = re.compile(
    r"[ー・※|~\s-]{0,2}度|[上下](?![半期旬])|\s?[年lIOo|](?![A-Za-z])|(?![度末中内頃初半前後以春夏秋冬迄現時目実当比対分間版開完運達予見単累計合平各毎約延全迄])[一-龯]"
)
_PREFIX_MISREAD = re.compile(r"(?:^|[をにで、:\0\s])的$")  # 的5割, misread for 約5割
_MOST_TENTHS = 100
_MISREAD_YEAR = re.compile(r"[一-龯](?<![度末中内春夏秋冬初半頃迄当])(?:末|中に|まで|当初|:)")

_FRACTION = re.compile(r"[\d一二三四五六七八九十]+分の[\d一二三四五六七八九十]+|\d+/\d+|半分|半数")
_DATE_ONLY = re.compile(
    r"\s*(?:末|中|当初)?(?:時点|現在)?(?:の?累計)?(?:まで|以降|以後)?(?:に|頃)?(?:の?(?:最終|中間)?(?:目標|実績|現状)(?:値)?|達成(?:する)?|見込み?)?[~〜]?\s*"
)
# Words after a value that is the state before a change: 平成30年度の40団体を令和4年度に100団体に
_STARTING = re.compile(r"(?:を|に対し(?:て)?|に比べ|(?:だった|であった)(?:もの|ところ)?を?|のところ)\s*$")
_YEAR = datetime.timedelta(days=366)
_AND = re.compile(r"末?\s?(?:及び|並びに|と|、|・|,)\s?")
_FROM_THEN_ON = re.compile(r"\s*末?(?:以降|以後|より後|(?:より|から)(?=[、\s]?毎))")
_AFTER_SPACE = re.compile(r"[^\s:]\s+$")
_REACHED_THEN = re.compile(
    rf"(?:末|中|当初|頃)*(?:まで)?(?:に|を目途に?)?(?:{DONE_WORDS}|開始|終了|予定)*(?:する)?\s*。?"
)
_SHARE = re.compile(r"\(\d+(?:\.\d+)?%\)")  # 1,788団体(100%)
_NOW = re.compile(r"(?:現行|現在|従来|これまで|既存)の(?:約|およそ)?$")
_SINCE = re.compile(r"末?\s?(?:から|[~〜-])\s?")
_EACH = re.compile(r"末?(?:まで)?(?:の|に|、|:)*\s?(?:各年|毎年|各(?=\d))")
_EACH_OF_THEM = re.compile(r"[各毎]年度?(?:に|:)?(?:約|およそ)?$")
_SIGNED = frozenset({"", "%", "円", "ポイント", "倍"})  # units of values that can be negative
UNIT_IN_PARENTHESES = re.compile(r"\s*\(([^()\d]{1,8})\)\s*")
_DATE_NAMED = re.compile(r"\s*[\[【〔]?(?:目標|達成)(?:年度?|時期)\s*[:\]】〕]")
_DEADLINE = re.compile(
    r"(?:末|当初|初頭|半ば|[春夏秋冬])?(?:頃)?"
    r"(?:まで(?:に)?|中に|末に|内に|以降|に(?!おける|関|つ|係|よ|向)|を目途に?|を目処に?|をめどに?|\s*:)"
)


def is_doubtful(words: str, numeral: Numeral, periods: Sequence[Period], counters: Counters, masked: str) -> bool:
    """Return whether words at a number or its period change its meaning in a way that is not read.

    `masked` are the words without periods. Only this number is judged, not others in the same words.
    """
    if numeral.garbled or is_compound(numeral, counters, masked) or re.match(r"0\d", words[numeral.start :]):
        return True
    if periods and _YEARS.search(words) and not _IN_ALL.search(words):
        return True
    if _BROKEN_BEFORE.search(before := masked[: numeral.start]) or any(each.is_implausible(words) for each in periods):
        return True
    if any(one.stop == other.start or _OR.search(words, one.stop, other.start) for one, other in pairwise(periods)):
        return True
    if not numeral.unit_known and _FINER_UNIT.search(numeral.unit):
        return True
    if periods and numeral.unit not in ("%", "倍") and _FROM.match(words, periods[-1].stop):
        return True
    if _UNREAD_BEFORE.search(before) or _OTHER_TIMES.search(before) or _FROM_NOW.search(before):
        return True
    if _UNREAD_AFTER.match(words, numeral.stop) or any(_AS_HUNDRED.match(words, period.stop) for period in periods):
        return True
    if numeral.unit == "" and (dot := re.match(r"\s?・", masked[numeral.stop :])):
        unit, _, registered = counters.unit_at(masked, numeral.stop + dot.end())
        if unit and registered:
            return True  # 2・時間
    if _PREFIX_MISREAD.search(before) or _is_too_much(numeral, words):
        return True
    if any(_AFTER_YEAR.match(words, period.stop) for period in periods if period.code.startswith("CY")):
        return True
    if words[numeral.start] == "." and numeral.unit not in ("%", "倍", "ポイント"):
        return True  # .000件
    return any(
        re.match(r"\s?(?:年度?|度|[上下](?![半期旬])|[lIOo|](?![A-Za-z]))", words[period.stop :])
        or (period.code.startswith("CY") and _MISREAD_YEAR.match(words, period.stop))
        for period in periods
    )


def _is_too_much(numeral: Numeral, words: str) -> bool:
    """Return whether a number of tenths is implausibly large: 50割."""
    return (
        "割" in words[numeral.start : numeral.stop] and numeral.value is not None and abs(numeral.value) > _MOST_TENTHS
    )


def is_delimited(masked: str, start: int, stop: int) -> bool:
    """Return whether the words on both sides of the number [start:stop] cannot be part of it.

    Periods are masked in the text.
    """
    before = masked[:start]
    if masked[start] == "." and before.endswith((",", "、")):
        return False  # 1,.5倍
    if _ERA_BEFORE.search(before) or _EACH_OF.search(before) or _UNCLEAR_AFTER.match(masked, stop):
        return False
    return bool(_EDGE_BEFORE.search(before) and _EDGE_BEHIND.match(masked, stop))


def is_hedged(text: str) -> bool:
    """Return whether a KPI negates its number or makes it conditional: 予算が措置された場合は100件."""
    return _HEDGED.search(text) is not None


def is_part_of_name(words: str, period: Period) -> bool:
    """Return whether a period without a number belongs to a name or a counting method, and sets no time."""
    named = _NAMED_BY_TIME.match(words, period.stop)
    return named is not None and (period.code.startswith("CY") or named.group().endswith("の"))


def is_compound(numeral: Numeral, counters: Counters, masked: str) -> bool:
    """Return whether a smaller unit of time follows the number: 2時間30分."""
    following = (other for other in counters.numerals(masked) if other.start == numeral.stop)
    return any(each.unit in ("分", "秒", "時間", "か月", "日") and each.unit != numeral.unit for each in following)


@dataclass(frozen=True)
class Target:
    """One target as read from a KPI.

    `value` is None for a milestone or an indefinite number; other fields are empty if nothing is printed. `start` and
    `stop` delimit its words in the KPI; `ambiguous` is True if these hold a number that could not be read.
    """

    role: str
    value: Decimal | None
    comparator: str
    unit: str
    period: str
    baseline_period: str
    direction: str
    start: int
    stop: int
    unit_known: bool = True
    ambiguous: bool = False


@dataclass(frozen=True)
class ClauseStatement:
    """The statement of a clause about one number, or about none.

    `codes` are its periods, `number_spans` the place of its number.
    """

    target: Target
    codes: tuple[str, ...] = ()
    number_spans: tuple[tuple[int, int], ...] = ()


class ClauseReader:
    """Reader of the clauses of one KPI, whose text is NFKC.

    `role` is the role named before the clause; `due` is True if a deadline precedes it. `written` is the day of the
    document.
    """

    def __init__(self, text: str, lexicon: Lexicon, written: datetime.date | None) -> None:
        self._text, self._lexicon, self._written = text, lexicon, written
        self._masked = mask_periods(text, lexicon.calendar.periods(text))
        self.role, self.due = "", False

    def is_future(self, codes: Sequence[str], beginning: bool = False) -> bool:
        """Return whether the period ends (or begins) after the day of the document; False if that is unknown."""
        if not codes or self._written is None:
            return False
        first, last = first_and_last_day(codes[-1])
        return (first if beginning else last) > self._written

    def is_distant_future(self, codes: Sequence[str]) -> bool:
        """Return whether a period begins more than a year after the document, so that no level is known."""
        return bool(codes) and self._written is not None and first_and_last_day(codes[-1])[0] > self._written + _YEAR

    def is_near_future(self, codes: Sequence[str]) -> bool:
        """Return whether a period begins within a year after the document.

        Its value may be known already, or be a goal.
        """
        return self.is_future(codes, beginning=True) and not self.is_distant_future(codes)

    def read(self, clause: Clause) -> list[ClauseStatement]:
        """Return the statements of one clause; an empty list if it states nothing."""
        words, periods = self._text[clause.start : clause.stop], clause.periods
        compared = next((p for p in periods if COMPARED.match(words, p.stop) or words[: p.start].endswith("対")), None)
        own = [period for period in periods if period is not compared]
        numerals = self._relevant_numerals(words, periods)
        if not numerals:
            return self._read_without_number(words, clause, own, compared)
        numeral = self._with_unit(words, numerals[0])
        role, direction = role_of(words, numeral, periods, compared)
        stated = is_goal_outside(words, numeral, own, role, not clause.start) or self._ends_statement(clause, numeral)
        if clause.outside and not (stated or is_announced_goal(words, numeral, own, bool(self.role), self.due)):
            return self._read_unclassified(words, clause, own, numeral)
        codes = _codes(words, own)
        counters, masked = self._lexicon.counters, mask_periods(words, periods)
        leads = words.rstrip().endswith(TRANSITIONS) and "まで" not in words
        ambiguous = is_doubtful(words, numeral, periods, counters, masked) or self._is_ambiguous(
            words, numeral, clause, own, role
        )
        target = Target(
            role=self._role_at(role, words, clause, codes),
            value=None if numeral.garbled or is_compound(numeral, counters, masked) else _amount(numeral, role),
            comparator=comparator_of(words, numeral),
            unit=numeral.unit,
            period=codes[-1] if codes else "",
            baseline_period=compared.code if compared else "",
            direction=direction,
            start=clause.start,
            stop=clause.stop,
            unit_known=numeral.unit_known,
            ambiguous=ambiguous or (leads and self.is_near_future(codes)) or self._has_more_numbers(numeral, masked),
        )
        if len(codes) > 1 and _EACH_OF_THEM.search(masked[: numeral.start]):
            target = replace(target, role="target")  # the years are named: a value for each of them, not for every year
        bounds = self._bounds(words, target, numerals)
        places = [(clause.start + each.start, clause.start + each.stop) for each in numerals[: len(bounds)]]
        return [ClauseStatement(each, codes, (place,)) for each, place in zip(bounds, places, strict=True)]

    def _is_ambiguous(self, words: str, numeral: Numeral, clause: Clause, own: Sequence[Period], role: str) -> bool:
        """Return whether the words around a number leave its meaning open."""
        if not is_delimited(self._masked, clause.start + numeral.start, clause.start + numeral.stop):
            return True
        if not clause.outside and not own and ATTRIBUTE.match(words, numeral.stop) and not numeral.unit_detached:
            return True  # a goal, or a criterion of the counted things?
        if (not numeral.unit and words[numeral.stop : numeral.stop + 1] == "の") or _NOW.search(words[: numeral.start]):
            return True  # part of a name (17の目標), or the present state (現行の約50億円)
        if role == "change" and not numeral.unit:
            return True  # a change without a unit: 5短縮
        # a decrease by that amount, or below zero?
        return numeral.value is not None and numeral.value < 0 and role != "change" and numeral.unit not in _SIGNED

    def _relevant_numerals(self, words: str, periods: Sequence[Period]) -> list[Numeral]:
        """Return the numbers of a clause that are in no period; a lone bare one is a label: (1)."""
        found = [
            numeral
            for numeral in self._lexicon.counters.numerals(mask_periods(words, periods))
            if numeral.unit or words.strip() != words[numeral.start : numeral.stop]
        ]
        # a criterion of the counted things precedes the number: 人口5万人未満の団体は400団体
        counted = [numeral for numeral in found if numeral.unit_detached or not ATTRIBUTE.match(words, numeral.stop)]
        return counted or found

    def _with_unit(self, words: str, numeral: Numeral) -> Numeral:
        """Return a number with the unit in the parentheses after it: 30(件)."""
        match = None if numeral.unit else UNIT_IN_PARENTHESES.match(words, numeral.stop)
        unit, end, registered = self._lexicon.counters.unit_at(match[1], 0) if match else ("", 0, False)
        if match and registered and unit and not match[1][end:].strip():
            return replace(numeral, unit=unit)
        return numeral

    def _bounds(self, words: str, target: Target, numerals: Sequence[Numeral]) -> list[Target]:
        """Return a target, or two if the words give a lower and an upper bound: 10件以上20件未満."""
        if len(numerals) == 2 and all(each.unit == target.unit and each.value is not None for each in numerals):
            other = comparator_of(words, numerals[1])
            between = words[numerals[0].stop : numerals[1].start].strip("、~ ")
            if {target.comparator[:1], other[:1]} == {"<", ">"} and re.fullmatch(
                r"(?:以上|超|以下|未満|超え)", between
            ):
                upper = replace(target, value=numerals[1].value, comparator=other, ambiguous=False)
                return [replace(target, ambiguous=False), upper]
        return [target]

    def _role_at(self, role: str, words: str, clause: Clause, codes: Sequence[str]) -> str:
        """Return the role of a number by the words around it, the role named before, and its time."""
        if role not in ("target", "baseline"):
            return role
        if words.rstrip().endswith(TRANSITIONS):
            return "target" if self.is_distant_future(codes) else role
        named = named_role(words)
        if named:
            return named
        if codes and self._written and not self.is_future(codes) and _STARTING.search(words):
            return "baseline"
        if describes_current_level(self._text, clause.group) and point_in_time(words):
            return "baseline"
        if time := point_in_time(words):
            if codes and self._written is not None:
                return "target" if self.is_future(codes, beginning=time == "beginning") else "baseline"
            return role
        return self.role if self.role and role == "target" else role

    def _has_more_numbers(self, numeral: Numeral, masked: str) -> bool:
        """Return whether a clause has more than one value: two counts, or a range."""
        printed = masked[numeral.start : numeral.stop]
        ranged = numeral.value is None and any(char.isdigit() or char == "、" for char in printed)
        counted = [
            other
            for other in self._lexicon.counters.numerals(masked)
            # a criterion of the counted things is not a value: 従業員10人以上の企業における導入率50%
            if other.unit
            and (other.unit_detached or other.start > numeral.start or not ATTRIBUTE.match(masked, other.stop))
        ]
        return ranged or len(counted) > 1

    def _read_without_number(
        self, words: str, clause: Clause, own: Sequence[Period], compared: Period | None
    ) -> list[ClauseStatement]:
        """Read 倍増 and 半減, the baseline of a change, a milestone, or a deadline before the KPI's words."""
        codes = _codes(words, own)
        period, baseline = codes[-1] if codes else "", compared.code if compared else ""
        target = Target("target", None, "=", "", period, "", "", clause.start, clause.stop)
        change = replace(target, role="change", baseline_period=baseline)
        if "倍増" in words:
            return [ClauseStatement(replace(change, value=Decimal(2), unit="倍", direction="multiple"), codes)]
        if "半減" in words:
            return [ClauseStatement(replace(change, value=Decimal(50), unit="%", direction="decrease"), codes)]
        if compared:
            return [ClauseStatement(replace(target, role="comparison", baseline_period=baseline))]
        if clause.outside and not (own and _DATE_NAMED.match(words)):
            deadline = self._read_deadline(words, clause, own) or self._read_milestone(words, clause, own)
            if deadline and _FRACTION.search(mask_periods(words, own)):
                return [replace(deadline[0], target=replace(deadline[0].target, role="target", ambiguous=True))]
            return deadline
        if not own:
            return []
        ambiguous = bool(_FRACTION.search(mask_periods(words, own))) or is_part_of_name(words, own[-1])
        role = self._role_at("target", words, clause, codes)
        return [ClauseStatement(replace(target, role=role, ambiguous=ambiguous), codes)]

    def _read_unclassified(
        self, words: str, clause: Clause, own: Sequence[Period], numeral: Numeral
    ) -> list[ClauseStatement]:
        """Read a clause outside any parenthesis with a number that no rule makes a target.

        After a deadline that begins the KPI the number is ambiguous, unless it only limits who is counted.
        """
        deadline = self._read_deadline(words, clause, own)
        between = words[own[0].stop : numeral.start] if deadline else ""
        if not deadline or ATTRIBUTE.match(words, numeral.stop) or not COLON.search(between):
            return deadline
        target = replace(deadline[0].target, role="target", stop=clause.stop, ambiguous=True)
        place = (clause.start + numeral.start, clause.start + numeral.stop)
        return [ClauseStatement(target, deadline[0].codes, (place,))]

    def _read_deadline(self, words: str, clause: Clause, own: Sequence[Period]) -> list[ClauseStatement]:
        """Read a period alone, outside any parenthesis, as a deadline if the KPI begins with it (令和2年までに、…)."""
        match = _DEADLINE.match(words, own[0].stop) if own else None
        if not match:
            return []
        leads = not own[0].start or NAME_BEFORE.fullmatch(words, 0, own[0].start) or words[match.end() :].strip() == ""
        if clause.start or not leads:
            return []
        codes = _codes(words, own[:1])
        return [ClauseStatement(Target("deadline", None, "=", "", codes[-1], "", "", 0, match.end()), codes)]

    def _read_milestone(self, words: str, clause: Clause, own: Sequence[Period]) -> list[ClauseStatement]:
        """Read a period after a space, at the end of the KPI, as a milestone: 共用開始 令和3年度."""
        if not own or clause.stop < len(self._text) or not _AFTER_SPACE.search(words[: own[0].start]):
            return []
        if not _REACHED_THEN.fullmatch(words, own[-1].stop) or len(own) > 1:
            return []
        codes = _codes(words, own)
        start = clause.start + own[0].start
        return [ClauseStatement(Target("target", None, "=", "", codes[-1], "", "", start, clause.stop), codes)]

    def _ends_statement(self, clause: Clause, numeral: Numeral) -> bool:
        """Return whether a number ends its clause and adjoins its date or an arrow.

        Examples: 10件(令和3年度), (令和3年度)10件, 5件→10件.
        """
        text, calendar = self._text, self._lexicon.calendar
        if not numeral.unit or not STATEMENT_END.match(text[clause.start : clause.stop], numeral.stop):
            return False
        before, after = text[: clause.start].rstrip(), text[clause.stop :].lstrip()
        adjacent = [
            (a, b)
            for a, b in parentheses_of(text)
            if (before.endswith((")", "]", "】", "〕")) and b == len(before) - 1) or text[a:].lstrip() == after
        ]
        led = before.endswith(TRANSITIONS) or after.startswith(TRANSITIONS) or text[: clause.stop].endswith(TRANSITIONS)
        return led or any(is_date(text[a : b + 1], calendar) or _SHARE.fullmatch(text, a, b + 1) for a, b in adjacent)


def _amount(numeral: Numeral, role: str) -> Decimal | None:
    """Return the value of a number; for a change its absolute value, as ▲20%(平成25年度比) has a direction."""
    return abs(numeral.value) if numeral.value is not None and role == "change" else numeral.value


def _codes(words: str, own: Sequence[Period]) -> tuple[str, ...]:
    """Return the codes of the last period of a clause; `以降` after it leaves its end open (`-on`)."""
    if not own:
        return ()
    codes = own[-1].codes
    if len(own) > 1 and _SINCE.fullmatch(words, own[-2].stop, own[-1].start) and _EACH.match(words, own[-1].stop):
        codes = _all_years(own[-2].codes[0], codes[-1]) or codes
    for before, after in reversed([*pairwise(own)]):
        if not _AND.fullmatch(words, before.stop, after.start):
            break
        codes = (*before.codes, *codes)
    return (*codes[:-1], f"{codes[-1]}-on") if _FROM_THEN_ON.match(words, own[-1].stop) else codes


def _all_years(first: str, last: str) -> tuple[str, ...]:
    """Return the codes of all years between two of the same kind; empty for other codes."""
    if not (first[:2] == last[:2] in ("FY", "CY") and len(first) == len(last) == len("FY2020")):
        return ()
    return tuple(f"{first[:2]}{year}" for year in range(int(first[2:]), int(last[2:]) + 1))


def is_date(words: str, calendar: Calendar) -> bool:
    """Return whether words, with their brackets, are a period with its particle and nothing else."""
    inside = words.strip("()[]【】〔〕 ")
    periods = calendar.periods(words)
    if not periods or words[: periods[0].start].strip("([【〔】〕] 、:") not in (
        "",
        "目標年度",
        "目標年",
        "達成年度",
        "年度",
    ):
        return False
    remaining = words[periods[-1].stop :].rstrip(")]】〕 、。")
    return bool(inside) and bool(_DATE_ONLY.fullmatch(remaining))
