"""Short cells, marks and numbers that another edition may print: a value or a named issue, never support."""

from collections.abc import Callable

from losses import noted, printed_support
from test_cases import HEADER, PLAIN, Row, rows_of

from kg.builder.document_reader import Tables

Read = Callable[..., Tables]
UNREAD = "cell-unread"
PART = "cell-part-unread"


def told(tables: Tables, row: Row, *types: str) -> list[str]:
    """The words of a row that issues of these types name."""
    return [each["text"] for each in tables["issues"] if each["line"] == row["line"] and each["type"] in types]


# Four cells of marks; the effects; what is unread.
MARKS = {
    "○\t△\t\t○": ("efficiency|safety", ["△"]),
    "(○)\t○\t\t": ("economy", ["(○)"]),
    "（○）\t○\t\t": ("economy", ["（○）"]),
    "丸\t\t\t○": ("safety", ["丸"]),
    "O\t\t○\t": ("convenience", ["O"]),
    "Ｏ\t\t○\t": ("convenience", ["Ｏ"]),
    "○※\t\t○\t": ("efficiency|convenience", ["○※"]),
    "○(注1)\t\t\t": ("efficiency", ["○(注1)"]),
    "×\t○\t×\t×": ("economy", ["×", "×", "×"]),
    "有\t無\t○\t無": ("convenience", ["有", "無", "無"]),
    "☆\t\t\t": ("", ["☆"]),
    "-\t○\t-\t○": ("economy|safety", []),
    "○\t-\t-\t-": ("efficiency", []),
    "-\t-\t-\t○": ("safety", []),
    "−\t〇\t－\t◯": ("economy|safety", []),
    "-\t-\t-\t-": ("", []),
}


def test_marks(read: Read) -> None:
    """A hyphen among marks is none of them; what is no mark is named, and the others keep their columns."""
    tables, measures = rows_of(read, [{"marks": marks} for marks in MARKS])
    for (marks, (effects, unread)), row in zip(MARKS.items(), measures, strict=True):
        assert (row["effects"], row["effects_uncertain"]) == (effects, "false"), marks
        assert told(tables, row, UNREAD, PART) == unread, marks
    assert printed_support(tables) == ["説明会を実施。"] * len(MARKS)


# Budget cell; its programmes
DATED_BUDGETS = {
    "令和2年度当初予算 データ活用推進事業 1,234百万円の内数": "データ活用推進事業",
    "令和2年度当初:○○事業 100百万円、△△事業 50百万円": "○○事業|△△事業",
    "・データ活用推進事業、実証事業": "データ活用推進事業|実証事業",
    "令和3年度概算要求 320百万円(令和2年度当初予算 280百万円)": "",
}


def test_a_year_before_a_programme_is_no_part_of_its_name(read: Read) -> None:
    """The fiscal year and the kind of a budget stand beside the name; a placeholder stays as it is printed."""
    _, measures = rows_of(read, [{"budget": cell} for cell in DATED_BUDGETS])
    assert [row["budgets"] for row in measures] == [*DATED_BUDGETS.values()]


def test_a_day_that_does_not_exist_is_no_listing_time(read: Read) -> None:
    """29 February 2022 is named as unread, and no month is taken for it."""
    tables, [row] = rows_of(read, [{"listing": "令和4年2月29日から"}])
    assert (row["listed_from"], told(tables, row, PART)) == ("", ["令和4年2月29日から"])


# National number as printed; as read; what is unread
NUMBERS = {
    "01-15(再掲)": ("01-15", ["01-15(再掲)"]),
    "01-16※": ("01-16", ["01-16※"]),
    "No.01-18": ("01-18", []),
    "№01-19": ("01-19", []),
    "新規01-20": ("01-20", ["新規01-20"]),
    "01-21*1": ("01-21", ["01-21*1"]),
    "01-22 (新規)": ("01-22", ["01-22 (新規)"]),
    "再掲 01-23": ("01-23", ["再掲 01-23"]),
    "０１－２４": ("01-24", []),
    "新規": ("", ["新規"]),
    "01-25、01-26": ("", ["01-25、01-26"]),
}


def test_numbers(read: Read) -> None:
    """What stands beside a national number is named, and the number is read; a word alone is none, and no support."""
    tables, measures = rows_of(read, [{"number": number} for number in NUMBERS])
    for (printed, (number, unread)), row in zip(NUMBERS.items(), measures, strict=True):
        assert (row["number"], told(tables, row, UNREAD, PART), row["lead"]) == (number, unread, "総務省"), printed
    assert printed_support(tables) == ["説明会を実施。"] * len(NUMBERS)


RUNNING = {
    "新61": "61",
    "64*": "64",
    "65（再掲）": "65",
    "第66": "66",
    "(67)": "67",
    "60-1": "",
    "60a": "",
    "68の2": "",
}


def test_running_numbers(read: Read) -> None:
    """What stands beside a running number is named; the title is the cell after it."""
    cells = [{**PLAIN, "number": f"03-{n:02}"} for n in range(1, len(RUNNING) + 1)]
    rows = zip(RUNNING, cells, strict=True)
    tables = read(HEADER + "\n".join("\t".join([printed, *row.values()]) for printed, row in rows))
    for (printed, number), row in zip(RUNNING.items(), tables["measures"], strict=True):
        assert (row["row"], row["title_ja"], told(tables, row, PART)) == (number, "施策", [printed]), printed


SHORT = ["△", "(○)", "丸", "O", "新規", "※", "01", "イ", "同上", "再", "60-1", "A", "***", "?"]


def test_a_short_cell_is_no_support(read: Read) -> None:
    """Support has a reason: a sentence, or words of what a government does for others; else the cell is unread."""
    tables, measures = rows_of(read, [{"support": cell} for cell in SHORT])
    assert printed_support(tables) == []
    for cell, row in zip(SHORT, measures, strict=True):
        unread = told(tables, row, UNREAD, PART, "effect-uncertain")
        assert unread == [cell] or row["number"] == cell, cell
        assert (row["budgets"], row["urls"]) == ("", ""), cell
    more = ["説明会", "財政措置あり", "実施中", "専門家派遣", "補助率1/2"]
    tables, _ = rows_of(read, [{"support": cell} for cell in more])
    assert printed_support(tables) == more


# Cell; programmes; notes
BUDGETS = {
    "A整備事業(令和2年度当初予算 1,234百万円)": ("A整備事業", ["A整備事業(令和2年度当初予算 1,234百万円)"]),
    "<予算事業名> A整備事業（令和2年度当初予算 1,234百万円）": (
        "A整備事業",
        ["A整備事業(令和2年度当初予算 1,234百万円)"],
    ),
    "<予算事業名> A整備事業 令和2年度当初予算 1,234百万円": ("A整備事業", ["A整備事業 令和2年度当初予算 1,234百万円"]),
    "<予算事業名> A整備事業 12億円 B推進経費 3.5億円": (
        "A整備事業|B推進経費",
        ["A整備事業 12億円", "B推進経費 3.5億円"],
    ),
    "<予算事業名> A整備事業(R2予算額:5千万円の内数)": ("A整備事業", ["A整備事業(R2予算額:5千万円の内数)"]),
    "<予算事業名> A整備事業 令和2年度事業費 12億円": ("A整備事業", ["A整備事業 令和2年度事業費 12億円"]),
    "<予算事業名> (令和2年度当初予算 1,234百万円)": ("", ["(令和2年度当初予算 1,234百万円)"]),
    "<予算事業名> 12億円": ("", ["12億円"]),
    "<予算事業名> 調整中": ("", ["調整中"]),
    "<予算事業名> 未定(令和3年度に要求予定)": ("", ["未定(令和3年度に要求予定)"]),
    "調整中": ("", ["調整中"]),
    "未定（令和3年度要求）": ("", ["未定(令和3年度要求)"]),
    "<予算事業名> A整備事業(調整中)": ("A整備事業", ["A整備事業(調整中)"]),
    "<予算事業名> 【A整備事業】": ("A整備事業", []),
    "【A整備事業】": ("A整備事業", []),
    "【A整備事業】【B推進事業】": ("A整備事業|B推進事業", []),
    "<予算事業名> 【A整備事業】12億円": ("A整備事業", ["【A整備事業】12億円"]),
    "<予算事業名> 【新規】A整備事業": ("A整備事業", ["【新規】A整備事業"]),
    "<予算事業名> A整備事業【B補助金】": ("A整備事業", []),
    "<予算事業名> 1億円プロジェクト事業": ("1億円プロジェクト事業", []),
}


def test_budgets(read: Read) -> None:
    """A sum or a status is a note on the programme before it, never a name; what stands in 【】 alone is a name."""
    tables, measures = rows_of(read, [{"budget": cell} for cell in BUDGETS])
    found = {cell: (row["budgets"], noted(tables, row)) for cell, row in zip(BUDGETS, measures, strict=True)}
    assert found == {cell: (names, sorted(notes)) for cell, (names, notes) in BUDGETS.items()}


X = "https://x.go.jp/"
# Cell; addresses; what is told broken; what is unread
ADDRESSES = {
    f"(手引) {X}資料1.pdf": (f"{X}資料1.pdf", [], []),
    f"{X}ｉｎｄｅｘ.html": (f"{X}index.html", [], []),
    f"{X}a／ｂ．ｈｔｍｌ": (f"{X}a/b.html", [], []),
    f"{X}a|b.html": ("", [f"{X}a|b.html"], []),
    f"{X}a_‐b.html": (f"{X}a_‐b.html", [], []),
    f"{X}abc/ -def.html": (f"{X}abc/-def.html", [], []),
    f"{X}abc -def.html": (f"{X}abc-def.html", [], []),
    f"{X}施策/一覧.html#第1章": (f"{X}施策/一覧.html#第1章", [], []),
    f"{X}資料(1).pdf": (f"{X}資料(1).pdf", [], []),
    f"{X}資料（概要）": (f"{X}資料", [], ["（概要）"]),
    f"{X}?q=施策&p=1": (f"{X}?q=施策&p=1", [], []),
    f"{X}abc資料": ("", [f"{X}abc資料"], []),
    f"{X}a^b.html": ("", [f"{X}a^b.html"], []),
    f"{X}a{{b}}.html": ("", [f"{X}a{{b}}.html"], []),
    f"{X}a\\b.html": ("", [f"{X}a\\b.html"], []),
    f"{X}a[1].html": ("", [f"{X}a[1].html"], []),
    f'{X}a"b.html': ("", [f'{X}a"b.html'], []),
    f"{X}a%zz.html": ("", [f"{X}a%zz.html"], []),
    f"{X}a'b.html": (f"{X}a'b.html", [], []),
    "https://総務省.jp/a.html": ("", ["https://総務省.jp/a.html"], []),
    f"{X}aを参照": (f"{X}a", [], ["を参照"]),
    f"{X}a.html資料編": (f"{X}a.html", [], ["資料編"]),
    f"{X}a、{X}b。": (f"{X}a|{X}b", [], []),
    f"{X}a.html|{X}b.html": (f"{X}a.html|{X}b.html", [], []),
    f"{X}a.html - 手引 {X}b.html": (f"{X}a.html|{X}b.html", [], []),
    f"{X}a.html 追って公表": (f"{X}a.html", [], ["追って公表"]),
    "ガイドブックのとおり": ("", [], ["ガイドブックのとおり"]),
}  # fmt: skip


def test_addresses(read: Read) -> None:
    """An address is whole, as RFC 3987 has it, or broken as a whole; words beside it that are no title are named."""
    tables, measures = rows_of(read, [{"references": cell} for cell in ADDRESSES])
    found = {
        cell: (row["urls"], told(tables, row, "url-broken"), told(tables, row, PART))
        for cell, row in zip(ADDRESSES, measures, strict=True)
    }
    assert found == ADDRESSES


# Cell; lead, participating, groups; what is unread
BODIES = {
    "総務省(地域力創造グループ、自治行政局)": ("", "総務省", "", []),
    "◎総務省（地域力創造グループ、自治行政局）、財務省": ("総務省", "財務省", "", []),
    "◎内閣官房(IT総合戦略室、番号制度推進室(仮称))・総務省": ("内閣官房", "総務省", "", []),
    "◯総務省、財務省": ("総務省", "財務省", "", []),
    "〇総務省、財務省": ("総務省", "財務省", "", []),
    "○総務省、財務省": ("総務省", "財務省", "", []),
    "◎総務省、○財務省": ("総務省", "財務省", "", []),
    "◎総務省、〇財務省、◯法務省": ("総務省", "財務省|法務省", "", []),
    "◯総務省◯財務省": ("総務省|財務省", "", "", []),
    "総務省(◎)、財務省": ("総務省", "財務省", "", []),
    "総務省（◎）、財務省": ("総務省", "財務省", "", []),
    "総務省◎、財務省": ("総務省", "財務省", "", []),
    "(◎)総務省、財務省": ("総務省", "財務省", "", []),
    "総務省(自治行政局)(◎)、財務省": ("総務省", "財務省", "", []),
    "◎総務省、その他関係府省庁": ("総務省", "", "その他関係府省庁", []),
    "◎総務省、その他の関係省庁": ("総務省", "", "その他の関係省庁", []),
    "◎総務省、全ての府省庁": ("総務省", "", "全ての府省庁", []),
    "◎総務省その他関係府省庁": ("総務省", "", "その他関係府省庁", []),
    "◎総務省、財務省等": ("総務省", "財務省", "", ["等"]),
    "◎総務省及び財務省": ("総務省", "財務省", "", []),
    "◎総務省 ほか関係府省": ("総務省", "", "関係府省", ["ほか"]),
}


def test_organizations(read: Read) -> None:
    """Parentheses hold offices and never part; any circle marks a lead where no ◎ does; what names nobody is named."""
    tables, measures = rows_of(read, [{"organizations": cell} for cell in BODIES])
    found = {
        cell: (row["lead"], row["participating"], row["groups"], told(tables, row, PART))
        for cell, row in zip(BODIES, measures, strict=True)
    }
    assert found == BODIES


# Cell; listed_from, listing_status; what is unread
LISTINGS = {
    "令和2年度から": ("FY2020", "from", []),
    "令和2年度から順次掲載": ("FY2020", "from", []),
    "令和2年度末まで": ("", "", ["令和2年度末まで"]),
    "令和2年度から令和4年度まで": ("FY2020", "from", ["令和2年度から令和4年度まで"]),
    "令和2年度以降(時期調整中)": ("FY2020", "from+adjusting", []),
    "時期調整中": ("", "adjusting", []),
    "随時": ("", "", ["随時"]),
}


def test_listings(read: Read) -> None:
    """A year that is an end is no beginning, and what is neither year nor state is named."""
    tables, measures = rows_of(read, [{"listing": cell} for cell in LISTINGS])
    found = {
        cell: (row["listed_from"], row["listing_status"], told(tables, row, PART))
        for cell, row in zip(LISTINGS, measures, strict=True)
    }
    assert found == LISTINGS
