"""Target reader: joins the statements of a KPI's clauses into targets.

A clause states a role, a period, a number, or several of these, in any order (kg/extract/target_statements.py), and
other clauses complete it. A period holds for the numbers after it (令和3年度までに27手続→54手続), a date in
parentheses for those before it (利用率50%・満足度80%(令和4年度)), a unit at the end for all (R3:10、R4:20(件)), a
role until the next one (【目標】…【実績】…). Values of a time that is over become baselines (`assign_baselines`).
Works on NFKC text; words are given by their span in it.
"""

import datetime
import re
from collections.abc import Sequence
from dataclasses import replace

from kg.extract.periods import first_and_last_day
from kg.extract.target_clauses import (
    TRANSITIONS,
    Clause,
    Lexicon,
    clauses_of,
    mask_unstated,
    named_role,
    parentheses_of,
    point_in_time,
    role_label,
)
from kg.extract.target_statements import UNIT_IN_PARENTHESES, ClauseReader, ClauseStatement, Target, is_date, is_hedged

_WHOLE_YEAR, _MONTH_OR_DAY = re.compile(r"[FC]Y\d{4}"), re.compile(r"\d{4}-\d\d(?:-\d\d)?")
_APRIL = 4
_TO_REACH = re.compile(r"目標|まで|達成(?!済|し[たて])")

# Words stating that the KPI itself is unset; 利用を検討中の団体数(200団体) is set.
UNSET = re.compile(
    r"未設定|設定(?:する)?予定|(?:未定|検討中|検討予定)(?=$|[)、。])|(?:年度?|度中|月|末|まで|内|中|頃)に設定(?:する)?(?=$|[)。])"
)

# A number, or a word for one or for a first year; most KPIs have none, and are not parsed further.
HAS_NUMBER_WORDS = re.compile(r"[\d一二三四五六七八九十百千万億兆零ゼ数幾半倍元毎全過大同〃ほ再OoQlI]")
_APART = re.compile(r"\s*(?:$|[、。・/,)\]】〕→⇒]|から|に)|\s")
_LEADING = re.compile(r"末?(?:まで)?(?:に|中|時点)?\s*:?\s*")
_YEARLY_BEFORE = re.compile(r"(?:^|[\s:])(?:毎年度?|各年度?)\s*$")
_YEARLY = re.compile(r"\s*(?:毎年度?|各年度?|年間)\s*")


def assign_baselines(text: str, targets: Sequence[Target], written: datetime.date | None) -> list[Target]:
    """Return the targets with the role `baseline` for values of a time before `written`, the document's day."""
    aims = [target for target in targets if "目標" in text[target.start : target.stop]]
    assigned = []
    for target in targets:
        past = target not in aims and _is_past(target, text, aims, written)
        unclear = not past and target not in aims and _may_be_past(target, text, written)
        assigned.append(
            replace(target, role="baseline") if past else replace(target, ambiguous=True) if unclear else target
        )
    return assigned


def _may_be_past(target: Target, text: str, written: datetime.date | None) -> bool:
    """Return whether it is unclear if a value is a baseline or a goal.

    Such a value is of a past month or day in the fiscal year of the document.
    """
    if written is None or target.role != "target" or target.value is None:
        return False
    over = bool(_MONTH_OR_DAY.fullmatch(target.period)) and first_and_last_day(target.period)[1] <= written
    return over and not _TO_REACH.search(text[target.start : target.stop])


def _is_past(target: Target, text: str, aims: Sequence[Target], written: datetime.date | None) -> bool:
    """Return whether a value is a baseline.

    Its time precedes that of a number called 目標, or was over when the document was written.
    """
    if target.role != "target" or target.value is None or not target.period:
        return False
    ahead = written and first_and_last_day(target.period)[0] > written
    if not ahead and any(aim.period and target.period[:6] < aim.period[:6] for aim in aims):
        return True
    over = written is not None and first_and_last_day(target.period)[1] <= _over_by(target.period, written)
    return bool(over) and not _TO_REACH.search(text[target.start : target.stop])


def _over_by(period: str, written: datetime.date) -> datetime.date:
    """Return the day by which a period counts as over for a document.

    For a month or day it is the first day of the document's fiscal year: the plan may have been made before that month.
    """
    if _WHOLE_YEAR.fullmatch(period):
        return written
    first = datetime.date(written.year - (written.month < _APRIL), _APRIL, 1)
    return first if _MONTH_OR_DAY.fullmatch(period) else datetime.date.min


def remove_duplicates(text: str, targets: Sequence[Target]) -> list[Target]:
    """Return the targets without repetitions; the copy that prints its period and unit is kept."""
    distinct: list[Target] = []
    for target in targets:
        same = next((index for index, other in enumerate(distinct) if _same(other, target)), None)
        if same is None:
            distinct.append(target)
        elif (target.period and not distinct[same].period) or (
            _prints_unit(text, target) and not _prints_unit(text, distinct[same])
        ):
            distinct[same] = target
    return distinct


def _prints_unit(text: str, target: Target) -> bool:
    return bool(target.unit) and target.unit in text[target.start : target.stop]


def _same(a: Target, b: Target) -> bool:
    if a.value is None or (a.role, a.value, a.unit, a.comparator) != (b.role, b.value, b.unit, b.comparator):
        return False
    return a.period == b.period or not a.period or not b.period


def targets_of(text: str, lexicon: Lexicon, written: datetime.date | None = None) -> list[Target]:
    """Return the targets of one KPI (NFKC text), in printed order; none for a KPI that is not yet set.

    `written` is the day of the document: values of an earlier time are baselines.
    """
    return TargetReader(text, lexicon, written).targets


class TargetReader:
    """Reader of one KPI: gives its targets, and the spans of the numbers they are read from."""

    def __init__(self, text: str, lexicon: Lexicon, written: datetime.date | None = None) -> None:
        self._lexicon = lexicon
        self._text = text = mask_unstated(text)
        self._reader = ClauseReader(text, lexicon, written)
        self._statements: list[ClauseStatement] = []
        self._deadline: Target | None = None
        self._yearly = False
        self._current_codes: tuple[str, ...] = ()
        self._baseline_period, self._after_transition = "", False
        self.targets: list[Target] = []
        self.number_spans: list[tuple[int, int]] = []
        if not HAS_NUMBER_WORDS.search(text) or UNSET.search(text):
            return
        for clause in clauses_of(text, lexicon):
            self._add_clause(clause)
        statements = (
            [ClauseStatement(self._deadline, (self._deadline.period,)), *self._statements]
            if self._deadline
            else self._statements
        )
        self.number_spans = [place for stated in statements for place in stated.number_spans]
        spread = [
            replace(stated.target, period=code)
            for stated in statements
            for code in stated.codes or (stated.target.period,)
        ]
        self.targets = remove_duplicates(text, assign_baselines(text, spread, written))
        if self.targets and is_hedged(text):
            self.targets = [replace(target, ambiguous=True) for target in self.targets]
        elif any(target.value is not None and target.role == "target" and not target.period for target in self.targets):
            # a date alone and a number without date: do they belong together?
            self.targets = [
                replace(target, ambiguous=target.ambiguous or (target.value is None and not target.unit))
                for target in self.targets
            ]

    def _add_clause(self, clause: Clause) -> None:
        """Read a clause and join its statements to those before it."""
        words = self._text[clause.start : clause.stop]
        if words.strip() in TRANSITIONS:
            self._mark_as_baseline(len(self._statements) - 1)
            return
        if words.lstrip().startswith(TRANSITIONS):
            self._mark_as_baseline(len(self._statements) - 1)
        if self._take_role_label(clause, words):
            return
        self._reader.due = self._deadline is not None or self._continues_list(clause)
        self._reader.role = named_role(words) or self._reader.role
        stated = self._reader.read(clause)
        if not stated:
            self._add_without_number(clause, words)
            return
        for each in stated:
            yearly = self._yearly and each.target.role == "target" and not each.codes
            self._add_statement(
                replace(each, target=replace(each.target, role="recurring")) if yearly else each, clause
            )
            self._yearly = False

    def _continues_list(self, clause: Clause) -> bool:
        """Return whether a clause follows a dated target in a list: 令和4年度:新規10件、継続20件."""
        if not clause.outside or not self._statements or clause.periods:
            return False
        last = self._statements[-1]
        between = self._text[last.target.stop : clause.start].strip()
        return bool(last.codes) and last.target.value is not None and between in ("、", "・", ",", "/", "")

    def _take_role_label(self, clause: Clause, words: str) -> bool:
        """Assign the role in a parenthesis to the number before it: 40団体(実績)、100団体(目標)."""
        role, last = role_label(words), self._statements[-1] if self._statements else None
        if not role or clause.outside or not last or last.target.value is None:
            return False
        if last.target.stop != clause.start - 1 or not _APART.match(self._text, clause.group + 1):
            return False
        stop = clause.group + 1
        self._statements[-1] = replace(last, target=replace(last.target, role=role, stop=stop))
        return True

    def _add_without_number(self, clause: Clause, words: str) -> None:
        """Read a clause that states no target: a yearly rate, a date, or a unit for the numbers before it."""
        if not self._statements:
            self._yearly = bool(_YEARLY_BEFORE.search(words))
            return
        last = self._statements[-1]
        dates = clause.outside and bool(clause.periods) and is_date(words, self._lexicon.calendar)
        if dates and last.target.value is not None and not last.codes:
            # 3,000件を令和4年度末までに達成
            codes = clause.periods[-1].codes
            self._assign_date(ClauseStatement(replace(last.target, value=None, period=codes[-1]), codes), clause)
        elif last.target.value is not None and _YEARLY.fullmatch(words):
            stop = max(last.target.stop, clause.group + 1)
            self._statements[-1] = replace(last, target=replace(last.target, role="recurring", stop=stop))
        elif not clause.outside:
            unit, end, registered = self._lexicon.counters.unit_at(words, 0)
            if registered and unit and not words[end:].strip():
                self._assign_unit(unit, clause.group + 1)

    def _assign_unit(self, unit: str, stop: int) -> None:
        """Assign a unit to the preceding numbers that have none."""
        for place in reversed(range(len(self._statements))):
            target = self._statements[place].target
            if target.unit or target.value is None:
                return
            end = max(stop, target.stop) if place == len(self._statements) - 1 else target.stop
            self._statements[place] = replace(self._statements[place], target=replace(target, unit=unit, stop=end))

    def _add_statement(self, stated: ClauseStatement, clause: Clause) -> None:
        """Join a statement to those before it, by its kind."""
        target, statements = stated.target, self._statements
        if target.role == "comparison":
            self._assign_baseline_period(target, clause)
            return
        if target.role == "deadline":
            self._deadline, self._current_codes = replace(target, role="target"), stated.codes
            return
        if target.role == "baseline" and _holds_deadline(self._text[clause.start : clause.stop]):
            self._current_codes, stated = stated.codes, replace(stated, target=replace(target, period=""), codes=())
            target = stated.target
        if statements and self._is_dated_by_parenthesis(statements[-1], stated, clause):
            before = statements.pop()
            statements.append(self._with_date_of(before, stated, clause))
            return
        if (
            statements
            and statements[-1].target.role == "recurring"
            and not statements[-1].codes
            and self._is_date_only(stated, clause, True)
        ):
            statements[-1] = replace(statements[-1], target=replace(statements[-1].target, ambiguous=True))
        if statements and self._is_date_only(stated, clause):
            self._assign_date(stated, clause)
            return
        self._append(stated, clause)

    def _append(self, stated: ClauseStatement, clause: Clause) -> None:
        """Append a statement as a target of its own, and complete those before it by its period and unit."""
        statements = self._statements
        if statements and not stated.codes and self._is_range(statements[-1], clause):
            statements[-1] = replace(statements[-1], target=replace(statements[-1].target, value=None, ambiguous=True))
            stated = replace(stated, target=replace(stated.target, value=None, ambiguous=True))
        if self._repeats_in_parentheses(stated, clause):
            stated = replace(stated, target=replace(stated.target, ambiguous=True))
        dated = self._with_period(stated, clause)
        if dated.codes and not stated.codes and self._is_date_prefix(statements[-1] if statements else None, dated):
            start = statements.pop().target.start  # a date for what follows it, not a milestone
            dated = replace(dated, target=replace(dated.target, start=start))
        stated = dated
        if self._deadline and stated.codes and self._deadline.period == stated.codes[-1]:
            if clause.outside:
                stated = replace(stated, target=replace(stated.target, start=self._deadline.start))
            self._deadline = None
        if self._is_between(stated.target, clause):
            stated = replace(stated, target=replace(stated.target, role="target", ambiguous=True))
        if stated.codes and stated.target.value is not None and self._is_dated_behind(stated, clause):
            self._assign_trailing_date(stated, clause)
        if stated.target.unit and stated.target.value is not None:
            self._assign_trailing_unit(stated, clause)
        if self._is_broken_date(stated, clause):
            stated = replace(stated, target=replace(stated.target, ambiguous=True))
        statements.append(self._after_arrow(stated))
        if stated.target.role == "baseline" and self._text[clause.start : clause.stop].rstrip().endswith(TRANSITIONS):
            self._after_transition, self._baseline_period = True, stated.codes[-1] if stated.codes else ""
        self._current_codes = stated.codes if stated.target.role in ("target", "change") else self._current_codes

    def _is_broken_date(self, stated: ClauseStatement, clause: Clause) -> bool:
        """Return whether a date in parentheses follows a number that has none: 1万局(-令和5年度)."""
        before = self._statements[-1] if self._statements else None
        if before is None or before.codes or before.target.value is None or clause.outside:
            return False
        between = self._text[before.target.stop : clause.start].strip()
        return stated.target.value is None and not stated.target.unit and between in ("(", "[", "【", "〔")

    def _with_date_of(self, before: ClauseStatement, stated: ClauseStatement, clause: Clause) -> ClauseStatement:
        """Return a number with the date that precedes it alone; a value of a future time is a goal."""
        target, words = stated.target, self._text[clause.start : clause.stop]
        ahead = target.role == "baseline" and point_in_time(words) and not named_role(words)
        role = "target" if ahead and self._reader.is_future(before.codes) else target.role
        target = replace(target, role=role, period=before.target.period, start=before.target.start)
        return replace(stated, target=target, codes=before.codes)

    def _repeats_in_parentheses(self, stated: ClauseStatement, clause: Clause) -> bool:
        """Return whether a number in parentheses is of the same kind as the one before: 10件(20件)."""
        if not self._statements or stated.codes or clause.outside or clause.periods:
            return False
        last, words = self._statements[-1].target, self._text[clause.start : clause.stop]
        inside = self._text[clause.start - 1 : clause.start] in ("(", "[", "【", "〔")
        behind = inside and last.stop == clause.start - 1 and last.unit == stated.target.unit and last.value is not None
        return (
            behind and last.role == stated.target.role == "target" and not re.match(r"うち|内|新規|累計|計|延べ", words)
        )

    def _with_period(self, stated: ClauseStatement, clause: Clause) -> ClauseStatement:
        """Return a statement without a period with that of the words before it, or of the clause before."""
        target = stated.target
        if stated.codes or target.value is None:
            return replace(stated, codes=self._current_codes) if self._inherits_period(stated) else stated
        if not clause.outside and (codes := self._leading_codes(clause)):
            return replace(stated, codes=codes)
        if not self._inherits_period(stated) or self._is_dated_next(stated, clause):
            return stated
        # one number for each of several years, or for all of them?
        apart = (
            len(self._current_codes) > 1
            and bool(self._statements)
            and self._statements[-1].codes == self._current_codes
        )
        return replace(stated, codes=self._current_codes, target=replace(target, ambiguous=target.ambiguous or apart))

    def _is_date_prefix(self, before: ClauseStatement | None, stated: ClauseStatement) -> bool:
        """Return whether the words before a number only give its time: 令和2年度以降、毎年度2回."""
        if before is None or before.codes != stated.codes or before.target.value is not None or before.target.unit:
            return False
        words = self._text[before.target.start : before.target.stop].rstrip()
        return stated.target.value is not None and words.endswith(("以降", "以後", "まで", "までに", "から"))

    def _after_arrow(self, stated: ClauseStatement) -> ClauseStatement:
        """Return a number after an arrow: a change since the baseline, or another number of its kind."""
        before, target = self._statements[-1].target if self._statements else None, stated.target
        if before is None or before.role != "baseline" or not self._after_transition:
            return stated
        self._after_transition = False
        if target.role == "change" and not target.baseline_period:
            return replace(stated, target=replace(target, baseline_period=self._baseline_period))
        if target.unit and before.unit and target.unit != before.unit:
            return replace(stated, target=replace(target, ambiguous=True))
        return stated

    def _is_dated_next(self, stated: ClauseStatement, clause: Clause) -> bool:
        """Return whether the parenthesis after a number holds its date: 50%(令和4年度)."""
        remaining = self._text[clause.stop :].lstrip()
        return (
            stated.target.value is not None
            and remaining[:1] == "("
            and is_date(remaining.partition(")")[0], self._lexicon.calendar)
        )

    def _inherits_period(self, stated: ClauseStatement) -> bool:
        goes_on = bool(self._current_codes) and self._current_codes[-1].endswith("-on")
        return not stated.codes and (stated.target.role in ("target", "change") or goes_on)

    def _leading_codes(self, clause: Clause) -> tuple[str, ...]:
        """Return the period before a parenthesis: 令和3年度(10件)、令和4年度(20件)."""
        opening = next((a for a, b in parentheses_of(self._text) if b == clause.group), 0)
        for period in self._lexicon.calendar.periods(self._text[:opening]):
            if _LEADING.fullmatch(self._text, period.stop, opening):
                return period.codes
        return ()

    def _is_range(self, before: ClauseStatement, clause: Clause) -> bool:
        """Return whether a number leads to another one of the same period, so that the goal is ambiguous."""
        words = self._text[before.target.start : clause.start].rstrip()
        return words.endswith("から") and before.target.role == "target" and bool(before.codes)

    def _is_between(self, target: Target, clause: Clause) -> bool:
        """Return whether a number without a period is between two arrows: 10件→20件→30件."""
        before = self._statements[-1].target if self._statements else None
        arrows = [
            self._text[each.start : each.stop].rstrip().endswith(TRANSITIONS) for each in (before, clause) if each
        ]
        return bool(before) and all(arrows) and not target.period and target.role == "baseline"

    def _is_dated_behind(self, stated: ClauseStatement, clause: Clause) -> bool:
        """Return whether the period of a number is in parentheses after it: 満足度80%(令和4年度)."""
        numbers = [stop for _, stop in stated.number_spans]
        return bool(numbers and clause.periods) and clause.start + clause.periods[-1].start > numbers[-1]

    def _assign_trailing_date(self, stated: ClauseStatement, clause: Clause) -> None:
        """Assign the date after the last number of a list to the others: 利用率50%・満足度80%(令和4年度)."""
        start = clause.start
        for place in reversed(range(len(self._statements))):
            before = self._statements[place]
            between = self._text[before.target.stop : start].strip()
            if before.codes or before.target.value is None or before.target.role != "target" or between not in "・/、":
                return
            dated = replace(before.target, period=stated.codes[-1])
            self._statements[place], start = replace(before, codes=stated.codes, target=dated), before.target.start

    def _assign_trailing_unit(self, stated: ClauseStatement, clause: Clause) -> None:
        """Assign the unit in parentheses after the last number of a list to the others: R3:10、R4:20(件)."""
        listed = (
            self._statements
            and self._statements[-1].codes
            and stated.codes
            and self._statements[-1].target.role == "target"
        )
        if listed or self._after_transition or UNIT_IN_PARENTHESES.search(self._text[clause.start : clause.stop]):
            self._assign_unit(stated.target.unit, 0)

    def _mark_as_baseline(self, last: int) -> None:
        """Make a number before an arrow or から a baseline, unless its time is still to come."""
        if last < 0 or self._statements[last].target.value is None or self._statements[last].target.role != "target":
            return
        stated = self._statements[last]
        if not self._reader.is_distant_future(stated.codes):
            ambiguous = stated.target.ambiguous or self._reader.is_near_future(stated.codes)
            self._statements[last] = replace(
                stated, target=replace(stated.target, role="baseline", ambiguous=ambiguous)
            )
            self._baseline_period, self._after_transition = stated.codes[-1] if stated.codes else "", True
            if self._current_codes == stated.codes and not _holds_deadline(
                self._text[stated.target.start : stated.target.stop]
            ):
                self._current_codes = ()

    def _is_dated_by_parenthesis(self, before: ClauseStatement, stated: ClauseStatement, clause: Clause) -> bool:
        """Return whether the parenthesis before a number holds only its date: 団体数(令和2年度)50団体."""
        last, target = before.target, stated.target
        if last.value is not None or last.unit or target.value is None or stated.codes:
            return False
        words = self._text[last.stop : clause.start]
        between = words.strip()
        return (between in (*")]】〕", "") or (between in "、," and not clause.outside)) and self._is_date_at(last)

    def _is_date_only(self, stated: ClauseStatement, clause: Clause, recurring: bool = False) -> bool:
        """Return whether a clause is only the date of the number before it: 60%に引き上げ(令和2年度)."""
        last, target = self._statements[-1], stated.target
        if target.value is not None or target.unit or last.codes or last.target.value is None:
            return False
        return (last.target.role == "recurring") == recurring and self._is_date_at(target)

    def _is_date_at(self, target: Target) -> bool:
        start, stop = target.start, target.stop
        before = self._text[start - 1 : start] if start else ""
        bracketed = before in ("(", "[", "【", "〔") and self._text[stop : stop + 1] in (")", "]", "】", "〕", "")
        return is_date(self._text[start - bracketed : stop + bracketed], self._lexicon.calendar)

    def _assign_date(self, stated: ClauseStatement, clause: Clause) -> None:
        """Assign a date after several numbers to all of them: 利用率50%・満足度80%(令和4年度)."""
        for place in reversed(range(len(self._statements))):
            before = self._statements[place]
            last = place == len(self._statements) - 1
            if before.codes or before.target.value is None or (not last and before.target.role != "target"):
                break
            stop = max(clause.group + 1, clause.stop) if last else before.target.stop
            role = role_label(self._text[clause.start : clause.stop], behind=True) if last else ""
            self._statements[place] = replace(
                before,
                codes=stated.codes,
                target=replace(
                    before.target,
                    role=role or before.target.role,
                    period=stated.target.period,
                    stop=max(before.target.stop, stop),
                ),
            )

    def _assign_baseline_period(self, comparison: Target, clause: Clause) -> None:
        """Assign the baseline in a parenthesis to the number before it: 3割削減(平成27年度比。…)."""
        last = self._statements[-1] if self._statements else None
        if last is None or last.target.baseline_period or (value := last.target.value) is None:
            return
        stop = max(last.target.stop, clause.stop if clause.outside else clause.group + 1)
        changed = replace(
            last.target,
            role="change",
            value=abs(value),
            direction="decrease" if value < 0 else last.target.direction,
            baseline_period=comparison.baseline_period,
            stop=stop,
        )
        self._statements[-1] = replace(last, target=changed)


def _holds_deadline(words: str) -> bool:
    """Return whether a clause before an arrow has the deadline of both numbers.

    Example: 令和3年度までに27手続→54手続.
    """
    return "まで" in words and words.rstrip().endswith(TRANSITIONS)
