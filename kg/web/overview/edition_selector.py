"""Which edition a page is about: the newest, or the one that its address names."""

from collections.abc import Sequence
from dataclasses import dataclass

from kg.core.labels import preferred
from kg.core.stored_queries import EDITION
from kg.http.query_client import Ask
from kg.http.stored_query_client import Names, editions_of, names
from kg.web.browse.facets import BY_KEY

PARAMETER = EDITION


@dataclass(frozen=True)
class Edition:
    """An edition: its IRI, what an address names it by, and whether it is the only one."""

    iri: str
    key: str
    alone: bool = False

    @property
    def about(self) -> tuple[tuple[str, str], ...]:
        """What a stored query is asked about, for links to it."""
        return ((PARAMETER, self.iri if ":" in self.key else f"edition/{self.key}"),)

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """What the list of measures is narrowed to for this edition: nothing where there is no other."""
        return {} if self.alone else {PARAMETER: (self.iri,)}


@dataclass(frozen=True)
class Editions:
    """The editions of a graph, the newest first, with their names."""

    every: Sequence[Edition]
    names: Names

    def chosen(self, key: str) -> Edition | None:
        """Return the edition of a key, the newest for none, or None where there is no such edition."""
        return next((edition for edition in self.every if key in ("", edition.key)), None)

    def called(self, edition: Edition, lang: str) -> str:
        """Return what an edition is called."""
        return preferred(self.names.get(edition.iri, {}), lang) or edition.key


async def editions(ask: Ask) -> Editions:
    """Return the editions of a graph."""
    found = await editions_of(ask)
    short = BY_KEY[PARAMETER].short
    return Editions([Edition(iri, short(iri), len(found) == 1) for iri in found], await names(ask, found))
