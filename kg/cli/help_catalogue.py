"""Japanese help of the commands, loaded only when needed; `kg/cli/help.ja.toml` has the texts by their English.

The layout is that of click, but lines are measured in terminal columns, since a Japanese character takes two, and are
broken between Japanese phrases, which have no spaces between them.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from inspect import cleandoc
from pathlib import Path

import click

from kg.core.spans import columns as width

CATALOGUE = Path(__file__).with_name("help.ja.toml")
_RAW = "\b\n"  # click's mark of a paragraph whose lines are kept
_EXTRA = re.compile(r"(?:^|  )(?=\[)")  # position before a bracket at the end of the help of an option
# An unbreakable piece: a Latin word, a run of katakana or kanji with its hiragana, and adjacent punctuation.
_PIECE = re.compile(r"\s+|[「([]*(?:[!-'*-Z^-~]+|[ァ-ヺー]+|[一-鿿々]+|.)[ぁ-ん]*[、。」)\]:;]*")


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return the Japanese by its English, by part: commands, remarks, options, values, and click's words."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def _in_japanese(part: str, english: str) -> str:
    return catalogue()[part].get(english, english)


def paragraphs(text: str) -> list[tuple[bool, str]]:
    """Return the paragraphs of a command's help, each with whether its lines are kept, as in examples."""
    found = re.split(r"\n{2,}", cleandoc(text))
    return [(True, one.removeprefix(_RAW)) if one.startswith(_RAW) else (False, " ".join(one.split())) for one in found]


def remark(example: str) -> tuple[str, str]:
    """Return the parts of a line of an example: the command with its trailing spaces, and the remark, if any."""
    command, *remarks = re.split(r"(?<=  )(?=\S)", example, maxsplit=1)
    return command, "".join(remarks)


def extras(text: str) -> tuple[str, list[list[str]]]:
    """Return the help of an option without brackets, and the items in each pair of brackets at its end."""
    prose, *others = _EXTRA.split(text)
    return prose, [other[1:-1].split("; ") for other in others]


def command_help(english: str) -> str:
    """Return the help of a command in Japanese, in click's format; the command lines of examples are unchanged."""
    return "\n\n".join(
        _RAW + "\n".join(map(_example, text.splitlines())) if raw else _in_japanese("commands", text)
        for raw, text in paragraphs(english)
    )


def _example(line: str) -> str:
    command, text = remark(line)
    return command + _in_japanese("remarks", text)


def option_help(english: str) -> str:
    """Return the help of an option in Japanese, with its default and other items in brackets."""
    prose, others = extras(english)
    inside = ("; ".join(map(_extra, other)) for other in others)
    return "  ".join(filter(None, [_in_japanese("options", prose), *(f"[{text}]" for text in inside)]))


def _extra(text: str) -> str:
    label, colon, value = text.rpartition(": ")
    return _in_japanese("click", label) + colon + _in_japanese("values", value)


def summary(command: click.Command) -> str:
    """Return the summary of a command in Japanese: the first paragraph of its help."""
    return paragraphs(command_help(command.help or ""))[0][1]


def format_help(command: click.Command, context: click.Context) -> str:
    """Return the whole help of a command in Japanese, for the width of the terminal."""
    formatter = _Formatter(width=context.terminal_width, max_width=context.max_content_width)
    command.format_help(context, formatter)
    return formatter.getvalue().rstrip("\n")


def wrap(text: str, columns: int) -> list[str]:
    """Wrap a text to a number of columns; a longer piece gets a line of its own."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and width(lines[-1] + piece.rstrip()) > columns:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


class _Formatter(click.HelpFormatter):
    """Formatter of click's help in Japanese; widths are measured in terminal columns."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or _in_japanese("click", "Usage") + ": ")

    def write_heading(self, heading: str) -> None:
        super().write_heading(_in_japanese("click", heading))

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for number, (raw, part) in enumerate(paragraphs(command_help(text))):
            if number:
                self.write_paragraph()
            for line in part.splitlines() if raw else wrap(part, self.width - len(indent)):
                self.write(f"{indent}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        column = self.current_indent + min(max(len(first) for first, _ in rows), col_max) + col_spacing
        for first, second in rows:
            lead, indent = " " * self.current_indent + first, " " * column
            lines = [indent + line for line in wrap(option_help(second), max(self.width - column, 10))]
            if len(lead) + col_spacing <= column:
                lines[0] = lead.ljust(column) + lines[0].lstrip()
            else:
                lines.insert(0, lead)
            self.write("".join(f"{line.rstrip()}\n" for line in lines))
