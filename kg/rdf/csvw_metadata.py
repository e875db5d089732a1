"""The tables described for programs: CSV on the Web metadata, with titles in both languages, datatypes and keys."""

import json
from collections.abc import Iterable
from typing import Any

from kg.rdf.csv_tables import SEPARATOR, Table
from kg.recipe.release_texts import Catalogue, Text

# What is no plain text, by the name of the column; several values stand in those of SEVERAL.
DATATYPES = {
    **dict.fromkeys(("page", "line", "file_line", "position", "measures_led", "measures_joined"), "integer"),
    **dict.fromkeys(("effects_uncertain", "known"), "boolean"),
    **dict.fromkeys(("iri", "measure", "kpi", "cell", "subject_id", "object_id"), "anyURI"),
    **dict.fromkeys(("value", "confidence"), "decimal"),
    **dict.fromkeys(("decided_on", "mapping_date"), "date"),
}
SEVERAL = ("effects", "lead", "participating", "groups", "budgets", "urls")
# The columns that identify a row, and those that name a row of another table. Issues have no name of their own, and a
# measure may print a document twice.
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
    """Return `csv-metadata.json`; its place and name are those where CSVW readers look for it."""
    metadata = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": _texts(title),
        "dc:issued": {"@value": issued, "@type": "xsd:date"},
        "dc:license": {"@id": catalogue.licence},
        "dc:rights": _texts(catalogue.rights),
        "dialect": {"encoding": "utf-8", "header": True, "lineTerminators": ["\r\n", "\n"]},
        "tables": [_table(table, catalogue) for table in tables],
    }
    return (json.dumps(metadata, ensure_ascii=False, indent=1) + "\n").encode()


def _texts(text: Text) -> list[dict[str, str]]:
    return [{"@value": text.ja, "@language": "ja"}, {"@value": text.en, "@language": "en"}]


def _table(table: Table, catalogue: Catalogue) -> dict[str, Any]:
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
    """Describe a column. Its first title is the one in the header row: validators compare them."""
    column: dict[str, Any] = {
        "name": name,
        "titles": {"en": list(dict.fromkeys((name, text.en))), "ja": text.ja},
        "datatype": DATATYPES.get(name, "string"),
    }
    if name in SEVERAL:
        column["separator"] = SEPARATOR
    if name in primary:
        column["required"] = True
    return column
