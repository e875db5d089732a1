"""Command `kg check`: find every problem in the declarative files."""

from pathlib import Path

import click

from kg.cli.options import LANG, RECIPE, main
from kg.core.errors import format_problem
from kg.core.paths import project_folders


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

    problems, remarks = check_declared_files(project_folders(recipe))
    for problem in (*problems, *remarks):
        click.echo(format_problem(problem, lang), err=True)
    count = len(problems)
    if problems:
        click.echo({"ja": f"{count} 件の問題が見つかりました。", "en": f"{count} problem(s) found."}[lang], err=True)
        raise click.exceptions.Exit(1)
    click.echo({"ja": "問題は見つかりませんでした。", "en": "No problem found."}[lang])
