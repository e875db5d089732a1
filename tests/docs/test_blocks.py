"""Every block of README and docs/ is run against real servers, and prints what the page shows."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pyoxigraph
import pytest

from kg.cli import main

from . import tools
from .conftest import Servers, Serving
from .recipes import (
    ADDRESS,
    DECLARED,
    OUTPUT,
    ROOT,
    RUN,
    Block,
    Section,
    Step,
    blocks_of,
    sections_of,
    text_of,
    twin,
    written,
)

PAGES = written()
SECTIONS = [section for page in PAGES for section in sections_of(page) if section.steps]
DATA = ("csv", "turtle", "sparql", "js", "json")
# What other tests take from the pages: test_nginx.py, test_replicas.py, test_plans.py.
ELSEWHERE = ("nginx", "haproxy", "toml")
# What a block needs that is no dependency of the project, by what it says.
NEEDS: dict[str, Callable[[], Path]] = {"import pandas": tools.pandas, "node ": tools.comunica}
# What a line of a block starts that does not end by itself, or would run these tests again.
ENDLESS = re.compile(r"(?:KG_\w+=\S+ )*(?:\./run (?:serve|publish|test|lint)|oxigraph serve-read-only)\b")
# The blocks that no test runs: by page, their languages in order, since there is no engine for them here.
UNTRIED: dict[str, list[str]] = {
    "docs/curator.md": ["sh"],
    "docs/linking.md": ["r"],
    "docs/operating.md": ["sh", "sh", "sh", "sh"],
    "docs/releases.md": ["sh", "sh", "sh"],
}
ANY_LINES = "…"  # a line of shown output that stands for any number of lines


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


def started(line: str, servers: Servers) -> None:
    """Check a line that starts what does not end: its options are those of the command, or of the second endpoint."""
    words = [word for word in shlex.split(line, comments=True) if not re.match(r"KG_\w+=", word)]
    if words[0] == "./run" and words[1] in main.commands:
        main.commands[words[1]].make_context(words[1], words[2:])
    elif words[0] == "oxigraph":
        bind = f"127.0.0.1:{servers.other}"
        assert words[1:] == ["serve-read-only", "--location", "other", "--bind", bind]


def run(step: Step, folder: Path, servers: Servers, second: Callable[[], None], environment: dict[str, str]) -> str:
    """Run a step in a folder and return what it prints; a second server that it starts runs on."""
    text = servers.as_here(step.block.text)
    if step.block.language == "python":
        command = [sys.executable, "-c", text]
    else:
        lines = text.splitlines()
        endless = [line for line in lines if ENDLESS.match(line)]
        for line in endless:
            started(line, servers)
        script = "\n".join(line for line in lines if line not in endless)
        command = ["sh", "-ec", re.sub(r"(?<!\S)\./run ", f"{shlex.quote(sys.executable)} -m kg ", script)]
    done = subprocess.run(command, cwd=folder, env=servers.environment(**environment), capture_output=True, text=True)
    assert done.returncode == 0, f"{step.block.text}\n{done.stdout}{done.stderr}"
    if "serve-read-only" in text:
        second()
    return done.stdout.replace("\r\n", "\n")


def same(printed: str, shown: str) -> bool:
    """Whether a page shows what was printed; a line of `…` stands for any lines."""
    lines = (r"(?:.*\n)*?" if line == ANY_LINES else re.escape(line) + r"\n" for line in shown.splitlines())
    return re.fullmatch("".join(lines), printed if printed.endswith("\n") else f"{printed}\n") is not None


@pytest.mark.exhaustive
@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_section_does_what_it_says(section: Section, servers: Servers, second: Serving, tmp_path: Path) -> None:
    """Whoever writes the files of a section and runs its blocks in their order sees what stands there."""
    environment = available(section)
    if any("cp -r build " in step.block.text for step in section.steps):
        shutil.copytree(ROOT / "build", tmp_path / "build")
    (tmp_path / "out").symlink_to(servers.out)
    for name, text in section.files.items():
        (tmp_path / name).write_text(servers.as_here(text), encoding="utf-8")
    if "NODE_MODULES" in environment:
        (tmp_path / "node_modules").symlink_to(Path(environment.pop("NODE_MODULES")) / "node_modules")
    with ExitStack() as stack:
        for step in section.steps:
            printed = run(step, tmp_path, servers, lambda: stack.enter_context(second(tmp_path)), dict(environment))
            if step.shown is not None:
                where = f"{section.page}, line {step.block.line}"
                assert same(printed, servers.as_here(step.shown)), f"{where} prints\n{printed}"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_read(page: str) -> None:
    """No block is of a kind that the tests pass over, but for those that the page declares and UNTRIED lists."""
    blocks = blocks_of(page)

    assert set(blocks) == {block for section in sections_of(page) for block in section.blocks}
    for block in (block for block in blocks if block.tried):
        assert block.language in (*RUN, OUTPUT, ADDRESS, *ELSEWHERE, *DATA), f"{page}, line {block.line}"
        assert (block.language in DATA) <= bool(block.file), f"{page}, line {block.line}"
        if block.language == "turtle":
            assert list(pyoxigraph.parse(block.text, format=pyoxigraph.RdfFormat.TURTLE))
    assert [block.language for block in blocks if not block.tried] == UNTRIED.get(page, [])
    for language, sentence in zip((page, twin(page)), DECLARED, strict=True):
        assert (sentence in text_of(language)) == (page in UNTRIED), language


@pytest.mark.parametrize("page", PAGES)
def test_the_japanese_page_has_the_same_blocks(page: str) -> None:
    """The same runs in both: the twins differ in prose and remarks only, and lead to each other."""

    def plain(blocks: list[Block]) -> list[tuple[str, str, str]]:
        remarks = re.compile(r"\s+# .*$", re.MULTILINE)
        return [(block.language, block.name, remarks.sub("", block.text)) for block in blocks]

    assert plain(blocks_of(twin(page))) == plain(blocks_of(page))
    assert f"]({Path(twin(page)).name})" in text_of(page)
    assert f"]({Path(page).name})" in text_of(twin(page))


def test_addresses_to_paste_answer(servers: Servers) -> None:
    """An address that the pages give to a program leads to something."""
    addresses = [block.text.strip() for page in PAGES for block in blocks_of(page) if block.language == ADDRESS]

    assert addresses
    for address in addresses:
        assert httpx.get(servers.as_here(address), follow_redirects=True).status_code == 200
