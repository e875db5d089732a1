"""A small page about a thing, for a frame on somebody else's page (Reconciliation Service API 0.2, section 5)."""

from kg.core.labels import Labels, prefixed
from kg.http import pages
from kg.web.presenter import Facts
from kg.web.resource_queries import Things
from kg.web.statement_presenter import NAMES

# Who may frame it: everybody. It holds no form and no script.
PREVIEW = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
    ),
    "Vary": "Accept-Language",
}
_MOST = 7  # facts that the frame has room for
# What tells a thing apart, and goes first; then comes what the ontology has first.
_FIRST = tuple(
    f"shisaku:{name}" for name in ("measureNumber", "lawNumber", "overview", "pillar", "leadOrganization", "listedFrom")
)
_TITLES = {prefixed(name) for name in NAMES}


async def preview(things: Things, labels: Labels, iri: str, view: pages.View) -> str | None:
    """Return the page about a thing, or None where nothing is known of it."""
    found = await things.describe(iri)
    if found is None:
        return None
    facts = Facts(found.triples, labels, view.lang, view.link)
    section = facts.section(iri)
    shown = [fact for fact in section.facts if fact.term not in _TITLES]
    shown.sort(key=lambda fact: _FIRST.index(fact.term) if fact.term in _FIRST else len(_FIRST))
    return pages.fill("preview.html", view, section=section, facts=shown[:_MOST])
