"""The command `kg` itself, and the options that several of its commands share."""

import re
from pathlib import Path

import click

from kg import __version__
from kg.core.errors import KgError, language, told
from kg.core.paths import places

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


def default(folder: str) -> str:
    """Return how the help of an option tells the folder of a checkout; an installed program tells its own below."""
    return f"  [default: {folder}/]" if places().checkout else ""


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
    help="What the store is.  [default: what it says itself]",
)
LANG = click.option(
    "--lang",
    type=click.Choice(["ja", "en"]),
    default=language,
    envvar="KG_LANG",
    help="Language of what is told.  [default: that of your locale (LC_ALL, LANG)]",
)
OUT = click.option("--out", type=FOLDER, envvar="KG_OUT", help="Folder of the releases." + default("out"))


# An absolute IRI of the web, in ASCII, that relative references are resolved against as it is written (RFC 3986, 5.2).
_STEP = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_BASE = re.compile(
    rf"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?/(?:(?!\.\.?/){_STEP}+/)*", re.ASCII
)


def base_of(context: click.Context, parameter: click.Parameter, base: str | None) -> str | None:
    """Return the address that was given, which names may begin with; raise BadParameter where it is none."""
    if base and not _BASE.fullmatch(base):
        remedy = "write it in full and in ASCII, with a slash at its end, such as https://data.example.org/measures/"
        meant = "base of names" if parameter.name == "base" else "address of a site"
        raise click.BadParameter(f"{base} is no {meant}; {remedy}")
    return base


class _Command(click.Command):
    """Shows its help in the language of its reader; what that needs is loaded for Japanese only."""

    def get_help(self, ctx: click.Context) -> str:
        if language() != "ja":
            return super().get_help(ctx)
        from kg.cli.help_catalogue import shown

        return shown(self, ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write where an installed program has its folders: these are the defaults of the options."""
        super().format_epilog(ctx, formatter)
        there, known = places(), {one.name for one in self.params}
        if there.checkout or not known & {"recipe", "out", "releases", "shapes"}:
            return
        words = {"ja": ("レシピ", "版", "制約"), "en": ("recipe", "releases", "shapes")}[language()]
        heading = {"ja": "既定のフォルダー:", "en": "Default folders:"}[language()]
        folders = [
            f"  {word}: {folder}"
            for word, folder, names in zip(
                words,
                (there.recipe, there.out, there.shapes),
                ({"recipe"}, {"out", "releases"}, {"shapes"}),
                strict=True,
            )
            if names & known
        ]
        formatter.write("\n".join(["", heading, *folders, ""]))

    def get_short_help_str(self, limit: int = 45) -> str:
        if language() != "ja":
            return super().get_short_help_str(limit)
        from kg.cli.help_catalogue import summary

        return summary(self)


class _Group(_Command, click.Group):
    """Shows our own errors as they are meant to be read: fact and remedy, no traceback."""

    command_class = _Command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KgError as error:
            lang = language()
            click.echo("kg: " + "\n".join(told(problem, lang) for problem in error.problems), err=True)
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
