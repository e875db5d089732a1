"""The command of who keeps the graph in a store elsewhere."""

import sys
import time
from pathlib import Path

import click

from kg.cli.options import OUT, RECIPE, STORE_ENGINE, main
from kg.cli.release_resolver import release_at
from kg.core.paths import places

_SECONDS = 600.0  # that one request may take


@main.command("publish")
@RECIPE
@OUT
@click.option(
    "--to",
    "url",
    metavar="URL",
    required=True,
    envvar="KG_STORE",
    help="Where the store answers queries, as in `kg serve --store`.",
)
@STORE_ENGINE
@click.option(
    "--graph-store",
    "graphs",
    metavar="URL",
    envvar="KG_GRAPH_STORE",
    default="",
    help="Where it serves the SPARQL 1.1 Graph Store HTTP Protocol; known for Oxigraph and Virtuoso.",
)
@click.option("--release", "version", envvar="KG_RELEASE", help="Publish this version instead of the current one.")
def publish_command(
    recipe: Path | None, out: Path | None, url: str, engine: str | None, graphs: str, version: str | None
) -> None:
    """Load a release into another store, and make it the one that is served from there.

    It is loaded beside the one that is read; the triples of each graph are counted; then it is switched to. An
    interrupted load goes on where it has stopped. KG_STORE_USER and KG_STORE_PASSWORD, or KG_STORE_TOKEN, tell the
    store who writes. docs/stores.md says what each engine promises.

    \b
    kg publish --to http://127.0.0.1:7878/query
    KG_STORE_USER=dba KG_STORE_PASSWORD=… kg publish --to http://127.0.0.1:8890/sparql --release 2019.1.0
    """
    from kg.engine.remote_publisher import Loader
    from kg.engine.remote_release import Address
    from kg.engine.store_client import Connection

    start = time.perf_counter()
    release = release_at(places(recipe, out), version)
    with Connection(Address(url, engine or ""), _SECONDS) as connection:
        loaded = Loader(connection, graphs).publish(release, _progress)
    _progress()
    if not loaded.switched:
        click.echo(f"Release {release.version} is the current one there already, with all its triples.")
        return
    told = f"{loaded.triples:,} triples, {loaded.sent:,} of them sent now, in {time.perf_counter() - start:.1f} s"
    click.echo(f"Release {release.version} is the current one there: {told}.")


def _progress(there: int = 0, total: int = 0) -> None:
    """Show how far it is, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{there:,} of {total:,} triples …" if total else "\r\x1b[K", nl=False, err=True)
