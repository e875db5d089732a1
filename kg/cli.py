"""The command line. Results go to standard output, everything else to standard error.

Exit codes: 0, 1 (the answer is no, or the work cannot be done), 2 (used wrongly). Heavy modules are imported by the
command that needs them, so that `kg --help` answers at once.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg import __version__
from kg.errors import KgError, Problem, QueryError
from kg.places import Places, places

if TYPE_CHECKING:
    from kg.releases import Release

ANSWERS = ("table", "csv", "tsv", "json", "xml", "ttl", "nt", "jsonld", "rdfxml")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
RECIPE = click.option("--recipe", type=FOLDER, envvar="KG_RECIPE", help="Folder of the recipe.  [default: build/]")
OUT = click.option("--out", type=FOLDER, envvar="KG_OUT", help="Folder of the releases.  [default: out/]")


class _Group(click.Group):
    """Shows our own errors as they are meant to be read: fact and remedy, no traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KgError as error:
            click.echo(f"kg: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kg")
def main() -> None:
    """Japan's national digital-policy measures (施策) as linked data.

    \b
    kg build                          make the release from the source
    kg serve                          serve it: http://127.0.0.1:8000/
    kg query measures-by-lead-organization
    kg check                          find every problem in the declarative files

    Every option can also be given by an environment variable KG_<OPTION>, such as KG_PORT=8080.
    """


@main.command("build")
@RECIPE
@OUT
@click.option(
    "--draft", "drafting", is_flag=True, help="Only tables and graph, into out/draft: a quick look, no release."
)
@click.option("--mint", "minting", is_flag=True, help="Add new identifiers to the ledger, build/identifiers.csv.")
@click.option("--timings", is_flag=True, envvar="KG_TIMINGS", help="Show how long each stage took.")
def build_command(recipe: Path | None, out: Path | None, drafting: bool, minting: bool, timings: bool) -> None:
    """Make the release that the recipe describes.

    \b
    kg build                          into out/, and out/current points to it
    kg build --recipe my-recipe --out /tmp/out --timings
    kg build --draft                  only the tables and the graph, in out/draft
    """
    folders = places(recipe, out)
    _build(folders, timings, drafting=drafting)
    if minting:
        from kg.pipeline import mint

        click.echo(f"{mint(folders)} new identifiers added to {folders.recipe / 'identifiers.csv'}")


def _build(
    folders: Places, timings: bool = False, echo: Callable[[str], None] = click.echo, drafting: bool = False
) -> None:
    """Build and say what was done."""
    from kg.pipeline import build, draft
    from kg.report import summary

    start = time.perf_counter()
    built = (draft if drafting else build)(folders, _progress)
    _progress("")
    seconds = time.perf_counter() - start
    if not built.made:
        echo(f"Release {built.release.version} is up to date: {built.release.folder}")
        return
    for remark in built.remarks:
        _note(f"kg: {remark}")
    echo(summary(built.release, built.records, len(built.new)))
    if timings:
        for stage, took in built.seconds.items():
            echo(f"  {took:7.3f} s  {took / seconds:4.0%}  {stage}")
        echo(f"  {seconds:7.3f} s  100%  all")


def _progress(stage: str) -> None:
    """Show the stage at work, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{stage} …" if stage else "\r\x1b[K", nl=False, err=True)


@main.command("serve")
@RECIPE
@OUT
@click.option("--host", default="127.0.0.1", show_default=True, envvar="KG_HOST", help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, envvar="KG_PORT", help="Port to listen on.")
@click.option("--release", "version", envvar="KG_RELEASE", help="Serve this version instead of the current one.")
@click.option("--data", type=FILE, multiple=True, help="Serve RDF files instead of a release; may be repeated.")
def serve_command(
    recipe: Path | None, out: Path | None, host: str, port: int, version: str | None, data: tuple[Path, ...]
) -> None:
    """Serve the current release; make it first where there is none or the recipe has changed.

    \b
    kg serve                          at http://127.0.0.1:8000/, SPARQL at /sparql
    kg serve --port 8080 --release 2019.1.0
    kg serve --data my.ttl --data more.nq
    """
    from kg.server import serve

    folders = places(recipe, out)
    if data:
        from kg.store import open_files

        serve(open_files(data), folders.queries, folders.out, host, port)
    else:
        serve(_release(folders, version), folders.queries, folders.out, host, port)


def _release(folders: Places, version: str | None = None) -> "Release":
    """Return the release that is asked for, or the current one, made from the files at hand.

    In a checkout the files are there to be edited, so a release that is older than them is made again; an installed
    program only says so.
    """
    from kg.releases import current_release, release_of

    if version:
        return release_of(folders.out, version)
    from kg.pipeline import is_current

    release = current_release(folders.out)
    if release and is_current(folders):
        return release
    if release and not folders.checkout:
        click.echo(f"kg: release {release.version} was made from other files; `kg build` makes a new one", err=True)
        return release
    _build(folders, echo=_note)
    made = current_release(folders.out)
    assert made is not None  # the build has just switched to it
    return made


def _note(text: str) -> None:
    click.echo(text, err=True)


@main.command("query")
@click.argument("question", metavar="FILE, NAME or -")
@click.option("--endpoint", metavar="URL", envvar="KG_ENDPOINT", help="Ask this SPARQL endpoint, not the release.")
@click.option("--format", "form", type=click.Choice(ANSWERS), envvar="KG_FORMAT", help="Form of the answer.")
@click.option("--data", type=FILE, multiple=True, help="Ask these RDF files instead of the release.")
@RECIPE
@OUT
def query_command(
    question: str,
    endpoint: str | None,
    form: str | None,
    data: tuple[Path, ...],
    recipe: Path | None,
    out: Path | None,
) -> None:
    """Ask a stored query by its name, a query in a file, or one from standard input.

    \b
    kg query measures-by-lead-organization
    kg query my.rq --format csv > answer.csv
    echo 'SELECT (COUNT(*) AS ?n) { ?s ?p ?o }' | kg query -
    kg query my.rq --endpoint https://example.org/sparql

    Without a name that is known, the stored queries at hand are listed.
    """
    from kg.ask import ask_endpoint, ask_store
    from kg.store import open_files, open_release

    folders = places(recipe, out)
    text = _question(question, folders)
    if endpoint:
        answer = ask_endpoint(endpoint, text, form)
    else:
        store = open_files(data) if data else open_release(_release(folders))
        answer = ask_store(store, text, form)
    sys.stdout.buffer.write(answer)
    sys.stdout.flush()


def _question(question: str, folders: Places) -> str:
    """Return the text of a query: standard input, a file, or a stored query."""
    from kg.queries import stored_query

    if question == "-":
        return sys.stdin.read()
    file = Path(question)
    if file.suffix == ".rq" or file.is_file():
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise QueryError(Problem(f"cannot be read: {error}", "name a file with a query in UTF-8", file)) from error
    return stored_query(folders.queries, question).text


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
    from kg.explain import Explainer, as_text
    from kg.store import open_release

    store = open_release(_release(places(recipe, out)))
    click.echo(as_text(Explainer(store).explain(iri, predicate, value)), nl=False)


@main.command("validate")
@click.argument("files", nargs=-1, type=FILE)
@click.option("--shapes", type=FOLDER, envvar="KG_SHAPES", help="Folder of the shapes.  [default: shapes/]")
@click.option(
    "--engine",
    type=click.Choice(["pyshacl", "shacl"]),
    default="pyshacl",
    show_default=True,
    envvar="KG_ENGINE",
    help="pyshacl is the reference; shacl is the fast one (extra `fast`).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "turtle", "json"]),
    default="text",
    show_default=True,
    envvar="KG_REPORT",
)
@click.option("--lang", type=click.Choice(["ja", "en"]), default="en", show_default=True, envvar="KG_LANG")
@RECIPE
@OUT
def validate_command(
    files: tuple[Path, ...],
    shapes: Path | None,
    engine: str,
    form: str,
    lang: str,
    recipe: Path | None,
    out: Path | None,
) -> None:
    """Check a release, or any RDF files, against the SHACL shapes; exit code 1 where there is a violation.

    \b
    kg validate
    kg validate my.ttl --format turtle > report.ttl
    kg validate --engine shacl --lang ja
    """
    from kg.releases import GRAPH
    from kg.validate import validate

    folders = places(recipe, out)
    report = validate(files or [_release(folders).path(GRAPH)], shapes or folders.shapes, engine)
    text = {"text": lambda: report.text(lang), "turtle": lambda: report.turtle().decode(), "json": report.json}[form]()
    click.echo(text, nl=not text.endswith("\n"))
    if not report.conforms:
        raise click.exceptions.Exit(1)


@main.command("check")
@RECIPE
def check_command(recipe: Path | None) -> None:
    """Find every problem in the recipe, the ontology, the shapes and the queries, each with file, line and remedy."""
    from kg.checks import problems_of

    problems = problems_of(places(recipe))
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        click.echo(f"{len(problems)} problem(s) found.", err=True)
        raise click.exceptions.Exit(1)
    click.echo("No problem found.")
