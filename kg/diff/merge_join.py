"""Two dumps side by side, in one pass over both: the subjects that differ, and the statements that make it so."""

from collections.abc import Iterator
from dataclasses import dataclass

from kg.diff.sorted_dump import Dump

_NONE: tuple[str, list[str]] = ("", [])


@dataclass(frozen=True)
class Difference:
    """A subject that differs, as it is written, with all its lines in the one dump and in the other."""

    subject: str
    before: list[str]
    after: list[str]

    @property
    def removed(self) -> list[str]:
        """The lines that only the first dump has."""
        return sorted({*self.before} - {*self.after})

    @property
    def added(self) -> list[str]:
        """The lines that only the second dump has."""
        return sorted({*self.after} - {*self.before})


def differences(before: Dump, after: Dump) -> Iterator[Difference]:
    """Yield each subject whose lines differ, in the order of the dumps."""
    one, other = before.subjects(), after.subjects()
    old, new = next(one, _NONE), next(other, _NONE)
    while old[0] or new[0]:
        if not new[0] or (old[0] and old[0] < new[0]):
            yield Difference(old[0], old[1], [])
            old = next(one, _NONE)
        elif not old[0] or new[0] < old[0]:
            yield Difference(new[0], [], new[1])
            new = next(other, _NONE)
        else:
            if old[1] != new[1]:
                yield Difference(old[0], old[1], new[1])
            old, new = next(one, _NONE), next(other, _NONE)


def patch(before: Dump, after: Dump) -> Iterator[tuple[bool, str]]:
    """Yield the lines that make the second dump of the first: whether each is added (else removed), and the line.

    The first dump without those removed and with those added, sorted, is the second, byte for byte.
    """
    for difference in differences(before, after):
        yield from ((False, line) for line in difference.removed)
        yield from ((True, line) for line in difference.added)
