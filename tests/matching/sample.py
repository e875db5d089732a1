"""A labelled sample of names for the matcher, and where its labels come from. Nobody else has labelled it.

- `rules`: true names of the release, changed by rules that clerks, typists and scanners follow. Each means its thing.
- `phrasings`: `phrasings.csv`, written by hand in the way of municipal plans, before the matcher was tried on them; by
  the same people who wrote the matcher. `means` is empty where the release has no such thing, be it ever so similar.
  They came in three batches. The second, with harder ones, was added when the first had been measured; the last when
  the matcher and its limits were settled, so nothing was set on it: it is held out as a whole.
- `absent`: true names whose things were taken out of the graph before the index was made: nothing may match them.

A half is chosen by a hash: of the thing for changed and absent names, so that no thing is in both, of the text for
those written by hand. Limits are set on the half `set`; figures are reported of the half `held-out`.
"""

import csv
import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import NamedNode, Store

from kg.core.iris import ID
from kg.search.normalizer import CharacterTable, hiragana

SET, HELD_OUT = HALVES = ("set", "held-out")
HERE = Path(__file__).parent
_KINDS = {
    "measure": "https://w3id.org/shisaku/def#Measure",
    "formal-organization": "http://www.w3.org/ns/org#FormalOrganization",
    "law": "https://w3id.org/shisaku/def#Law",
    "budget-programme": "https://w3id.org/shisaku/def#BudgetProgramme",
    "named-entity": "https://w3id.org/shisaku/def#NamedEntity",
    "administrative-area": "http://schema.org/AdministrativeArea",
}
_NAMES = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#> PREFIX dcterms: <http://purl.org/dc/terms/>
SELECT ?thing ?name ?lang WHERE {{ ?thing a <{kind}> ; skos:prefLabel|skos:altLabel|dcterms:title ?name }}
ORDER BY ?thing ?name"""
_JAPANESE = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")


@dataclass(frozen=True)
class Case:
    """A name, the type it is asked under, the thing it means (empty: none), where the label is from, its half."""

    text: str
    type: str
    means: str
    origin: str
    half: str


def half_of(text: str) -> str:
    """Return the half that a text falls in."""
    return HALVES[hashlib.sha256(text.encode()).digest()[0] % 2]


def names_of(store: Store) -> list[tuple[str, str, str]]:
    """Return type, thing and name of all that is matched; a name that two things of a type share means neither."""
    found = []
    for type, kind in _KINDS.items():
        rows = [(row["thing"].value, row["name"].value) for row in store.query(_NAMES.format(kind=kind))]
        shared = {name for thing, name in rows for other, same in rows if same == name and other != thing}
        found += [(type, thing, name) for thing, name in dict.fromkeys(rows) if name not in shared]
    return found


def phrasings() -> Iterator[Case]:
    """Yield the names that were written by hand."""
    with (HERE / "phrasings.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            means = ID + row["means"] if row["means"] else ""
            last = row["batch"] == "3"
            yield Case(
                *(row["text"], row["type"], means),
                "phrasings, last" if last else "phrasings",
                HELD_OUT if last else half_of(row["text"]),
            )


def changed(names: Sequence[tuple[str, str, str]]) -> Iterator[Case]:
    """Yield each name under every rule that changes it."""
    taken = {(type, name) for type, _, name in names}
    for type, thing, name in names:
        for rule in RULES:
            new = rule(name, random.Random(f"{rule.__name__} {name}"))
            if new != name and new.strip() and (type, new) not in taken:
                yield Case(new, type, thing, rule.__name__, half_of(thing))


def absent(names: Sequence[tuple[str, str, str]], half: str) -> list[Case]:
    """Return the names of the things of a half, which mean nothing in a graph that lacks them."""
    return [Case(name, type, "", "absent", half) for type, thing, name in names if half_of(thing) == half]


def without(store: Store, things: set[str]) -> Store:
    """Return a graph without what is said of some things."""
    return_store = Store()
    return_store.bulk_extend(
        quad for quad in store if not (isinstance(quad.subject, NamedNode) and quad.subject.value in things)
    )
    return return_store


def full_width(name: str, chance: random.Random) -> str:
    """Letters and digits in full width."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)


def spaced(name: str, chance: random.Random) -> str:
    """A line wrap in the middle."""
    at = chance.randrange(1, max(2, len(name)))
    return name[:at] + "\n" + name[at:]


def without_particles(name: str, chance: random.Random) -> str:
    """One の or を left out."""
    return re.sub("(?<=[\u4e00-\u9fff])[のを](?=[\u4e00-\u9fff])", "", name, count=1)


def other_kana(name: str, chance: random.Random) -> str:
    """Katakana as hiragana: so do those who type without converting."""
    return hiragana(name) if len(name) < 12 else name


def old_kanji(name: str, chance: random.Random) -> str:
    """Every character in its old form."""
    old = {usual: one for one, usual in sorted(_CHARACTERS.usual.items(), reverse=True) if usual.isidentifier()}
    return "".join(old.get(c, c) for c in name)


def misread(name: str, chance: random.Random) -> str:
    """One character taken for one that looks like it."""
    alike: dict[str, list[str]] = {}
    for one, other in sorted(_CHARACTERS.alike):
        alike.setdefault(one, []).append(other)
    places = [place for place, c in enumerate(name) if c in alike]
    if not places or len(name) < 6:
        return name
    at = chance.choice(places)
    return name[:at] + chance.choice(alike[name[at]]) + name[at + 1 :]


def misread_beyond(name: str, chance: random.Random) -> str:
    """One character taken for any other kanji: what no table knows."""
    places = [place for place, c in enumerate(name) if "\u4e00" <= c <= "\u9fff"]
    if not places or len(name) < 10:
        return name
    at = chance.choice(places)
    return name[:at] + chr(chance.randrange(0x4E00, 0x9000)) + name[at + 1 :]


def lost(name: str, chance: random.Random) -> str:
    """One character left out."""
    at = chance.randrange(len(name))
    return name[:at] + name[at + 1 :] if len(name) >= 10 else name


def swapped(name: str, chance: random.Random) -> str:
    """Two neighbours exchanged."""
    at = chance.randrange(max(1, len(name) - 1))
    return name[:at] + name[at : at + 2][::-1] + name[at + 2 :] if len(name) >= 10 else name


def in_brackets(name: str, chance: random.Random) -> str:
    """Brackets and middle dots set in another way."""
    return "「" + name.replace("「", "").replace("」", "").replace("・", "") + "」"


def with_rest(name: str, chance: random.Random) -> str:
    """A word that plans add."""
    return name + chance.choice(("について", "(継続)", "(新規)", "【再掲】")) if _JAPANESE.search(name) else name


def in_capitals(name: str, chance: random.Random) -> str:
    """An English name in capitals."""
    return name if _JAPANESE.search(name) else name.upper()


RULES: tuple[Callable[[str, random.Random], str], ...] = (
    full_width,
    spaced,
    without_particles,
    other_kana,
    old_kanji,
    misread,
    misread_beyond,
    lost,
    swapped,
    in_brackets,
    with_rest,
    in_capitals,
)
_CHARACTERS = CharacterTable.read()
