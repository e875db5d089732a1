"""The part of the graph that one edition speaks of: for who wants only that table, and to validate it by itself."""

from collections.abc import Iterable, Iterator

from kg.core import iris
from kg.rdf.document_parts import own_prefixes
from kg.rdf.ntriples_chunks import Chunk, Sorted, by_subject

_KEPT = 50_000  # subjects that several editions speak of, whose lines are kept
_ID = iris.ID.encode()
_TYPE = f"<{iris.PREFIXES['rdf']}type>".encode()

Said = dict[bytes, list[bytes]]  # lines by their subjects, which are IRIs without brackets


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

    def spoken_of(self, key: str) -> Said:
        """Return, by subject, the lines of what an edition speaks of, in their order.

        They are what the edition states itself, and what is said of all that can be reached from there without entering
        another edition: organizations, pillars, laws, corrections, rows of the recipe. A code that the edition does not
        use stands in the whole graph only.
        """
        own = iris.edition(key).encode()
        found = {own: self._about(own)}
        for prefix in (*own_prefixes(key), b"<" + own + b"/"):
            found |= about(self._graph.beginning(prefix))
        found = self.reached(found, key)
        return {
            subject: found[subject] for subject in sorted(found, key=lambda subject: subject + b">") if found[subject]
        }

    def reached(self, found: Said, key: str = "") -> Said:
        """Return what is found, and what can be reached from there without entering another edition than this."""
        found, ahead = dict(found), list(found)
        while ahead:
            for iri in _things(found[ahead.pop()]):
                if iri not in found and self.owner(iri) in (b"", key.encode()) and (lines := self._about(iri)):
                    found[iri] = lines
                    ahead.append(iri)
        return found

    def shared(self, size: int) -> Iterator[list[Chunk]]:
        """Yield lots of chunks with what does not stand among an edition's measures or printed cells."""
        return self._graph.without(
            (prefix for key in sorted(self._keys) for prefix in own_prefixes(key.decode())), size
        )

    def pointing(self, lines: bytes, properties: frozenset[bytes]) -> Iterator[bytes]:
        """Yield which things are pointed to by one of these properties, but by none that has the same edition.

        Each line begins with the thing: a statement by which something points there, or the class of what points.
        """
        for subject, said in by_subject(lines):
            owner = self.owner(subject[1:-1])
            rows = [(line, *line.split(b" ", 2)[1:]) for line in said]
            there = [
                (value[:-2], line)
                for line, name, value in rows
                if name in properties and value.startswith(b"<") and self.owner(value[1:-4]) not in {owner} - {b""}
            ]
            types = [line for line, name, _ in rows if name == _TYPE]
            yield from (value + line for value, line in there)
            yield from (value + line for value in {value for value, _ in there} for line in types)

    def around(self, found: Said) -> Iterator[bytes]:
        """Yield the lines about the things, of other editions, that what is found points to."""
        beyond = {iri for lines in found.values() for iri in _things(lines) if iri not in found}
        for iri in sorted(beyond):
            yield from self._about(iri)

    def _about(self, iri: bytes) -> list[bytes]:
        if iri not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[iri] = self._graph.beginning(b"<" + iri + b"> ").splitlines(keepends=True)
        return self._kept[iri]


def about(lines: bytes) -> Said:
    """Return lines by their subjects."""
    return {subject[1:-1]: said for subject, said in by_subject(lines)}


def _things(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the IRIs that lines point to."""
    for line in lines:
        value = line.split(b" ", 2)[2]
        if value.startswith(b"<"):
            yield value[1:-4]  # without what ends the line
