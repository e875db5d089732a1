"""The kinds of things that have a page, as `layouts.toml` lays them out."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kg.core.iris import ID, PREFIXES

_FILE = Path(__file__).with_suffix(".toml")
_SCHEME = f"{ID}scheme/"


@dataclass(frozen=True)
class Kind:
    """A kind of thing: what one is called, its properties in reading order, and what else its page asks for."""

    name: tuple[str, str] = ("", "")
    facts: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    within: str = ""
    template: str = "thing.html"
    detail: bool = False
    asks: frozenset[str] = frozenset()


UNKNOWN = Kind()


def kind_of(classes: list[str], schemes: list[str]) -> Kind:
    """Return the kind of a thing of these classes, where it is a concept of these code lists; UNKNOWN for others."""
    kinds, codes = _kinds(), [scheme.removeprefix(_SCHEME) for scheme in schemes]
    for name in classes:
        for scheme in (*codes, ""):
            if kind := kinds.get((name, scheme)):
                return kind
    return UNKNOWN


@cache
def pointing() -> Mapping[str, tuple[str, str]]:
    """Return what points to a thing, by property: in words of that thing, and in the order of a page."""
    return {_iri(name): (ja, en) for name, (ja, en) in _read()["pointing"].items()}


@cache
def facets() -> Mapping[str, tuple[str, str]]:
    """Return the facets of the list of measures and what their values stand under, by the property that leads there."""
    return {_iri(name): (facet, folder) for name, (facet, folder) in _read()["facets"].items()}


@cache
def _kinds() -> Mapping[tuple[str, str], Kind]:
    return {
        (_iri(entry["class"]), entry.get("scheme", "")): Kind(
            name=(entry["name"][0], entry["name"][1]),
            facts=tuple(map(_iri, entry.get("facts", ()))),
            hidden=frozenset(map(_iri, entry.get("hidden", ()))),
            within=_iri(entry["within"]) if "within" in entry else "",
            template=entry.get("template", Kind.template),
            detail=entry.get("detail", False),
            asks=frozenset(entry.get("asks", ())),
        )
        for entry in _read()["kind"]
    }


def _iri(name: str) -> str:
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local


@cache
def _read() -> dict:  # type: ignore[type-arg]
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
