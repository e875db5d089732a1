"""The command of who serves the graph."""

from pathlib import Path

import click

from kg.cli.group import FILE, OUT, RECIPE, main
from kg.cli.making import release_at
from kg.places import places


@main.command("serve")
@RECIPE
@OUT
@click.option("--host", default="127.0.0.1", show_default=True, envvar="KG_HOST", help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, envvar="KG_PORT", help="Port to listen on.")
@click.option("--release", "version", envvar="KG_RELEASE", help="Serve this version instead of the current one.")
@click.option("--data", type=FILE, multiple=True, help="Serve RDF files instead of a release; may be repeated.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    envvar="KG_WORKERS",
    help="Processes that answer fast queries; twice as many, at the lowest priority, take the slow ones.  "
    "[default: one for each processor]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=30,
    show_default=True,
    envvar="KG_TIMEOUT",
    help="Seconds that a query may take.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=32),
    default=512,
    show_default=True,
    envvar="KG_MEMORY",
    help="Megabytes that a query may use, beside the data.",
)
@click.option(
    "--service-allow",
    "services",
    metavar="IRI",
    multiple=True,
    envvar="KG_SERVICE_ALLOW",
    help="An endpoint that queries may call by SERVICE, written in full; may be repeated.  [default: none]",
)
def serve_command(
    recipe: Path | None,
    out: Path | None,
    host: str,
    port: int,
    version: str | None,
    data: tuple[Path, ...],
    workers: int | None,
    timeout: float,
    memory: int,
    services: tuple[str, ...],
) -> None:
    """Serve the current release; make it first where there is none or the recipe has changed.

    A release that is built meanwhile takes its place without a pause, unless --release names one.

    \b
    kg serve                          at http://127.0.0.1:8000/, SPARQL at /sparql
    kg serve --port 8080 --release 2019.1.0
    kg serve --data my.ttl --data more.nq
    """
    from kg.server import serve
    from kg.workers.limits import MB, Limits, cores

    folders = places(recipe, out)
    limits = Limits.of(workers or cores(), seconds=timeout, memory=memory * MB, services=services)
    if data:
        serve(data, folders.queries, folders.out, host, port, limits)
    else:
        release = release_at(folders, version)
        serve(release, folders.queries, folders.out, host, port, limits, follow=version is None)
