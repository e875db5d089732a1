"""Data extension: values of properties for things that were matched (Reconciliation Service API 0.2, section 7).

Suggestions while somebody types: things, types and properties (Reconciliation Service API 0.2, section 6).
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

# What a client may set for each property; forms are made of it.
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


async def extend(known: StoreLookup, vocabulary: TypeRegistry, asked: ExtensionRequest, lang: str) -> dict[str, object]:
    """Return the values of each property of each thing; a thing that nothing is known of has empty lists."""
    values = await known.values(asked.things.values(), [wanted.property for wanted in asked.wanted])
    rows = {
        id: {
            vocabulary.term(wanted.property).id: _cells(values.get((iri, wanted.property), ()), wanted, lang)
            for wanted in asked.wanted
        }
        for id, iri in asked.things.items()
    }
    return {"meta": [_meta(vocabulary, wanted, lang) for wanted in asked.wanted], "rows": rows}


def proposals(vocabulary: TypeRegistry, type: str, limit: int | None, lang: str) -> dict[str, object]:
    """Return the properties that things of a type have, as the ontology lays them out."""
    uses = vocabulary.uses(vocabulary.type_of(type) if type else "")
    said: dict[str, object] = {"properties": [use.property.said(lang) for use in uses[:limit]], "type": type}
    return said if limit is None else {**said, "limit": limit}


def _meta(vocabulary: TypeRegistry, wanted: RequestedProperty, lang: str) -> dict[str, object]:
    """Return what a column is: its name, and the type of its values where all are things of one type."""
    said: dict[str, object] = {**vocabulary.term(wanted.property).said(lang)}
    uses: Iterable[PropertyUse] = (use for use in vocabulary.uses() if use.property.iri == wanted.property)
    kinds = {kind for use in uses for kind in use.values}
    return {**said, "type": vocabulary.term(kinds.pop()).said(lang)} if len(kinds) == 1 else said


def _cells(values: Sequence[Value], wanted: RequestedProperty, lang: str) -> list[dict[str, object]]:
    langs = {value.lang for value in values if value.lang}
    chosen = wanted.lang if wanted.lang in langs or wanted.lang == "all" else ""
    # A text that is there in one language only is better than none.
    shown = [value for value in values if not (value.lang and chosen not in ("all", "", value.lang))]
    cells = [_cell(value, lang if wanted.lang == "all" else wanted.lang) for value in shown]
    return cells[: wanted.limit or None]


def _cell(value: Value, lang: str) -> dict[str, object]:
    """Return a value as the API writes it: a thing of ours, a number, a moment, or a text."""
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


PAGE = 20  # suggestions at once; `cursor` leads to the next


@dataclass(frozen=True)
class SuggestRequest:
    """Parsed suggest request: typed prefix, offset, language and edition.

    `type` is the IRI of a type, or empty; `elsewhere` is what the IRIs of things of other editions begin with.
    """

    prefix: str
    cursor: int = 0
    type: str = ""
    lang: str = "ja"
    elsewhere: tuple[str, ...] = ()


async def things(
    desk: SearchExecutor, known: StoreLookup, vocabulary: TypeRegistry, typed: SuggestRequest
) -> dict[str, object]:
    """Return things whose names or texts hold what has been typed, and first the one whose identifier it is."""
    words = typed.prefix.strip()
    if not words:
        return {"result": []}
    filters = {"type": [typed.type] if typed.type else []}

    def look(matcher: Matcher, deadline: float) -> SearchResult:
        return matcher.index.find(
            words, filters=filters, limit=PAGE, offset=typed.cursor, seconds=remaining_seconds(deadline)
        )

    found = await desk.submit(look)
    result = [_hit(hit, vocabulary, typed.lang) for hit in found.hits if not hit.iri.startswith(typed.elsewhere)]
    if "/" in words and not typed.cursor:
        iri = iri_of_thing(words)
        named = (await known.named([iri])).get(iri)
        if named:
            kinds = [vocabulary.term(type).said(typed.lang) for type in named.types]
            meant: dict[str, object] = {"id": id_of_thing(iri), "name": named.name(typed.lang), "notable": kinds}
            result = [meant, *(one for one in result if one["id"] != meant["id"])]
    said: dict[str, object] = {"result": result}
    seen = typed.cursor + len(found.hits)
    return {**said, "cursor": seen} if seen < found.total else said


def terms(there: Iterable[Term], typed: SuggestRequest) -> dict[str, object]:
    """Return the types or properties whose name, in either language, or identifier holds what has been typed."""
    words = typed.prefix.strip().casefold()
    matching = [term for term in there if _holds(term, words)]
    window = matching[typed.cursor : typed.cursor + PAGE]
    result = [
        {**term.said(typed.lang), "description": term.name("en" if typed.lang == "ja" else "ja")} for term in window
    ]
    said: dict[str, object] = {"result": result}
    seen = typed.cursor + len(window)
    return {**said, "cursor": seen} if seen < len(matching) else said


def _holds(term: Term, words: str) -> bool:
    """True if a name contains these words, or the identifier begins with them, with or without its prefix."""
    id, _, local = term.id.casefold().rpartition(":")
    begins = f"{id}:{local}".startswith(words) or local.startswith(words) or term.iri.casefold() == words
    return begins or any(words in name.casefold() for name in (term.ja, term.en))


def _hit(hit: Hit, vocabulary: TypeRegistry, lang: str) -> dict[str, object]:
    name, other = (hit.label_ja, hit.label_en) if lang == "ja" else (hit.label_en, hit.label_ja)
    kinds = [vocabulary.term(type) for type in hit.types]
    described = [*(kind.name(lang) for kind in kinds), *([other] if name and other else [])]
    described += [hit.edition.rpartition("/")[2]] if hit.edition else []
    return {
        "id": id_of_thing(hit.iri),
        "name": name or other or id_of_thing(hit.iri),
        "description": " · ".join(described),
        "notable": [kind.said(lang) for kind in kinds],
    }
