"""The help of the commands in the language of its reader."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from kg.cli import help_catalogue, main
from kg.core import spans

from .recipes import ROOT

COMMANDS = [(), *((name,) for name in sorted(main.commands))]
WORDS = {"Usage", "Options", "Commands", "default"}  # of click, on each page


def helped(*command: str, **environment: str) -> str:
    """Return what --help shows in a terminal of 80 columns."""
    settings = {name: environment.get(name) for name in ("KG_LANG", "LC_ALL", "LC_MESSAGES", "LANG")}
    result = CliRunner(env={**settings, "COLUMNS": "80"}).invoke(main, [*command, "--help"], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def said(part: str) -> Iterator[str]:
    """Yield all that the commands say in English, as the part of the catalogue has it."""
    for command in (main, *main.commands.values()):
        context = click.Context(command)
        paragraphs = help_catalogue.paragraphs(command.help or "")
        if part == "commands":
            yield from (text for raw, text in paragraphs if not raw)
        elif part == "remarks":
            yield from (help_catalogue.remark(line)[1] for raw, text in paragraphs if raw for line in text.splitlines())
        else:
            records = [one.get_help_record(context) for one in command.get_params(context)]
            texts = [help_catalogue.extras(record[1]) for record in records if record]
            yield from (prose for prose, _ in texts) if part == "options" else _values(texts)


def _values(texts: list[tuple[str, list[list[str]]]]) -> Iterator[str]:
    for _, others in texts:
        for text in (text for other in others for text in other):
            value = text.removeprefix("default: ")
            if " " in value or value in ("required", "none"):
                yield value


@pytest.mark.parametrize("part", ["commands", "remarks", "options", "values"])
def test_all_that_the_help_says_is_there_in_japanese(part: str) -> None:
    """The catalogue has each paragraph, remark, option and default in Japanese, and no other."""
    known = help_catalogue.catalogue()[part]

    assert known.keys() == set(said(part)) - {""}
    assert [english for english, japanese in known.items() if not re.search(r"[ぁ-んァ-ヶ一-鿿]", japanese)] == []
    assert help_catalogue.catalogue()["click"].keys() == WORDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_told_in_the_language_of_its_reader(command: tuple[str, ...]) -> None:
    """By KG_LANG, else by the locale; a value that is none of both languages is English."""
    japanese, english = helped(*command, KG_LANG="ja"), helped(*command, KG_LANG="en")

    assert japanese.startswith("使い方: ") and english.startswith("Usage: ")
    assert helped(*command, LANG="ja_JP.UTF-8") == japanese
    assert helped(*command) == helped(*command, LC_ALL="C", LANG="ja_JP.UTF-8") == english
    assert [word for word in WORDS if re.search(rf"\b{word}:", japanese)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_japanese_help_has_what_the_english_has(command: tuple[str, ...]) -> None:
    """The same examples, options and commands in the same order, and every setting and option that it names."""
    japanese, english = helped(*command, KG_LANG="ja"), helped(*command, KG_LANG="en")
    listed = re.compile(r"^  (-\S+(?: --\S+)?|[a-z]+(?=  ))", re.MULTILINE)
    example = re.compile(r"^  ((?:KG_\w+=\S+ )*kg \S+(?: \S+)*|echo .*|\(LC_ALL.*)", re.MULTILINE)

    assert listed.findall(japanese.split("オプション:")[1]) == listed.findall(english.split("Options:")[1])
    assert example.findall(japanese) == example.findall(english) != []
    assert set(re.findall(r"KG_[A-Z]\w+", japanese)) == set(re.findall(r"KG_[A-Z]\w+", english))
    assert set(re.findall(r"--[a-z]\w+", japanese)) == set(re.findall(r"--[a-z]\w+", english))


@pytest.mark.parametrize("command", COMMANDS)
def test_japanese_help_fits_the_terminal(command: tuple[str, ...]) -> None:
    """No line but an example is wider than 80 columns as it looks; none begins with a mark that closes or ends."""
    lines = helped(*command, KG_LANG="ja").splitlines()
    examples = re.compile(r"  (KG_\w+=|kg |\(LC_ALL)")

    assert [line for line in lines if spans.columns(line) > 80 and not examples.match(line)] == []
    assert [line for line in lines if line.lstrip().startswith(("、", "。", ")", "」", "]"))] == []


def test_text_is_broken_where_a_phrase_begins() -> None:
    """Japanese characters take two columns; words stay whole, with the hiragana after them."""
    assert help_catalogue.wrap("ストアに尋ねます。", 14) == ["ストアに", "尋ねます。"]
    assert help_catalogue.wrap("ストアに尋ねます。", 18) == ["ストアに尋ねます。"]
    assert help_catalogue.wrap("KG_STORE_USER で 伝えます", 16) == ["KG_STORE_USER で", "伝えます"]


def test_english_help_loads_nothing_japanese() -> None:
    """Who reads English pays nothing for the Japanese: neither its code nor its catalogue is loaded."""
    program = (
        "import sys; from kg.cli import main; main(['serve', '--help'], standalone_mode=False);"
        "print('kg.cli.help_catalogue' in sys.modules)"
    )
    for lang, loaded in (("en", "False"), ("ja", "True")):
        shown = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "KG_LANG": lang},
        ).stdout
        assert shown.splitlines()[-1] == loaded
