"""What makes a number another one, in a way that is not read: such a number is left open, never taken for another.

10件/団体, 2時間30分, 1時間半, 四半期ごとに1回, 3年後に10件, ±5, 10件以土. Works on NFKC text.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from kg.extract.number_context import DONE_WORDS
from kg.extract.numerals import Counters, Numeral
from kg.extract.periods import Period

# A number of times in a stretch that is no year, month, week or day
_OTHER_TIMES = re.compile(
    r"(?:(?:四半期|半年|半期|学期|隔[月週年日]|\d+\s?(?:年|[かカヶケ箇]月|日|週|時間)間?)(?:ごと|毎|おき)?(?:に|の)?"
    r"|(?:ごと|毎|おき)に)(?:約|およそ|各)?\s*$"
)
# Counted from an unknown day on: 3年後に10件, 5年以内に10件
_FROM_NOW = re.compile(r"(?:\d+|[一二三四五十])\s?(?:年|[かカヶケ箇]月|日|週間)間?(?:後|以内|先)(?:に|まで|を)")
# From one day of unknown date, a sign of both directions, or for how many of something
_BEFORE = re.compile(
    r"(?:[±]|(?:^|[:(\0\s])[~〜ー]|(?:初|最終|翌|次)年度(?:末|当初)?[にはまで:]*(?:約)?"
    r"|[2-9十百千万0]\s?[^\s\d:、。]{0,4}(?:当たり|あたり|につき)(?:年間|約|およそ)*"
    r")\s?$"
)
# A ratio (10件/団体), half of a unit (1時間半), or a comparing word that was misread (10件以土, 10件末満)
_BEHIND = re.compile(
    r"\s?/\s?(?!年|回|\d)[^\s、。)]|半(?=$|[、。)以に])|(?<=[%割])台|[↑↓↗↘+~〜]|\.|[^\s程制限密角速温高頻難年月]度(?=$|[、)])|以\s?[^上下内外降後前来遠\s]|[^未円充不肥\s]満(?![足了])"
)
_FINER_UNIT = re.compile(r".[代台半](?:/|$)")
# From a time on, and for how long: 令和2年度から3年間で100件; or a part of a decade that is none
_FROM = re.compile(r"末?(?:から|より)(?!\s?毎)|(?<=年代)末|[~〜](?=$|[)、])")
_BROKEN_BEFORE = re.compile(r"[.,]$")
# What may stand at the edges of a number. Anything else may be part of it: 10件末満, :,300件.
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
# An era with a number that is no year: R2100件
_ERA_BEFORE = re.compile(r"(?:令和|平成|昭和|(?<![A-Za-z])[RHS])\s?$")
# 100件まで at the end of its words: up to it, or until it is reached? 2.5倍増: to, or by so much? 10件ずつ
_UNSAID = re.compile(r"まで(?=$|[、)])|ずつ|(?<=倍)増")
# Several years and one number (R2~R4:300件): of each of them, or in all? Unless a word says so.
_YEARS = re.compile(r"\d\s?(?:年度?)?末?\s?(?:[~〜-]|から)\s?(?:[RHS]|令和|平成|20)?\d{1,2}(?:年|[:)]|$)")
_IN_ALL = re.compile(r"計|延べ|のべ|[各毎]|平均|まで|年間|通算|総|連続")
_OR = re.compile(r"又は|または|若しくは|もしくは")
# So many of each of them: 各府省1件
_EACH_OF = re.compile(r"各(?!年|種|々)[一-龯]{1,6}(?:で|に|において|ごとに?)?(?:約|およそ)?$")
# A period that belongs to a name (2025年大阪・関西万博), or since when something is counted (平成30年度からの累計)
_NAMED_BY_TIME = re.compile(r"(?![末中内当初頃半春夏秋冬前後上下時現以目達実運開完全導整])[一-龯ァ-ヴ]|末?からの")
# A denial, a condition or a postponement: what it says of a number is more than the number says
_HEDGED = re.compile(
    r"ではな[くい]|(?<![下上]回ら)(?<!超え)(?<!越え)(?<!切ら)(?<!割ら)(?<!込ま)(?<!限ら)(?<!少)(?<!満た)(?:しない|さない|されない|れない|できない)|至らず|未達|達せず|達しな"
    r"|場合(?:は|に(?!お)|、)|(?:れば|たら)[、\s]|前倒し|後ろ倒し|繰り?[上下延]|延期|中止|撤回|見送"
)
_AS_HUNDRED = re.compile(r"\s*(?:を|=)\s?100\s?(?:と|$|[、)])")
# A month, a part or a fiscal year that was misread: 令和4年庭末
_MISREAD_YEAR = re.compile(r"[一-龯](?<![度末中内春夏秋冬初半頃迄当])(?:末|中に|まで|当初|:)")


def is_doubtful(words: str, numeral: Numeral, periods: Sequence[Period], counters: Counters, masked: str) -> bool:
    """Whether what stands at a number, or at its period, makes it another one; `masked` are the words without periods.

    Says it of a number only: that the words hold others is for who reads them.
    """
    if numeral.garbled or is_compound(numeral, counters, masked) or re.match(r"0\d", words[numeral.start :]):
        return True
    if periods and _YEARS.search(words) and not _IN_ALL.search(words):
        return True
    if _BROKEN_BEFORE.search(before := masked[: numeral.start]) or any(each.is_impossible(words) for each in periods):
        return True
    if any(one.stop == other.start or _OR.search(words, one.stop, other.start) for one, other in pairwise(periods)):
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


def stands_apart(masked: str, start: int, stop: int) -> bool:
    """Whether the number [start:stop] of a KPI stands between words that cannot be part of it; periods are hidden."""
    before = masked[:start]
    if _ERA_BEFORE.search(before) or _EACH_OF.search(before) or _UNSAID.match(masked, stop):
        return False
    return bool(_EDGE_BEFORE.search(before) and _EDGE_BEHIND.match(masked, stop))


def is_hedged(text: str) -> bool:
    """Whether a KPI denies what it counts, or ties it to a condition: 予算が措置された場合は100件."""
    return _HEDGED.search(text) is not None


def is_name_of_time(words: str, period: Period) -> bool:
    """Whether a period without a number only belongs to a name or to how something is counted, and sets no time."""
    named = _NAMED_BY_TIME.match(words, period.stop)
    return named is not None and (period.code.startswith("CY") or named.group().endswith("の"))


def is_compound(numeral: Numeral, counters: Counters, masked: str) -> bool:
    """Whether a smaller unit of time goes on with a number: 2時間30分."""
    following = (other for other in counters.numerals(masked) if other.start == numeral.stop)
    return any(each.unit in ("分", "秒", "時間", "か月", "日") and each.unit != numeral.unit for each in following)
