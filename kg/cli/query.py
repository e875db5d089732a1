"""The commands of who asks the graph: query, explain, cite."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.cli.options import FILE, OUT, RECIPE, base_of, main
from kg.cli.release_resolver import release_to_read
from kg.core.errors import Problem, QueryError
from kg.core.paths import Places, places

if TYPE_CHECKING:
    from kg.core.stored_queries import StoredQuery

Asking = Callable[[str, str | None], bytes]  # answers a query in a form
CITATIONS = ("text", "bibtex", "csl-json", "ris")
ANSWERS = ("table", "csv", "tsv", "json", "xml", "ttl", "nt", "jsonld", "rdfxml")


@main.command("query")
@click.argument("question", metavar="FILE, NAME or -")
@click.option("--endpoint", metavar="URL", envvar="KG_ENDPOINT", help="Ask this SPARQL endpoint, not the release.")
@click.option("--format", "form", type=click.Choice(ANSWERS), envvar="KG_FORMAT", help="Form of the answer.")
@click.option("--data", type=FILE, multiple=True, help="Ask these RDF files instead of the release.")
@click.option("--base", metavar="IRI", envvar="KG_BASE", callback=base_of, help="The endpoint's own base of names.")
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
    """Ask a stored query by its name, a query in a file, or one from standard input.

    \b
    kg query measures-by-lead-organization
    kg query my.rq --format csv > answer.csv
    echo 'SELECT (COUNT(*) AS ?n) { ?s ?p ?o }' | kg query -
    kg query my.rq --endpoint https://example.org/sparql
    kg query measures-by-pillar --endpoint http://127.0.0.1:8000/sparql --base http://127.0.0.1:8000/

    Without a name that is known, the stored queries at hand are listed. A stored query has the canonical names; --base
    gives them those of an endpoint that was started with a base of its own. Files are asked as they are.
    """
    from kg.core.store_loader import open_files, open_release
    from kg.engine.query_runner import ask_endpoint, ask_store

    folders = places(recipe, out)
    asked = _question(question, folders)
    if endpoint:
        ask: Asking = partial(ask_endpoint, endpoint)
    else:
        ask = partial(ask_store, open_files(data) if data else open_release(release_to_read(folders)))
    text = asked if isinstance(asked, str) else _of_the_newest(asked, base if endpoint else None, ask)
    sys.stdout.buffer.write(ask(text, form))
    sys.stdout.flush()


def _question(question: str, folders: Places) -> "str | StoredQuery":
    """Return a stored query of this name, or the text of one from standard input or a file."""
    from kg.core.paths import decode, read_text
    from kg.core.stored_queries import stored_query

    if question == "-":
        return decode(sys.stdin.buffer.read(), question, QueryError)
    file = Path(question)
    if file.suffix == ".rq" or file.is_file():
        try:
            return read_text(file, QueryError)
        except OSError as error:
            fact = f"cannot be read: {error.strerror}"
            raise QueryError(Problem(fact, "name a file with a query in UTF-8", file)) from error
    return stored_query(folders.queries, question)


def _of_the_newest(stored: "StoredQuery", base: str | None, ask: Asking) -> str:
    """Return the text of a stored query about the newest edition there is, its names under a base of their own."""
    from kg.core.iris import under
    from kg.core.stored_queries import EDITION, EDITIONS

    if any(parameter.name == EDITION for parameter in stored.parameters):
        answer = json.loads(ask(under(base, EDITIONS) if base else EDITIONS, "json"))
        found = [row["edition"]["value"] for row in answer["results"]["bindings"] if "edition" in row]
        stored = stored.about(found[0] if found else "")
    return under(base, stored.text) if base else stored.text


@main.command("explain")
@click.argument("iri")
@click.argument("predicate", default="")
@click.argument("value", default="")
@RECIPE
@OUT
def explain_command(iri: str, predicate: str, value: str, recipe: Path | None, out: Path | None) -> None:
    """Tell where a value comes from: the printed characters with their place, or the row of the recipe.

    \b
    kg explain id:municipal-2019/measure/08-03
    kg explain id:municipal-2019/measure/08-03 shisaku:pillar
    kg explain id:organization/mic skos:prefLabel
    """
    from kg.core.store_loader import open_release
    from kg.engine.provenance import Explainer, as_text

    store = open_release(release_to_read(places(recipe, out)))
    click.echo(as_text(Explainer(store).explain(iri, predicate, value)), nl=False)


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
    """Say how to cite the release, or an answer of it: with its version, the query, the source and the terms.

    \b
    kg cite
    kg cite --query measures-by-lead-organization --format bibtex
    kg cite --query my.rq --release 2019.1.0 --lang ja
    """
    from kg.web.citations import FORMATS, CitedQuery, citation

    folders = places(recipe, out)
    release, asked = release_to_read(folders, version), None
    if question and (question == "-" or question.endswith(".rq") or Path(question).is_file()):
        asked = CitedQuery(str(_question(question, folders)))
    elif question:
        asked = CitedQuery.stored(release, question, lang)
    click.echo(FORMATS[form][2](citation(release, lang, asked)), nl=False)
