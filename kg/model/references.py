"""What the tables refer to: places, organizations beyond ministries and what became of them, and the links of all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kg import names
from kg.model.records import (
    EditionRecords,
    Law,
    Link,
    Named,
    Organization,
    OrganizationChange,
    Records,
    References,
)
from kg.recipe import Recipe
from kg.recipe.codelists import Code
from kg.recipe.links import LinkRule, Statement

# The table of a source that is the description of a document of the recipe.
SOURCE = "sources"
_Source = tuple[str, str, int]  # a row of the recipe: its table, key and line
_Made = tuple[str, str, tuple[_Source, ...]]  # subject, object, and where the identifier between them stands


def with_references(editions: Sequence[EditionRecords], recipe: Recipe) -> Records:
    """Return the records of the editions with all that they refer to."""
    changes = tuple(_changes(recipe))
    changed = [body for change in changes for body in change.original + change.resulting]
    bodies = [_organization(code) for code in recipe.codes["bodies"]]
    acts = {pillar.row["act"] for pillar in recipe.codes["pillars"]}
    references = References(
        places=tuple(Named(names.shared("place", code.key), "place", code) for code in recipe.codes["places"]),
        bodies=tuple(dict.fromkeys([*bodies, *changed])),
        changes=changes,
        acts=tuple(_law(code) for code in recipe.codes["laws"] if code.key in acts),
    )
    records = Records(tuple(editions), references)
    links = sorted(_links(records, recipe), key=lambda link: (link.subject, link.said.predicate, link.object))
    return replace(records, references=replace(references, links=tuple(links)))


def _organization(code: Code) -> Organization:
    return Organization(names.shared("organization", code.key), code.key, code.label_ja, False, code)


def _law(code: Code) -> Law:
    return Law(names.shared("law", code.key), code.row["law_number"], code.label_ja, code)


def _changes(recipe: Recipe) -> Iterator[OrganizationChange]:
    codes = {code.key: code for name in ("organizations", "bodies") for code in recipe.codes[name]}
    for change in recipe.changes:
        before, after = (
            tuple(_organization(codes[key]) for key in side) for side in (change.original, change.resulting)
        )
        yield OrganizationChange(names.shared("organization-change", change.key), change, before, after)


def _links(records: Records, recipe: Recipe) -> Iterator[Link]:
    """Yield the links of the things of the graph; what a row says of a link goes before what a rule would make."""
    said: set[tuple[str, str, str]] = set()
    present = _present(records, recipe)
    for row in recipe.links.rows:
        if row.subject in present:
            said.add((row.subject, row.said.predicate, row.object))
            yield _link(row.subject, row.object, row.said)
    for rule in recipe.links.rules:
        for subject, iri, sources in _of_rule(rule, records, recipe, present):
            if (subject, rule.said.predicate, iri) not in said and not rule.said.target.complaint(iri):
                said.add((subject, rule.said.predicate, iri))
                yield _link(subject, iri, rule.said, *sources)


def _link(subject: str, iri: str, said: Statement, *sources: _Source) -> Link:
    status = "rejected" if said.rejected else "published" if said.seen else "unchecked"
    key = names.slug(" ".join((subject, said.predicate, iri)))
    return Link(names.shared("link", key), subject, iri, status, said, ((said.table, said.key, said.line), *sources))


def _present(records: Records, recipe: Recipe) -> set[str]:
    """Return the things of the graph that can be linked."""
    listed = {names.shared(kind, code.key) for kind in ("pillar", "unit") for code in recipe.codes[f"{kind}s"]}
    named = {thing.iri for measure in records.measures for thing in measure.named}
    cited = {body.iri for body in records.organizations} | {law.iri for law in records.laws}
    places = {place.iri for place in records.references.places}
    return listed | named | cited | places | {edition.iri for edition in records.editions}


def _of_rule(rule: LinkRule, records: Records, recipe: Recipe, present: set[str]) -> Iterator[_Made]:
    """Yield each link that a rule makes of things of the graph."""
    if rule.things == "documents":
        yield from _of_documents(rule, records.editions)
        return
    if rule.things == "editions":
        for edition in records.editions:
            yield edition.iri, rule.iri(edition.source.key), ((SOURCE, edition.source.key, 0),)
        return
    kind = {"bodies": "organization"}.get(rule.things, rule.things.removesuffix("s"))
    for code in recipe.codes[rule.things]:
        subject, iri = names.shared(kind, code.key), rule.iri(code.row[rule.column])
        if iri and subject in present:
            yield subject, iri, ((rule.things, code.key, code.row.line),)


def _of_documents(rule: LinkRule, editions: Iterable[EditionRecords]) -> Iterator[_Made]:
    """The identifier of a document is its address, and the date for archived copies that of its edition."""
    for edition in editions:
        day = edition.source.described.get("archive_date")
        date = day.strftime("%Y%m%d") if day else ""
        sources = ((SOURCE, edition.source.key, 0),) if rule.dated else ()
        for document in (document for measure in edition.measures for document in measure.documents):
            if iri := rule.iri(document.url, date):
                yield document.iri, iri, sources
