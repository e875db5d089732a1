"""Targets of a KPI: the values, dates and comparisons that hide in its words and parentheses.

Inside a parenthesis every clause with a period or a counted number is a target. Outside, a number is a target only
where the words make it one: every year (年1回以上), a change (3割削減, 平成24年度比で3倍), a deadline before it, a
comparator after it, or the end of the KPI. Works on NFKC text; words are given by their place in it.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from kg.extract.clauses import COMPARED, Clause, clauses_of, hide_quoted, mask, parentheses_of
from kg.extract.numerals import Counters, Numeral
from kg.extract.periods import Period, periods_of

UNSET = re.compile(r"未設定|設定(?:する)?予定|に設定$|未定|検討中|検討予定")

_ABOUT_BEFORE = re.compile(r"(?:約|およそ|おおよそ|おおむね|概ね|ほぼ)\s*(?:延べ|のべ)?\s*$")
_AT_LEAST_BEFORE = re.compile(r"(?:少なくとも|最低)\s*$")
_COMPARATORS = (
    (re.compile(r"以上"), ">="),
    (re.compile(r"以下|以内"), "<="),
    (re.compile(r"未満|を下回"), "<"),
    (re.compile(r"超(?!高)|を超え|を上回"), ">"),
    (re.compile(r"程度|前後|ほど|くらい|ぐらい|余り|[弱強](?=$|[、)の])"), "~"),
)
_NEAR = 3  # a comparator or a verb follows its number within this many characters (10回程度以上)
_BASELINE = re.compile(r"時点|現在|実績|現状|基準値|実測|[→⇒]$|から$")
_RECURRING = re.compile(
    r"毎年|各年|年間|年平均|1年(?:間)?(?:当たり|あたり|に)|年度?当たり|年度?あたり|(?<![\d元\0])年に?(?:約|およそ|延べ|のべ)?\s*$"
)
_MONTHLY = re.compile(r"(?:毎月|(?<!\d)月に?|月平均|月当たり)(?:約|およそ)?\s*$")
_PER_YEAR = re.compile(r"\s?/\s?年度?")
_INCREASE = re.compile(r"増|拡大|向上|上昇|引き?上げ|伸ば|アップ|改善")
_DECREASE = re.compile(r"減|縮小|縮減|短縮|抑制|圧縮|引き?下げ|低下|ダウン|カット")
_CHANGED_BY = re.compile(r"\s*(?:程度|以上|以下|超)?\s*(?:の|を|分)?(?:コスト|経費)?")
_TO = re.compile(r"\s*(?:程度|以上|以下|以内|未満|超)?(?:に|へ|まで)")
_FRACTION = re.compile(r"\d+分の\d+|\d+/\d+|半分")
_DONE = re.compile(r"\s*(?:程度|以上)?を?(?:実施|開催|達成|実現|導入|整備|設置|策定|目指す)(?:する)?\s*。?$")
_END = re.compile(r"\s*(?:程度|以上|以下|未満|超)?\s*。?$")
_DEADLINE = re.compile(
    r"(?:末|当初|初頭|半ば|[春夏秋冬])?(?:頃)?"
    r"(?:まで(?:に)?|中に|末に|内に|以降|に(?!おける|関|つ|係|よ|向)|を目途に?|を目処に?|をめどに?|\s*:)"
)
_VALUE_OF = re.compile(r"(?:数|率|割合|額|量)\s*[:は]?\s*(?:約|およそ)?$")  # サービス数 100件
# Who is counted, not what shall be reached: 人口10万人未満の団体
_ATTRIBUTE = re.compile(r"\s*(?:以上|以下|以内|未満|超)の(?!達成|実現|確保|実施|開催)")


class Kind(enum.Enum):
    """What a clause states."""

    TARGET = "target"
    DEADLINE = "deadline"  # a period before the words of the KPI, for what follows
    COMPARISON = "comparison"  # the baseline of the change before it


@dataclass(frozen=True)
class Target:
    """One target as read. `value` is None for a milestone or an indefinite number.

    Empty strings where nothing is printed; `start` and `stop` delimit its words in the KPI; `half_read` says that they
    hold a number that could not be read.
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
    half_read: bool = False


def targets_of(text: str, counters: Counters) -> list[Target]:
    """Return the targets of one KPI (NFKC text), in printed order; none for a KPI that is not yet set."""
    if UNSET.search(text):
        return []
    text = hide_quoted(text)
    found: list[Target] = []
    deadline: Target | None = None
    carried = ""
    for clause in clauses_of(text, counters):
        read = _read(text, clause, counters)
        if read is None:
            continue
        kind, target = read
        if kind is Kind.COMPARISON:
            _compare(found, target, clause)
            continue
        if kind is Kind.DEADLINE:
            deadline, carried = target, target.period
            continue
        if found and _dates(text, target, found[-1]):
            found[-1] = replace(found[-1], period=target.period, stop=max(found[-1].stop, clause.group + 1))
            continue
        if not target.period and target.role in ("target", "change"):
            target = replace(target, period=carried)
        if deadline and deadline.period == target.period:
            target = replace(target, start=deadline.start) if clause.outside else target
            deadline = None
        found.append(target)
        carried = target.period if target.role in ("target", "change") else carried
    return _once([deadline, *found] if deadline else found)


def _dates(text: str, target: Target, before: Target) -> bool:
    """Whether a parenthesis holds only the date of the number before it: 60%に引き上げ(令和2年度)."""
    if target.value is not None or target.unit or before.period or before.value is None or before.role == "recurring":
        return False
    return _is_date(text[target.start : target.stop])


def _read(text: str, clause: Clause, counters: Counters) -> tuple[Kind, Target] | None:
    """Read one clause; None where it states nothing."""
    words = text[clause.start : clause.stop]
    periods = clause.periods
    compared = next((period for period in periods if COMPARED.match(words, period.stop)), None)
    own = [period for period in periods if period is not compared]
    numeral = _numeral(words, periods, counters)
    if numeral is None:
        return _without_number(words, clause, own, compared)
    role, direction = _role(words, numeral, periods, compared)
    if clause.outside and not (
        _stated_outside(words, numeral, own, role) or _dated_after(text, clause, words, numeral)
    ):
        return _deadline(words, clause, own)
    return Kind.TARGET, Target(
        role=role,
        value=numeral.value,
        comparator=_comparator(words, numeral),
        unit=numeral.unit,
        period=own[-1].code if own else "",
        baseline_period=compared.code if compared else "",
        direction=direction,
        start=clause.start,
        stop=clause.stop,
        unit_known=numeral.known,
        half_read=_more_numbers(words, numeral, periods, counters),
    )


def _numeral(words: str, periods: Sequence[Period], counters: Counters) -> Numeral | None:
    """Return the number that a clause is about: the first that stands in no period; a lone bare one is a label: (1)."""
    for numeral in counters.numerals(mask(words, periods)):
        label = not numeral.unit and words.strip() == words[numeral.start : numeral.stop]
        if not label:
            return numeral
    return None


def _more_numbers(words: str, numeral: Numeral, periods: Sequence[Period], counters: Counters) -> bool:
    """Whether a clause says more than one value: it counts twice (10件以上20件以下), or a range, or monthly."""
    masked = mask(words, periods)
    ranged = numeral.value is None and any(char.isdigit() for char in masked[numeral.start : numeral.stop])
    counted = [other for other in counters.numerals(masked) if other.unit]
    return ranged or len(counted) > 1 or bool(_MONTHLY.search(masked[: numeral.start]))


def _without_number(
    words: str, clause: Clause, own: Sequence[Period], compared: Period | None
) -> tuple[Kind, Target] | None:
    """Read 倍増 and 半減, the baseline of a change, a milestone, or a deadline before the words of the KPI."""
    period = own[-1].code if own else ""
    baseline = compared.code if compared else ""
    target = Target("target", None, "=", "", period, "", "", clause.start, clause.stop)
    if "倍増" in words:
        change = replace(target, role="change", value=Decimal(2), unit="倍", direction="multiple")
        return Kind.TARGET, replace(change, baseline_period=baseline)
    if "半減" in words:
        change = replace(target, role="change", value=Decimal(50), unit="%", direction="decrease")
        return Kind.TARGET, replace(change, baseline_period=baseline)
    if compared:
        return Kind.COMPARISON, replace(target, baseline_period=baseline)
    if clause.outside:
        return _deadline(words, clause, own)
    if not own:
        return None
    half_read = bool(_FRACTION.search(mask(words, own)))
    role = "baseline" if _BASELINE.search(words.strip()) else "target"
    return Kind.TARGET, replace(target, role=role, half_read=half_read)


def _deadline(words: str, clause: Clause, own: Sequence[Period]) -> tuple[Kind, Target] | None:
    """Outside a parenthesis a period alone is a deadline only where the KPI begins with it (令和2年までに、…)."""
    if clause.start or not own or own[0].start:
        return None
    match = _DEADLINE.match(words, own[0].stop)
    if not match:
        return None
    return Kind.DEADLINE, Target("target", None, "=", "", own[0].code, "", "", 0, match.end())


def _role(words: str, numeral: Numeral, periods: Sequence[Period], compared: Period | None) -> tuple[str, str]:
    """Return the role of a number and, for a change, its direction."""
    after = words[numeral.stop :]
    if _RECURRING.search(mask(words, periods)[: numeral.start]) or _PER_YEAR.match(after):
        return "recurring", ""
    if numeral.unit == "倍":
        return "change", "multiple"
    if not _TO.match(after):
        by = _CHANGED_BY.match(after)
        if direction := _direction(after[by.end() if by else 0 :][: _NEAR + 2]):
            return "change", direction
    if compared:
        return "change", _direction(words)
    return ("baseline" if _BASELINE.search(words.strip()) else "target"), ""


def _direction(words: str) -> str:
    if _DECREASE.search(words):
        return "decrease"
    return "increase" if _INCREASE.search(words) else ""


def _stated_outside(words: str, numeral: Numeral, own: Sequence[Period], role: str) -> bool:
    """Whether the words around a number outside any parenthesis make it a target."""
    if role in ("recurring", "change", "baseline"):
        return True
    if not numeral.known or not numeral.unit:
        return False
    after = words[numeral.stop :]
    if _ATTRIBUTE.match(after):
        return False
    to = _TO.match(after)
    if (to and _direction(after[to.end() :][:_NEAR])) or _DONE.match(after) or _comparator(words, numeral) != "=":
        return True
    due = any(period.stop <= numeral.start for period in own) or bool(_VALUE_OF.search(words[: numeral.start]))
    return bool(to or _END.match(after)) and (due or numeral.unit == "%")


def _dated_after(text: str, clause: Clause, words: str, numeral: Numeral) -> bool:
    """Whether a number ends its clause and the parenthesis after it is a date: 10,000件(令和3年度)."""
    group = next(((a, b) for a, b in parentheses_of(text) if a >= clause.stop), None)
    if group is None or text[clause.stop : group[0]].strip() or not _END.match(words, numeral.stop) or not numeral.unit:
        return False
    return _is_date(text[group[0] + 1 : group[1]])


def _is_date(words: str) -> bool:
    """Whether words are a period with its particle, and nothing else."""
    periods = periods_of(words)
    return bool(periods) and bool(re.fullmatch(r"\s*(?:末|中)?(?:まで)?(?:に|頃)?\s*", words[periods[-1].stop :]))


def _comparator(words: str, numeral: Numeral) -> str:
    after = words[numeral.stop : numeral.stop + _NEAR + 3]
    for pattern, comparator in _COMPARATORS:
        if (match := pattern.search(after)) and match.start() <= _NEAR:
            return comparator
    before = words[: numeral.start]
    if _AT_LEAST_BEFORE.search(before):
        return ">="
    return "~" if _ABOUT_BEFORE.search(before) else "="


def _compare(found: list[Target], comparison: Target, clause: Clause) -> None:
    """Give the number before it the baseline that a parenthesis names: 3割削減(平成27年度比。…)."""
    if not found or found[-1].baseline_period or found[-1].value is None:
        return
    last = found[-1]
    stop = max(last.stop, clause.stop if clause.outside else clause.group + 1)
    found[-1] = replace(last, role="change", baseline_period=comparison.baseline_period, stop=stop)


def _once(found: list[Target]) -> list[Target]:
    """The same target printed twice is one; the printing that tells its period stays."""
    kept: list[Target] = []
    for target in found:
        same = next((index for index, other in enumerate(kept) if _same(other, target)), None)
        if same is None:
            kept.append(target)
        elif target.period and not kept[same].period:
            kept[same] = target
    return kept


def _same(a: Target, b: Target) -> bool:
    if a.value is None or (a.role, a.value, a.unit, a.comparator) != (b.role, b.value, b.unit, b.comparator):
        return False
    return a.period == b.period or not a.period or not b.period
