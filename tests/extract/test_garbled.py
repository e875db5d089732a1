"""Garbled documents: never a traceback, never a lost cell."""

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from losses import losses
from mutations import real as taken_apart

from kg.builder.document_reader import Tables
from kg.core.errors import KgError

Read = Callable[..., Tables]
NASTY = (
    *[
        "\t",
        "\n",
        "\r",
        "<",
        ">",
        "&",
        "&lt",
        "&#",
        "&#x110000;",
        "&#0;",
        "&nbsp;",
        "<ul>",
        "</li>",
        "<li",
        "<!--",
        "]]>",
        "<a\xa0href=",
        "<![CDATA[",
        "(",
        ")",
        "((",
        "（",
        "）",
        "「",
        "」",
        "[",
        "|",
    ],
    *[
        '"',
        "'",
        "\\",
        "\x00",
        "\x0b",
        "\x0c",
        "\x1c",
        "\x7f",
        "\x85",
        "\u2028",
        "\u200b",
        "\ufffe",
        "😀",
        "が",
        "①",
        "㈱",
        "½",
        "²",
        "٣",
        "〇",
        "◎",
        "○",
        "、",
        "省",
        "{",
        "}",
        "%",
    ],
    *[
        "平成",
        "令和",
        "令和99999年度までに",
        "平成0年度",
        "令和2年13月",
        "0年度末",
        "年0回",
        "九兆",
        "万万",
        "1万億",
        "1,,000",
        "１．５．６",
        "割%",
    ],
    *[
        "以上以下",
        "約",
        "未設定",
        "未設定(",
        "30倍増比で",
        "年度比",
        "http://",
        "https://[",
        "http://[::1",
        "01-05",
        "99-99",
        "###",
        "\ud7ff",
        "\x1b[31m",
    ],
    *("\t\t", "\r\n", "http://a b", "<a href=", "No\t施策名", "### Ⅲ"),
)
KINDS = st.sampled_from(["insert", "insert", "replace", "delete", "swap", "double", "cut", "glue"])
EDITS = st.lists(
    st.tuples(KINDS, st.integers(0, 10**6), st.integers(1, 60), st.one_of(st.sampled_from(NASTY), st.text(max_size=4))),
    min_size=1,
    max_size=10,
)


def part_of(real: str) -> str:
    """Three pages of the real document, which are enough to break things."""
    whole = taken_apart(real)
    whole.pages = [whole.pages[n] for n in (1, 4, 7)]
    return whole.printed()[0]


def garbled(text: str, edits: list[tuple[str, int, int, str]]) -> str:
    """The text after some edits."""
    for kind, where, size, words in edits:
        at = where * len(text) // 10**6
        lines = text.split("\n")
        line = where % len(lines)
        if kind == "insert":
            text = text[:at] + words + text[at:]
        elif kind == "replace":
            text = text[:at] + words + text[at + size :]
        elif kind == "delete":
            text = text[:at] + text[at + size :]
        elif kind == "swap":
            other = (line + size) % len(lines)
            lines[line], lines[other] = lines[other], lines[line]
            text = "\n".join(lines)
        elif kind == "double":
            lines.insert(line, lines[(line + size) % len(lines)])
            text = "\n".join(lines)
        elif kind == "cut":
            lines[line] = lines[line][: len(lines[line]) * size // 60]
            text = "\n".join(lines)
        else:
            text = "\n".join(lines[:line]) + " ".join(lines[line : line + 2]) + "\n" + "\n".join(lines[line + 2 :])
    return text


def assert_kept_or_told(read: Read, text: str) -> None:
    """The promise: tables and a graph that keep everything, or an error in our own words."""
    try:
        tables = read(text)
    except KgError as error:
        assert all(problem.fact and problem.remedy and problem.file for problem in error.problems)
        rows = [line for line in text.splitlines() if re.match(r"[0-9]+\t[^\t]+\t[^\t]+\t[^\t]+\t", line)]
        assert not rows, f"stopped although {len(rows)} rows can be read: {error}"
    else:
        problems = losses(text, tables)
        assert not problems, problems


def examples(number: int) -> settings:
    """Return the settings for so many documents, the same in each run."""
    suppressed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=number, deadline=None, derandomize=True, database=None, suppress_health_check=suppressed
    )


@given(edits=EDITS)
@examples(8)
def test_a_garbled_document(read: Read, real: str, edits: list[tuple[str, int, int, str]]) -> None:
    """Whatever happens to a document, reading never breaks, and every cell is kept verbatim with its place."""
    assert_kept_or_told(read, garbled(part_of(real), edits))


@pytest.mark.exhaustive
@given(edits=EDITS)
@examples(80)
def test_many_garbled_documents(read: Read, real: str, edits: list[tuple[str, int, int, str]]) -> None:
    """The promise of the test before, ten times as often."""
    assert_kept_or_told(read, garbled(part_of(real), edits))


def test_every_nasty_word_at_every_kind_of_place(read: Read, real: str) -> None:
    """Each nasty word inside a title, a KPI, a list, a listing time, a number, a URL and the ministries."""
    whole = taken_apart(real)
    rows = [cells for page in whole.pages for cells, _ in page.rows]
    for n, word in enumerate(NASTY * 4):
        cells = rows[n % len(rows)]
        filled = [at for at, cell in enumerate(cells) if cell.strip("\n")]
        at = filled[(n * 7 + n // len(NASTY)) % len(filled)]
        middle = len(cells[at]) // 2
        cells[at] = cells[at][:middle] + word + cells[at][middle:]
    assert_kept_or_told(read, whole.printed()[0])


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300)


@given(text=TEXTS)
@examples(10)
def test_any_text_at_all(read: Read, text: str) -> None:
    """A text that is no table is an error in our own words, or is kept."""
    assert_kept_or_told(read, text)


@pytest.mark.exhaustive
@given(text=TEXTS)
@examples(100)
def test_many_texts(read: Read, text: str) -> None:
    """The promise of the test before, ten times as often."""
    assert_kept_or_told(read, text)
