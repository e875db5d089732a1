"""Period tokenizer of the KPI reader: periods, as Japanese documents print them, and their codes.

Codes are FY2019, CY2019, CY2020-2024, 2020-11, 2020-11-30, FY2019-H1 and FY2019-Q1. A fiscal year (年度) runs from 1
April to 31 March of the next year (Public Finance Act, Article 11), so 平成31年度 and 令和元年度 are both FY2019.
令和元年 without 度 is a calendar year, 2020年代前半 the calendar years 2020 to 2024; 令和2、3年度 is two periods. Works
on NFKC text.

The module also parses the listing time of a measure: 平成30年度から, 平成31年度以降, 時期調整中, or both.
"""

import calendar
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass

from kg.core.spans import Text
from kg.extract.numerals import parse_number
from kg.recipe.eras import Era

_HALVES = {
    "上半期": "H1",
    "前半": "H1",
    "前期": "H1",
    "上期": "H1",
    "下半期": "H2",
    "後半": "H2",
    "後期": "H2",
    "下期": "H2",
}

_ERA_YEAR = r"(?P<era>{names})\s?(?P<year>元|[1-9]\d?|[一二三四五六七八九十]{{1,3}}(?=年))"
_SHORT_YEAR = (
    r"(?<![A-Za-z\d])(?P<letter>[{letters}])\.?(?P<short>元|\d{{1,2}})(?=\s?年|[./]\d|末|:|[)\]】〕]|\(\d{{4}}\)年|\s?(?:→|⇒|から)"
    r"|(?:の?(?:実績|目標|現状|見込)|時点|現在|当初)|\s?(?:[・、,]|及び|と)\s?[{letters}]\d)"
)
_WESTERN_YEAR = (
    r"(?<![A-Za-z])FY\s?(?P<fy>20\d{2}|['’]?[1-6]\d)(?!\d)"
    r"|(?<!\d)(?P<western>(?:19|20)\d{2}|二〇[〇一二三四五六七八九]{2}(?=年))(?=\s?年|[./]\d{1,2}(?!\d)|-\d\d-\d\d(?!\d)|\([^()]*\)年)"
)
# The same year in another calendar, in parentheses: 令和2(2020)年度, 2020年(令和2年)3月, 令和2年度(2020年度)
_OTHER_ERA = r"(?:\((?:\d{{4}}|(?:{names}|[{letters}])(?:元|\d{{1,2}}))(?:年度?)?末?\))?"
_SUBPERIOD = (
    r"(?:の?\s?(?P<month>\d{1,2})月(?:\s?(?P<day>\d{1,2})日(?:\([月火水木金土日](?:曜日?)?\))?)?"
    r"|(?:[./]|-(?=\d\d-\d\d))(?P<dotted>\d{1,2})(?:[./-](?P<dotted_day>\d{1,2}))?(?!\d)"
    r"|の?\s?(?P<half>" + "|".join(_HALVES) + r")|の?\s?第?(?P<quarter>[1-4])(?:四半期|Q(?![A-Za-z])))?"
)
# The end of a range has the era of its beginning: 平成28年度から30年度, 令和元~3年度
_RANGE_END = re.compile(r"\s?末?(?:から|[~〜・-])\s?(?P<year>\d{1,2})年(?![間以後目])(?P<fiscal>度)?")
_EACH = re.compile(r"末?(?:まで)?(?:の|に|、|:)*\s?各(?![種地県市町])")
_BARE_YEAR = re.compile(r"(?<![\d元.,一-龯A-Za-z])(?<![A-Za-z][~〜・-])(?P<year>\d{1,2})年度(?![目間])")
# 令和2、3年度; 令和2・3・4年度; 令和2年度及び3年度 is two separate periods
_MORE_YEARS = re.compile(r"(?P<years>(?:\s?(?:[、,・/]|及び|と)\s?\d{1,2})+)\s?年(?P<fiscal>\s?度)?(?!間)")
_DECADE = re.compile(r"(?<!\d)(?P<decade>(?:19|20)\d0)年代(?:の?(?P<part>前半|後半|半ば|初頭))?")
_PARTS_OF_DECADE = {None: (0, 9), "前半": (0, 4), "後半": (5, 9), "半ば": (4, 6), "初頭": (0, 2)}
_LAW = re.compile(
    r"(?:法律|政令|省令|府令|規則|告示|条例|勅令|訓令|[一-龯]{1,6}(?:省|庁|府)令)第"
)  # 平成28年法律第103号
_CACHE_SIZE = 10_000  # texts
_LAST_YEAR = 2051
_FIRST_SHORT_YEAR = 1989  # before it, M, T and S with a number are probably names: S3
_RELATIVE = re.compile(r"本年度|今年度|本年|今年|来年度|来年|再来年度|昨年度|昨年|前年度|同年度|同年|翌年度")
_MARCH = 3

_SUBPERIOD_MONTHS = {"H1": (0, 6), "H2": (6, 6), "Q1": (0, 3), "Q2": (3, 3), "Q3": (6, 3), "Q4": (9, 3)}

_FROM = re.compile(r"から|以降|より|[~〜]$")
_ADJUSTING = re.compile(r"調整中|未定")
_UNTIL = re.compile(r"[(]?(?:年度)?末?(?:まで|以前|限り)")
_LISTING_WORDS = re.compile(r"から|以降|より|[~〜]|調整中|未定|(?:計画)?(?:掲載)?時期[はを]?|掲載|順次|[()、。・/\-]")


@dataclass(frozen=True, slots=True)
class Period:
    """A period found in a text at [start:stop]: its code, and in `more` the codes of others in the same list."""

    code: str
    start: int
    stop: int
    more: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """All periods that are printed here."""
        return (self.code, *self.more)

    @property
    def year(self) -> int:
        """The year with which the period begins."""
        return int(self.code[2:6] if self.code[:1].isalpha() else self.code[:4])

    def is_implausible(self, text: str) -> bool:
        """Return whether a text prints a month or day that does not exist, or a year beyond any plan."""
        printed, code = text[self.start : self.stop], self.code
        named = ("月" in printed and not code[:1].isdigit()) or ("日" in printed and len(code) == len("2020-02"))
        return named or self.year > _LAST_YEAR

    def shifted(self, by: int) -> "Period":
        """Return the period moved by a number of characters."""
        return Period(self.code, self.start + by, self.stop + by, self.more)


class Calendar:
    """Finder of periods, by the years of the given eras."""

    def __init__(self, eras: Iterable[Era]) -> None:
        self._eras = {era.label_ja: era for era in eras}
        self._letters = {era.letter: era for era in self._eras.values()}
        self._cache: dict[str, tuple[Period, ...]] = {}  # the same texts are read repeatedly
        words = {
            # a line wrap may be inside a name
            "names": "|".join(r"\s?".join(map(re.escape, name)) for name in self._eras),
            "letters": "".join(map(re.escape, self._letters)),
        }
        other = _OTHER_ERA.format(**words)
        self._period = re.compile(
            rf"(?:{_ERA_YEAR.format(**words)}|{_SHORT_YEAR.format(**words)}|{_WESTERN_YEAR})"
            rf"\s?{other}(?P<nen>年)?{other}(?P<fiscal>\s?度(?!数))?(?:末(?=\([^()]*末\)))?{other}{_SUBPERIOD}"
        )

    def periods(self, text: str) -> tuple[Period, ...]:
        """Return every absolute period of the text, in order; a bare `3年度` has the era of the year before it."""
        if (cached := self._cache.get(text)) is None:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            cached = self._cache[text] = tuple(sorted(self._find(text), key=lambda period: period.start))
        return cached

    def _find(self, text: str) -> list[Period]:
        periods: list[Period] = []
        eras: list[tuple[int, Era]] = []
        for match in _DECADE.finditer(text):
            first, last = _PARTS_OF_DECADE[match["part"]]
            decade = int(match["decade"])
            periods.append(Period(f"CY{decade + first}-{decade + last}", match.start(), match.end()))
        for match in self._period.finditer(text):
            if any(period.start <= match.start() < period.stop for period in periods) or _LAW.match(text, match.end()):
                continue
            if match["letter"] and self._letters[match["letter"]].western_year(1) < _FIRST_SHORT_YEAR:
                continue
            whole = (
                match["nen"] or match["dotted"] or match["short"] or match["fy"] or (match["fiscal"] and match["era"])
            )
            if whole:
                periods.append(Period(self._code(match), match.start(), match.end()))
            era = self._era(match)
            if era and not whole and (more := _MORE_YEARS.match(text, match.end())):
                years = [match["year"], *re.findall(r"\d+", more["years"])]
                kind = "FY" if more["fiscal"] else "CY"
                codes = tuple(f"{kind}{_western_year(era, year)}" for year in years)
                periods.append(Period(codes[0], match.start(), more.end(), codes[1:]))
                eras.append((more.end(), era))
                continue
            if whole and era:
                eras.append((match.end(), era))
            if era and match["era"] and (end := _RANGE_END.match(text, match.end())):
                since = _western_year(era, match["year"]) if _EACH.match(text, end.end()) else None
                start = end.start("year") if whole else match.start()
                periods.append(_range_period(end, since, _western_year(era, end["year"]), start))
        for bare in _BARE_YEAR.finditer(text):
            preceding = [era for stop, era in eras if stop <= bare.start()]
            code = f"FY{_western_year(preceding[-1], bare['year'])}" if preceding else ""
            # years of an era ascend: a smaller year belongs to another era, whose name was misread
            if any(code < f"FY{period.code[2:6]}" for period in periods if period.code[:1].isalpha() and code):
                continue
            if preceding and not any(period.start <= bare.start() < period.stop for period in periods):
                periods.append(Period(code, bare.start(), bare.end()))
        return periods

    def _era(self, match: re.Match[str]) -> Era | None:
        if match["letter"]:
            return self._letters[match["letter"]]
        return self._eras["".join(match["era"].split())] if match["era"] else None

    def _code(self, match: re.Match[str]) -> str:
        era = self._era(match)
        western = _to_digits(match["western"]) or f"20{(match['fy'] or '')[-2:]}"
        year = _western_year(era, match["year"] or match["short"]) if era else int(western)
        prefix = "FY" if match["fiscal"] or match["fy"] else "CY"
        if match["half"]:
            return f"{prefix}{year}-{_HALVES[match['half']]}"
        if match["quarter"]:
            return f"{prefix}{year}-Q{match['quarter']}"
        month, day = int(match["month"] or match["dotted"] or 0), int(match["day"] or match["dotted_day"] or 0)
        if 1 <= month <= 12:
            # a month of a fiscal year: January to March belong to the next calendar year
            year += bool(match["fiscal"] and month <= _MARCH)
            exists = 1 <= day <= calendar.monthrange(year, month)[1]
            return f"{year}-{month:02d}-{day:02d}" if exists else f"{year}-{month:02d}"
        return f"{prefix}{year}"


def _range_period(end: re.Match[str], first: int | None, last: int, start: int) -> Period:
    """Return the period of a range: its last year, or every year from `first` if the number holds for each."""
    years = [*range(last if first is None else min(first, last), last + 1)]
    codes = [f"{'FY' if end['fiscal'] else 'CY'}{year}" for year in years]
    return Period(codes[0], start, end.end(), tuple(codes[1:]))


def _to_digits(year: str | None) -> str:
    """Return a Gregorian year in digits: 二〇二二 is 2022."""
    return "".join(char if char.isdigit() else str("〇一二三四五六七八九".index(char)) for char in year or "")


def _western_year(era: Era, year: str) -> int:
    """Return the Gregorian year of a printed era year; 元 is the first."""
    return era.western_year(int(year) if year.isdigit() else 1 if year == "元" else int(parse_number(year)))


def find_relative_period(text: str) -> str:
    """Return the first period given relative to the time of writing (本年度 …), or an empty string."""
    match = _RELATIVE.search(text)
    return match.group() if match else ""


def first_and_last_day(code: str) -> tuple[datetime.date, datetime.date]:
    """Return the first and last day of a period code; for an open-ended one (`-on`), its first day twice."""
    whole = code.removesuffix("-on")
    first, last = _bounds_of_code(whole)
    return (first, first) if whole != code else (first, last)


def _bounds_of_code(code: str) -> tuple[datetime.date, datetime.date]:
    kind, number = (code[:2], code[2:]) if code[:1].isalpha() else ("", code)
    if not kind:
        numbers = [int(part) for part in number.split("-")]
        if len(numbers) == 3:
            day = datetime.date(*numbers)
            return day, day
        first = datetime.date(numbers[0], numbers[1], 1)
        return first, _day_before_month(numbers[0], numbers[1] + 1)
    year, _, part = number.partition("-")
    month = 4 if kind == "FY" else 1
    begin, length = (0, 12) if not part or part.isdigit() else _SUBPERIOD_MONTHS[part]
    end_year = int(part) if part.isdigit() else int(year)
    return _first_of_month(int(year), month + begin), _day_before_month(end_year, month + begin + length)


def _first_of_month(year: int, month: int) -> datetime.date:
    return datetime.date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _day_before_month(year: int, month: int) -> datetime.date:
    return _first_of_month(year, month) - datetime.timedelta(days=1)


@dataclass(frozen=True)
class Listing:
    """Parsed listing time of a measure.

    `period` is a code such as FY2019, or empty; `status` is `from`, `adjusting`, `from+adjusting` or empty; `unread`
    has the words that are neither, such as an end (令和2年度末まで) or a second year.
    """

    period: str
    status: str
    unread: str = ""


def parse_listing_time(cell: Text, calendar: Calendar) -> Listing:
    """Parse the text of a listing-time cell."""
    text = cell.normal().unspaced().chars
    periods = calendar.periods(text)
    if any(period.is_implausible(text) for period in periods):
        return Listing("", "", text)  # a day that does not exist
    until = bool(periods) and bool(_UNTIL.match(text, periods[0].stop))
    first = None if until or not periods else periods[0]
    parts = ["from"] if first and _FROM.search(text) else []
    if _ADJUSTING.search(text):
        parts.append("adjusting")
    remaining = _LISTING_WORDS.sub("", text[: first.start] + text[first.stop :] if first else text)
    return Listing(first.code if first else "", "+".join(parts), remaining)
