"""The IRI of every kind of thing. ASCII only; the patterns are a public contract.

`id/` names a thing, `def#` is the ontology. An IRI is made of keys that a curator chose or of what is printed, never of
a position in a program's data.

One base is in force in a process and in those it starts. It is the canonical one, but in a server that has been given
one of its own (`kg serve --base`): so all that a server says agrees, and none of its modules has to think of it.
"""

import hashlib
import os
import re

from kg.core.spans import plain

CANONICAL = "https://w3id.org/shisaku/"  # what every file holds: the recipe, the releases, the stored queries
SERVED_BASE = "KG_SERVED_BASE"  # the variable by which `kg serve` hands on the base to itself and to its zygote
BASE = os.environ.get(SERVED_BASE) or CANONICAL
ONTOLOGY = BASE + "def#"
ID = BASE + "id/"

# The prefixes of what the graph is written in.
PREFIXES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "oa": "http://www.w3.org/ns/oa#",
    "org": "http://www.w3.org/ns/org#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "qudt": "http://qudt.org/schema/qudt/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "semapv": "https://w3id.org/semapv/vocab/",
    "sh": "http://www.w3.org/ns/shacl#",
    "shisaku": ONTOLOGY,
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "sssom": "https://w3id.org/sssom/",
    "time": "http://www.w3.org/2006/time#",
    "void": "http://rdfs.org/ns/void#",
    "void-ext": "http://ldf.fi/void-ext#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def slug(text: str) -> str:
    """Return `x-` and the first 10 hex digits of the SHA-256 of the NFKC text without white space.

    The name of a thing that no code list knows: two printings that differ in width or line wraps share it.
    """
    return "x-" + hashlib.sha256(plain(text).encode()).hexdigest()[:10]


def term(name: str) -> str:
    """Return the IRI of a term of the ontology."""
    return ONTOLOGY + name


def edition(key: str) -> str:
    """Return the IRI of one edition of the table."""
    return f"{ID}edition/{key}"


def measure(edition_key: str, key: str) -> str:
    """Return the IRI of a listed measure; `key` is its national number, or `row-N`, or `line-N`."""
    return f"{ID}{edition_key}/measure/{key}"


def revision(edition_key: str, key: str) -> str:
    """Return the IRI of the record that a measure of an edition continues an earlier one, or may."""
    return f"{ID}{edition_key}/revision/{key}"


def local_measure(plan: str, key: str) -> str:
    """Return the IRI of a measure of a local plan; `key` is the number that the plan gives it, or `line-N`."""
    return f"{ID}local-plan/{plan}/measure/{key}"


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


_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:-on)?")
PERIOD_KINDS = {"FY": "fiscal-year", "CY": "calendar-year"}


def period(code: str) -> str:
    """Return the IRI of a period from its code: `FY2019`, `CY2020-2024`, `FY2019-H1`, `2020-11` or `2020-11-30`.

    What has no end has a code that ends in `-on`: `FY2021-on`.
    """
    prefix, rest = code[:2], code[2:]
    if prefix in PERIOD_KINDS:
        return shared(PERIOD_KINDS[prefix], rest)
    return shared("day" if _DAY.fullmatch(code) else "month", code)
