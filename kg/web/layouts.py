"""Page layouts by class of resource, read from `layouts.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kg.core.iris import ID, PREFIXES

_FILE = Path(__file__).with_suffix(".toml")
_SCHEME = f"{ID}scheme/"


@dataclass(frozen=True)
class Layout:
    """Layout of the page of one class: its name, its properties in reading order, its template and related queries."""

    name: tuple[str, str] = ("", "")
    facts: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    within: str = ""
    template: str = "thing.html"
    detail: bool = False
    related: frozenset[str] = frozenset()


UNKNOWN = Layout()


def layout_of(classes: list[str], schemes: list[str]) -> Layout:
    """Return the layout for these classes and the code lists of a concept; UNKNOWN if there is none."""
    kinds, codes = _layouts(), [scheme.removeprefix(_SCHEME) for scheme in schemes]
    for name in classes:
        for scheme in (*codes, ""):
            if kind := kinds.get((name, scheme)):
                return kind
    return UNKNOWN


@cache
def inbound_labels() -> Mapping[str, tuple[str, str]]:
    """Return the labels of incoming properties, from the view of the object, in the order of a page."""
    return {_iri(name): (ja, en) for name, (ja, en) in _read()["pointing"].items()}


@cache
def _layouts() -> Mapping[tuple[str, str], Layout]:
    return {
        (_iri(entry["class"]), entry.get("scheme", "")): Layout(
            name=(entry["name"][0], entry["name"][1]),
            facts=tuple(map(_iri, entry.get("facts", ()))),
            hidden=frozenset(map(_iri, entry.get("hidden", ()))),
            within=_iri(entry["within"]) if "within" in entry else "",
            template=entry.get("template", Layout.template),
            detail=entry.get("detail", False),
            related=frozenset(entry.get("related", ())),
        )
        for entry in _read()["kind"]
    }


def _iri(name: str) -> str:
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local


@cache
def _read() -> dict:  # type: ignore[type-arg]
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
