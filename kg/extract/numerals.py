"""Number tokenizer of the KPI reader: numbers with their units, as Japanese documents print them.

Numbers such as 2,000, 9万5千, 一万, 1億2千万, 数百 and 5割 (tenths: 50 %) are found in NFKC text. Numbers in names,
ordinals and dates are left out; the rates 月1回, 1日当たり5,000件 and 1回/月 have a compound unit (回/月, 件/日).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from kg.recipe.code_lists import CodeList

# The thousands separator is a comma, possibly with a line wrap after it, or a stop, a Japanese comma or a space: counts
# have no decimals of three digits. `.5` is a half.
_THOUSANDS = r"\d{1,3}(?:(?:,\s?\d{3})+|(?:[.、]\d{3})+(?![\d.,%])|(?: \d{3})+(?![\d.,]))"
_DIGITS = rf"(?:(?:{_THOUSANDS}|\d+)(?:\.\d+)?|(?<![\d.])\.\d+)"
_KANJI = "〇一二三四五六七八九"
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "億": 10**8, "兆": 10**12}
_POWERS = "".join((*_SMALL, *_LARGE))
# 5、6件, 六、七割: approximately
_APPROXIMATE_PAIR = (
    rf"(?<![\d{_KANJI}、.,])(?:[1-9]、[1-9](?![\d{_KANJI}、.,年月])|[{_KANJI}]、[{_KANJI}](?=[割{_POWERS}件団]))"
)
_NUMERAL = re.compile(
    rf"(?P<indefinite>[数幾][{_POWERS}]+|(?<!(?![約間])[一-龯ァ-ヴーA-Za-z])[数幾])(?=[^{_KANJI}\d])"
    rf"|(?P<about>{_APPROXIMATE_PAIR})"
    rf"|(?P<number>(?:(?:{_DIGITS}|[{_KANJI}])?[{_POWERS}])+(?:{_DIGITS}|[{_KANJI}]+)?"
    rf"|\d(?: \d)+(?= ?%)|{_DIGITS}|[{_KANJI}]+"
    r"|(?:ゼロ|零)(?![ァ-ヴー一-龯](?!$)))"
)
_PART = re.compile(rf"(?P<digits>{_DIGITS})|(?P<kanji>[{_KANJI}]+)|(?P<power>[{_POWERS}])")

# Context that makes a number a name or an ordinal: 第64号, SIP4D, JIS X 8341-3, 4K, 3.9世代, 平成…
_NAME_BEFORE = re.compile(
    r"(?:第|分の|※|注|別[表紙添記図]|[図表]|資料|様式|震度|レベル|ランク|グレード|フェーズ|ステージ|ステップ|タイプ|バージョン"
    r"|\d月|[A-Za-z][-/ ]?|\d[-/.]|No\.?)$"
)
_NAME_AFTER = re.compile(
    r"\s?[~〜・-]\s?\0|"
    r"[-/]\d|分の\d|年(?!間)|歳|世代|号|条|版|章|期(?!間)|次|番|級|月(?!間)|時(?!間)|頃|目(?!標)|段階(?:評価|中|で|[)、]|$)|点満点|:\d\d(?!\d)"
)
# A number that gives a total or an elapsed time is not a target.
REFERENCE_QUANTITY = re.compile(r"のうち|経過|中(?=約?[\d一-九])")
# A duration, not an amount: 3年間で計10件
_DURATION_AFTER = re.compile(r"(?:間)?(?:で(?!きる)|の(?=平均|累計|合計)|:(?=約?\d))|以内[にで](?!短縮|抑制|収め|対応)")
_UNITS_WITH_DECIMALS = frozenset({"", "%", "倍", "ポイント"})  # values with decimals of any length
_CACHE_SIZE = 10_000  # texts
DURATIONS = frozenset({"年", "か月", "日", "時間", "分", "秒"})
# With these counters a kanji number may form a common word (一部, 十分, 一本化 …).
_UNSAFE_WITH_KANJI = frozenset(
    {"部", "分", "本", "通", "組", "名", "人", "台", "町", "市", "県", "村", "種", "次", "位", "時間"}
)
# A minus sign: ▲ as in accounts, or a hyphen where a number can begin.
_NEGATIVE = re.compile(r"(?:[▲△−]|マイナス)\s?$|(?:^|[:\0(\s、])-$")
# 1日当たり5,000件, 1団体につき3件; 毎月1回, 月1回; 1回/月
_PER = r"(?:1|一|各)?(?P<per>年|月|週|{units})(?:間)?(?:に)?(?:当たり|あたり|につき)"
_RATE_BEFORE = re.compile(
    r"(?:毎|(?<![\d一-龯]))([月週日])(?:に|平均|間)?\s?(?:約|およそ|延べ)?$|(?<!\d)(?:1|一)([日週])間?に?(?:約|およそ|延べ)?$"
)
_ONE_DAY = re.compile(r"(?<!\d)(?:1|一)[日週]間?に?(?:約|およそ|延べ)?(?=\d)")
_RATE_AFTER = re.compile(r"\s?/\s?([月週日])(?!(?!以|程|未|超)[一-龯]|\d)")
_RATE_GAP = re.compile(r"[ 、]*(?:約|およそ|平均|延べ|計|年間|年)*")
_LONGER_WORD = re.compile(r"[ァ-ヴー][ァ-ヴー]|[A-Za-z][A-Za-z]")  # the word is longer than its first part
_UNIT_LINK = re.compile(r"(?P<comparing>以上|以下|以内|未満|超|程度|前後)?の|(?P<verb>を(?:超える|上回る|下回る))")
_ROUGHLY = re.compile(r"(?:約|およそ|おおむね|概ね)\s?$")
_POWER = re.compile(f"[{_POWERS}]*")
# Digits mixed with letters that resemble them: 6O万件, 3O力所
_MIXED = re.compile(r"(?=.*\d)(?=.*[OolI])[\dOolI][\dOolI,.]*")
# Letters that text recognition prints for digits
_GARBLED = re.compile(
    r"(?<![A-Za-z\d])(?=[\d,.]*[OoQlI])(?=[OoQlI,.]*\d)[\dOoQlI][\dOoQlI,.]*(?![A-Za-z])"
    r"|(?<=[:、(\s])[OoQlI]{2,4}(?![A-Za-z])|(?<![A-Za-z\d.,])[OlI](?![A-Za-z\d.,])"
    # a placeholder of a number: ○○件, X件
    r"|(?:^|(?<=[:、(\s\0に約数率額量]))[〇○◯●]+|(?:^|(?<=[:、(\s\0に約]))[Xx]{1,3}(?![A-Za-zァ-ヴ])"
    r"|(?<=[:(\0])(?:[^\w\s\0、。・/;→⇒⇨➡)\]」』】〕(「『【〔<:~〜±+.△▲−≧≦≥≤>=-]|_|[△□*]{2}|[A-Z](?=\d)|[Nn](?![A-Za-z])){1,4}\d*"
    r"|(?<=[:(\s])[一二三四五六七八九][OoQlI]{1,4}"
    # a misplaced separator: 1,00件, 10,00件, 1・500件
    r"|(?<![\d,.・])(?!" + _DIGITS + r"(?![\d,.・]))\d+(?:[,・]\s?\d+)+(?:\.\d+)?(?![\d年月])"
)
# 五割五分, 9割9分9厘: tenths, hundredths and thousandths
_TENTHS = re.compile(rf"割(?:(?P<tenth>[\d{_KANJI}])分(?:(?P<hundredth>[\d{_KANJI}])厘)?)?")
_RANGE = re.compile(rf"\s?[~〜]\s?{_DIGITS}")
_WORD = re.compile(r"(?:[かカヶケヵ箇](?=国|[村町市校港店]))?[一-龯々ァ-ヴーA-Za-z]+")
# A counter of one character at the beginning of a two-character word is not a counter: 2,000回線, 10部局, 3台帳.
_COMPOUND = re.compile(
    "[一-龯](?!以|実|導|整|達|設|開|公|策|完|配|登|作|提|利|参|選|支|目|程|前|未|超|増|減|削|拡|向|縮|短|弱|強|等|余|足|毎|分|中|内|間|化|育|確)"
    "[一-龯](?![一-龯])"
)
# Words after an unregistered counter that are not part of it.
_NOT_PART_OF_UNIT = re.compile(
    "(?:実施|導入|整備|達成|設置|開催|公開|策定|実現|完了|配置|登録|作成|提供|利用|参加|選定|支援|目標"
    "|程度|前後|以上|以下|以内|未満|超|余|足(?=らず)|増加|減少|削減|増|減|拡大|向上|縮減|短縮|弱|強).*$"
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number with its unit, found in a text at [start:stop].

    `value` is None if the number is indefinite (数百); `unit` is canonical, and empty if none is printed.
    `unit_known` is True if the code list has the unit; `garbled` if letters take the place of digits (1,OOO件), so that
    the value is unknown; `unit_detached` if a word separates number and unit (10以上の団体); `is_rate` if the number
    holds for each day, week or month.
    """

    value: Decimal | None
    unit: str
    start: int
    stop: int
    unit_known: bool
    garbled: bool = False
    unit_detached: bool = False
    is_rate: bool = False


def parse_number(text: str, counted: bool = False) -> Decimal:
    """Return the value of a printed number such as `9万5千`, `1億2千万`, `2,000` or `一万`.

    If `counted`, three digits after a full stop are thousands (1.000件): counts have no decimals of that length.
    """
    if text in ("ゼロ", "零"):
        return Decimal(0)
    text = re.sub(r"(?<=\d) (?=\d(?!\d\d))", "", text)  # 5 0 is 50, separated by a line wrap
    total = section = Decimal(0)
    current: Decimal | None = None
    for part in _PART.finditer(text):
        if part["digits"]:
            current = _parse_digits(part["digits"], counted)
        elif part["kanji"]:
            current = Decimal("".join(str(_KANJI.index(char)) for char in part["kanji"]))
        elif (power := part["power"]) in _SMALL:
            section += (1 if current is None else current) * _SMALL[power]
            current = None
        else:
            section += current or 0
            total += (section or 1) * _LARGE[power]
            section, current = Decimal(0), None
    return total + section + (current or 0)


def _parse_digits(digits: str, counted: bool) -> Decimal:
    """Return the value of digits with thousands separators and decimals."""
    digits = re.sub(r"[,、\s]", "", digits)
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", digits) and (counted or digits.count(".") > 1):
        digits = digits.replace(".", "")
    return Decimal(digits)


def format_decimal(value: Decimal) -> str:
    """Return a number in canonical form, without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Counters:
    """Finder of numbers and their units, by the forms of a code list of units."""

    def __init__(self, units: CodeList) -> None:
        forms = {form: code.label_ja for form, code in units.forms().items()}
        self._forms = {form: unit for form, unit in forms.items() if "/" not in form}
        ordered = sorted(self._forms, key=len, reverse=True)
        self.forms = tuple(ordered)
        self._rated = frozenset(unit for unit in forms.values() if "/" in unit)
        self._unit = re.compile("|".join(re.escape(form) for form in ordered))
        counted = "|".join(re.escape(form) for form in ordered if not form.startswith("%"))
        self._per = re.compile(_PER.format(units=counted))
        self._cache: dict[str, tuple[Numeral, ...]] = {}  # clauses are parsed repeatedly

    def numerals(self, text: str) -> tuple[Numeral, ...]:
        """Return the numbers that count something, in order; names, ordinals and dates are left out."""
        if (cached := self._cache.get(text)) is None:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            cached = self._cache[text] = tuple(self._find(text))
        return cached

    def _find(self, text: str) -> list[Numeral]:
        numerals = []
        for match in _GARBLED.finditer(text):
            power = _POWER.match(text, match.end())
            unit, end, registered = self.unit_at(text, power.end() if power else match.end())
            if (registered and unit) or (power and power.group()) or _MIXED.fullmatch(match.group()):
                numerals.append(Numeral(None, unit if registered else "", match.start(), end, True, garbled=True))
        per = [(match.start(), match.end(), match["per"]) for match in self._rates(text)]
        for match in _NUMERAL.finditer(text):
            numeral = self._numeral(match, text)
            taken = [(each.start, each.stop) for each in numerals] + [(start, stop) for start, stop, _ in per]
            if numeral is not None and not any(start <= numeral.start < stop for start, stop in taken):
                each = next((unit for _, last, unit in per if _RATE_GAP.fullmatch(text, last, numeral.start)), "")
                numeral = _with_rate(numeral, each, text)
                numerals.append(replace(numeral, unit_known=numeral.unit_known or numeral.unit in self._rated))
        return sorted(numerals, key=lambda numeral: numeral.start)

    def rates(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of words such as 1日当たり, which give the denominator of a rate."""
        days = _ONE_DAY.finditer(text) if "日" in text or "週" in text else ()
        return [match.span() for match in (*self._rates(text), *days)]

    def _rates(self, text: str) -> Iterable[re.Match[str]]:
        # a quick test, as most words have no rate
        return self._per.finditer(text) if "たり" in text or "につき" in text else ()

    def unit_at(self, text: str, start: int) -> tuple[str, int, bool]:
        """Return the canonical unit that begins at `start`, its end, and whether the code list has it."""
        spaced = re.compile(r"\s?").match(text, start)
        if match := self._unit.match(text, spaced.end() if spaced else start):
            if len(match.group()) > 1 or not (compound := _COMPOUND.match(text, match.start())):
                return self._forms[match.group()], match.end(), True
            return compound.group(), compound.end(), False
        if word := _WORD.match(text, start):
            unit = _NOT_PART_OF_UNIT.sub("", word.group())
            if unit and not word.group().endswith("化"):
                return unit, start + len(unit), False
        return "", start, True

    def _numeral(self, match: re.Match[str], text: str) -> Numeral | None:
        start, stop = match.span()
        if (match["number"] or match["about"]) and (_NAME_BEFORE.search(text[:start]) or _NAME_AFTER.match(text, stop)):
            return None
        tenths = _TENTHS.match(text, stop)
        if tenths and match["about"]:
            return Numeral(None, "%", start, tenths.end(), True)
        if tenths and match["number"]:
            parts = (match["number"], tenths["tenth"], tenths["hundredth"])
            value = sum((parse_number(part or "0") * 10 / 10**place for place, part in enumerate(parts)), Decimal(0))
            return Numeral(_signed(value, text[:start]), "%", start, tenths.end(), True)
        unit, end, registered = self.unit_at(text, stop)
        if REFERENCE_QUANTITY.match(text, end) or text[end : end + 1] == "化":
            return None
        if unit in DURATIONS and (_DURATION_AFTER.match(text, end) or _ONE_DAY.match(text, start)):
            return None
        if not registered and _is_transformed(text, stop):
            return None
        if match["number"] and text[stop : stop + 1] in ("数", "余"):
            unit, end, registered = self.unit_at(text, stop + 1)
            return Numeral(None, unit, start, end, registered) if unit and registered else None  # 10数件
        if extent := _RANGE.match(text, end):
            unit_of_both, end, registered = self.unit_at(text, extent.end())
            return Numeral(None, unit_of_both or unit, start, end, registered)  # from one to another: no single value
        if match["indefinite"] or match["about"]:
            return Numeral(None, unit, start, end, registered) if unit and registered else None
        detached = self._detached_unit(text, unit, start, stop, end)
        if detached:
            unit, end, registered = detached
        kanji = match["number"][0] not in "0123456789.ゼ零"
        if kanji and (not registered or not unit or _is_everyday_word(match["number"], unit)):
            return None
        if not registered and re.match(r"[A-Za-z](?![A-Za-z])", text[stop:]):
            return None  # 4K, 5G
        value = _signed(parse_number(match["number"], unit not in _UNITS_WITH_DECIMALS), text[:start])
        return Numeral(value, unit, start, end, registered, unit_detached=bool(detached))

    def _detached_unit(self, text: str, unit: str, start: int, stop: int, end: int) -> tuple[str, int, bool] | None:
        """Return the unit after a word between it and the number at [start:stop]: 10以上の団体, 2つのサービス."""
        of = _UNIT_LINK.match(text, end if unit else stop) if unit in ("", "つ") else None
        if not of:
            return None
        named, last, registered = self.unit_at(text, of.end())
        counts = registered and len(text[of.end() : last].strip()) > 1 and not _LONGER_WORD.match(text, last - 1)
        compares = of["comparing"] or of["verb"]
        if counts or (named and not unit and (compares or _ROUGHLY.search(text[:start]))):
            return named, end if compares or not unit else last, registered
        return None


def _with_rate(numeral: Numeral, per: str, text: str) -> Numeral:
    """Return a number with the denominator of its rate in the unit.

    1日当たり5,000件 has the unit 件/日; 月1回 and 1回/月 have 回/月.
    """
    is_rate = False
    if not per and (before := _RATE_BEFORE.search(text[: numeral.start])):
        per, is_rate = before[1] or before[2], True
    if not per and (after := _RATE_AFTER.match(text, numeral.stop)):
        return replace(numeral, unit=f"{numeral.unit}/{after[1]}", stop=after.end(), unit_known=False, is_rate=True)
    if not per or per == "年" or not numeral.unit:
        return numeral
    return replace(numeral, unit=f"{numeral.unit}/{per}", unit_known=False, is_rate=is_rate)


def _signed(value: Decimal, before: str) -> Decimal:
    return -value if _NEGATIVE.search(before) else value


def _is_everyday_word(number: str, unit: str) -> bool:
    """Return whether a kanji number and its counter form a common word (一部, 十分), not a count (二千名)."""
    return unit in _UNSAFE_WITH_KANJI and (unit == "分" or not re.search("[百千万億兆]", number))


def _is_transformed(text: str, stop: int) -> bool:
    """Return whether the word after a number ends in 化 (2ルート化), so that the number counts nothing."""
    word = _WORD.match(text, stop)
    return bool(word and re.match(r"[ァ-ヴーA-Za-z一-龯]{1,6}化", word.group()))
