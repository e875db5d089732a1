"""Parser and validator of reconciliation requests (Reconciliation Service API 0.2, sections 4 and 7).

Errors name the position in the request and the reason. An invalid query fails alone, and the others of its batch are
answered; a batch without any valid query is refused.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kg.http.sparql_endpoint import Refusal
from kg.matching.reconcile.type_registry import TypeRegistry, iri_of_thing

BATCH = 100  # queries in a batch
TEXT = 1000  # characters of a query, or of a value
MOST = 100  # candidates of a query; a larger limit is reduced to this
USUAL = 10  # candidates of a query without a limit
EVIDENCE = 20  # properties of a query
THINGS = 1000  # entities of a data extension
PROPERTIES = 50  # properties of a data extension
STRICTNESS = ("any", "should", "all")


@dataclass(frozen=True)
class ClientValue:
    """Value of a property given by a client: its text, and the entity that it was matched with before, if any."""

    text: str
    thing: str = ""


@dataclass(frozen=True)
class PropertyEvidence:
    """Property with the values given by a client."""

    property: str
    values: tuple[ClientValue, ...]


@dataclass(frozen=True)
class Query:
    """Query of a batch. An entity must have one of `types` (IRIs), or all of them if `every` is set."""

    text: str
    types: tuple[str, ...] = ()
    every: bool = False
    limit: int = USUAL
    clues: tuple[PropertyEvidence, ...] = ()


@dataclass(frozen=True)
class RequestedProperty:
    """Property of a data extension, with the maximum number of values (0: all) and the language (`all`: every one)."""

    property: str
    limit: int = 0
    lang: str = "ja"


@dataclass(frozen=True)
class ExtensionRequest:
    """Data extension request: the entities by the identifiers of the client, and the requested properties."""

    things: Mapping[str, str]
    wanted: tuple[RequestedProperty, ...]


def read_batch(text: str, registry: TypeRegistry) -> tuple[dict[str, Query], dict[str, str]]:
    """Return the queries of a batch, and the reasons for the invalid ones, by their keys.

    Raises Refusal if all are invalid, or (413) if there are too many.
    """
    batch = _parsed(text, "queries")
    if len(batch) > BATCH:
        raise Refusal(413, f"this batch has {len(batch)} queries; send at most {BATCH} at once")
    queries: dict[str, Query] = {}
    failed: dict[str, Refusal] = {}
    for key, query in batch.items():
        try:
            queries[key] = _query(query, f"queries.{key}", registry)
        except Refusal as refusal:
            failed[key] = refusal
    if failed and not queries:
        raise next(iter(failed.values()))
    return queries, {key: str(refusal.detail) for key, refusal in failed.items()}


def read_extension(text: str, registry: TypeRegistry, lang: str) -> ExtensionRequest:
    """Return a data extension request; raise Refusal if it is invalid, or (413) if it requests too much."""
    asked = _parsed(text, "extend")
    ids, properties = asked.get("ids"), asked.get("properties")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise Refusal(400, "extend.ids must be a list of identifiers")
    if not isinstance(properties, list) or not all(isinstance(property, dict) for property in properties):
        raise Refusal(400, "extend.properties must be a list of objects, each with an id")
    if len(ids) > THINGS or len(properties) > PROPERTIES:
        raise Refusal(413, f"ask for at most {THINGS} things and {PROPERTIES} properties at once")
    wanted = tuple(_wanted(property, registry, lang) for property in properties)
    if len({one.property for one in wanted}) < len(wanted):
        raise Refusal(400, "extend.properties: a property is listed twice")
    return ExtensionRequest({id: iri_of_thing(id) for id in ids}, wanted)


def _parsed(text: str, name: str) -> dict[str, Any]:
    """Return the JSON object in a parameter."""
    try:
        parsed = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"{name} is not valid JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise Refusal(400, f"{name} must be a JSON object")
    return parsed


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")


def _query(query: object, place: str, registry: TypeRegistry) -> Query:
    if not isinstance(query, dict):
        raise Refusal(400, f"{place} must be an object")
    text, limit = query.get("query"), query.get("limit")
    clues = tuple(_clues(query.get("properties") or (), place, registry))
    if text is None and not clues:
        raise Refusal(400, f"{place} has neither a query nor properties")
    if text is not None and (not isinstance(text, str) or len(text) > TEXT):
        raise Refusal(400, f"{place}.query must be a text of at most {TEXT} characters")
    if limit is not None and (not isinstance(limit, int | float) or isinstance(limit, bool) or limit < 0):
        raise Refusal(400, f"{place}.limit must be a positive whole number")
    strictness = query.get("type_strict") or "should"
    if strictness not in STRICTNESS:
        raise Refusal(400, f"{place}.type_strict must be one of {', '.join(STRICTNESS)}")
    types = tuple(registry.type_of(id) for id in _types(query.get("type"), place))
    return Query(text or "", types, strictness == "all", min(int(limit or USUAL), MOST), clues)


def _types(given: object, place: str) -> Iterator[str]:
    """Yield the identifiers of types: one text or a list, in which older clients (of Freebase) put objects."""
    for type in given if isinstance(given, list) else [given] if given else []:
        id = type.get("id") if isinstance(type, dict) else type
        if not isinstance(id, str):
            raise Refusal(400, f"{place}.type must be the identifier of a type, or a list of them")
        if id:
            yield id


def _clues(given: object, place: str, registry: TypeRegistry) -> Iterator[PropertyEvidence]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > EVIDENCE:
        raise Refusal(400, f"{place}.properties must be a list of at most {EVIDENCE} objects with pid and v")
    for clue in given:
        if not isinstance(clue, dict) or not isinstance(clue.get("pid"), str) or "v" not in clue:
            raise Refusal(400, f"{place}.properties: each must be an object with pid and v")
        values = [value for value in (clue["v"] if isinstance(clue["v"], list) else [clue["v"]]) if value is not None]
        read = tuple(_given(value, f"{place}.properties.{clue['pid']}") for value in values)
        filled = tuple(value for value in read if value.text or value.thing)
        if filled:
            yield PropertyEvidence(registry.property_of(clue["pid"]), filled)


def _given(value: object, place: str) -> ClientValue:
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        name = value.get("name")
        return ClientValue(name if isinstance(name, str) else "", iri_of_thing(value["id"]))
    if isinstance(value, bool):
        return ClientValue(str(value).lower())
    if isinstance(value, int | float):
        return ClientValue(str(value) if isinstance(value, int) else f"{value:.15g}")
    if isinstance(value, str) and len(value) <= TEXT:
        return ClientValue(value.strip())
    raise Refusal(400, f"{place}: a value must be a text of at most {TEXT} characters, a number, a boolean or a thing")


def _wanted(property: Mapping[str, Any], registry: TypeRegistry, lang: str) -> RequestedProperty:
    id, settings = property.get("id"), property.get("settings") or {}
    if not isinstance(id, str) or not isinstance(settings, dict):
        raise Refusal(400, "extend.properties: each must have an id, and settings must be an object")
    # OpenRefine sends numbers of a form as texts, and empty fields as empty texts.
    limit = str(settings.get("limit") or "0").strip()
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 10):
        raise Refusal(400, f"extend.properties.{id}.settings.limit must be a whole number; 0 means all values")
    chosen = settings.get("lang") or lang
    if chosen not in ("ja", "en", "all"):
        raise Refusal(400, f"extend.properties.{id}.settings.lang must be ja, en or all")
    return RequestedProperty(registry.property_of(id), int(limit), chosen)
