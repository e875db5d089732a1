"""Reads the pages of docs/ as files to write, commands and programs to run, and what these print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
# What runs, what it prints, and what is neither: an address to paste, and a language that is not there to be run.
RUN, OUTPUT = ("sh", "python"), "text"
OTHER = ("address", "r")
_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<file>[\w.-]+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code on a page: its language, the name of the file if it is one, its text, and its first line."""

    language: str
    file: str
    text: str
    line: int


@dataclass
class Step:
    """Something to run, and what the page shows of its output: nothing, or all of it."""

    block: Block
    shown: str | None = None


@dataclass
class Section:
    """What stands under one heading."""

    page: str
    heading: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A name for the test of it."""
        return f"{self.page}: {self.heading}"

    @property
    def files(self) -> dict[str, str]:
        """The files that its reader writes, by name."""
        return {block.file: block.text for block in self.blocks if block.file}

    @property
    def steps(self) -> list[Step]:
        """What its reader runs, in order."""
        steps: list[Step] = []
        for block in self.blocks:
            if block.language in RUN and not block.file:
                steps.append(Step(block))
            elif block.language == OUTPUT:
                steps[-1].shown = block.text
        return steps


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        Block(found["language"], found["file"] or "", found["text"], text.count("\n", 0, found.start()) + 1)
        for found in _BLOCK.finditer(text)
    ]


def sections_of(page: str) -> Iterator[Section]:
    """Yield the sections of a page that hold a block."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    headings = [(number, line.lstrip("# ")) for number, line in enumerate(lines, 1) if re.match("##? ", line)]
    blocks = blocks_of(page)
    for (start, heading), (end, _) in zip(headings, [*headings[1:], (len(lines) + 1, "")], strict=True):
        inside = [block for block in blocks if start < block.line < end]
        if inside:
            yield Section(page, heading, inside)
