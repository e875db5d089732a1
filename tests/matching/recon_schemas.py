"""What answers of a reconciliation service look like, as JSON Schemas that we have written from the specification.

Reconciliation Service API 0.2, <https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/>. They
ask for more than it does: what we always send must be there, and nothing else may be.

The schemas that the specification publishes are used as well where `RECONCILIATION_SCHEMAS` names a folder of them
(`0.2/schemas` of a checkout of github.com/reconciliation-api/specs).
"""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

TEXT = {"type": "string", "minLength": 1}
ADDRESS = {"type": "string", "pattern": "^https?://[^ ]+$"}
TEMPLATE = {"type": "string", "pattern": r"^https?://[^ ]*\{\{id\}\}[^ ]*$"}
NUMBER = {"type": "number", "minimum": 0, "maximum": 100}


def thing(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema of an object with these members and no others."""
    members = {**required, **(optional or {})}
    return {"type": "object", "properties": members, "required": [*required], "additionalProperties": False}


def many(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **more}


def keyed(values: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with any keys."""
    return {"type": "object", "additionalProperties": values}


TERM = thing({"id": {"type": "string", "pattern": "^[^ &#?]+$"}, "name": TEXT})  # clients write it into addresses
TERMS = many(TERM, uniqueItems=True)
SUGGESTED = thing({"id": TEXT, "name": TEXT}, {"description": TEXT})
SERVICE = thing({"service_url": ADDRESS, "service_path": {"type": "string", "pattern": "^/"}})
SETTING = thing(
    {"name": TEXT, "label": TEXT, "type": {"enum": ["number", "select"]}, "default": {}, "help_text": TEXT},
    {"choices": many(thing({"value": TEXT, "name": TEXT}), minItems=1)},
)
MANIFEST = thing(
    {
        "versions": {"const": ["0.2"]},
        "name": TEXT,
        "identifierSpace": ADDRESS,
        "schemaSpace": ADDRESS,
        "documentation": ADDRESS,
        "serviceVersion": TEXT,
        "batchSize": {"type": "integer", "minimum": 1},
        "defaultTypes": {**TERMS, "minItems": 1},
        "view": thing({"url": TEMPLATE}),
        "preview": thing({"url": TEMPLATE, "width": {"type": "integer"}, "height": {"type": "integer"}}),
        "suggest": thing({"entity": SERVICE, "property": SERVICE, "type": SERVICE}),
        "extend": thing({"propose_properties": SERVICE, "property_settings": many(SETTING)}),
    }
)
CANDIDATE = thing(
    {
        "id": TEXT,
        "name": TEXT,
        "type": TERMS,
        "score": NUMBER,
        "match": {"type": "boolean"},
        "features": many(thing({"id": TEXT, "value": {"type": "number"}}), minItems=1),
    },
    {"description": TEXT},
)
CELL = {
    "oneOf": [
        thing({"id": TEXT, "name": TEXT}),
        thing({"str": {"type": "string"}}),
        thing({"int": {"type": "integer"}}),
        thing({"float": {"type": "number"}}),
        thing({"date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"}}),
    ]
}
SUGGESTIONS = thing({"result": many(SUGGESTED)}, {"cursor": {"type": "integer"}})
NOTABLE = {**SUGGESTED["properties"], "notable": TERMS}

OURS = {
    "manifest": MANIFEST,
    "reconciliation-result-batch": keyed(thing({"result": many(CANDIDATE)}, {"error": TEXT})),
    "suggest-entities-response": thing(
        {"result": many(thing({"id": TEXT, "name": TEXT}, NOTABLE))}, {"cursor": {"type": "integer"}}
    ),
    "suggest-properties-response": SUGGESTIONS,
    "suggest-types-response": SUGGESTIONS,
    "data-extension-property-proposal": thing(
        {"properties": TERMS, "type": {"type": "string"}}, {"limit": {"type": "integer"}}
    ),
    "data-extension-response": thing(
        {
            "meta": many(thing({"id": TEXT, "name": TEXT}, {"type": TERM})),
            "rows": keyed(keyed(many(CELL))),
        }
    ),
}


def check(name: str, answer: object) -> None:
    """Fail where an answer is not what a schema says, ours or the published one."""
    jsonschema.Draft202012Validator(OURS[name]).validate(answer)
    if folder := os.environ.get("RECONCILIATION_SCHEMAS"):
        there = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in Path(folder).glob("*.json")}
        pairs = [(schema["$id"], Resource.opaque(schema)) for schema in there.values() if "$id" in schema]
        published = {**there[f"{name}.json"], "$schema": "http://json-schema.org/draft-07/schema#"}
        if name == "manifest":  # it points to a document elsewhere for what we do not use
            del published["properties"]["authentication"]
        jsonschema.Draft7Validator(published, registry=Registry().with_resources(pairs)).validate(answer)
