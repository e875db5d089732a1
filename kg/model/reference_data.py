"""Reference data of a release: places, organizations with their changes, laws, and the links of all things."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kg.core import iris
from kg.model.records import (
    EditionRecords,
    Law,
    Link,
    Named,
    Organization,
    OrganizationChange,
    References,
)
from kg.recipe import Recipe
from kg.recipe.code_lists import Code
from kg.recipe.links import LinkRule, MappingMetadata

# The name of the table of a source that is the description of a document.
SOURCE = "sources"
_Source = tuple[str, str, int]  # a row of the recipe: its table, key and line
_Candidate = tuple[str, str, tuple[_Source, ...]]  # subject, object, and the rows with the identifier


def references_of(recipe: Recipe, used: Iterable[str]) -> References:
    """Return the shared things other than those of the tables; `used` are the IRIs that the tables refer to.

    Links of documents are not included: they belong to the edition that refers to them.
    """
    changes = tuple(_changes(recipe))
    changed = [body for change in changes for body in change.original + change.resulting]
    bodies = [_organization(code) for code in recipe.codes["bodies"]]
    acts = {pillar.row["act"] for pillar in recipe.codes["pillars"]}
    references = References(
        places=tuple(Named(iris.shared("place", code.key), "place", code) for code in recipe.codes["places"]),
        bodies=tuple(dict.fromkeys([*bodies, *changed])),
        changes=changes,
        acts=tuple(_law(code) for code in recipe.codes["laws"] if code.key in acts),
    )
    links = _sorted_links(_links(_linkable_things(references, recipe) | set(used), recipe))
    return replace(references, links=links)


def document_links(edition: EditionRecords, recipe: Recipe) -> tuple[Link, ...]:
    """Return the links of an edition's documents, by the rules for their addresses."""
    rules = [rule for rule in recipe.links.rules if rule.things == "documents"]
    candidates = ((rule, made) for rule in rules for made in _candidates_of_documents(rule, edition))
    return _sorted_links(_apply_rules(candidates, set()))


def _sorted_links(links: Iterable[Link]) -> tuple[Link, ...]:
    return tuple(sorted(links, key=lambda link: (link.subject, link.metadata.predicate, link.object)))


def _organization(code: Code) -> Organization:
    return Organization(iris.shared("organization", code.key), code.key, code.label_ja, False, code)


def _law(code: Code) -> Law:
    return Law(iris.shared("law", code.key), code.row["law_number"], code.label_ja, code)


def _changes(recipe: Recipe) -> Iterator[OrganizationChange]:
    codes = {code.key: code for name in ("organizations", "bodies") for code in recipe.codes[name]}
    for change in recipe.changes:
        before, after = (
            tuple(_organization(codes[key]) for key in side) for side in (change.original, change.resulting)
        )
        yield OrganizationChange(iris.shared("organization-change", change.key), change, before, after)


def _links(present: set[str], recipe: Recipe) -> Iterator[Link]:
    """Yield the links of things in the graph; a curator's row takes precedence over a rule."""
    stated: set[tuple[str, str, str]] = set()
    for row in recipe.links.rows:
        if row.subject in present:
            stated.add((row.subject, row.metadata.predicate, row.object))
            yield _link(row.subject, row.object, row.metadata)
    rules = [rule for rule in recipe.links.rules if rule.things != "documents"]
    yield from _apply_rules(
        ((rule, made) for rule in rules for made in _candidates_of_rule(rule, recipe, present)), stated
    )


def _apply_rules(
    candidates: Iterable[tuple[LinkRule, _Candidate]], stated: set[tuple[str, str, str]]
) -> Iterator[Link]:
    """Yield the distinct links of rules, except those stated already or invalid for their target."""
    for rule, (subject, iri, sources) in candidates:
        if (subject, rule.metadata.predicate, iri) not in stated and not rule.metadata.target.complaint(iri):
            stated.add((subject, rule.metadata.predicate, iri))
            yield _link(subject, iri, rule.metadata, *sources)


def _link(subject: str, iri: str, metadata: MappingMetadata, *sources: _Source) -> Link:
    status = "rejected" if metadata.rejected else "published" if metadata.seen else "unchecked"
    key = iris.slug(" ".join((subject, metadata.predicate, iri)))
    return Link(
        iris.shared("link", key),
        subject,
        iri,
        status,
        metadata,
        ((metadata.table, metadata.key, metadata.line), *sources),
    )


def _linkable_things(references: References, recipe: Recipe) -> set[str]:
    """Return the IRIs of things that can be linked and are in every release."""
    listed = {iris.shared(kind, code.key) for kind in ("pillar", "unit") for code in recipe.codes[f"{kind}s"]}
    bodies, laws = {body.iri for body in references.bodies}, {law.iri for law in references.acts}
    places = {place.iri for place in references.places}
    return listed | bodies | laws | places | {iris.edition(source.key) for source in recipe.sources}


def shared_things(edition: EditionRecords) -> set[str]:
    """Return the IRIs of the shared things that an edition refers to: bodies, laws, named things."""
    things: set[str] = set()
    for measure in edition.measures:
        things.update(body.iri for body in measure.lead + measure.participating + measure.groups)
        things.update(law.iri for law in measure.laws)
        things.update(thing.iri for thing in measure.named)
    return things


def _candidates_of_rule(rule: LinkRule, recipe: Recipe, present: set[str]) -> Iterator[_Candidate]:
    """Yield each link that a rule gives for things of the graph."""
    if rule.things == "editions":
        for source in recipe.sources:
            yield iris.edition(source.key), rule.iri(source.key), ((SOURCE, source.key, 0),)
        return
    kind = {"bodies": "organization"}.get(rule.things, rule.things.removesuffix("s"))
    for code in recipe.codes[rule.things]:
        subject, iri = iris.shared(kind, code.key), rule.iri(code.row[rule.column])
        if iri and subject in present:
            yield subject, iri, ((rule.things, code.key, code.row.line),)


def _candidates_of_documents(rule: LinkRule, edition: EditionRecords) -> Iterator[_Candidate]:
    """Yield each link that a rule gives for a document's address, with the date of the edition's archived copy."""
    day = edition.source.described.get("archive_date")
    date = day.strftime("%Y%m%d") if day else ""
    sources = ((SOURCE, edition.source.key, 0),) if rule.dated else ()
    for document in (document for measure in edition.measures for document in measure.documents):
        if iri := rule.iri(document.url, date):
            yield document.iri, iri, sources
