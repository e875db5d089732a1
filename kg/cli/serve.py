"""Command `kg serve`: serve a release, RDF files or an external store over HTTP."""

import os
import re
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kg.cli.options import AUTHORITY, FILE, OUT, PCHAR, RECIPE, STORE_ENGINE, main, validate_base
from kg.cli.release_resolver import note, release_at
from kg.core.errors import format_problem, language
from kg.core.paths import Folders, project_folders

if TYPE_CHECKING:
    from kg.core.release import Release
    from kg.http.client_address import Network
    from kg.server.request_monitor import OperatorSettings

# An HTTP URL without a fragment, which is never sent, and without a password, which logs would show.
_ENDPOINT = re.compile(rf"{AUTHORITY}(?:/(?:/|{PCHAR})*)?(?:\?(?:[/?]|{PCHAR})*)?", re.ASCII)


def _validate_services(
    context: click.Context, parameter: click.Parameter, services: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the endpoints as given; raise BadParameter for one that is not an absolute HTTP URL."""
    for iri in services:
        if not _ENDPOINT.fullmatch(iri):
            remedy = "write it in full and in ASCII, such as https://data.example.org/sparql"
            raise click.BadParameter(f"{iri} is not the address of an endpoint; {remedy}")
    return services


class _Network(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions
    """Parameter type for an IP address or network."""

    name = "network"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Network":
        """Parse an IP address or network."""
        try:
            return ip_network(str(value), strict=False)
        except ValueError as error:
            self.fail(f"{error}; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32", param, ctx)


NETWORK = _Network()
# Workers for an external store: they mostly wait for it, so they may outnumber the processors.
_REMOTE_WORKERS = 8
_STORE_CONFLICT = "--store cannot be combined with --release, --data, --base or --service-allow"


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
    help="Serve the data of this SPARQL endpoint (see `kg publish`); credentials are KG_STORE_USER and "
    "KG_STORE_PASSWORD, or KG_STORE_TOKEN.",
)
@STORE_ENGINE
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    envvar="KG_WORKERS",
    help="Worker processes for fast queries; twice as many, at the lowest priority, run the slow ones.  "
    "[default: one for each processor; eight with --store]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=30,
    show_default=True,
    envvar="KG_TIMEOUT",
    help="Time limit of a query, in seconds.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=32),
    default=512,
    show_default=True,
    envvar="KG_MEMORY",
    help="Memory limit of a query, in megabytes, not counting the data.",
)
@click.option(
    "--service-allow",
    "services",
    metavar="IRI",
    multiple=True,
    envvar="KG_SERVICE_ALLOW",
    callback=_validate_services,
    help="Absolute URL of an endpoint that queries may call by SERVICE; may be repeated.  [default: none]",
)
@click.option(
    "--connections",
    type=click.IntRange(min=16),
    default=1000,
    show_default=True,
    envvar="KG_CONNECTIONS",
    help="Limit of open connections; beyond it, the longest idle ones are closed.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    type=NETWORK,
    multiple=True,
    envvar="KG_TRUSTED_PROXY",
    help="Address or network of a proxy whose X-Forwarded-For is trusted; may be repeated.",
)
@click.option(
    "--access-log",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="KG_ACCESS_LOG",
    help="Write a line of JSON for each request to this file, or to standard error (-).",
)
@click.option(
    "--log-queries", is_flag=True, envvar="KG_LOG_QUERIES", help="Include the text of the queries in the access log."
)
@click.option(
    "--base",
    metavar="IRI",
    envvar="KG_BASE",
    callback=validate_base,
    help="Base IRI of the served data, which is the address of the site's root; downloads keep the canonical IRIs.",
)
@click.option(
    "--public-url",
    metavar="URL",
    envvar="KG_PUBLIC_URL",
    callback=validate_base,
    help="Public address of the site's root, if it is behind a proxy; used wherever an absolute URL is needed.",
)
def serve_command(
    recipe: Path | None, out: Path | None, version: str | None, data: tuple[Path, ...], base: str | None, **options: Any
) -> None:
    """Serve the current release; build it first if there is none or the recipe has changed.

    A newer release replaces it without downtime as soon as it is built, unless --release names one.

    \b
    kg serve                          at http://127.0.0.1:8000/, SPARQL at /sparql
    kg serve --port 8080 --release 2019.1.0
    kg serve --data my.ttl --data more.nq
    kg serve --store http://127.0.0.1:8890/sparql
    kg serve --trusted-proxy 127.0.0.1 --access-log access.jsonl
    kg serve --base http://127.0.0.1:8000/
    """
    from kg.core import iris
    from kg.core.paths import processor_count
    from kg.engine.data_source import MB, Limits
    from kg.engine.remote_release import StoreAddress
    from kg.server.connection_limits import ConnectionLimits
    from kg.server.runner import serve

    folders, url = project_folders(recipe, out), options["url"]
    _check_options(options, bool(version or data or base))
    if base and base != iris.BASE:
        if not data:
            release_at(folders, version)  # build before the base is in force: a release has canonical IRIs
        _restart_with_base(base)
    workers = options["workers"] or (_REMOTE_WORKERS if url else processor_count())
    serve(
        StoreAddress(url, options["engine"] or "") if url else data or _release_to_serve(folders, version),
        folders.queries,
        folders.out,
        options["host"],
        options["port"],
        Limits.of(workers, seconds=options["timeout"], memory=options["memory"] * MB, services=options["services"]),
        follow=not data and version is None,  # only an unpinned release is replaced by the next one
        operation=_operation_settings(options),
        connections=ConnectionLimits(connections=options["connections"]),
    )


def _check_options(options: dict[str, Any], names_data: bool) -> None:
    """Raise UsageError for options that exclude each other, before anything is built for them."""
    if options["url"] and (names_data or options["services"]):
        raise click.UsageError(_STORE_CONFLICT)
    if options["log_queries"] and not options["access_log"]:
        raise click.UsageError("--log-queries needs --access-log: name a file, or - for standard error")


def _operation_settings(options: dict[str, Any]) -> "OperatorSettings":
    """Return the operator's settings: access log, trusted proxies, public URL."""
    from kg.server.request_monitor import AccessLog, OperatorSettings

    log: Path | None = options["access_log"]
    log_queries: bool = options["log_queries"]
    proxies: tuple[Network, ...] = options["proxies"]
    return OperatorSettings(
        log=AccessLog(log, log_queries) if log else None, trusted=proxies, address=options["public_url"] or ""
    )


def _restart_with_base(base: str) -> NoReturn:
    """Replace this process by one with the same arguments and another base IRI in force."""
    from kg.core.iris import SERVED_BASE

    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, SERVED_BASE: base})


def _release_to_serve(folders: Folders, version: str | None) -> "Release":
    """Return the release to serve, and warn of unusable parts. After a restart with a base nothing is built again."""
    from kg.core.iris import REBASED
    from kg.core.release import current_release

    release = (current_release(folders.out) if REBASED and not version else None) or release_at(folders, version)
    for problem in release.incompatible_parts():
        note(format_problem(problem, language()))
    return release
