"""Every block of the pages for linkers is run against real servers, and prints what the page shows."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pyoxigraph
import pytest

from . import tools
from .conftest import ROOT, Servers, Serving
from .recipes import DOCS, OTHER, OUTPUT, RUN, Block, Section, Step, blocks_of, sections_of

PAGES = ("linking.md", "citing-and-linking.md")
SECTIONS = [section for page in PAGES for section in sections_of(page)]
DATA = ("csv", "turtle", "sparql", "js")
# What a block needs that is no dependency of the project, by what it says.
NEEDS: dict[str, Callable[[], Path]] = {"import pandas": tools.pandas, "node ": tools.comunica}


def available(section: Section) -> dict[str, str]:
    """Return the environment in which the tools of a section are found; skip the test where one cannot be had."""
    text = "\n".join(step.block.text for step in section.steps)
    environment: dict[str, str] = {}
    for sign, tool in NEEDS.items():
        if sign in text:
            try:
                folder = tool()
            except tools.Missing as error:
                pytest.skip(str(error))
            environment["PYTHONPATH" if tool is tools.pandas else "NODE_MODULES"] = str(folder)
    return environment


def commands_of(text: str) -> list[str]:
    """Return the commands of a block for the shell: a line that ends in `|` goes on in the next."""
    return re.sub(r"\|\n\s*", "| ", text).strip().splitlines()


def run(step: Step, folder: Path, servers: Servers, second: Callable[[], None], environment: dict[str, str]) -> str:
    """Run a step in a folder and return what it prints; a server that it starts runs on."""
    printed = ""
    if step.block.language == "python":
        commands = [[sys.executable, "-c", servers.as_here(step.block.text)]]
    else:
        lines = [servers.as_here(line) for line in commands_of(step.block.text)]
        if any("serve-read-only" in line for line in lines):
            (line,) = [line for line in lines if "serve-read-only" in line]
            assert shlex.split(line)[1:] == [
                "serve-read-only",
                "--location",
                "other",
                "--bind",
                f"127.0.0.1:{servers.other}",
            ]
        before = [line for line in lines if "serve" not in line]
        commands = [["sh", "-c", line.replace("./run ", f"{shlex.quote(sys.executable)} -m kg ")] for line in before]
    for command in commands:
        done = subprocess.run(
            command, cwd=folder, env=servers.environment(**environment), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        printed += done.stdout
    if "serve-read-only" in step.block.text:
        second()
    return printed


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_section_does_what_it_says(section: Section, servers: Servers, second: Serving, tmp_path: Path) -> None:
    """Whoever writes the files of a section and runs its blocks in their order sees what stands there."""
    environment = available(section)
    for name, text in section.files.items():
        (tmp_path / name).write_text(servers.as_here(text), encoding="utf-8")
    if "NODE_MODULES" in environment:
        (tmp_path / "node_modules").symlink_to(Path(environment.pop("NODE_MODULES")) / "node_modules")
    with ExitStack() as stack:
        for step in section.steps:
            printed = run(step, tmp_path, servers, lambda: stack.enter_context(second(tmp_path)), dict(environment))
            if step.shown is not None:
                where = f"{section.page}, line {step.block.line}"
                assert printed.replace("\r\n", "\n") == servers.as_here(step.shown), where


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_read(page: str) -> None:
    """No block is of a kind that the tests pass over, but for the languages that the page says are not run."""
    blocks = blocks_of(page)
    used = {block for section in sections_of(page) for block in section.blocks}

    assert set(blocks) == used
    for block in blocks:
        assert block.language in (*RUN, OUTPUT, *OTHER, *DATA), f"{page}, line {block.line}"
        assert (block.language in DATA) == bool(block.file), f"{page}, line {block.line}"
        if block.language == "turtle":
            assert list(pyoxigraph.parse(block.text, format=pyoxigraph.RdfFormat.TURTLE))
    assert "Not run by the tests" in (DOCS / page).read_text(encoding="utf-8") or not [
        block for block in blocks if block.language == "r"
    ]


@pytest.mark.parametrize("page", PAGES)
def test_the_japanese_page_has_the_same_blocks(page: str) -> None:
    """What runs in one language runs in the other: the twins differ in their prose only."""

    def plain(blocks: list[Block]) -> list[tuple[str, str, str]]:
        return [(block.language, block.file, block.text) for block in blocks]

    assert plain(blocks_of(page.replace(".md", ".ja.md"))) == plain(blocks_of(page))


@pytest.mark.parametrize("page", [name for page in PAGES for name in (page, page.replace(".md", ".ja.md"))])
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    """Each relative link is a file of the checkout, and each anchor of it, or of the page itself, a heading there."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        file = (DOCS / name).resolve() if name else DOCS / page
        assert file.exists() and file.is_relative_to(ROOT), target
        if anchor:
            headings = re.findall(r"^#+ (.*)", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, target


def test_addresses_to_paste_answer(servers: Servers) -> None:
    """An address that the pages give to a program leads to something."""
    for block in blocks_of("linking.md"):
        if block.language == "address":
            assert httpx.get(servers.as_here(block.text.strip()), follow_redirects=True).status_code == 200
