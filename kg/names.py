"""The IRI of every kind of thing. ASCII only; the patterns are a public contract.

`id/` names a thing, `def#` is the ontology. An IRI is made of keys that a curator chose or of what is printed, never of
a position in a program's data.
"""

import hashlib
import unicodedata

BASE = "https://w3id.org/shisaku/"
ONTOLOGY = BASE + "def#"
ID = BASE + "id/"


def slug(text: str) -> str:
    """Return `x-` and the first 10 hex digits of the SHA-256 of the NFKC text without white space.

    The name of a thing that no code list knows: two printings that differ in width or line wraps share it.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    return "x-" + hashlib.sha256(plain.encode()).hexdigest()[:10]


def term(name: str) -> str:
    """Return the IRI of a term of the ontology."""
    return ONTOLOGY + name


def edition(key: str) -> str:
    """Return the IRI of one edition of the table."""
    return f"{ID}edition/{key}"


def measure(edition_key: str, key: str) -> str:
    """Return the IRI of a listed measure; `key` is its national number, or `row-N`, or `line-N`."""
    return f"{ID}{edition_key}/measure/{key}"


def kpi(measure_iri: str, kind: str, position: int) -> str:
    """Return the IRI of the `position`-th KPI (from 1) of its kind."""
    return f"{measure_iri}/kpi/{kind}-{position}"


def target(kpi_iri: str, position: int) -> str:
    """Return the IRI of the `position`-th target (from 1) of a KPI."""
    return f"{kpi_iri}/target-{position}"


def shared(kind: str, key: str) -> str:
    """Return the IRI of a thing that several measures share: organization, pillar, effect, unit, budget, document …"""
    return f"{ID}{kind}/{key}"


def source_row(edition_key: str, row_key: str) -> str:
    """Return the IRI of a row of the source document; `row_key` is the printed No where it is unique, else `line-N`."""
    return f"{ID}source/{edition_key}/row/{row_key}"


def source_cell(row_iri: str, position: int) -> str:
    """Return the IRI of a cell of a source row; `position` counts from 1."""
    return f"{row_iri}/cell/{position}"


def mention(cell_iri: str, position: int) -> str:
    """Return the IRI of the `position`-th naming (from 1) of a shared thing in a cell."""
    return f"{cell_iri}/mention/{position}"


def plan_measure(plan: str, number: str) -> str:
    """Return the IRI of a national measure of a plan, which several tables may list."""
    return f"{ID}plan/{plan}/measure/{number}"


PERIOD_KINDS = {"FY": "fiscal-year", "CY": "calendar-year"}


def period(code: str) -> str:
    """Return the IRI of a period from its code: `FY2019`, `CY2019`, `FY2019-H1`, `FY2019-Q1` or `2020-11`."""
    prefix, rest = code[:2], code[2:]
    if prefix in PERIOD_KINDS:
        return shared(PERIOD_KINDS[prefix], rest)
    return shared("month", code)
