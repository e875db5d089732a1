"""Command `kg cite`: write a citation of a release or of an answer."""

from pathlib import Path

import click

from kg.cli.options import OUT, RECIPE, main
from kg.cli.release_resolver import read_query, release_to_read
from kg.core.paths import project_folders

CITATIONS = ("text", "bibtex", "csl-json", "ris")


@main.command("cite")
@click.option("--query", "question", metavar="NAME or FILE", help="Cite the answer to this query.")
@click.option("--format", "form", type=click.Choice(CITATIONS), default="text", show_default=True, envvar="KG_FORMAT")
@click.option("--lang", type=click.Choice(["ja", "en"]), default="en", show_default=True, envvar="KG_LANG")
@click.option("--release", "version", envvar="KG_RELEASE", help="Cite this version instead of the current one.")
@RECIPE
@OUT
def cite_command(
    question: str | None, form: str, lang: str, version: str | None, recipe: Path | None, out: Path | None
) -> None:
    """Write a citation of the release, or of an answer from it, with version, query, source and terms of use.

    \b
    kg cite
    kg cite --query measures-by-lead-organization --format bibtex
    kg cite --query my.rq --release 2019.1.0 --lang ja
    """
    from kg.web.citations import FORMATS, CitedQuery, citation

    folders = project_folders(recipe, out)
    release, query = release_to_read(folders, version), None
    if question and (question == "-" or question.endswith(".rq") or Path(question).is_file()):
        query = CitedQuery(str(read_query(question, folders)))
    elif question:
        query = CitedQuery.stored(release, question, lang)
    click.echo(FORMATS[form][2](citation(release, lang, query)), nl=False)
