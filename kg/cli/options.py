"""The command group `kg` and the options that its commands share.

The help of the commands in Japanese, loaded only where it is wanted: `kg/cli/help.ja.toml` has it by its English.

It is laid out as click lays out its own, but measured in columns of a terminal, where a Japanese character takes two,
and broken where a Japanese phrase begins, since no spaces stand between them.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from inspect import cleandoc
from pathlib import Path

import click

from kg import __version__
from kg.core import spans
from kg.core.errors import KgError, format_problem, language
from kg.core.paths import project_folders

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


def default(folder: str) -> str:
    """Return the default folder for the help of an option, in a checkout; an installed program lists its own below."""
    return f"  [default: {folder}/]" if project_folders().checkout else ""


RECIPE = click.option("--recipe", type=FOLDER, envvar="KG_RECIPE", help="Folder of the recipe." + default("build"))
ENGINE = click.option(
    "--engine",
    type=click.Choice(["pyshacl", "shacl"]),
    envvar="KG_ENGINE",
    help="SHACL engine: pyshacl is the reference, shacl the fast one; their reports agree.  "
    "[default: the fastest that is installed]",
)
STORE_ENGINE = click.option(
    "--engine",
    type=click.Choice(["oxigraph", "virtuoso", "generic"]),
    envvar="KG_STORE_ENGINE",
    help="Engine of the store.  [default: as the store reports]",
)
LANG = click.option(
    "--lang",
    type=click.Choice(["ja", "en"]),
    default=language,
    envvar="KG_LANG",
    help="Language of the messages.  [default: the language of the locale (LC_ALL, LANG)]",
)
OUT = click.option("--out", type=FOLDER, envvar="KG_OUT", help="Folder of the releases." + default("out"))


# Parts of HTTP URLs in ASCII (RFC 3986, 3.2 and 3.3): scheme with host and port, and one character of a path.
AUTHORITY = r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
# A base IRI against which relative references are resolved as written (RFC 3986, 5.2): no dot segments.
_BASE = re.compile(rf"{AUTHORITY}/(?:(?!\.\.?/){PCHAR}+/)*", re.ASCII)


def validate_base(context: click.Context, parameter: click.Parameter, base: str | None) -> str | None:
    """Return a base IRI or public URL as given; raise BadParameter if it is not an HTTP URL that ends in a slash."""
    if base and not _BASE.fullmatch(base):
        remedy = "write it in full and in ASCII, with a slash at its end, such as https://data.example.org/measures/"
        meant = "base of names" if parameter.name == "base" else "address of a site"
        raise click.BadParameter(f"{base} is not a {meant}; {remedy}")
    return base


class _Command(click.Command):
    """Command with localized help; the Japanese catalogue is loaded only when needed."""

    def get_help(self, ctx: click.Context) -> str:
        if language() != "ja":
            return super().get_help(ctx)

        return shown(self, ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the folders of an installed program, which are the defaults of the options."""
        super().format_epilog(ctx, formatter)
        folders, parameters = project_folders(), {parameter.name for parameter in self.params}
        if folders.checkout or not parameters & {"recipe", "out", "releases", "shapes"}:
            return
        words = {"ja": ("レシピ", "版", "制約"), "en": ("recipe", "releases", "shapes")}[language()]
        heading = {"ja": "既定のフォルダー:", "en": "Default folders:"}[language()]
        lines = [
            f"  {word}: {folder}"
            for word, folder, names in zip(
                words,
                (folders.recipe, folders.out, folders.shapes),
                ({"recipe"}, {"out", "releases"}, {"shapes"}),
                strict=True,
            )
            if names & parameters
        ]
        formatter.write("\n".join(["", heading, *lines, ""]))

    def get_short_help_str(self, limit: int = 45) -> str:
        if language() != "ja":
            return super().get_short_help_str(limit)

        return summary(self)


class _Group(_Command, click.Group):
    """Command group that prints a KgError as fact and remedy, without a traceback."""

    command_class = _Command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KgError as error:
            lang = language()
            click.echo("kg: " + "\n".join(format_problem(problem, lang) for problem in error.problems), err=True)
            ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kg")
def main() -> None:
    """Japan's national digital-policy measures (施策) as linked data.

    \b
    kg build                          make the release from the source
    kg serve                          serve it: http://127.0.0.1:8000/
    kg query measures-by-lead-organization
    kg check                          find every problem in the declarative files

    Most options can also be given by an environment variable KG_<OPTION>, such as KG_PORT=8080.
    """


CATALOGUE = Path(__file__).with_name("help.ja.toml")
_RAW = "\b\n"  # how click marks a paragraph that keeps its lines
_EXTRA = re.compile(r"(?:^|  )(?=\[)")  # before what stands in brackets behind the help of an option
# What is not broken: a Latin word, katakana, kanji, each with its hiragana, and the marks that begin or end no line.
_PIECE = re.compile(r"\s+|[「([]*(?:[!-'*-Z^-~]+|[ァ-ヺー]+|[一-鿿々]+|.)[ぁ-ん]*[、。」)\]:;]*")


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return the Japanese by its English: paragraphs, remarks on examples, options, values, and click's own words."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def _in_japanese(part: str, english: str) -> str:
    return catalogue()[part].get(english, english)


def paragraphs(text: str) -> list[tuple[bool, str]]:
    """Return the paragraphs of a command's help, each with whether it keeps its lines, as examples do."""
    found = re.split(r"\n{2,}", cleandoc(text))
    return [(True, one.removeprefix(_RAW)) if one.startswith(_RAW) else (False, " ".join(one.split())) for one in found]


def remark(example: str) -> tuple[str, str]:
    """Return the two parts of an example's line: the command with the spaces behind it, and what it does, if told."""
    command, *told = re.split(r"(?<=  )(?=\S)", example, maxsplit=1)
    return command, "".join(told)


def extras(text: str) -> tuple[str, list[list[str]]]:
    """Return what the help of an option says, and what stands in each pair of brackets behind it."""
    prose, *others = _EXTRA.split(text)
    return prose, [other[1:-1].split("; ") for other in others]


def command_help(english: str) -> str:
    """Return the help of a command in Japanese, as click takes it; the command lines of examples stay as they are."""
    return "\n\n".join(
        _RAW + "\n".join(map(_example, text.splitlines())) if raw else _in_japanese("commands", text)
        for raw, text in paragraphs(english)
    )


def _example(line: str) -> str:
    command, told = remark(line)
    return command + _in_japanese("remarks", told)


def option_help(english: str) -> str:
    """Return the help of an option in Japanese, with its default and what else stands in brackets behind it."""
    prose, others = extras(english)
    inside = ("; ".join(map(_extra, other)) for other in others)
    return "  ".join(filter(None, [_in_japanese("options", prose), *(f"[{text}]" for text in inside)]))


def _extra(text: str) -> str:
    label, colon, value = text.rpartition(": ")
    return _in_japanese("click", label) + colon + _in_japanese("values", value)


def summary(command: click.Command) -> str:
    """Return what a command does, in Japanese: the first paragraph of its help."""
    return paragraphs(command_help(command.help or ""))[0][1]


def shown(command: click.Command, context: click.Context) -> str:
    """Return the whole help of a command in Japanese, for the terminal at hand."""
    formatter = _Formatter(width=context.terminal_width, max_width=context.max_content_width)
    command.format_help(context, formatter)
    return formatter.getvalue().rstrip("\n")


def wrapped(text: str, columns: int) -> list[str]:
    """Return a text in lines of so many columns; a piece that is longer gets a line of its own."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and spans.columns(lines[-1] + piece.rstrip()) > columns:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


class _Formatter(click.HelpFormatter):
    """Writes what click gives it, in Japanese; options stay on their lines, and the rest is as wide as it looks."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or _in_japanese("click", "Usage") + ": ")

    def write_heading(self, heading: str) -> None:
        super().write_heading(_in_japanese("click", heading))

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for number, (raw, part) in enumerate(paragraphs(command_help(text))):
            if number:
                self.write_paragraph()
            for line in part.splitlines() if raw else wrapped(part, self.width - len(indent)):
                self.write(f"{indent}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        column = self.current_indent + min(max(len(first) for first, _ in rows), col_max) + col_spacing
        for first, second in rows:
            lead, indent = " " * self.current_indent + first, " " * column
            lines = [indent + line for line in wrapped(option_help(second), max(self.width - column, 10))]
            if len(lead) + col_spacing <= column:
                lines[0] = lead.ljust(column) + lines[0].lstrip()
            else:
                lines.insert(0, lead)
            self.write("".join(f"{line.rstrip()}\n" for line in lines))
