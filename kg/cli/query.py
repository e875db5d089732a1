"""Command `kg query`: run a stored query, or one from a file, on a release, RDF files or an endpoint."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.cli.options import FILE, OUT, RECIPE, main, validate_base
from kg.cli.release_resolver import read_query, release_to_read
from kg.core.paths import project_folders

if TYPE_CHECKING:
    from kg.core.stored_queries import StoredQuery

QueryRunner = Callable[[str, str | None], bytes]  # (query, format) -> serialized answer
ANSWERS = ("table", "csv", "tsv", "json", "xml", "ttl", "nt", "jsonld", "rdfxml")


@main.command("query")
@click.argument("question", metavar="FILE, NAME or -")
@click.option(
    "--endpoint", metavar="URL", envvar="KG_ENDPOINT", help="Query this SPARQL endpoint instead of the release."
)
@click.option("--format", "form", type=click.Choice(ANSWERS), envvar="KG_FORMAT", help="Format of the answer.")
@click.option("--data", type=FILE, multiple=True, help="Query these RDF files instead of the release.")
@click.option("--base", metavar="IRI", envvar="KG_BASE", callback=validate_base, help="Base IRI of the endpoint.")
@RECIPE
@OUT
def query_command(
    question: str,
    endpoint: str | None,
    form: str | None,
    data: tuple[Path, ...],
    base: str | None,
    recipe: Path | None,
    out: Path | None,
) -> None:
    """Run a stored query by its name, a query in a file, or one from standard input.

    \b
    kg query measures-by-lead-organization
    kg query my.rq --format csv > answer.csv
    echo 'SELECT (COUNT(*) AS ?n) { ?s ?p ?o }' | kg query -
    kg query my.rq --endpoint https://example.org/sparql
    kg query measures-by-pillar --endpoint http://127.0.0.1:8000/sparql --base http://127.0.0.1:8000/

    For an unknown name, similar stored queries are listed. Stored queries use the canonical IRIs; --base rewrites them
    for an endpoint that was started with its own base. Files are run unchanged.
    """
    from kg.core.store_loader import open_files, open_release
    from kg.engine.query_runner import query_endpoint, query_store

    folders = project_folders(recipe, out)
    query = read_query(question, folders)
    if endpoint:
        run: QueryRunner = partial(query_endpoint, endpoint)
    else:
        run = partial(query_store, open_files(data) if data else open_release(release_to_read(folders)))
    text = query if isinstance(query, str) else _for_newest_edition(query, base if endpoint else None, run)
    sys.stdout.buffer.write(run(text, form))
    sys.stdout.flush()


def _for_newest_edition(stored: "StoredQuery", base: str | None, run: QueryRunner) -> str:
    """Return the text of a stored query for the newest edition of the data, with its IRIs under a base."""
    from kg.core.iris import rebase_query
    from kg.core.stored_queries import EDITION, EDITIONS_QUERY

    if any(parameter.name == EDITION for parameter in stored.parameters):
        answer = json.loads(run(rebase_query(base, EDITIONS_QUERY) if base else EDITIONS_QUERY, "json"))
        found = [row["edition"]["value"] for row in answer["results"]["bindings"] if "edition" in row]
        stored = stored.for_edition(found[0] if found else "")
    return rebase_query(base, stored.text) if base else stored.text
