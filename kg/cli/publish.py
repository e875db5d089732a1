"""Command `kg publish`: load a release into an external store and make it current there."""

import time
from pathlib import Path

import click

from kg.cli.options import OUT, RECIPE, STORE_ENGINE, main
from kg.cli.release_resolver import release_at, show_progress
from kg.core.paths import project_folders

_TIMEOUT = 600.0  # seconds for one request


@main.command("publish")
@RECIPE
@OUT
@click.option(
    "--to",
    "url",
    metavar="URL",
    required=True,
    envvar="KG_STORE",
    help="Query endpoint of the store, as in `kg serve --store`.",
)
@STORE_ENGINE
@click.option(
    "--graph-store",
    "graph_store",
    metavar="URL",
    envvar="KG_GRAPH_STORE",
    default="",
    help="Its endpoint for the SPARQL 1.1 Graph Store HTTP Protocol; not needed for Oxigraph and Virtuoso.",
)
@click.option("--release", "version", envvar="KG_RELEASE", help="Publish this version instead of the current one.")
def publish_command(
    recipe: Path | None, out: Path | None, url: str, engine: str | None, graph_store: str, version: str | None
) -> None:
    """Load a release into an external store and make it the current one there.

    The release is loaded next to the current one, the triples of each graph are counted, and then the store is switched
    over. An interrupted load continues where it stopped. Credentials are KG_STORE_USER and KG_STORE_PASSWORD, or
    KG_STORE_TOKEN. docs/stores.md says what each engine guarantees.

    \b
    kg publish --to http://127.0.0.1:7878/query
    KG_STORE_USER=dba KG_STORE_PASSWORD=… kg publish --to http://127.0.0.1:8890/sparql --release 2019.1.0
    """
    from kg.engine.remote_publisher import RemotePublisher
    from kg.engine.remote_release import StoreAddress
    from kg.engine.store_client import StoreClient

    start = time.perf_counter()
    release = release_at(project_folders(recipe, out), version)
    with StoreClient(StoreAddress(url, engine or ""), _TIMEOUT) as client:
        loaded = RemotePublisher(client, graph_store).publish(release, _show_loaded)
    show_progress()
    if not loaded.switched:
        click.echo(f"Release {release.version} is the current one there already, with all its triples.")
        return
    summary = f"{loaded.triples:,} triples, {loaded.sent:,} of them sent now, in {time.perf_counter() - start:.1f} s"
    click.echo(f"Release {release.version} is the current one there: {summary}.")


def _show_loaded(loaded: int, total: int) -> None:
    show_progress(f"{loaded:,} of {total:,} triples …")
