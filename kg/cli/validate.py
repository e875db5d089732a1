"""Command `kg validate`: check a release or RDF files against the SHACL shapes."""

from pathlib import Path

import click

from kg.cli.options import ENGINE, FILE, FOLDER, LANG, OUT, RECIPE, default, main
from kg.cli.release_resolver import release_to_read
from kg.core.paths import project_folders


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
    """Check a release, or any RDF files, against the SHACL shapes; exit code 1 if there is a violation.

    \b
    kg validate
    kg validate my.ttl --format turtle > report.ttl
    kg validate --engine shacl --lang ja
    """
    from kg.builder.pipeline import validate_release
    from kg.rdf.shacl_validator import fastest_engine, validate

    folders = project_folders(recipe, out)
    promised = shapes or folders.shapes
    if files:
        report = validate(files, promised, engine or fastest_engine())
    else:
        report = validate_release(release_to_read(folders), promised, engine or "")
    text = {"text": lambda: report.text(lang), "turtle": lambda: report.turtle().decode(), "json": report.json}[form]()
    click.echo(text, nl=not text.endswith("\n"))
    if not report.conforms:
        raise click.exceptions.Exit(1)
