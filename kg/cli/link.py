"""Command `kg link`: match the cells of a table column with the entities of a release."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kg.cli.options import FOLDER, RECIPE, default, main
from kg.cli.release_resolver import note, release_to_read, show_progress
from kg.core.paths import project_folders

if TYPE_CHECKING:
    from kg.matching.link.cell_matcher import Task
    from kg.matching.link.linker import LinkResult
    from kg.matching.link.table import Table

STANDARD = Path("-")
_OUTPUTS = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm")
_FILE = click.Path(dir_okay=False, path_type=Path, allow_dash=True)


def _separator(context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """Return the separator that an option names; raise BadParameter if it is not one character."""
    separator = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}.get(given or "", given)
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        raise click.BadParameter("give one character, or “tab”")
    return separator


def _writable(context: click.Context, parameter: click.Parameter, out: Path | None) -> Path | None:
    """Return the output file; raise BadParameter for a file type that is not supported."""
    if out == STANDARD:
        return None
    if out and out.suffix.lower() not in _OUTPUTS:
        raise click.BadParameter(f"{out.name} has an unknown extension: end it in {', '.join(_OUTPUTS)}")
    return out


@main.command("link")
@click.argument("table", type=_FILE)
@click.option("--column", "-c", required=True, metavar="C", help="The column to match: its name, or its number.")
@click.option(
    "--type",
    "-t",
    "kind",
    default="measure",
    show_default=True,
    metavar="T",
    help="Type of the things to match: measure, organization, law, budget, document, place, entity, kpi, any; "
    "or text, for measures similar to a paragraph.",
)
@click.option(
    "--evidence",
    "-e",
    multiple=True,
    metavar="C",
    help="Another column that helps to identify the row: ministries, a pillar, a number. May be repeated.",
)
@click.option("--out", "-o", type=_FILE, callback=_writable, help="Write to this file (.csv, .tsv or .xlsx).")
@click.option(
    "--candidates",
    "-n",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="Number of candidates to write.",
)
@click.option("--matched-only", is_flag=True, help="Leave out candidates that are not certain matches.")
@click.option(
    "--min-score",
    type=click.FloatRange(0, 100),
    help="Leave out candidates with a lower score.  [default: 40; for --type text 10]",
)
@click.option(
    "--edition",
    metavar="KEY",
    help="Match one edition only, such as municipal-2019; without it, the newest.",
)
@click.option("--lang", type=click.Choice(["ja", "en"]), default="ja", show_default=True, envvar="KG_LANG")
@click.option("--prefix", default="shisaku_", show_default=True, help="Prefix of the names of the added columns.")
@click.option("--encoding", help="Encoding of the table, if the detected one is wrong: shift_jis, euc_jp …")
@click.option("--out-encoding", help="Encoding to write in.  [default: the encoding of the table]")
@click.option("--separator", callback=_separator, help="Separator of the cells: a character, or “tab”.")
@click.option("--sheet", help="Sheet of an Excel file.  [default: the first]")
@click.option(
    "--header-row",
    type=click.IntRange(1),
    metavar="N",
    help="The header row; the last one if there are two.  [default: detected automatically]",
)
@click.option("--processes", type=click.IntRange(1), envvar="KG_PROCESSES", help="[default: one for each processor]")
@RECIPE
@click.option("--releases", type=FOLDER, envvar="KG_OUT", help="Folder of the releases." + default("out"))
def link_command(
    table: Path, column: str, out: Path | None, recipe: Path | None, releases: Path | None, **options: Any
) -> None:
    """Find which measures, organizations, laws … the cells of a column name, without a network.

    The table is a CSV or TSV file in UTF-8 or Shift_JIS, or an Excel file (.xlsx); - is standard input. Its own columns
    are kept; columns with IRI, label, score (0 to 100), whether it is a certain match, and the reason are added.
    Without --out the new table goes to standard output.

    \b
    kg link plan.csv --column 施策名 --out plan-linked.csv
    kg link budget.xlsx --column 担当府省 --type organization --out linked.xlsx
    kg link plan.csv --column 3 --type text --candidates 3 > linked.csv
    """
    from kg.core.paths import processor_count
    from kg.matching.link.linker import link, write_table

    if out and table != STANDARD and out.resolve() == table.resolve():
        raise click.UsageError(f"{out} is the table itself; name another file")
    opened, task = _opened(table, column, options), _task(options)
    if task.type.casefold() == "text" and (options["evidence"] or task.matched_only):
        raise click.UsageError("--type text cannot be combined with --evidence and --matched-only")
    names = _names(task, options["prefix"], opened)
    note(f"{table}: {opened.about()}")
    index = release_to_read(project_folders(recipe, releases)).search_index()
    processes = options["processes"] or processor_count()
    linked = link(index, opened.values(), task, processes, _show_matched, opened.further())
    show_progress()
    written = write_table(opened, out, names, linked.added, options["out_encoding"])
    note(_summary(linked, task.type))
    if written.lost:
        note(f"{written.lost} characters of the added columns are not in {written.encoding}: they became 〓")
        note("  --out-encoding utf-8-sig keeps them")


def _opened(table: Path, column: str, options: dict[str, Any]) -> "Table":
    """Open the table; raise UsageError if it has no such column."""
    from kg.matching.link.linker import TableOptions, open_table
    from kg.matching.link.table import ColumnError

    try:
        encoding, separator, sheet = (options[name] for name in ("encoding", "separator", "sheet"))
        table_options = TableOptions(
            column, encoding, separator, sheet, options["header_row"] or 0, options["evidence"]
        )
        return open_table(table, table_options)
    except ColumnError as error:
        raise click.UsageError(str(error)) from error


def _task(options: dict[str, Any]) -> "Task":
    """Return the matching task of the options."""
    from kg.core.iris import edition
    from kg.matching.link.cell_matcher import LEAST, LEAST_OF_TEXTS, TEXT, Task

    key, least = options["edition"], options["min_score"]
    if least is None:
        least = LEAST_OF_TEXTS if options["kind"].casefold() == TEXT else LEAST
    return Task(
        options["kind"],
        options["candidates"],
        options["lang"],
        edition(key) if key else None,
        options["matched_only"],
        least,
    )


def _names(task: "Task", prefix: str, table: "Table") -> list[str]:
    """Return the names of the columns to add; raise UsageError if the table has one of them already."""
    names = task.names(prefix)
    taken = sorted({*names} & {*table.column_names()})
    if taken:
        raise click.UsageError(f"the table has a column {taken[0]} already; name the new ones by another --prefix")
    return names


def _summary(linked: "LinkResult", kind: str) -> str:
    without = linked.rows - linked.matched - linked.proposed - linked.absent
    absent = f", {linked.absent:,} with a registered name that is not in this graph" if linked.absent else ""
    of = {"any": "any type", "text": "the type measure"}.get(kind.casefold(), f"the type {kind}")
    return (
        f"{linked.rows:,} rows with a text, {linked.texts:,} different ones, matched with {linked.things:,} things "
        f"of {of}: {linked.matched:,} rows matched, {linked.proposed:,} with a proposal to be judged{absent}, "
        f"{without:,} without"
    )


def _show_matched(done: int, total: int) -> None:
    """Show how many texts have been matched, every 50 texts."""
    if done % 50 == 0 or done == total:
        show_progress(f"{done:,} of {total:,} texts …")
