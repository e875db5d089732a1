"""The command of who serves the graph."""

import os
import re
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kg.cli.options import FILE, OUT, RECIPE, STORE_ENGINE, base_of, main
from kg.cli.release_resolver import note, release_at
from kg.core.errors import language, told
from kg.core.paths import Places, places

if TYPE_CHECKING:
    from kg.core.release import Release
    from kg.http.client_address import Network
    from kg.server.request_monitor import OperatorSettings

# An address that HTTP can call: without a fragment, which is never sent, and without a password, which logs would show.
_STEP = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_ENDPOINT = re.compile(
    rf"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?(?:/(?:/|{_STEP})*)?(?:\?(?:[/?]|{_STEP})*)?",
    re.ASCII,
)


def _services_of(context: click.Context, parameter: click.Parameter, services: tuple[str, ...]) -> tuple[str, ...]:
    """Return the endpoints that were given; raise BadParameter where one is none."""
    for iri in services:
        if not _ENDPOINT.fullmatch(iri):
            remedy = "write it in full and in ASCII, such as https://data.example.org/sparql"
            raise click.BadParameter(f"{iri} is no endpoint; {remedy}")
    return services


class _Network(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions
    """An address, or a network of addresses."""

    name = "network"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Network":
        """Return the network that a text names."""
        try:
            return ip_network(str(value), strict=False)
        except ValueError as error:
            self.fail(f"{error}; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32", param, ctx)


NETWORK = _Network()
# Processes that wait for a store elsewhere: they need little of the processors here.
_WAITING = 8
_ALONE = (
    "--store says what is served, under its canonical names, and calls other endpoints without our limits; "
    "leave out --release, --data, --base and --service-allow"
)


@main.command("serve")
@RECIPE
@OUT
@click.option("--host", default="127.0.0.1", show_default=True, envvar="KG_HOST", help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, envvar="KG_PORT", help="Port to listen on.")
@click.option("--release", "version", envvar="KG_RELEASE", help="Serve this version instead of the current one.")
@click.option("--data", type=FILE, multiple=True, help="Serve RDF files instead of a release; may be repeated.")
@click.option(
    "--store",
    "url",
    metavar="URL",
    envvar="KG_STORE",
    help="Serve what this SPARQL endpoint holds (see `kg publish`); KG_STORE_USER and KG_STORE_PASSWORD, or "
    "KG_STORE_TOKEN, tell it who asks.",
)
@STORE_ENGINE
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    envvar="KG_WORKERS",
    help="Processes that answer fast queries; twice as many, at the lowest priority, take the slow ones.  "
    "[default: one for each processor; eight with --store]",
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
    callback=_services_of,
    help="An endpoint that queries may call by SERVICE, written in full; may be repeated.  [default: none]",
)
@click.option(
    "--connections",
    type=click.IntRange(min=16),
    default=1000,
    show_default=True,
    envvar="KG_CONNECTIONS",
    help="Connections at once; above that, those that have been idle longest are closed.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    type=NETWORK,
    multiple=True,
    envvar="KG_TRUSTED_PROXY",
    help="Address or network of a proxy whose X-Forwarded-For tells the client's address; may be repeated.",
)
@click.option(
    "--access-log",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="KG_ACCESS_LOG",
    help="Write a line of JSON for each request to this file, or to standard error (-).",
)
@click.option("--log-queries", is_flag=True, envvar="KG_LOG_QUERIES", help="Write the text of the queries, too.")
@click.option(
    "--base",
    metavar="IRI",
    envvar="KG_BASE",
    callback=base_of,
    help="Name things under this address, at which the top of the site is reached; the files for download keep the "
    "canonical names.",
)
@click.option(
    "--public-url",
    metavar="URL",
    envvar="KG_PUBLIC_URL",
    callback=base_of,
    help="Address at which clients reach the top of the site, behind a proxy; for what has to name it in full.",
)
def serve_command(
    recipe: Path | None, out: Path | None, version: str | None, data: tuple[Path, ...], base: str | None, **options: Any
) -> None:
    """Serve the current release; make it first where there is none or the recipe has changed.

    A release that is built meanwhile takes its place without a pause, unless --release names one.

    \b
    kg serve                          at http://127.0.0.1:8000/, SPARQL at /sparql
    kg serve --port 8080 --release 2019.1.0
    kg serve --data my.ttl --data more.nq
    kg serve --store http://127.0.0.1:8890/sparql
    kg serve --trusted-proxy 127.0.0.1 --access-log access.jsonl
    kg serve --base http://127.0.0.1:8000/
    """
    from kg.core import iris
    from kg.engine.data_source import MB, Limits, cores
    from kg.engine.remote_release import Address
    from kg.server.connection_limits import ConnectionLimits
    from kg.server.runner import serve

    folders, url = places(recipe, out), options["url"]
    _check(options, bool(version or data or base))
    if base and base != iris.BASE:
        if not data:
            release_at(folders, version)  # what is built is built here, under its canonical names
        _begin_again(base)
    workers = options["workers"] or (_WAITING if url else cores())
    serve(
        Address(url, options["engine"] or "") if url else data or _release(folders, version),
        folders.queries,
        folders.out,
        options["host"],
        options["port"],
        Limits.of(workers, seconds=options["timeout"], memory=options["memory"] * MB, services=options["services"]),
        follow=not data and version is None,  # a release that is chosen by nobody gives way to the next one
        operation=_operation(options),
        connections=ConnectionLimits(connections=options["connections"]),
    )


def _check(options: dict[str, Any], names_data: bool) -> None:
    """Raise UsageError for options that make no sense together, before anything is built for them."""
    if options["url"] and (names_data or options["services"]):
        raise click.UsageError(_ALONE)
    if options["log_queries"] and not options["access_log"]:
        raise click.UsageError("--log-queries says what --access-log writes; name a file, or - for standard error")


def _operation(options: dict[str, Any]) -> "OperatorSettings":
    """Return what those who operate the server want of it."""
    from kg.server.request_monitor import AccessLog, OperatorSettings

    log: Path | None = options["access_log"]
    log_queries: bool = options["log_queries"]
    proxies: tuple[Network, ...] = options["proxies"]
    return OperatorSettings(
        log=AccessLog(log, log_queries) if log else None, trusted=proxies, address=options["public_url"] or ""
    )


def _begin_again(base: str) -> NoReturn:
    """Replace this process by one that is started in the same way, with another base in force."""
    from kg.core.iris import SERVED_BASE

    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, SERVED_BASE: base})


def _release(folders: Places, version: str | None) -> "Release":
    """Return the release to serve. Under a base of its own nothing is built: that was done before it was in force."""
    from kg.core.iris import REBASED
    from kg.core.release import current_release

    release = (current_release(folders.out) if REBASED and not version else None) or release_at(folders, version)
    for problem in release.does_without():
        note(told(problem, language()))
    return release
