"""What makes a number another one, in a way that is not read: such a number is left open, never taken for another.

10件/団体, 2時間30分, 1時間半, 四半期ごとに1回, 3年後に10件, ±5, 10件以土. Works on NFKC text.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from kg.extract.numerals import Counters, Numeral
from kg.extract.periods import Period

# A number of times in a stretch that is no year, month, week or day
_OTHER_TIMES = re.compile(
    r"(?:(?:四半期|半年|半期|学期|隔[月週年日]|\d+\s?(?:年|[かカヶケ箇]月|日|週|時間)間?)(?:ごと|毎|おき)?(?:に|の)?"
    r"|(?:ごと|毎|おき)に)(?:約|およそ|各)?\s*$"
)
# Counted from an unknown day on: 3年後に10件, 5年以内に10件
_FROM_NOW = re.compile(r"(?:\d+|[一二三四五十])\s?(?:年|[かカヶケ箇]月|日|週間)間?(?:後|以内|先)(?:に|まで|を)")
# A number of each month that is no number of times: 月平均50件
_BEFORE = re.compile(
    r"(?:[±]|(?:^|[:(\0\s])[~〜ー]|(?:初|最終|翌|次)年度(?:末|当初)?[にはまで:]*(?:約)?"
    r"|[2-9十百千万0]\s?[^\s\d:、。]{0,4}(?:当たり|あたり|につき)(?:年間|約|およそ)*"
    r"|(?<![\d一-龯])[月週日](?:間|平均)(?:約|およそ|延べ)?)\s?$"
)
# A ratio (10件/団体), half of a unit (1時間半), or a comparing word that was misread (10件以土, 10件末満)
_BEHIND = re.compile(
    r"\s?/\s?(?!年|月|日|週|回|\d)[^\s、。)]|半(?=$|[、。)以に])|(?<=[%割])台|[↑↓↗↘+~〜]|\.|[^\s程制限密角速温高頻難年月]度(?=$|[、)])|以\s?[^上下内外降後前来遠\s]|[^未円充不肥\s]満(?![足了])"
)
_FINER_UNIT = re.compile(r".[代台半](?:/|$)")
# From a time on, and for how long: 令和2年度から3年間で100件; or a part of a decade that is none
_FROM = re.compile(r"末?(?:から|より)(?!\s?毎)|(?<=年代)末|[~〜](?=$|[)、])")
_BROKEN_BEFORE = re.compile(r"[.,]$")
_LAST_YEAR = 2060
_AS_HUNDRED = re.compile(r"\s*(?:を|=)\s?100\s?(?:と|$|[、)])")
# A month, a part or a fiscal year that was misread: 令和4年庭末
_MISREAD_YEAR = re.compile(r"[一-龯](?<![度末中内春夏秋冬初半頃迄当])(?:末|中に|まで|当初|:)")


def is_doubtful(words: str, numeral: Numeral, periods: Sequence[Period], counters: Counters, masked: str) -> bool:
    """Whether what stands at a number, or at its period, makes it another one; `masked` are the words without periods.

    Says it of a number only: that the words hold others is for who reads them.
    """
    if numeral.garbled or is_compound(numeral, counters, masked) or re.match(r"0\d", words[numeral.start :]):
        return True
    if _BROKEN_BEFORE.search(before := masked[: numeral.start]) or any(_is_odd(words, each) for each in periods):
        return True
    if any(one.stop == other.start for one, other in pairwise(periods)):
        return True
    if not numeral.known and _FINER_UNIT.search(numeral.unit):
        return True
    if periods and numeral.unit not in ("%", "倍") and _FROM.match(words, periods[-1].stop):
        return True
    if _BEFORE.search(before) or _OTHER_TIMES.search(before) or _FROM_NOW.search(before):
        return True
    if _BEHIND.match(words, numeral.stop) or any(_AS_HUNDRED.match(words, period.stop) for period in periods):
        return True
    return any(period.code.startswith("CY") and _MISREAD_YEAR.match(words, period.stop) for period in periods)


def _is_odd(words: str, period: Period) -> bool:
    """Whether a period names a month or a day that does not exist, or a year that nobody plans for."""
    printed, code = words[period.start : period.stop], period.code
    named = ("月" in printed and not code[:1].isdigit()) or ("日" in printed and len(code) == len("2020-02"))
    return named or int(code[2:6] if code[:1].isalpha() else code[:4]) > _LAST_YEAR


def is_compound(numeral: Numeral, counters: Counters, masked: str) -> bool:
    """Whether a smaller unit of time goes on with a number: 2時間30分."""
    following = (other for other in counters.numerals(masked) if other.start == numeral.stop)
    return any(each.unit in ("分", "秒", "時間", "か月", "日") and each.unit != numeral.unit for each in following)
