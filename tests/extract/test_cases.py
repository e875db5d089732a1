"""Single cells and what they say: cases that were once read wrong, each a sentence of the contract."""

from collections.abc import Callable

import pytest
from reading import Row, report, same

from kg.builder.document_reader import Tables

Read = Callable[..., Tables]
HEADER = (
    "### Ⅲ 市町村の施策に関する国の施策一覧\n\n"
    "No\t施策名\tKPI (進捗)\tKPI (効果)\t課題・取組概要\t対応する柱\t掲載時期\t期待される効果\t\t\t\t"
    "支援策\t予算事業名\t参考URL\t国の施策番号\t府省庁名①\n"
    "\t\t\t\t\t\t\t行政の効率化\t地域の活性化\t利便性\t安全\n"
)
PLAIN = {
    "title": "施策",
    "progress": "利用件数",
    "effect": "利用率",
    "overview": "- 課題がある。 - これにより実現。",
    "pillar": "その他",
    "listing": "令和2年度から",
    "marks": "\t\t\t○",
    "support": "説明会を実施。",
    "budget": "-",
    "references": "-",
    "number": "",
    "organizations": "◎総務省、財務省",
}


def rows_of(read: Read, cells: list[dict[str, str]]) -> tuple[Tables, list[Row]]:
    """A document with one row for each case, and its measures in their order."""
    lines = []
    for n, changed in enumerate(cells, 1):
        row = {**PLAIN, "number": f"{n // 80 + 1:02}-{n % 80 + 1:02}", **changed}
        lines.append("\t".join([str(n), *row.values()]))
    tables = read(HEADER + "\n".join(lines))
    measures = tables["measures"]
    assert [row["row"] for row in measures] == [str(n) for n in range(1, len(cells) + 1)]
    return tables, measures


# Cell; then for each target: role value comparator unit period baseline_period direction (- for nothing)
TARGETS = {
    "数(令和2(2020)年度までに50件)": ["target 50 = 件 FY2020 - -"],
    "数(2020年度(令和2年度)50件)": ["target 50 = 件 FY2020 - -"],
    "数(平成31年度(令和元年度)に50件)": ["target 50 = 件 FY2019 - -"],
    "数(令和2年度末までに二千名以下)": ["target 2000 <= 名 FY2020 - -"],
    "数(令和3年度までに十万人)": ["target 100000 = 人 FY2021 - -"],
    "数(令和3年度までに千五百件)": ["target 1500 = 件 FY2021 - -"],
    "率(都道府県:100%(令和2年度)、市町村:50%(令和3年度))": ["target 100 = % FY2020 - -", "target 50 = % FY2021 - -"],
    "令和5年度までに平成27年度（2015年度）比で3割削減": ["change 30 = % FY2023 FY2015 decrease"],
    "テレワーク導入企業を令和13年度(2031年度)までに2012年度比で3.5%増": ["change 3.5 = % FY2031 FY2012 increase"],
    "数(平成27年度比3割削減(令和5年度))": ["change 30 = % FY2023 FY2015 decrease"],
    "数(令和2年度:1.5倍(平成27年度比))": ["change 1.5 = 倍 FY2020 FY2015 multiple"],
    "令和4年度までに平成30年度比10ポイント増加": ["change 10 = ポイント FY2022 FY2018 increase"],
    "数(令和4年度までに平成29年度比1.2倍以上)": ["change 1.2 >= 倍 FY2022 FY2017 multiple"],
    "人口10万人未満の団体の導入率": [],
    "人口5万人以上の市の導入数(令和3年度100市)": ["target 100 = 市 FY2021 - -"],
    "令和元年度補正予算による支援数": [],
    "A数(※1)(令和2年度10件)": ["target 10 = 件 FY2020 - -"],
    "A数(B方式)(令和2年度10件)": ["target 10 = 件 FY2020 - -"],
    "第5世代移動通信システム(5G)の基地局数": [],
    "2020年東京大会の関連事業数": [],
    "平成30年7月豪雨の対応数": [],
    "数(令和2年度:10件、3年度:20件)": ["target 10 = 件 FY2020 - -", "target 20 = 件 FY2021 - -"],
    "数(令和3年3月末までに100件)": ["target 100 = 件 2021-03 - -"],
    "数(2025年までに9割5分)": ["target 95 = % CY2025 - -"],
    "数(令和2年度:10万5千人以上)": ["target 105000 >= 人 FY2020 - -"],
    "数(令和2年度末までに全1,741市区町村)": ["target 1741 = 市区町村 FY2020 - -"],
    "率(令和2年度:都道府県100%、市町村50%)": ["target 100 = % FY2020 - -", "target 50 = % FY2020 - -"],
    "数(令和2年度末までに10件、毎年度5件)": ["target 10 = 件 FY2020 - -", "recurring 5 = 件 - - -"],
    "数(年度当たり100件)": ["recurring 100 = 件 - - -"],
    "数(10件未満に抑制)": ["target 10 < 件 - - -"],
    "数(令和2年度:0件)": ["target 0 = 件 FY2020 - -"],
}
# The value of these is no plain number: none may be invented.
NO_VALUE = [
    "数(令和7年度までに3分の2)",
    "数(令和7年度までに50~100件)",
    "数(令和2年度に10数件)",
    "数(令和2年度に数十万件)",
]


def test_targets(read: Read) -> None:
    """Each of these KPI cells has exactly these targets."""
    tables, measures = rows_of(read, [{"progress": cell} for cell in TARGETS])
    targets = tables["targets"]
    problems = []
    for (cell, expected), row in zip(TARGETS.items(), measures, strict=True):
        names = ["role", "value", "comparator", "unit", "period", "baseline_period", "direction"]
        mine = [each for each in targets if each["row"] == row["row"]]
        found = [" ".join(each[name] or "-" for name in names) for each in mine]
        if found != expected:
            problems.append(f"{cell}: expected {expected}, found {found}")
    assert not problems, report(problems)


def test_no_value_is_invented(read: Read) -> None:
    """Fractions, ranges and indefinite numbers keep their words and get no value that is not printed."""
    tables, measures = rows_of(read, [{"progress": cell} for cell in NO_VALUE])
    targets = tables["targets"]
    for cell, row in zip(NO_VALUE, measures, strict=True):
        assert [each["value"] for each in targets if each["row"] == row["row"]] == [""], cell


def test_a_minus_is_no_plus(read: Read) -> None:
    """A sign is part of the number: -10 % is never 10 %, unless it is said to be a decrease."""
    tables, _ = rows_of(read, [{"progress": "数(令和2年度:▲10%)"}, {"progress": "数(令和2年度:-10%)"}])
    for each in tables["targets"]:
        assert each["value"] in ("", "-10") or each["direction"] == "decrease", each


BUDGETS = {
    "＜予算事業名＞ A整備事業 B推進経費": "A整備事業|B推進経費",
    "＜予算事業名＞A整備事業［C補助金］": "A整備事業",
    "<予算事業名> ・A整備事業 ・B推進事業": "A整備事業|B推進事業",
    "<p>&lt;予算事業名&gt;</p><p>A整備事業</p><p>B推進事業</p>": "A整備事業|B推進事業",
    "<予算事業名>A整備事業 <予算事業名>B推進事業": "A整備事業|B推進事業",
    "<予算事業名> A整備事業（旧：B推進事業（H30年度））": "A整備事業",
    "<予算事業名> ICTを活用した 防災対策事業": "ICTを活用した防災対策事業",
    "<予算事業名> なし": "",
    "<予算事業名> -": "",
    "<予算事業名> 地理空間情報の実証検討経費 ■ガイドライン https://x.go.jp/a": "地理空間情報の実証検討経費",
    "<予算事業名> データ活用促進事業費 '(手引) http://x.go.jp/a": "データ活用促進事業費",
    "<予算事業名> A整備事業 手引(https://x.go.jp/a)": "A整備事業",
    "<予算事業名> A整備事業<br/>B経費(検討調査) <a href='https://x.go.jp/a'>手引</a>": "A整備事業|B経費(検討調査)",
    "<予算事業名> A事業 https://x.go.jp/a.pdf B事業 https://x.go.jp/b.pdf": "A事業|B事業",
}
URLS = {
    "（推奨データセット）https://x.go.jp/y": "https://x.go.jp/y",
    "(手引)https://x.go.jp/a(概要)https://x.go.jp/b": "https://x.go.jp/a|https://x.go.jp/b",
    "https://x.go.jp/a、https://x.go.jp/b。": "https://x.go.jp/a|https://x.go.jp/b",
    "<A  HREF = \"https://x.go.jp/a?b=1&amp;c=2\" >手引</A>": "https://x.go.jp/a?b=1&c=2",
    "http://www.x.go.jp/abc/ (第2版) http://www.x.go.jp/d ef.html": "http://www.x.go.jp/abc/|http://www.x.go.jp/def.html",
    "http://www.x.go.jp/a.html IoT/AI資料 https://x.go.jp/b": "http://www.x.go.jp/a.html|https://x.go.jp/b",
    "<p>https://x.go.jp/a</p><p>b/c資料</p>": "https://x.go.jp/a",
    "<ul><li>https://x.go.jp/a</li><li>AI/IoT</li></ul>": "https://x.go.jp/a",
    "(手引) https://x.go.jp/a https://x.go.jp/a": "https://x.go.jp/a",
    "www.x.go.jp/a.html": None,
    "http ://www.x.go.jp/a.html": None,
}  # fmt: skip


def test_budgets(read: Read) -> None:
    """A programme is a name: no bullet, heading, grant, former name, reference, or word for none."""
    _, measures = rows_of(read, [{"budget": cell} for cell in BUDGETS])
    pairs = zip(BUDGETS.items(), measures, strict=True)
    problems = [
        f"{cell}: {row['budgets']!r}" for (cell, names), row in pairs if not same("budgets", names, row["budgets"])
    ]
    assert not problems, report(problems)


def test_urls(read: Read) -> None:
    """URLs are whole and alone; what is none becomes no budget either, and is reported."""
    tables, measures = rows_of(read, [{"references": cell} for cell in URLS])
    issues = {row["line"] for row in tables["issues"] if row["type"] == "url-broken"}
    problems = []
    for (cell, urls), row in zip(URLS.items(), measures, strict=True):
        if row["budgets"] or (urls is not None and row["urls"] != urls):
            problems.append(f"{cell}: urls {row['urls']!r}, budgets {row['budgets']!r}")
        if urls is None and not row["urls"] and row["line"] not in issues:
            problems.append(f"{cell}: neither read nor reported")
    assert not problems, report(problems)


BODIES = {
    "◎総務省， 経済産業省": ("総務省", "経済産業省", ""),
    "◎総務省<br/>経済産業 省": ("総務省", "経済産業省", ""),
    "<p>◎総務省</p><p>財務省</p>": ("総務省", "財務省", ""),
    "<ul><li>◎総務省</li><li>財務省</li></ul>": ("総務省", "財務省", ""),
    "厚労省、農水省、国交省、文科省": ("", "厚生労働省|農林水産省|国土交通省|文部科学省", ""),
    "◎復興庁、◎総務省、公正取引委員会、全府省庁": ("復興庁|総務省", "公正取引委員会", "全府省庁"),
    "公正取引委員会": ("", "公正取引委員会", ""),
    "関係府省庁": ("", "", "関係府省庁"),
}


def test_organizations(read: Read) -> None:
    """Ministries are told apart however they are joined; the lead is who has ◎."""
    _, measures = rows_of(read, [{"organizations": cell} for cell in BODIES])
    found = {
        cell: (row["lead"], row["participating"], row["groups"]) for cell, row in zip(BODIES, measures, strict=True)
    }
    assert found == BODIES


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        ({"pillar": "<p>その他</p>"}, {"pillar": "その他", "listed_from": "FY2020", "effects": "safety"}),
        ({"listing": "令和2年度から<br/>(時期調整中)"}, {"listed_from": "FY2020", "listing_status": "from+adjusting"}),
        ({"listing": "平成 30年度から"}, {"listed_from": "FY2018", "listing_status": "from"}),
        ({"number": "<p>01-13</p>"}, {"number": "01-13", "budgets": ""}),
        ({"marks": "○\t\t○", "support": "-"}, {"effects": "", "effects_uncertain": "true"}),
        ({"marks": " ○\t\u3000\t\t○ "}, {"effects": "efficiency|safety", "effects_uncertain": "false"}),
        ({"pillar": "デジタル人材の育成"}, {"pillar": "", "listed_from": "FY2020", "effects": "safety"}),
        ({"support": "01-02"}, {"number": "01-02", "budgets": ""}),
        ({"title": "その他"}, {"title_ja": "その他", "pillar": "その他"}),
        ({"title": "時期調整中の施策"}, {"title_ja": "時期調整中の施策", "listing_status": "from"}),
        ({"overview": "検討中。"}, {"pillar": "その他", "lead": "総務省"}),
    ],
)
def test_cells(read: Read, cells: dict[str, str], fields: dict[str, str]) -> None:
    """A cell is told by what it says and its order; markup, spaces and strange neighbours do not matter."""
    tables, measures = rows_of(read, [cells])
    assert {name: measures[0][name] for name in fields} == fields
    texts = [row["text"] for row in tables["kpis"]]
    assert texts == ["利用件数", "利用率"]
