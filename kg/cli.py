"""The command line. Results go to standard output, everything else to standard error.

Exit codes: 0, 1 (the answer is no, or the work cannot be done), 2 (used wrongly). Heavy modules are imported by the
command that needs them, so that `kg --help` answers at once.
"""

import sys
import time
from pathlib import Path

import click

from kg import __version__
from kg.errors import KgError
from kg.places import Places, places

FOLDER = click.Path(file_okay=False, path_type=Path)
RECIPE = click.option("--recipe", type=FOLDER, envvar="KG_RECIPE", help="Folder of the recipe.  [default: build/]")
OUT = click.option("--out", type=FOLDER, envvar="KG_OUT", help="Folder of the releases.  [default: out/]")


class _Group(click.Group):
    """Shows our own errors as they are meant to be read: fact and remedy, no traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KgError as error:
            click.echo(f"kg: {error}", err=True)
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

    Every option can also be given by an environment variable KG_<OPTION>, such as KG_PORT=8080.
    """


@main.command("build")
@RECIPE
@OUT
@click.option("--timings", is_flag=True, envvar="KG_TIMINGS", help="Show how long each stage took.")
def build_command(recipe: Path | None, out: Path | None, timings: bool) -> None:
    """Make the release that the recipe describes.

    \b
    kg build                          into out/, and out/current points to it
    kg build --recipe my-recipe --out /tmp/out --timings
    """
    _build(places(recipe, out), timings)


def _build(folders: Places, timings: bool = False) -> None:
    """Build, say what was done, and leave the figures on standard output."""
    from kg.pipeline import build
    from kg.report import summary

    start = time.perf_counter()
    built = build(folders, _progress)
    _progress("")
    seconds = time.perf_counter() - start
    if not built.made:
        click.echo(f"Release {built.release.version} is up to date: {built.release.folder}")
        return
    click.echo(summary(built.release, built.records))
    if timings:
        for stage, took in built.seconds.items():
            click.echo(f"  {took:7.3f} s  {took / seconds:4.0%}  {stage}")
        click.echo(f"  {seconds:7.3f} s  100%  all")


def _progress(stage: str) -> None:
    """Show the stage at work, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{stage} …" if stage else "\r\x1b[K", nl=False, err=True)


@main.command("check")
@RECIPE
def check_command(recipe: Path | None) -> None:
    """Find every problem in the recipe, the ontology and the stored queries, each with file, line and remedy."""
    from kg.checks import problems_of

    problems = problems_of(places(recipe))
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        click.echo(f"{len(problems)} problem(s) found.", err=True)
        raise click.exceptions.Exit(1)
    click.echo("No problem found.")
