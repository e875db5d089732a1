"""The command group `kg` and the options that its commands share."""

import re
from pathlib import Path

import click

from kg import __version__
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
        kind = "base IRI" if parameter.name == "base" else "address of a site"
        raise click.BadParameter(f"{base} is not a {kind}; {remedy}")
    return base


class _Command(click.Command):
    """Command with localized help; the Japanese catalogue is loaded only when needed."""

    def get_help(self, ctx: click.Context) -> str:
        if language() != "ja":
            return super().get_help(ctx)
        from kg.cli.help_catalogue import format_help

        return format_help(self, ctx)

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
        from kg.cli.help_catalogue import summary

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
