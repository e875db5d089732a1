"""Sorted files of lines become one sorted file in which each line stands once: memory does not grow with their size."""

import heapq
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

_AT_ONCE = 64  # files that are open together: fewer than any system allows


def merge(files: Sequence[Path], into: Path, distinct: bool = True) -> None:
    """Merge sorted files into a sorted file, each line once unless `distinct` is false.

    Intermediate files are written beside it and removed.
    """
    waiting, remaining = list(files), iter(files)
    for level in range(len(files)):
        if len(waiting) <= _AT_ONCE:
            break
        remaining, waiting = iter(waiting), []
        while lot := list(islice(remaining, _AT_ONCE)):
            waiting.append(into.with_name(f"{into.name}.{level}-{len(waiting)}"))
            _merge(lot, waiting[-1], distinct)
            _remove(lot, files)
    _merge(waiting, into, distinct)
    _remove(waiting, files)


def _remove(merged: Sequence[Path], kept: Sequence[Path]) -> None:
    given = set(kept)
    for file in merged:
        if file not in given:
            file.unlink()


def _merge(files: Sequence[Path], into: Path, distinct: bool) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(file.open("rb")) for file in files]
        output = stack.enter_context(into.open("wb"))
        before = b""
        for line in heapq.merge(*opened):
            if line != before or not distinct:
                output.write(line)
                before = line


@dataclass(frozen=True)
class Block:
    """A sorted file among whose lines no line of others falls: these are before its first or behind its last."""

    file: Path
    first: bytes

    @classmethod
    def of(cls, file: Path) -> "Block":
        """Return the block of a file; `first` is empty where the file is."""
        with file.open("rb") as lines:
            return cls(file, lines.readline())


def weave(shared: Path, blocks: Sequence[Block], into: Path) -> None:
    """Write the lines of a sorted file and blocks in order; raise ValueError where a line would fall into a block."""
    ordered = sorted((block for block in blocks if block.first), key=lambda block: block.first)
    with shared.open("rb") as lines, into.open("wb") as output:
        line = lines.readline()
        for block in ordered:
            while line and line < block.first:
                output.write(line)
                line = lines.readline()
            with block.file.open("rb") as content:
                shutil.copyfileobj(content, output, 1 << 20)
            if line and line <= _last(block.file):
                raise ValueError(f"{line.decode().strip()} is about what belongs to another part")
        output.write(line)
        shutil.copyfileobj(lines, output, 1 << 20)


def _last(file: Path) -> bytes:
    """Return the last line of a file that is not empty; lines of any length."""
    size = file.stat().st_size
    with file.open("rb") as content:
        for back in (1 << power for power in range(12, 64)):
            content.seek(max(0, size - back))
            tail = content.read()
            start = tail.rfind(b"\n", 0, len(tail) - 1)
            if start >= 0 or back >= size:
                return tail[start + 1 :]
    raise AssertionError("a file is shorter than what was read of it")


def lines_of(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file."""
    with file.open("rb") as lines:
        yield from lines
