"""Bad input gives a clear error, or an issue with its page and line; and nothing is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from losses import losses
from mutations import Document, mutated, thinned
from mutations import real as taken_apart
from reading import differences, report

from kg.builder.document_reader import Tables

Read = Callable[..., Tables]
Draft = Callable[..., Result]
EDITION = {"edition": "municipal-2019", "action": "replace", "reason_ja": "試験", "reason_en": "a test"}
CORRECTION = {**EDITION, "id": "c0001", "evidence": "none", "decided_by": "a test", "decided_on": "2026-01-01"}


@pytest.fixture(scope="module")
def real(real: str) -> str:
    """The real document with the rows of six pages, each in its own line."""
    return thinned(real, [1, 2, 3, 5, 9, 11])


def near(document: str, *lines: str) -> str:
    """Return the document with the rows of the first page, and of the pages of these lines."""
    rows = [answer for page in taken_apart(document).pages for _, answer in page.rows]
    return thinned(document, {1, *(int(answer["page"]) for answer in rows if answer["line"] in lines)})


def cells_of(whole: Document, line: str) -> list[str]:
    """The cells of the row that the real document prints in this line."""
    return next(cells for page in whole.pages for cells, answer in page.rows if answer["line"] == line)


def issues_at(tables: Tables, line: str) -> dict[str, dict[str, str]]:
    """The issues of a line, by type."""
    return {row["type"]: row for row in tables["issues"] if row["line"] == line}


def others(tables: Tables, answers: list[dict[str, Any]], *lines: str) -> list[str]:
    """The differences in all rows but these."""
    return [each for each in differences(tables, answers) if not any(f"line {line} " in each for line in lines)]


@pytest.mark.parametrize(
    ("column", "type_"), [("number", "number-missing"), ("organizations", "organizations-missing")]
)
def test_a_row_without_number_or_ministries(read: Read, real: str, column: str, type_: str) -> None:
    """A row without a national number or ministries stays a measure, and an issue names its page and line."""
    whole = taken_apart(near(real, "54"))
    cells = cells_of(whole, "54")
    at = {"number": cells.index("04-05"), "organizations": cells.index("◎総務省")}[column]
    cells[at] = ""
    text, answers = whole.printed()
    tables = read(text)
    row = next(row for row in tables["measures"] if row["line"] == "54")
    assert row["title_ja"] == "健康・医療・介護等データの流通・利活用環境の実現"
    assert issues_at(tables, "54")[type_]["page"] == "5"
    if column == "number":
        assert (row["number"], row["lead"]) == ("", "総務省")
        assert row["iri"].endswith("/measure/row-28")
    else:
        assert (row["number"], row["lead"], row["participating"]) == ("04-05", "", "")
    assert not others(tables, answers, "54")
    assert not losses(text, tables)


def test_a_row_with_neither_number_nor_ministries(read: Read, real: str) -> None:
    """Even a row that lost both keeps its title and its KPIs."""
    whole = taken_apart(near(real, "54"))
    cells = cells_of(whole, "54")
    cells[cells.index("04-05")] = cells[cells.index("◎総務省")] = ""
    text, answers = whole.printed()
    tables = read(text)
    row = next(row for row in tables["measures"] if row["line"] == "54")
    assert row["title_ja"] == "健康・医療・介護等データの流通・利活用環境の実現"
    assert len([kpi for kpi in tables["kpis"] if kpi["measure"] == row["iri"]]) == 2
    assert {"number-missing", "organizations-missing"} <= set(issues_at(tables, "54"))
    assert not others(tables, answers, "54")
    assert not losses(text, tables)


def test_a_page_without_header(read: Read, real: str) -> None:
    """The rows of a page without header lines are read; pages are counted by header blocks, and an issue says where."""
    whole = taken_apart(near(real, "54", "110"))
    page = next(page for page in whole.pages if page.rows[0][1]["line"] == "53")
    page.head = page.head[:-3] + [line for line in page.head[-3:] if "\t" not in line]
    text, answers = whole.printed()
    for answer in answers:
        answer["page"] = str(int(answer["page"]) - (int(answer["page"]) >= 5))
    tables = read(text)
    problems = differences(tables, answers)
    assert not problems, report(problems)
    issue = next(row for row in tables["issues"] if row["type"] == "page-without-header")
    assert 48 <= int(issue["line"]) <= 53
    assert issue["page"]
    assert not losses(text, tables)


def test_a_header_of_one_line_and_a_page_without_title(read: Read, real: str) -> None:
    """A header block counts once, be it one line or two, with the page's title or without."""
    whole = taken_apart(real)
    whole.pages[2].head = [line for line in whole.pages[2].head if not line.startswith("###")]
    whole.pages[1].head = whole.pages[1].head[:-1]
    text, answers = whole.printed()
    problems = differences(read(text), answers)
    assert not problems, report(problems)


@pytest.mark.parametrize(
    "words",
    [
        "これにより、本人や家族の不安",
        "電子申請可能な手続数(地方",
        "\t手続における情報通信",
        "介護ワンストップサービスの推",
    ],
)
def test_a_truncated_last_line(read: Read, real: str, words: str) -> None:
    """A last line that ends in the middle keeps what is printed, and an issue names its page and line."""
    real = near(real, "140")
    text = real[: real.rindex(words) + len(words) - 2]
    tables = read(text)
    row = next(row for row in tables["measures"] if row["line"] == "140")
    assert "介護ワンストップサービスの推進".startswith(row["title_ja"])
    assert row["title_ja"]
    assert issues_at(tables, "140")["row-truncated"]["page"] == "11"
    _, answers = mutated(real, [], 0)
    assert not others(tables, answers, "140")
    assert not losses(text, tables)


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        ("54", "民間事業者に必要な", "ルールの在り方"),  # overview
        ("54", "地方公共団体において活用可能な形での", "成果の公表"),  # support
        ("54", "医療・介護・健康データ", "利活用基盤高度化事業"),  # budget
        ("59", "光ファイバ未整備世帯数(2017年度末時点で", "約98万世帯)の減少"),  # KPI
        ("59", "www.soumu.go.jp/main_sosiki/", "joho_tsusin/broadband/"),  # URL
        ("13", "死亡・相続", "ワンストップサービスの推進"),  # title
        ("13", "内閣府、金融庁、", "総務省、法務省"),  # ministries
    ],
)
def test_a_stray_tab(read: Read, real: str, line: str, before: str, after: str) -> None:
    """A tab inside a text neither moves the other cells nor loses a word, and the place is reported."""
    real = near(real, line)
    assert before + after in real
    text = real.replace(before + after, f"{before}\t{after}", 1)
    _, answers = mutated(real, [], 0)
    tables = read(text)
    row = next(row for row in tables["measures"] if row["line"] == line)
    gold = next(answer for answer in answers if answer["line"] == line)
    for name in ("row", "number", "pillar", "listed_from", "effects", "effects_uncertain", "lead"):
        assert row[name] == gold[name], name
    assert issues_at(tables, line), "no issue says that something is wrong in this line"
    assert not others(tables, answers, line)
    assert not losses(text, tables)


@pytest.mark.parametrize("document", [b"", b"\n\n  \n"])
def test_an_empty_document(draft: Draft, document: bytes) -> None:
    """A document without a row is an error that names the file and what to do."""
    result = draft(document)
    assert result.exit_code == 1
    assert result.stderr.startswith("kg: ")
    assert "measures-2019.txt" in result.stderr
    assert len(result.stderr.strip().splitlines()) >= 2, "fact and remedy"


@pytest.mark.parametrize("encoding", ["shift_jis", "utf-16", "euc_jp"])
def test_a_document_that_is_no_utf8(draft: Draft, real: str, encoding: str) -> None:
    """A document in another encoding is an error that names the file, the fact and the remedy."""
    result = draft(real.encode(encoding, errors="replace"))
    assert result.exit_code == 1
    assert "measures-2019.txt" in result.stderr
    assert "UTF-8" in result.stderr
    assert len(result.stderr.strip().splitlines()) >= 2, "fact and remedy"


def test_one_byte_that_is_no_utf8(draft: Draft, real: str) -> None:
    """A single broken byte is an error whose message names the line."""
    raw = bytearray(real.encode())
    raw[len("\n".join(real.split("\n")[:53]).encode()) + 40] = 0xFF
    result = draft(bytes(raw))
    assert result.exit_code == 1
    assert "54" in result.stderr


def test_a_changed_document(draft: Draft, real: str) -> None:
    """A document that is not the one whose sha256 the recipe states stops the build: file, fact, remedy."""
    result = draft(real.replace("平成", "令和", 1), sha256="0" * 64)
    assert result.exit_code == 1
    assert "sha256" in result.stderr.lower().replace("-", "")
    assert "measures-2019.txt" in result.stderr
    assert "source.toml" in result.stderr, "the remedy names where the digest stands"


def test_a_missing_document(draft: Draft) -> None:
    """A document that is not there stops the build: file, fact, remedy."""
    result = draft(None)
    assert result.exit_code == 1
    assert "measures-2019.txt" in result.stderr
    assert len(result.stderr.strip().splitlines()) >= 2, "fact and remedy"


def test_a_duplicate_national_number(read: Read, real: str) -> None:
    """All bearers of a duplicate national number get an IRI by their running number, and an issue each."""
    whole = taken_apart(near(real, "54", "110"))
    for line, number in (("54", "04-05"), ("110", "08-31")):
        cells = cells_of(whole, line)
        cells[cells.index(number)] = "01-05"
    text, _ = whole.printed()
    tables = read(text)
    rows = [row for row in tables["measures"] if row["number"] == "01-05"]
    assert [row["iri"].rsplit("/", 1)[1] for row in rows] == ["row-1", "row-28", "row-62"]
    for row in rows:
        assert issues_at(tables, row["line"])["number-duplicate"]["page"] == row["page"]
    assert len({row["iri"] for row in tables["measures"]}) == len(tables["measures"])
    assert not losses(text, tables)


def test_a_row_printed_twice(read: Read, real: str) -> None:
    """Two rows that share running and national number are two measures with different IRIs, and nothing is merged."""
    lines = near(real, "57").split("\n")
    text = "\n".join([*lines[:60], lines[56], *lines[60:]])
    tables = read(text)
    twins = [row for row in tables["measures"] if row["title_ja"] == "マイナンバーカード等への旧氏併記等"]
    assert len({row["iri"] for row in twins}) == 2
    assert [row["line"] for row in twins] == ["57", "61"]
    for row in twins:
        assert {"number-duplicate", "row-no-duplicate"} & set(issues_at(tables, row["line"]))
        assert len([kpi for kpi in tables["kpis"] if kpi["measure"] == row["iri"]]) == 2
    assert not losses(text, tables)


@pytest.mark.parametrize(
    ("line", "old", "new"),
    [
        ("20", "(令和2年11月頃)</li>", "(令和2年11月頃)"),
        ("20", "処分通知等の実現(令和3年度以降)</li> </ul>", "処分通知等の実現(令和3年度以降)"),
        ("11", '000472673.pdf</a>\t', '000472673.pdf\t'),
        ("23", "棚卸リストを公表済。</li> </ul>", "棚卸リストを公表済。"),
        ("32", "<p>平成30年度に策定した", "<p><b><p>平成30年度に策定した"),
    ],
)  # fmt: skip
def test_html_that_never_closes(read: Read, real: str, line: str, old: str, new: str) -> None:
    """A tag that never closes changes no field, and what is broken is reported with its line."""
    real = near(real, line)
    assert real.count(old) == 1
    text = real.replace(old, new)
    _, answers = mutated(real, [], 0)
    tables = read(text)
    problems = differences(tables, answers)
    assert not problems, report(problems)
    assert issues_at(tables, line)["markup-broken"]["page"]
    assert not losses(text, tables)


def test_a_tag_that_is_cut(read: Read, real: str) -> None:
    """A tag cut in its middle loses no word of the cell."""
    real = near(real, "11")
    text = real.replace('<a href="http://www.soumu.go.jp/main_content/000472673.pdf">', '<a href="http://www.so')
    tables = read(text)
    _, answers = mutated(real, [], 0)
    assert not others(tables, answers, "11")
    assert not losses(text, tables)


def test_a_correction_whose_text_is_gone(draft: Draft, real: str) -> None:
    """A correction whose printed text is no longer there stops the build with file and line of corrections.csv."""
    fits = {**CORRECTION, "printed": "電子応札率", "corrected": "電子応札の率"}
    gone = {**CORRECTION, "id": "c0002", "printed": "ここにない文", "corrected": "ある文"}
    result = draft(real, corrections=[fits, gone])
    assert result.exit_code == 1
    assert "corrections.csv:3" in result.stderr
    assert "ここにない文" in result.stderr
    assert len(result.stderr.strip().splitlines()) >= 2, "fact and remedy"


def test_a_correction_that_fits_twice(draft: Draft, real: str) -> None:
    """A correction whose printed text stands twice is no decision: the build stops and names file and line."""
    twice = {**CORRECTION, "printed": "総務省", "corrected": "総務庁"}
    result = draft(real, corrections=[twice])
    assert result.exit_code == 1
    assert "corrections.csv:2" in result.stderr


def test_a_correction_changes_what_is_read_and_keeps_what_is_printed(read: Read, real: str) -> None:
    """A correction is read instead of the printed text, which stays verbatim in the graph."""
    real = near(real, "11")
    row = {**CORRECTION, "printed": "電子応札率", "corrected": "電子応札の率"}
    tables = read(real, corrections=[row])
    texts = [kpi["text"] for kpi in tables["kpis"]]
    assert "電子応札の率" in texts
    assert "電子応札率" not in texts
    assert not losses(real, tables)
