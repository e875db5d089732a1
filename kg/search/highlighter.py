"""Where in a text the words stand that were looked for, and the stretch of it that shows them."""

from collections.abc import Iterable, Sequence

from kg.search.normalizer import Folded, Folding, is_japanese
from kg.search.results import Piece
from kg.search.tokenizer import spans, stem

_WIDTH = 120  # characters of a snippet
_BEFORE = 30  # of them before the first word


def marks(folded: Folded, terms: Iterable[Sequence[str]]) -> list[tuple[int, int]]:
    """Return the stretches of the original text, in order and without overlap, in which the terms stand."""
    placed = list(spans(folded.text))
    found: list[tuple[int, int]] = []
    for term in terms:
        for place in range(len(placed) - len(term) + 1):
            found += _places(folded, placed[place : place + len(term)], term)
    return _joined(sorted(found))


def pieces(text: str, marked: Sequence[tuple[int, int]], start: int = 0, end: int | None = None) -> tuple[Piece, ...]:
    """Return a part of a text, cut where its marks begin and end."""
    found: list[Piece] = []
    last = start
    end = len(text) if end is None else end
    for first, stop in marked:
        first, stop = max(first, start), min(stop, end)
        if first >= stop:
            continue
        if first > last:
            found.append(Piece(text[last:first]))
        found.append(Piece(text[first:stop], True))
        last = stop
    if last < end:
        found.append(Piece(text[last:end]))
    return tuple(found)


def snippet(text: str, marked: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    """Return the stretch of a text around its first mark; dots stand for what is left out."""
    start = max(0, marked[0][0] - _BEFORE) if marked else 0
    end = min(len(text), start + _WIDTH)
    cut = pieces(text, marked, start, end)
    before = (Piece("…"),) if start else ()
    after = (Piece("…"),) if end < len(text) else ()
    return (*before, *cut, *after)


def mark(text: str, terms: Iterable[Sequence[str]], folding: Folding) -> list[tuple[int, int]]:
    """Return the stretches of a text in which the terms stand."""
    return marks(folding.placed(text), terms)


def _places(folded: Folded, placed: Sequence[tuple[int, int]], term: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Yield where a term stands that begins in the first of these runs and ends in the last."""
    last = len(term) - 1
    for number, ((start, end), wanted) in enumerate(zip(placed, term, strict=True)):
        run = folded.text[start:end]
        if not is_japanese(wanted[0]):
            if is_japanese(run[0]) or stem(run) != stem(wanted):
                return
        elif number == 0 == last:
            at = run.find(wanted)
            while at >= 0:
                yield _original(folded, start + at, start + at + len(wanted))
                at = run.find(wanted, at + len(wanted))
            return
        elif not (run.endswith(wanted) if number == 0 else run.startswith(wanted) if number == last else run == wanted):
            return
    first = placed[0][1] - len(term[0])
    stop = placed[-1][0] + (len(term[-1]) if is_japanese(term[-1][0]) else placed[-1][1] - placed[-1][0])
    if not is_japanese(term[0][0]):
        first = placed[0][0]
    yield _original(folded, first, stop)


def _original(folded: Folded, start: int, end: int) -> tuple[int, int]:
    return folded.starts[start], folded.ends[end - 1]


def _joined(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
