"""Tables of a release as CSV files, CSV on the Web metadata, and one Excel workbook.

CSV is UTF-8 without byte order mark, quoted by RFC 4180; several values are joined by `|`. The columns of measures,
kpis and targets are a public contract. The metadata give titles in both languages, datatypes and keys.

In the workbook every cell is text: Excel would turn the measure number 01-05 into a date, a text that begins with `-`
or `=` into a formula, and would round corporate numbers. Its first sheet gives title, terms and the meaning of each
column.
"""

import csv
import datetime
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format

from kg.core import spans
from kg.extract.numerals import format_decimal
from kg.model.records import Issue, Kpi, Measure, Organization, Records, Target
from kg.recipe.loader import Catalogue, Text

Row = dict[str, str]
SEPARATOR = "|"


@dataclass(frozen=True)
class Table:
    """A table of a release; every value is a text, empty if there is none.

    Its rows can be iterated several times, and need not be in memory.
    """

    name: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[str]]

    @property
    def file(self) -> str:
        """The name of its CSV file."""
        return f"{self.name}.csv"

    def csv(self, header: bool = True) -> bytes:
        """Return the table as CSV, with or without its header."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        if header:
            writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue().encode()


def columns() -> dict[str, tuple[str, ...]]:
    """Return the columns of every table by its name, in the order of the tables."""
    return {name: tuple(named.split()) for name, (named, _) in _TABLES.items()}


def tables(records: Records) -> tuple[Table, ...]:
    """Return the tables of some records."""
    return tuple(_table(name, tuple(columns.split()), rows(records)) for name, (columns, rows) in _TABLES.items())


def _table(name: str, columns: tuple[str, ...], rows: Iterable[Row]) -> Table:
    return Table(name, columns, tuple(tuple(row[column] for column in columns) for row in rows))


def _join(values: Iterable[str]) -> str:
    """Return the distinct values joined by `|`, which becomes full-width inside a value."""
    return SEPARATOR.join(dict.fromkeys(value.replace(SEPARATOR, "｜") for value in values))


def _place(measure: Measure) -> Row:
    return {"edition": measure.edition, "row": measure.row, "number": measure.number}


def _measures(records: Records) -> Iterator[Row]:
    for measure in records.measures:
        yield {
            **_place(measure),
            "iri": measure.iri,
            "title_ja": measure.title,
            "title_en": measure.title_en,
            "pillar": measure.pillar.label_ja if measure.pillar else "",
            "listed_from": measure.listed_from,
            "listing_status": measure.listing_status,
            "effects": _join(measure.effects),
            "effects_uncertain": str(measure.effects_uncertain).lower(),
            "lead": _join(body.name for body in measure.lead),
            "participating": _join(body.name for body in measure.participating),
            "groups": _join(body.name for body in measure.groups),
            "budgets": _join(programme.name for programme in measure.programmes),
            "urls": _join(document.url for document in measure.documents),
            "page": str(measure.page),
            "line": str(measure.line),
        }


def _of_kpis(records: Records) -> Iterator[tuple[Measure, Kpi]]:
    for measure in records.measures:
        for kpi in measure.kpis:
            yield measure, kpi


def _kpis(records: Records) -> Iterator[Row]:
    for measure, kpi in _of_kpis(records):
        yield {
            **_place(measure),
            "iri": kpi.iri,
            "kind": kpi.kind,
            "text": kpi.text,
            "status": kpi.status,
            "set_by": kpi.set_by,
            "measure": measure.iri,
            "group": kpi.group,
        }


def _targets(records: Records) -> Iterator[Row]:
    for measure, kpi in _of_kpis(records):
        for target in kpi.targets:
            yield {**_place(measure), "kind": kpi.kind, "kpi": kpi.iri, **_target(target)}


def _target(target: Target) -> Row:
    return {
        "iri": target.iri,
        "role": target.role,
        "value": "" if target.value is None else format_decimal(target.value),
        "comparator": target.comparator,
        "unit": target.unit,
        "period": target.period,
        "baseline_period": target.baseline_period,
        "text": target.words,
        "direction": target.direction,
    }


def _organizations(records: Records) -> Iterator[Row]:
    bodies: dict[str, Organization] = {}
    counts: dict[str, dict[str, int]] = {}
    for measure in records.measures:
        for role in ("lead", "participating", "groups"):
            for body in getattr(measure, role):
                bodies[body.iri] = body
                roles = counts.setdefault(body.iri, {"lead": 0, "participating": 0, "groups": 0})
                roles[role] += 1
    for iri, body in sorted(bodies.items()):
        code = body.code
        yield {
            "iri": iri,
            "kind": "group" if body.group else "organization",
            "name_ja": code.label_ja if code else body.name,
            "name_en": code.label_en if code else "",
            "abbreviation": code.row["abbreviation"] if code else "",
            "corporate_number": code.row["corporate_number"] if code else "",
            "known": str(code is not None).lower(),
            "measures_led": str(counts[iri]["lead"]),
            "measures_joined": str(counts[iri]["participating"] + counts[iri]["groups"]),
        }


def _documents(records: Records) -> Iterator[Row]:
    for measure in records.measures:
        for document in measure.documents:
            yield {
                **_place(measure),
                "measure": measure.iri,
                "iri": document.iri,
                "title": document.title,
                "url": document.url,
                "printed_url": document.printed,
            }


def _corrections(records: Records) -> Iterator[Row]:
    for edition in records.editions:
        for source_row in edition.rows:
            for cell in source_row.cells:
                for entry in cell.corrections:
                    yield {
                        "edition": edition.source.key,
                        "id": entry.id,
                        "action": entry.action,
                        "page": str(cell.cell.page),
                        "line": str(cell.cell.line),
                        "cell": cell.iri,
                        "column": cell.column,
                        "printed": entry.printed,
                        "corrected": entry.corrected,
                        "reason_ja": entry.reason_ja,
                        "reason_en": entry.reason_en,
                        "evidence": entry.evidence,
                        "decided_by": entry.decided_by,
                        "decided_on": entry.decided_on,
                    }


def _issues(records: Records) -> Iterator[Row]:
    for issue in records.issues:
        yield _issue(issue)


def _issue(issue: Issue) -> Row:
    return {
        "edition": issue.edition,
        "row": issue.row,
        "number": issue.number,
        "page": str(issue.page),
        "line": str(issue.line),
        "position": str(issue.position),
        "type": issue.type,
        "severity": issue.severity,
        "message_ja": issue.message_ja,
        "message_en": issue.message_en,
        "text": issue.words,
    }


def _links(records: Records) -> Iterator[Row]:
    for link in records.references.links:
        metadata, (table, _, line) = link.metadata, link.sources[0]
        yield {
            "subject_id": link.subject,
            "predicate_id": metadata.predicate,
            "predicate_modifier": "Not" if metadata.rejected else "",
            "object_id": link.object,
            "mapping_justification": metadata.justification,
            "author_label": metadata.author,
            "mapping_date": metadata.date,
            "confidence": metadata.confidence,
            "comment": metadata.comment,
            "target": metadata.target.key,
            "status": link.status,
            "file": f"build/{table}.csv",
            "file_line": str(line),
        }


def _revisions(records: Records) -> Iterator[Row]:
    for found in records.revisions:
        yield {
            "subject_id": found.later,
            "predicate_id": "prov:wasRevisionOf",
            "predicate_modifier": "Not" if found.status == "rejected" else "",
            "object_id": found.earlier,
            "status": found.status,
            "grade": found.grade,
            "same_number": str(found.same_number).lower(),
            "title_similarity": str(found.similarity),
            "shared_kpis": _join(found.kpis),
            "comment": found.row["comment"] if found.row else "",
        }


def _local(records: Records) -> Iterator[Row]:
    for local in records.local:
        yield {
            "plan": local.plan,
            "number": local.number,
            "iri": local.iri,
            "title": local.title,
            "department": local.department,
            "schedule": local.schedule,
            "cited_as": local.cited_as,
            "cites": _join(local.cites),
        }


_TABLES: dict[str, tuple[str, Callable[[Records], Iterator[Row]]]] = {
    "measures": (
        "edition row number iri title_ja title_en pillar listed_from listing_status effects effects_uncertain lead"
        " participating groups budgets urls page line",
        _measures,
    ),
    "kpis": ("edition row number iri kind text status set_by measure group", _kpis),
    "targets": (
        "edition row number iri kind role value comparator unit period baseline_period text direction kpi",
        _targets,
    ),
    "organizations": (
        "iri kind name_ja name_en abbreviation corporate_number known measures_led measures_joined",
        _organizations,
    ),
    "documents": ("edition row number measure iri title url printed_url", _documents),
    "links": (
        "subject_id predicate_id predicate_modifier object_id mapping_justification author_label mapping_date"
        " confidence comment target status file file_line",
        _links,
    ),
    "revisions": (
        "subject_id predicate_id predicate_modifier object_id status grade same_number title_similarity shared_kpis"
        " comment",
        _revisions,
    ),
    "local-measures": ("plan number iri title department schedule cited_as cites", _local),
    "corrections": (
        "edition id action page line cell column printed corrected reason_ja reason_en evidence decided_by decided_on",
        _corrections,
    ),
    "issues": ("edition row number page line position type severity message_ja message_en text", _issues),
}


# Datatypes of columns other than text, by column name; columns of MULTIVALUED have several values.
DATATYPES = {
    **dict.fromkeys(("page", "line", "file_line", "position", "measures_led", "measures_joined"), "integer"),
    **dict.fromkeys(("effects_uncertain", "known"), "boolean"),
    **dict.fromkeys(("iri", "measure", "kpi", "cell", "subject_id", "object_id"), "anyURI"),
    **dict.fromkeys(("value", "confidence"), "decimal"),
    **dict.fromkeys(("decided_on", "mapping_date"), "date"),
}
MULTIVALUED = ("effects", "lead", "participating", "groups", "budgets", "urls")
# Primary and foreign keys. Issues have no identifier, and a measure may print a document twice.
PRIMARY = {
    "measures": ("iri",),
    "kpis": ("iri",),
    "targets": ("iri",),
    "organizations": ("iri",),
    "links": ("subject_id", "predicate_id", "object_id"),
    "corrections": ("edition", "id", "cell"),
}
FOREIGN = {
    "kpis": {"measure": "measures"},
    "targets": {"kpi": "kpis"},
    "documents": {"measure": "measures"},
}


def csv_metadata(tables: Iterable[Table], catalogue: Catalogue, title: Text, issued: str) -> bytes:
    """Return `csv-metadata.json`, the file that CSVW readers look for next to a table."""
    metadata = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": _texts(title),
        "dc:issued": {"@value": issued, "@type": "xsd:date"},
        "dc:license": {"@id": catalogue.licence},
        "dc:rights": _texts(catalogue.rights),
        "dialect": {"encoding": "utf-8", "header": True, "lineTerminators": ["\r\n", "\n"]},
        "tables": [_table_description(table, catalogue) for table in tables],
    }
    return (json.dumps(metadata, ensure_ascii=False, indent=1) + "\n").encode()


def _texts(text: Text) -> list[dict[str, str]]:
    return [{"@value": text.ja, "@language": "ja"}, {"@value": text.en, "@language": "en"}]


def _table_description(table: Table, catalogue: Catalogue) -> dict[str, Any]:
    texts = catalogue.tables[table.name]
    primary = PRIMARY.get(table.name, ())
    schema: dict[str, Any] = {"columns": [_column(name, texts.columns[name], primary) for name in table.columns]}
    if primary:
        schema["primaryKey"] = list(primary)
    foreign = FOREIGN.get(table.name, {})
    if foreign:
        schema["foreignKeys"] = [
            {"columnReference": column, "reference": {"resource": f"{other}.csv", "columnReference": "iri"}}
            for column, other in foreign.items()
        ]
    return {"url": table.file, "dc:title": _texts(texts.title), "tableSchema": schema}


def _column(name: str, text: Text, primary: tuple[str, ...]) -> dict[str, Any]:
    """Return the description of a column; its first title equals the header, as validators require."""
    column: dict[str, Any] = {
        "name": name,
        "titles": {"en": list(dict.fromkeys((name, text.en))), "ja": text.ja},
        "datatype": DATATYPES.get(name, "string"),
    }
    if name in MULTIVALUED:
        column["separator"] = SEPARATOR
    if name in primary:
        column["required"] = True
    return column


ABOUT = "about"
MAX_ROWS = 1_048_575  # rows of a sheet below its header; a longer table is complete in the CSV only
MAX_CELL_LENGTH = 32_767  # maximum length of a cell in Excel, in UTF-16 code units
TRUNCATED = "… [CSV]"  # ends a truncated text; the CSV has all of it
# Rows of all tables; a larger workbook is streamed row by row, with inline instead of shared strings.
_IN_MEMORY = 100_000
_NOT_XML = re.compile("[\ufffe\uffff]")  # the library escapes the other characters that are invalid in XML
_NARROWEST, _WIDEST = 6, 60


def write_workbook(
    file: Path, tables: Sequence[Table], catalogue: Catalogue, title: Text, version: str, issued: str
) -> None:
    """Write the workbook, byte-identical from build to build; long tables are streamed to disk."""
    rows = sum(1 for table in tables for _ in islice(table.rows, _IN_MEMORY + 1))
    large = {"constant_memory": True, "tmpdir": str(file.parent)}
    options = large if rows > _IN_MEMORY else {"in_memory": True}
    with xlsxwriter.Workbook(str(file), {**options, "strings_to_urls": False}) as book:
        created = datetime.datetime.fromisoformat(issued)
        author = f"{catalogue.publisher.ja} / {catalogue.publisher.en}"
        book.set_properties({"title": f"{title.ja} / {title.en} {version}", "author": author, "created": created})
        text = book.add_format({"num_format": "@", "valign": "top"})
        head = book.add_format({"num_format": "@", "bold": True, "bottom": 1})
        about = Table(ABOUT, ("name", "ja", "en"), tuple(_about(tables, catalogue, title, version, issued)))
        for table in (about, *tables):
            _sheet(book, table, text, head)


def _about(
    tables: Iterable[Table], catalogue: Catalogue, title: Text, version: str, issued: str
) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of the first sheet: title, terms, and the titles of tables and columns."""
    for name, text in (
        ("title", title),
        ("version", Text(version, version)),
        ("issued", Text(issued, issued)),
        ("description", catalogue.description),
        ("licence", Text(catalogue.licence, catalogue.licence)),
        ("rights", catalogue.rights),
    ):
        yield name, text.ja, text.en
    for table in tables:
        texts = catalogue.tables[table.name]
        yield table.name, texts.title.ja, texts.title.en
        for column in table.columns:
            yield f"{table.name}.{column}", texts.columns[column].ja, texts.columns[column].en


def _sheet(book: xlsxwriter.Workbook, table: Table, text: Format, head: Format) -> None:
    sheet = book.add_worksheet(table.name)
    sheet.freeze_panes(1, 0)
    widths = [_width(name) for name in table.columns]
    for values in table.rows:
        widths = [
            width if width >= _WIDEST else max(width, _width(value))
            for width, value in zip(widths, values, strict=True)
        ]
    for column, (name, width) in enumerate(zip(table.columns, widths, strict=True)):
        sheet.set_column(column, column, min(max(width, _NARROWEST), _WIDEST), text)  # cells typed later are text, too
        sheet.write_string(0, column, name, head)
    row = 0
    for row, values in enumerate(islice(table.rows, MAX_ROWS), 1):
        for column, value in enumerate(values):
            if value:
                sheet.write_string(row, column, _cell(value), text)
    last = row, len(table.columns) - 1
    sheet.autofilter(0, 0, *last)
    sheet.ignore_errors({"number_stored_as_text": xlsxwriter.utility.xl_range(0, 0, *last)})


def _cell(value: str) -> str:
    """Return a text without characters that Excel cannot hold, truncated to its limit."""
    value = _NOT_XML.sub("\ufffd", value)
    if len(value) <= MAX_CELL_LENGTH // 2 or len(value.encode("utf-16-le")) // 2 <= MAX_CELL_LENGTH:
        return value
    truncated = value.encode("utf-16-le")[: 2 * (MAX_CELL_LENGTH - len(TRUNCATED))]
    return truncated.decode("utf-16-le", errors="ignore") + TRUNCATED


def _width(value: str) -> int:
    """Return the display width of the longest line; a full-width character counts two."""
    return max(spans.columns(line[:_WIDEST]) for line in value.split("\n", 3)[:3]) + 2
