"""Misreadings that come back: what an earlier edition's correction says may hold for the text of a new one, too.

The next document is read by the same text recognition. Nothing is corrected for its likeness: a curator is offered the
row, looks at the place, and adds it to `corrections.csv`.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace

from kg.core.errors import KgError, Problem
from kg.recipe.corrections import Correction
from kg.recipe.revision_judgements import before
from kg.recipe.sources import Source

_FIELDS = 11  # of a correction, without the place of its row
_NUMBERED = re.compile(r"c(\d+)")


def returning(sources: Sequence[Source], corrections: Sequence[Correction]) -> Iterator[Problem]:
    """Yield for each place of an edition where an earlier edition's correction fits, and none stands, the row to add.

    A document that cannot be read is passed over: that is told elsewhere.
    """
    number = max((int(match[1]) for entry in corrections if (match := _NUMBERED.fullmatch(entry.id))), default=0)
    documents = {source.key: _lines(source) for source in sources} if len(sources) > 1 and corrections else {}
    for source in sources if documents else ():
        earlier = before(source, sources)
        own = [entry for entry in corrections if entry.edition == source.key]
        offered = set[tuple[str, int]]()
        for entry in corrections:
            places = _places(entry, documents[source.key]) if entry.edition in earlier else []
            for line in _meant(entry, places, documents):
                if (entry.printed, line) in offered or any(_judged(entry, line, one) for one in own):
                    continue
                offered.add((entry.printed, line))
                number += 1
                said = "" if len(places) == 1 else str(line)
                yield _offer(entry, replace(entry, id=f"c{number:04}", edition=source.key, line=said), source, line)


def _lines(source: Source) -> Sequence[str]:
    try:
        return source.document().split("\n")
    except KgError:
        return ()


def _places(entry: Correction, lines: Sequence[str]) -> list[int]:
    """Return the lines in which a text stands, once for each time."""
    return [line for line, text in enumerate(lines, 1) for _ in range(text.count(entry.printed))]


def _meant(entry: Correction, places: list[int], documents: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the lines that an entry is about: where it names one of several, the one that has come in its place."""
    there = _places(entry, documents.get(entry.edition, ())) if entry.line and places else []
    if len(there) == len(places) and entry.line in map(str, there):
        return [places[there.index(int(entry.line))]]
    return list(dict.fromkeys(places))


def _judged(entry: Correction, line: int, own: Correction) -> bool:
    """Whether an edition's own entry is about the text that an earlier one's is about, in a line."""
    return own.line in ("", str(line)) and (own.printed in entry.printed or entry.printed in own.printed)


def _offer(earlier: Correction, offered: Correction, source: Source, line: int) -> Problem:
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(astuple(offered)[:_FIELDS])
    fact = f"the correction {earlier.id} of {earlier.edition} fits {source.key}, too: {earlier.printed!r}"
    remedy = f"if it is the same misreading, add this row to {earlier.file.name}: {row.getvalue()}"
    return Problem(fact, remedy, source.file, line)
