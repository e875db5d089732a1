"""Command `kg build`: make a release from the recipe."""

from pathlib import Path

import click

from kg.cli.options import OUT, RECIPE, main
from kg.cli.release_resolver import make_release
from kg.core.paths import project_folders

_SPARK = "spark"


@main.command("build")
@RECIPE
@OUT
@click.option(
    "--draft", "drafting", is_flag=True, help="Only tables and graph, into out/draft: a quick preview, not a release."
)
@click.option("--mint", "minting", is_flag=True, help="Add new identifiers to the ledger, build/identifiers.csv.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    envvar="KG_PROCESSES",
    help="Processes that share the work; the release is the same for any number.  [default: one for each processor]",
)
@click.option("--timings", is_flag=True, envvar="KG_TIMINGS", help="Show how long each stage took.")
@click.option(
    "--engine",
    "engines",
    type=click.Choice(["pyshacl", "shacl", "spark"]),
    multiple=True,
    envvar="KG_ENGINE",
    help="SHACL engine: pyshacl is the reference, shacl the fast one; their reports agree.  "
    "spark reads the documents with Apache Spark (extra `spark`).",
)
@click.option(
    "--spark-master",
    "master",
    default="local[*]",
    show_default=True,
    envvar="KG_SPARK_MASTER",
    help="Master of --engine spark; spark://HOST:PORT is a cluster.",
)
def build_command(
    recipe: Path | None,
    out: Path | None,
    drafting: bool,
    minting: bool,
    timings: bool,
    processes: int | None,
    engines: tuple[str, ...],
    master: str,
) -> None:
    """Make the release that the recipe describes.

    An interrupted build continues where it stopped when it is run again: no document is read twice.

    \b
    kg build                          into out/, and out/current points to it
    kg build --processes 8 --timings
    kg build --engine spark --spark-master spark://head:7077
    kg build --recipe my-recipe --out /tmp/out --timings
    kg build --draft                  only the tables and the graph, in out/draft
    """
    folders = project_folders(recipe, out)
    engine = next((name for name in engines if name != _SPARK), "")
    if _SPARK in engines:
        if drafting:
            raise click.UsageError("--draft is a quick look on this machine; leave --engine spark out")
        from kg.builder.spark_engine import spark_reader

        make_release(folders, timings, engine=engine, processes=processes or 0, reader=spark_reader(master))
    else:
        make_release(folders, timings, drafting=drafting, engine=engine, processes=processes or 0)
    if minting:
        from kg.builder.pipeline import mint

        click.echo(f"{mint(folders)} new identifiers added to {folders.recipe / 'identifiers.csv'}")
