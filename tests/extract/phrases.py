"""KPI phrases with their answers: how a target can be printed, and what the tables must say about it.

Everything is drawn from a `random.Random`, so that a seed names a phrase for ever. The answers follow DESIGN.md,
"The tables", and nothing here knows how the extraction works.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random


@dataclass(frozen=True)
class Target:
    """One row of targets.csv; `exact` is false where the contract leaves open how much of a sentence is its text."""

    text: str
    role: str = "target"
    value: str = ""
    comparator: str = "="
    unit: str = ""
    period: str = ""
    baseline_period: str = ""
    direction: str = ""
    exact: bool = True


@dataclass(frozen=True)
class Kpi:
    """One row of kpis.csv with its targets; `printed` differs from `text` only in markup."""

    text: str
    status: str = "none"
    set_by: str = ""
    group: str = ""
    targets: tuple[Target, ...] = ()


WIDE = str.maketrans("0123456789()%,:", "０１２３４５６７８９（）％，：")

NOUNS = [
    "研修の開催回数", "電子申請の利用件数", "相談窓口の設置数", "参加事業者数", "オープンデータの公開件数",
    "実証に参加した団体の数", "システム利用者数", "地域課題の解決件数", "登録者数", "認証局の数",
    "クラウドを導入した団体の割合", "手続のオンライン利用率", "法人番号の併記率", "データ連携基盤の利用事業者数",
    "遠隔医療の実施件数", "避難情報を配信した市区町村の数", "ビッグデータを分析できる職員の割合",
]  # fmt: skip
# Numbers stand in these, and none of them is a target.
TRAPS = [
    "対象とした67手続のうちオンライン化された手続数", "助成終了後2年経過時の事業継続率", "4K・8Kの視聴世帯の割合",
    "ホームページのJIS X 8341-3への準拠を表明している団体の数", "ケーブルテレビ幹線の2ルート化等整備箇所数",
    "「オープンデータ100」の掲載事例数", "5G・LTEの基地局数", "「サービス設計12箇条」を適用した事業数",
    "第2期計画を策定した団体の数", "SIP4Dを利用した訓練の実施回数", "Society5.0に資する事業数",
    "OSSの導入地域数、対象車種数、対象手続数", "「教育ICTガイドブック Ver.1」の配布数",
    "人口10万人未満の団体の導入率", "24時間365日対応の窓口数", "1人1台端末の配備数", "65歳以上の利用率",
    "地方公共団体1,741団体における導入率",
    "通知(特別徴収義務者用)の正本を電子的に送付した件数", "情報(建物利用現況、土地利用現況等)のデータ化の件数",
]  # fmt: skip
UNITS = [
    "件", "回", "社", "団体", "世帯", "セット", "機関", "都道府県", "市町村", "市区町村", "地域", "人", "名", "校",
    "事業者", "拠点", "局", "台", "サービス", "システム", "手続", "事例", "か所", "カ所", "ヶ所", "箇所", "%",
]  # fmt: skip
UNKNOWN_UNITS = ["橋", "灯", "路線", "基"]
PLACES = {"か所": "箇所", "カ所": "箇所", "ヶ所": "箇所"}


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(rng: Random) -> tuple[str, str]:
    """A number as printed, and its value."""
    a, b = rng.randint(2, 9), rng.randint(1, 9)
    choices = [
        (f"{a}", a), (f"{a}{b}", a * 10 + b), (f"{a}{b}0", a * 100 + b * 10), (f"{a},{b}00", a * 1000 + b * 100),
        (f"{a}{b},000", (a * 10 + b) * 1000), (f"{a}千", a * 1000), (f"{a}万", a * 10_000),
        (f"{a}{b}万", (a * 10 + b) * 10_000), (f"{a}万{b}千", a * 10_000 + b * 1000),
        (f"{a}万{b},500", a * 10_000 + b * 1000 + 500), (f"{a},{b}00万", (a * 1000 + b * 100) * 10_000),
        (f"{a}億", a * 100_000_000), (f"{a}億{b},000万", a * 100_000_000 + b * 10_000_000),
        (f"{a}.{b}万", (Decimal(a) + Decimal(b) / 10) * 10_000), ("一万", 10_000), ("二千", 2000), ("三百", 300),
    ]  # fmt: skip
    printed, value = rng.choice(choices)
    return printed, _plain(Decimal(value))


def quantity(rng: Random) -> tuple[str, str, str]:
    """A number with its counter as printed, its value and its unit (割 is a tenth; its unit is %)."""
    kind = rng.randrange(12)
    if kind == 0:
        a = rng.randint(1, 9)
        return f"{a}割", str(a * 10), "%"
    if kind <= 2:
        a = rng.choice([f"{rng.randint(1, 99)}", f"{rng.randint(10, 99)}.{rng.randint(1, 9)}", "100"])
        return f"{a}%", a, "%"
    if kind == 3:
        a, unit = rng.randint(2, 400), rng.choice(UNKNOWN_UNITS)
        return f"{a}{unit}", str(a), unit
    printed, value = number(rng)
    unit = rng.choice(UNITS[:-1])
    return printed + unit, value, PLACES.get(unit, unit)


def compared(rng: Random) -> tuple[str, str, str, str]:
    """A quantity with a comparing word or none: printed, value, unit, comparator."""
    printed, value, unit = quantity(rng)
    form, comparator = rng.choice(
        [("{}", "="), ("{}", "="), ("約{}", "~"), ("{}程度", "~"), ("{}以上", ">="), ("{}以下", "<="),
         ("{}未満", "<"), ("{}超", ">")]
    )  # fmt: skip
    return form.format(printed), value, unit, comparator


def era(year: int, rng: Random) -> str:
    """A year, without 年, in one of the ways the document and its successors print it."""
    reiwa = "元" if year == 2019 else str(year - 2018)
    forms = [f"平成{year - 1988}"] if year < 2019 else [f"令和{reiwa}"] * 3
    if year == 2019:
        forms.append("平成31")
    short = f"H{year - 1988}" if year < 2019 else f"R{reiwa}"
    return rng.choice([*forms, str(year), short])


def period(rng: Random, first: int = 2019, last: int = 2031) -> tuple[str, str]:
    """A fiscal year, a calendar year, a month or half a fiscal year: printed and as a key."""
    year = rng.randint(first, last)
    kind = rng.randrange(20)
    if kind == 0 and year > 2019:
        forms = [
            f"令和{year - 2018}年度({year}年度)",
            f"令和{year - 2018}({year})年度",
            f"{year}(令和{year - 2018})年度",
        ]
        return rng.choice(forms), f"FY{year}"
    kind //= 2
    if kind < 6:
        return f"{era(year, rng)}年度", f"FY{year}"
    if kind < 7:
        return f"{era(year, rng)}年", f"CY{year}"
    if kind < 9:
        month = rng.randint(5, 12)
        return f"{era(year, rng)}年{month}月", f"{year}-{month:02}"
    half, key = rng.choice([("前半", "H1"), ("後半", "H2"), ("上半期", "H1"), ("下半期", "H2")])
    return f"{era(year, rng)}年度{half}", f"FY{year}-{key}"


def _by(rng: Random, key: str) -> str:
    """The words between a period and its value."""
    if key.startswith("FY") and "-" not in key:
        words = ["までに", "末までに", "末", "中に", "に", ":", "末:", "末までに延べ", " ", "当初"]
        # the beginning of 2019 is past when the document is written: that is no target
        return rng.choice(words if key != "FY2019" else words[:-1])
    return rng.choice(["までに", "に", "末までに", ":", "までに累計"])


def value_clause(rng: Random) -> list[Target]:
    """A period with a value: 令和2年度までに2,000社."""
    when, key = period(rng)
    what, value, unit, comparator = compared(rng)
    after = rng.choice(["", "", "", "を達成", "に拡大"]) if comparator in "=~" else ""
    text = f"{when}{_by(rng, key)}{what}{after}"
    return [Target(text, value=value, comparator=comparator, unit=unit, period=key)]


def bare_clause(rng: Random) -> list[Target]:
    """A period with a number that has no counter: 令和元年度中に27."""
    when, key = period(rng)
    a = rng.randint(2, 500)
    return [Target(f"{when}{rng.choice(['中に', 'までに', ':'])}{a}", value=str(a), period=key)]


def pair_clause(rng: Random) -> list[Target]:
    """Two values: the second has its own period, or takes that of the first (うち…)."""
    first = value_clause(rng)[0]
    if rng.random() < 0.5:
        what, value, unit, comparator = compared(rng)
        if (value, unit, comparator) == (first.value, first.unit, first.comparator):
            return [first]  # printed twice, it is one row
        lead = rng.choice(["うち自治体クラウド導入団体は", "うち市町村分は", "参加団体数"])
        second = Target(f"{lead}{what}", value=value, comparator=comparator, unit=unit, period=first.period)
        return [first, second]
    return [first, value_clause(rng)[0]]


def baseline_clause(rng: Random) -> list[Target]:
    """A past or present value, which is no target: 2017年度末時点で約98万世帯."""
    year = rng.randint(2015, 2018)
    what, value, unit, comparator = compared(rng)
    printed = f"{era(year, rng)}年度{rng.choice(['末時点で', '時点で', '末時点:'])}{what}"
    return [Target(printed, "baseline", value, comparator, unit, f"FY{year}")]


def eras_clause(rng: Random) -> list[Target]:
    """A fiscal year in both eras: 令和2年度(2020年度)までに50件, 令和2(2020)年度に50件."""
    year = rng.randint(2020, 2031)
    reiwa = f"令和{year - 2018}"
    when = rng.choice(
        [f"{reiwa}年度({year}年度)", f"{year}年度({reiwa}年度)", f"{reiwa}({year})年度", f"{year}({reiwa})年度"]
    )
    what, value, unit, comparator = compared(rng)
    text = f"{when}{rng.choice(['までに', 'に', '末までに', ':'])}{what}"
    return [Target(text, value=value, comparator=comparator, unit=unit, period=f"FY{year}")]


def dated_clause(rng: Random) -> list[Target]:
    """Values whose years stand in parentheses of their own: 都道府県:100%(令和2年度)、市町村:50%(令和3年度)."""
    targets = []
    for lead in rng.choice([("",), ("都道府県:", "市町村:")]):
        year = rng.randint(2019, 2031)
        what, value, unit, comparator = compared(rng)
        text = f"{lead}{what}({era(year, rng)}年度)"
        targets.append(Target(text, value=value, comparator=comparator, unit=unit, period=f"FY{year}"))
    return targets


def history_clause(rng: Random) -> list[Target]:
    """A past value and a target."""
    return [*baseline_clause(rng), *value_clause(rng)]


def recurring_clause(rng: Random) -> list[Target]:
    """A value for every year: 年1回以上, 毎年50件."""
    what, value, unit, comparator = compared(rng)
    while unit == "%" or Decimal(value) > 50_000:
        what, value, unit, comparator = compared(rng)
    lead = rng.choice(["年", "毎年", "年間", "毎年度"])
    if what.startswith("約") and lead == "年":
        lead = "年間"
    if lead == "年" and not what[0].isdigit():
        lead = "年間"
    return [Target(f"{lead}{what}", "recurring", value, comparator, unit)]


def change_clause(rng: Random) -> list[Target]:
    """A change against a year: 平成24年度比で3倍, 平成27年度比3割削減."""
    base = rng.randint(2010, 2018)
    printed_base = f"{era(base, rng)}年度比{rng.choice(['で', ''])}"
    when, key = period(rng) if rng.random() < 0.6 else ("", "")
    lead = f"{when}{rng.choice(['までに', 'に'])}" if when else ""
    a = rng.randint(2, 9)
    what, value, unit, direction = rng.choice(
        [
            (f"{a}割", str(a * 10), "%", "decrease"),
            (f"{a}0%", f"{a}0", "%", "decrease"),
            (f"{a}.5%", f"{a}.5", "%", "increase"),
            (f"{a}割", str(a * 10), "%", "increase"),
            (f"{a}倍", str(a), "倍", "multiple"),
            (f"1.{a}倍", f"1.{a}", "倍", "multiple"),
            ("倍増", "2", "倍", "multiple"),
        ]
    )
    comparator = "="
    if unit == "%" and rng.random() < 0.3:
        what, comparator = f"{what}以上", ">="
    verb = {
        "decrease": rng.choice(["削減", "減少"]),
        "increase": rng.choice(["増加", "増"]),
        "multiple": "",
    }[direction]
    text = f"{lead}{printed_base}{what}{verb}"
    return [Target(text, "change", value, comparator, unit, key, f"FY{base}", direction)]


def milestone_clause(rng: Random) -> list[Target]:
    """A time without a value: 令和2年11月頃, 令和2年度:高精度化の完了."""
    when, key = period(rng)
    tails = ["中に運用開始", "以降", ":高精度化の完了", "までに", "に公開", "中に制度の具体化"]
    if "-" in key:
        tails = ["頃", "に公開", "までに", "を目途に開始"] if "H" not in key else ["", "に実施", "までに"]
    tail = rng.choice(tails)
    return [Target(f"{when}{tail}", period=f"{key}-on" if tail == "以降" else key)]


def indefinite_clause(rng: Random) -> list[Target]:
    """A number that is none: 数百件程度."""
    unit = rng.choice(["件", "社", "団体", "人"])
    what = f"{rng.choice(['数', '数十', '数百', '数千'])}{unit}程度"
    if rng.random() < 0.5:
        return [Target(what, comparator="~", unit=unit)]
    when, key = period(rng)
    return [Target(f"{when}{rng.choice(['に', 'までに', ':'])}{what}", comparator="~", unit=unit, period=key)]


def nested_clause(rng: Random) -> list[Target]:
    """A parenthesis inside: 令和2年度:47団体(都道府県)."""
    when, key = period(rng)
    a = rng.randint(2, 900)
    note = rng.choice(["都道府県", "見込み", "民間を含む。", "「先行団体」を除く。"])
    return [Target(f"{when}{rng.choice([':', 'に'])}{a}団体({note})", value=str(a), unit="団体", period=key)]


CLAUSES = {
    "value": value_clause, "bare": bare_clause, "pair": pair_clause, "baseline": baseline_clause,
    "history": history_clause, "recurring": recurring_clause, "change": change_clause, "milestone": milestone_clause,
    "indefinite": indefinite_clause, "nested": nested_clause, "eras": eras_clause,
    "dated": dated_clause,
}  # fmt: skip


def parenthesized(rng: Random, kind: str) -> Kpi:
    """A noun and a parenthesis that holds what it should reach."""
    targets = CLAUSES[kind](rng)
    text = f"{rng.choice(NOUNS)}({'、'.join(target.text for target in targets)})"
    status = "none" if all(target.role == "baseline" for target in targets) else "set"
    return Kpi(text, status, targets=tuple(targets))


def sentence(rng: Random) -> Kpi:
    """A KPI whose target stands in the running text, without a parenthesis."""
    kind = rng.randrange(5)
    if kind == 0:
        target = recurring_clause(rng)[0]
        text = f"事業者等への情報共有を{target.text}実施"
    elif kind == 1:
        target = change_clause(rng)[0]
        text = f"テレワーク導入企業を{target.text}"
    elif kind == 2:
        when, key = period(rng)
        target = Target(f"{when}までに", period=key)
        text = f"{when}までに、有益な情報をオープンデータ化した団体の割合"
    elif kind == 3:
        when, key = period(rng)
        target = Target(f"{when}以降", period=f"{key}-on")
        text = f"{when}以降のプログラミング教育の円滑な実施"
    else:
        base, base_key = period(rng, 2012, 2017)
        while not base_key.startswith("FY") or "-" in base_key:
            base, base_key = period(rng, 2012, 2017)
        when, key = period(rng)
        a = rng.randint(2, 5)
        text = f"{when}を目途に{a}割削減({base}比。ただし、新規業務への対応に要する経費等の影響を除く。)"
        target = Target(text, "change", str(a * 10), "=", "%", key, base_key, "decrease")
    return Kpi(text, "set", targets=(replace(target, exact=False),))


def unset(rng: Random) -> Kpi:
    """A KPI whose target is still to be set, and when."""
    year = rng.randint(2019, 2027)
    when = f"{era(year, rng)}年度"
    forms = [
        (f"未設定({when}中に検討)", f"FY{year}"), (f"未設定({when}に検討)", f"FY{year}"),
        (f"未設定({when}中に設定)", f"FY{year}"), (f"未設定({when}の全市町村整備後に設定予定)", f"FY{year}"),
        (f"{rng.choice(NOUNS)}({when}までに設定予定)", f"FY{year}"), ("未設定", ""),
        ("未設定(検討状況を踏まえ設定)", ""),
    ]  # fmt: skip
    text, set_by = rng.choice(forms)
    return Kpi(text, "unset", set_by)


def plain(rng: Random) -> Kpi:
    """A KPI that says nothing of a target, often with numbers that are none."""
    return Kpi(rng.choice(TRAPS if rng.random() < 0.4 else NOUNS))
