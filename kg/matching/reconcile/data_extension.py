"""Data extension and suggestions of the Reconciliation Service API 0.2 (sections 7 and 6).

Data extension returns the values of properties of matched entities. Suggestions complete what a user types to
entities, types or properties.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg.core.iris import ID, PREFIXES
from kg.matching.reconcile.request_parser import ExtensionRequest, RequestedProperty
from kg.matching.reconcile.store_lookup import StoreLookup, Value
from kg.matching.reconcile.type_registry import PropertyUse, Term, TypeRegistry, id_of_thing, iri_of_thing
from kg.search import Hit, Matcher, SearchResult
from kg.web.search_routes import SearchExecutor, remaining_seconds

# Settings of a property in a data extension, from which clients make forms.
SETTINGS = (
    ("limit", "number", 0, ("値の数の上限", "Most values"), ("0 はすべて", "0 means all")),
    (
        "lang",
        "select",
        None,
        ("言語", "Language"),
        ("訳のある文字列の言語", "Language of texts that have translations"),
    ),
)
_XSD = PREFIXES["xsd"]
_INTEGERS = {_XSD + name for name in ("integer", "int", "long", "nonNegativeInteger", "positiveInteger")}
_NUMBERS = {_XSD + name for name in ("decimal", "double", "float")}
_MOMENT = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_LARGEST = 1 << 53  # JSON's numbers are exact up to here


async def extend(
    lookup: StoreLookup, registry: TypeRegistry, request: ExtensionRequest, lang: str
) -> dict[str, object]:
    """Return the values of each property of each entity; the lists of an unknown entity are empty."""
    values = await lookup.values(request.things.values(), [wanted.property for wanted in request.wanted])
    rows = {
        id: {
            registry.term(wanted.property).id: _cells(values.get((iri, wanted.property), ()), wanted, lang)
            for wanted in request.wanted
        }
        for id, iri in request.things.items()
    }
    return {"meta": [_meta(registry, wanted, lang) for wanted in request.wanted], "rows": rows}


def proposals(registry: TypeRegistry, type: str, limit: int | None, lang: str) -> dict[str, object]:
    """Return the properties of entities of a type, in the order of the ontology."""
    uses = registry.uses(registry.type_of(type) if type else "")
    content: dict[str, object] = {"properties": [use.property.as_json(lang) for use in uses[:limit]], "type": type}
    return content if limit is None else {**content, "limit": limit}


def _meta(registry: TypeRegistry, wanted: RequestedProperty, lang: str) -> dict[str, object]:
    """Return the description of a column: its name, and the type of its values if they are entities of one type."""
    content: dict[str, object] = {**registry.term(wanted.property).as_json(lang)}
    uses: Iterable[PropertyUse] = (use for use in registry.uses() if use.property.iri == wanted.property)
    kinds = {kind for use in uses for kind in use.values}
    return {**content, "type": registry.term(kinds.pop()).as_json(lang)} if len(kinds) == 1 else content


def _cells(values: Sequence[Value], wanted: RequestedProperty, lang: str) -> list[dict[str, object]]:
    langs = {value.lang for value in values if value.lang}
    chosen = wanted.lang if wanted.lang in langs or wanted.lang == "all" else ""
    # A text that exists in another language only is better than none.
    shown = [value for value in values if not (value.lang and chosen not in ("all", "", value.lang))]
    cells = [_cell(value, lang if wanted.lang == "all" else wanted.lang) for value in shown]
    return cells[: wanted.limit or None]


def _cell(value: Value, lang: str) -> dict[str, object]:
    """Return a value as an object of the API: an entity of this graph, a number, a date and time, or a string."""
    if value.iri:
        return {"id": id_of_thing(value.text), "name": value.name(lang)} if value.text.startswith(ID) else _text(value)
    if value.datatype in _INTEGERS and abs(int(value.text)) < _LARGEST:
        return {"int": int(value.text)}
    if value.datatype in _NUMBERS and value.text.upper().lstrip("+-") not in ("INF", "NAN"):
        return {"float": float(value.text)}
    if value.datatype == _XSD + "dateTime" and _MOMENT.fullmatch(value.text):
        return {"date": value.text}
    return _text(value)


def _text(value: Value) -> dict[str, object]:
    return {"str": value.text}


PAGE = 20  # suggestions per response; `cursor` is the offset of the next ones


@dataclass(frozen=True)
class SuggestRequest:
    """Parsed suggest request: typed prefix, offset, language and edition.

    `type` is the IRI of a type, or empty; `other_editions` are the prefixes of the IRIs of other editions.
    """

    prefix: str
    cursor: int = 0
    type: str = ""
    lang: str = "ja"
    other_editions: tuple[str, ...] = ()


async def things(
    executor: SearchExecutor, lookup: StoreLookup, registry: TypeRegistry, request: SuggestRequest
) -> dict[str, object]:
    """Return the entities whose names or texts contain the prefix; one with this identifier comes first."""
    words = request.prefix.strip()
    if not words:
        return {"result": []}
    filters = {"type": [request.type] if request.type else []}

    def find(matcher: Matcher, deadline: float) -> SearchResult:
        return matcher.index.find(
            words, filters=filters, limit=PAGE, offset=request.cursor, seconds=remaining_seconds(deadline)
        )

    found = await executor.submit(find)
    result = [_hit(hit, registry, request.lang) for hit in found.hits if not hit.iri.startswith(request.other_editions)]
    if "/" in words and not request.cursor:
        iri = iri_of_thing(words)
        named = (await lookup.entities([iri])).get(iri)
        if named:
            kinds = [registry.term(type).as_json(request.lang) for type in named.types]
            meant: dict[str, object] = {"id": id_of_thing(iri), "name": named.name(request.lang), "notable": kinds}
            result = [meant, *(one for one in result if one["id"] != meant["id"])]
    content: dict[str, object] = {"result": result}
    seen = request.cursor + len(found.hits)
    return {**content, "cursor": seen} if seen < found.total else content


def terms(available: Iterable[Term], request: SuggestRequest) -> dict[str, object]:
    """Return the types or properties whose name contains the prefix, in either language, or whose identifier has it."""
    words = request.prefix.strip().casefold()
    matching = [term for term in available if _matches(term, words)]
    window = matching[request.cursor : request.cursor + PAGE]
    result = [
        {**term.as_json(request.lang), "description": term.name("en" if request.lang == "ja" else "ja")}
        for term in window
    ]
    content: dict[str, object] = {"result": result}
    seen = request.cursor + len(window)
    return {**content, "cursor": seen} if seen < len(matching) else content


def _matches(term: Term, words: str) -> bool:
    """True if a name contains these words, or the identifier begins with them, with or without its prefix."""
    id, _, local = term.id.casefold().rpartition(":")
    begins = f"{id}:{local}".startswith(words) or local.startswith(words) or term.iri.casefold() == words
    return begins or any(words in name.casefold() for name in (term.ja, term.en))


def _hit(hit: Hit, registry: TypeRegistry, lang: str) -> dict[str, object]:
    name, other = (hit.label_ja, hit.label_en) if lang == "ja" else (hit.label_en, hit.label_ja)
    kinds = [registry.term(type) for type in hit.types]
    description = [*(kind.name(lang) for kind in kinds), *([other] if name and other else [])]
    description += [hit.edition.rpartition("/")[2]] if hit.edition else []
    return {
        "id": id_of_thing(hit.iri),
        "name": name or other or id_of_thing(hit.iri),
        "description": " · ".join(description),
        "notable": [kind.as_json(lang) for kind in kinds],
    }
