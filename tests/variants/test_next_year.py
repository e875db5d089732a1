"""Phrases that next year's table could print: each is read right, or left open with an issue, never silently wrong."""

from collections.abc import Callable

import pytest
from reading import report
from test_cases import rows_of

from kg.making.reading import Tables

Read = Callable[..., Tables]
FIELDS = ["role", "value", "comparator", "unit", "period", "baseline_period", "direction"]
OPEN = "open"  # an issue names the words

# The targets of each phrase: role value comparator unit period baseline direction.
# fmt: off
PHRASES: dict[str, list[str] | str] = {
    "令和5.3.31までに3,000件": ["target 3000 = 件 2023-03-31 - -"],
    "R5.3.31:3,000件": ["target 3000 = 件 2023-03-31 - -"],
    "令和2、3年度:100件": ["target 100 = 件 FY2020 - -", "target 100 = 件 FY2021 - -"],
    "令和4年度末:1.000件": ["target 1000 = 件 FY2022 - -"],
    "令和4年度末:1、000件": ["target 1000 = 件 FY2022 - -"],
    "令和4年度末:1 000件": ["target 1000 = 件 FY2022 - -"],
    "令和4年度末:5 0%": ["target 50 = % FY2022 - -"],
    "令和4年度末:1,OOO件": OPEN,
    "令和4年度末:5O%": OPEN,
    "令和4年度末:l00%": OPEN,
    "令和4年度:1日当たり5,000件": ["target 5000 = 件/日 FY2022 - -"],
    "令和3年度までの3年間:100件": ["target 100 = 件 FY2021 - -"],
    "令和4年度末:五割五分": ["target 55 = % FY2022 - -"],
    "令和4年度末:九割九分九厘": ["target 99.9 = % FY2022 - -"],
    "令和4年度末:.5%": ["target 0.5 = % FY2022 - -"],
    "令和4年度:5割5分": ["target 55 = % FY2022 - -"],
    "令和4年度:マイナス10%": ["target -10 = % FY2022 - -"],
    "令和4年度:+10%": ["change 10 = % FY2022 - increase"],
    "令和4年度:+5ポイント": ["change 5 = ポイント FY2022 - increase"],
    "令和4年度:10%pt増": ["change 10 = ポイント FY2022 - increase"],
    "令和4年度:10団体中8団体": ["target 8 = 団体 FY2022 - -"],
    "令和4年度:10件強": ["target 10 ~ 件 FY2022 - -"],
    "令和4年度:10件以上20件未満": ["target 10 >= 件 FY2022 - -", "target 20 < 件 FY2022 - -"],
    "令和4年度:10件/団体": OPEN,
    "令和4年度:100円/kWh": OPEN,
    "令和4年度:2時間30分": OPEN,
    "1回/月": ["recurring 1 = 回/月 - - -"],
    "月1回": ["recurring 1 = 回/月 - - -"],
    "令和4年度:10以上の地方公共団体": ["target 10 >= 地方公共団体 FY2022 - -"],
    "令和4年度:2つのサービス": ["target 2 = サービス FY2022 - -"],
    "ゼロにする(令和3年度)": ["target 0 = - FY2021 - -"],
    "令和4年度:100団体以 上": ["target 100 >= 団体 FY2022 - -"],
    "令和4年度:5段階評価で平均4.0以上": ["target 4 >= - FY2022 - -"],
    "令和3年度末時点の目標:100団体": ["target 100 = 団体 FY2021 - -"],
    "令和3年度末時点で100団体が導入": ["target 100 = 団体 FY2021 - -"],
    "2025年3月末時点で1,741団体": ["target 1741 = 団体 2025-03 - -"],
    "令和元年度当初47都道府県": ["baseline 47 = 都道府県 FY2019 - -"],
    "R3年度100団体→R4年度200団体→R5年度300団体": [
        "target 100 = 団体 FY2021 - -",
        "target 200 = 団体 FY2022 - -",
        "target 300 = 団体 FY2023 - -",
    ],
    "【目標】令和4年度までに300団体 【実績】令和元年度:120団体": [
        "target 300 = 団体 FY2022 - -",
        "baseline 120 = 団体 FY2019 - -",
    ],
    "35.2%(令和元年度)から50%(令和4年度)に引上げ": ["baseline 35.2 = % FY2019 - -", "target 50 = % FY2022 - -"],
    "120団体(R1)→300団体(R4)": ["baseline 120 = 団体 CY2019 - -", "target 300 = 団体 CY2022 - -"],
    "10件(R3)、20件(R4)": ["target 10 = 件 CY2021 - -", "target 20 = 件 CY2022 - -"],
    "R3:10、R4:20、R5:30(件)": ["target 10 = 件 CY2021 - -", "target 20 = 件 CY2022 - -", "target 30 = 件 CY2023 - -"],
    "現状値:40団体(R1) 目標値:100団体(R3)": ["baseline 40 = 団体 CY2019 - -", "target 100 = 団体 CY2021 - -"],
    "目標値:100% 目標年度:令和2年度": ["target 100 = % FY2020 - -"],
    "令和3年度までに10か所程度、令和5年度までに50か所程度で実証": [
        "target 10 ~ 箇所 FY2021 - -",
        "target 50 ~ 箇所 FY2023 - -",
    ],
    "令和3年度中に100自治体以上": ["target 100 >= 自治体 FY2021 - -"],
    "令和4年度末までに全国民の9割が利用": ["target 90 = % FY2022 - -"],
    "利用率50%・満足度80%(令和4年度)": ["target 50 = % FY2022 - -", "target 80 = % FY2022 - -"],
    "令和4年 度末:100件": ["target 100 = 件 FY2022 - -"],
    "2020年代前半までに100件": ["target 100 = 件 CY2020-2024 - -"],
    "令和3年度以降:100件": ["target 100 = 件 FY2021-on - -"],
    "令和2・3年度:各100件": ["target 100 = 件 FY2020 - -", "target 100 = 件 FY2021 - -"],
    "今和4年度末:100件": OPEN,
    "合和4年度末:100件": OPEN,
    "前年度比10%増(毎年度)": ["recurring 10 = % - - increase"],
    "令和4年度:数件程度": ["target - ~ 件 FY2022 - -"],
}


# Further phrases, judged before they were read.
FURTHER: dict[str, list[str] | str] = {
    "令和5年3月31日までに50件": ["target 50 = 件 2023-03-31 - -"],
    "2023年3月31日時点で50件": ["target 50 = 件 2023-03-31 - -"],
    "2024/3/31までに1,200団体": ["target 1200 = 団体 2024-03-31 - -"],
    "令和3、4、5年度:各10件": ["target 10 = 件 FY2021 - -", "target 10 = 件 FY2022 - -", "target 10 = 件 FY2023 - -"],
    "令和3年度及び4年度:20件": ["target 20 = 件 FY2021 - -", "target 20 = 件 FY2022 - -"],
    "令和3年度50件、令和4年度100件、令和5年度150件": ["target 50 = 件 FY2021 - -", "target 100 = 件 FY2022 - -", "target 150 = 件 FY2023 - -"],
    "令和3年度:50件 令和4年度:100件": ["target 50 = 件 FY2021 - -", "target 100 = 件 FY2022 - -"],
    "令和3年度50%/令和4年度70%": ["target 50 = % FY2021 - -", "target 70 = % FY2022 - -"],
    "令和4年度末までに12.345%": ["target 12.345 = % FY2022 - -"],
    "令和4年度末までに1.25倍": ["change 1.25 = 倍 FY2022 - multiple"],
    "令和4年度末:2.000人": ["target 2000 = 人 FY2022 - -"],
    "令和4年度末:12、500人": ["target 12500 = 人 FY2022 - -"],
    "令和4年度末:1 2%": ["target 12 = % FY2022 - -"],
    "令和4年度末:lO件": OPEN,
    "令和4年度末:3OO団体": OPEN,
    "令和4年度末:七割": ["target 70 = % FY2022 - -"],
    "令和4年度末:8割5分以上": ["target 85 >= % FY2022 - -"],
    "令和4年度末:三分の二": OPEN,
    "令和4年度末:△5%": ["target -5 = % FY2022 - -"],
    "令和4年度:▲3ポイント": ["target -3 = ポイント FY2022 - -"],
    "令和4年度:プラス3%": ["change 3 = % FY2022 - increase"],
    "令和4年度:5%減": ["change 5 = % FY2022 - decrease"],
    "令和4年度までに20%以上削減": ["change 20 >= % FY2022 - decrease"],
    "令和4年度までに対平成30年度比20%削減": ["change 20 = % FY2022 FY2018 decrease"],
    "47都道府県のうち40都道府県(令和4年度)": ["target 40 = 都道府県 FY2022 - -"],
    "令和4年度:全1,741団体中1,000団体": ["target 1000 = 団体 FY2022 - -"],
    "令和4年度:50件弱": ["target 50 ~ 件 FY2022 - -"],
    "令和4年度:おおむね50件": ["target 50 ~ 件 FY2022 - -"],
    "令和4年度:50件前後": ["target 50 ~ 件 FY2022 - -"],
    "令和4年度:少なくとも50件": ["target 50 >= 件 FY2022 - -"],
    "令和4年度:50件を超える": ["target 50 > 件 FY2022 - -"],
    "令和4年度:50件を下回る": ["target 50 < 件 FY2022 - -"],
    "令和4年度:≧50件": ["target 50 >= 件 FY2022 - -"],
    "令和4年度:50件~100件": OPEN,
    "令和4年度:50~100件": OPEN,
    "令和4年度:50件から100件": OPEN,
    "令和4年度:3件/年": ["recurring 3 = 件 FY2022 - -"],
    "毎月2回": ["recurring 2 = 回/月 - - -"],
    "週3回": ["recurring 3 = 回/週 - - -"],
    "毎日1回": ["recurring 1 = 回/日 - - -"],
    "年2回程度": ["recurring 2 ~ 回 - - -"],
    "毎年度10団体": ["recurring 10 = 団体 - - -"],
    "1人当たり5件(令和4年度)": ["target 5 = 件/人 FY2022 - -"],
    "1団体につき3件(令和4年度)": ["target 3 = 件/団体 FY2022 - -"],
    "令和4年度:1件当たり30分": ["target 30 = 分/件 FY2022 - -"],
    "令和4年度:1時間30分": OPEN,
    "令和4年度:50件/校": OPEN,
    "令和4年度:20以上の市町村": ["target 20 >= 市町村 FY2022 - -"],
    "令和4年度:零件": ["target 0 = 件 FY2022 - -"],
    "令和4年度:ゼロ件": ["target 0 = 件 FY2022 - -"],
    "令和4年度末までにゼロ": ["target 0 = - FY2022 - -"],
    "令和4年度:80%未 満": ["target 80 < % FY2022 - -"],
    "令和4年度:満足度4.2以上(5段階)": ["target 4.2 >= - FY2022 - -"],
    "令和2年3月末時点で30団体": ["target 30 = 団体 2020-03 - -"],
    "平成30年度末時点で30団体": ["baseline 30 = 団体 FY2018 - -"],
    "平成31年3月現在30団体": ["baseline 30 = 団体 2019-03 - -"],
    "令和4年度当初30団体": ["target 30 = 団体 FY2022 - -"],
    "平成30年度実績:30団体、令和4年度目標:60団体": ["baseline 30 = 団体 FY2018 - -", "target 60 = 団体 FY2022 - -"],
    "平成30年度実績30団体、令和4年度目標60団体": ["baseline 30 = 団体 FY2018 - -", "target 60 = 団体 FY2022 - -"],
    "【現状】30団体 【目標】60団体(令和4年度)": ["baseline 30 = 団体 - - -", "target 60 = 団体 FY2022 - -"],
    "現状:30団体、目標:60団体(令和4年度)": ["baseline 30 = 団体 - - -", "target 60 = 団体 FY2022 - -"],
    "30団体→60団体(令和4年度)": ["baseline 30 = 団体 - - -", "target 60 = 団体 FY2022 - -"],
    "30団体⇒60団体": ["baseline 30 = 団体 - - -", "target 60 = 団体 - - -"],
    "平成30年度の30団体から令和4年度に60団体": ["baseline 30 = 団体 FY2018 - -", "target 60 = 団体 FY2022 - -"],
    "平成30年度:10% → 令和4年度:20%": ["baseline 10 = % FY2018 - -", "target 20 = % FY2022 - -"],
    "H30:10件、R1:20件、R2:30件": ["baseline 10 = 件 CY2018 - -", "target 20 = 件 CY2019 - -", "target 30 = 件 CY2020 - -"],
    "10件(令和2年度)、20件(令和3年度)、30件(令和4年度)": ["target 10 = 件 FY2020 - -", "target 20 = 件 FY2021 - -", "target 30 = 件 FY2022 - -"],
    "都道府県100%・市町村50%(令和4年度)": ["target 100 = % FY2022 - -", "target 50 = % FY2022 - -"],
    "都道府県:100%、市町村:50%(令和4年度)": ["target 100 = % FY2022 - -", "target 50 = % FY2022 - -"],
    "令和2年度:10、令和3年度:20(団体)": ["target 10 = 団体 FY2020 - -", "target 20 = 団体 FY2021 - -"],
    "目標値:1,000件(令和4年度)": ["target 1000 = 件 FY2022 - -"],
    "令和4年度目標:1,000件": ["target 1000 = 件 FY2022 - -"],
    "令和4年度目標値 1,000件": ["target 1000 = 件 FY2022 - -"],
    "令和3年度までに10団体、令和4年度までに20団体で実施": ["target 10 = 団体 FY2021 - -", "target 20 = 団体 FY2022 - -"],
    "令和4年度中に50以上の自治体で導入": ["target 50 >= 自治体 FY2022 - -"],
    "令和4年度までに全市区町村の8割が策定": ["target 80 = % FY2022 - -"],
    "令和4年度末までに累計5,000人が受講": ["target 5000 = 人 FY2022 - -"],
    "2025年までに100%": ["target 100 = % CY2025 - -"],
    "2020年代後半に100%": ["target 100 = % CY2025-2029 - -"],
    "令和4年度末以降:50件": ["target 50 = 件 FY2022-on - -"],
    "2022年以後50件": ["target 50 = 件 CY2022-on - -"],
    "令和4年度上半期:50件": ["target 50 = 件 FY2022-H1 - -"],
    "令和4年度第2四半期までに50件": ["target 50 = 件 FY2022-Q2 - -"],
    "前年度比5%増": ["change 5 = % - - increase"],
    "対前年度比10%減(毎年度)": ["recurring 10 = % - - decrease"],
    "令和4年度:数百団体程度": ["target - ~ 団体 FY2022 - -"],
    "4年度末:100件": OPEN,
    "11月末:100件": OPEN,
    "令 和4年度末:100件": ["target 100 = 件 FY2022 - -"],
    "全和4年度末:100件": OPEN,
    "令和四年度末:100件": ["target 100 = 件 FY2022 - -"],
    "令和4年度末:100": ["target 100 = - FY2022 - -"],
    "100件以上(令和4年度末)": ["target 100 >= 件 FY2022 - -"],
    "100件 以上(令和4年度末)": ["target 100 >= 件 FY2022 - -"],
    "令和4年度末までに、利用者数を100万人に": ["target 1000000 = 人 FY2022 - -"],
    "令和4年度末までに利用者数を100万人以上とする": ["target 1000000 >= 人 FY2022 - -"],
    "令和4年度:1億2,000万円": ["target 120000000 = 円 FY2022 - -"],
    "令和4年度:1,234百万円": ["target 1234000000 = 円 FY2022 - -"],
    "令和4年度:3か所程度": ["target 3 ~ 箇所 FY2022 - -"],
}


# fmt: on
def problems_of(read: Read, phrases: dict[str, list[str] | str], form: str) -> list[str]:
    """Return what is read otherwise than expected; what is open has an issue."""
    cells = [form.format(phrase) for phrase in phrases]
    tables, measures = rows_of(read, [{"progress": cell} for cell in cells])
    problems = []
    for cell, expected, row in zip(cells, phrases.values(), measures, strict=True):
        mine = [each for each in tables["targets"] if each["row"] == row["row"]]
        found = [" ".join(each[name] or "-" for name in FIELDS) for each in mine]
        issues = [
            each["text"] for each in tables["issues"] if (each["row"], each["type"]) == (row["row"], "target-unread")
        ]
        if expected == OPEN:
            if not issues:
                problems.append(f"{cell}: expected an issue, found {found}")
        elif found != expected:
            problems.append(f"{cell}: expected {expected}, found {found} {issues}")
        elif issues:
            problems.append(f"{cell}: read right, and yet {issues}")
    return problems


@pytest.mark.parametrize("form", ["{}", "導入数({})"])
def test_each_phrase_is_read_right_or_left_open(read: Read, form: str) -> None:
    """Numbers, units, roles and periods of each phrase, whether it is a whole cell or stands in parentheses."""
    problems = problems_of(read, PHRASES | FURTHER, form)
    assert not problems, report(problems)
