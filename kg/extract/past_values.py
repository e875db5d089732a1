"""Where things stand: which of the targets that a KPI states are values of a time that is over."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import replace

from kg.extract.periods import days_of
from kg.extract.target_statements import Target

_WHOLE_YEAR, _MONTH_OR_DAY = re.compile(r"[FC]Y\d{4}"), re.compile(r"\d{4}-\d\d(?:-\d\d)?")
_APRIL = 4
_TO_REACH = re.compile(r"目標|まで|達成(?!済|し[たて])")


def as_they_stand(text: str, found: Sequence[Target], written: datetime.date | None) -> list[Target]:
    """Give the role of a baseline to what was so before; `written` is the day of the document."""
    aims = [target for target in found if "目標" in text[target.start : target.stop]]
    return [
        replace(target, role="baseline") if target not in aims and _is_past(target, text, aims, written) else target
        for target in found
    ]


def _is_past(target: Target, text: str, aims: Sequence[Target], written: datetime.date | None) -> bool:
    """Whether a value is of an earlier time than a number called the aim, or of a year over when that was written."""
    if target.role != "target" or target.value is None or not target.period:
        return False
    ahead = written and days_of(target.period)[0] > written
    if not ahead and any(aim.period and target.period[:6] < aim.period[:6] for aim in aims):
        return True
    over = written is not None and days_of(target.period)[1] <= _over_by(target.period, written)
    return bool(over) and not _TO_REACH.search(text[target.start : target.stop])


def _over_by(period: str, written: datetime.date) -> datetime.date:
    """Return the day by which a period is over for a document: a month or a day, when its fiscal year begins.

    In what the document's own fiscal year prints of it, a month may be one to come when the plan was made.
    """
    if _WHOLE_YEAR.fullmatch(period):
        return written
    first = datetime.date(written.year - (written.month < _APRIL), _APRIL, 1)
    return first if _MONTH_OR_DAY.fullmatch(period) else datetime.date.min


def without_repeats(text: str, found: Sequence[Target]) -> list[Target]:
    """The same target printed twice is one; the printing that tells its period and its unit stays."""
    kept: list[Target] = []
    for target in found:
        same = next((index for index, other in enumerate(kept) if _same(other, target)), None)
        if same is None:
            kept.append(target)
        elif (target.period and not kept[same].period) or (
            _prints_unit(text, target) and not _prints_unit(text, kept[same])
        ):
            kept[same] = target
    return kept


def _prints_unit(text: str, target: Target) -> bool:
    return bool(target.unit) and target.unit in text[target.start : target.stop]


def _same(a: Target, b: Target) -> bool:
    if a.value is None or (a.role, a.value, a.unit, a.comparator) != (b.role, b.value, b.unit, b.comparator):
        return False
    return a.period == b.period or not a.period or not b.period
