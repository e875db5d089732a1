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

from kg.extract.clauses import COMPARED, LEADING_ON, Clause, clauses_of, hide_quoted, mask, parentheses_of
from kg.extract.lexicon import Lexicon
from kg.extract.numerals import Counters, Numeral
from kg.extract.periods import Calendar, Period
from kg.extract.wording import ATTRIBUTE, BASELINE, END, comparator_of, role_of, stated_outside

# Said of the KPI itself: 利用を検討中の団体数(200団体) is set.
UNSET = re.compile(
    r"未設定|設定(?:する)?予定|(?:未定|検討中|検討予定)(?=$|[)、。])|(?:年度?|度中|月|末|まで|内|中|頃)に設定(?:する)?(?=$|[)。])"
)

_MONTHLY = re.compile(r"(?:毎月|(?<!\d)月に?|月平均|月当たり|四半期に|毎週|週に?)(?:約|およそ)?\s*$")
_YEARLY = re.compile(r"\s*(?:毎年度?|各年度?)(?:度)?\s*")
_FRACTION = re.compile(r"\d+分の\d+|\d+/\d+|半分")
_DEADLINE = re.compile(
    r"(?:末|当初|初頭|半ば|[春夏秋冬])?(?:頃)?"
    r"(?:まで(?:に)?|中に|末に|内に|以降|に(?!おける|関|つ|係|よ|向)|を目途に?|を目処に?|をめどに?|\s*:)"
)


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


def targets_of(text: str, lexicon: Lexicon) -> list[Target]:
    """Return the targets of one KPI (NFKC text), in printed order; none for a KPI that is not yet set."""
    if UNSET.search(text):
        return []
    text = hide_quoted(text)
    found: list[Target] = []
    deadline: Target | None = None
    carried = ""
    for clause in clauses_of(text, lexicon):
        read = _read(text, clause, lexicon)
        if read is None:
            if found and found[-1].value is not None and _YEARLY.fullmatch(text[clause.start : clause.stop]):
                found[-1] = replace(
                    found[-1], role="recurring", direction="", stop=max(found[-1].stop, clause.group + 1)
                )
            continue
        kind, target = read
        if kind is Kind.COMPARISON:
            _compare(found, target, clause)
            continue
        if kind is Kind.DEADLINE:
            deadline, carried = target, target.period
            continue
        if target.role == "baseline" and _due(text[clause.start : clause.stop]):
            carried, target = target.period, replace(target, period="")
        if found and _dated_by(text, found[-1], target, clause, lexicon.calendar):
            found[-1] = replace(target, period=found[-1].period, start=found[-1].start)
            continue
        if found and _dates(text, target, found[-1], lexicon.calendar):
            found[-1] = replace(found[-1], period=target.period, stop=max(found[-1].stop, clause.group + 1))
            continue
        if not target.period and target.role in ("target", "change"):
            target = replace(target, period=carried)
        if deadline and deadline.period == target.period:
            target = replace(target, start=deadline.start) if clause.outside else target
            deadline = None
        found.append(target)
        carried = target.period if target.role in ("target", "change") else carried
    return _once(_contrasted(text, [deadline, *found] if deadline else found))


def _due(words: str) -> bool:
    """Whether a clause that leads on to the next one holds the deadline of both: 令和3年度までに27手続→54手続."""
    return "まで" in words and words.rstrip().endswith(LEADING_ON)


def _contrasted(text: str, found: list[Target]) -> list[Target]:
    """Beside a number that is called the aim (目標), a number of an earlier period is where things stand."""
    aims = [target for target in found if "目標" in text[target.start : target.stop]]
    return [
        replace(target, role="baseline")
        if target.role == "target"
        and target.value is not None
        and target not in aims
        and any(target.period and target.period[:6] < aim.period[:6] for aim in aims)
        else target
        for target in found
    ]


def _dated_by(text: str, before: Target, target: Target, clause: Clause, calendar: Calendar) -> bool:
    """Whether the parenthesis before a number holds only its date: 団体数(令和2年度)50団体."""
    if before.value is not None or before.unit or target.value is None or target.period or not clause.outside:
        return False
    words = text[before.stop : clause.start]
    return words in (")", ") ") and _is_date(text[before.start : before.stop], calendar)


def _dates(text: str, target: Target, before: Target, calendar: Calendar) -> bool:
    """Whether a parenthesis holds only the date of the number before it: 60%に引き上げ(令和2年度)."""
    if target.value is not None or target.unit or before.period or before.value is None or before.role == "recurring":
        return False
    return _is_date(text[target.start : target.stop], calendar)


def _read(text: str, clause: Clause, lexicon: Lexicon) -> tuple[Kind, Target] | None:
    """Read one clause; None where it states nothing."""
    words = text[clause.start : clause.stop]
    periods, counters = clause.periods, lexicon.counters
    compared = next((p for p in periods if COMPARED.match(words, p.stop) or words[: p.start].endswith("対")), None)
    own = [period for period in periods if period is not compared]
    numeral = _numeral(words, periods, counters)
    if numeral is None:
        return _without_number(words, clause, own, compared)
    role, direction = role_of(words, numeral, periods, compared)
    stated = stated_outside(words, numeral, own, role) or _ends_statement(text, clause, numeral, lexicon.calendar)
    if clause.outside and not stated:
        return _deadline(words, clause, own)
    return Kind.TARGET, Target(
        role=role,
        value=numeral.value,
        comparator=comparator_of(words, numeral),
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
    found = [
        numeral
        for numeral in counters.numerals(mask(words, periods))
        if numeral.unit or words.strip() != words[numeral.start : numeral.stop]
    ]
    # who is counted comes before how many: 人口5万人未満の団体は400団体
    counted = [numeral for numeral in found if not ATTRIBUTE.match(words, numeral.stop)]
    return next(iter(counted or found), None)


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
    role = "baseline" if BASELINE.search(words.strip()) else "target"
    return Kind.TARGET, replace(target, role=role, half_read=half_read)


def _deadline(words: str, clause: Clause, own: Sequence[Period]) -> tuple[Kind, Target] | None:
    """Outside a parenthesis a period alone is a deadline only where the KPI begins with it (令和2年までに、…)."""
    if clause.start or not own or own[0].start:
        return None
    match = _DEADLINE.match(words, own[0].stop)
    if not match:
        return None
    return Kind.DEADLINE, Target("target", None, "=", "", own[0].code, "", "", 0, match.end())


def _ends_statement(text: str, clause: Clause, numeral: Numeral, calendar: Calendar) -> bool:
    """Whether a number ends its clause beside what makes it a target: 10件(令和3年度), (令和3年度)10件, 5件→10件."""
    if not numeral.unit or not END.match(text[clause.start : clause.stop], numeral.stop):
        return False
    before, after = text[: clause.start].rstrip(), text[clause.stop :].lstrip()
    groups = parentheses_of(text)
    beside = [
        (a, b) for a, b in groups if (before.endswith(")") and b == len(before) - 1) or text[a:].lstrip() == after
    ]
    return before.endswith(LEADING_ON) or any(_is_date(text[a + 1 : b], calendar) for a, b in beside)


def _is_date(words: str, calendar: Calendar) -> bool:
    """Whether words are a period with its particle, and nothing else."""
    periods = calendar.periods(words)
    return bool(periods) and bool(re.fullmatch(r"\s*(?:末|中)?(?:まで)?(?:に|頃)?\s*", words[periods[-1].stop :]))


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
