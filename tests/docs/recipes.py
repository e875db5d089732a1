"""Reads README and docs/ as files to write, commands and programs to run, and what these print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Made by a program, which another test keeps up to date: they have nothing to run.
GENERATED = ("docs/reference.md", "docs/terms.md", "docs/messages.md")
# What runs, what it prints, and what is an address to paste.
RUN, OUTPUT, ADDRESS = ("sh", "python"), "text", "address"
NOT_RUN = "not-run"
# What a page says, in its language, that has a block which no test runs.
DECLARED = ("Not run by the tests", "テストでは実行していません")
_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<name>[\w.-]+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code on a page: its language, the name of the file if it is one, its text, and its first line."""

    language: str
    name: str
    text: str
    line: int

    @property
    def file(self) -> str:
        """The name of the file that its reader writes; empty where it is none."""
        return "" if self.name == NOT_RUN else self.name

    @property
    def tried(self) -> bool:
        """Whether the tests run it, or compare it."""
        return self.name != NOT_RUN


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
            if block.language in RUN and block.tried and not block.file:
                steps.append(Step(block))
            elif block.language == OUTPUT and block.tried:
                assert steps and steps[-1].shown is None, f"{self.page}, line {block.line}: the output of what?"
                steps[-1].shown = block.text
        return steps


def written() -> list[str]:
    """Return the pages in English that people have written, by their path from the top of the project."""
    pages = ["README.md", *(f"docs/{file.name}" for file in sorted(DOCS.glob("*.md")))]
    return [page for page in pages if not page.endswith(".ja.md") and page not in GENERATED]


def twin(page: str) -> str:
    """Return the page in Japanese."""
    return page.replace(".md", ".ja.md")


def text_of(page: str) -> str:
    """Return what is written on a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page; each fence belongs to one, so that none is passed over."""
    text = text_of(page)
    found = [
        Block(match["language"], match["name"] or "", match["text"], text.count("\n", 0, match.start()) + 1)
        for match in _BLOCK.finditer(text)
    ]
    assert len(_FENCE.findall(text)) == 2 * len(found), f"{page} has a block without a language, or one that is open"
    return found


def sections_of(page: str) -> Iterator[Section]:
    """Yield the sections of a page that hold a block."""
    blocks, lines, inside = blocks_of(page), text_of(page).splitlines(), False
    headings = []
    for number, line in enumerate(lines, 1):
        inside ^= line.startswith("```")
        if re.match("##? ", line) and not inside:  # `# …` in a block is a comment
            headings.append((number, line.lstrip("# ")))
    for (start, heading), (end, _) in zip(headings, [*headings[1:], (len(lines) + 1, "")], strict=True):
        if found := [block for block in blocks if start < block.line < end]:
            yield Section(page, heading, found)
