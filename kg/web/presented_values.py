"""What a page shows of a graph: values, facts, places in the source, sections."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """A value as it is shown: its text with its language, where it leads (`away` from this site), its datatype."""

    text: str
    lang: str = ""
    href: str = ""
    datatype: str = ""
    away: bool = False


@dataclass(frozen=True)
class Fact:
    """A property with its values. `term` is its prefixed name, `href` leads to what it means where that is ours.

    Of very many values only some are here: `total` are all, and `query` asks for them.
    """

    iri: str
    name: str
    term: str
    href: str
    values: tuple[Value, ...]
    total: int
    query: str = ""


@dataclass(frozen=True)
class Correction:
    """A judgement on a misreading: what is printed, what it was corrected to (nothing where it was left), and why."""

    href: str
    printed: str
    corrected: str
    reason: Value


@dataclass(frozen=True)
class Issue:
    """What could not be settled at a place, in words."""

    href: str
    message: Value


@dataclass(frozen=True)
class Place:
    """Where something was read: the name of the place with its address, and what is printed there.

    `beside` leads to it on the page of the source, beside what was read; it is empty for a row of the recipe.
    `blank` is a place where nothing is printed; `corrections` and `issues` are what was decided or left open there.
    """

    name: str
    href: str
    printed: str
    blank: bool = False
    corrections: tuple[Correction, ...] = ()
    issues: tuple[Issue, ...] = ()
    beside: str = ""


@dataclass(frozen=True)
class Section:
    """One thing on a page: the anchor, its names, what kinds of thing it is, its facts, and where it was read.

    `href` leads to its own document.
    """

    iri: str
    href: str
    anchor: str
    title: Value
    also: tuple[Value, ...]
    kinds: tuple[Value, ...]
    facts: tuple[Fact, ...]
    sources: tuple[Place, ...]
