"""The commands of who makes the graph: build, validate, check."""

from pathlib import Path

import click

from kg.cli.options import ENGINE, FILE, FOLDER, LANG, OUT, RECIPE, default, main
from kg.cli.release_resolver import make, release_to_read
from kg.core.errors import told
from kg.core.paths import places

_SPARK = "spark"


@main.command("build")
@RECIPE
@OUT
@click.option(
    "--draft", "drafting", is_flag=True, help="Only tables and graph, into out/draft: a quick look, no release."
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
    "spark has the documents read by Apache Spark (extra `spark`).",
)
@click.option(
    "--spark-master",
    "master",
    default="local[*]",
    show_default=True,
    envvar="KG_SPARK_MASTER",
    help="Where --engine spark works: spark://HOST:PORT is a cluster.",
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

    A build that was interrupted goes on where it was when it is run again: documents that were read are not read twice.

    \b
    kg build                          into out/, and out/current points to it
    kg build --processes 8 --timings
    kg build --engine spark --spark-master spark://head:7077
    kg build --recipe my-recipe --out /tmp/out --timings
    kg build --draft                  only the tables and the graph, in out/draft
    """
    folders = places(recipe, out)
    engine = next((name for name in engines if name != _SPARK), "")
    if _SPARK in engines:
        if drafting:
            raise click.UsageError("--draft is a quick look on this machine; leave --engine spark out")
        from kg.builder.spark_engine import spark_reader

        make(folders, timings, engine=engine, processes=processes or 0, reader=spark_reader(master))
    else:
        make(folders, timings, drafting=drafting, engine=engine, processes=processes or 0)
    if minting:
        from kg.builder.pipeline import mint

        click.echo(f"{mint(folders)} new identifiers added to {folders.recipe / 'identifiers.csv'}")


@main.command("validate")
@click.argument("files", nargs=-1, type=FILE)
@click.option("--shapes", type=FOLDER, envvar="KG_SHAPES", help="Folder of the shapes." + default("shapes"))
@ENGINE
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "turtle", "json"]),
    default="text",
    show_default=True,
    envvar="KG_REPORT",
)
@LANG
@RECIPE
@OUT
def validate_command(
    files: tuple[Path, ...],
    shapes: Path | None,
    engine: str | None,
    form: str,
    lang: str,
    recipe: Path | None,
    out: Path | None,
) -> None:
    """Check a release, or any RDF files, against the SHACL shapes; exit code 1 where there is a violation.

    \b
    kg validate
    kg validate my.ttl --format turtle > report.ttl
    kg validate --engine shacl --lang ja
    """
    from kg.builder.pipeline import validate_release
    from kg.rdf.shacl_validator import fastest_engine, validate

    folders = places(recipe, out)
    promised = shapes or folders.shapes
    if files:
        report = validate(files, promised, engine or fastest_engine())
    else:
        report = validate_release(release_to_read(folders), promised, engine or "")
    text = {"text": lambda: report.text(lang), "turtle": lambda: report.turtle().decode(), "json": report.json}[form]()
    click.echo(text, nl=not text.endswith("\n"))
    if not report.conforms:
        raise click.exceptions.Exit(1)


@main.command("check")
@RECIPE
@LANG
def check_command(recipe: Path | None, lang: str) -> None:
    """Find every problem in the recipe, the ontology, the shapes and the queries, each with file, line and remedy.

    \b
    kg check
    kg check --recipe my-recipe --lang ja
    """
    from kg.builder.recipe_checker import check_declared_files

    problems, remarks = check_declared_files(places(recipe))
    for problem in (*problems, *remarks):
        click.echo(told(problem, lang), err=True)
    count = len(problems)
    if problems:
        click.echo({"ja": f"{count} 件の問題が見つかりました。", "en": f"{count} problem(s) found."}[lang], err=True)
        raise click.exceptions.Exit(1)
    click.echo({"ja": "問題は見つかりませんでした。", "en": "No problem found."}[lang])
