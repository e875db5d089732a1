"""Ledger of published identifiers: checks that each IRI of a release still names the same thing.

A build stops if it would drop a published IRI or assign it to another thing. A thing with a similar text (a corrected
title) is the same thing; otherwise a curator has to decide.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kg.core import iris
from kg.core.errors import Problem, RecipeError
from kg.core.spans import plain
from kg.model.records import Measure, Records, References
from kg.recipe import Recipe
from kg.recipe.table_loader import Row

REDIRECTS = "redirects.csv"
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Identity:
    """An IRI, the kind of thing it names, and the text that identifies the thing."""

    iri: str
    kind: str
    names: str


def list_identities(records: Records) -> dict[str, Identity]:
    """Return the identity of every IRI that the records mint, by IRI."""
    identities: dict[str, Identity] = {}
    for edition in records.editions:
        title = str(edition.source.described["title_ja"])
        for identity in [Identity(edition.iri, "edition", title), *_measure_identities(edition.measures)]:
            identities.setdefault(identity.iri, identity)
        for entry in edition.corrections:
            iri = iris.shared("correction", entry.id)
            identities[iri] = Identity(iri, "correction", entry.printed)
    for local in records.local:
        identities[local.iri] = Identity(local.iri, "local-measure", local.title)
    for identity in _reference_identities(records.references):
        identities.setdefault(identity.iri, identity)
    return identities


def _reference_identities(references: References) -> Iterator[Identity]:
    for place in references.places:
        yield Identity(place.iri, place.kind, place.code.label_ja)
    for body in references.bodies:
        yield Identity(body.iri, "organization", body.name)
    for law in references.acts:
        yield Identity(law.iri, "law", law.number)
    for change in references.changes:
        yield Identity(change.iri, "organization-change", change.change.label_ja)


def _measure_identities(measures: Iterable[Measure]) -> Iterator[Identity]:
    for measure in measures:
        yield Identity(measure.iri, "measure", measure.title)
        for kpi in measure.kpis:
            yield Identity(kpi.iri, "kpi", kpi.text)
            for target in kpi.targets:
                yield Identity(target.iri, "target", target.words)
        for body in measure.lead + measure.participating + measure.groups:
            yield Identity(body.iri, "organization-group" if body.group else "organization", body.name)
        for programme in measure.programmes:
            yield Identity(programme.iri, "budget", programme.name)
        for document in measure.documents:
            yield Identity(document.iri, "document", document.url)
        for law in measure.laws:
            yield Identity(law.iri, "law", law.number)
        for thing in measure.named:
            yield Identity(thing.iri, thing.kind, thing.code.label_ja)


def check_identities(identities: Iterable[Identity], recipe: Recipe) -> Iterator[Identity]:
    """Yield the identities that the ledger lacks; each IRI is given once.

    Raises RecipeError at the end for every published IRI that is lost or reused.
    """
    ledger = recipe.tables["identifiers"]
    ledger_iris = {row["iri"] for row in ledger.rows}
    redirects = {row["iri"]: row for row in recipe.tables["redirects"].rows}
    checked = ledger_iris | redirects.keys() | {row["target"] for row in redirects.values()}
    found: dict[str, Identity] = {}
    for identity in identities:
        if identity.iri in checked:
            found[identity.iri] = identity
        if identity.iri not in ledger_iris:
            yield identity
    problems = list(_check_redirects(redirects, found, recipe.folder / REDIRECTS))
    for row in ledger.rows:
        current = found.get(row["iri"])
        if current is None and row["iri"] not in redirects:
            fact = f"{row['iri']} ({row['names']}) was published in {row['first_release']} and names nothing any more"
            remedy = f"give it back, or say in {REDIRECTS} where it has moved (301) or that it is gone (410)"
            problems.append(Problem(fact, remedy, ledger.file, row.line))
        elif current is not None and not _is_same_thing(current, row):
            fact = f"{row['iri']} named {row['names']!r} and would now name {current.names!r}"
            remedy = (
                "an IRI never changes its meaning: give the new thing another key, or correct the ledger with a reason"
            )
            problems.append(Problem(fact, remedy, ledger.file, row.line))
    if problems:
        raise RecipeError(*problems)


def _check_redirects(redirects: Mapping[str, Row], current: Mapping[str, Identity], file: Path) -> Iterator[Problem]:
    for iri, row in redirects.items():
        if iri in current:
            yield Problem(
                f"{iri} is redirected, but this build gives it to {current[iri].names!r}",
                "take one back",
                file,
                row.line,
            )
        if row["code"] == "301" and row["target"] not in current:
            yield Problem(f"{iri} leads to {row['target'] or 'nothing'}", "name an IRI of this release", file, row.line)


def _is_same_thing(current: Identity, row: Row) -> bool:
    """Return whether an IRI still names the same thing: the same kind, and a similar text."""
    if current.kind != row["kind"]:
        return False
    a, b = plain(current.names), plain(row["names"])
    return a == b or difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= _ALIKE


def ledger_rows(new: Iterable[Identity], release: str) -> list[list[str]]:
    """Return the rows that `kg build --mint` adds to the ledger."""
    return [[identity.iri, identity.kind, " ".join(identity.names.split()), release, "active"] for identity in new]
