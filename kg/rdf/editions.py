"""The part of the graph that one edition speaks of: for who wants only that table, and to validate it by itself."""

from collections.abc import Iterable, Iterator

from kg import names
from kg.rdf.chunks import Sorted, by_subject
from kg.rdf.parts import own_prefixes

_KEPT = 50_000  # subjects that several editions speak of, whose lines are kept
_ID = names.ID.encode()


class Editions:
    """What each edition of a sorted graph states, by way of the disk."""

    def __init__(self, graph: Sorted, keys: Iterable[str]) -> None:
        self._graph = graph
        self._keys = {key.encode() for key in keys}
        self._kept: dict[bytes, list[bytes]] = {}

    def owner(self, iri: bytes) -> bytes:
        """Return the key of the edition that a thing belongs to, or nothing where several may speak of it."""
        if not iri.startswith(_ID):
            return b""
        kind, _, rest = iri[len(_ID) :].partition(b"/")
        key = rest.partition(b"/")[0] if kind in (b"source", b"edition") else kind
        return key if key in self._keys else b""

    def spoken_of(self, key: str) -> dict[bytes, list[bytes]]:
        """Return, by subject, the lines of what an edition speaks of, in their order.

        They are what the edition states itself, and what is said of all that can be reached from there without entering
        another edition: organizations, pillars, laws, corrections, rows of the recipe. A code that the edition does not
        use stands in the whole graph only.
        """
        own = names.edition(key).encode()
        found = {own: self._about(own)}
        for prefix in own_prefixes(key):
            found |= {subject[1:-1]: lines for subject, lines in by_subject(self._graph.beginning(prefix))}
        ahead = list(found)
        while ahead:
            for iri in _things(found[ahead.pop()]):
                if iri not in found and self.owner(iri) in (b"", key.encode()) and (lines := self._about(iri)):
                    found[iri] = lines
                    ahead.append(iri)
        return {
            subject: found[subject] for subject in sorted(found, key=lambda subject: subject + b">") if found[subject]
        }

    def shared(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield the subjects, with their lines, that do not stand among an edition's measures or printed cells."""
        for lines in self._graph.without(
            [prefix for key in sorted(self._keys) for prefix in own_prefixes(key.decode())]
        ):
            yield from ((subject[1:-1], said) for subject, said in by_subject(lines))

    def around(self, key: str, spoken_of: dict[bytes, list[bytes]]) -> Iterator[bytes]:
        """Yield the lines about the things of other editions that an edition points to."""
        beyond = {iri for lines in spoken_of.values() for iri in _things(lines) if iri not in spoken_of}
        for iri in sorted(beyond):
            yield from self._about(iri)

    def _about(self, iri: bytes) -> list[bytes]:
        if iri not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[iri] = self._graph.beginning(b"<" + iri + b"> ").splitlines(keepends=True)
        return self._kept[iri]


def _things(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the IRIs that lines point to."""
    for line in lines:
        value = line.split(b" ", 2)[2]
        if value.startswith(b"<"):
            yield value[1:-4]  # without what ends the line
