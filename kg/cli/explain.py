"""Command `kg explain`: show the provenance of a value."""

from pathlib import Path

import click

from kg.cli.options import OUT, RECIPE, main
from kg.cli.release_resolver import release_to_read
from kg.core.paths import project_folders


@main.command("explain")
@click.argument("iri")
@click.argument("predicate", default="")
@click.argument("value", default="")
@RECIPE
@OUT
def explain_command(iri: str, predicate: str, value: str, recipe: Path | None, out: Path | None) -> None:
    """Show where a value comes from: the printed characters with their position, or the row of the recipe.

    \b
    kg explain id:municipal-2019/measure/08-03
    kg explain id:municipal-2019/measure/08-03 shisaku:pillar
    kg explain id:organization/mic skos:prefLabel
    """
    from kg.core.store_loader import open_release
    from kg.engine.provenance import ProvenanceExplainer, as_text

    store = open_release(release_to_read(project_folders(recipe, out)))
    click.echo(as_text(ProvenanceExplainer(store).explain(iri, predicate, value)), nl=False)
