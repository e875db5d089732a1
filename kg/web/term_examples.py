"""Real examples of terms: a thing of each class, and a statement with each property, by their names. Asked once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kg.core.iris import PREFIXES
from kg.core.labels import told
from kg.http.query_client import Ask, bindings
from kg.http.stored_query_client import is_iri
from kg.web.vocabulary_index import PROPERTY, Term

Names = Mapping[str, Mapping[str, str]]
_NAMING = " ".join(
    f"<{PREFIXES[prefix]}{name}>"
    for prefix, name in (
        *(("skos", "prefLabel"), ("dcterms", "title"), ("rdfs", "label"), ("foaf", "name")),
        *(("dcterms", "description"), ("shisaku", "printedText")),
    )
)
_MOST = 400  # things that are asked for at once


@dataclass(frozen=True)
class Example:
    """A thing that uses a term, and for a property one of its values: an IRI, or a text with its language."""

    thing: str
    value: str = ""
    lang: str = ""
    is_iri: bool = False


@dataclass(frozen=True)
class Examples:
    """The examples by term, and the names by language of the things in them."""

    by_term: Mapping[str, Example]
    names: Names

    def name(self, iri: str, lang: str) -> tuple[str, str]:
        """Return what a thing is called, and in which language; both empty where it has no name."""
        return told(self.names.get(iri, {}), lang)


async def examples(ask: Ask, terms: Iterable[Term]) -> Examples:
    """Return an example of each term that is in use."""
    used = [term for term in terms if is_iri(term.example)]
    pairs = " ".join(f"(<{term.iri}> <{term.example}>)" for term in used if term.kind == PROPERTY)
    rows = await bindings(
        ask,
        f"SELECT * {{ VALUES (?term ?thing) {{ {pairs} }} ?thing ?term ?value }} ORDER BY ?term ?value",
    )
    found = {term.iri: Example(term.example) for term in used if term.kind != PROPERTY}
    for row in rows:
        value = row["value"]
        one = Example(row["thing"]["value"], value["value"], value.get("xml:lang", ""), value["type"] == "uri")
        if row["term"]["value"] not in found or one.lang == "ja":
            found[row["term"]["value"]] = one
    things = {one.thing for one in found.values()} | {one.value for one in found.values() if one.is_iri}
    return Examples(found, await _names(ask, sorted(iri for iri in things if is_iri(iri))))


async def _names(ask: Ask, things: list[str]) -> Names:
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(things), _MOST):
        some = " ".join(f"<{iri}>" for iri in things[start : start + _MOST])
        query = f"""SELECT ?thing ?name {{ VALUES ?thing {{ {some} }} VALUES ?naming {{ {_NAMING} }}
          ?thing ?naming ?name }} ORDER BY ?name"""
        for row in await bindings(ask, query):
            name = row["name"]
            found.setdefault(row["thing"]["value"], {}).setdefault(name.get("xml:lang", ""), name["value"])
    return found
